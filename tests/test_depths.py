"""Pictures mean what they meant: TIFF of every depth and order, PNG's colors, HEIC, huge texts."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin
from test_photos import P3, cache, matrix_profile, p3_to_srgb, saved  # noqa: F401

from course_utils import photos

RAMP = np.linspace(0, 1, 8)[None].repeat(4, 0)  # black to white
WANTED = np.rint(255 * RAMP)[..., None].repeat(3, 2)
RGB = np.stack([RAMP, RAMP[:, ::-1], RAMP], -1)
WANTED_RGB = np.rint(255 * RGB)
MAX = 281  # MaxSampleValue


def tiff(values, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **{"photometric": "minisblack", **options})
    return buffer.getvalue()


def full(dtype):
    return 1.0 if np.dtype(dtype).kind == "f" else float(np.iinfo(dtype).max)


def top(value, count=1):
    return {"extratags": [(MAX, "H", count, (value,) * count if count > 1 else value, True)]}


def packed(values, photometric):
    """A TIFF of 12 bits a pixel, two pixels in three bytes; tifffile writes none without help."""
    bits = "".join(f"{v:012b}" for v in values.ravel())
    data = int(bits, 2).to_bytes(len(bits) // 8, "big")
    tags = [(256, 3, 8), (257, 3, 4), (258, 3, 12), (259, 3, 1), (262, 3, photometric)]
    tags += [(273, 4, 110), (277, 3, 1), (279, 4, len(data))]
    head = b"II*\0" + struct.pack("<IH", 8, len(tags))
    for tag, kind, value in tags:
        head += struct.pack("<HHII", tag, kind, 1, value)
    return head + bytes(4) + data


def lzw(values, photometric):
    """What Pillow writes compressed and tifffile cannot read without help."""
    data = saved(Image.fromarray(values), "TIFF", compression="tiff_lzw")
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        place = file.pages[0].tags[262].valueoffset
    return data[:place] + bytes([photometric]) + data[place + 1 :]


WORDS = np.rint(65535 * RAMP).astype(np.uint16)
TWELVE = np.rint(4095 * RAMP).astype(np.uint16)
GRAY = {
    "12 bits packed": packed(TWELVE, 1),
    "12 bits packed, 0 is white": packed(4095 - TWELVE, 0),
    "12 bits in 16": tiff(TWELVE, **top(4095)),
    "12 bits in 16, 0 is white": tiff(4095 - TWELVE, photometric="miniswhite", **top(4095)),
    "a largest value that is no depth": tiff(WORDS, **top(60000)),
    "16 bits, LZW": lzw(WORDS, 1),
    "16 bits, LZW, 0 is white": lzw(65535 - WORDS, 0),
    "signed bytes": tiff(np.rint(255 * RAMP - 128).astype(np.int8)),
    "signed bytes above 0": tiff(np.rint(127 * RAMP).astype(np.int8)),
    "signed words above 0": tiff(np.rint(32767 * RAMP).astype(np.int16)),
    "signed words": tiff(np.rint(65535 * RAMP - 32768).astype(np.int16)),
    "big tiff": tiff(WORDS, bigtiff=True),
    "big-endian": tiff(65535 - WORDS, photometric="miniswhite", byteorder=">"),
    "tiles": tiff(np.tile(WORDS, (4, 2)), tile=(16, 16)),
}
for kind in ("u1", "u2", "u4", "f2", "f4", "f8"):
    scaled = full(kind) * RAMP
    GRAY[f"{kind}"] = tiff(scaled.astype(kind))
    GRAY[f"{kind}, 0 is white"] = tiff((full(kind) - scaled).astype(kind), photometric="miniswhite")
    if kind[0] == "u":
        GRAY[f"{kind}, zip"] = tiff(scaled.astype(kind), compression="zlib", predictor=True)


@pytest.mark.parametrize("name", GRAY)
def test_gray_tiff_of_any_depth(name, recwarn):
    rgb = photos.open_photo(GRAY[name])[:4, :8].astype(int)
    assert abs(rgb - WANTED).max() <= 1
    assert not recwarn.list


COLOR = {kind: tiff((full(kind) * RGB).astype(kind), photometric="rgb") for kind in ("u4", "f4")}
COLOR["u2"] = tiff(np.rint(65535 * RGB).astype(np.uint16), photometric="rgb")
COLOR["channels apart"] = tiff(
    np.rint(65535 * RGB).astype(np.uint16).transpose(2, 0, 1), photometric="rgb", planarconfig=2
)
COLOR["12 bits in 16"] = tiff(
    np.rint(4095 * RGB).astype(np.uint16), photometric="rgb", **top(4095, 3)
)


@pytest.mark.parametrize("name", COLOR)
def test_color_tiff_of_any_depth(name, recwarn):
    assert abs(photos.open_photo(COLOR[name]).astype(int) - WANTED_RGB).max() <= 1
    assert not recwarn.list


def test_transparent_tiff_of_16_bits_lies_over_white():
    alpha = np.where(RAMP[..., None] > 0.5, 65535, 13107)  # a fifth
    values = np.concatenate([np.rint(65535 * RGB), alpha], -1).astype(np.uint16)
    rgb = photos.open_photo(tiff(values, photometric="rgb", extrasamples=["unassalpha"]))
    share = alpha / 65535
    assert abs(rgb - (share * WANTED_RGB + (1 - share) * 255)).max() <= 1


def test_orientation_and_profile_of_odd_tiff_count():
    values = np.rint(65535 * RGB).astype(np.uint32) * 65537
    tags = [(274, "H", 1, 6, True)]
    rgb = photos.open_photo(tiff(values, photometric="rgb", extratags=tags))
    assert abs(np.rot90(rgb).astype(int) - WANTED_RGB).max() <= 1
    rgb = photos.open_photo(tiff(values, photometric="rgb", iccprofile=matrix_profile(*P3)))
    assert abs(rgb - p3_to_srgb(WANTED_RGB)).max() <= 2


def test_12_bits_without_a_word_of_it_warn(tmp_path):
    path = tmp_path / "dark.tif"
    path.write_bytes(tiff(TWELVE))
    with pytest.warns(
        UserWarning, match="dark.tif is nearly black: write MaxSampleValue"
    ) as caught:
        rgb = photos.open_photo(path)
    assert caught[0].filename == __file__ and rgb.max() == 16
    with warnings.catch_warnings(action="error"):
        photos.open_photo(tiff(np.zeros((4, 8), np.uint16)))  # black is black


def test_floats_with_outliers():
    values = np.tile(RAMP, (25, 10)).astype(np.float32)
    plain = photos.open_photo(tiff(values))
    for scale, shift in ((1, 0), (40, 10)):  # in [0, 1], and to be stretched
        odd = values * scale + shift
        odd[0, 0], odd[5, 7] = 3e38, -3e38
        with warnings.catch_warnings(action="error"):
            rgb = photos.open_photo(tiff(odd))
        assert abs(rgb.astype(int) - plain)[1:5].max() <= 1
        assert (rgb[0, 0] == 255).all() and (rgb[5, 7] == 0).all()


def pages(*arrays):
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        for values, kind in arrays:
            file.write(values, photometric="minisblack", subfiletype=kind, contiguous=False)
    return buffer.getvalue()


def test_of_several_pages_the_largest_and_a_warning(tmp_path):
    eight = np.rint(255 * RAMP).astype(np.uint8)
    small, other = eight[:2, :4] // 2, 255 - eight
    path = tmp_path / "x.tif"
    for arrays, said in (
        ([(small, 1), (eight, 0)], None),  # a thumbnail that says so
        ([(eight, 0), (small, 1), (small[:1], 1)], None),  # a pyramid
        ([(small, 0), (eight, 0)], "x.tif has 2 pages, and page 2 is used"),
        ([(eight, 0), (other, 0), (other, 0)], "x.tif has 3 pages, and page 1 is used"),
        ([(eight, 0)] + [(small, 0)] * 120, "x.tif has 100 or more pages, and page 1 is used"),
    ):
        path.write_bytes(pages(*arrays))
        with warnings.catch_warnings(record=True, action="always") as caught:
            rgb = photos.open_photo(path)
        assert abs(rgb - WANTED).max() <= 1
        told = [str(w.message).partition(":")[0] for w in caught]
        assert told == ([f"{tmp_path}/{said}"] if said else [])
        assert all(w.filename == __file__ for w in caught)


@pytest.mark.filterwarnings("ignore:.*pages:UserWarning")
def test_a_circle_of_pages_ends():
    data = pages((np.rint(255 * RAMP).astype(np.uint8), 0))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        place = file.pages[0].offset
    count = struct.unpack_from("<H", data, place)[0]
    after = place + 2 + 12 * count
    circle = data[:after] + struct.pack("<I", place) + data[after + 4 :]
    assert abs(photos.open_photo(circle) - WANTED).max() <= 1


def test_a_tiff_of_more_pixels_than_allowed(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 30)
    for data in (GRAY["u4"], GRAY["u1"], COLOR["f4"]):
        with pytest.raises(photos.PhotoError, match="million pixels"):
            photos.open_photo(data)


@pytest.mark.parametrize("name", ["u1", "u2", "u4", "12 bits packed, 0 is white", "tiles"])
def test_damaged_tiff_is_a_sentence_or_a_picture(name, caplog):
    data, rng = GRAY[name], np.random.default_rng(1)
    for cut in range(0, len(data), 7):
        changed = bytearray(data)
        for place in rng.integers(0, len(data), 3):
            changed[place] = rng.integers(256)
        for odd in (data[:cut], bytes(changed)):
            try:
                with warnings.catch_warnings(action="ignore"):
                    assert photos.open_photo(odd).dtype == np.uint8
            except photos.PhotoError as error:
                assert "\n" not in str(error) and str(error).endswith(".")
    assert not [record for record in caplog.records if record.name == "tifffile"]


# PNG.


def with_chunks(data, *chunks):
    """A PNG with more chunks behind its header."""
    more = b""
    for name, body in chunks:
        more += struct.pack(">I", len(body)) + name + body
        more += struct.pack(">I", zlib.crc32(name + body))
    return data[:33] + more + data[33:]


def gamma(value):
    return b"gAMA", struct.pack(">I", round(100_000 * value))


BYTES = np.arange(256, dtype=np.uint8)[None]


def encoded(light):
    return 255 * np.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, 12.92 * light)


@pytest.mark.parametrize("value", [1.0, 0.55556, 0.3])
def test_gamma_of_a_png_is_applied(value):
    wanted = encoded((BYTES / 255) ** (1 / value))[..., None]
    for data in (saved(BYTES), saved(BYTES[..., None].repeat(3, 2))):
        assert abs(photos.open_photo(with_chunks(data, gamma(value))) - wanted).max() <= 1
    palette = saved(Image.fromarray(BYTES[..., None].repeat(3, 2)).quantize(256))
    assert abs(photos.open_photo(with_chunks(palette, gamma(value))) - wanted).max() <= 1
    deep = saved(257 * BYTES.astype(np.uint16))
    assert abs(photos.open_photo(with_chunks(deep, gamma(value))) - wanted).max() <= 1


def test_gamma_gives_way():
    """To the usual value, to sRGB, to a profile and to cICP (PNG, third edition, 4.3)."""
    data, same = saved(BYTES), BYTES[..., None].repeat(3, 2)
    srgb, cicp = (b"sRGB", b"\0"), (b"cICP", bytes([1, 13, 0, 1]))
    for chunks in ([gamma(1 / 2.2)], [gamma(1), srgb], [cicp, gamma(1)], [gamma(0)], [cicp]):
        assert np.array_equal(photos.open_photo(with_chunks(data, *chunks)), same)


def test_display_p3_by_cicp():
    rgb = np.random.default_rng(5).integers(0, 256, (40, 40, 3), np.uint8)
    opened = photos.open_photo(with_chunks(saved(rgb), (b"cICP", bytes([12, 13, 0, 1]))))
    assert abs(opened - p3_to_srgb(rgb)).max() <= 1


def test_other_cicp_is_a_warning_unless_a_profile_helps(tmp_path):
    rgb = np.random.default_rng(5).integers(0, 256, (9, 9, 3), np.uint8)
    hdr = b"cICP", bytes([9, 16, 0, 1])
    path = tmp_path / "hdr.png"
    path.write_bytes(with_chunks(saved(rgb), hdr))
    with pytest.warns(
        UserWarning, match=r"hdr.png: its colors \(cICP \(9, 16\)\) are not"
    ) as caught:
        assert np.array_equal(photos.open_photo(path), rgb)
    assert caught[0].filename == __file__
    with warnings.catch_warnings(action="error"):
        opened = photos.open_photo(with_chunks(saved(rgb, icc_profile=matrix_profile(*P3)), hdr))
    assert abs(opened - p3_to_srgb(rgb)).max() <= 1.5


@pytest.mark.parametrize("megabytes", [2, 70])
def test_a_png_with_huge_texts_is_intact(megabytes):
    texts = PngImagePlugin.PngInfo()
    for number in range(max(1, megabytes // 10)):
        texts.add_text(
            f"notes {number}", "x" * (megabytes * 2**20 // max(1, megabytes // 10)), zip=True
        )
    rgb = np.random.default_rng(5).integers(0, 256, (9, 9, 3), np.uint8)
    assert np.array_equal(photos.open_photo(saved(rgb, pnginfo=texts)), rgb)


# Other containers.


def test_heic_is_read_where_its_reader_is_installed():
    heif = pytest.importorskip("pillow_heif")
    rgb = np.full((64, 64, 3), (200, 40, 90), np.uint8)
    buffer = io.BytesIO()
    heif.from_pillow(Image.fromarray(rgb)).save(buffer, quality=95)
    assert buffer.getvalue()[4:12] == b"ftypheic"
    assert abs(photos.open_photo(buffer.getvalue()).astype(int) - rgb).max() <= 4


def test_avif_is_read():
    rgb = np.full((64, 64, 3), (200, 40, 90), np.uint8)
    assert abs(photos.open_photo(saved(rgb, "AVIF", quality=95)).astype(int) - rgb).max() <= 4


@pytest.mark.parametrize(
    "head, said",
    [
        (b"\xff\x0a\xfa\x7f", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl ", "JPEG XL"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1", "color-from-gray[heif]"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0heic", "color-from-gray[heif]"),
    ],
)
def test_what_has_no_reader_is_named(head, said):
    with pytest.raises(photos.PhotoError) as error:
        photos.open_photo(head + bytes(300))
    assert said in str(error.value) and str(error.value).endswith(".")
