"""Experiments of lesson 05 at toy size: what they return, and that they survive a kill."""

import numpy as np
import pytest
import torch
from experiment_toys import ADDED, Killed
from lesson_code import noise

from course_utils import bins, color, course, metrics, paintbox, training
from course_utils.colorizer import Colorizer
from experiments import lesson_05 as experiments
from experiments.runner import Run

L = experiments.L
PLAN = ((16, 1e-3), (24, 1e-4))


def killed_after(patch, states):
    """Training dies when it has written this many states."""
    whole, written = training.keep_torch, []

    def keep(folder, rows, *arguments, **parts):
        whole(folder, rows, *arguments, **parts)
        written.append(folder)
        if len(written) == states:
            raise Killed

    patch.setattr(training, "keep_torch", keep)


def untimed(value):
    """A result without what two runs cannot share: minutes, and how fast a file is."""
    if isinstance(value, dict):
        value = {k: untimed(v) for k, v in value.items() if k != "minutes"}
        if "precision" in value:
            value["precision"] = [[*row[:2], *row[3:]] for row in value["precision"]]
    return [untimed(v) for v in value] if isinstance(value, list) else value


def survives(experiment, tmp_path, states=3, **toy):
    """The result of a run, which equals that of one that was killed after some epochs."""
    whole = experiment(Run(tmp_path / "whole"), **toy)
    with pytest.MonkeyPatch.context() as patch:
        killed_after(patch, states)
        with pytest.raises(Killed):
            experiment(Run(tmp_path / "killed"), **toy)
    assert list((tmp_path / "killed").rglob("epoch_001.pt")), "nothing to go on with"
    assert untimed(experiment(Run(tmp_path / "killed"), **toy)) == untimed(whole)
    return whole


def same_form(result, name, *parts):
    """A result has the keys of the stored one, and so have these parts of it."""
    stored = course.result(name)
    assert set(result) == set(stored) - ADDED
    for part in parts:
        assert set(result[part]) == set(stored[part])


# Paintbox


def test_paintbox(tmp_path):
    result = survives(experiments.on_paintbox, tmp_path, n=16, epochs=2, n_test=4)
    same_form(result, "05/paintbox", "floor", "losses", "perfect", "arms")
    stored = course.result("05/paintbox")
    for arm, scores in result["arms"].items():
        assert set(scores) == set(stored["arms"][arm])
        assert len(result["losses"][arm]) == 2
    assert result["perfect"]["regret"][0] == pytest.approx(0, abs=1e-5)
    for key in ("exact prices", "native prices", "stretched mean"):
        assert np.shape(result[key]) == np.shape(stored[key])
    assert list(result["T"]) == stored["T"]


def test_a_state_of_another_arm_or_of_other_scenes_is_refused(tmp_path):
    scenes = [paintbox.sample(16, 64, seed=s) for s in (1, 2)]
    w = bins.rebalance(bins.prior(scenes[0].ab))
    run = Run(tmp_path)

    def train(arm="plain", w=w, source=scenes[0], epochs=1, run=run):
        return experiments.train_arm(arm, w, source, epochs, run, "state")[1]

    rows = train()
    assert train() == rows
    other = {"arm": "rebalanced"}, {"w": w[::-1].copy()}, {"source": scenes[1]}, {"epochs": 2}
    for changed in (*other, {"run": Run(tmp_path, seed=2)}):
        with pytest.raises(ValueError, match="was trained with another"):
            train(**changed)


def test_dividing_by_the_weights_restores_the_truth():
    rng = np.random.default_rng(2)
    w = bins.rebalance(rng.dirichlet(np.full(313, 0.5)))
    p = rng.dirichlet(np.full(313, 0.1), (2, 3))
    q = p * w / (p * w).sum(-1, keepdims=True)
    np.testing.assert_allclose(experiments.restored(q, w), p, atol=1e-6)


def test_prices_of_the_best_answer_and_of_the_truth():
    scenes = paintbox.sample(20, 64, seed=9)
    best = experiments.price(scenes, scenes.expected_ab())
    truth = experiments.price(scenes, scenes.ab)
    gray = experiments.price(scenes, 0 * scenes.ab)
    assert best[1] < min(gray[1], truth[1]) and gray[0] == 0
    assert truth[1] == pytest.approx(2 * best[1], rel=0.15)  # another draw costs the variance twice
    assert truth[2] < 3 < 20 < best[2]


# Photographs


def test_photographs(tmp_path, monkeypatch):
    def of_classes(names, n, size):
        return noise(n * len(names), size, seed=len(names))

    monkeypatch.setattr(experiments, "class_photographs", of_classes)
    monkeypatch.setattr(experiments, "judged_photographs", lambda size: noise(3, size))
    toy = {"n": 10, "n_mixed": 3, "size": 30, "epochs": 2}
    result = survives(experiments.on_photographs, tmp_path, **toy)
    same_form(result, "05/photographs", "gain", "psnr", "rows")
    stored = course.result("05/photographs")
    assert [row["name"] for row in result["table"]] == [row["name"] for row in stored["table"]]
    assert {*result["rows"]["plain"][1]} == {*stored["rows"]["plain"][1]}
    assert result["n"] == 20 and len(result["warm"]) == 3 and len(result["w"]) == 313
    psnr = {row["name"]: row["psnr"][0] for row in result["table"]}
    assert psnr["nearest bin (ceiling)"] > psnr["plain"]


def test_class_photographs_are_all_of_the_training_split(tmp_path, monkeypatch):
    def load(folder, split, size, color_only):
        assert color_only and folder.parent == tmp_path / "intel" / "seg_train"
        value = 2 * ("mountain", "glacier").index(folder.name) + (split == "test")
        return np.full((3, size, size, 3), value, np.uint8)

    monkeypatch.setattr(experiments, "shared", lambda name: tmp_path / name)
    monkeypatch.setattr(experiments.photos, "load", load)
    rgb = experiments.class_photographs(("mountain", "glacier"), 5, 24)
    assert rgb.shape == (10, 24, 24, 3)
    assert rgb[:, 0, 0, 0].tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 3, 3]


def test_photographs_of_any_size_are_padded_and_cropped():
    rgb = noise(1, 30)[0, :, :18]
    for channels in (2, 313):
        hat = experiments.painter(L.body(channels, thin=8))(rgb)
        assert hat.shape == rgb.shape and hat.dtype == np.uint8


def test_warm_errors_are_counted_on_warm_pixels_only():
    red = np.full((1, 8, 8, 3), (200, 40, 20), np.uint8)
    red[0, :, 4:] = (20, 40, 200)
    rows = experiments.warm_errors(red, [lambda rgb: rgb, metrics.paint_gray])
    assert rows[0][0] == 32
    assert rows[0][2] == 0 < rows[0][1] == pytest.approx(rows[0][3], rel=1e-2)


def test_the_ceilings_are_near_the_truth():
    rgb = np.round(255 * paintbox.sample(1, 64, seed=3).rgb[0]).astype(np.uint8)
    gray = metrics.psnr(rgb, metrics.paint_gray(rgb))
    assert metrics.psnr(rgb, experiments.nearest_bin(rgb)) > gray + 10
    assert gray + 1 < metrics.psnr(rgb, experiments.quarter_code(rgb))
    smooth = np.full((30, 30, 3), (120, 90, 60), np.uint8)
    assert metrics.psnr(smooth, experiments.quarter_code(smooth)) > 35


# The checkpoint


def test_checkpoint(tmp_path, monkeypatch):
    shipped = {}
    monkeypatch.setattr(experiments, "photographs", lambda size: noise(20, size))
    monkeypatch.setattr(experiments, "judged_photographs", lambda: noise(3, 30))
    monkeypatch.setattr(
        experiments, "ship", lambda path, name, table: shipped.update({name: (path, table)})
    )
    toy = {"plan": PLAN, "thin": 8, "held_out": 3, "judged": 2}
    result = survives(experiments.checkpoint, tmp_path, states=1, **toy)
    same_form(result, "05/checkpoint", "gain", "psnr")
    stored = course.result("05/checkpoint")
    assert [row["name"] for row in result["table"]] == [row["name"] for row in stored["table"]]
    assert set(result["rows"][1]) == set(stored["rows"][1])
    assert [row["rate"] for row in result["rows"]] == [1e-3, 1e-4] and result["n"] == 17
    path, table = shipped["05_quantized_classification"]
    model = Colorizer.load(path)
    assert model.size == 24 and model.T == 0.38 and table == result["table"]
    known = Colorizer.load("05_quantized_classification").metadata
    assert set(model.metadata) == set(known)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A network of chance and its file."""
    torch.manual_seed(3)
    network = L.body(thin=8)
    about = {"n": 1, "size": 24, "seed": 1, "plan": PLAN, "rows": [{"minutes": 2.5}] * 2}
    path = tmp_path_factory.mktemp("file") / "toy.onnx"
    return network.eval(), experiments.export(network, about, path)


def test_the_file_colors_as_the_network_does(exported):
    network, path = exported
    model, photo = Colorizer.load(path), noise(1, 96)[0]
    assert model.metadata["minutes"].startswith("5, on ")
    for T in (None, 1.0):
        ours = experiments.painter(network, T=T or 0.38)(photo).astype(int)
        light = color.L(photo)
        held = color.in_gamut(color.join(light, model.ab_for(light, T)))  # the painter clips others
        assert held.mean() > 0.5
        assert np.abs(ours - model.colorize(photo, T))[held].max() <= 2


def test_the_file_has_its_probabilities_inside(exported):
    network, path = exported
    session, inner = L.with_probabilities(path)
    x = np.random.default_rng(0).uniform(0, 100, (1, 1, 16, 24)).astype(np.float32)
    (inside,) = session.run([inner], {"L": x, "T": np.array(1, np.float32)})
    with torch.inference_mode():
        wanted = network(torch.from_numpy(x) / 100).softmax(1)
    np.testing.assert_allclose(inside, wanted.numpy(), atol=1e-3)


def test_three_files_of_one_network(exported):
    table = experiments.precision_table(exported[0], noise(4, 24), noise(2, 30))
    names, sizes, _, largest, mean = zip(*table)
    assert names == ("float32", "float16 in the file", "int8") and sorted(sizes)[::-1] == [*sizes]
    assert largest[0] == 0 and 0 < largest[1] < 0.5 and mean[2] <= largest[2]


def test_scores_of_photographs_by_temperature(exported):
    """One photograph of one color, and a network that knows nothing: T moves it from the mean."""
    rgb = np.full((1, 16, 16, 3), (120, 90, 60), np.uint8)
    row = experiments.photo_scores(exported[0], rgb)
    stored = course.result("05/checkpoint")["rows"][0]
    assert {*row} < {*stored}
    q = L.distribution(exported[0], color.L(rgb), "cpu")
    chroma = [np.hypot(*np.moveaxis(bins.decode(q, T), -1, 0)).mean() for T in (1.0, 0.38)]
    assert [row["chroma 1"], row["chroma 0.38"]] == pytest.approx(chroma, rel=0.02)
