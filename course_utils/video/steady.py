"""Color that stays steady in time: the last frame's color, moved along, is mixed into this one's.

Arrays are channels last: L (H, W, 1) in 0..100, ab (H, W, 2), a flow (H, W, 2) in pixels, right and
down, from a pixel of this frame to its place in the frame before.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]  # float32

STRENGTH = 0.9  # share of the old color where the old frame is recognized
DOUBT = 6.0  # difference in L, units, at which confidence falls to 1 / e
ALIKE = 0.6  # correlation of two frames below which a cut lies between them
THUMB = 16  # pixels a side of the thumbnails that are correlated
FLAT = 1.0  # standard deviation of L below which a thumbnail shows nothing
SMALLEST = 16  # pixels a side below which OpenCV finds no flow: nothing moves there


def flow(L: Floats, before: Floats) -> Floats:
    """The optical flow from this frame to the one before, (H, W, 2).

    Dense inverse search (Kroeger et al. 2016) of OpenCV; without OpenCV, scikit-image's iterative
    Lucas-Kanade, which is slower. Both see L alone: no color is needed.
    """
    if min(L.shape[:2]) < SMALLEST:
        return np.zeros((*L.shape[:2], 2), np.float32)
    try:
        import cv2
    except ImportError:
        from skimage.registration import optical_flow_ilk

        down, right = optical_flow_ilk(L[..., 0], before[..., 0], radius=5)
        return np.stack([right, down], -1).astype(np.float32)
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    frames = [np.round(2.55 * x[..., 0]).astype(np.uint8) for x in (L, before)]
    found: Any = dis.calc(*frames, None)  # type: ignore[call-overload]
    return found


def places(flow: Floats) -> tuple[Floats, Floats]:
    """Row and column in the frame before of every pixel, (H, W) each."""
    rows, columns = np.indices(flow.shape[:2]).astype(np.float32)
    return rows + flow[..., 1], columns + flow[..., 0]


def warp(before: Floats, flow: Floats) -> Floats:
    """The frame before, (H, W, C), moved to where its pixels are in this frame.

    Bilinear; what would come from beyond the border repeats it.
    """
    y, x = places(flow)
    height, width = flow.shape[:2]
    y, x = y.clip(0, height - 1), x.clip(0, width - 1)
    top, left = y.astype(np.intp), x.astype(np.intp)
    low, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    v, u = (y - top)[..., None], (x - left)[..., None]
    upper = (1 - u) * before[top, left] + u * before[top, right]
    lower = (1 - u) * before[low, left] + u * before[low, right]
    return (1 - v) * upper + v * lower


def confidence(L: Floats, before: Floats, flow: Floats) -> Floats:
    """How sure it is that the flow leads to the same thing, (H, W, 1) in 0..1.

    It falls with the difference between this L and the warped one: what was hidden looks different.
    What flickers alike everywhere, as old film does, is no difference. 0 beyond the border.
    """
    y, x = places(flow)
    inside = (y > -0.5) & (y < len(L) - 0.5) & (x > -0.5) & (x < L.shape[1] - 0.5)
    difference = L - warp(before, flow)
    difference -= np.median(difference)
    return (np.exp(-((difference / DOUBT) ** 2)) * inside[..., None]).astype(np.float32)


def is_cut(L: Floats, before: Floats) -> bool:
    """Whether a new shot begins: small copies of the two frames hardly correlate.

    A change of light or of contrast leaves the correlation as it is.
    """
    from course_utils.colorizer.model import resize

    old, new = (resize(x, THUMB, THUMB).ravel() for x in (before, L))
    if min(old.std(), new.std()) < FLAT:
        return max(old.std(), new.std()) >= FLAT
    return bool(np.corrcoef(old, new)[0, 1] < ALIKE)


def smooth(ab: Floats, steady: Floats, sure: Floats, strength: float = STRENGTH) -> Floats:
    """This frame's ab, mixed with the steady ab of the frame before, already warped.

    sure: (H, W, 1) in 0..1. strength: the share of the old color where sure is 1.
    """
    return ab + strength * sure * (steady - ab)


class Steady:
    """The recursive filter: give it L and ab of one frame after the other.

    before: (L, steady ab) of the last frame, None at the beginning. cuts: how many it has seen.
    """

    def __init__(self, strength: float = STRENGTH) -> None:
        self.strength, self.cuts = strength, 0
        self.before: tuple[Floats, Floats] | None = None

    def __call__(self, L: Floats, ab: Floats) -> Floats:
        """The steady ab of this frame, (H, W, 2). At a cut it is ab itself."""
        if self.before is not None and self.strength > 0:
            old_L, old_ab = self.before
            if is_cut(L, old_L):
                self.cuts += 1
            else:
                motion = flow(L, old_L)
                sure = confidence(L, old_L, motion)
                ab = smooth(ab, warp(old_ab, motion), sure, self.strength)
        self.before = L, ab
        return ab
