"""What a colorized file keeps of its photograph's: author, copyright, caption, dates, dots."""

import io
import struct
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms, PngImagePlugin
from test_colorizer import toy

from course_utils import colorizer, photos
from course_utils.colorizer import Colorizer

WORDS = "colorized by Color from Gray, toy"
EXIF, GPS, IFD1 = ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo, ExifTags.IFD.IFD1
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6" dc:creator="Zo"/>'
XMP += b"</x:xmpmeta>"
IPTC = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0e\x1c\x02\x50\0\x09Zo Writer\0"
P3 = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
RELATIVE = P3[:64] + struct.pack(">I", 1) + P3[68:]  # the intent: relative colorimetric


@pytest.fixture
def model(tmp_path):
    return Colorizer.load(toy(tmp_path / "toy.onnx"))


def exif():
    """What a camera and an archivist write."""
    tags = Image.Exif()
    tags[0x010E], tags[0x013B], tags[0x8298] = (s.encode() for s in ("Größe", "Zoë", "© Zoë"))
    tags[0x010F], tags[0x0131], tags[0x0132] = "Leica", "Darktable", "2001:02:03 04:05:06"
    tags[0x0112] = 6
    inner = tags.get_ifd(EXIF)
    inner[0x9003], inner[0x829A], inner[0x927C] = "1999:12:31 23:59:59", 0.01, b"maker" * 9
    inner[0xA001], inner[0xA002], inner[0xA003] = 65535, 60, 40
    inner[0xA420] = "the photograph's own id"
    place = tags.get_ifd(GPS)
    place[1], place[2], place[0] = "N", (48.0, 8.0, 14.5), b"\2\3\0\0"
    tags[EXIF], tags[GPS] = dict(inner), dict(place)  # TIFF needs them here
    return tags


def with_thumbnail(tags):
    """The EXIF block with a second directory, which holds a small JPEG."""
    raw, small = tags.tobytes()[6:], photograph("JPEG")
    (count,) = struct.unpack_from(">H", raw, 8)
    link, end = 10 + 12 * count, len(raw)
    block = struct.pack(">H", 2) + struct.pack(">HHII", 0x0201, 4, 1, end + 30)
    block += struct.pack(">HHII", 0x0202, 4, 1, len(small)) + bytes(4)
    return b"Exif\0\0" + raw[:link] + struct.pack(">I", end) + raw[link + 4 :] + block + small


def photograph(kind, **options):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 256, (40, 60, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def colorized(model, path, source):
    """The result's image, its EXIF and two inner directories."""
    with warnings.catch_warnings(action="error"):
        model.save(path, model.colorize(photos.open_photo(source)), source)
    image = Image.open(path)
    image.load()
    return image, image.getexif(), image.getexif().get_ifd(EXIF), image.getexif().get_ifd(GPS)


KINDS = [("x.jpg", "JPEG"), ("x.png", "PNG"), ("x.png", "TIFF"), ("x.png", "WEBP")]


@pytest.mark.parametrize("name, kind", KINDS)
def test_what_the_photograph_said_stays_and_the_label_is_added(tmp_path, model, name, kind):
    options = {"dpi": (600, 600), "icc_profile": RELATIVE}
    source = photograph(kind, exif=exif(), **options)
    image, tags, inner, place = colorized(model, tmp_path / name, source)
    assert image.size == (40, 60)  # turned
    latin = {tag: tags[tag].encode("latin-1").decode() for tag in (0x010E, 0x013B, 0x8298)}
    assert latin == {0x010E: f"Größe; {WORDS}", 0x013B: "Zoë", 0x8298: "© Zoë"}
    assert tags[0x010F] == "Leica" and tags[0x0132] == "2001:02:03 04:05:06"
    assert tags[0x0131].startswith("Darktable; Color from Gray ")
    assert inner[0x9003] == "1999:12:31 23:59:59" and float(inner[0x829A]) == 0.01
    assert place == {0: b"\2\3\0\0", 1: "N", 2: (48.0, 8.0, 14.5)}
    assert inner[0xA420] == model.fingerprint(source)
    # what is no longer true
    assert 0x0112 not in tags and not tags.get_ifd(IFD1)  # no thumbnail
    assert not {0xA001, 0xA002, 0xA003, 0xA005} & set(inner)
    assert not {256, 257, 258, 259, 262, 273, 278, 279} & set(tags)
    assert image.info["icc_profile"][64:68] == RELATIVE[64:68]
    if kind != "WEBP":  # which has no dots per inch
        assert np.round(image.info["dpi"]).tolist() == [600, 600]
    assert colorizer.label(tmp_path / name) == (WORDS, model.fingerprint(source))


@pytest.mark.parametrize("name, kind", KINDS[:2])
def test_the_gray_thumbnail_goes(tmp_path, model, name, kind):
    source = photograph(kind, exif=with_thumbnail(exif()))
    assert 0x0201 in Image.open(io.BytesIO(source)).getexif().get_ifd(IFD1)
    _, tags, inner, _ = colorized(model, tmp_path / name, source)
    assert not tags.get_ifd(IFD1) and inner[0x9003] == "1999:12:31 23:59:59"
    assert (tmp_path / name).read_bytes().count(b"\xff\xd8\xff") == (kind == "JPEG")


def test_a_profile_changes_no_pixel_and_none_is_made_up(tmp_path, model):
    source = photograph("PNG", icc_profile=RELATIVE)
    rgb = model.colorize(photos.open_photo(source))
    model.save(tmp_path / "x.png", rgb, source)
    assert np.array_equal(photos.open_photo(tmp_path / "x.png"), rgb)
    image = colorized(model, tmp_path / "y.png", photograph("PNG"))[0]
    assert "icc_profile" not in image.info and "dpi" not in image.info


def test_png_texts_stay(tmp_path, model):
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", "Zo")
    texts.add_itxt("Title", "湖", "zh", "Title")
    texts.add_text("Description", "a view of the lake")
    texts.add_text("Software", "a scanner")
    texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
    texts.add_text("Raw profile type exif", "\nexif\n 4\n4d4d002a\n")
    text = colorized(model, tmp_path / "x.png", photograph("PNG", pnginfo=texts))[0].text
    assert (text["Author"], text["Title"]) == ("Zo", "湖") and text["Title"].lang == "zh"
    assert text["Description"] == f"a view of the lake; {WORDS}"
    assert text["Software"].startswith("a scanner; Color from Gray ")
    assert 'tiff:Orientation="1" dc:creator="Zo"' in text["XML:com.adobe.xmp"]
    assert "Raw profile type exif" not in text
    assert colorizer.label(tmp_path / "x.png")[0] == WORDS


def test_xmp_iptc_and_comment_of_a_jpeg_stay(tmp_path, model):
    data = photograph("JPEG", xmp=XMP, comment=b"by Zo")
    data = data[:2] + b"\xff\xed" + struct.pack(">H", len(IPTC) + 2) + IPTC + data[2:]
    image = colorized(model, tmp_path / "x.jpg", data)[0]
    assert image.info["comment"] == b"by Zo"
    assert image.info["xmp"] == XMP.replace(b'"6"', b'"1"')
    assert [d for marker, d in image.applist if marker == "APP13"] == [IPTC]
    assert image.info["photoshop"]
    assert colorizer.label(tmp_path / "x.jpg")[0] == WORDS


def test_colorized_twice_names_the_last(tmp_path, model):
    first = model.save(tmp_path / "x.jpg", np.full((9, 9, 3), 90, np.uint8), photograph("JPEG"))
    other = Colorizer.load(toy(tmp_path / "other.onnx", seed=5))
    second = other.save(tmp_path / "y.png", np.full((9, 9, 3), 90, np.uint8), first.read_bytes())
    assert colorizer.label(second)[0] == WORDS.replace("toy", "other")
    assert Image.open(second).text["Description"] == f"{WORDS}; {WORDS.replace('toy', 'other')}"


def test_a_name_in_any_script(tmp_path):
    model = Colorizer.load(toy(tmp_path / "色.onnx"))
    for name in ("x.jpg", "x.png"):
        model.save(tmp_path / name, np.full((9, 9, 3), 90, np.uint8), photograph("JPEG"))
        assert colorizer.label(tmp_path / name)[0] == WORDS.replace("toy", "色")


def test_more_than_a_jpeg_holds_costs_the_heavy_part_and_a_warning(tmp_path, model):
    tags = exif()
    tags[EXIF][0x927C] = b"m" * 70_000
    source = photograph("PNG", exif=tags)
    with pytest.warns(UserWarning, match="Maker notes, XMP, IPTC and comment do not fit: "):
        model.save(tmp_path / "x.jpg", np.full((9, 9, 3), 90, np.uint8), source)
    kept = Image.open(tmp_path / "x.jpg").getexif()
    assert kept[0x010E].endswith(WORDS) and kept[0x8298] and kept.get_ifd(GPS)[1] == "N"
    model.save(tmp_path / "x.png", np.full((9, 9, 3), 90, np.uint8), source)  # PNG has room
    with open(tmp_path / "x.png", "rb") as file:
        assert b"m" * 70_000 in file.read()


@pytest.mark.parametrize("dpi", [(0, 0), (9e6, 9e6), (72, 0)])
def test_absurd_dots(tmp_path, model, dpi):
    source = photograph("PNG", dpi=dpi)
    for name in ("x.png", "x.jpg"):
        model.save(tmp_path / name, np.full((9, 9, 3), 90, np.uint8), source)
        assert colorizer.label(tmp_path / name)[0] == WORDS


@given(st.integers(0, 10**9), st.integers(1, 60), st.sampled_from(["JPEG", "PNG", "TIFF"]))
@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_damaged_metadata_never_cost_the_picture_or_the_label(tmp_path, model, seed, count, kind):
    rng = np.random.default_rng(seed)
    raw = bytearray(exif().tobytes())
    for place in rng.integers(8, len(raw), count):
        raw[place] = rng.integers(256)
    with warnings.catch_warnings(action="ignore"):
        try:
            source = photograph(kind, exif=bytes(raw))
        except Exception:  # Pillow refuses to write some: nothing to test then
            return
        for name in ("x.jpg", "x.png"):
            model.save(tmp_path / name, np.full((9, 9, 3), 90, np.uint8), source)
            assert colorizer.label(tmp_path / name) == (WORDS, model.fingerprint(source))
            assert photos.open_photo(tmp_path / name).shape == (9, 9, 3)
