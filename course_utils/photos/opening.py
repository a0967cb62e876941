"""Open one file as a photograph in sRGB."""

import functools
import io
import stat
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from course_utils.photos import depths

# What photographs come in. Pillow reads more, but an upload must not reach, for instance, its EPS
# reader, which runs Ghostscript. HEIF is there if pillow-heif is installed, JPEG XL ("JXL") if the
# user has registered a reader for it.
FORMATS = "JPEG PNG TIFF WEBP GIF BMP PPM JPEG2000 AVIF HEIF JXL".split()
SUFFIXES = tuple(
    ".jpg .jpeg .jpe .jfif .mpo .png .apng .tif .tiff .webp .gif .bmp .ppm .pgm .pbm .pnm .pfm "
    ".jp2 .avif .heic .heif .jxl".split()
)

MOST_BYTES = 10**9

_HEIF = 'a reader: pip install "color-from-gray[heif]"'
# What is mistaken for a picture: how it begins, in lower case, after the box size before `ftyp`.
_FOREIGN = {
    b"ftypavi": "is an AVIF picture, which Pillow cannot read here: save it as JPEG",
    b"ftyphe": f"is a HEIC picture, which needs {_HEIF}, or export it as JPEG",
    b"ftypmif": f"is a HEIC or AVIF picture, which may need {_HEIF}, or export it as JPEG",
    b"\xff\x0a": "is a JPEG XL picture, which Pillow cannot read here: save it as JPEG",
    b"\0\0\0\x0cjxl ": "is a JPEG XL picture, which Pillow cannot read here: save it as JPEG",
    b"ftyp": "is a video: save one frame of it as PNG",
    b"%pdf": "is a PDF document: export the page as PNG",
    b"<svg": "is an SVG drawing: export it as PNG",
    b"<?xml": "is an SVG drawing or other XML: export it as PNG",
    b"<": "is a web page: open its address in a browser and save the picture itself",
}


class PhotoError(ValueError):
    """A file that cannot be opened as a picture. The message names the file and the remedy."""


def open_photo(source: str | Path | bytes | bytearray | memoryview) -> NDArray[np.uint8]:
    """A picture as sRGB: uint8 (H, W, 3).

    source: a path, or the bytes of a file. Of an animation, the first frame; of a TIFF, the largest
    page, with a warning where there are more. The picture is turned as its EXIF data say, converted
    by its ICC profile, or by the gAMA or cICP of a PNG, and laid over white where transparent.
    Integers of up to 16 bits are scaled from 0 and the largest value of their depth (in a TIFF, its
    MaxSampleValue), floats from [0, 1], to 0..255; of a color PNG the high byte is kept.
    Other floats, negative and wider integers are stretched from their lowest value (black) to their
    highest (white). CMYK without a profile becomes R = (255 - C)(255 - K) / 255. A profile that is
    broken or made for another mode is ignored with a warning.

    Raises FileNotFoundError or another OSError, or PhotoError for what is no picture, damaged, no
    regular file, larger than MOST_BYTES, or has more than `PIL.Image.MAX_IMAGE_PIXELS` pixels.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return decode(bytes(source), "the uploaded picture")
    path = Path(source).expanduser()
    return decode(read(path), path)


def readable() -> list[str]:
    """Those of FORMATS that Pillow can read here."""
    Image.init()
    _register_heif()
    return [name for name in FORMATS if name in Image.OPEN]


@functools.cache
def _register_heif():
    with suppress(ImportError):
        import pillow_heif  # pyright: ignore[reportMissingImports]

        pillow_heif.register_heif_opener()


def read(path: Path) -> bytes:
    """The content of a file of at most MOST_BYTES; an OSError or PhotoError says what to do."""
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode) and not stat.S_ISDIR(about.st_mode):
            raise PhotoError(f"{path} is a device or a pipe: copy the picture into a file.")
        if about.st_size > MOST_BYTES:
            remedy = f"a photograph here has at most {MOST_BYTES / 1e9:.0f} GB: save a smaller copy"
            raise PhotoError(f"{path} has {about.st_size / 1e9:.0f} GB; {remedy}.")
        return path.read_bytes()
    except OSError as error:
        remedy = "give a folder to photos.load" if path.is_dir() else "check path and permissions"
        raise type(error)(f"{path} cannot be read ({error.strerror}): {remedy}.") from None


def decode(data: bytes, name: str | Path) -> NDArray[np.uint8]:
    """The picture in a file's content, as `open_photo` gives it; errors call it `name`."""
    if not data:
        raise PhotoError(f"{name} is empty (0 bytes): copy or download it again.")
    most = Image.MAX_IMAGE_PIXELS or np.inf
    try:
        im = _opened(data, name)
        if im.width * im.height > most:  # up to twice as many, Pillow only warns
            raise Image.DecompressionBombError
    except Image.DecompressionBombError:
        remedy = f"more than {most / 1e6:.0f} million pixels: save a smaller copy"
        raise PhotoError(f"{name} has {remedy}.") from None
    except Exception:  # Pillow's readers raise nearly anything on a file that is none of theirs
        raise PhotoError(f"{name} {_foreign(data)}.") from None
    try:
        im.load()
    except MemoryError:
        raise PhotoError(f"{name} needs more memory than there is: save a smaller copy.") from None
    except Exception as error:  # as above
        remedy = f"damaged or cut short ({error}): copy or download it again"
        raise PhotoError(f"{name} is {remedy}.") from None
    with suppress(Exception):  # damaged EXIF data are no reason to refuse the picture
        im = ImageOps.exif_transpose(im)
    return np.array(_srgb(im, name))


def _opened(data, name):
    if data[:4] in depths.TIFF:
        return depths.tiff(data, name)
    data, space = depths.png(data) if data[:8] == depths.PNG else (data, None)
    im = Image.open(io.BytesIO(data), formats=readable())
    im.info["cicp"] = space
    return im


def _foreign(data):
    head = data[4:12] if data[4:8] == b"ftyp" else data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n")
    for sign, sentence in _FOREIGN.items():
        if head.lower().startswith(sign):
            return sentence
    if min(head.translate(None, b"\t\r\n"), default=0) >= 32:
        return "is text: name the picture itself, or download it again"
    return "is damaged or no picture that Pillow can read: save it again as JPEG or PNG"


def _srgb(im, name):
    """A loaded Pillow image in mode RGB: profile applied, over white."""
    info, alpha = im.info, None
    profile = info.get("icc_profile")
    if im.mode[0] in "IF":  # I, I;16, I;16B and F: one channel of more than 8 bits
        values = np.asarray(im)
        if "transparency" in im.info:
            alpha = Image.fromarray(np.uint8(255 * (values != im.info["transparency"])))
        im = Image.fromarray(depths.eight_bits(values, 1.0 if im.mode == "F" else 65535.0))
    elif im.has_transparency_data:
        im = im if im.mode in ("L", "LA", "1") else im.convert("RGBA")
        alpha = im.convert("RGBA").getchannel("A")

    mode = {"1": "L", "L": "L", "LA": "L", "CMYK": "CMYK", "LAB": "LAB"}.get(im.mode, "RGB")
    im = im.convert(mode)
    try:
        own = depths.from_png(im, info, name)
        if own is not None:
            im = own
        elif profile:
            im = _converted(im, ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    except (OSError, ImageCms.PyCMSError):
        remedy = "colors may be off; save the picture as sRGB"
        warnings.warn(
            f"{name}: its profile is broken or not for {mode} and is ignored: {remedy}.",
            stacklevel=4,
        )
    if im.mode == "LAB":
        im = _converted(im, ImageCms.createProfile("LAB"))
    im = im.convert("RGB")
    return Image.composite(im, Image.new("RGB", im.size, "white"), alpha) if alpha else im


def _converted(im: Image.Image, source: Any) -> Any:
    srgb = ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(im, source, srgb, outputMode="RGB")
