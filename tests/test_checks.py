"""The harness of the checks, once for each behaviour; every check with its answers."""

import functools
import importlib
import inspect
import itertools
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from check_cases import GENERIC, all_cases, official
from check_table import check_of, kind, mistakes, sentences, told

from course_utils.checks import CheckFailed, chosen, compare
from course_utils.checks.compare import bugs_left
from course_utils.checks.trial import tell

ROOT = Path(__file__).parents[1]
CHECKS = {
    (lesson, exercise): (check_of(lesson, exercise), cases)
    for lesson, exercise, cases in all_cases()
}


@pytest.fixture(autouse=True)
def lenient(monkeypatch):
    """Nobody grades, unless a test says so."""
    monkeypatch.delenv("COURSE_STRICT", raising=False)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)


# Toy checks


def arrays(answer, truth=lambda x, factor: factor * x, known=None, **tolerance):
    """A check of three pictures (N, H, W) and a number; its hint is `look again`."""
    rng = np.random.default_rng(1)
    shapes = (3, 4, 2), (1, 2, 5), (2, 2, 3)
    inputs = [(rng.normal(1, 2, shape), float(rng.uniform(1, 9))) for shape in shapes]
    compare("toy", answer, inputs, truth, known or {}, "look again.", **tolerance)


def scalars(answer, truth=lambda n, m: n * m + 1):
    """A check of whole numbers."""
    compare("toy", answer, [(20, 30), (7, 9), (200, 3)], truth, {}, "look again.")


def fails(answer, words, check=arrays, **more):
    """The check says these words, and gives its hint."""
    verdict = told(lambda a: check(a, **more), answer)
    assert verdict.startswith("toy: ") and "correct" not in verdict
    assert words in verdict and verdict.endswith("\nHint: look again.\n"), verdict


def passes(answer, check=arrays, **more):
    verdict = told(lambda a: check(a, **more), answer)
    assert verdict.startswith("toy: correct on ") and verdict.count("\n") == 1, verdict


def by_hand(x, factor):
    return [[[factor * value for value in row] for row in picture] for picture in x]


def of_tensors(x, factor):
    import torch

    return [factor * torch.tensor(picture, requires_grad=True) for picture in x]


def of_one_tensor(x, factor):
    import torch

    return torch.tensor(x, requires_grad=True) * factor


def of_pandas(x, factor):
    import pandas as pd

    return [pd.DataFrame(factor * picture) for picture in x]


def bfloat(x, factor):
    import torch

    return (torch.tensor(x) * factor).bfloat16()


@pytest.mark.parametrize(
    ("needs", "answer"),
    [
        ("numpy", lambda x, factor: np.float32(x) * np.float32(factor)),
        ("numpy", lambda x, factor: (factor * x)[..., None][..., 0].tolist()),
        ("numpy", lambda x, factor: np.ma.masked_array(factor * x)),
        ("numpy", lambda x, factor: (factor * x).astype(object)),
        ("numpy", by_hand),
        ("torch", of_tensors),
        ("torch", of_one_tensor),
        ("pandas", of_pandas),
    ],
)
def test_any_framework_s_numbers_are_right(needs, answer):
    pytest.importorskip(needs)
    passes(answer)


def test_half_precision_is_read_and_its_tolerance_is_the_check_s():
    pytest.importorskip("torch")
    passes(bfloat, relative=0.01)
    fails(bfloat, GENERIC)


class Eager:
    """What TensorFlow's and Keras's tensors have in common, without a minute of TensorFlow."""

    def __init__(self, value):
        self.value = value

    def numpy(self):
        return np.float32(self.value)


class Symbolic:
    """A tensor without values, as of a Keras model."""

    def __array__(self, *args, **kwargs):
        raise ValueError("A KerasTensor cannot be used as input to a NumPy function")


def test_tensors_of_keras_are_read():
    passes(lambda x, factor: Eager(factor * x))
    passes(lambda x, factor: [Eager(factor * picture) for picture in x])
    fails(lambda x, factor: Symbolic(), "holds a Symbolic, which is not real numbers")


@pytest.mark.stress
def test_keras_itself():
    """In a process of its own: TensorFlow takes its time, and must not meet torch here."""
    pytest.importorskip("keras")
    code = """
        import keras, numpy as np
        import test_checks
        test_checks.arrays(lambda x, f: keras.ops.multiply(np.float32(x), f))
        test_checks.arrays(lambda x, f: keras.Variable(np.float32(f * x)))
        test_checks.arrays(lambda x, f: keras.Input(x.shape))
    """
    command = [sys.executable, "-c", inspect.cleandoc(code)]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(["tests", "."])}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
    first, second, third = [line for line in done.stdout.splitlines() if "Hint" not in line]
    assert "correct on" in first and "correct on" in second, done.stderr
    assert "KerasTensor, which is not real numbers" in third


@pytest.mark.parametrize("strict", ["", "1"])
def test_a_later_cell_uses_an_answer_that_passes(monkeypatch, capsys, strict):
    monkeypatch.setenv("COURSE_STRICT", strict)

    def doubled(answer):
        """A check: asked is 2 x."""
        inputs = [(np.arange(3.0),), (np.ones((2, 5)),)]
        compare("doubled", answer, inputs, lambda x: 2 * x, {}, "twice x.")

    def ours(x):
        return 2 * x

    right, wrong = (lambda x: x + x), (lambda x: x + 1)
    assert chosen(doubled, right, ours) is right
    assert capsys.readouterr().out == "doubled: your code runs here\n"
    assert chosen(doubled, wrong, ours) is ours
    assert capsys.readouterr().out == "doubled: not your code runs here\n"


def test_numbers_are_passed_as_numbers():
    seen = []
    passes(lambda x, factor: seen.append(type(factor)) or factor * x)
    assert set(seen) == {float} and len(seen) == 3
    passes(lambda n, m: len([0 for _ in range(n) for _ in range(m)]) + 1, check=scalars)


def test_each_call_gets_its_own_copy():
    seen = []
    for _ in range(2):
        told(arrays, lambda x, factor: seen.append(x.copy()) or x.fill(0))
    assert all(x.any() and np.array_equal(x, y) for x, y in zip(seen[:3], seen[3:]))


def test_one_value_is_singular():
    def one(answer):
        compare("toy", answer, [(1,), (2,)], lambda n: np.zeros(n - 1), {}, "no.")

    assert told(one, lambda n: np.zeros(n - 1)) == "toy: correct on 1 hidden value.\n"
    assert "on 3 hidden values." in told(scalars, lambda n, m: n * m + 1)


def test_two_inputs_are_the_least():
    with pytest.raises(ValueError, match="two or more"):
        compare("toy", abs, [(1,)], abs, {}, "no.")


def test_float32_work_is_right_and_a_tolerance_is_kept():
    passes(lambda x, factor: factor * x + 9e-5)
    fails(lambda x, factor: factor * x * (1 + 3e-3), "1.003 times")
    passes(lambda x, factor: factor * x * (1 + 3e-3), relative=0.01)
    fails(lambda n, m: n * m + 1.02, "0.02 too large", check=scalars)  # whole numbers are exact


def test_close_values_are_told_apart():
    noise = np.random.default_rng(2).uniform(1, 2, 1000)
    given = told(arrays, lambda x, factor: factor * x + 1e-3 * noise[: x.size].reshape(x.shape))
    one, right = given.split("one value is ")[1].split(GENERIC)[0].split(" where ")
    assert one != right and 0 < abs(float(one) - float(right)) < 3e-3


# Stubs, forgotten returns, exceptions


def documented(x, factor):
    """Nothing was done."""


def untouched(x, factor):
    """Nothing was done."""
    return None  # replace this line with your answer


def kept_the_stub(x, factor):
    y = factor * x
    print(y.shape)
    return None  # replace this line with your answer


def forgotten(x, factor):
    y = factor * x  # noqa: F841


def one_way_out(x, factor):
    if len(x) > 1:
        return factor * x


@pytest.mark.parametrize("stub", [untouched, documented, lambda x, factor: None])
def test_a_stub_is_told_neutrally_without_a_hint(stub):
    assert told(arrays, stub) == "toy: not done yet.\n"


def test_a_stub_below_some_work_is_named():
    assert told(arrays, kept_the_stub).endswith("not done yet; its line `return None` is there.\n")


def test_a_forgotten_return_is_no_stub():
    fails(forgotten, "your code works, but returns None; end it with `return`")
    fails(one_way_out, "returned None (x of shape (1, 2, 5), factor = ")
    fails(one_way_out, "ends without a `return`")


def stops(error):
    def answer(x, factor):
        raise error

    return answer


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (stops(KeyError("lost")), "your code stopped with KeyError: 'lost'."),
        (stops(SystemExit(3)), "your code stopped with SystemExit: 3."),
        (stops(ValueError("one\ntwo")), "stopped with ValueError: one.\n"),
        (stops(MemoryError()), "stopped with MemoryError.\n"),
        (stops(TypeError("the answer")), "stopped with TypeError: the answer."),
        (lambda x: x, "stopped with TypeError"),
        (3.0, "needs the function itself, this is a float."),
        (None, "needs the function itself, this is a NoneType."),
    ],
)
def test_what_stops_becomes_a_sentence(answer, words):
    fails(answer, words)


def test_a_keyboard_interrupt_passes():
    with pytest.raises(KeyboardInterrupt):
        told(arrays, stops(KeyboardInterrupt()))


def ragged(x, factor):
    return [factor, [factor, factor]]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x, factor: "a lot", "a str, which is not real numbers"),
        (lambda x, factor: {"L": x}, "a dict, which"),
        (lambda x, factor: (y for y in x), "a generator, which"),
        (lambda x, factor: [[None]], "a NoneType, which"),
        (lambda x, factor: 1j * x, "a ndarray, which"),
        (lambda x, factor: len, "a builtin_function_or_method, which"),
        (ragged, "parts of the answer have different shapes"),
    ],
)
def test_what_is_no_number_is_told(answer, words):
    fails(answer, words)


# What the harness finds by itself


def spoils(x, factor):
    y = factor * x
    x[...] = 0
    return y


def spoils_and_errs(x, factor):
    x -= 1
    return factor * x


FOUND = {
    "rank": (
        lambda x, f: (f * x).sum(0),
        "the answer has shape (4, 2), it must be (3, 4, 2) (x of",
    ),
    "one number": (lambda x, f: (f * x).sum(), "the answer is one number, it must be (3, 4, 2)"),
    "reshaped": (lambda x, f: (f * x).ravel(), "(24,), it must be (3, 4, 2)"),
    "reshaped, right": (lambda x, f: (f * x).ravel(), "The values are right."),
    "NaN": (lambda x, f: np.where(x > 0, x * x, np.inf), "a NaN or an infinity, in"),
    "constant": (lambda x, f: np.full_like(x, 0.5), "every value is 0.5, whatever the input."),
    "factor": (lambda x, f: 255 * f * x, "every value is 255 times what it must be."),
    "reciprocal": (lambda x, f: f * x / 128, "every value is 1/128 of what it must be."),
    "sign": (lambda x, f: -f * x, "every value has the wrong sign."),
    "absolute": (lambda x, f: np.abs(f * x), "the signs are lost"),
    "offset": (lambda x, f: f * x - 2, "every value is 2 too small."),
    "transposed": (lambda x, f: (f * x).transpose(0, 2, 1), "axes are swapped: the shape is (3, 2"),
    "reversed": (lambda x, f: (f * x)[:, :, ::-1], "reversed on axis -1."),
    "permuted": (lambda x, f: np.roll(f * x, 1, 2), "right values stand in the wrong places."),
    "fixed size": (lambda x, f: f * x.reshape(3, 4, 2), "Does your code fit one size only?"),
    "fixed shape": (lambda x, f: np.resize(f * x, (3, 4, 2)), "Does your code fit one size only?"),
    "fixed divisor": (lambda x, f: f * x * x.size / 24 + (x.size < 24), "one size only?"),
    "k of n": (lambda x, f: f * x + (len(x) == 1) * x**2, "right on 2 of 3 hidden inputs, but one"),
    "no reason": (lambda x, f: f * x + x**2, f"{GENERIC} (x of shape (3, 4, 2), f = "),
    "input": (spoils, "the values are right, but your code changes its input `x`; work on a copy"),
    "input as well": (spoils_and_errs, "Your code also changes its input `x`."),
}


@pytest.mark.parametrize(("answer", "words"), FOUND.values(), ids=FOUND)
def test_the_harness_finds(answer, words):
    fails(answer, words)


ODD = [[], (), [[]], np.zeros((0, 3)), np.inf, 1e308, -1e308, True, 10**400, range(3), {1}, b"x"]
ODD += [[1, None], np.array(["a"]), np.array("2020", "datetime64"), np.zeros((1,) * 8), object()]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:12])
def test_odd_answers_get_a_silent_verdict(odd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fails(lambda x, factor: odd, "toy: ")
        fails(lambda x, factor: [odd] * len(x), "toy: ")


def test_one_huge_value_is_told():
    fails(lambda x, factor: np.where(x == x.max(), 1e308, factor * x), "is 1e+308 where")


def test_swapped_axes_of_squares_and_channels():
    def pairs(answer):
        rng = np.random.default_rng(3)
        inputs = [(rng.normal(size=(n, 3, 3, 2)),) for n in (2, 1, 4)]
        compare("toy", answer, inputs, lambda x: x + 1, {}, "look again.")

    fails(
        lambda x: x.swapaxes(1, 2) + 1, "the values are right, but axes are swapped.", check=pairs
    )
    fails(lambda x: x[..., ::-1] + 1, "right, but swapped on axis -1.", check=pairs)
    fails(lambda x: x + [1, 2] * x**0, "only answer[..., 1] is wrong: one value", check=pairs)
    fails(lambda x: x + [[1], [1], [2]] * x**0, "only answer[..., 2, :] is wrong", check=pairs)


def test_scalars_are_shown():
    fails(lambda n, m: n * m, "every value is 1 too small.", check=scalars)
    fails(
        lambda n, m: n**2 * m, "the answer is 12000 where 601 is right (n = 20, m = 30).", scalars
    )
    fails(lambda n, m: [n * m + 1], "shape (1,), it must be one number (n = 20, m = 30).", scalars)


def test_lists_of_dicts_arrive_as_such_and_are_watched():
    def rows(answer):
        tables = [([{"name": "a", "n": 1}, {"name": "b", "n": 2}],), ([{"name": "c", "n": 7}],)]
        compare("toy", answer, tables, lambda t: [row["n"] for row in t], {}, "look again.")

    def renames(table):
        numbers = [row["n"] for row in table]
        table[0]["name"] = "x"
        return numbers

    passes(lambda table: [row["n"] for row in table], check=rows)
    fails(renames, "changes its input `table`", check=rows)
    fails(lambda table: [row["n"] for row in table if table.pop()], "changes its input", check=rows)
    fails(lambda table: [0 * row["n"] for row in table], "whatever the input", check=rows)


# Diagnoses by hand

KNOWN = {
    "the factor is squared.": lambda x, factor: factor**2 * x,
    "it is halved.": lambda x, factor: factor * x / 2,
    "pictures are mixed up.": lambda x, factor: x.reshape(2, 6)[:, ::5] * factor,
    "the last is NaN.": lambda x, factor: factor * np.where(x == x.max(), np.nan, x),
    "it is flat.": lambda x, factor: factor * x.ravel(),
}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x, factor: factor * factor * x, "the factor is squared."),
        (lambda x, factor: factor * x * 0.5, "it is halved."),
        (lambda x, factor: factor * np.where(x < x.max(), x, np.nan), "the last is NaN."),
        (lambda x, factor: (factor * x).reshape(-1), "it is flat."),
        (lambda x, factor: (factor if len(x) == 3 else factor**2) * x, "right on 1 of 3"),
        (lambda x, factor: (factor / 2 if len(x) == 1 else factor**2) * x, GENERIC),
    ],
)
def test_a_diagnosis_by_hand_explains_all_that_is_wrong(answer, words):
    fails(answer, words, known=KNOWN)


def test_selections_of_planted_bugs():
    left = bugs_left({"a.": {"x": 1}, "b.": {"y": 2}, "c.": {"z": 3}})
    assert len(left) == 7 and left["b."] == {"y": 2}
    assert left["two bugs are left: a. And: c."] == {"x": 1, "z": 3}
    assert left["three bugs are left: a. And: b. And: c."] == {"x": 1, "y": 2, "z": 3}


# Answers that give no numbers, but something that does


class Twice:
    """What an answer makes: an object with a method."""

    def call(self, x):
        return 2 * x


class Thrice(Twice):
    def call(self, x):
        return 3 * x


class Stub(Twice):
    def call(self, x):
        """Nothing was done."""
        return None  # replace this line with your answer


class Forgotten(Twice):
    def call(self, x):
        y = 2 * x  # noqa: F841


def objects(answer):
    """A check that looks into what it gets before it compares numbers."""

    def measure(made, x):
        tell({"this is no class.": not isinstance(made, type), "never told.": False})
        return made().call(x)

    known = {"it is tripled.": Thrice}
    compare("toy", answer, [(1.0,), (2.5,)], Twice, known, "look again.", measure=measure)


def test_a_check_may_measure_what_an_answer_makes():
    passes(Twice, check=objects)
    passes(type("Again", (), {"call": lambda self, x: x + x}), check=objects)
    fails(Thrice, "it is tripled.", check=objects)
    fails(type("Half", (Twice,), {"call": lambda self, x: x / 2}), "1/4 of what", check=objects)
    fails(type("More", (Twice,), {"call": lambda self, x, y: x}), "TypeError", check=objects)
    fails(lambda: Twice(), "toy: this is no class.\n", check=objects)
    fails(Forgotten, "your code works, but returns None", check=objects)
    assert told(objects, Stub) == "toy: not done yet.\n"


class KerasError(ValueError):
    """An error as Keras tells it, with TensorFlow's inside."""

    def __str__(self):
        inside = (
            "\x1b[1m{{function_node __wrapped__ConcatV2}} Ranks: 4 and 3 [Op:Concat] name: \x1b[0m"
        )
        return f"Exception encountered when calling Fuse.call().\n\n{inside}\n\nArguments received"


def test_of_an_error_of_keras_the_reason_is_told():
    fails(stops(KerasError()), "your code stopped with KerasError: Ranks: 4 and 3.")


# Grading


@pytest.mark.parametrize("variable", [("COURSE_STRICT", "1"), ("NBGRADER_EXECUTION", "autograde")])
def test_where_somebody_grades_mistakes_raise_what_they_print(variable, monkeypatch, capsys):
    monkeypatch.setenv(*variable)
    arrays(lambda x, factor: factor * x)
    wrong = [answer for answer, _ in FOUND.values()]
    for answer in [*wrong, untouched, forgotten, stops(SystemExit()), ragged, 3.0, None]:
        capsys.readouterr()
        with pytest.raises(CheckFailed) as failed:
            arrays(answer)
        assert (
            str(failed.value)
            == capsys.readouterr().out.splitlines()[-1 if answer is untouched else -2]
        )


# Every check with its answers


@pytest.fixture(params=CHECKS, ids="-".join)
def case(request):
    """(lesson, exercise, check, cases)"""
    return *request.param, *CHECKS[request.param]


def hidden(check):
    """The inputs that a check hands to `compare`, and the function that gives the right numbers."""
    with mock.patch.dict(check.__globals__, compare=mock.Mock()) as names:
        check(print)
        (_, _, inputs, truth, *_), named = names["compare"].call_args
    return inputs, functools.partial(named["measure"], truth) if "measure" in named else truth


def unmeasured(*arguments, measure=None, **named):
    """`compare`, for an answer that gives the numbers themselves."""
    name, answer, inputs, truth, mistakes, *more = arguments
    if measure:
        truth, mistakes = functools.partial(measure, truth), {}
    compare(name, answer, inputs, truth, mistakes, *more, **named)


def test_every_check_has_its_cases():
    folder = Path(inspect.getfile(compare)).parent
    for path in folder.glob("lesson_*.py"):
        module = importlib.import_module(f"course_utils.checks.{path.stem}")
        lesson = path.stem.removeprefix("lesson_")
        public = {
            name
            for name, value in vars(module).items()
            if inspect.isfunction(value)
            and value.__module__ == module.__name__
            and not name.startswith("_")
            and "answer" in inspect.signature(value).parameters  # not the course's own answers
        }
        assert public and public == {name for of, name in CHECKS if of == lesson}


def test_enough_answers_of_different_kinds():
    many = {
        key for key, (_, cases) in CHECKS.items() if len(cases.wrong) >= 8 <= 8 * len(cases.right)
    }
    lessons = {lesson for lesson, _ in CHECKS}
    assert {key for key in CHECKS if key[0] == "01"} <= many
    assert all(sum(lesson == of for of, _ in many) >= 3 for lesson in lessons)


def test_official_solution_is_right_and_silent(case):
    lesson, exercise, check, _ = case
    answer = official(lesson, exercise)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # in a notebook it would stand above the verdict
        assert told(check, answer).startswith(f"{exercise}: correct on ")


def test_other_right_answers_are_right(case):
    _, _, check, cases = case
    verdicts = {name: told(check, answer) for name, answer in cases.right.items()}
    assert {name: v for name, v in verdicts.items() if ": correct on " not in v} == {}


def test_wrong_answers_are_told_what_is_wrong(case):
    _, exercise, check, cases = case
    by_hand = sentences(check)
    for name, (answer, words) in cases.wrong.items():
        verdict = told(check, answer)
        first, hint = verdict.splitlines()
        assert first.startswith(f"{exercise}: ") and hint.startswith("Hint: "), verdict
        assert words in first and "correct" not in first, f"{name}: {verdict}"
        assert (kind(verdict, by_hand) == "generic") == (words == GENERIC), f"{name}: {verdict}"


def test_every_diagnosis_is_told_to_its_own_mistake(case):
    _, _, check, _ = case
    for sentence, mistake in mistakes(check).items():
        with np.errstate(all="ignore"):
            assert sentence in told(check, mistake)


def test_hidden_inputs_differ_in_size_and_never_change(case):
    _, _, check, _ = case
    inputs, again = hidden(check)[0], hidden(check)[0]
    assert len(inputs) >= 2 and repr(inputs) == repr(again)
    shapes = {json.dumps([np.shape(value) for value in args]) for args in inputs}
    assert len(shapes) >= 2 or all(np.ndim(value) == 0 for args in inputs for value in args)
    assert not any(
        isinstance(value, np.ndarray) and not value.ndim for args in inputs for value in args
    )


def test_a_small_error_in_one_place_is_wrong(case):
    """One in a hundred of the largest value, in the last place of any one hidden input."""
    lesson, exercise, check, _ = case
    inputs, truth = hidden(check)
    for which in range(len(inputs)):
        turn = itertools.count()

        def nearly(*args, turn=turn, which=which):
            answer = np.array(truth(*args), float)
            if next(turn) == which:
                answer.flat[-1] += max(0.01 * np.abs(answer).max(), 0.03)
            return answer

        with mock.patch.dict(check.__globals__, compare=unmeasured):
            verdict = told(check, nearly)
        assert "correct" not in verdict and "stopped" not in verdict, (
            f"{lesson} {exercise}, {which}"
        )
