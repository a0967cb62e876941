"""What Pillow misreads: other depths than 8 bits, TIFF, which holds all of them, and PNG's colors.

Pillow reads the usual TIFF. It misreads or refuses what scanners and microscopes write: 0 for
white in more than 8 bits, signed, 12, 32 and 64 bits, channels apart. tifffile reads those.
"""

import io
import logging
import warnings
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from course_utils.color import decode_srgb, encode_srgb

PNG = b"\x89PNG\r\n\x1a\n"
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # how such files begin
PAGES = 100  # of a TIFF that are looked at
OUTLIERS = 0.001  # share of floats, at either end, that may lie anywhere
_P3 = np.array([[1.22494, -0.22494, 0], [-0.04206, 1.04206, 0], [-0.01964, -0.07864, 1.09827]])
_MODES = {(1, 1): "L", (1, 2): "LA", (2, 3): "RGB", (2, 4): "RGBA", (5, 4): "CMYK"}
_TOP, _ORIENTATION, _PHOTOMETRIC = 281, 274, 262  # MaxSampleValue


def eight_bits(values: NDArray[Any], white: float) -> NDArray[np.uint8]:
    """Numbers in [0, white] as 0..255; others are stretched from lowest to highest. Holes are 0.

    Lowest and highest are those of nearly all numbers where a few lie ten times as far out.
    """
    values = np.where(np.isfinite(values), values, 0).astype(np.float64)
    low, high = values.min(), values.max()
    if low < 0 or high > white:
        near = np.quantile(values, [OUTLIERS, 1 - OUTLIERS], method="nearest")
        if high - low > 10 * (near[1] - near[0]) > 0:
            low, high = near
        low, white = (0, white) if 0 <= low and high <= white else (low, high - low or 1)
        values = (values - low).clip(0, white)
    return np.rint(255 * (values / white)).astype(np.uint8)


def tiff(data: bytes, name: Any) -> Image.Image:
    """The largest page of a TIFF that is no thumbnail, as a Pillow image.

    Warns where there are more pages, and of 16-bit pictures that look like 12 bits unscaled.
    """
    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        pages: Any = list(enumerate(islice(file.pages, PAGES)))
        whole = [(i, page) for i, page in pages if not page.subfiletype & 5]  # small, mask
        index, page = max(whole or pages, key=lambda p: p[1].imagewidth * p[1].imagelength)
        if len(whole) > 1:
            number = f"{len(whole)}{' or more' * (len(pages) == PAGES)}"
            warnings.warn(
                f"{name} has {number} pages, and page {index + 1} is used: save others as files.",
                stacklevel=5,
            )
        if page.imagewidth * page.imagelength > (Image.MAX_IMAGE_PIXELS or np.inf):
            raise Image.DecompressionBombError
        usual = page.sampleformat == 1 and page.bitspersample <= 8
        mode = _MODES.get((page.photometric or 1, page.samplesperpixel))
        if usual or mode is None:
            im = Image.open(io.BytesIO(data), formats=["TIFF"])
            im.seek(index)
            return im
        return _converted(page, index, mode, data, name)


def _converted(page: Any, index: int, mode: str, data: bytes, name: Any) -> Image.Image:
    bits, kind = page.bitspersample, page.sampleformat  # 1 unsigned, 2 signed, 3 float
    try:
        values = page.asarray()
    except Exception:  # a compression or depth for which tifffile needs more
        values = _by_pillow(page, index, data)
    if page.planarconfig == 2 and values.ndim == 3:
        values = np.moveaxis(values, 0, -1)
    white = 1 if kind == 3 else 65535 if bits > 16 else 2 ** (bits - (kind == 2)) - 1
    top = np.max(page.tags.valueof(_TOP, 0))
    if 255 <= top < white and (top & (top + 1)) == 0:  # 2**n - 1: else it is the picture's own
        white = top
    elif bits == 16 and kind == 1 and 0 < values.max() < 4096:
        remedy = "write MaxSampleValue 4095 into it if it has 12 bits"
        warnings.warn(f"{name} is nearly black: {remedy}.", stacklevel=6)
    if values.dtype == np.uint8 and bits == 16:
        white /= 257  # Pillow kept the high byte
    values = eight_bits(values, white)
    im = Image.fromarray(255 - values if page.photometric == 0 else values, mode)
    im.info["icc_profile"] = page.iccprofile
    im.getexif()[_ORIENTATION] = int(page.tags.valueof(_ORIENTATION, 1))
    return im


def _by_pillow(page, index, data):
    """The numbers of a page, where it is one that Pillow reads: 0 for white it refuses."""
    tag = page.tags.get(_PHOTOMETRIC)
    if page.photometric == 0 and tag is not None:
        one = (1).to_bytes(2, "big" if data[:1] == b"M" else "little")
        data = data[: tag.valueoffset] + one + data[tag.valueoffset + 2 :]
    im = Image.open(io.BytesIO(data), formats=["TIFF"])
    im.seek(index)
    values = np.asarray(im)
    if values.dtype.kind == "f" or values.dtype.itemsize * 8 != page.bitspersample:
        return values
    return values.view(f"{'ui'[page.sampleformat - 1]}{values.dtype.itemsize}")


def png(data: bytes) -> tuple[bytes, bytes | None]:
    """A PNG without its texts, which may be larger than Pillow allows, and what its cICP holds."""
    kept, space, place = [PNG], None, len(PNG)
    while place < len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        kind = data[place + 4 : place + 8]
        if kind == b"cICP":
            space = data[place + 8 : end - 4]
        if kind not in (b"tEXt", b"zTXt", b"iTXt"):
            kept.append(data[place:end])
        place = end
    return b"".join(kept), space


def from_png(im: Image.Image, info: dict[Any, Any], name: Any) -> Image.Image | None:
    """An 8-bit picture in sRGB by the cICP or gAMA of a PNG; None where they say nothing else.

    Of cICP, sRGB and Display P3 are read. Others fall back to a profile, or to a warning.
    """
    space, profile = tuple(info.get("cicp") or ())[:2], info.get("icc_profile")
    if space == (12, 13) and im.mode == "RGB":
        light = decode_srgb(np.asarray(im) / 255) @ _P3.T
        return Image.fromarray(eight_bits(encode_srgb(light).clip(0, 1), 1))
    if space and (space[0] != 1 or space[1] not in (1, 6, 13, 14, 15)) and not profile:
        remedy = "colors may be off; save the picture as sRGB"
        warnings.warn(
            f"{name}: its colors (cICP {space}) are not read here: {remedy}.", stacklevel=5
        )
    gamma = 0 if space or profile or "srgb" in info else info.get("gamma", 0)
    if gamma > 0 and abs(gamma - 1 / 2.2) > 0.01:
        light = (np.arange(256) / 255) ** (1 / gamma)
        table = eight_bits(encode_srgb(light).clip(0, 1), 1).tolist()
        return im.point(table * len(im.getbands()))
    return None
