"""What vividness costs: each measure on inputs whose answer is known."""

import numpy as np
import pytest
import torch
from torch import nn

from course_utils import bins, color, metrics
from experiments import checkpoints, vividness

CENTERS = bins.ab_bins()


def pale_squares(n=6, side=16):
    """Photographs (n, side, side, 3) of eight pale colors each, all of one L."""
    rng = np.random.default_rng(0)
    ab = rng.uniform(-20, 20, (n, 2, 4, 2)).repeat(side // 2, 1).repeat(side // 4, 2)
    L = np.full((n, side, side, 1), 60.0)
    return np.round(255 * color.with_ab(L, ab)).astype(np.uint8)


def test_k_gives_the_psnr_that_was_wanted():
    rgb = pale_squares()
    by_L = iter(list(rgb))

    def half(L):  # asked once for each photograph, in order
        return color.ab(next(by_L)) / 2

    hats = [vividness.painted(color.L(x), lambda _, x=x: 0.8 * color.ab(x)) for x in rgb]
    wanted = float(np.mean(metrics.psnr(rgb, hats)))
    # Both 0.8 and 1.2 times the true color have this PSNR; above 1 / 2 the larger k is found.
    assert vividness.equal_psnr(rgb, half, wanted) == pytest.approx(2.4, abs=0.1)


def test_vividness_of_gray_and_of_the_truth():
    rgb = pale_squares()
    of = {color.L(x).tobytes(): color.ab(x) for x in rgb}
    found = vividness.vividness(rgb[:1], {"truth again": lambda L: of[L.tobytes()]})
    assert max(found["gray"]["colorfulness"]) < 1 < min(found["truth"]["colorfulness"])
    assert found["truth again"]["psnr"][0] > 45 > found["gray"]["psnr"][0]


class Known(nn.Module):
    """One distribution everywhere: bins 100 and 200 with the chance p of the first."""

    def __init__(self, p):
        super().__init__()
        self.log_p = torch.full((313, 1, 1), -20.0)
        self.log_p[100], self.log_p[200] = np.log(p), np.log(1 - p)

    def forward(self, x):
        n, _, h, w = x.shape
        return self.log_p.expand(n, 313, h // 4, w // 4)


def two_colors(share, n=40):
    """Photographs of blocks whose color is bin 100 in `share` of all places, else bin 200."""
    rng = np.random.default_rng(1)
    first = rng.uniform(size=(n, 8, 8)) < share
    ab = np.where(first[..., None], CENTERS[100], CENTERS[200]).repeat(4, 1).repeat(4, 2)
    return 255 * color.with_ab(np.full((n, 32, 32, 1), 55.0), ab)


@pytest.mark.parametrize("said, ece", [(0.7, 0.0), (0.9, 0.2)])
def test_calibration_of_a_known_distribution(said, ece):
    rgb = np.round(two_colors(0.7)).astype(np.uint8)
    found = vividness.calibration(Known(said), rgb)
    assert found["ece"] == pytest.approx(ece, abs=0.03)
    assert found["nll"] == pytest.approx(-0.7 * np.log(said) - 0.3 * np.log(1 - said), abs=0.05)


class Colors:
    """Features of a picture that are its mean color and its spread."""

    def embed(self, rgb, layer):
        rgb = np.asarray(rgb, float)
        return np.concatenate([rgb.mean((1, 2)), rgb.std((1, 2))], 1)


def test_a_frechet_distance_tells_paints_apart(monkeypatch):
    monkeypatch.setattr(vividness.networks, "features", lambda name: Colors())
    rgb = np.concatenate([pale_squares(30), two_colors(0.5, 30)[:, :16, :16].astype(np.uint8)])
    of = {color.L(x).tobytes(): color.ab(x) for x in rgb}
    paints = {"all": lambda L: of[L.tobytes()], "half": lambda L: of[L.tobytes()] / 2}
    found = vividness.frechet(rgb, paints, "all", rounds=40)
    assert 0 <= found["all"][0] < found["half"][0] < found["gray"][0]
    assert found["all - half"][2] < 0
    mean, low, high = found["half"]
    assert low <= mean * 1.2 and high >= mean * 0.8


def test_the_mean_of_a_distribution_that_is_rebalanced_and_cooled():
    prior = np.full(313, 1e-5)
    prior[100], prior[200] = 0.9, 0.1
    net = checkpoints.Distribution(Known(0.7), prior / prior.sum())
    x = torch.zeros(1, 1, 8, 8)

    def color_of(T, rebalance):
        return color.AB_SCALE * net(x, torch.tensor(T), torch.tensor(rebalance))[0, :, 0, 0].numpy()

    mean = 0.7 * CENTERS[100] + 0.3 * CENTERS[200]
    assert color_of(1.0, 0.0) == pytest.approx(mean, abs=1e-3)
    assert color_of(0.02, 0.0) == pytest.approx(CENTERS[100], abs=1e-3)  # the likeliest
    w = bins.rebalance(prior / prior.sum())[[100, 200]]
    p = np.array([0.7, 0.3]) * w
    assert color_of(1.0, 1.0) == pytest.approx(p / p.sum() @ CENTERS[[100, 200]], abs=1e-2)
