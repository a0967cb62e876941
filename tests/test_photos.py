"""Photographs: odd and broken files, splits that hold near duplicates together, the cache."""

import csv
import hashlib
import io
import os
import struct
import subprocess
import sys
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.color import lab2rgb

from course_utils import photos
from course_utils.photos import cache as caching
from course_utils.photos import loading, splitting


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Every test has a cache of its own, and a home that it may not touch."""
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "cache"


def noise(seed=0, shape=(6, 4, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def square(rgb, size):
    return loading._square(Image.fromarray(rgb), size)


def saved(im, format="PNG", **options):
    buffer = io.BytesIO()
    (im if isinstance(im, Image.Image) else Image.fromarray(im)).save(buffer, format, **options)
    return buffer.getvalue()


def png(values, color_type, extra=b""):
    """A 16-bit PNG as its specification lays it out; Pillow itself writes gray ones only."""

    def chunk(name, data):
        checked = name + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    h, w = values.shape[:2]
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", w, h, 16, color_type, 0, 0, 0)
    body = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(lines))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def gray(values):
    return np.repeat(np.asarray(values, np.uint8).reshape(1, -1, 1), 3, 2)


WORDS = np.array([[0, 257, 25700, 32896, 65278, 65535]], np.uint16)  # 257 times the next line
BYTES = gray([0, 1, 100, 128, 254, 255])
OPAQUE = np.full_like(WORDS, 65535)
TRNS_257 = struct.pack(">I", 2) + b"tRNS\x01\x01" + struct.pack(">I", zlib.crc32(b"tRNS\x01\x01"))


def palette(**options):
    im = Image.new("P", (3, 1))
    im.putpalette([200, 10, 0, 0, 200, 30, 50, 60, 70])
    im.putdata([0, 1, 2])
    return saved(im, **options)


def bits(**options):
    im = Image.new("1", (3, 1))
    im.putdata([1, 0, 1])
    return saved(im, **options)


def cmyk(format, **options):
    im = Image.new("CMYK", (32, 16))
    im.paste((0, 200, 220, 10), (0, 0, 16, 16))  # red ink
    im.paste((0, 0, 0, 0), (16, 0, 32, 16))  # no ink
    return saved(im, format, **options)


RED_AND_WHITE = np.repeat([[[245, 53, 34]], [[255, 255, 255]]], 16, 0).reshape(1, 32, 3)
FLOATS = np.array([[0.0, 0.2, 0.6, 1.0]], np.float32)

# name: (the file, the picture, how far a code value may be off)
ODD = {
    "rgb": (saved(noise()), noise(), 0),
    "gray": (saved(BYTES[..., 0]), BYTES, 0),
    "gray with alpha": (saved(np.uint8([[[0, 0], [0, 51], [100, 255]]])), gray([255, 204, 100]), 0),
    "rgb with alpha": (
        saved(np.uint8([[[255, 0, 0, 51], [1, 2, 3, 255]]])),
        np.uint8([[[255, 204, 204], [1, 2, 3]]]),
        0,
    ),
    "webp with alpha": (
        saved(np.full((8, 8, 4), (0, 0, 255, 0), np.uint8), "WEBP", lossless=True),
        np.full((8, 8, 3), 255),
        0,
    ),
    "palette": (palette(), np.uint8([[[200, 10, 0], [0, 200, 30], [50, 60, 70]]]), 0),
    "palette, one color transparent": (
        palette(transparency=1),
        np.uint8([[[200, 10, 0], [255, 255, 255], [50, 60, 70]]]),
        0,
    ),
    "palette, alpha for each color": (
        palette(transparency=bytes([255, 0, 51])),
        np.uint8([[[200, 10, 0], [255, 255, 255], [214, 216, 218]]]),
        0,
    ),
    "rgb, one color transparent": (
        saved(np.uint8([[[9, 8, 7], [1, 2, 3]]]), transparency=(9, 8, 7)),
        np.uint8([[[255, 255, 255], [1, 2, 3]]]),
        0,
    ),
    "1-bit": (bits(), gray([255, 0, 255]), 0),
    "1-bit, black transparent": (bits(transparency=0), gray([255, 255, 255]), 0),
    "16-bit gray png": (png(WORDS, 0), BYTES, 0),
    "16-bit gray png, 257 transparent": (
        png(WORDS, 0, extra=TRNS_257),
        gray([0, 255, 100, 128, 254, 255]),
        0,
    ),
    "16-bit gray and alpha png": (png(np.stack([WORDS, OPAQUE], -1), 4), BYTES, 0),
    "16-bit rgb png": (png(np.stack([WORDS] * 3, -1), 2), BYTES, 0),
    "16-bit rgba png": (png(np.stack([WORDS] * 3 + [OPAQUE], -1), 6), BYTES, 0),
    "16-bit gray tiff": (saved(WORDS, "TIFF"), BYTES, 0),
    "16-bit big-endian tiff": (
        saved(Image.frombytes("I;16B", (6, 1), WORDS.astype(">u2").tobytes()), "TIFF"),
        BYTES,
        0,
    ),
    "16-bit pgm": (b"P5 6 1 65535\n" + WORDS.astype(">u2").tobytes(), BYTES, 0),
    "32-bit tiff of 16-bit values": (saved(WORDS.astype(np.int32), "TIFF"), BYTES, 0),
    "32-bit tiff beyond 16 bits": (
        saved(np.int32([[-100, 99_900, 199_900]]), "TIFF"),
        gray([0, 128, 255]),
        0,
    ),
    "float tiff": (saved(FLOATS, "TIFF"), gray([0, 51, 153, 255]), 0),
    "float tiff beyond 1": (saved(10 + 40 * FLOATS, "TIFF"), gray([0, 51, 153, 255]), 0),
    "float tiff below 0": (saved(FLOATS - 0.5, "TIFF"), gray([0, 51, 153, 255]), 0),
    "float tiff, one value": (saved(np.full((1, 2), 7, np.float32), "TIFF"), gray([0, 0]), 0),
    "float tiff with holes": (
        saved(np.float32([[np.nan, np.inf, 0.4, 1]]), "TIFF"),
        gray([0, 0, 102, 255]),
        0,
    ),
    "float pfm": (b"Pf 4 1 -1.0\n" + FLOATS.astype("<f4").tobytes(), gray([0, 51, 153, 255]), 0),
    "cmyk tiff": (cmyk("TIFF"), np.repeat(RED_AND_WHITE, 16, 0), 0),
    "cmyk jpeg": (cmyk("JPEG", quality=95), np.repeat(RED_AND_WHITE, 16, 0), 3),
    "animated gif": (
        saved(Image.new("L", (4, 3), 10), "GIF", save_all=True,
              append_images=[Image.new("L", (4, 3))]),
        np.full((3, 4, 3), 10),
        0,
    ),
    "animated png": (
        saved(noise(), save_all=True, append_images=[Image.fromarray(noise(1))]),
        noise(),
        0,
    ),
    "mpo": (
        saved(Image.new("RGB", (16, 16), (200, 40, 40)), "MPO", save_all=True,
              append_images=[Image.new("RGB", (16, 16))]),
        np.full((16, 16, 3), (200, 40, 40)),
        3,
    ),
    "bmp": (saved(noise(), "BMP"), noise(), 0),
    "jpeg 2000": (saved(noise(), "JPEG2000"), noise(), 0),
    "one pixel": (saved(noise(shape=(1, 1, 3))), noise(shape=(1, 1, 3)), 0),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_odd_files(name, tmp_path, recwarn):
    data, expected, off = ODD[name]
    rgb = photos.open_photo(data)
    assert rgb.dtype == np.uint8
    assert rgb.shape == np.shape(expected)
    assert abs(rgb - np.asarray(expected, float)).max() <= off
    path = tmp_path / "a picture"
    path.write_bytes(data)
    for source in (path, str(path), bytearray(data), memoryview(data)):
        assert np.array_equal(photos.open_photo(source), rgb)
    assert not recwarn.list
    rgb[0, 0] = 0  # the array is the caller's own


# EXIF orientation: on which side of the upright picture the first stored row and the first stored
# column lie (CIPA DC-008, table 6).
SIDES = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}


@pytest.mark.parametrize("orientation", SIDES)
def test_exif_orientation(orientation):
    stored = np.repeat(np.repeat(noise(shape=(3, 2, 3)), 16, 0), 16, 1)
    row, column = SIDES[orientation]
    upright = stored if row in ("top", "bottom") else stored.transpose(1, 0, 2)
    upright = upright[::-1] if "bottom" in (row, column) else upright
    upright = upright[:, ::-1] if "right" in (row, column) else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    for format, options in (("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True})):
        opened = photos.open_photo(saved(stored, format, exif=exif, **options))
        assert np.array_equal(opened, upright), format
    jpeg = photos.open_photo(saved(stored, "JPEG", exif=exif, quality=100, subsampling=0))
    assert jpeg.shape == upright.shape
    assert abs(jpeg.astype(int) - upright).max() <= 8
    deep = saved(np.uint16(257) * stored[..., 0], exif=exif)
    assert np.array_equal(photos.open_photo(deep)[..., 0], upright[..., 0])


def test_damaged_exif_does_not_refuse_the_picture():
    data = saved(np.full((16, 16, 3), 90, np.uint8), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    with warnings.catch_warnings(action="ignore"):
        assert np.array_equal(photos.open_photo(data), np.full((16, 16, 3), 90))


# ICC profiles, written by hand after ICC.1:2010.


def fixed(*numbers):
    return struct.pack(f">{len(numbers)}i", *(round(65536 * number) for number in numbers))


def profile(space, connection, tags):
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        data += b"\0" * (-len(data) % 4)
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data
    head = b"\0" * 8 + struct.pack(">I", 0x04000000) + b"mntr" + space + connection
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    head += fixed(0.9642, 1.0, 0.8249) + b"\0" * 48
    whole = head + struct.pack(">I", len(tags)) + table + body
    return struct.pack(">I", len(whole)) + whole[4:]


def xyz(*numbers):
    return b"XYZ \0\0\0\0" + fixed(*numbers)


SRGB_CURVE = b"para\0\0\0\0\0\3\0\0" + fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
GAMMA = b"para\0\0\0\0\0\0\0\0" + fixed(1.8)
D50 = {b"wtpt": xyz(0.9642, 1.0, 0.8249)}
P3 = [(0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)]
SRGB = [(0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)]


def matrix_profile(red, green, blue):
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), SRGB_CURVE)
    points = {b"rXYZ": xyz(*red), b"gXYZ": xyz(*green), b"bXYZ": xyz(*blue)}
    return profile(b"RGB ", b"XYZ ", D50 | points | curves)


def primaries(*corners):
    """RGB to XYZ from chromaticities, white D65 (SMPTE RP 177)."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in corners]).T
    white = np.array([0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290])
    return columns * np.linalg.solve(columns, white)


def encoded(light):
    """sRGB code values of linear light (IEC 61966-2-1)."""
    light = np.clip(light, 0, 1)
    return 255 * np.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, 12.92 * light)


def p3_to_srgb(rgb):
    v = rgb / 255
    light = np.where(v > 0.04045, ((v + 0.055) / 1.055) ** 2.4, v / 12.92)
    from_p3 = primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
    to_srgb = np.linalg.inv(primaries((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)))
    return encoded(light @ (to_srgb @ from_p3).T)


def test_wide_gamut_profile_is_applied():
    rgb = noise(5, (40, 40, 3))
    p3 = matrix_profile(*P3)
    opened = photos.open_photo(saved(rgb, icc_profile=p3))
    assert abs(opened - p3_to_srgb(rgb)).max() <= 1.5
    assert abs(opened.astype(int) - rgb).max() > 20
    assert np.array_equal(photos.open_photo(saved(rgb, "TIFF", icc_profile=p3)), opened)
    # alpha is no color: the profile does not touch it, and white stays white
    alpha = np.concatenate([rgb, np.full((40, 40, 1), 51, np.uint8)], 2)
    over_white = 0.2 * opened + 0.8 * 255
    found = photos.open_photo(saved(alpha, icc_profile=p3))
    assert abs(found - over_white).max() <= 1


def test_profile_may_swap_the_channels():
    rgb = noise(6, (20, 20, 3))
    swapped = matrix_profile(SRGB[1], SRGB[0], SRGB[2])
    opened = photos.open_photo(saved(rgb, icc_profile=swapped))
    assert abs(opened.astype(int) - rgb[..., [1, 0, 2]]).max() <= 1
    same = photos.open_photo(saved(rgb, icc_profile=matrix_profile(*SRGB)))
    assert abs(same.astype(int) - rgb).max() <= 1


def test_palette_with_a_profile():
    im = Image.fromarray(noise(7, (8, 8, 3))).quantize(16)
    expected = p3_to_srgb(np.asarray(im.convert("RGB")))
    opened = photos.open_photo(saved(im, icc_profile=matrix_profile(*P3)))
    assert abs(opened - expected).max() <= 1.5


def test_gray_profile_is_applied():
    dark = profile(b"GRAY", b"XYZ ", D50 | {b"kTRC": GAMMA})
    values = np.arange(0, 256, 5, dtype=np.uint8)[None]
    expected = encoded((values / 255) ** 1.8)[..., None]
    for format in ("PNG", "TIFF"):
        opened = photos.open_photo(saved(values, format, icc_profile=dark))
        assert abs(opened - expected).max() <= 1.5
    deep = saved(values * np.uint16(257), icc_profile=dark)
    assert abs(photos.open_photo(deep) - expected).max() <= 1.5


def test_cmyk_profile_is_applied():
    # A table of 2**4 corners: every ink in full makes a gray of L* 60, none at all L* 100.
    corners = np.full((2, 2, 2, 2, 3), (153, 128, 128), np.uint8)
    corners[0, 0, 0, 0, 0] = 255
    straight = bytes(range(256))
    table = b"mft1\0\0\0\0\4\3\2\0" + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table += 4 * straight + corners.tobytes() + 3 * straight
    cmyk_profile = profile(b"CMYK", b"Lab ", D50 | {b"A2B0": table})
    expected = 255 * lab2rgb(np.array([[[60, 0, 0.0]]]))[0, 0]
    im = Image.new("CMYK", (2, 1))
    im.putdata([(255, 0, 0, 0), (0, 0, 0, 0)])
    opened = photos.open_photo(saved(im, "TIFF", icc_profile=cmyk_profile))[0]
    assert abs(opened[0] - expected).max() <= 1.5
    assert abs(opened[1] - 255.0).max() <= 1


def test_lab_tiff():
    L, a, b = 60, -30, 40  # relative to D50, as in an ICC profile
    y = (L + 16) / 116
    light = np.array([0.9642, 1.0, 0.8249]) * np.array([y + a / 500, y, y - b / 200]) ** 3
    expected = encoded(np.linalg.solve(np.array(SRGB).T, light))
    data = saved(Image.frombytes("LAB", (1, 1), bytes([153, 256 + a, b])), "TIFF")
    assert abs(photos.open_photo(data)[0, 0] - expected).max() <= 1


@pytest.mark.parametrize(
    "im, icc",
    [
        (noise(), b"this is no profile"),
        (noise(), matrix_profile(*P3)[:200]),
        (noise(), profile(b"GRAY", b"XYZ ", D50 | {b"kTRC": GAMMA})),
        (noise(shape=(5, 5)), matrix_profile(*P3)),
        (noise(shape=(5, 5)), profile(b"CMYK", b"Lab ", D50)),
        (noise(), profile(b"CMYK", b"Lab ", D50)),
        (noise(), profile(b"Lab ", b"Lab ", D50)),
        (noise(), b"\0" * 128),
        (noise(), noise(1, 500).tobytes()),
    ],
    ids=[
        *("no profile", "cut short", "gray for rgb", "rgb for gray", "cmyk for gray"),
        *("cmyk for rgb", "lab for rgb", "zeros", "random bytes"),
    ],
)
def test_unusable_profile_is_ignored_with_one_warning(im, icc, tmp_path):
    path = tmp_path / "odd.png"
    path.write_bytes(saved(im, icc_profile=icc))
    with pytest.warns(UserWarning) as caught:
        opened = photos.open_photo(path)
    assert len(caught) == 1
    assert str(caught[0].message).startswith(f"{path}: its profile is broken or not for ")
    assert caught[0].filename == __file__
    assert np.array_equal(opened, im if im.ndim == 3 else np.stack([im] * 3, -1))


# Refusals.

JPEG = saved(noise(2, (60, 60, 3)), "JPEG")
FTYP = b"\0\0\0\x18ftyp%s\0\0\0\0mif1" + b"\0" * 200
BROKEN = {
    "empty": (b"", "is empty"),
    "text": (b"Dear diary,\r\n\ttoday ...", "is text"),
    "text in utf-8": ("Größe: 3 < 4".encode(), "is text"),
    "git lfs pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "is text"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "PDF"),
    "web page": (b"\n<!DOCTYPE html>\n<html><body>404</body></html>", "web page"),
    "web page without doctype": (b"<html lang='de'>", "web page"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
    "svg after xml": (b'\xef\xbb\xbf<?xml version="1.0"?><svg/>', "SVG"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is text"),
    "video": (FTYP % b"isom", "video"),
    "jpeg, first bytes only": (JPEG[:20], "damaged"),
    "jpeg, half": (JPEG[: len(JPEG) // 2], "cut short"),
    "png, half": (ODD["jpeg 2000"][0][:60], "damaged"),
    "png, header only": (saved(noise())[:33], "damaged"),
    "png, pixels cut": (saved(noise(shape=(50, 50, 3)))[:3000], "cut short"),
    "gif, half": (saved(noise(shape=(50, 50)), "GIF")[:900], "cut short"),
    "tiff, header only": (b"II*\0\x08\0\0\0", "damaged"),
    "random bytes": (noise(3, 500).tobytes(), "damaged"),
    "zeros": (bytes(1000), "damaged"),
    "zip": (b"PK\3\4\x14\0\0\0", "no picture"),
    "no pixels, pgm": (b"P5 0 0 255\n", "is text"),
    "no pixels, png": (png(np.zeros((0, 0), np.uint16), 0), "no picture"),
    "no pixels, gif": (b"GIF89a\0\0\0\0\0\0\0;", "no picture"),
    "fits": (b"SIMPLE  =                    T".ljust(2880), "is text"),
    "windows metafile": (b"\xd7\xcd\xc6\x9a" + bytes(60), "no picture"),
}


def assert_one_sentence(message, name):
    assert message.startswith(f"{name} ")
    assert message.endswith(".") and message.count(". ") == 0 and "\n" not in message
    assert ": " in message  # what to do stands after the colon
    assert "0x" not in message and "BytesIO" not in message


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_refused_in_one_sentence(name, tmp_path):
    data, reason = BROKEN[name]
    path = tmp_path / "holiday.jpg"
    path.write_bytes(data)
    for source, called in ((path, path), (data, "the uploaded picture")):
        with warnings.catch_warnings(action="ignore"):  # Pillow's own remarks
            with pytest.raises(photos.PhotoError, match=reason) as refusal:
                photos.open_photo(source)
        assert_one_sentence(str(refusal.value), called)


@pytest.mark.parametrize(
    "brand, name", [(b"heic", "HEIC"), (b"hevc", "HEIC"), (b"mif1", "HEIC"), (b"avif", "AVIF")]
)
def test_formats_that_pillow_lacks_are_named(brand, name, monkeypatch):
    Image.init()
    for format in ("AVIF", "HEIF"):
        monkeypatch.delitem(Image.OPEN, format, raising=False)
    with pytest.raises(photos.PhotoError, match=f"{name}.* as JPEG"):
        photos.open_photo(FTYP % brand)


@pytest.mark.parametrize("factor", [1.5, 0.4], ids=["Pillow warns", "Pillow refuses"])
def test_too_many_pixels(factor, monkeypatch):
    data = saved(noise(shape=(100, 100, 3)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    assert photos.open_photo(data).shape == (100, 100, 3)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", int(10_000 * factor / 2))
    with warnings.catch_warnings(action="ignore"):
        with pytest.raises(photos.PhotoError, match="pixels: save a smaller copy") as refusal:
            photos.open_photo(data)
    assert_one_sentence(str(refusal.value), "the uploaded picture")


def test_a_small_file_that_claims_to_be_huge_is_not_decoded():
    data = bytearray(saved(Image.new("1", (8, 8))))
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    with pytest.raises(photos.PhotoError, match="more than 89 million pixels"):
        photos.open_photo(bytes(data))


def test_paths_that_cannot_be_read(tmp_path):
    with pytest.raises(FileNotFoundError) as refusal:
        photos.open_photo(tmp_path / "nowhere.jpg")
    assert_one_sentence(str(refusal.value), tmp_path / "nowhere.jpg")
    with pytest.raises(OSError, match="photos.load") as refusal:
        photos.open_photo(tmp_path)
    assert_one_sentence(str(refusal.value), tmp_path)
    with pytest.raises(TypeError):
        photos.open_photo(3)


def test_a_file_without_permission(tmp_path):
    path = tmp_path / "mine.png"
    path.write_bytes(saved(noise()))
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file")
    with pytest.raises(PermissionError) as refusal:
        photos.open_photo(path)
    assert_one_sentence(str(refusal.value), path)


MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"]


@given(st.sampled_from(MODES), st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_every_mode_and_size(mode, width, height, seed):
    raw = noise(seed, 4 * width * height).tobytes()
    im = Image.new(mode, (width, height))
    if mode == "F":
        im = Image.fromarray(noise(seed, (height, width)).astype(np.float32))
    else:
        im.frombytes(raw[: len(im.tobytes())])
    if mode == "P":
        im.putpalette(noise(seed, 768).tobytes())
    opened = photos.open_photo(saved(im, "TIFF"))
    assert opened.shape == (height, width, 3) and opened.dtype == np.uint8
    if mode in ("1", "L", "P", "RGB"):
        assert np.array_equal(opened, np.asarray(im.convert("RGB")))
    if mode in ("L", "LA", "1", "I;16", "F"):
        assert (opened == opened[..., :1]).all()


FUZZED = [saved(np.repeat(noise(4, (9, 7, 3)), 4, 1), f) for f in ("PNG", "JPEG", "GIF", "TIFF")]


@given(
    st.sampled_from(FUZZED),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=8),
    st.integers(0, 10**6),
)
@settings(max_examples=150, deadline=None)
def test_damage_gives_a_picture_or_a_sentence(data, changes, cut):
    data = bytearray(data[: max(1, cut % (2 * len(data)))])
    for where, value in changes:
        data[where % len(data)] = value
    with warnings.catch_warnings(action="ignore"):
        try:
            rgb = photos.open_photo(bytes(data))
        except photos.PhotoError as refusal:
            assert str(refusal).startswith("the uploaded picture ")
        else:
            assert rgb.ndim == 3 and rgb.shape[2] == 3 and rgb.dtype == np.uint8


# Pictures that are installed.


def test_bundled_photos_are_those_of_their_packages():
    import skimage.data
    from sklearn.datasets import load_sample_image

    found = photos.bundled()
    assert [p.name for p in found] == (
        "china flower coffee chelsea astronaut rocket motorcycle hubble".split()
    )
    by_name = {p.name: p.rgb for p in found}
    for name in ("china", "flower"):
        assert np.array_equal(by_name[name], load_sample_image(f"{name}.jpg"))
    for name in ("coffee", "chelsea", "astronaut"):
        assert np.array_equal(by_name[name], getattr(skimage.data, name)())
    rocket = skimage.data.rocket()  # without regard to its profile, which has a wider gamut
    assert rocket.shape == by_name["rocket"].shape and not np.array_equal(rocket, by_name["rocket"])
    assert np.array_equal(by_name["motorcycle"], skimage.data.stereo_motorcycle()[0])
    assert np.array_equal(by_name["hubble"], skimage.data.hubble_deep_field())
    assert all(p.credit and p.licence for p in found)


def test_bundled_photos_need_no_framework():
    code = (
        "import sys; from course_utils import photos; photos.load('bundled');"
        "print([m for m in ('sklearn', 'scipy', 'torch', 'tensorflow') if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert printed.stdout == "[]\n", printed.stderr


def test_load_bundled(capsys):
    train, test = photos.load("bundled"), photos.load("bundled", split="test", size=32)
    assert train.shape == (6, 64, 64, 3) and train.dtype == np.uint8
    assert test.shape == (2, 32, 32, 3)
    assert np.array_equal(photos.load("bundled", limit=2), train[:2])
    names = [p.name for p in photos.bundled() if p.name not in ("coffee", "astronaut")]
    assert names[0] == "china" and len(names) == 6
    assert capsys.readouterr().out == ""
    colored = photos.load("bundled", color_only=True)  # the deep field is nearly black
    assert np.array_equal(colored, train[:5])
    assert capsys.readouterr().out == "left out 1 gray photographs of 6\n"


def test_load_paintbox():
    train = photos.load("paintbox", size=32, limit=6)
    test = photos.load("paintbox", "test", size=32, limit=6)
    assert train.shape == (6, 32, 32, 3) and train.dtype == np.float32
    assert train.min() >= 0 and train.max() <= 1
    assert len({scene.tobytes() for scene in (*train, *test)}) == 12
    assert np.array_equal(photos.load("paintbox", size=32, limit=3), train[:3])


# Folders.


def scene(seed, shape=(90, 120)):
    """Something like a photograph: smooth areas at several scales."""
    rng = np.random.default_rng(seed)
    layers = [
        np.asarray(
            Image.fromarray(rng.integers(0, 256, (n, n + 1, 3), dtype=np.uint8)).resize(
                shape[::-1], Image.Resampling.BICUBIC
            ),
            float,
        )
        for n in (3, 7, 15)
    ]
    return Image.fromarray(np.uint8(0.5 * layers[0] + 0.3 * layers[1] + 0.2 * layers[2]))


def copies(im):
    """Near duplicates as they occur: name to bytes."""
    w, h = im.size
    side = min(w, h)
    square = ((w - side) // 2, (h - side) // 2, (w + side) // 2, (h + side) // 2)
    inner = [
        im.crop((round(w * d), round(h * d), w - round(w * d), h - round(h * d)))
        for d in (0.02, 0.05, 0.07)
    ]
    return {
        "original.png": saved(im),
        "encoded.jpg": saved(im, "JPEG", quality=40),
        "half.jpg": saved(im.resize((w // 2, h // 2)), "JPEG", quality=75),
        "double.webp": saved(im.resize((2 * w, 2 * h)), "WEBP", quality=60),
        "square.jpg": saved(im.crop(square), "JPEG", quality=90),
        **{f"inner{i}.jpg": saved(cut, "JPEG", quality=80) for i, cut in enumerate(inner)},
    }


def write(folder, files):
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def where(folder, size=16):
    """{file name: split}, found out by the pixels that `load` returns."""
    splits = {}
    for split in ("train", "test"):
        for pixels in photos.load(folder, split, size=size):
            assert splits.setdefault(pixels.tobytes(), split) == split
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    squares = {name: square(photos.open_photo(p), size) for name, p in files.items()}
    assert {square.tobytes() for square in squares.values()} == set(splits)
    return {name: splits[square.tobytes()] for name, square in squares.items()}


def test_near_duplicates_are_never_divided(tmp_path):
    for seed in range(20):
        write(tmp_path / "photos" / str(seed), copies(scene(seed)))
    found = where(tmp_path / "photos")
    groups = [{found[name] for name in found if name.startswith(f"{i}/")} for i in range(20)]
    assert all(len(group) == 1 for group in groups)
    assert {"train"} in groups and {"test"} in groups


def drawn(sha256):
    return int(hashlib.sha256(sha256).hexdigest(), 16) / 2**256 < 0.1


def packed(signs):
    """Signs (..., 288) of -1, 0 and 1 as the index holds them."""
    return np.packbits(np.stack([signs > 0, signs < 0], -2), axis=-1)


def rows(windows):
    """Rows of the index whose draws differ from one to the next, as far as nothing joins them."""
    index = np.zeros(len(windows), photos.INDEX)
    names, wanted = (b"%064x" % i for i in range(10**9)), False
    for row, window in zip(index, windows, strict=True):
        wanted = not wanted
        row["sha256"] = next(name for name in names if drawn(name) == wanted)
        row["windows"] = window
    return index


def joined(*pictures):
    first, second = splitting.is_test(rows([splitting.windows(im) for im in pictures]))
    return first == second


def test_copies_are_joined_to_the_original_one_by_one():
    for seed in range(10):
        for name, data in copies(scene(seed)).items():
            assert joined(scene(seed), Image.open(io.BytesIO(data))), (seed, name)
        assert not joined(scene(seed), scene(seed + 1))


def test_copies_of_real_photographs_are_joined(shared_data):
    for path in sorted((shared_data / "photos" / "coco_cc").glob("*.jpg"))[:12]:
        im = Image.open(path).convert("RGB")
        im.thumbnail((240, 240))
        for name, data in copies(im).items():
            assert joined(im, Image.open(io.BytesIO(data))), (path.name, name)


def test_nearly_flat_pictures_are_not_joined():
    pictures = [Image.new("RGB", (100, 100), color) for color in ("navy", "gold")]
    assert not joined(*pictures)
    for im in pictures:
        im.paste("white", (0, 0, 12, 12))  # the same mark, as a camera prints a date
    assert not joined(*pictures)


def test_similarity_at_which_pictures_are_joined():
    whole = np.ones((4, 288), int)
    for flipped, together in ((35, True), (37, False)):  # a cosine of .757 and .743
        other = np.random.default_rng(0).choice([-1, 1], (4, 288))
        other[0] = 1
        other[0, :flipped] = -1
        first, second = splitting.is_test(rows([packed(whole), packed(other)]))
        assert (first == second) == together


def test_different_real_photographs_are_not_joined(shared_data):
    paths = sorted((shared_data / "intel" / "seg_test").glob("*/*.jpg"))[::4]
    index = np.array([photos.describe(path) for path in paths], photos.INDEX)
    index = index[np.argsort(index["sha256"])]
    assert splitting.is_test(index).tolist() == [drawn(sha256) for sha256 in index["sha256"]]


def test_a_group_takes_one_draw():
    index = np.zeros(1500, photos.INDEX)
    index["sha256"] = [b"%064x" % i for i in range(1500)]
    index["windows"] = packed(np.random.default_rng(0).integers(-1, 2, (1500, 4, 288)))
    expected = [drawn(sha256) for sha256 in index["sha256"]]
    assert splitting.is_test(index).tolist() == expected
    assert 0.07 < np.mean(expected) < 0.13  # a tenth, within four standard errors
    index["windows"][700:740, 0] = index["windows"][:40, 2]  # 700 is cut out of 0, and so on
    index["windows"][1300:1340, 3] = index["windows"][700:740, 0]  # and 700 out of 1300
    expected[700:740] = expected[1300:1340] = expected[:40]
    assert splitting.is_test(index).tolist() == expected


def test_neighbors_in_the_order_of_some_signs_are_all_the_pairs_there_are(monkeypatch):
    """1,500 rows, of which 400 are copies with a cosine of .76 and more: groups as of all pairs."""
    rng = np.random.default_rng(2)
    signs = rng.choice([-1, 0, 1], (1500, 4, 288), p=[0.44, 0.12, 0.44])
    for i in range(400):
        signs[i + 1000] = signs[i]
        signs[i + 1000, :, rng.choice(288, 4 + i // 15, replace=False)] *= -1
    index = np.zeros(1500, photos.INDEX)
    index["windows"] = packed(signs)
    found = photos.near_duplicates(index)
    monkeypatch.setattr(splitting, "BLOCK", 4 * 1500)
    assert np.array_equal(found, photos.near_duplicates(index))
    assert 1100 <= len(set(found)) < 1130


def test_flat_pictures_are_not_taken_for_copies_of_each_other(tmp_path):
    flat = {f"{i}.png": saved(np.full((20, 20, 3), (i, 99, 9), np.uint8)) for i in range(60)}
    folder = write(tmp_path / "flat", flat | {"again.png": flat["0.png"]})
    assert 1 <= len(photos.load(folder, "test")) <= 20  # as one group all would be in one split


@pytest.fixture
def album(tmp_path):
    return write(tmp_path / "album", {f"{i}.png": saved(scene(i)) for i in range(30)})


def test_split_depends_on_nothing_but_the_contents(album, tmp_path):
    found = where(album)
    assert set(found.values()) == {"train", "test"}
    order = np.random.default_rng(0).permutation(30)
    for i in range(30):
        data = (album / f"{i}.png").read_bytes()
        write(tmp_path / "moved", {f"{i % 3}/{order[i]:02}-{i}.png": data})
    moved = where(tmp_path / "moved", size=24)
    assert {name.split("-")[1]: split for name, split in moved.items()} == found
    again = photos.load(tmp_path / "moved", size=16)
    assert np.array_equal(photos.load(album, size=16), again)


def test_other_photos_move_none(album):
    found = where(album)
    write(album, {f"{i}.png": saved(scene(i)) for i in range(30, 45)})
    more = where(album)
    assert {name: more[name] for name in found} == found
    for i in range(0, 30, 2):
        (album / f"{i}.png").unlink()
    fewer = where(album)
    assert fewer == {name: more[name] for name in fewer}
    # near duplicates come to the original or take it along
    name = next(name for name in fewer if fewer[name] == "test")
    write(album, {f"copy/{n}": data for n, data in copies(Image.open(album / name)).items()})
    joined = where(album)
    assert len({joined[name], *(joined[n] for n in joined if n.startswith("copy/"))}) == 1
    assert {n: joined[n] for n in fewer if n != name} == {n: fewer[n] for n in fewer if n != name}


def test_limit_is_a_fixed_sample(album):
    every = photos.load(album, size=8)
    assert len(every) > 20
    assert np.array_equal(photos.load(album, size=8, limit=7), every[:7])
    assert np.array_equal(photos.load(album, size=8, limit=10**6), every)
    names = [square(photos.open_photo(album / f"{i}.png"), 8) for i in range(30)]
    assert not all(np.array_equal(a, b) for a, b in zip(every, names, strict=False))  # it is mixed


@pytest.mark.parametrize("train, test", [("train", "test"), ("seg_train", "seg_test")])
def test_published_splits_are_kept(train, test, tmp_path):
    shared = saved(scene(99))
    files = {f"{train}/a/{i}.png": saved(scene(i)) for i in range(5)} | {f"{train}/x.png": shared}
    files |= {f"{test}/b/{i}.jpg": saved(scene(i), "JPEG") for i in range(3)}
    files |= {f"{test}/y.png": shared, "seg_pred/z.png": shared}
    write(tmp_path / "set", files)
    assert len(photos.load(tmp_path / "set", "train")) == 6
    assert len(photos.load(tmp_path / "set", "test")) == 4


def test_center_square():
    pixels = noise(8, (20, 20, 3))
    wide = np.pad(pixels, ((0, 0), (10, 10), (0, 0)))
    assert np.array_equal(square(pixels, 20), pixels)
    assert np.array_equal(square(wide, 20), pixels)
    assert np.array_equal(square(wide.transpose(1, 0, 2), 20), pixels.transpose(1, 0, 2))


def test_shrinking_does_not_alias():
    lines = np.zeros((256, 256, 3), np.uint8)
    lines[:, ::2] = 255
    small = square(lines, 32)[4:-4, 4:-4]
    assert abs(small.astype(int) - 127.5).max() <= 2


def test_color_only(album, capsys):
    for i in range(5):
        faint = np.asarray(scene(100 + i).convert("L"))[..., None] + np.uint8([0, 2, 0])
        write(album, {f"gray{i}.jpg": saved(np.clip(faint, 0, 255).astype(np.uint8), "JPEG")})
    every = [len(photos.load(album, split)) for split in ("train", "test")]
    assert sum(every) == 35
    kept = [len(photos.load(album, split, color_only=True)) for split in ("train", "test")]
    assert sum(kept) == 30
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"left out {e - k} gray photographs of {e}" for e, k in zip(every, kept, strict=True)
    ]


def test_color_only_agrees_with_the_manifest(tmp_path, shared_data, capsys):
    rows = list(csv.DictReader((shared_data / "intel" / "manifest.csv").open()))
    grays = [row for row in rows if row["near_grey"] == "1"][:40]
    edge = sorted(rows, key=lambda row: abs(float(row["mean_chroma_lab"]) - 3.5))[:40]
    for row in (*grays, *edge):
        link = tmp_path / "set" / "train" / row["path"]
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.symlink_to(shared_data / "intel" / row["path"])
    (tmp_path / "set" / "test").mkdir()
    expected = {row["path"]: row["near_grey"] == "1" for row in (*grays, *edge)}
    assert len(photos.load(tmp_path / "set", color_only=True)) == len(expected) - sum(
        expected.values()
    )
    assert f"left out {sum(expected.values())} gray" in capsys.readouterr().out


def test_unreadable_files_are_skipped_and_printed(album, capsys):
    good = photos.load(album)
    names = ["a/text.jpg", "b.png", "c.gif", "d.tif", "e.webp", "f.bmp", "g.heic"]
    write(album, {name: b"no picture at all" for name in names})
    for _ in range(2):  # decoding and from the cache
        capsys.readouterr()
        assert np.array_equal(photos.load(album), good)
        captured = capsys.readouterr()
        lines = captured.out.splitlines()
        assert len(lines) == 6
        assert lines[0].startswith("skipped: a/text.jpg is text: ")
        assert lines[5] == "skipped: 2 more"
        assert str(album) not in captured.out and captured.err == ""


def test_only_pictures_are_looked_at(album):
    every = photos.load(album)
    picture = saved(scene(77))
    other = {".hidden.png": picture, ".trash/a.png": picture, "notes.txt": b"x", "._0.png": b"x"}
    write(album, other)
    (album / "gone.png").symlink_to(album / "nowhere")
    (album / "folder.png").mkdir()
    assert np.array_equal(photos.load(album), every)
    write(album, {"LOUD.JPEG": picture})
    assert sum(len(photos.load(album, split)) for split in ("train", "test")) == 31


def test_what_is_no_file_is_told_and_not_waited_for(album, capsys):
    good = photos.load(album)
    os.mkfifo(album / "pipe.png")
    os.symlink("loop.png", album / "loop.png")
    os.symlink("/dev/zero", album / "zero.png")
    with open(album / "monster.png", "wb") as file:
        file.truncate(300 * 10**9)
    capsys.readouterr()
    assert np.array_equal(photos.load(album), good)
    said = capsys.readouterr().out
    for name in ("pipe", "loop", "zero"):
        assert f"{name}.png is no file, or a link that leads to none" in said
    assert "monster.png has 300 GB; a photograph here has at most 1 GB" in said
    assert said.count("skipped: ") == said.count("\n") == 4


@pytest.mark.parametrize("error", [MemoryError(), RecursionError("deep"), ZeroDivisionError()])
def test_any_exception_of_one_file_is_a_skipped_file(album, monkeypatch, capsys, error):
    every = sum(len(photos.load(album, split)) for split in ("train", "test"))
    write(album, {"odd.png": saved(scene(99))})
    original = splitting.decode

    def odd(data, name):
        if Path(name).name == "odd.png":
            raise error
        return original(data, name)

    monkeypatch.setattr(splitting, "decode", odd)
    assert sum(len(photos.load(album, split)) for split in ("train", "test")) == every
    assert f"odd.png cannot be opened ({type(error).__name__}" in capsys.readouterr().out


def test_a_picture_for_which_memory_ends(monkeypatch):
    def load(self):
        raise MemoryError

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    with pytest.raises(photos.PhotoError, match="needs more memory than there is"):
        photos.open_photo(saved(noise()))


def test_a_folder_without_pictures(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    for message in ('source="bundled"', r"\.jpg", "0 files"):
        with pytest.raises(ValueError, match=message):
            photos.load(tmp_path / "empty")
    write(tmp_path / "empty", {"a.jpg": b"text"})
    with pytest.raises(ValueError, match="1 files"):
        photos.load(tmp_path / "empty")
    write(tmp_path / "one", {"a.png": saved(scene(0))})
    with pytest.raises(ValueError, match="subfolders|add some"):
        [photos.load(tmp_path / "one", split) for split in ("train", "test")]


def test_bad_arguments(album):
    with pytest.raises(FileNotFoundError, match='no folder .*nowhere.*"bundled"'):
        photos.load(album / "nowhere")
    with pytest.raises(ValueError, match='split is .valid.; it must be "train" or "test"'):
        photos.load(album, split="valid")
    for options in ({"size": 0}, {"size": 64.5}, {"limit": 0}, {"limit": -3}, {"limit": "all"}):
        with pytest.raises(ValueError, match="must be a whole number of at least 1"):
            photos.load(album, **options)


# The cache.


@pytest.fixture
def opened(monkeypatch):
    """The files that are decoded, in order."""
    names, original = [], loading.decode

    def counted(data, name):
        names.append(Path(name).name)
        return original(data, name)

    for module in (loading, splitting):
        monkeypatch.setattr(module, "decode", counted)
    return names


def test_what_is_decoded_is_kept(album, opened, cache):
    first = photos.load(album)
    assert len(opened) == 30 + len(first)
    opened.clear()
    assert np.array_equal(photos.load(album), first)
    assert opened == []
    photos.load(album, size=32)  # another size: pixels again, but what decides the split is known
    assert len(opened) == len(first)
    assert {path.suffix for path in (cache / "photos").iterdir()} == {".rows"}
    assert not (cache.parent / "home").exists()


def test_the_rows_are_a_file_that_is_not_written_to(album):
    first = photos.load(album)
    base = first
    while not isinstance(base, np.memmap):
        base = base.base
    wanted = first.copy()
    first[:] = 0  # the caller's own
    assert np.array_equal(photos.load(album), wanted)


def test_a_limit_decodes_no_more_than_a_published_split_needs(tmp_path, opened, capsys):
    """Of 250 files 100 or 200, and the same pictures; a broken and a gray one are made up for."""
    files = {f"train/{i}.png": saved(np.full((4, 4, 3), (i, 99, 9), np.uint8)) for i in range(250)}
    folder = write(tmp_path / "set", files | {"test/0.png": files["train/0.png"]})
    every = photos.load(folder, size=4)
    assert len(every) == len(opened) == 250
    for limit, decoded in ((10, 0), (10, 100), (100, 0), (101, 100)):
        opened.clear()
        if decoded and limit == 10:
            (folder / "train" / "0.png").touch()
        assert np.array_equal(photos.load(folder, size=4, limit=limit), every[:limit])
        assert len(opened) == decoded
    order = sorted(files, key=lambda name: hashlib.sha256(files[name]).hexdigest())
    write(folder, {order[3]: b"no picture", order[5]: saved(np.full((4, 4, 3), 50, np.uint8))})
    capsys.readouterr()
    assert len(photos.load(folder, size=4, limit=100, color_only=True)) == 100
    assert "is text" in capsys.readouterr().out


@pytest.fixture
def whole_reads(monkeypatch):
    """The files that are read from beginning to end, in order."""
    names, original = [], Path.read_bytes

    def counted(path):
        names.append(path.name)
        return original(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    return names


def test_a_file_is_read_once(album, whole_reads):
    found = photos.load(album)
    assert len(whole_reads) == len(set(whole_reads)) == 30
    whole_reads.clear()
    photos.load(album)
    assert whole_reads == []
    photos.load(album, size=32)
    assert len(whole_reads) == len(found)


def test_what_does_not_fit_into_memory_is_read_again(album, whole_reads, monkeypatch):
    expected = photos.load(album)
    whole_reads.clear()
    monkeypatch.setattr(loading, "HELD", 20 * (album / "0.png").stat().st_size)
    monkeypatch.setenv("COURSE_CACHE", str(album / "another"))
    assert np.array_equal(photos.load(album), expected)
    assert 30 < len(whole_reads) < 30 + len(expected)


def test_a_changed_file_is_decoded_again(tmp_path, opened):
    files = {f"{i}.bmp": saved(scene(i), "BMP") for i in range(12)}
    folder = write(tmp_path / "album", files)
    photos.load(folder)
    changed = saved(scene(500), "BMP")
    assert len(changed) == len(files["0.bmp"])  # only its time tells
    write(folder, {"0.bmp": changed})
    opened.clear()
    pixels = [*photos.load(folder, "train"), *photos.load(folder, "test")]
    assert "0.bmp" in opened
    expected = square(photos.open_photo(folder / "0.bmp"), 64)
    assert any(np.array_equal(p, expected) for p in pixels)


def cut(data):
    return data[: len(data) // 2]


def flip(data):
    where = len(data) // 2
    return data[:where] + bytes([data[where] ^ 1]) + data[where + 1 :]


@pytest.mark.parametrize("damage", [cut, flip, lambda _: b"", lambda _: b"garbage"])
def test_a_damaged_cache_is_made_again(damage, album, cache):
    first = photos.load(album)
    kept = {path: path.read_bytes() for path in (cache / "photos").iterdir()}
    assert len(kept) == 3  # index, split, pixels
    for path, data in kept.items():
        path.write_bytes(damage(data))
    assert np.array_equal(photos.load(album), first)
    assert {path: path.stat().st_size for path in (cache / "photos").iterdir()} == {
        path: len(data) for path, data in kept.items()
    }


def test_a_full_disk_is_only_a_warning(album, cache, monkeypatch):
    resource = pytest.importorskip("resource")
    expected = photos.load(album)
    monkeypatch.setenv("COURSE_CACHE", str(cache / "full"))
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, most[1]))  # the pixels take 344 kB
    try:
        with pytest.warns(UserWarning, match="File too large.*COURSE_CACHE") as caught:
            found = photos.load(album)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
    assert np.array_equal(found, expected) and len(caught) == 1
    assert caught[0].filename == __file__
    assert np.array_equal(photos.load(album), expected)  # there is room again


def test_an_unusable_cache_folder_is_only_a_warning(album, tmp_path, monkeypatch):
    expected = photos.load(album)
    (tmp_path / "file").write_bytes(b"in the way")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="COURSE_CACHE"):
        assert np.array_equal(photos.load(album), expected)
    assert (tmp_path / "file").read_bytes() == b"in the way"


def test_an_interrupted_call_goes_on_where_it_was(album, opened, monkeypatch):
    monkeypatch.setattr(caching, "PART", 8)
    original = loading.decode  # which counts

    def interrupted(data, name):
        if len(opened) == 20:
            raise KeyboardInterrupt
        return original(data, name)

    with monkeypatch.context() as patch:
        for module in (loading, splitting):
            patch.setattr(module, "decode", interrupted)
        with pytest.raises(KeyboardInterrupt):
            photos.load(album)
    before = set(opened[:16])
    opened.clear()
    found = photos.load(album)
    assert len(opened) == 30 - 16 + len(found)  # two parts of the index were kept
    assert not before & set(opened[:14])
    monkeypatch.setattr(caching, "PART", 1000)
    assert np.array_equal(photos.load(album), found)


def test_two_processes_at_once(album, cache):
    code = (
        "import sys, hashlib; from course_utils import photos; "
        "from course_utils.photos import cache; cache.PART = 4; "
        "print(hashlib.sha256(photos.load(sys.argv[1]).tobytes()).hexdigest())"
    )
    command = [sys.executable, "-c", code, str(album)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = {process.communicate(timeout=120)[0] for process in running}
    expected = hashlib.sha256(photos.load(album).tobytes()).hexdigest()
    assert printed == {f"{expected}\n"}
    assert {path.suffix for path in (cache / "photos").iterdir()} == {".rows"}


@pytest.mark.stress
def test_killed_at_any_moment(album, cache, tmp_path, monkeypatch):
    """kill -9 at 50 random moments: the same pictures after, and nothing left over."""
    write(album, {f"more/{n}.jpg": saved(scene(100 + n), "JPEG") for n in range(120)})
    code = (
        "import sys; from course_utils import photos; from course_utils.photos import cache; "
        "cache.PART = 4; photos.load(sys.argv[1])"
    )
    wanted, rng = photos.load(album), np.random.default_rng(1)
    monkeypatch.setattr(caching, "PART", 4)
    for turn in range(50):
        kept = tmp_path / f"cache{turn}"
        monkeypatch.setenv("COURSE_CACHE", str(kept))
        process = subprocess.Popen([sys.executable, "-c", code, str(album)], stdout=-3)
        size = rng.integers(2_000_000)  # of index, split and pixels
        while process.poll() is None and sum(f.stat().st_size for f in kept.rglob("*.rows")) < size:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.02))
        process.kill()
        process.wait()
        assert np.array_equal(photos.load(album), wanted)
        assert {path.suffix for path in (kept / "photos").iterdir()} == {".rows"}, turn
