"""Clips of a painted scene: whose colors, motion and occlusion are known, and so is memory's worth.

A clip is one scene in which clouds, balloons, kites and boats move by whole pixels, in front of all
that stands still. Their L and ab move with them, down to the noise of each pixel: a pixel that
stays in view keeps its L and its ab, bit for bit. The camera may pan by whole pixels. It begins on
the side of the cues, which then leave the view.

Memory. The color of an object cannot be read off L, in no frame. A cue can: so what L has shown in
earlier frames is worth exactly what the cues are worth that are out of view now. `memory_floors`
counts a cue as seen as soon as a pixel of its box is in view. While a box is cut by the border, the
floor of a single frame may therefore be too low, and the worth of memory with it, never too high.
"""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from course_utils.color import with_ab
from course_utils.paintbox.answers import AB_NOISE, support
from course_utils.paintbox.scenes import (
    CUE_BOXES,
    CUES,
    INSTANCE,
    L_NOISE,
    NAMES,
    OFFSET_SWING,
    TONE_MIDDLE,
    draw_parts,
    palette,
    textures,
)

# What moves as one, from back to front: (regions, copy), and how far, in sides of the picture:
# sideways at most, up and down at most. They stay in front of the sky, or of meadow and lake.
MOVING = (
    (("cloud",), 0, 0.10, 0.0),
    (("balloon",), 0, 0.08, 0.03),
    (("balloon",), 1, 0.08, 0.03),
    (("kite",), 0, 0.08, 0.03),
    (("hull", "sail"), 0, 0.12, 0.0),
    (("hull", "sail"), 1, 0.12, 0.0),
)
_CHANCES = 13  # the place in `draw_parts`'s numbers from which objects are shown or not


@dataclass(frozen=True)
class Clip:
    """A clip of T frames, channels last. L is 0..100 and ab in CIELAB units, both float32."""

    L: np.ndarray  # (T, H, W, 1)
    ab: np.ndarray  # (T, H, W, 2), one draw from the process, the same in all frames
    parts: np.ndarray  # (T, H, W) uint8: every object its own number, its region + 32 · its copy
    flow: np.ndarray  # (T, H, W, 2) float32, right and down: from a pixel to its place a frame ago
    fresh: np.ndarray  # (T, H, W) bool: what the frame before did not show; all of the first frame
    seen: np.ndarray  # (T, 2) bool: whether the boxes of time and season reach into the view
    time: str
    season: str

    def __len__(self):
        return len(self.L)

    @cached_property
    def rgb(self) -> NDArray[np.float32]:
        """(T, H, W, 3) float32 in [0, 1]."""
        return with_ab(self.L, self.ab)

    @property
    def regions(self) -> NDArray[np.uint8]:
        """(T, H, W), indices into NAMES."""
        return self.parts % INSTANCE

    def expected_ab(self, memory: bool = True) -> NDArray[np.float32]:
        """E[ab | this frame], (T, H, W, 2); with memory E[ab | this frame and all before it]."""
        return self._by_region(_mean, memory).astype(np.float32)

    def memory_floors(self) -> dict[str, NDArray[np.float64]]:
        """The least squared error of each frame, per pixel and channel: {"frame", "memory"}, (T,).

        "frame" is for a predictor that sees the frame alone, "memory" for one that has seen all
        frames up to it. The module says when "frame" is a lower bound only.
        """
        known = {"frame": False, "memory": True}
        return {
            name: self._by_region(_variance, memory)[..., 0].mean((1, 2)) / 2
            for name, memory in known.items()
        }

    def _by_region(self, measure, memory):
        """A measure of ab's distribution at each pixel, given the cues that are known by then."""
        known = np.logical_or.accumulate(self.seen) if memory else self.seen
        return np.stack(
            [
                _table(measure, self.time if time else None, self.season if season else None)[frame]
                for (time, season), frame in zip(known, self.regions, strict=True)
            ]
        )


def clip(
    frames: int = 24,
    size: int = 64,
    seed: int = 0,
    *,
    width: int | None = None,
    time: str | None = None,
    season: str | None = None,
) -> Clip:
    """A clip of a scene of size x size pixels, 32 or more.

    width: of the view, at most size; a narrower one pans over the whole scene, at full height,
    from the side of the cues to the other. time and season force a cue. The same arguments give the
    same clip. Raises ValueError for sizes that leave nothing to see and for unknown cues.

    >>> moving = clip(5, size=32, width=16, time="dusk")
    >>> moving.L.shape, moving.flow.shape, moving.time
    ((5, 32, 16, 1), (5, 32, 16, 2), 'dusk')
    """
    width = size if width is None else width
    if frames < 1 or size < 32 or not 1 <= width <= size:
        raise ValueError(
            f"frames is {frames}, size {size} and width {width}: a clip has at least one frame of "
            "a scene of 32 pixels or more, and a view that is no wider than the scene."
        )
    rng = np.random.default_rng([seed, 10])
    u, luck = rng.random(96), rng.random((len(MOVING), 3))
    cues = [_cue(u[i], *c) for i, c in enumerate((("time", time), ("season", season)))]
    parts = _layers(u, size, *cues)  # (2, S, S): behind what moves, and with it
    L, ab = _painted(parts, u[3], cues, rng)
    mirrored = u[2] < 0.5
    if mirrored:
        parts, L, ab = (x[:, :, ::-1] for x in (parts, L, ab))
    places = _places(luck, frames, size)  # (moving, T, 2)
    shown = np.stack([_shown(parts, places[:, t]) for t in range(frames)])  # (T, S, S)
    pans = np.round(np.linspace(0, size - width, frames)).astype(int)
    pans = size - width - pans if mirrored else pans
    views = [slice(x, x + width) for x in pans]
    source = np.stack([s[:, view] for s, view in zip(shown, views, strict=True)])
    frame_parts = parts.ravel()[source]
    flow = _flow(frame_parts, places, pans)
    boxes = np.array([CUE_BOXES[name][:2] for name in CUES]) * size
    left, right = (size - boxes[:, ::-1] if mirrored else boxes).T
    return Clip(
        L.ravel()[source][..., None],
        ab.reshape(-1, 2)[source],
        frame_parts,
        flow.astype(np.float32),
        _fresh(source, flow),
        (left < pans[:, None] + width) & (right > pans[:, None]),
        *cues,
    )


def _cue(u, name, forced):
    values = list(CUES[name])
    if forced is not None and forced not in values:
        raise ValueError(f"{name} is {forced!r}: give {values[0]!r} or {values[1]!r}.")
    return forced or values[int(u >= CUES[name][values[0]])]


def _layers(u, size, time, season):
    """The parts of the scene without and with what moves, (2, size, size) uint8."""
    cues = (list(CUES["time"]).index(time), list(CUES["season"]).index(season))
    full = draw_parts(u[4:], size, *cues)
    empty = u[4:].copy()
    empty[_CHANCES:] = 1  # each object's chance is lost: bands, sun and tree are left
    moves = np.isin(full % INSTANCE, [NAMES.index(name) for group in MOVING for name in group[0]])
    return np.stack([np.where(moves, draw_parts(empty, size, *cues), full), full])


def _painted(parts, phase, cues, rng):
    """L (2, S, S) and ab (2, S, S, 2) of both layers, by the process of `sample`."""
    size, regions = parts.shape[1], parts % INSTANCE
    offset = TONE_MIDDLE + OFFSET_SWING * (2 * rng.random((2, len(NAMES))) - 1)
    color = np.zeros((2, INSTANCE, 2), np.float32)
    for copy, region in np.ndindex(2, len(NAMES)):
        p, *ab = np.array(palette(NAMES[region], *cues), float).T
        color[copy, region] = np.transpose(ab)[rng.choice(len(p), p=p)]
    texture = textures(size)[int(4 * phase)].reshape(len(NAMES), size, size)
    rows, columns = np.indices((size, size))
    L = offset[parts // INSTANCE, regions] + texture[regions, rows, columns]
    L = L + L_NOISE * (2 * rng.random(parts.shape) - 1)
    ab = color[parts // INSTANCE, regions] + AB_NOISE[rng.integers(0, 25, parts.shape)]
    return L.astype(np.float32), ab.astype(np.float32)


def _places(luck, frames, size):
    """Where each moving thing is, from where it was drawn, right and down: (moving, T, 2) int."""
    t = np.linspace(-1, 1, frames)
    reach = np.array([group[2:] for group in MOVING]) * size  # (moving, 2)
    right = np.outer((2 * luck[:, 0] - 1) * reach[:, 0], t)
    down = np.sin(np.pi * (t + 2 * luck[:, 1:2])) * (luck[:, 2:] * reach[:, 1:])
    return np.round(np.stack([right, down], -1)).astype(int)


def _shown(parts, places):
    """The index into both layers' pixels that each pixel of a frame shows, (S, S)."""
    size = parts.shape[1]
    shown = np.arange(size * size).reshape(size, size)
    for k, (right, down) in enumerate(places):
        rows, columns = np.nonzero(_moves(parts[1]) == k)
        y, x = rows + down, columns + right
        inside = (0 <= y) & (y < size) & (0 <= x) & (x < size)
        shown[y[inside], x[inside]] = (size * size + rows * size + columns)[inside]
    return shown


def _moves(parts):
    """The place in MOVING of every pixel's part; -1 for what stands still."""
    table = np.full(256, -1)
    for k, (names, copy, *_) in enumerate(MOVING):
        table[[NAMES.index(name) + INSTANCE * copy for name in names]] = k
    return table[parts]


def _flow(parts, places, pans):
    """(T, H, W, 2) int: from each pixel to its place in the frame before, as its part moves."""
    flow = np.zeros((*parts.shape, 2), int)
    still = np.zeros((1, *places.shape[1:]), int)
    places = np.concatenate([places, still])  # index -1 stands still
    for t in range(1, len(parts)):
        flow[t] = (places[:, t - 1] - places[:, t])[_moves(parts[t])]
        flow[t, ..., 0] += pans[t] - pans[t - 1]
    return flow


def _fresh(source, flow):
    """(T, H, W) bool: pixels that the frame before did not show."""
    fresh = np.ones(source.shape, bool)
    rows, columns = np.indices(source.shape[1:])
    for t in range(1, len(source)):
        x, y = columns + flow[t, ..., 0], rows + flow[t, ..., 1]
        inside = (0 <= y) & (y < source.shape[1]) & (0 <= x) & (x < source.shape[2])
        fresh[t, inside] = source[t - 1, y[inside], x[inside]] != source[t, inside]
    return fresh


@cache
def _table(measure, time, season):
    """A measure of ab's distribution for every region, (regions, channels)."""
    return np.array([measure(*support(name, time, season)) for name in NAMES])


def _mean(p, ab):
    return p @ ab


def _variance(p, ab):
    return [p @ ((ab - p @ ab) ** 2).sum(-1)]
