"""The study: its intervals, found in another way; its widget, used as with a mouse."""

import io
import json
import time

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binomtest

from course_utils import metrics, study
from course_utils.metrics.intervals import Z95
from course_utils.study import asking

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


def ask(*args, **options):
    """The study without its guard against double clicks: a test clicks faster than a person."""
    return study.ask(*args, **{"glance": 0} | options)


def level(box):
    """The gray level of the picture on show: it tells which it is."""
    return int(np.asarray(Image.open(io.BytesIO(box.children[0].value)))[0, 0, 0])


def click(box, natural):
    box.children[1].children[0 if natural else 1].click()


# Wilson


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (9, 10), (10, 10), (896, 1000), (1, 1)])
def test_wilson_is_the_interval_of_scipy(k, n):
    low, high = metrics.wilson(k, n)
    known = binomtest(k, n).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((known.low, known.high), abs=1e-5)
    assert 0 <= low <= k / n <= high <= 1


def test_wilson_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    for p in (0.05, 0.5, 0.9):
        ends = np.array([metrics.wilson(int(k), 40) for k in rng.binomial(40, p, 2000)])
        covered = ((ends[:, 0] <= p) & (p <= ends[:, 1])).mean()
        assert 0.92 < covered < 0.985


def test_more_answers_make_it_narrower():
    widths = [np.diff(metrics.wilson(round(0.9 * n), n))[0] for n in (10, 100, 1000)]
    assert widths[0] > widths[1] > widths[2]


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (0, 0), (1, float("nan"))])
def test_impossible_counts_are_refused(k, n):
    with pytest.raises(ValueError, match=f"{k} of {n} answers have no share"):
        metrics.wilson(k, n)


# The widget


def test_every_picture_is_asked_once_and_every_answer_is_kept(pictures, tmp_path, shown):
    file = tmp_path / "answers.jsonl"
    box = ask(pictures, file, SAYS)
    assert shown[0]["text/plain"].startswith(SAYS) and not file.exists()
    seen = []
    for i in range(6):
        assert f"{i + 1} of 6" in box.children[2].value
        seen.append(level(box))
        click(box, natural=seen[-1] < 100)
        assert len(study.answers(file)) == i + 1
    assert sorted(seen) == [10, 20, 30, 110, 120, 130]
    assert study.shares(study.answers(file)) == {
        "S1": (0.0, *metrics.wilson(0, 3), 3),
        "truth": (1.0, *metrics.wilson(3, 3), 3),
    }
    assert "truth" in box.children[2].value and "100% natural" in box.children[2].value
    assert all(button.disabled for button in box.children[1].children)
    click(box, natural=True)
    assert len(study.answers(file)) == 6


def test_kinds_are_mixed_and_the_seed_decides(pictures, tmp_path):
    def order(seed):
        box = ask(pictures, tmp_path / f"{seed}.jsonl", SAYS, seed=seed)
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
    box = ask(pictures, tmp_path / "a.jsonl", SAYS)
    assert "S1" not in box.children[2].value and "truth" not in box.children[2].value


def test_a_study_that_was_left_goes_on_where_it_stopped(pictures, tmp_path):
    file = tmp_path / "a.jsonl"
    box = ask(pictures, file, SAYS)
    seen = [level(box)]
    click(box, True)
    again = ask(pictures, file, SAYS)
    assert "2 of 6" in again.children[2].value
    while len(study.answers(file)) < 6:
        seen.append(level(again))
        click(again, False)
    assert len(set(seen)) == 6


def test_an_answer_that_was_cut_off_is_asked_again_and_hurts_no_other(pictures, tmp_path):
    file = tmp_path / "a.jsonl"
    box = ask(pictures, file, SAYS)
    click(box, True)
    click(box, True)
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole[:-9], encoding="utf-8")
    assert len(study.answers(file)) == 1
    again = ask(pictures, file, SAYS)
    click(again, False)
    rows = study.answers(file)
    assert [row["natural"] for row in rows] == [True, False]
    assert rows[1]["picture"] in {"p0", "p1", "p2"}


def test_floats_are_shown_as_their_bytes(tmp_path):
    box = ask({"a": {"x": np.full((2, 2, 3), 0.5)}}, tmp_path / "f.jsonl", SAYS)
    assert level(box) == 128


def test_no_answers_yet():
    assert study.answers("nowhere.jsonl") == [] and study.table([]) == "no answers yet"


def test_the_second_half_of_a_double_click_is_no_answer(pictures, tmp_path):
    file = tmp_path / "a.jsonl"
    box = ask(pictures, file, SAYS, glance=60)
    click(box, True)
    assert study.answers(file) == []
    box = ask(pictures, file, SAYS, glance=0.2)
    time.sleep(0.25)
    click(box, True)
    click(box, True)
    assert len(study.answers(file)) == 1


def test_two_tabs_never_answer_for_a_picture_that_is_not_on_show(pictures, tmp_path):
    file = tmp_path / "a.jsonl"
    first, second = (ask(pictures, file, SAYS) for _ in range(2))
    click(first, True)
    click(second, False)  # it still shows what the first tab has answered
    assert [row["natural"] for row in study.answers(file)] == [True]
    assert level(second) == level(first)


def test_lines_that_are_no_answers_are_passed_over(tmp_path):
    file = tmp_path / "a.jsonl"
    good = {"kind": "S1", "picture": "x", "natural": True}
    file.write_text(f'12\n\n{json.dumps(good)}\n{{"kind": "S1"}}\n[]\n', encoding="utf-8")
    assert study.answers(file) == [good]


# Pairs


def sides(box):
    """The gray levels of the left and of the right picture, and the size of the whole."""
    shown = np.asarray(Image.open(io.BytesIO(box.children[0].value)))
    return int(shown[0, 0, 0]), int(shown[0, -1, 0]), shown.shape


def test_a_pair_shows_the_truth_left_or_right_and_counts_who_was_fooled(tmp_path):
    names = [f"p{i}" for i in range(40)]
    pictures = {
        "truth": {name: np.full((4, 6, 3), 10 + i, np.uint8) for i, name in enumerate(names)},
        "S1": {name: np.full((4, 6, 3), 110 + i, np.uint8) for i, name in enumerate(names)},
    }
    file = tmp_path / "a.jsonl"
    box = ask(pictures, file, SAYS, study.REAL)
    lefts = 0
    for i in range(40):
        assert f"real photograph? {i + 1} of 40" in box.children[2].value
        left, right, shape = sides(box)
        assert abs(left - right) == 100 and shape == (4, 12 + asking.GAP, 3)
        lefts += left < right
        box.children[1].children[0].click()  # always the left one
        row = study.answers(file)[-1]
        assert row["real"] == ("left" if left < right else "right")
        assert row["fooled"] == (left > right) and row["kind"] == "S1"
    assert 8 < lefts < 32
    rows = study.answers(file)
    assert study.shares(rows, study.REAL) == {
        "S1": (1 - lefts / 40, *metrics.wilson(40 - lefts, 40), 40)
    }
    assert "fooled [" in box.children[2].value
    again = ask(pictures, tmp_path / "b.jsonl", SAYS, study.REAL)
    again.children[1].children[0].click()
    assert study.answers(tmp_path / "b.jsonl") == rows[:1]


def test_both_questions_share_a_file_and_do_not_disturb_each_other(pictures, tmp_path):
    file = tmp_path / "a.jsonl"
    pair = ask(pictures, file, SAYS, study.REAL)
    alone = ask(pictures, file, SAYS)
    for _ in range(3):
        pair.children[1].children[1].click()
    for _ in range(6):
        click(alone, True)
    rows = study.answers(file)
    assert len(rows) == 9 and pair.children[1].children[0].disabled
    assert set(study.shares(rows)) == {"S1", "truth"} and set(study.shares(rows, study.REAL)) == {
        "S1"
    }
    assert study.shares(rows)["S1"][3] == 3


def test_a_pair_needs_a_partner_of_its_size(pictures, tmp_path):
    del pictures["truth"]["p1"]
    with pytest.raises(ValueError, match="'p1' of kind 'S1' has no partner"):
        ask(pictures, tmp_path / "a.jsonl", SAYS, study.REAL)
    pictures["truth"]["p1"] = np.zeros((4, 7, 3), np.uint8)
    with pytest.raises(ValueError, match="the same name and size"):
        ask(pictures, tmp_path / "a.jsonl", SAYS, study.REAL)


# Several persons


def many(n=6, kinds=("truth", "S1", "S2")):
    rgb = np.zeros((2, 2, 3), np.uint8)
    return {kind: {f"p{i}": rgb for i in range(n)} for kind in kinds}


@pytest.mark.parametrize("question", [study.NATURAL, study.REAL])
def test_once_shows_each_picture_in_one_kind_and_persons_take_turns(question, tmp_path):
    file, pictures = tmp_path / "a.jsonl", many()
    kinds = 2 if question.pair else 3
    for person in range(kinds):
        box = ask(pictures, file, SAYS, question, person=person, once=True)
        for left in range(6, 0, -1):
            assert f"{7 - left} of 6" in box.children[2].value
            box.children[1].children[0].click()
            if left == 3:  # a break
                box = ask(pictures, file, SAYS, question, person=person, once=True)
    rows = study.answers(file)
    assert len(rows) == 6 * kinds
    for person in range(kinds):
        mine = [row for row in rows if row["person"] == person]
        assert len({row["picture"] for row in mine}) == 6
        assert {sum(row["kind"] == kind for row in mine) for kind, _ in pairs_of(rows)} == {
            6 // kinds
        }
    assert len(pairs_of(rows)) == 6 * kinds  # together they saw every picture in every kind


def pairs_of(rows):
    return {(row["kind"], row["picture"]) for row in rows}


def test_persons_see_other_orders_and_all_of_their_own_pictures(pictures, tmp_path):
    file = tmp_path / "a.jsonl"
    orders = []
    for person in ("ana", "ben"):
        box = ask(pictures, file, SAYS, person=person)
        orders.append([])
        for _ in range(6):
            orders[-1].append(level(box))
            click(box, True)
    assert orders[0] != orders[1] and sorted(orders[0]) == sorted(orders[1])
    assert len(study.answers(file)) == 12


def test_shares_of_several_persons_can_have_an_interval_for_both():
    said = study.audience(0.8, 12, 15, 1, 0.5)
    rows = [
        {"person": f"{i}", "kind": "S1", "picture": f"{j}", "natural": bool(yes)}
        for (i, j), yes in np.ndenumerate(said)
    ]
    plain, both = study.shares(rows)["S1"], study.shares(rows, both_ways=True)["S1"]
    assert plain[0] == both[0] == said.mean() and plain[3] == both[3] == 180
    assert both[2] - both[1] > 1.5 * (plain[2] - plain[1])


# crossed


def test_crossed_is_the_bootstrap_of_one_way_where_the_other_does_not_matter():
    person = np.repeat(np.arange(30), 10)
    values = (np.random.default_rng(3).random(30) < 0.6)[person]  # a person always says the same
    both = metrics.crossed(values, person, np.tile(np.arange(10), 30))
    one = metrics.bootstrap(values, clusters=person)
    assert both == pytest.approx(one, abs=0.02)


def test_crossed_takes_any_labels_and_answers_that_are_missing():
    rng = np.random.default_rng(4)
    who, what = rng.integers(9, size=200), rng.integers(11, size=200)
    values = rng.random(200) < 0.5
    found = metrics.crossed(values, who, what)
    assert found == metrics.crossed(values, [f"{i}" for i in who], [f"{j:2}" for j in what])
    assert found[1] < found[0] < found[2]


def test_crossed_wants_two_of_each():
    with pytest.raises(ValueError, match="3 answers of 1 person"):
        metrics.crossed([1, 0, 1], [1, 1, 1], [1, 2, 3])
    with pytest.raises(ValueError, match="one label of each for every answer"):
        metrics.crossed([1, 0, 1], [1, 2], [1, 2, 3])


# How many judgements


@pytest.mark.parametrize(("first", "second"), [(0.896, 0.85), (0.3, 0.5), (0.6, 0.75)])
def test_the_needed_answers_find_a_difference_four_times_in_five(first, second):
    from scipy.stats import norm

    n = study.needed(first, second)
    rng = np.random.default_rng(1)
    found = []
    for p, q in ((first, second), (second, second)):
        a, b = (rng.binomial(n, rate, 40_000) / n for rate in (p, q))
        mean = (a + b) / 2
        z = (a - b) / np.sqrt(np.maximum(2 * mean * (1 - mean) / n, 1e-12))
        found.append((2 * norm.sf(np.abs(z)) < 0.05).mean())
    assert found[0] == pytest.approx(0.8, abs=0.02)
    assert found[1] == pytest.approx(0.05, abs=0.015)


def test_a_known_rate_needs_fewer_answers():
    n = study.needed(0.3, 0.5, known=True)
    rates = np.random.default_rng(1).binomial(n, 0.3, 40_000) / n
    found = (np.abs(rates - 0.5) > Z95 * np.sqrt(0.25 / n)).mean()
    assert found == pytest.approx(0.8, abs=0.06)  # 47 answers make coarse steps
    assert n < study.needed(0.3, 0.5) / 1.5


def test_what_is_needed_grows_as_it_should():
    assert study.needed(0.5, 0.6) == study.needed(0.6, 0.5)
    assert study.needed(0.5, 0.55) > 3.5 * study.needed(0.5, 0.6)
    assert study.needed(0.5, 0.6, power=0.9) > study.needed(0.5, 0.6)


@pytest.mark.parametrize("rates", [(0.5, 0.5), (0, 0.5), (0.5, 1), (0.5, float("nan"))])
def test_rates_that_nothing_tells_apart_are_refused(rates):
    with pytest.raises(ValueError, match="give two different rates between 0 and 1"):
        study.needed(*rates)


# The simulated audience


def test_the_audience_has_the_rate_and_the_likeness_that_it_says():
    said = np.array([study.audience(0.8, 8, 6, 0.8, 0.5, seed) for seed in range(8000)])
    assert said.shape == (8000, 8, 6) and said.mean() == pytest.approx(0.8, abs=0.005)
    person, picture = study.alike(0.8, 0.8, 0.5)
    spread = said - 0.8
    of_person = (spread[:, :, 0] * spread[:, :, 1]).mean() / 0.16
    of_picture = (spread[:, 0] * spread[:, 1]).mean() / 0.16
    assert of_person == pytest.approx(person, abs=0.01)
    assert of_picture == pytest.approx(picture, abs=0.01)
    effect = study.design_effect(8, 6, person, picture)
    assert said.mean((1, 2)).var() / (0.16 / 48) == pytest.approx(effect, rel=0.05)


def test_an_audience_without_bias_is_a_coin():
    assert study.alike(0.7) == pytest.approx((0, 0), abs=1e-6)
    assert study.design_effect(20, 100, 0, 0) == 1
    first, again = (study.audience(0.7, 5, 4, 1, 1, seed=9) for _ in range(2))
    assert (first == again).all() and first.dtype == bool


def test_wilson_is_too_narrow_for_persons_and_crossed_is_not():
    held = {"wilson": 0, "crossed": 0}
    i, j = (x.ravel() for x in np.indices((20, 25)))
    for seed in range(150):
        said = study.audience(0.8, 20, 25, 0.8, 0.4, seed).ravel()
        ends = {
            "wilson": metrics.wilson(said.sum(), said.size),
            "crossed": metrics.crossed(said, i, j, 400)[1:],
        }
        for name, (low, high) in ends.items():
            held[name] += low <= 0.8 <= high
    assert held["wilson"] < 0.7 * 150 < 0.88 * 150 < held["crossed"]
