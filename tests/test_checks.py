"""Every exercise's check: the solution passes, each wrong answer gets its own diagnosis."""

import importlib
import inspect
from pathlib import Path

import numpy as np
import pytest

from course_utils import checks

STUB = "not done yet"
GENERIC = "one value is"


# One file a lesson: CASES = {check: (solution, {what is wrong: (answer, words of its diagnosis)})}
FILES = sorted((Path(__file__).parent / "check_cases").glob("lesson_*.py"))
CASES = {}
for file in FILES:
    CASES |= importlib.import_module(f"check_cases.{file.stem}").CASES
WRONG = [
    pytest.param(check, answer, word, id=f"{check.__name__}-{name}")
    for check, (_, mistakes) in CASES.items()
    for name, (answer, word) in mistakes.items()
]


@pytest.fixture(autouse=True)
def lenient(monkeypatch):
    """Nobody grades, unless a test says so."""
    monkeypatch.delenv("COURSE_STRICT", raising=False)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)


@pytest.fixture
def verdict(capsys):
    """verdict(check, answer): the one line that a student reads; the hint stands below it."""

    def read(check, answer):
        capsys.readouterr()
        assert check(answer) is None
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith(f"{check.__name__}: ")
        solved = "correct" in lines[0]
        assert [line[:6] for line in lines[1:]] == [] if solved else ["Hint: "], lines
        return lines[0]

    return read


@pytest.fixture(params=list(CASES), ids=lambda check: check.__name__)
def check(request):
    return request.param


def test_every_check_has_its_cases():
    public = {
        value
        for name, value in vars(checks).items()
        if inspect.isfunction(value) and value.__module__.startswith(checks.__name__)
    }
    missing = [check.__name__ for check in public - set(CASES)]
    assert not missing, f"tests/check_cases/lesson_NN.py has no cases for {', '.join(missing)}"
    assert all(len(mistakes) >= 3 for _, mistakes in CASES.values())


def test_solution_is_correct(check, verdict):
    assert "correct on" in verdict(check, CASES[check][0])


@pytest.mark.parametrize(("check", "answer", "word"), WRONG)
def test_wrong_answer_is_recognised(check, answer, word, verdict):
    told = verdict(check, answer)
    assert word in told and "correct" not in told and GENERIC not in told


def test_diagnoses_differ(check, verdict):
    told = [verdict(check, answer) for answer, _ in CASES[check][1].values()]
    assert len(set(told)) == len(told)


def test_stub_is_not_done(check, verdict):
    assert STUB in verdict(check, lambda *inputs: None)


def test_exception_becomes_a_sentence(check, verdict):
    told = verdict(check, lambda *inputs: {}["lost"])
    assert "your code stopped with KeyError: 'lost'" in told
    assert "stopped with TypeError" in verdict(check, lambda: 1)
    assert "stopped with TypeError" in verdict(check, 3.0)


def test_wrong_shape_names_both(check, verdict):
    solution = CASES[check][0]
    told = verdict(check, lambda *inputs: np.stack([solution(*inputs)] * 2))
    assert "the answer has shape (" in told and "it must be (" in told


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_are_told(check, bad, verdict):
    solution = CASES[check][0]
    assert "NaN or an infinity" in verdict(check, lambda *inputs: solution(*inputs) * bad)


@pytest.mark.parametrize("answer", ["a lot", {"L": 50}, [1, [2, 3]]], ids=["str", "dict", "ragged"])
def test_what_is_no_number_is_told(check, answer, verdict):
    told = verdict(check, lambda *inputs: answer)
    assert "not numbers" in told or "stopped with" in told


@pytest.mark.parametrize("constant", [0.0, 0.5, 1.0, 50.0])
def test_hard_coded_constant_fails(check, constant, verdict):
    solution = CASES[check][0]
    told = verdict(check, lambda *inputs: np.full_like(solution(*inputs), constant, dtype=float))
    assert "correct" not in told


def test_answer_to_another_input_fails(check, verdict):
    solution = CASES[check][0]

    def by_heart(*inputs):
        rng = np.random.default_rng(0)
        return solution(*(rng.permutation(value) if np.ndim(value) else 50.0 for value in inputs))

    assert GENERIC in verdict(check, by_heart)


def test_a_small_error_in_one_place_fails(check, verdict):
    solution = CASES[check][0]

    def nearly(*inputs):
        answer = np.array(solution(*inputs), dtype=float)
        answer.flat[-1] += 1.0
        return answer

    assert "correct" not in verdict(check, nearly)


def test_answer_cannot_spoil_the_hidden_input(check, verdict):
    solution = CASES[check][0]

    def spoils(*inputs):
        answer = np.array(solution(*inputs))
        for value in inputs:
            if isinstance(value, np.ndarray):
                value[...] = 0
        return answer

    assert "correct on" in verdict(check, spoils)


def test_two_calls_try_the_same_values(check, verdict):
    seen = []
    for _ in range(2):
        verdict(check, lambda *inputs: seen.append(inputs))
    first, second = seen[0], seen[-1]
    assert all(np.array_equal(*pair) for pair in zip(first, second, strict=True))


@pytest.mark.parametrize(
    "variable", [("COURSE_STRICT", "1"), ("NBGRADER_EXECUTION", "autograde")], ids=lambda v: v[0]
)
def test_graded_mistakes_raise_what_they_print(check, variable, monkeypatch, capsys):
    monkeypatch.setenv(*variable)
    solution, mistakes = CASES[check]
    assert check(solution) is None
    answers = [answer for answer, _ in mistakes.values()]
    for answer in [*answers, lambda *inputs: None, lambda *inputs: 1 / 0, lambda *inputs: np.nan]:
        capsys.readouterr()
        with pytest.raises(checks.CheckFailed) as failed:
            check(answer)
        assert str(failed.value) == capsys.readouterr().out.splitlines()[0]
