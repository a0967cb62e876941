"""The album: what may be handed on, who is named for it, and a split that lets nothing through."""

import csv
from collections import Counter
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image, ImageOps
from skimage.color import rgb2lab

from course_utils import photos
from course_utils.photos.album import COLUMNS, FOLDER
from tools import album as making

FREE = {"CC0 1.0", "public domain"}
LICENCES = FREE | {
    *("CC BY 2.0", "CC BY 3.0", "CC BY-SA 2.5"),
    *("CC BY-SA 3.0", "CC BY-SA 3.0 AT", "CC BY-SA 4.0"),
}
# What the test split holds of each kind.
LEAST = {
    **{"landscape": 2, "animal": 8, "food": 6, "street": 3, "room": 1, "flower": 3},
    **{"historical": 6, "portrait": 1, "object": 3, "clothing": 1},
}
with (FOLDER / "album.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))
TEST = [row for row in ROWS if row["split"] == "test"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def index():
    """Chroma and windows of every photograph, in the order of ROWS."""
    described = [photos.describe(FOLDER / row["file"]) for row in ROWS]
    return np.array(described, photos.INDEX)


def test_the_folder_holds_what_the_list_says_and_is_small():
    assert list(ROWS[0]) == COLUMNS
    names = [row["file"] for row in ROWS]
    found = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert len(set(names)) == len(names) >= 150
    assert set(found) == {*names, "album.csv", "CREDITS.md"}
    assert sum(found.values()) <= 8e6
    assert all(name.isascii() and name.replace("_", "").removesuffix(".jpg").isalnum()
               for name in names)  # fmt: skip


def test_each_may_be_handed_on():
    for row in ROWS:
        assert row["licence"] in LICENCES, row["file"]
        assert row["author"] or row["licence"] in FREE, row["file"]
        assert row["author"].lower() not in ("unknown", "anonymous", "not stated"), row["file"]
        assert row["source"].startswith("https://"), row["file"]


def test_the_split_is_varied():
    kinds = Counter(row["category"] for row in TEST)
    assert 48 <= len(TEST) and len(ROWS) - len(TEST) >= 90
    assert {row["split"] for row in ROWS} == {"train", "test"}
    assert {row["category"] for row in ROWS} == set(kinds)  # no kind is for training only
    for kind, least in LEAST.items():
        assert kinds[kind] >= least, kind
    assert kinds.most_common(1)[0][1] <= len(TEST) / 4
    lightness = np.array([rgb2lab(photo.rgb)[..., 0].mean() for photo in photos.album("test")])
    assert (lightness < 30).sum() >= 3 and (lightness > 70).sum() >= 3


def test_the_first_few_show_the_variety():
    for split in ("train", "test"):
        first = [row["category"] for row in ROWS if row["split"] == split][:12]
        assert len(set(first)) == 12


def test_no_near_duplicates(index):
    groups = Counter(photos.near_duplicates(index))
    assert max(groups.values()) == 1


def test_bundled_has_the_same_split():
    """Six stand in `bundled` as well, on whose training split any lesson may train."""
    side = {row["file"].removesuffix(".jpg"): row["split"] for row in ROWS}
    bundled = {photo.name: photo.split for photo in photos.bundled()}
    both = side.keys() & bundled
    assert both == {"china", "flower", "coffee", "chelsea", "astronaut", "rocket"}
    assert {name: side[name] for name in both} == {name: bundled[name] for name in both}


@pytest.mark.stress
@pytest.mark.parametrize("folder", ["diverse/train", "intel/seg_train"])
def test_what_trains_the_models_holds_no_copy_of_a_test_photograph(folder, index, shared_data):
    others = photos.files_in(shared_data / folder)
    theirs, _ = photos.mapped("index", others, photos.describe, photos.INDEX)
    ours = index[[row["split"] == "test" for row in ROWS]]
    groups = photos.near_duplicates(np.concatenate([ours, theirs]))
    assert not np.isin(groups[: len(ours)], groups[len(ours) :]).any()


def test_each_has_color(index):
    faint = [row for row, chroma in zip(ROWS, index["chroma"]) if chroma < 6]
    assert index["chroma"].min() >= photos.GRAY_CHROMA
    assert len(faint) <= 2 and all(row["category"] == "historical" for row in faint)


def test_the_files_are_plain_srgb_without_private_data():
    for row in ROWS:
        with Image.open(FOLDER / row["file"]) as im:
            assert (im.format, im.mode) == ("JPEG", "RGB")
            assert im.size == (int(row["width"]), int(row["height"]))
            assert 120 <= min(im.size) and max(im.size) <= 384
            assert not im.getexif()
            assert not {"icc_profile", "comment", "xmp", "photoshop"} & im.info.keys()
            assert [layer[1:3] for layer in im.layer] == [(1, 1)] * 3  # no chroma subsampling


def test_album_gives_each_photograph_with_its_facts():
    found = photos.album()
    assert [f"{photo.name}.jpg" for photo in found] == [row["file"] for row in ROWS]
    for photo, row in zip(found, ROWS):
        facts = {key: row[key] for key in COLUMNS[1:7]}
        assert {key: getattr(photo, key) for key in facts} == facts
        assert photo.rgb.shape == (int(row["height"]), int(row["width"]), 3)
    with Image.open(FOLDER / ROWS[0]["file"]) as im:
        assert np.array_equal(found[0].rgb, np.asarray(im))
    assert [p.name for p in photos.album("test")] == [p.name for p in found if p.split == "test"]
    with pytest.raises(ValueError, match='split is .val.; it must be "train", "test" or None'):
        photos.album("val")


def test_a_credit_is_one_line_with_all_that_its_licence_asks_for():
    for photo in photos.album():
        assert photo.author in photo.credit and photo.title in photo.credit
        assert photo.licence in photo.credit and "\n" not in photo.credit
        assert photo.credit.endswith("stays BY-SA)") == ("BY-SA" in photo.licence)
        assert len(photo.credit) <= 150
    credit = {photo.name: photo.credit for photo in photos.album()}
    assert credit["siberian_tiger"] == (
        "Siberian Tiger by Malene Th, Malene Thyssen, CC BY-SA 3.0 (stays BY-SA)"
    )
    assert credit["tulip_field"] == "tulip field, CC0 1.0"  # neither title nor author known


def test_load_album(capsys):
    train, test = photos.load("album", size=32), photos.load("album", "test", size=48)
    assert train.shape == (len(ROWS) - len(TEST), 32, 32, 3) and train.dtype == np.uint8
    assert test.shape == (len(TEST), 48, 48, 3)
    assert np.array_equal(photos.load("album", "test", size=48), test)
    assert np.array_equal(photos.load("album", "test", size=48, limit=7), test[:7])
    for row, square in zip(TEST, test):
        with Image.open(FOLDER / row["file"]) as im:
            expected = ImageOps.fit(im, (48, 48), Image.Resampling.LANCZOS)
        assert np.array_equal(square, expected), row["file"]
    assert capsys.readouterr().out == ""
    assert np.array_equal(photos.load("album", size=32, color_only=True), train)
    assert capsys.readouterr().out == f"left out 0 gray photographs of {len(train)}\n"


def test_credits_agree_with_the_list():
    text = (FOLDER / "CREDITS.md").read_text("utf-8")
    assert text == making.credits(ROWS)
    lines = text.splitlines()
    for row in ROWS:
        (line,) = [line for line in lines if line.startswith(f"- `{row['file']}`")]
        for fact in ("title", "author", "source"):
            assert row[fact] in line
        heading = next(h for h in reversed(lines[: lines.index(line)]) if h.startswith("## "))
        assert heading.startswith(f"## {row['licence']} (")
    for licence in LICENCES - FREE:
        section = text.partition(f"## {licence} (")[2].partition("\n## ")[0]
        assert ("stays under this licence" in section) == ("SA" in licence)
    assert "<https://creativecommons.org/licenses/by-sa/3.0/at/>" in text


def test_the_choice_is_the_list():
    assert [(split, kind, f"{name}.jpg") for split, kind, name in making.choices()] == [
        (row["split"], row["category"], row["file"]) for row in ROWS
    ]


def test_the_album_can_be_made_again(shared_data, tmp_path):
    """From where each photograph comes: the same list, and the same pixels but for the encoder."""
    making.make(shared_data, tmp_path)
    for name in ("album.csv", "CREDITS.md"):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes()
    for row in ROWS:
        made, shipped = (photos.open_photo(f / row["file"]) for f in (tmp_path, FOLDER))
        assert made.shape == shipped.shape
        assert abs(made.astype(float) - shipped).mean() < 0.5, row["file"]


def test_the_wheel_holds_the_album(tmp_path):
    from hatchling.builders.wheel import WheelBuilder

    root = Path(__file__).resolve().parents[1]
    (wheel,) = WheelBuilder(str(root)).build(directory=str(tmp_path), versions=["standard"])
    with ZipFile(wheel) as archive:
        for path in FOLDER.iterdir():
            assert archive.read(f"course_utils/album/{path.name}") == path.read_bytes()
