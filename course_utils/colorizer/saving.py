"""A colorized picture as a file: its label, and all that the photograph's file said beside pixels.

EXIF, GPS, XMP, IPTC, comments and PNG texts are kept as they were, so author, copyright, dates and
caption are. The label follows the caption. Left out is what is no longer true: orientation,
thumbnail, and how the photograph's pixels were stored. The result is sRGB. Where the photograph had
a color profile, one of sRGB with its rendering intent is embedded, so that programs which convert
only tagged pictures go on converting; a picture without a profile gets none.
"""

import io
import os
import re
import struct
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from course_utils import __version__
from course_utils.photos import opening

LABEL = "colorized by Color from Gray, "
_LABEL = LABEL.encode()
KINDS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}

# EXIF tags of how pixels were stored: layout, orientation, strips, tiles, thumbnail, color, raw
# data, profile; also XMP and the places of other tags, which are written where the result has them.
_STORAGE = {*range(254, 267), *range(273, 282), 284, *range(288, 294), 301, *range(317, 351)}
_STORAGE |= {*range(512, 533), 700, 34675, 34665, 34853, *range(50700, 52600)}
_NOT_TRUE = {0xA001, 0xA002, 0xA003, 0xA005, 0xA500}  # color space, size, compatibility, gamma
_HEAVY = {ExifTags.Base.MakerNote, ExifTags.Base.UserComment}  # of no stated size
_XMP, _XMP_TEXT = b"http://ns.adobe.com/xap/1.0/\0", "XML:com.adobe.xmp"
_UPRIGHT = re.compile(rb"(tiff:Orientation(?:=[\"']|>))\d")
_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SRGB = _PROFILE[:24] + struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + _PROFILE[36:]  # not of today


def encoded(
    rgb: NDArray[np.uint8], kind: str, name: str, source: bytes | None, stamp: str | None
) -> bytes:
    """The content of a PNG or JPEG file: rgb (H, W, 3), colorized by the model `name`.

    source: the photograph's file. stamp: what names photograph and model, the EXIF ImageUniqueID.
    JPEG has no room for more than 64 kB of EXIF: maker notes, XMP, IPTC and comment go then, and a
    warning tells of it. A source that Pillow cannot read says nothing.
    """
    picture, words = Image.fromarray(rgb), _LABEL + name.encode()
    image, buffer = picture, io.BytesIO()
    with suppress(Exception):
        image = Image.open(io.BytesIO(source or b""), formats=opening.readable())
    try:
        picture.save(buffer, kind, **_options(image, kind, words, stamp, False))
    except ValueError:  # "EXIF data is too long", and the like
        buffer = io.BytesIO()
        picture.save(buffer, kind, **_options(image, kind, words, stamp, True))
        remedy = "copy them with a program for metadata, such as exiftool"
        warnings.warn(f"Maker notes, XMP, IPTC and comment do not fit: {remedy}.", stacklevel=4)
    return buffer.getvalue()


def label(path: str | Path) -> tuple[str | None, str | None]:
    """(label, fingerprint) that `Colorizer.save` wrote into a picture; (None, None) without."""
    try:
        with Image.open(path if os.path.isfile(path) else "") as image:  # a pipe would wait forever
            exif = image.getexif()
            caption: Any = _stored(exif[ExifTags.Base.ImageDescription])
            _, found, name = caption.rpartition(_LABEL)
            if found:
                stamp = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ImageUniqueID)
                return LABEL + name.decode("utf-8", "replace"), stamp
    except Exception:  # whatever is wrong with a file, it carries no label then
        pass
    return None, None


def _options(image: Any, kind: str, ours: bytes, stamp: Any, lean: bool) -> dict[str, Any]:
    """Options of Pillow's `save` for what the file of `image` says, and our label behind it."""
    info, ifd = image.info, ExifTags.IFD
    exif: Any = Image.Exif()
    with suppress(Exception):  # of many kinds, on damaged EXIF
        exif.endian = image.getexif().endian  # maker notes are bytes in this order
    exif.update(_tags(image, None, _STORAGE))
    inner: Any = exif.get_ifd(ifd.Exif)
    inner.update(_tags(image, ifd.Exif, _NOT_TRUE | (_HEAVY if lean else set())))
    exif.get_ifd(ifd.GPSInfo).update(_tags(image, ifd.GPSInfo))
    texts = {k: v for k, v in getattr(image, "text", {}).items() if "profile type" not in k}
    for tag, key, added in (
        (ExifTags.Base.ImageDescription, "Description", ours),
        (ExifTags.Base.Software, "Software", f"Color from Gray {__version__}".encode()),
    ):
        said = _stored(exif.get(tag) or texts.get(key))
        said = said.strip(b"\0 ") if isinstance(said, bytes) else b""
        exif[tag] = words = b"; ".join(filter(None, (said, added)))
        texts[key] = words.decode("utf-8", "replace")
    if stamp is not None:
        inner[ExifTags.Base.ImageUniqueID.value] = stamp
    options = {"exif": exif}
    if profile := info.get("icc_profile"):
        options["icc_profile"] = SRGB[:64] + profile[64:68] + SRGB[68:]
    if all(0 < dots < 2**16 for dots in info.get("dpi", [0])):
        options["dpi"] = info["dpi"]
    xmp = info.get("xmp") or texts.get(_XMP_TEXT, "").encode()
    xmp = _UPRIGHT.sub(rb"\g<1>1", xmp)
    if kind == "PNG":
        png = PngImagePlugin.PngInfo()
        if xmp:
            png.add_itxt(_XMP_TEXT, xmp.decode("utf-8", "replace"))
        for key in sorted(texts.keys() - {_XMP_TEXT}):
            png.add_text(key, texts[key])
        return options | {"pnginfo": png, "compress_level": 4}  # a third of the time, 1 % larger
    # Without subsampling: 4:2:0 would blur the very thing that was made.
    options |= {"quality": 95, "subsampling": 0}
    if not lean:
        iptc = [data for marker, data in getattr(image, "applist", []) if marker == "APP13"]
        parts = [(0xE1, _XMP + xmp)] * bool(xmp) + [(0xED, data) for data in iptc]
        options["extra"] = b"".join(
            bytes([255, n]) + (len(d) + 2).to_bytes(2, "big") + d for n, d in parts
        )
        options["comment"] = info.get("comment", b"")
    return options


def _tags(image, ifd, left_out: Any = ()):
    """The EXIF tags of an image that Pillow can read and write, without those left out."""
    written = {}
    try:
        old = image.getexif()
        found = old if ifd is None else old.get_ifd(ifd)
        for tag, value in found.items():
            trial: Any = Image.Exif()
            if isinstance(value, str) and not value.isascii():
                value = _stored(value)
            trial[tag] = value
            with suppress(Exception):  # of many kinds, on damaged tags
                if tag not in left_out and trial.tobytes():
                    written[tag] = value
    except Exception:
        pass
    return written


def _stored(value):
    """A text as the bytes of its file: Pillow reads those of EXIF as Latin-1, whatever they are."""
    if isinstance(value, str):
        return value.encode("utf-8" if max(value, default="") > "ÿ" else "latin-1")
    return value
