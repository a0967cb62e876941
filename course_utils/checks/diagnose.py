"""Find out what is wrong with an answer without being told: one function for each kind.

Each takes all trials of one answer, which hold numbers, and says a sentence, or nothing where it
does not explain all that is wrong. `near(given, wanted)` compares elementwise, within a tolerance.
"""

from collections.abc import Callable, Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from course_utils.checks.trial import Numbers, Trial

Near = Callable[[Numbers, Numbers], NDArray[np.bool_]]
Trials = Sequence[Trial]


def diagnose(trials: Trials, near: Near) -> str:
    """The first sentence that explains all that is wrong; else one wrong value beside the right."""
    for kind in (axes, shape, not_finite, constant, factor, sum_for_mean, offset, signs):
        if sentence := kind(trials, near):
            return sentence
    return flip(trials, near) or places(trials, near) or part(trials, near) or some(trials, near)


def same(given: Numbers, wanted: Numbers, near: Near) -> bool:
    """Whether the shape and all values are right."""
    return given.shape == wanted.shape and bool(near(given, wanted).all())


def fixed_size(trials: Trials, right: Sequence[bool]) -> str:
    """A question, where the first hidden input came out right and none of another size did."""
    first = trials[0].shapes()
    others = [trial.shapes() != first for trial, ok in zip(trials, right) if not ok]
    hard_coded = right[0] and others and all(others)
    return " Does your code fit one size only?" if hard_coded else ""


def axes(trials: Trials, near: Near) -> str:
    """The right values, with the axes in another order."""
    for trial in trials:
        orders = permutations(range(trial.given.ndim)) if trial.given.ndim < 6 else ()
        if not any(same(trial.given.transpose(o), trial.wanted, near) for o in orders):
            return ""
    trial = next(t for t in trials if not same(t.given, t.wanted, near))
    given, wanted = trial.given.shape, trial.wanted.shape
    shapes = "" if given == wanted else f": the shape is {given}, it must be {wanted}"
    return f"the values are right, but axes are swapped{shapes}."


def shape(trials: Trials, near: Near) -> str:
    """Another shape: with the right values in it, or only for inputs of another size."""
    wrong = [trial for trial in trials if trial.given.shape != trial.wanted.shape]
    if not wrong:
        return ""
    given, wanted = wrong[0].given.shape, wrong[0].wanted.shape
    has = f"has shape {given}" if given else "is one number"
    must = f"be {wanted}" if wanted else "be one number"
    sentence = f"the answer {has}, it must {must} ({wrong[0]})."
    if all(same(t.given.ravel(), t.wanted.ravel(), near) for t in trials):
        return f"{sentence} The values are right."
    return sentence + fixed_size(trials, [same(t.given, t.wanted, near) for t in trials])


def not_finite(trials: Trials, near: Near) -> str:
    """NaN or infinity, beside right values or others."""
    bad = [~np.isfinite(trial.given) & np.isfinite(trial.wanted) for trial in trials]
    count, size = (sum(int(f(b)) for b in bad) for f in (np.sum, np.size))
    if not count:
        return ""
    rest = [near(trial.given, trial.wanted)[~b] for trial, b in zip(trials, bad)]
    right = count < size and all(r.all() for r in rest)
    first = next(trial for trial, b in zip(trials, bad) if b.any())
    sentence = f"the answer holds a NaN or an infinity, in {count} of {size} values ({first})."
    return sentence + (" The others are right." if right else "")


def constant(trials: Trials, near: Near) -> str:
    """One number, whatever the input."""
    given, _ = _joined(trials)
    alike = near(given, np.full_like(given, given[0])).all()
    return f"every value is {given[0]:.4g}, whatever the input." if alike else ""


def factor(trials: Trials, near: Near) -> str:
    """One factor between all values and the right ones."""
    c = _factor(*_joined(trials), near)
    if not c:
        return ""
    if np.isclose(c, -1, rtol=1e-3):
        return "every value has the wrong sign."
    whole = abs(c) < 1 and np.isclose(1 / c, round(1 / c), rtol=1e-3)
    times = f"1/{round(1 / c)} of" if whole else f"{c:.4g} times"
    return f"every value is {times} what it must be."


def sum_for_mean(trials: Trials, near: Near) -> str:
    """A factor that is a length: a sum in place of a mean, or the other way round."""
    found = [_factor(trial.given.ravel(), trial.wanted.ravel(), near) for trial in trials]
    for words, size in _sizes(trials).items():
        for power, mistake in ((1, "large"), (-1, "small")):
            if len(set(size)) > 1 and np.allclose(found, np.array(size) ** power, rtol=1e-3):
                right = "a sum where a mean" if power == 1 else "a mean where a sum"
                return f"every value is too {mistake} by the factor {words}; {right} is asked?"
    return ""


def offset(trials: Trials, near: Near) -> str:
    """One difference between all values and the right ones."""
    given, wanted = _joined(trials)
    d = float((given - wanted).mean())
    fits = near(given - d, wanted).all()
    return f"every value is {abs(d):.4g} too {'large' if d > 0 else 'small'}." if fits else ""


def signs(trials: Trials, near: Near) -> str:
    """Absolute values."""
    given, wanted = _joined(trials)
    lost = near(given, np.abs(wanted)).all()
    return "the signs are lost: what must be negative is positive." if lost else ""


def flip(trials: Trials, near: Near) -> str:
    """The right values, in reverse order along one axis."""
    for axis in _shared_axes(trials):
        if all(same(np.flip(t.given, axis), t.wanted, near) for t in trials):
            two = {trial.wanted.shape[axis] for trial in trials} == {2}
            return f"the values are right, but {'swapped' if two else 'reversed'} on axis {axis}."
    return ""


def places(trials: Trials, near: Near) -> str:
    """The right values in the wrong places."""
    pairs = [[np.sort(x, axis=None) for x in (trial.given, trial.wanted)] for trial in trials]
    return "the right values stand in the wrong places." * all(near(*p).all() for p in pairs)


def part(trials: Trials, near: Near) -> str:
    """One place on a short axis is wrong in several inputs, a channel for instance; no other is."""
    misses = [~near(trial.given, trial.wanted) for trial in trials]
    wrong = [trial for trial, miss in zip(trials, misses) if miss.any()]
    for axis in _shared_axes(trials):
        lengths = {miss.shape[axis] for miss in misses}
        count = lengths.pop()
        if lengths or not 2 <= count <= 4:
            continue
        bad = [i for i in range(count) if any(m.take(i, axis).any() for m in misses)]
        if len(bad) == 1 and len(wrong) > 1:
            alone = {trial.wanted.ndim for trial in trials} == {1}
            place = f"{'' if alone else '..., '}{bad[0]}{', :' * (-axis - 1)}"
            return f"only answer[{place}] is wrong: {_one(wrong[0], near)} ({wrong[0]})."
    return ""


def some(trials: Trials, near: Near) -> str:
    """One wrong value beside the right one, and how many hidden inputs are right."""
    right = [same(trial.given, trial.wanted, near) for trial in trials]
    wrong = trials[right.index(False)]
    count = f"right on {sum(right)} of {len(right)} hidden inputs, but " if any(right) else ""
    return f"{count}{_one(wrong, near)} ({wrong}).{fixed_size(trials, right)}"


def _one(trial: Trial, near: Near) -> str:
    """The worst value beside the right one, with the digits that tell them apart."""
    miss = np.where(near(trial.given, trial.wanted), -1, np.abs(trial.given - trial.wanted))
    given, wanted = trial.given.flat[miss.argmax()], trial.wanted.flat[miss.argmax()]
    pairs = [(f"{given:.{digits}g}", f"{wanted:.{digits}g}") for digits in range(4, 12)]
    is_, right = next((pair for pair in pairs if pair[0] != pair[1]), pairs[-1])
    return f"{'one value' if trial.wanted.shape else 'the answer'} is {is_} where {right} is right"


def _joined(trials: Trials) -> tuple[Numbers, Numbers]:
    """All given and all wanted values."""
    given = np.concatenate([trial.given.ravel() for trial in trials])
    return given, np.concatenate([trial.wanted.ravel() for trial in trials])


def _factor(given: Numbers, wanted: Numbers, near: Near) -> float:
    """The one number that given is times wanted, 0 where there is none."""
    squares = float(wanted @ wanted)
    c = float(given @ wanted) / squares if squares else 0.0
    return c if c and near(given / c, wanted).all() else 0.0


def _sizes(trials: Trials) -> dict[str, list[float]]:
    """{words: the size in each trial} for every axis that an argument has in all trials."""
    found = {}
    for place, name in enumerate(trials[0].args):
        shapes = [trial.shapes()[place] for trial in trials]
        found[f"{name}.size"] = [float(np.prod(s)) for s in shapes]
        if len({len(s) for s in shapes}) == 1:
            for axis in range(len(shapes[0])):
                found[f"{name}.shape[{axis}]"] = [float(s[axis]) for s in shapes]
    return found


def _shared_axes(trials: Trials) -> range:
    """-1, -2 and so on, as far as all answers have these axes."""
    return range(-1, -1 - min(trial.wanted.ndim for trial in trials), -1)
