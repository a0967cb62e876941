"""The naturalness study: its interval, found in another way; its widget, used as with a mouse."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binomtest

from course_utils import study

SAYS = "A picture and two buttons."


@pytest.fixture(autouse=True)
def shown(monkeypatch):
    outputs = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: outputs.append(data))
    return outputs


@pytest.fixture
def pictures():
    levels = {"truth": (10, 20, 30), "S1": (110, 120, 130)}
    return {
        kind: {f"p{i}": np.full((4, 6, 3), level, np.uint8) for i, level in enumerate(values)}
        for kind, values in levels.items()
    }


def level(box):
    """The gray level of the picture on show: it tells which it is."""
    return int(np.asarray(Image.open(io.BytesIO(box.children[0].value)))[0, 0, 0])


def click(box, natural):
    box.children[1].children[0 if natural else 1].click()


# Wilson


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (9, 10), (10, 10), (896, 1000), (1, 1)])
def test_wilson_is_the_interval_of_scipy(k, n):
    low, high = study.wilson(k, n)
    known = binomtest(k, n).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((known.low, known.high), abs=1e-5)
    assert 0 <= low <= k / n <= high <= 1


def test_wilson_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    for p in (0.05, 0.5, 0.9):
        ends = np.array([study.wilson(int(k), 40) for k in rng.binomial(40, p, 2000)])
        covered = ((ends[:, 0] <= p) & (p <= ends[:, 1])).mean()
        assert 0.92 < covered < 0.985


def test_more_answers_make_it_narrower():
    widths = [np.diff(study.wilson(round(0.9 * n), n))[0] for n in (10, 100, 1000)]
    assert widths[0] > widths[1] > widths[2]


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (0, 0)])
def test_impossible_counts_are_refused(k, n):
    with pytest.raises(ValueError, match=f"{k} of {n} answers have no share"):
        study.wilson(k, n)


# The widget


def test_every_picture_is_asked_once_and_every_answer_is_kept(pictures, tmp_path, shown):
    file = tmp_path / "answers.jsonl"
    box = study.ask(pictures, file, SAYS)
    assert shown[0]["text/plain"].startswith(SAYS) and not file.exists()
    seen = []
    for i in range(6):
        assert f"{i + 1} of 6" in box.children[2].value
        seen.append(level(box))
        click(box, natural=seen[-1] < 100)
        assert len(study.answers(file)) == i + 1
    assert sorted(seen) == [10, 20, 30, 110, 120, 130]
    assert study.shares(study.answers(file)) == {
        "S1": (0.0, *study.wilson(0, 3), 3),
        "truth": (1.0, *study.wilson(3, 3), 3),
    }
    assert "truth" in box.children[2].value and "100% natural" in box.children[2].value
    assert all(button.disabled for button in box.children[1].children)
    click(box, natural=True)
    assert len(study.answers(file)) == 6


def test_kinds_are_mixed_and_the_seed_decides(pictures, tmp_path):
    def order(seed):
        box = study.ask(pictures, tmp_path / f"{seed}.jsonl", SAYS, seed=seed)
        levels = []
        for _ in range(6):
            levels.append(level(box))
            click(box, True)
        return levels

    first = order(1)
    assert first != order(2)
    assert first != sorted(first)
    (tmp_path / "1.jsonl").unlink()
    assert order(1) == first


def test_the_kind_is_not_told_while_asking(pictures, tmp_path):
    box = study.ask(pictures, tmp_path / "a.jsonl", SAYS)
    assert "S1" not in box.children[2].value and "truth" not in box.children[2].value


def test_a_study_that_was_left_goes_on_where_it_stopped(pictures, tmp_path):
    file = tmp_path / "a.jsonl"
    box = study.ask(pictures, file, SAYS)
    seen = [level(box)]
    click(box, True)
    again = study.ask(pictures, file, SAYS)
    assert "2 of 6" in again.children[2].value
    while len(study.answers(file)) < 6:
        seen.append(level(again))
        click(again, False)
    assert len(set(seen)) == 6


def test_an_answer_that_was_cut_off_is_asked_again_and_hurts_no_other(pictures, tmp_path):
    file = tmp_path / "a.jsonl"
    box = study.ask(pictures, file, SAYS)
    click(box, True)
    click(box, True)
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole[:-9], encoding="utf-8")
    assert len(study.answers(file)) == 1
    again = study.ask(pictures, file, SAYS)
    click(again, False)
    rows = study.answers(file)
    assert [row["natural"] for row in rows] == [True, False]
    assert rows[1]["picture"] in {"p0", "p1", "p2"}


def test_floats_are_shown_as_their_bytes(tmp_path):
    box = study.ask({"a": {"x": np.full((2, 2, 3), 0.5)}}, tmp_path / "f.jsonl", SAYS)
    assert level(box) == 128


def test_no_answers_yet():
    assert study.answers("nowhere.jsonl") == [] and study.table([]) == "no answers yet"
