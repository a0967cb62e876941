"""The leaderboard: who may take part, what follows from its values, that it is made again."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import onnx
import pytest
from lesson_code import noise
from onnx import numpy_helper

from course_utils import (
    color,
    colorizer,
    course,
    files,
    leaderboard,
    metrics,
    networks,
    paintbox,
    photos,
)
from course_utils.colorizer import METADATA, Colorizer
from course_utils.leaderboard import __main__ as command
from course_utils.leaderboard import costing, measuring
from course_utils.metrics import METRICS
from experiments.data import judged_photographs
from experiments.judging import judge

ROOT = Path(__file__).resolve().parents[1]
GRAPH = """
<ir_version: 8, opset_import: ["" : 17]>
toy (float[N,1,H,W] L) => (float[N,2,H,W] ab) <int64[1] channel = {1}> {
  rounded = Round (L)
  level = Cast <to = 7> (rounded)
  plane = Squeeze (level, channel)
  colors = Gather <axis = 0> (table, plane)
  ab = Transpose <perm = [0, 3, 1, 2]> (colors)
}
"""
ABOUT = dict.fromkeys(METADATA, "none") | {"metrics": "[]", "seed": "1", "size": "16"}
ABOUT["parameters"] = "202"


def write(path, table=(4.0, -7.0), graph=GRAPH, about=ABOUT):
    """A file that looks ab up by L, or something that is nearly one; return its path."""
    model = onnx.parser.parse_model(graph)
    table = np.broadcast_to(np.asarray(table, np.float32), (101, 2))
    model.graph.initializer.append(numpy_helper.from_array(table.copy(), "table"))
    onnx.helper.set_model_props(model, about)
    onnx.save(model, path)
    return path


@pytest.fixture
def toy(tmp_path):
    return {"toy": Colorizer.load(write(tmp_path / "toy.onnx"))}


@pytest.fixture(scope="module")
def boards():
    return leaderboard.stored()


@pytest.fixture(scope="module")
def board(boards):
    return boards["Intel"]


@pytest.fixture
def few_scenes(monkeypatch):
    monkeypatch.setattr(measuring, "SCENES", 2)


# Who may take part


def test_shipped_colorizers_take_part_in_the_order_of_the_lessons():
    models = leaderboard.shipped()
    assert list(models) == colorizer.names()
    assert leaderboard.short("02_mse_regression") == "S0" and leaderboard.short("mine") == "mine"
    assert leaderboard.short("02_of_my_own") == "02_of_my_own"  # a number alone makes no system


def wrong_inputs(path):
    write(path, graph=GRAPH.replace(" L)", " gray)").replace("(L)", "(gray)"))


def fixed_size(path):
    write(path, graph=GRAPH.replace("[N,1,H,W]", "[1,1,64,64]"))


def wrong_range(path):
    write(path, (0.4, -0.9))


def too_far(path):
    write(path, (4000.0, 0.0))


def no_metadata(path):
    write(path, about={})


def without_licence(path):
    write(path, about={k: v for k, v in ABOUT.items() if k != "licence"})


def not_finite(path):
    table = np.full((101, 2), 5.0)
    table[90:] = np.nan
    write(path, table)


def truncated(path):
    write(path)
    path.write_bytes(path.read_bytes()[:400])


def a_picture(path):
    path.write_bytes(b"\x89PNG and so on")


def missing(path):
    pass


def one_channel(path):
    write(path, graph=GRAPH.replace("[N,2,H,W]", "[N,1,H,W]"))


BROKEN = {
    wrong_inputs: "it has gray",
    fixed_size: "where L float32 (N, 1, H, W) of any N, H and W must be alone",
    wrong_range: "never leaves ±0.9 in ab",
    too_far: "reaches 4000 in ab",
    no_metadata: "its metadata lack lesson",
    without_licence: "its metadata lack licence",
    not_finite: "with NaN or infinity",
    truncated: "cannot be read as ONNX",
    a_picture: "cannot be read as ONNX",
    missing: "There is no colorizer",
    one_channel: "breaks the contract",
}


@pytest.mark.parametrize("damage", BROKEN, ids=lambda damage: damage.__name__)
def test_a_broken_file_is_told_why_in_one_sentence(damage, tmp_path, capfd):
    path = tmp_path / "bad.onnx"
    damage(path)
    models, refused = leaderboard.contestants([write(tmp_path / "good.onnx"), path])
    assert list(models) == ["good"] and list(refused) == [str(path)]
    why = refused[str(path)]
    assert BROKEN[damage] in why and why.endswith(".") and "\n" not in why
    assert not re.search(r"Traceback|onnxruntime|0x[0-9a-f]+", why)
    assert capfd.readouterr().err == ""


def test_zero_is_a_legitimate_answer(tmp_path):
    assert list(leaderboard.contestants([write(tmp_path / "zero.onnx", (0, 0))])[0]) == ["zero"]


@pytest.mark.parametrize("name", [leaderboard.GRAY, "02_mse_regression"])
def test_reserved_names_stay_with_whom_they_belong(name, tmp_path):
    models, _ = leaderboard.contestants([write(tmp_path / f"{name}.onnx", (9, 9))])
    assert list(models) == [f"{name} (yours)"]


def test_two_files_of_one_name_both_take_part(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "x.onnx")
    models, refused = leaderboard.contestants([tmp_path / f / "x.onnx" for f in "ab"])
    assert list(models) == ["x", "x (yours)"] and not refused


# Values


def test_values_of_scenes():
    scenes = paintbox.sample(3, 32, 5)
    best = measuring.scene_values(scenes, scenes.expected_ab())
    gray = measuring.scene_values(scenes, 0 * scenes.ab)
    assert best["regret"] == pytest.approx(0) and (best["mse"] < gray["mse"]).all()
    np.testing.assert_allclose(gray["mse"], (scenes.ab**2).mean((1, 2, 3)), rtol=1e-5)
    assert gray["chroma"] == pytest.approx(0)


def test_ceilings_stand_above_the_flat_color():
    yellow = np.full((40, 40, 3), (200, 180, 90), np.uint8)
    yellow[:, 20:] = (220, 130, 70)
    flat = metrics.psnr(yellow, metrics.paint_mean(yellow))
    for name, make in measuring.REFERENCES.items():
        assert ("ceiling" in name) == (metrics.psnr(yellow, make(yellow)) > flat)


def test_halves_share_no_photograph_and_bias_is_seen():
    x = np.random.default_rng(3).normal(size=(400, 6))
    floor = measuring.halved_distances(x, x, halvings=10)
    assert (floor > 0).all() and floor.mean() < 0.5
    moved = measuring.halved_distances(x, x + 2, halvings=10)
    assert moved.mean() == pytest.approx(floor.mean() + 6 * 4, rel=0.1)


# The measurement, small


def test_a_small_measurement_is_complete(toy, few_scenes):
    board = leaderboard.measure(toy, noise(4, 24), "noise")
    assert {"data", "n", "size", "seed"} <= set(board) and json.dumps(board, allow_nan=False)
    assert list(board["photographs"]) == list(board["rows"]) == [*measuring.REFERENCES, "toy"]
    for name, measured in board["photographs"].items():
        assert list(measured) == list(METRICS)
        for key, values in measured.items():
            assert len(values) == 4 and board["rows"][name][key][0] == np.mean(values)
    assert list(board["scenes"]) == [*measuring.SCENE_REFERENCES, "toy"]
    assert board["frechet"] == board["frechet_lite0"] == board["class_score"] == {}
    assert board["cost"]["toy"]["parameters"] == 202 and board["trained_on"] == {"toy": "none"}
    assert board["scenes"]["toy"]["chroma"] == pytest.approx([np.hypot(4, 7)] * 2, abs=1e-3)
    text = leaderboard.table(board)
    assert f"4 photographs (noise), 24 px, fingerprint {board['pictures']}" in text
    assert "toy" in text and "learned from" in text and "Fréchet" not in text
    assert "toy" in leaderboard.pairs_text(board, "psnr")


def test_memory_is_that_of_the_model_alone(toy, tmp_path):
    """A toy of 202 numbers costs little; one with 40 MB of weights at least as much more."""
    if not Path("/proc/self/status").is_file():
        pytest.skip("only Linux tells what a process holds")
    heavy = onnx.load(toy["toy"].path)
    idle = numpy_helper.from_array(np.ones((10_000_000,), np.float32), "idle")
    heavy.graph.initializer.append(idle)
    heavy.graph.node.insert(0, onnx.helper.make_node("ReduceMax", ["idle"], ["most"], keepdims=0))
    heavy.graph.node.insert(1, onnx.helper.make_node("Mul", ["L", "most"], ["scaled"]))
    heavy.graph.node[2].input[0] = "scaled"
    onnx.save(heavy, tmp_path / "heavy.onnx")
    light, much = (
        costing.memory(Colorizer.load(p)) for p in (toy["toy"].path, tmp_path / "heavy.onnx")
    )
    assert light < 60 and much > light + 30 and light % 10 == much % 10 == 0


def test_two_networks_judge_sets_of_pictures(toy, few_scenes, monkeypatch):
    """MobileNetV2 stands beside Lite0; at this N their numbers mean nothing, but they are there."""
    monkeypatch.setattr(measuring, "LEAST", 0.02)
    rgb = noise(6, 24)
    board = leaderboard.measure(toy, rgb, "noise")
    for key, count in (("frechet", 20), ("frechet_lite0", 20), ("class_score", 1)):
        judged = board[key]
        assert list(judged) == ["truth", leaderboard.GRAY, leaderboard.MEAN, "toy"]
        assert {len(values) for values in judged.values()} == {count}
    lite0 = networks.features("Lite0")
    p = lite0.classify([metrics.paint_gray(x) for x in rgb])
    assert board["class_score"]["gray"] == [pytest.approx(metrics.inception_score(p), abs=1e-4)]
    narrow = lite0.embed(rgb, "stride16")
    wanted = measuring.halved_distances(narrow, narrow)
    np.testing.assert_allclose(board["frechet_lite0"]["truth"], wanted, atol=1e-4)
    assert json.dumps(board, allow_nan=False)
    text = leaderboard.table(board)
    assert "Fréchet Lite0" in text and "class score" in text and "MobileNetV2" in text
    assert "FID" not in text.replace("not FID", "") and "IS)" not in text.replace("not IS", "")
    assert max(map(len, text.splitlines())) <= 100


# Sets of photographs


def test_own_colorizers_join_a_board_of_the_same_pictures(toy, few_scenes, tmp_path):
    rgb = noise(4, 24)
    board = leaderboard.measure(toy, rgb, "noise")
    mine = {"mine": Colorizer.load(write(tmp_path / "mine.onnx", (60, 60)))}
    joined = leaderboard.joined(board, leaderboard.measure(mine, rgb, "noise", False))
    both = leaderboard.measure(toy | mine, rgb, "noise")
    for key in ("photographs", "scenes", "rows", "trained_on"):
        assert joined[key] == both[key]
    assert set(joined["cost"]) == {"toy", "mine"}


def test_rows_of_two_sets_are_refused_in_one_sentence(toy, few_scenes, boards):
    other = leaderboard.measure(toy, noise(4, 24, seed=8), "other noise", False)
    with pytest.raises(ValueError, match="only rows that were measured on the same") as refused:
        leaderboard.joined(boards["album"], other)
    assert "the album's test split at 256 px" in str(refused.value)
    assert "other noise" in str(refused.value)
    with pytest.raises(ValueError, match="One board is of diverse test photographs"):
        leaderboard.joined(boards["diverse"], boards["Intel"])


def test_a_board_survives_being_packed(toy, few_scenes, monkeypatch):
    board = leaderboard.measure(toy, noise(3, 24), "noise") | {"kinds": ["fur", "sky", "sky"]}
    result = json.loads(json.dumps(leaderboard.packed({"noise": board, "again": board})))
    monkeypatch.setattr(course, "result", {"08/leaderboard": result}.get)
    assert leaderboard.stored() == {"noise": board, "again": board}


@pytest.fixture
def small_album(toy, few_scenes, monkeypatch):
    """The stored board of a small album, with the toy as the only shipped colorizer."""
    rgb = noise(3, 24)
    stored = leaderboard.measure(toy, rgb, leaderboard.boards.ALBUM)
    stored["photographs"]["toy"]["psnr"] = [1.0, 2.0, 3.0]  # to see where it comes from
    monkeypatch.setattr(photos, "load", lambda *where: rgb)
    monkeypatch.setattr(measuring, "shipped", lambda: toy)
    monkeypatch.setattr(leaderboard, "shipped", lambda: toy)
    monkeypatch.setattr(costing, "memory", lambda model: None)  # what only Linux tells
    monkeypatch.setattr(leaderboard.boards, "stored", lambda: {"album": stored})
    return stored


def test_own_colorizers_stand_beside_the_stored_rows_of_the_album(small_album, tmp_path):
    mine = {"mine": Colorizer.load(write(tmp_path / "mine.onnx", (60, 60)))}
    board = leaderboard.on_album(mine)
    assert list(board["trained_on"]) == ["toy", "mine"] and set(board["rows"]) > {
        "gray",
        "toy",
        "mine",
    }
    assert board["photographs"]["toy"]["psnr"] == [1.0, 2.0, 3.0]


def test_where_the_album_decodes_otherwise_all_are_measured_again(small_album, tmp_path):
    small_album["pictures"] = "of another machine"
    mine = {"mine": Colorizer.load(write(tmp_path / "mine.onnx", (60, 60)))}
    board = leaderboard.on_album(mine)
    assert list(board["trained_on"]) == ["toy", "mine"]
    assert board["photographs"]["toy"]["psnr"] != [1.0, 2.0, 3.0]


@pytest.fixture
def conversions(monkeypatch):
    """A list that grows by one for every array that is converted to Lab or back."""
    calls = []
    for name in ("rgb_to_lab", "lab_to_rgb", "L"):
        real = getattr(color, name)
        monkeypatch.setattr(color, name, lambda x, real=real: calls.append(1) or real(x))
    return calls


def test_judging_converts_as_little_as_measuring(toy, conversions):
    """The truth once, two rows without a network twice, and three times for the model."""
    rgb = noise(4, 24)
    judge(rgb, {"toy": next(iter(toy.values())).colorize})
    assert len(conversions) == (1 + 2 * 2 + 3) * len(rgb)


def test_the_lab_of_the_truth_is_converted_once_for_all_models(toy, conversions):
    """A model costs three conversions a photograph: its L, its colors, and its result's Lab."""
    calls = conversions
    rgb, counts = noise(4, 24), []
    for n in (1, 2):
        models = {f"m{i}": next(iter(toy.values())) for i in range(n)}
        calls.clear()
        leaderboard.on_photographs(models, rgb, "noise", references=False)
        counts.append(len(calls))
    assert counts[1] - counts[0] == 3 * len(rgb)


def test_the_command_measures_on_the_album(small_album, tmp_path, capsys):
    good, bad = write(tmp_path / "mine.onnx", (9, 9)), tmp_path / "bad.onnx"
    truncated(bad)
    assert command.main([str(good), str(bad)]) == 1
    said = capsys.readouterr()
    assert "mine" in said.out and "3 photographs (the album's test split" in said.out
    assert said.err.count("\n") == 1 and "bad.onnx does not take part: " in said.err
    assert command.main([str(good)]) == 0


def test_the_command_without_files_prints_every_stored_board(boards, capsys):
    assert command.main([]) == 0
    said = capsys.readouterr().out
    for board in boards.values():
        assert leaderboard.table(board) in said


@pytest.mark.stress
def test_the_command_works_from_the_wheel(tmp_path):
    """The files of the wheel alone, in an empty folder: the album and the stored rows are there."""
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    write(tmp_path / "mine.onnx", (9, 9))
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    run = subprocess.run(
        [sys.executable, "-c", WHEEL, "mine.onnx", "bad.onnx"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site"), "COURSE_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1, run.stderr
    assert "56 photographs (the album's test split" in run.stdout and "mine over" in run.stdout
    (why,) = [line for line in run.stderr.splitlines() if "does not take part" in line]
    assert why.startswith("bad.onnx does not take part: ") and why.endswith("export it again.")
    assert "bad.onnx cannot be read as ONNX: it is damaged or something else" in why


# Nothing of the clone may be imported: only what the wheel holds.
WHEEL = """
import sys
from course_utils import files
from course_utils.leaderboard import __main__, costing
costing.TURNS = 1  # of fifteen photographs that are timed
code = __main__.main(sys.argv[1:])
assert files.PACKAGE.parent.name == "site" and "experiments" not in sys.modules
sys.exit(code)
"""


# Pairs


def as_board(**rows):
    """A board of nothing but PSNRs; its colorizers are all but gray."""
    photographs = {name: {"psnr": list(values)} for name, values in rows.items()}
    return {"photographs": photographs, "trained_on": {name: "" for name in rows if name != "gray"}}


def test_pairs_know_the_better_one_and_the_size_of_its_lead():
    rng = np.random.default_rng(4)
    hard = rng.normal(25, 5, 300)
    board = as_board(gray=hard, a=hard + 0.5 + rng.normal(0, 0.5, 300), b=hard + 3)
    found = {(p["first"], p["second"]): p for p in leaderboard.pairs(board, "psnr")}
    assert set(found) == {("b", "gray"), ("b", "a"), ("a", "gray")}
    mean, low, high = found["a", "gray"]["lead"]
    assert 0 < low < 0.5 < high < 0.7 and low < mean < high  # single intervals are 1.1 wide
    assert all(p["holm"] for p in found.values())


def test_pairs_of_equals_fall():
    rng = np.random.default_rng(4)
    board = as_board(**{name: rng.normal(25, 2, 200) for name in "abcd"})
    found = leaderboard.pairs(board, "psnr")
    assert len(found) == 6 and not any(p["holm"] for p in found)
    assert all(0 < p["p"] <= 1 for p in found)
    twins = leaderboard.pairs(as_board(a=[1.0, 2.0], b=[1.0, 2.0]), "psnr")
    assert twins[0]["p"] == 1 and twins[0]["lead"] == [0, 0, 0]


def test_less_is_better_where_it_is():
    board = as_board(a=[1.0, 2.0, 3.0], b=[2.0, 3.0, 4.0])
    for row in board["photographs"].values():
        row["delta_e"] = row.pop("psnr")
    (pair,) = leaderboard.pairs(board, "delta_e")
    assert (pair["first"], pair["second"], pair["lead"][0]) == ("a", "b", 1)


def test_holm():
    assert metrics.holm([0.01, 0.04, 0.03, 0.005]).tolist() == [True, False, False, True]
    assert metrics.holm([0.02, 0.02]).tolist() == [True, True]
    assert metrics.holm([0.03, 0.02]).tolist() == [True, True]
    assert metrics.holm([0.026, 0.051]).tolist() == [False, False]
    p = np.random.default_rng(2).uniform(size=(2000, 8))
    assert np.mean([metrics.holm(x).any() for x in p]) < 0.06  # one error in twenty families


# The stored result


def test_the_stored_rows_follow_from_the_stored_values(boards):
    """Means of all metrics of two sets; PSNR of the others is stored with three digits."""
    for board in boards.values():
        assert list(board["cost"]) == list(board["trained_on"]) == colorizer.names()
        assert set(board["rows"]) >= {leaderboard.GRAY, leaderboard.MEAN, *board["cost"]}
        for name, measured in board["photographs"].items():
            for key, values in measured.items():
                row = metrics.bootstrap(values)
                np.testing.assert_allclose(row, board["rows"][name][key], atol=2e-3, err_msg=name)


def test_two_sets_have_the_values_of_all_metrics_and_say_what_they_show(boards):
    for name in ("Intel", "album"):
        assert all(set(row) == set(METRICS) for row in boards[name]["photographs"].values())
    for name in ("diverse", "Intel", "album"):
        assert len(boards[name]["kinds"]) == boards[name]["n"]
    assert boards["album"]["kinds"] == [photo.category for photo in photos.album("test")]


def test_costs_are_those_of_the_files(board):
    for name, cost in board["cost"].items():
        model = Colorizer.load(name)
        assert cost["parameters"] == model.metadata["parameters"] and cost["works at"] == model.size
        assert cost["megabytes"] == pytest.approx(model.n_bytes / 1e6, abs=0.006)


@pytest.mark.stress
def test_the_half_on_scenes_is_made_again_completely(board):
    scenes = measuring.drawn_scenes()
    answers = {name: make(scenes) for name, make in measuring.SCENE_REFERENCES.items()}
    answers |= {name: model.ab(scenes.L) for name, model in leaderboard.shipped().items()}
    assert set(answers) == set(board["scenes"])
    for name, ab_hat in answers.items():
        values = measuring.scene_values(scenes, ab_hat)
        for key, stored in board["scenes"][name].items():
            np.testing.assert_allclose(values[key], stored, rtol=2e-3, atol=0.02, err_msg=name)


def test_two_of_the_album_are_measured_again(boards):
    remeasured(photos.load("album", "test", 256), boards["album"], 2)


def test_three_photographs_are_measured_again(shared_data, board):
    remeasured(judged_photographs(), board, 3)


def remeasured(rgb, board, count):
    """Assert that some photographs of a board give its stored values again."""
    assert measuring.fingerprint(rgb) == board["pictures"]
    some = np.random.default_rng(3).choice(len(rgb), count, replace=False)
    painters = measuring.REFERENCES | {k: m.colorize for k, m in leaderboard.shipped().items()}
    for name, paint in painters.items():
        values = metrics.each(rgb[some], [paint(x) for x in rgb[some]])
        for key, found in values.items():
            wanted = np.take(board["photographs"][name][key], some)
            # A step of one in a few 8-bit values is what another processor may round otherwise.
            loose = 5 * 10 ** -METRICS[key].digits
            np.testing.assert_allclose(found, wanted, atol=loose, err_msg=f"{name} {key}")


@pytest.mark.parametrize("key", ["frechet", "frechet_lite0"])
def test_real_against_real_is_nearest(board, key):
    means = {name: np.mean(values) for name, values in board[key].items()}
    assert min(means, key=means.get) == "truth"
    assert set(means) == {"truth", leaderboard.GRAY, leaderboard.MEAN, *board["cost"]}


def test_the_result_names_no_place_and_no_moment():
    text = (files.RESULTS / "08/leaderboard.json").read_text(encoding="utf-8")
    assert not re.search(r"\d{4}-\d\d-\d\d|\"/|[a-z]/[a-z]+/", text)
