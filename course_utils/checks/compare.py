"""How a check tries an answer on hidden input and says what is wrong with it."""

import numpy as np

from course_utils import course


class CheckFailed(AssertionError):
    """An exercise is not solved, and this is a place where that must not pass."""


def _say(name, verdict, hint=None):
    """Print the verdict; raise it when there is a hint, hence a mistake, and grading is strict."""
    print(f"{name}: {verdict}" + (f"\nHint: {hint}" if hint else ""))
    if hint and course.strict():
        raise CheckFailed(f"{name}: {verdict}")


def compare(name, answer, inputs, truth, mistakes, hint, tolerance=1e-4):
    """Try `answer(*inputs)` against `truth(*inputs)`; recognise the usual mistakes by their values.

    mistakes: {diagnosis: function}, each a wrong answer that many people give.
    hint: what to read or try next, whatever the mistake.
    """
    wanted = np.asarray(truth(*inputs), dtype=np.float64)
    try:
        given = answer(*(np.copy(value) for value in inputs))
    except Exception as error:  # whatever a student's code raises becomes a sentence
        return _say(name, f"your code stopped with {type(error).__name__}: {error}", hint)
    if given is None:
        return _say(name, "not done yet; replace the line `return None`.", hint)
    try:
        given = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        return _say(name, f"the answer is a {type(given).__name__}, not numbers.", hint)
    if given.shape != wanted.shape:
        return _say(name, f"the answer has shape {given.shape}, it must be {wanted.shape}.", hint)
    if not np.isfinite(given).all():
        return _say(name, "the answer holds a NaN or an infinity.", hint)
    if np.allclose(given, wanted, rtol=0, atol=tolerance):
        return _say(name, f"correct on {wanted.size} hidden values.")
    for diagnosis, mistake in mistakes.items():
        # A mistake may be large, a squared distance for instance, and computed in float32.
        if np.allclose(given, mistake(*inputs), rtol=1e-5, atol=tolerance):
            return _say(name, diagnosis, hint)
    worst = np.abs(given - wanted).argmax()
    verdict = f"one value is {given.flat[worst]:.4f} where {wanted.flat[worst]:.4f} is right."
    return _say(name, verdict, hint)
