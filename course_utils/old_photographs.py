"""Old photographs from modern ones: what film, print and time do to a picture, one step a function.

Steps work on light, Y in 0…1 relative to white, or on density, D = -log10 Y, as photographers
measure it. They take and give L (H, W, 1) in 0..100, what a colorizer takes; `red_blind` begins
with colors and `sepia` ends with them. Every strength is 0 for no change and 1 for a bad specimen;
what is random depends on `seed` alone. They are simulations, each with one cause: no archive was
measured.

`scan` runs a step, or all of them, from a photograph to what a scanner would give, and `to_L` takes
any scan back to the L that the contract wants.
"""

import functools
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import color
from course_utils.color import decode_srgb, encode_srgb, inverse_response, response

RED_BLIND = np.array([0.0, 0.5, 0.5])  # light of the red, green and blue lamp that such film sees
MOST_LOST = 0.6  # of the density, in a badly faded print
FLARE = 0.01  # light that a dull surface adds to black
GRAIN = 0.12  # standard deviation of the density, where the density is 1
BROWN = np.array([0.70, 1.0, 1.4])  # density of toned silver to red, green and blue light
CREAM = np.array([1.0, 0.95, 0.82])  # light that old paper gives back
FINE = 4  # points a side of a pixel, where halftone dots are drawn
MARKS = 2  # scratches, and as many specks of dust, on 100 x 100 pixels


def red_blind(rgb: ArrayLike, strength: float = 1.0) -> NDArray[np.float32]:
    """L (H, W, 1) of a photograph on film that does not see red: orthochromatic, until the 1920s.

    rgb: uint8 or float in [0, 1], (H, W, 3). The film adds the light of the lamps by weights that
    go from those of the eye to RED_BLIND. Reds come out too dark, blue skies too light.
    """
    rgb = np.asarray(rgb)
    light = decode_srgb(rgb / 255 if rgb.dtype == np.uint8 else rgb.clip(0, 1))  # (H, W, 3)
    weights = (1 - strength) * color.XYZ_FROM_RGB[1] + strength * RED_BLIND
    return _from_light((light @ weights)[..., None])


def grain(
    L: ArrayLike, strength: float = 1.0, size: float = 0.7, seed: int = 1
) -> NDArray[np.float32]:
    """Clumps of silver: noise in density, of standard deviation GRAIN · strength at D = 1.

    It grows as the root of the density, as counts of clumps do: white paper has no grain. size: the
    clumps' radius in pixels (sigma of a Gaussian).
    """
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(seed).standard_normal(np.shape(L)[:2]), size)
    blur = gaussian_filter(np.eye(1, 61, 30)[0], size)  # what it does to one point, along one axis
    noise *= GRAIN * strength / np.square(blur).sum()
    y = _light(L)
    density = -np.log10(y.clip(1e-3))
    return _from_light(y * 10 ** -(np.sqrt(density) * noise[..., None]))


def fade(L: ArrayLike, strength: float = 1.0) -> NDArray[np.float32]:
    """Silver oxidizes: every density shrinks by MOST_LOST · strength, and the surface turns dull.

    Black becomes gray, white stays: low density, low contrast.
    """
    lost = MOST_LOST * strength
    return _from_light((_light(L) + FLARE * lost) ** (1 - lost))


def halftone(L: ArrayLike, strength: float = 1.0, cell: float = 4.0) -> NDArray[np.float32]:
    """Printed in a newspaper: ink dots at 45 degrees, larger where the picture is darker.

    cell: distance of the dots in pixels. The ink covers 1 - Y of the paper, so a wide blur gives
    the tones back. Dots are drawn on FINE x FINE points a pixel and averaged. strength: from the
    picture as it was to ink alone.
    """
    y = _light(L)[..., 0]
    paper = _screen(*y.shape, cell) >= 1 - np.repeat(np.repeat(y, FINE, 0), FINE, 1)
    dots = paper.reshape(y.shape[0], FINE, y.shape[1], FINE).mean((1, 3))
    return _from_light(((1 - strength) * y + strength * dots)[..., None])


@functools.lru_cache(maxsize=2)
def _screen(height, width, cell):
    """For every point its rank from the centers of the dots, in 0…1: ink fills the low ranks."""
    row, column = (np.indices((height * FINE, width * FINE)) + 0.5) / FINE  # in pixels
    u, v = (2 * np.pi * (row + sign * column) / (np.sqrt(2) * cell) for sign in (1, -1))
    turn = 2 * np.pi * (np.arange(256) + 0.5) / 256
    known = np.sort((np.cos(turn[:, None]) + np.cos(turn)).ravel())  # the same, over one cell
    return 1 - np.searchsorted(known, np.cos(u) + np.cos(v)) / known.size


def scratches(L: ArrayLike, strength: float = 1.0, seed: int = 1) -> NDArray[np.float32]:
    """Scratches, white and nearly upright, and specks of dust, black: MARKS of each on 100 x 100.

    More strength adds marks to those that a seed has drawn already.
    """
    from scipy.ndimage import binary_dilation

    scratched = np.array(L, np.float32)
    height, width = scratched.shape[:2]
    count = round(strength * MARKS * height * width / 1e4)
    rng = np.random.default_rng(seed)
    for x, y, length, slope, row, column in rng.random((count, 6)):
        along = np.arange(int(height * (0.1 + 0.5 * length))) + int(y * height)
        aside = np.round(x * width + (slope - 0.5) * 0.3 * (along - along[0])).astype(int)
        inside = (along < height) & (aside >= 0) & (aside < width)
        scratched[along[inside], aside[inside]] = 95
        speck = np.zeros((height, width), bool)
        speck[int(row * height), int(column * width)] = True
        marked = np.asarray(binary_dilation(speck, iterations=1), bool)
        scratched[marked] = 10
    return scratched


def sepia(L: ArrayLike, strength: float = 1.0) -> NDArray[np.float32]:
    """Toned and yellowed, float32 (H, W, 3) in [0, 1]: brown silver on cream paper.

    Silver sulfide holds back blue light more than red (BROWN, factors of density), and the paper
    gives less blue back (CREAM). The tones stay nearly as they are, and so does L: see `to_L`.
    """
    lamps = _light(L) ** (1 + strength * (BROWN - 1)) * CREAM**strength  # (H, W, 3)
    return encode_srgb(lamps.astype(np.float32)).clip(0, 1)


def darken(rgb: ArrayLike, stops: float) -> NDArray[np.float32]:
    """The photograph with 2**-stops of its light, float32 (H, W, 3): night, or too short a time."""
    rgb = np.asarray(rgb)
    light = decode_srgb(rgb / 255 if rgb.dtype == np.uint8 else rgb.clip(0, 1))
    return encode_srgb((light * 2.0**-stops).astype(np.float32)).clip(0, 1)


def scan(rgb: ArrayLike, kind: str, strength: float = 1.0, seed: int = 1) -> NDArray[np.uint8]:
    """What a scanner gives of a modern photograph made old: uint8 (H, W, 3), gray but for sepia.

    kind: one of KINDS. Raises ValueError for another.
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; it must be one of {', '.join(KINDS)}.")
    old = KINDS[kind](rgb, strength, seed)
    if old.shape[-1] == 1:
        gray = color.with_ab(old, np.zeros((*old.shape[:2], 2), np.float32))
        old = gray[..., 1:2].repeat(3, -1)  # equal to the last digit: rounding could split them
    return np.round(255 * old).astype(np.uint8)


def to_L(scan: ArrayLike) -> NDArray[np.float32]:
    """The L of any scan, (H, W, 1) in 0..100: a brown picture gives its luminance, no channel."""
    return color.L(scan).clip(0, 100)


def stretch(L: NDArray[Any], share: float = 0.01) -> NDArray[Any]:
    """A faded L back over 0..100, linearly: `share` of the pixels becomes black, and as much white.

    What "auto levels" does in a scanner's program. A picture of one tone stays as it is.
    """
    low, high = np.quantile(L, [share, 1 - share])
    return np.float32(100 * (L - low) / (high - low)).clip(0, 100) if high > low else L


def _all(rgb, strength, seed):
    """Red-blind film, half faded, grainy, scratched and brown, as found in an attic; no dots."""
    L = fade(red_blind(rgb, strength), strength / 2)
    L = scratches(grain(L, strength, seed=seed), strength, seed)
    return sepia(L, strength)


KINDS = {
    "clean": lambda rgb, strength, seed: to_L(rgb),
    "red-blind film": lambda rgb, strength, seed: red_blind(rgb, strength),
    "grain": lambda rgb, strength, seed: grain(to_L(rgb), strength, seed=seed),
    "faded": lambda rgb, strength, seed: fade(to_L(rgb), strength),
    "sepia": lambda rgb, strength, seed: sepia(to_L(rgb), strength),
    "halftone": lambda rgb, strength, seed: halftone(to_L(rgb), strength),
    "scratches": lambda rgb, strength, seed: scratches(to_L(rgb), strength, seed),
    "all at once": _all,
}


def _light(L):
    """Y in 0…1 of L in 0..100 (CIE 15)."""
    return inverse_response((np.asarray(L, np.float64) + 16) / 116)


def _from_light(y):
    """L float32 in 0..100 of Y; what is brighter than white is white."""
    return (116 * response(np.clip(y, 0, 1)) - 16).clip(0, 100).astype(np.float32)
