"""paintbox: painted landscapes whose colors are known, so that every loss has a floor.

A scene is drawn straight in Lab by a random process. `scenes` holds its tables.

1. Layout. Six bands lie above each other: sky, glow, far ridge, near ridge, meadow, lake. On them
   stand a sun and a tree, always, and by chance a cloud, balloons, a kite, a grove, a field or
   houses, and boats. Half of the scenes are mirrored. A region that is present shows at least 0.5 %
   of the picture, and no line is antialiased: a pixel belongs to one region.
2. Cues. `time` is noon (.6) or dusk (.4): the sun stands high or low. `season` is summer (.65) or
   autumn (.35): the tree has a full crown or bare branches. Cloud and lake take their color from
   `time`, the grove from `season`. All three lie at least 60 px away from their cue's box in
   a 128 x 128 scene, 15 px at 32 x 32. Nothing else depends on a cue, outside its own box.
3. L. There are five tones, 6.5 to 9 wide, each shared by regions of different color, so a value of
   L does not name a region. Regions that touch differ in tone; regions of one tone differ in
   texture and shape. L is tone + an offset of the object + texture + noise of each pixel.
4. ab comes last and never touches L. Each object draws one color from the palette of its region,
   given the cues. Each pixel adds noise: -2, -1, 0, 1 or 2 to a, and -2.4, -1.2, 0, 1.2 or 2.4
   to b, equally likely. Colors are centers of cells of the 10 x 10 grid in ab, and the noise stays
   within the cell.

At every L of its tone each color lies inside sRGB: nothing is clipped or rejected. Given regions
and cues, ab takes at most 100 values. `support` lists them, and every expectation is a finite sum.

L is a function of regions, cues and independent texture. Hence `floors` bounds every predictor from
L, and as regions and cues can be read off L (a test reads them), the bound is the Bayes risk up to
boundary pixels. It holds at native size, under horizontal flips only. Give networks `Scenes.L`: an
L recomputed from 8-bit RGB betrays the draw.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.bins import dense, encode
from course_utils.color import with_ab
from course_utils.paintbox.scenes import (
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

AB_NOISE = np.array([(a, b) for a in (-2, -1, 0, 1, 2) for b in (-2.4, -1.2, 0, 1.2, 2.4)])


@dataclass(frozen=True)
class Scenes:
    """n scenes, channels last. L is 0..100 and ab in CIELAB units, both float32."""

    L: np.ndarray  # (n, H, W, 1)
    ab: np.ndarray  # (n, H, W, 2), one draw from the process
    parts: np.ndarray  # (n, H, W) uint8: every object its own number, its region + 32 · its copy
    time: np.ndarray  # (n,), 0 noon, 1 dusk
    season: np.ndarray  # (n,), 0 summer, 1 autumn
    mirrored: np.ndarray  # (n,) bool

    def __len__(self):
        return len(self.L)

    @property
    def regions(self) -> NDArray[np.uint8]:
        """(n, H, W), indices into NAMES."""
        return self.parts % INSTANCE

    @cached_property
    def rgb(self) -> NDArray[np.float32]:
        """(n, H, W, 3) float32 in [0, 1]. As floats they return L and ab; as 8 bits not."""
        return with_ab(self.L, self.ab)

    def flip(self) -> "Scenes":
        """The scenes mirrored left to right: the one augmentation under which all stays exact."""
        arrays = {k: getattr(self, k)[:, :, ::-1].copy() for k in ("L", "ab", "parts")}
        return replace(self, **arrays, mirrored=~self.mirrored)

    def expected_ab(self, context: str = "global") -> NDArray[np.float32]:
        """E[ab | regions, cues], (n, H, W, 2): what the squared error asks for.

        context="local" mixes over the cues by their prior: what can be known without seeing them.
        """
        return self.at_pixels(lambda p, ab: p @ ab, context)

    def hinted_ab(self, told: NDArray[np.bool_]) -> NDArray[np.float32]:
        """E[ab | regions, cues, hints], (n, H, W, 2), where the true ab of some pixels is told.

        told: (n, H, W). A hint gives the color that its object drew, for the noise of a pixel never
        leaves the cell of a color; it says nothing about other objects, which draw by themselves.
        """
        seen = [np.isin(part, part[here]) for part, here in zip(self.parts, told, strict=True)]
        drawn = 10 * np.round(self.ab / 10)
        return np.where(np.stack(seen)[..., None], drawn, self.expected_ab())

    def median_ab(self, context: str = "global") -> NDArray[np.float32]:
        """The median of a and that of b, (n, H, W, 2): what the absolute error asks for."""
        return self.at_pixels(median_color, context)

    def variance(self, context: str = "global") -> NDArray[np.float32]:
        """Var[a | .] + Var[b | .], (n, H, W): where the color cannot be known, and by how much."""
        return self.at_pixels(_variance, context)

    def distribution(
        self,
        bins: ArrayLike,
        context: str = "global",
        *,
        k: int = 5,
        sigma: float = 5.0,
        pool: int = 1,
    ) -> NDArray[np.float32]:
        """E[z | .], float32 (n, H / pool, W / pool, Q): what the cross-entropy asks for.

        bins: (Q, 2). z is the soft code of ab, Gaussian weights of width sigma on its k nearest
        bins, normalized (Zhang et al. 2016). Over pool x pool pixels codes are averaged, never ab.
        """
        return np.stack(list(self.distributions(bins, context, k, sigma, pool)))

    def panels(self, context: str = "global") -> dict[str, NDArray[np.float32]]:
        """The emblem: "gray", "truth" and "expected" in RGB, (n, H, W, 3), and the "variance"."""
        return {
            "gray": with_ab(self.L, np.zeros_like(self.ab)),
            "truth": self.rgb,
            "expected": with_ab(self.L, self.expected_ab(context)),
            "variance": self.variance(context),
        }

    def at_pixels(self, measure, context):
        table = _table(measure, context)[self.time, self.season].astype(np.float32)
        return np.stack([row[region] for row, region in zip(table, self.regions, strict=True)])

    def distributions(self, bins, context, k, sigma, pool):
        """Scene by scene: 313 numbers for every pixel would soon fill the memory."""
        size = self.regions.shape[1]
        if size % pool:
            raise ValueError(f"pool is {pool}: give a divisor of the scenes' size, {size}.")
        table = _table(lambda p, ab: p @ dense(*encode(ab, k, sigma, bins), len(bins)), context)
        for regions, time, season in zip(self.regions, self.time, self.season, strict=True):
            share = np.eye(len(NAMES), dtype=np.float32)[regions]
            share = share.reshape(size // pool, pool, size // pool, pool, -1).mean((1, 3))
            yield share @ table[time, season].astype(np.float32)


def sample(
    n: int,
    size: int = 64,
    seed: int = 0,
    *,
    draw: int = 0,
    time: str | None = None,
    season: str | None = None,
) -> Scenes:
    """n scenes of size x size pixels, 32 or more (tested at 32, 64, 128 and 256).

    Scene i of a seed shows the same picture for every n and size. Another `draw` repaints it, and L
    stays bit for bit. `time` ("noon", "dusk") and `season` ("summer", "autumn") force a cue, and L
    stays bit for bit outside the cue's box. Raises ValueError for smaller sizes and unknown cues.

    >>> scenes = sample(2, size=32, time="dusk")
    >>> scenes.L.shape, scenes.ab.shape, scenes.time.tolist()
    ((2, 32, 32, 1), (2, 32, 32, 2), [1, 1])
    """
    if int(size) != size or size < 32:
        raise ValueError(f"size is {size}: scenes need a whole number of pixels, 32 or more.")
    streams = ([seed, 0], [seed, 1], [seed, 2], [seed, draw, 3], [seed, draw, 4])
    layout, offsets, grain, picks, shifts = (np.random.default_rng(s) for s in streams)
    u = layout.random((n, 96))
    times, seasons = _cue(u[:, 0], "time", time), _cue(u[:, 1], "season", season)
    mirrored, phase = u[:, 2] < 0.5, (4 * u[:, 3]).astype(int)
    offset = np.zeros((n, 2, INSTANCE), np.float32)
    luck = 2 * offsets.random((n, 2, len(NAMES))) - 1
    offset[..., : len(NAMES)] = TONE_MIDDLE - L_NOISE + OFFSET_SWING * luck
    # An object takes the first color whose cumulative probability exceeds its number.
    number = picks.random((n, 2, INSTANCE))
    which = (number[..., None] > _CUMULATIVE[times, seasons][:, None]).sum(-1)
    color = _COLORS[times, seasons][np.arange(n)[:, None, None], np.arange(INSTANCE), which]
    color = color.reshape(n, -1, 2).astype(np.float32)

    L = np.empty((n, size, size, 1), np.float32)
    ab = np.empty((n, size, size, 2), np.float32)
    parts = np.empty((n, size, size), np.uint8)
    pixel = np.arange(size**2).reshape(size, size)
    for i in range(n):
        side = slice(None, None, -1 if mirrored[i] else 1)
        part = draw_parts(u[i, 4:], size, times[i], seasons[i])
        region = part % INSTANCE
        light = 2 * L_NOISE * grain.random((size, size), np.float32)
        light += offset[i].ravel().take(part)
        light += textures(size)[phase[i]].take(region * np.intp(size**2) + pixel)
        paint = color[i].take(part, 0)
        paint += _SHIFT.take(shifts.integers(0, 25, (size, size), np.uint8), 0)
        L[i, ..., 0], ab[i], parts[i] = light[:, side], paint[:, side], part[:, side]
    return Scenes(L, ab, parts, times, seasons, mirrored)


def support(
    region: str, time: str | None = None, season: str | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Every value of ab in a region: probabilities (M,) and colors (M, 2), M at most 100.

    A cue that is None is mixed over by its prior.
    """
    p, *color = np.array(palette(region, time, season), float).T
    color = np.transpose(color)
    return np.repeat(p / len(AB_NOISE), len(AB_NOISE)), (color[:, None] + AB_NOISE).reshape(-1, 2)


def _cue(u, name, forced):
    """One value of a cue for each scene, by its prior or as asked."""
    values = list(CUES[name])
    if forced is None:
        return (u >= CUES[name][values[0]]).astype(np.uint8)
    if forced not in values:
        raise ValueError(f"{name} is {forced!r}: give {values[0]!r} or {values[1]!r}.")
    return np.full(len(u), values.index(forced), np.uint8)


def _palette_tables():
    """Cumulative probabilities (2, 2, INSTANCE, 4) and colors (2, 2, INSTANCE, 4, 2)."""
    cumulative, colors = np.ones((2, 2, INSTANCE, 4)), np.zeros((2, 2, INSTANCE, 4, 2))
    for t, time in enumerate(CUES["time"]):
        for s, season in enumerate(CUES["season"]):
            for i, name in enumerate(NAMES):
                p, *color = np.array(palette(name, time, season), float).T
                cumulative[t, s, i, : len(p) - 1] = p.cumsum()[:-1]
                colors[t, s, i, : len(p)] = np.transpose(color)
    return cumulative, colors


_CUMULATIVE, _COLORS = _palette_tables()
_SHIFT = AB_NOISE.astype(np.float32)


# Sums over the support of ab.


def _table(measure, context):
    """measure(p, ab) for each time, season and region: (2, 2, regions, ...)."""
    if context not in ("global", "local"):
        raise ValueError(f'context is {context!r}: give "global" or "local".')
    cues = [(t, s) if context == "global" else () for t in CUES["time"] for s in CUES["season"]]
    table = np.array([[measure(*support(name, *known)) for name in NAMES] for known in cues])
    return table.reshape(2, 2, *table.shape[1:])


def median_color(p, ab):
    order = ab.argsort(0)
    beyond = p[order].cumsum(0) > 0.5
    return np.take_along_axis(ab, order, 0)[beyond.argmax(0), [0, 1]]


def _variance(p, ab):
    return p @ ((ab - p @ ab) ** 2).sum(-1)
