"""The painted world of `paintbox`: its cues, tones, regions and palettes, and how it is drawn.

Lengths are fractions of the picture's side; x runs right and y down from the top left corner. A
pixel takes the region its center lies in. Places below are those before mirroring.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CUES = {"time": {"noon": 0.6, "dusk": 0.4}, "season": {"summer": 0.65, "autumn": 0.35}}
CUE_BOXES = {"time": (0.03, 0.16, 0.02, 0.24), "season": (0.02, 0.19, 0.40, 0.74)}  # x0 x1 y0 y1
TONES = {"ink": (22, 31), "dark": (38, 47), "mid": (52, 61), "light": (66, 75), "pale": (80, 86.5)}
L_NOISE = 1.75  # uniform on +-1.75 at every pixel: a standard deviation of 1.01
MIN_AREA = 0.005  # of the picture: what a region that is present shows at least


Colors = Sequence[tuple[float, float, float]]  # (probability, a, b), ...


class Region(NamedTuple):
    tone: str
    texture: str
    palette: tuple | dict  # (probability, a, b), ...; or one such palette for each value of a cue


REGIONS = {
    "sky": Region("light", "fade", ((1, -10, -30),)),
    "glow": Region("pale", "plain", ((1, 10, 20),)),
    "far ridge": Region("mid", "hatch", ((1, 10, -30),)),
    "near ridge": Region("dark", "back hatch", ((1, -20, 10),)),
    "meadow": Region("light", "grass", ((1, -30, 50),)),
    "lake": Region("mid", "ripple", {"noon": ((1, 0, -40),), "dusk": ((1, 40, -10),)}),
    "sun": Region("pale", "plain", ((1, -10, 70),)),
    "cloud": Region("pale", "ripple", {"noon": ((1, 0, -10),), "dusk": ((1, 20, -10),)}),
    "leafy tree": Region("ink", "leaves", ((1, -20, 20),)),
    "bare tree": Region("ink", "leaves", ((1, 40, 20),)),
    "grove": Region("mid", "leaves", {"summer": ((1, -40, 40),), "autumn": ((1, 50, 50),)}),
    "balloon": Region(
        "dark", "gores", ((0.37, 60, 40), (0.29, 10, -40), (0.28, -40, 40), (0.06, 70, -70))
    ),
    "kite": Region("dark", "plain", ((1, 60, 30),)),
    "field": Region(
        "mid", "rows", ((0.36, 10, 50), (0.34, 40, -50), (0.24, -20, -10), (0.06, 60, 30))
    ),
    "wall": Region("pale", "plain", ((1, 0, 10),)),
    "roof": Region("mid", "tiles", ((0.44, 50, 40), (0.33, -30, 0), (0.23, 30, -40))),
    "hull": Region("ink", "plain", ((1, 30, 20),)),
    "sail": Region("pale", "gores", ((0.42, 10, -10), (0.33, -10, 70), (0.25, -40, 20))),
}
NAMES = tuple(REGIONS)
INSTANCE = 32  # part = region + INSTANCE * which of the two balloons, houses or boats

# A region's L is the middle of its tone + an offset + texture + noise: together its tone, exactly.
_TONE = np.array([TONES[region.tone] for region in REGIONS.values()], np.float32)
TONE_MIDDLE = _TONE.mean(1)
OFFSET_SWING = ((_TONE[:, 1] - _TONE[:, 0]) / 2 - L_NOISE) / 3
TEXTURE_SWING = 2 * OFFSET_SWING

# Where the bands under the sky begin: mean height, swing, two frequencies.
_BANDS = np.array(
    [
        (0.280, 0.006, 0.6, 1.1),
        (0.365, 0.040, 2.3, 5.2),
        (0.480, 0.030, 1.2, 3.1),
        (0.595, 0.020, 0.7, 1.9),
        (0.740, 0.020, 0.5, 1.6),
    ]
)


def palette(region: str, time: str | None = None, season: str | None = None) -> Colors:
    """[(probability, a, b), ...] of a region, mixed over a cue that is None.

    >>> palette("lake"), palette("lake", time="dusk")
    ([(0.6, 0, -40), (0.4, 40, -10)], [(1.0, 40, -10)])
    """
    colors = REGIONS[region].palette
    if not isinstance(colors, dict):
        return colors
    prior = next(prior for prior in CUES.values() if prior.keys() == colors.keys())
    known = {cue: 1.0 for cue in (time, season) if cue in prior}
    return [(q * p, a, b) for cue, q in (known or prior).items() for p, a, b in colors[cue]]


def draw_parts(u: NDArray, size: int, time: int, season: int) -> NDArray[np.intp]:
    """The parts of a scene, (size, size) uint8, from 92 uniform numbers and the two cues.

    part = region + INSTANCE * copy. Every choice takes its numbers from u whether or not it is
    needed, and no number depends on a cue: so a cue changes nothing outside its own box.
    """
    numbers = iter(u.tolist())
    center = (np.arange(size) + 0.5) / size

    def between(low, high):
        return low + (high - low) * next(numbers)

    def pixels(low, high):
        return slice(max(round(low * size), 0), round(high * size))

    def disc(name, cx, cy, r, copy=0, floor=1.0):
        rows, columns = pixels(cy - r, min(cy + r, floor)), pixels(cx - r, cx + r)
        inside = (center[columns] - cx) ** 2 + (center[rows, None] - cy) ** 2 < r * r
        parts[rows, columns][inside] = NAMES.index(name) + INSTANCE * copy

    def quad(name, top, bottom, left, right, copy=0):
        """Flat at top and bottom; left and right are x at the top and x at the bottom."""
        rows, columns = pixels(top, bottom), pixels(min(left), max(right))
        x, t = center[columns], (center[rows, None] - top) / (bottom - top)
        (x0, x1), (x2, x3) = left, right
        inside = (x > x0 + (x1 - x0) * t) & (x < x2 + (x3 - x2) * t)
        parts[rows, columns][inside] = NAMES.index(name) + INSTANCE * copy

    phase = np.array([[next(numbers), next(numbers)] for _ in _BANDS])[:, :, None]
    waves = _BANDS[:, 2:, None] * between(0.85, 1.2) * center + phase
    peaks = 4 * np.abs(waves[1] % 1 - 0.5) - 1
    waves = np.sin(2 * np.pi * waves)
    waves[1] = peaks
    edges = _BANDS[:, :1] + _BANDS[:, 1:2] * (0.65 * waves[:, 0] + 0.35 * waves[:, 1])
    parts = (center[:, None] > edges[:, None]).sum(0, dtype=np.uint8)

    cx, cy = between(0.088, 0.102), between(0.078, 0.084)
    disc("sun", cx, cy + 0.1 * time, 0.056)

    shown, cx, cy = between(0, 1) < 0.8, between(0.80, 0.85), between(0.13, 0.18)
    for dx, dy, r in ((-0.075, 0.0, 0.05), (0.0, -0.03, 0.07), (0.08, -0.005, 0.055)):
        if shown:
            disc("cloud", cx + dx, cy + dy, r, floor=cy + 0.025)

    for copy, x in enumerate([(0.25, 0.31), (0.475, 0.56)]):
        kind, cx, cy, r = between(0, 1), between(*x), between(0.086, 0.14), between(0.058, 0.064)
        if kind < 0.65:
            disc("balloon", cx, cy, r, copy)
            y0, y1, w0, w1 = cy + 0.3 * r, cy + 1.55 * r, 0.95 * r, 0.25 * r
            quad("balloon", y0, y1, (cx - w0, cx - w1), (cx + w0, cx + w1), copy)
        elif copy and kind < 0.75:
            w, y0, y1, y2 = 0.05, cy - 0.05, cy, cy + 0.1
            quad("kite", y0, y1, (cx, cx - w), (cx, cx + w))
            quad("kite", y1, y2, (cx - w, cx), (cx + w, cx))

    meadow, lean = between(0, 1), between(-0.04, 0.04)
    x0, x1 = between(0.24, 0.28), between(0.54, 0.58)
    if meadow < 0.5:
        quad("field", 0.62, 0.685, (x0 + lean, x0 - lean), (x1 + lean, x1 - lean))
    for copy, x in enumerate([(0.27, 0.30), (0.51, 0.53)]):
        shown, cx = between(0, 1) < 0.75, between(*x)
        w, top = between(0.058, 0.065), between(0.54, 0.56)
        if meadow >= 0.5 and shown:
            quad("wall", 0.635, 0.70, (cx - w, cx - w), (cx + w, cx + w))
            quad("roof", top, 0.635, (cx - 0.025, cx - 0.08), (cx + 0.025, cx + 0.08), copy)

    shown = between(0, 1) < 0.85
    for cx in (0.735, 0.80, 0.86, 0.93, 0.99):
        r = between(0.045, 0.065)
        if shown:
            disc("grove", cx, 0.615, r)
    if shown:
        quad("grove", 0.615, 0.68, (0.675, 0.685), (1.0, 1.0))

    for copy, x in enumerate([(0.34, 0.48), (0.70, 0.82)]):
        shown, cx = between(0, 1) < 0.75, between(*x)
        water, top = between(0.90, 0.93), between(0.15, 0.17)
        if shown:
            quad("hull", water, water + 0.065, (cx - 0.09, cx - 0.055), (cx + 0.095, cx + 0.055))
            quad("sail", water - top, water, (cx, cx - 0.06), (cx + 0.005, cx + 0.09), copy)

    # The tree comes last: nothing may hide it.
    cx = between(0.10, 0.11)
    name = "bare tree" if season else "leafy tree"
    quad(name, 0.55, 0.735, (cx - 0.018, cx - 0.018), (cx + 0.018, cx + 0.018))
    if not season:
        for dx, cy, r in ((0.0, 0.47, 0.062), (-0.03, 0.53, 0.048), (0.03, 0.53, 0.048)):
            disc(name, cx + dx, cy, r)
    else:
        for tip, foot, dx in ((0.50, 0.64, -0.06), (0.47, 0.62, 0.06), (0.42, 0.58, -0.02)):
            quad(name, tip, foot, (cx + dx - 0.017, cx - 0.017), (cx + dx + 0.017, cx + 0.017))
    return parts


@lru_cache(maxsize=8)
def textures(size: int) -> NDArray[np.float32]:
    """What texture adds to L in each region, in four phases: (4, regions, H * W) float32."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    period = max(3.0, size / 26)
    banks = []
    for _ in range(4):
        p, q, r = rng.random(3)

        def wave(t, phase=p):
            return np.sin(2 * np.pi * (t / period + phase))

        sway = 0.25 * period * np.sin(2 * np.pi * (x / size * 3 + q))
        tuft = 0.35 * period * np.sin(2 * np.pi * (y / period / 2 + r))
        fade = np.clip(y / (0.15 * size) - 1, -1, 1)
        pattern = {
            "plain": 0 * x,
            "fade": fade,
            "ripple": wave(y + sway),
            "grass": wave(x + tuft),
            "hatch": wave((x + y) / 1.4),
            "back hatch": wave((x - y) / 1.4),
            "leaves": wave(x) * wave(y, r),
            "gores": wave(x),
            "rows": wave(x + (2 * y - size) / 3),
            "tiles": wave(y),
        }
        banks.append([pattern[region.texture].ravel() for region in REGIONS.values()])
    return (np.array(banks, np.float32) * TEXTURE_SWING[:, None]).astype(np.float32)
