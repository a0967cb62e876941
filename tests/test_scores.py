"""The class score and the Fréchet distance: closed forms, properties, and torchmetrics beside them.

torchmetrics takes a network of one's own, so that neither Inception nor its weights are needed.
"""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import rel_entr, softmax

from course_utils import metrics, networks

repeatable = settings(deadline=None, max_examples=40, derandomize=True)


@st.composite
def tables(draw, sharpness=8):
    """Probabilities (N, classes) of all kinds, from even to certain."""
    shape = draw(st.tuples(st.integers(1, 40), st.integers(2, 9)))
    logits = hnp.arrays(np.float64, shape, elements=st.floats(-sharpness, sharpness))
    return softmax(draw(logits), axis=1)


def printed(p):
    """The formula as the paper prints it."""
    return np.exp(rel_entr(p, p.mean(axis=0)).sum(axis=1).mean())


# The class score


@repeatable
@given(tables())
def test_the_printed_formula(p):
    assert metrics.inception_score(p) == pytest.approx(printed(p), rel=1e-9)


@repeatable
@given(tables())
def test_it_lies_between_one_and_the_number_of_classes(p):
    score = metrics.inception_score(p)
    assert 1 <= score <= min(p.shape) * (1 + 1e-12)


@repeatable
@given(tables(), st.integers(2, 30))
def test_equal_rows_score_one(p, copies):
    assert metrics.inception_score(np.repeat(p[:1], copies, axis=0)) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("classes", [2, 6, 1000])
def test_certain_and_balanced_answers_score_the_number_of_classes(classes):
    p = np.tile(np.eye(classes), (3, 1))
    assert metrics.inception_score(p) == pytest.approx(classes, rel=1e-12)
    unbalanced = np.concatenate([p, np.eye(classes)[[0, 0, 0]]])
    assert metrics.inception_score(unbalanced) < classes * (1 - 1e-4)


def test_two_answers_written_out():
    """Certain of the first class, and undecided: m = (3/4, 1/4)."""
    p = np.array([[1.0, 0.0], [0.5, 0.5]])
    kl = [np.log(4 / 3), 0.5 * np.log(2 / 3) + 0.5 * np.log(2)]
    assert metrics.inception_score(p) == pytest.approx(np.exp(np.mean(kl)), rel=1e-12)


@repeatable
@given(tables(), st.randoms(use_true_random=False), st.integers(2, 5))
def test_order_of_pictures_and_of_classes_and_copies_do_not_count(p, random, copies):
    rows, columns = list(range(len(p))), list(range(p.shape[1]))
    random.shuffle(rows)
    random.shuffle(columns)
    score = metrics.inception_score(p)
    assert metrics.inception_score(p[rows][:, columns]) == pytest.approx(score, rel=1e-9)
    assert metrics.inception_score(np.repeat(p, copies, axis=0)) == pytest.approx(score, rel=1e-9)


@repeatable
@given(tables(), st.integers(2, 5))
def test_equal_parts_never_score_more_in_the_mean_logarithm(p, parts):
    """What the docstring says of the paper's splits."""
    p = p[: len(p) // parts * parts]
    if len(p):
        logs = [np.log(metrics.inception_score(part)) for part in np.split(p, parts)]
        assert np.mean(logs) <= np.log(metrics.inception_score(p)) + 1e-9


def test_fewer_pictures_score_less():
    """The bias is downward, unlike that of the Fréchet distance; both make a small set look worse.

    Of N pictures whose answers are certain and equally often each of K classes, the logarithm
    lacks about (K - 1) / 2N (Miller 1955, of the entropy).
    """
    rng = np.random.default_rng(2)
    means = []
    for n in (30, 60, 120, 240):
        scores = [metrics.inception_score(np.eye(6)[rng.integers(6, size=n)]) for _ in range(400)]
        means.append(np.log(scores).mean())
    assert (np.diff(means) > 0).all() and means[-1] < np.log(6)
    missing = np.log(6) - np.array(means)
    np.testing.assert_allclose(missing, 5 / (2 * np.array([30, 60, 120, 240])), rtol=0.15)


def test_float32_answers_of_a_network_are_probabilities_enough():
    p = softmax(np.random.default_rng(1).normal(0, 3, (50, 1000)).astype(np.float32), axis=1)
    assert p.dtype == np.float32
    wanted = printed(p.astype(np.float64) / p.sum(axis=1, keepdims=True, dtype=np.float64))
    assert metrics.inception_score(p) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize(
    "p, sentence",
    [
        (np.full(6, 1 / 6), r"\(6,\); it must be \(N, classes\)"),
        (np.ones((4, 1)), r"\(4, 1\); it must"),
        (np.ones((0, 6)), r"\(0, 6\); it must"),
        (np.eye(3) * 2, "sum to 2 to 2; give probabilities"),
        (np.array([[1.5, -0.5]]), "spans -0.5 to 1.5"),
        (np.array([[np.nan, 1.0]]), "spans nan"),
        (np.random.default_rng(0).normal(size=(5, 6)), "the softmax of logits"),
    ],
)
def test_the_class_score_refuses(p, sentence):
    with pytest.raises(ValueError, match=sentence):
        metrics.inception_score(p)


# Beside torchmetrics


def passes_through(width):
    """A network for torchmetrics that gives its pictures (N, width, 1, 1) back as features."""
    import torch

    class Features(torch.nn.Module):
        num_features = width

        def forward(self, x):
            return x.flatten(1)

    return Features()


def as_pictures(x):
    import torch

    return torch.from_numpy(np.asarray(x)[..., None, None])


def theirs(metric, *updates):
    """A torchmetrics metric in double precision, after these updates."""
    metric.set_dtype(updates[0][0].dtype)
    for update in updates:
        metric.update(*update)
    return metric.compute()


def their_class_score(logits):
    inception = pytest.importorskip("torchmetrics.image.inception")
    with warnings.catch_warnings(action="ignore"):  # that it keeps all features in memory
        metric = inception.InceptionScore(feature=passes_through(logits.shape[1]), splits=1)
        return float(theirs(metric, (as_pictures(logits),))[0])


def their_distance(x, y):
    fid = pytest.importorskip("torchmetrics.image.fid")
    metric = fid.FrechetInceptionDistance(feature=passes_through(x.shape[1]))
    return float(theirs(metric, (as_pictures(x), True), (as_pictures(y), False)))


@pytest.mark.parametrize("n, classes, sharpness", [(40, 6, 3), (300, 10, 1), (64, 1000, 4)])
def test_the_class_score_agrees_with_torchmetrics(n, classes, sharpness):
    logits = np.random.default_rng(n).normal(0, sharpness, (n, classes))
    ours = metrics.inception_score(softmax(logits, axis=1))
    assert ours == pytest.approx(their_class_score(logits), rel=1e-6)


@pytest.mark.parametrize("n, width, shift", [(60, 4, 0.0), (400, 48, 0.1), (500, 100, 1.0)])
def test_the_frechet_distance_agrees_with_torchmetrics(n, width, shift):
    rng = np.random.default_rng(width)
    x = rng.normal(size=(n, width)) @ rng.normal(size=(width, width))
    y = rng.normal(size=(n + 7, width)) @ rng.normal(size=(width, width)) + shift
    assert metrics.frechet_distance(x, y) == pytest.approx(their_distance(x, y), rel=1e-6)


def test_both_agree_with_torchmetrics_on_the_course_s_own_network():
    from course_utils import paintbox

    rgb = np.round(255 * paintbox.sample(200, 32, seed=4).rgb.clip(0, 1)).astype(np.uint8)
    gray = np.stack([metrics.paint_gray(x) for x in rgb])
    network = networks.features("course_RGB")
    x, y = (network.embed(pictures).astype(np.float64) for pictures in (rgb, gray))
    assert metrics.frechet_distance(x, y) == pytest.approx(their_distance(x, y), rel=1e-4)
    p = network.classify(rgb).astype(np.float64)
    assert metrics.inception_score(p) == pytest.approx(their_class_score(np.log(p)), rel=1e-5)


def test_psnr_agrees_with_torchmetrics():
    functional = pytest.importorskip("torchmetrics.functional.image")
    import torch

    x, y = np.random.default_rng(3).random((2, 4, 9, 8, 3))
    value = functional.peak_signal_noise_ratio(
        torch.from_numpy(y), torch.from_numpy(x), data_range=1.0, dim=(1, 2, 3), reduction="none"
    )
    np.testing.assert_allclose(metrics.psnr(x, y), value.numpy(), rtol=1e-6)


# Another color, the same L


def test_repaint_keeps_the_lightness_and_the_kind():
    rgb = np.round(255 * np.random.default_rng(1).uniform(0.3, 0.7, (8, 9, 3))).astype(np.uint8)
    for x in (rgb, rgb / np.float32(255)):
        faded = metrics.repaint(x, lambda ab: ab / 2)
        assert faded.dtype == x.dtype and faded.shape == x.shape
        L, L_faded = (_lab(y)[..., 0] for y in (x, faded))
        np.testing.assert_allclose(L_faded, L, atol=0.4 if x.dtype == np.uint8 else 1e-3)
        wanted = _lab(x)[..., 1:] / 2
        np.testing.assert_allclose(_lab(faded)[..., 1:], wanted, atol=1.5)
    with pytest.raises(ValueError, match="int64; give uint8"):
        metrics.repaint(rgb.astype(int), lambda ab: ab)


def _lab(rgb):
    from course_utils import color

    return color.rgb_to_lab(rgb)
