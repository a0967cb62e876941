"""Open one file as a photograph in sRGB."""

import io
import stat
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

# What photographs come in. Pillow reads more, but an upload must not reach, for instance, its EPS
# reader, which runs Ghostscript. HEIF is there if the user has registered a reader for it.
FORMATS = "JPEG PNG TIFF WEBP GIF BMP PPM JPEG2000 AVIF HEIF".split()
SUFFIXES = tuple(
    ".jpg .jpeg .jpe .jfif .mpo .png .apng .tif .tiff .webp .gif .bmp .ppm .pgm .pbm .pnm .pfm "
    ".jp2 .avif .heic .heif".split()
)

MOST_BYTES = 10**9

# What is mistaken for a picture: how it begins, in lower case, after the box size before `ftyp`.
_FOREIGN = {
    b"ftypavi": "is an AVIF picture, which Pillow cannot read here: save it as JPEG",
    b"ftyphe": "is a HEIC picture, which Pillow cannot read here: export it as JPEG",
    b"ftypmif": "is a HEIC or AVIF picture, which Pillow cannot read here: export it as JPEG",
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

    source: a path, or the bytes of a file. Of an animation, the first frame. The picture is turned
    as its EXIF data say, converted by its ICC profile and laid over white where transparent.
    16-bit gray is divided by 257; of 16-bit color Pillow keeps the high byte. Float gray in [0, 1]
    becomes 0..255; other floats, and integers beyond 16 bits, are stretched from their lowest value
    (black) to their highest (white). CMYK without a profile becomes R = (255 - C)(255 - K) / 255.
    A profile that is broken or made for another mode is ignored with a warning.

    Raises FileNotFoundError or another OSError, or PhotoError for what is no picture, damaged, or
    has more than `PIL.Image.MAX_IMAGE_PIXELS` pixels.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return decode(bytes(source), "the uploaded picture")
    path = Path(source).expanduser()
    return decode(read(path), path)


def readable() -> list[str]:
    """Those of FORMATS that Pillow can read here."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


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
        im = Image.open(io.BytesIO(data), formats=readable())
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
    try:
        im = ImageOps.exif_transpose(im)
    except Exception:  # damaged EXIF data are no reason to refuse the picture
        pass
    return np.array(_srgb(im, name))


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
    profile, alpha = im.info.get("icc_profile"), None
    if im.mode[0] in "IF":  # I, I;16, I;16B and F: one channel of more than 8 bits
        values = np.asarray(im)
        if "transparency" in im.info:
            alpha = Image.fromarray(np.uint8(255 * (values != im.info["transparency"])))
        im = Image.fromarray(_eight_bits(values, 1.0 if im.mode == "F" else 65535.0))
    elif im.has_transparency_data:
        im = im if im.mode in ("L", "LA", "1") else im.convert("RGBA")
        alpha = im.convert("RGBA").getchannel("A")

    mode = {"1": "L", "L": "L", "LA": "L", "CMYK": "CMYK", "LAB": "LAB"}.get(im.mode, "RGB")
    im = im.convert(mode)
    try:
        if profile:
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


def _eight_bits(values, white):
    """Values in [0, white] to uint8; others are stretched from lowest to highest. NaN is 0."""
    values = np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0)
    low, high = values.min(), values.max()
    if low < 0 or high > white:
        values, white = values - low, max(high - low, np.finfo(np.float32).tiny)
    return np.rint(255 * (values / white)).astype(np.uint8)
