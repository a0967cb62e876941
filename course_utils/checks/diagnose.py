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
    for kind in (axes, shape, not_finite, value, flip, places, part):
        if sentence := kind(trials, near):
            return sentence
    return some(trials, near)


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
    """NaN or infinity."""
    bad = [~np.isfinite(trial.given) & np.isfinite(trial.wanted) for trial in trials]
    count, size = (sum(int(f(b)) for b in bad) for f in (np.sum, np.size))
    if not count:
        return ""
    first = next(trial for trial, b in zip(trials, bad) if b.any())
    return f"the answer holds a NaN or an infinity, in {count} of {size} values ({first})."


def value(trials: Trials, near: Near) -> str:
    """One relation between all values and the right ones: a factor, an offset, lost signs."""
    given = np.concatenate([trial.given.ravel() for trial in trials])
    wanted = np.concatenate([trial.wanted.ravel() for trial in trials])
    if near(given, np.full_like(given, given[0])).all():
        return f"every value is {given[0]:.4g}, whatever the input."
    if near(given, np.abs(wanted)).all():
        return "the signs are lost: what must be negative is positive."
    times = float(given @ wanted / (wanted @ wanted or 1.0))
    if times and near(given / times, wanted).all():
        return f"every value {_times(times)}."
    more = (given - wanted).mean()
    if near(given - more, wanted).all():
        return f"every value is {abs(more):.4g} too {'large' if more > 0 else 'small'}."
    return ""


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
    """The worst value beside the right one."""
    miss = np.where(near(trial.given, trial.wanted), -1, np.abs(trial.given - trial.wanted))
    given, wanted = trial.given.flat[miss.argmax()], trial.wanted.flat[miss.argmax()]
    is_, right = (
        f"{x:.0f}" if x == round(x) and abs(x) < 1e12 else f"{x:.6g}" for x in (given, wanted)
    )
    return f"{'one value' if trial.wanted.shape else 'the answer'} is {is_} where {right} is right"


def _times(factor: float) -> str:
    if np.isclose(factor, -1, rtol=1e-3):
        return "has the wrong sign"
    whole = abs(factor) < 1 and np.isclose(1 / factor, round(1 / factor), rtol=1e-3)
    return f"is {f'1/{round(1 / factor)} of' if whole else f'{factor:.4g} times'} what it must be"


def _shared_axes(trials: Trials) -> range:
    """-1, -2 and so on, as far as all answers have these axes."""
    return range(-1, -1 - min(trial.wanted.ndim for trial in trials), -1)
