"""The checks of lesson 10: warp, confidence mask, cuts."""

from typing import Any

import numpy as np

from course_utils.checks.compare import Answer, compare


def _lookup(before, right, down, whole: Any = np.round, border: Any = "clip"):
    """Values at places that are (right, down) away; `border` as in np.take."""
    rows, columns = np.indices(right.shape)
    y, x = whole(rows + down).astype(int), whole(columns + right).astype(int)
    index = np.ravel_multi_index((y, x), right.shape, mode=border)
    return before.reshape(-1, before.shape[-1])[index]


def warp_back(answer: Answer) -> None:
    """Check the warp: two frames that differ in size and channels, with flows beyond the border."""
    rng = np.random.default_rng(1)
    inputs = []
    for shape in ((6, 9, 2), (8, 5, 3)):
        flow = rng.uniform(-3, 3, (*shape[:2], 2))
        flow += 0.1 * (np.abs(flow % 1 - 0.5) < 0.05)  # no half pixels: they round either way
        inputs.append((rng.normal(0, 20, shape), flow))
    compare(
        "warp_back",
        answer,
        inputs,
        lambda before, flow: _lookup(before, flow[..., 0], flow[..., 1]),
        {
            "this looks in the opposite direction; add the flow to each pixel's place.": (
                lambda before, flow: _lookup(before, -flow[..., 0], -flow[..., 1])
            ),
            "right and down are exchanged; flow[..., 0] goes to the right, along columns.": (
                lambda before, flow: _lookup(before, flow[..., 1], flow[..., 0])
            ),
            "places are cut off to whole pixels; round them.": (
                lambda before, flow: _lookup(before, flow[..., 0], flow[..., 1], np.trunc)
            ),
            "what leaves on one side comes in on the other; repeat the border instead.": (
                lambda before, flow: _lookup(before, flow[..., 0], flow[..., 1], border="wrap")
            ),
            "nothing has moved; this is the frame before.": lambda before, flow: before,
            "this moves to the right only; rows move too, by flow[..., 1].": (
                lambda before, flow: _lookup(before, flow[..., 0], 0 * flow[..., 1])
            ),
            "this moves down only; columns move too, by flow[..., 0].": (
                lambda before, flow: _lookup(before, 0 * flow[..., 0], flow[..., 1])
            ),
        },
        "rows + flow[..., 1] and columns + flow[..., 0], rounded and clipped, are the index.",
    )


def _sure(L, warped, doubt, middle=np.median, power=2.0):
    difference = L - warped
    return np.exp(-(np.abs((difference - middle(difference)) / doubt) ** power))


def confidence_mask(answer: Answer) -> None:
    """Check the confidence mask: two sizes, two doubts, and a frame that became brighter."""
    rng = np.random.default_rng(2)
    inputs = []
    for shape, doubt, brighter in (((5, 8, 1), 6.0, 7.0), ((7, 4, 1), 3.0, -4.0)):
        L = rng.uniform(10, 80, shape)
        warped = L - brighter + rng.normal(0, 2, shape) + 15 * (rng.random(shape) < 0.2)
        inputs.append((L, warped, doubt))
    compare(
        "confidence_mask",
        answer,
        inputs,
        _sure,
        {
            "the median is still in it: light that flickers everywhere would look like doubt.": (
                lambda L, warped, doubt: _sure(L, warped, doubt, lambda d: 0)
            ),
            "this subtracts the mean, which a few hidden pixels pull away; take the median.": (
                lambda L, warped, doubt: _sure(L, warped, doubt, np.mean)
            ),
            "the difference is not squared.": (
                lambda L, warped, doubt: _sure(L, warped, doubt, power=1.0)
            ),
            "this is doubt; confidence is 1 where nothing differs.": (
                lambda L, warped, doubt: 1 - _sure(L, warped, doubt)
            ),
            "the exponent has the wrong sign: confidence falls with the difference.": (
                lambda L, warped, doubt: 1 / _sure(L, warped, doubt)
            ),
            "doubt stands outside the square; divide first, then square.": (
                lambda L, warped, doubt: _sure(L, warped, np.sqrt(doubt))
            ),
            "doubt is not used.": lambda L, warped, doubt: _sure(L, warped, 1.0),
            "this is yes or no; let it fall smoothly.": (
                lambda L, warped, doubt: _sure(L, warped, doubt) > np.exp(-1)
            ),
        },
        "subtract the median from L - warped, divide by doubt, square, and take exp of minus that.",
    )


def _alike(L, back=1):
    """The correlation of each frame with the one `back` before it, (T,); 1 where there is none."""
    flat = L.reshape(len(L), -1)
    found = np.ones(len(L))
    for t in range(back, len(L)):
        found[t] = np.corrcoef(flat[t], flat[t - back])[0, 1]
    return found


def find_cuts(answer: Answer) -> None:
    """Check the cuts: two films of other lengths and sizes; light flickers, one shot is short."""
    rng = np.random.default_rng(3)
    inputs = []
    for shape, lengths, alike in (((6, 7, 1), (3, 2, 4), 0.6), ((5, 9, 1), (2, 1, 3, 2), 0.3)):
        shots = [np.repeat(rng.uniform(20, 60, (1, *shape)), n, 0) for n in lengths]
        L = np.concatenate(shots)
        L = L * rng.uniform(0.7, 1.4, (len(L), 1, 1, 1)) + rng.normal(0, 1, L.shape)
        inputs.append((L, alike))

    def first(L, alike):
        flat = L.reshape(len(L), -1)
        return np.array([np.corrcoef(x, flat[0])[0, 1] < alike for x in flat])

    compare(
        "find_cuts",
        answer,
        inputs,
        lambda L, alike: _alike(L) < alike,
        {
            "this is True where frames are alike; a cut is where they are not.": (
                lambda L, alike: _alike(L) >= alike
            ),
            "this marks the last frame of the old shot; mark the first of the new one.": (
                lambda L, alike: np.append(_alike(L)[1:] < alike, False)
            ),
            "the first frame is missing; it is False.": lambda L, alike: _alike(L)[1:] < alike,
            "each frame is compared with the first; compare it with the one before.": first,
            "each frame is compared with that two before.": lambda L, alike: _alike(L, 2) < alike,
            "this is the correlation itself; compare it with alike.": lambda L, alike: _alike(L),
            "the first frame is no cut: nothing stands before it.": (
                lambda L, alike: (_alike(L) < alike) | (np.arange(len(L)) == 0)
            ),
            "alike is not used.": lambda L, alike: _alike(L) < 0.9999,
        },
        "correlate each frame, as a flat array, with the one before it.",
    )
