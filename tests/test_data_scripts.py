"""The data sets from end to end, against a server on this machine; cleaning; names; kills."""

import csv
import hashlib
import importlib
import json
import os
import re
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from data_server import encoded, jpeg, picture
from PIL import Image
from test_data_scripts_archives import tar

from course_utils import color, photos
from course_utils.photos import splitting
from data_scripts import clean, coco, files, flickr, imagenet, imagenette, intel, owned, places

ROOT = Path(__file__).resolve().parents[1]


pytestmark = pytest.mark.usefixtures("alone")


def md5(data):
    return "md5:" + hashlib.md5(data).hexdigest()


def manifest(out):
    with (out / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def checked(out, train, test):
    """The rows of a data set, after everything that must hold for every one."""
    rows = manifest(out)
    assert Counter(row["split"] for row in rows) == {"train": train, "test": test}
    assert len({row["id"] for row in rows}) == len(rows)
    assert len({row["source_sha256"] for row in rows}) == len(rows)
    for row in rows:
        path = out / row["file"]
        assert path.parent.name == row["split"]
        assert files.digest(path) == row["sha256"]
        assert path.stat().st_size == int(row["bytes"])
        assert Image.open(path).size == (int(row["width"]), int(row["height"]))
        assert abs(photos.describe(path)[1] - float(row["chroma"])) < 0.5
        assert float(row["chroma"]) >= photos.GRAY_CHROMA
        assert row["url"].startswith("http") and row["licence"]
    on_disk = {
        p.relative_to(out).as_posix() for s in ("train", "test") for p in (out / s).iterdir()
    }
    assert on_disk == {row["file"] for row in rows}
    index = np.array([photos.describe(out / row["file"]) for row in rows], photos.INDEX)
    assert len(set(photos.near_duplicates(index))) == len(rows)
    card = (out / "CARD.md").read_text(encoding="utf-8")
    numbers = re.search(
        r"([\d,]+) photographs for training and ([\d,]+) for testing of ([\d,]+) candidates; "
        r"left out: (.*)\.",
        card,
    )
    left_out = [int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*", numbers[4].split(".")[0])]
    kept, held, candidates = (int(numbers[i].replace(",", "")) for i in (1, 2, 3))
    assert (kept, held) == (train, test) and kept + held + sum(left_out) == candidates
    assert "has not been run against the real one" in card
    return rows


def snapshot(out):
    """Everything in the folder but what the scripts keep for themselves."""
    return {
        p.relative_to(out).as_posix(): p.read_bytes()
        for p in sorted(out.rglob("*"))
        if p.is_file() and not p.relative_to(out).parts[0].startswith(".")
    }


def write(folder, pictures):
    for name, data in pictures.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def gray(seed):
    return encoded(picture(seed).convert("L").convert("RGB"), "JPEG")


# What must be left out, and why. `twin` is 0.jpg again.
BAD = {
    "gray.jpg": gray(900),
    "tiny.jpg": jpeg(901, (99, 120)),
    "wide.jpg": jpeg(902, (420, 130)),
    "broken.jpg": jpeg(903)[:2000],
    "text.jpg": b"no picture",
    "twin.jpg": encoded(picture(0).resize((320, 240)), "JPEG", quality=70),
}
WHY = {"gray": 1, "tiny": 1, "extreme aspect": 1, "unreadable": 2, "near duplicate": 1}


# Cleaning.


def test_reasons():
    assert set(WHY) == set(clean.REASONS)


def test_cleaning_says_why(tmp_path):
    folder = write(tmp_path / "in", {f"{i}.jpg": jpeg(i) for i in range(20)} | BAD)
    found = sorted(folder.iterdir(), key=lambda p: (p.name in BAD, p.name))
    why = clean.reasons(clean.survey(found))
    expected = dict.fromkeys((p.name for p in found), "") | {
        "gray.jpg": "gray",
        "tiny.jpg": "tiny",
        "wide.jpg": "extreme aspect",
        "broken.jpg": "unreadable",
        "text.jpg": "unreadable",
        "twin.jpg": "near duplicate",
    }
    assert dict(zip((p.name for p in found), why, strict=True)) == expected


def test_edges_of_cleaning(tmp_path):
    def chromatic(chroma):
        lab = np.full((120, 120, 3), (60, chroma, 0), np.float32)
        lab[..., 0] += 20 * np.random.default_rng(int(chroma * 100)).random((120, 120))
        return Image.fromarray(np.uint8(255 * np.clip(color.lab_to_rgb(lab), 0, 1) + 0.5))

    pictures = {
        "a 100.png": encoded(picture(1, (100, 300)), "PNG"),
        "b 99.png": encoded(picture(2, (99, 100)), "PNG"),
        "c 3.png": encoded(picture(3, (110, 331)), "PNG"),
        "d faint.png": encoded(chromatic(2.5), "PNG"),
        "e color.png": encoded(chromatic(3.5), "PNG"),
    }
    found = sorted(write(tmp_path / "in", pictures).iterdir())
    assert clean.reasons(clean.survey(found)).tolist() == ["", "tiny", "extreme aspect", "gray", ""]


def test_flat_pictures_are_only_duplicates_with_the_same_bytes(tmp_path):
    flat = {f"{i}.png": encoded(Image.new("RGB", (120, 120), (200, i, 0)), "PNG") for i in range(3)}
    found = sorted(write(tmp_path / "in", flat | {"9.png": flat["1.png"]}).iterdir())
    assert clean.reasons(clean.survey(found)).tolist() == ["", "", "", "near duplicate"]


def test_a_pool_of_processes_gives_the_same(tmp_path, monkeypatch):
    folder = write(tmp_path / "in", {f"{i}.jpg": jpeg(i) for i in range(8)} | BAD)
    found = sorted(folder.iterdir())
    few = clean.survey(found)
    monkeypatch.setattr(clean, "FEW", 0)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "other"))
    assert np.array_equal(clean.survey(found), few)
    good = [p for p in found if p.name[0].isdigit()]
    facts = {}
    for name in ("pool", "map"):
        jobs = [(p, tmp_path / name / p.name, 110) for p in good]
        facts[name] = list(clean.write(jobs))
        monkeypatch.setattr(clean, "FEW", 99)
    assert facts["pool"] == facts["map"]
    assert {width for width, _, _, _ in facts["map"]} == {147}


def test_what_was_looked_at_is_kept(tmp_path, monkeypatch):
    found = sorted(write(tmp_path / "in", {f"{i}.jpg": jpeg(i) for i in range(4)}).iterdir())
    rows = clean.survey(found)
    monkeypatch.setattr(photos, "describe", None)
    assert np.array_equal(clean.survey(found), rows)


def test_resizing(tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6  # stored lying, shown standing
    sources = write(
        tmp_path / "in",
        {
            "large.jpg": jpeg(1, (640, 480)),
            "small.jpg": jpeg(2, (128, 100)),
            "equal.png": encoded(picture(3, (128, 300)), "PNG"),
            "turned.jpg": jpeg(4, (640, 480), exif=turned),
            "clear.webp": encoded(picture(5, (128, 110)), "WEBP", lossless=True),
        },
    )
    jobs = [
        (p, tmp_path / "out" / (p.stem + (p.suffix if p.suffix != ".webp" else ".jpg")), 128)
        for p in sorted(sources.iterdir())
    ]
    for (source, target, _), fact in zip(jobs, clean.write(jobs), strict=True):
        assert fact[2:] == (target.stat().st_size, files.digest(target))
        assert Image.open(target).size == fact[:2]
        if source.stem in ("small", "equal"):
            assert target.read_bytes() == source.read_bytes()
    sizes = {target.stem: Image.open(target).size for _, target, _ in jobs}
    assert sizes["large"] == (171, 128) and sizes["turned"] == (128, 171)
    expected = picture(1, (640, 480)).resize((171, 128), Image.Resampling.LANCZOS)
    ab, hat = (
        color.rgb_to_lab(np.asarray(im))[..., 1:]
        for im in (expected, Image.open(tmp_path / "out" / "large.jpg"))
    )
    assert abs(ab - hat).mean() < 1.5  # 4:2:0 at quality 75 gives 3.3
    assert not list((tmp_path / "out").glob("*.half"))


# photos.near_duplicates


def test_blocks_and_joined_pairs_give_the_same_groups(monkeypatch):
    index = np.zeros(600, photos.INDEX)
    signs = np.random.default_rng(0).integers(-1, 2, (600, 4, 288))
    index["windows"] = np.packbits(np.stack([signs > 0, signs < 0], 2), axis=-1)
    index["windows"][100:200] = index["windows"][0]  # a hundred copies are 20,000 pairs
    index["windows"][300:340, 0] = index["windows"][200:240, 2]
    index["windows"][500:540, 3] = index["windows"][300:340, 0]
    group = photos.near_duplicates(index)
    assert len(set(group)) == 600 - 100 - 80
    assert len(set(group[100:200])) == 1 and group[0] == group[150]
    assert (group[200:240] == group[300:340]).all() and (group[300:340] == group[500:540]).all()
    monkeypatch.setattr(splitting, "BLOCK", 4 * 600)  # all pairs in one block
    monkeypatch.setattr(splitting, "WAITING", 0)  # joined after each block
    again = photos.near_duplicates(index)
    first, second = (np.unique(g, return_inverse=True)[1].tolist() for g in (group, again))
    assert first == second


# The six data sets.


@pytest.fixture
def intel_folder(tmp_path):
    """As Kaggle unpacks it: seg_train inside seg_train."""
    pictures = {}
    for i in range(40):
        pictures[f"seg_train/seg_train/{('glacier', 'mountain', 'sea')[i % 3]}/{i}.jpg"] = jpeg(i)
    for i in range(40, 52):
        pictures[f"seg_test/seg_test/{('glacier', 'mountain', 'sea')[i % 3]}/{i}.jpg"] = jpeg(i)
    pictures |= {f"seg_train/seg_train/sea/{name}": data for name, data in BAD.items()}
    pictures["seg_train/seg_train/sea/of_test.jpg"] = jpeg(41, quality=60)
    pictures["seg_pred/seg_pred/1.jpg"] = jpeg(77)
    return write(tmp_path / "kaggle", pictures)


def test_intel(intel_folder, tmp_path, capsys):
    out = tmp_path / "out"
    intel.main(["--from", str(intel_folder), "--out", str(out)])
    rows = checked(out, 40, 12)
    printed = capsys.readouterr().out
    assert printed.startswith(
        "40 photographs for training and 12 for testing of 59 candidates; left out: 0 not to be "
        "had, 2 unreadable, 1 tiny, 1 extreme aspect, 1 gray, 2 near duplicate.\n"
    )
    assert "seg_test/seg_test/mountain/40.jpg" in {row["id"] for row in rows}
    train = {row["id"] for row in rows if row["split"] == "train"}
    assert "seg_train/seg_train/sea/of_test.jpg" not in train  # the test photograph stays
    assert len(photos.load(out, "train", 16)) == 40 and len(photos.load(out, "test", 16)) == 12


def test_intel_classes_and_zip(intel_folder, tmp_path):
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for path in sorted(intel_folder.rglob("*.jpg")):
            zipped.write(path, path.relative_to(intel_folder))
    out = tmp_path / "out"
    arguments = ["--from", str(archive), "--out", str(out), "--classes", "glacier", "mountain"]
    intel.main([*arguments, "--train", "10"])
    rows = checked(out, 10, 8)
    assert {row["id"].split("/")[-2] for row in rows} == {"glacier", "mountain"}
    assert "--train 10 --size 150 --classes glacier mountain --from PATH" in (
        (out / "CARD.md").read_text()
    )
    assert str(tmp_path) not in (out / "CARD.md").read_text()
    with pytest.raises(SystemExit, match="intel: .* has no photographs of desert"):
        intel.main(["--from", str(archive), "--out", str(out), "--classes", "desert"])


def test_intel_through_kagglehub(intel_folder, tmp_path, monkeypatch):
    asked = []
    module = ModuleType("kagglehub")
    module.dataset_download = lambda handle: asked.append(handle) or str(intel_folder)
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    intel.main(["--out", str(tmp_path / "out")])
    checked(tmp_path / "out", 40, 12)
    assert asked == ["puneet6060/intel-image-classification"]

    def offline(handle):
        raise OSError("no route to host\nmore")

    module.dataset_download = offline
    with pytest.raises(SystemExit, match=r"kaggle.com.*\(no route to host\).*source=\"bundled\""):
        intel.main(["--out", str(tmp_path / "other")])
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(SystemExit, match='pip install kagglehub.*--from.*source="bundled"'):
        intel.main(["--out", str(tmp_path / "other")])


def test_intel_of_the_shared_photographs(shared_data, tmp_path):
    out = tmp_path / "out"
    arguments = ["--from", str(shared_data / "intel"), "--out", str(out)]
    intel.main([*arguments, "--classes", "sea"])
    rows = list(csv.DictReader((shared_data / "intel" / "manifest.csv").open()))
    rows = [row for row in rows if row["label"] == "sea"]
    kept = {row["id"] for row in manifest(out)}
    grays = {row["path"] for row in rows if row["near_grey"] == "1"}
    left_out = {row["path"] for row in rows} - kept
    assert grays and grays <= left_out
    card = (out / "CARD.md").read_text()
    assert f"of {len(rows)} candidates" in card
    other = sum(int(re.search(rf"(\d+) {why}", card)[1]) for why in clean.REASONS if why != "gray")
    assert len(left_out) == len(grays) + other
    assert other < 0.02 * len(rows)  # its near duplicates were taken out before
    splits = Counter(row["split"] for row in manifest(out))
    checked(out, splits["train"], splits["test"])


@pytest.fixture
def imagenette_server(server, tmp_path, monkeypatch):
    names = ("n01440764", "n02102040")
    members = {f"set/train/{names[i % 2]}/{i}.JPEG": jpeg(i) for i in range(24)}
    members |= {f"set/val/{names[i % 2]}/{i}.JPEG": jpeg(i) for i in range(30, 38)}
    members |= {f"set/train/n01440764/{name}": data for name, data in BAD.items()}
    members["set/noisy_imagenette.csv"] = b"path,label"
    data = tar(tmp_path / "served.tgz", members, "w:gz").read_bytes()
    server.files["/imagenette2-160.tgz"] = data
    monkeypatch.setattr(imagenette, "ADDRESS", server.address)
    monkeypatch.setitem(imagenette.ARCHIVES, 160, ("imagenette2-160.tgz", md5(data)))
    return server


def test_imagenette_by_name(imagenette_server, tmp_path, capsys):
    with pytest.raises(FileNotFoundError) as caught:
        photos.load("imagenette")
    assert str(caught.value) == (
        'The photographs "imagenette" are not on this machine yet: run `python -m '
        'data_scripts.imagenette`, or use source="bundled", which needs no download.'
    )
    imagenette.main([])
    out = tmp_path / "data" / "imagenette"
    rows = checked(out, 24, 8)
    assert {row["url"].partition("#")[0] for row in rows} == {
        imagenette_server.address + "imagenette2-160.tgz"
    }
    assert 'photos.load("imagenette")' in capsys.readouterr().out
    assert photos.load("imagenette", "train", 32).shape == (24, 32, 32, 3)
    assert photos.load(source="imagenette", split="test", size=32, limit=5).shape[0] == 5
    imagenette.main([])  # complete: nothing is asked for
    assert imagenette_server.asked("/imagenette2-160.tgz") == [""]
    assert "complete" in capsys.readouterr().out
    imagenette.main(["--size", "110", "--train", "7"])  # other photographs, the same download
    rows = checked(out, 7, 8)
    assert {min(int(row["width"]), int(row["height"])) for row in rows} == {110}
    assert imagenette_server.asked("/imagenette2-160.tgz") == [""]


def test_imagenette_takes_the_smallest_archive(server, tmp_path, monkeypatch):
    monkeypatch.setattr(imagenette, "ADDRESS", server.address)
    for size, name in (
        (161, "imagenette2-320.tgz"),
        (320, "imagenette2-320.tgz"),
        (321, "imagenette2.tgz"),
    ):
        server.requests.clear()
        with pytest.raises(SystemExit, match=f"{name} could not be fetched .404 Not Found."):
            imagenette.main(["--size", str(size)])
        assert [request.path for request in server.requests] == [f"/{name}"]


def test_a_wrong_archive_is_told(imagenette_server, monkeypatch, tmp_path):
    monkeypatch.setitem(imagenette.ARCHIVES, 160, ("imagenette2-160.tgz", "md5:" + 32 * "0"))
    with pytest.raises(SystemExit, match=f'md5 is .* and should be {32 * "0"}.*source="bundled"'):
        imagenette.main([])
    assert not (tmp_path / "data" / "imagenette" / "manifest.csv").exists()
    with pytest.raises(FileNotFoundError, match="data_scripts.imagenette"):
        photos.load("imagenette")


def test_places(server, tmp_path, monkeypatch):
    members = {f"val_256/Places365_val_{i:08}.jpg": jpeg(i, (256, 256)) for i in range(40)}
    data = tar(tmp_path / "served.tar", members | {"val_256/g.jpg": gray(9)}).read_bytes()
    server.files["/val_256.tar"] = data
    monkeypatch.setattr(places, "ADDRESS", server.address + "val_256.tar")
    monkeypatch.setattr(places, "CHECKSUM", md5(data))
    out = tmp_path / "out"
    places.main(["--out", str(out), "--train", "30", "--test", "10"])
    first = {row["source_sha256"]: row["split"] for row in checked(out, 30, 10)}
    assert " 1 gray" in (out / "CARD.md").read_text()
    places.main(["--out", str(out), "--train", "60", "--test", "20"])  # too many: both shrink
    checked(out, 30, 10)
    assert "Asked for were 60 for train and 20 for test: there are no more." in (
        (out / "CARD.md").read_text()
    )
    assert first == {row["source_sha256"]: row["split"] for row in manifest(out)}
    assert server.asked("/val_256.tar") == [""]


def test_imagenet(tmp_path):
    classes = [f"n{i:08}" for i in range(45)]
    copy = tmp_path / "copy"
    folder = copy / "ILSVRC" / "Data" / "CLS-LOC" / "train"
    for k, name in enumerate(classes):
        if k % 2:
            write(folder, {f"{name}/{name}_{i}.JPEG": jpeg(10 * k + i) for i in range(2)})
        else:  # as the official archive holds them
            folder.mkdir(parents=True, exist_ok=True)
            tar(folder / f"{name}.tar", {f"{name}_{i}.JPEG": jpeg(10 * k + i) for i in range(2)})
    out = tmp_path / "out"
    arguments = ["--from", str(copy), "--out", str(out)]
    imagenet.main([*arguments, "--train", "32", "--test", "8"])
    found = {row["id"].split("/")[0] for row in checked(out, 32, 8)}
    assert found == set(classes[::2][:20])
    imagenet.main([*arguments, "--train", "3", "--test", "1", "--classes", *classes[3:5]])
    rows = checked(out, 3, 1)
    assert {row["id"].split("/")[0] for row in rows} == set(classes[3:5])
    with pytest.raises(SystemExit, match="has no class n99999999"):
        imagenet.main([*arguments, "--classes", "n99999999"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit, match="no class folders or class archives"):
        imagenet.main(["--from", str(tmp_path / "empty"), "--out", str(tmp_path / "x")])
    with pytest.raises(SystemExit):  # there is nothing to fetch
        imagenet.main(["--out", str(out)])


@pytest.fixture
def coco_server(server, tmp_path, monkeypatch):
    licences = [
        {"id": 4, "name": "Attribution License", "url": "http://cc/by"},
        {"id": 7, "name": "No known copyright restrictions", "url": "http://fl"},
    ]
    archive = tmp_path / "annotations.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for name, ids in (("train2017", range(40)), ("val2017", range(50, 65))):
            images = [
                {
                    "id": i,
                    "file_name": f"{i:012}.jpg",
                    "license": 4 + 3 * (i % 2),
                    "flickr_url": f"http://farm.staticflickr.com/{i}_z.jpg",
                    "coco_url": f"http://images.cocodataset.org/{name}/{i:012}.jpg",
                }
                for i in ids
            ]
            listed = json.dumps({"images": images, "licenses": licences, "annotations": []})
            zipped.writestr(f"annotations/captions_{name}.json", listed)
            server.files |= {f"/{name}/{i:012}.jpg": jpeg(i, (320, 240)) for i in ids}
    server.files["/" + coco.ANNOTATIONS] = archive.read_bytes()
    monkeypatch.setattr(coco, "ADDRESS", server.address)
    monkeypatch.setattr(coco, "CHECKSUM", md5(archive.read_bytes()))
    return server


def test_coco(coco_server, tmp_path):
    out = tmp_path / "out"
    coco_server.files["/train2017/000000000003.jpg"] = b"<html>moved</html>"
    coco_server.files["/train2017/000000000004.jpg"] = gray(4)
    arguments = ["--out", str(out), "--size", "128"]
    coco.main([*arguments, "--train", "20", "--test", "10"])
    rows = checked(out, 20, 10)
    for row in rows:
        folder, number = row["id"].removesuffix(".jpg").split("/")
        assert folder == {"train": "train2017", "test": "val2017"}[row["split"]]
        assert row["licence"].startswith("No known" if int(number) % 2 else "Attribution")
        assert row["url"] == f"http://farm.staticflickr.com/{int(number)}_z.jpg"
    fetched = Counter(request.path for request in coco_server.requests)
    assert set(fetched.values()) == {1} and len(fetched) < 1 + 26 + 13 + 20
    coco.main([*arguments, "--train", "38", "--test", "15"])  # more of it
    checked(out, 38, 15)
    again = Counter(request.path for request in coco_server.requests)
    assert again.pop("/train2017/000000000003.jpg") == 2  # a page may be a photograph tomorrow
    assert set(again.values()) == {1}
    assert "1 not to be had" in (out / "CARD.md").read_text()


def test_coco_through_fastai(server, tmp_path, monkeypatch):
    members = {f"coco_sample/train_sample/{i:012}.jpg": jpeg(i) for i in range(24)}
    server.files["/coco_sample.tgz"] = tar(tmp_path / "c.tgz", members, "w:gz").read_bytes()
    monkeypatch.setattr(coco, "SAMPLE", server.address + "coco_sample.tgz")
    out = tmp_path / "out"
    coco.main(["--fastai", "--out", str(out), "--train", "18", "--test", "6"])
    checked(out, 18, 6)
    assert "--fastai" in (out / "CARD.md").read_text()
    assert server.asked("/coco_sample.tgz") == [""]


class Flickr:
    """Flickr's API over the server: 60 photographs, several in a second, some of them odd."""

    LICENCES = [
        {"id": 0, "name": "All Rights Reserved", "url": "https://www.flickrhelp.com/hc"},
        {"id": 3, "name": "BY-NC-ND", "url": "https://creativecommons.org/licenses/by-nc-nd/2.0/"},
        {"id": 4, "name": "BY", "url": "https://creativecommons.org/licenses/by/2.0/"},
        {"id": 6, "name": "BY-ND", "url": "https://creativecommons.org/licenses/by-nd/2.0/"},
        {"id": 9, "name": "CC0", "url": "https://creativecommons.org/publicdomain/zero/1.0/"},
        {"id": 14, "name": "BY-SA 4.0", "url": "https://creativecommons.org/licenses/by-sa/4.0/"},
    ]

    def __init__(self, server, n=60):
        self.photos = []
        for i in range(n):
            row = {
                "id": str(1000 + i),
                "owner": f"{i % 7}@N01",
                "ownername": f"Zoë, {i % 7}",
                "dateupload": str(5000 - i // 4),
                "license": str((4, 9, 14)[i % 3]),
            }
            for side, (w, h) in {"m": (200, 150), "z": (320, 240), "l": (640, 480)}.items():
                row |= {
                    f"url_{side}": f"{server.address}{i}_{side}.jpg",
                    f"width_{side}": w,
                    f"height_{side}": str(h),
                }
                server.files[f"/{i}_{side}.jpg"] = lambda _, i=i, s=(w, h): jpeg(i, s)
            self.photos.append(row)
        server.files["/rest/"] = self.answer
        server.files["/17_z.jpg"] = b"<html>This photo is no longer available</html>"
        server.files["/18_z.jpg"] = gray(18)
        server.files["/19_z.jpg"] = jpeg(20, (300, 225))  # uploaded twice
        server.files["/21_z.jpg"] = None

    def answer(self, query):
        assert query["format"] == "json" and query["nojsoncallback"] == "1"
        if query["api_key"] != "SECRET":
            return (
                b'{"stat":"fail","code":100,"message":"Invalid API Key (Key has invalid format)"}'
            )
        if query["method"] == "flickr.photos.licenses.getInfo":
            return json.dumps({"licenses": {"license": self.LICENCES}, "stat": "ok"}).encode()
        assert query["method"] == "flickr.photos.search" and query["license"] == "4,9,14"
        assert query["tags"] == "mountain" and query["sort"] == "date-posted-desc"
        newest = int(query.get("max_upload_date", 10**10))
        rows = [row for row in self.photos if int(row["dateupload"]) <= newest]
        rows = rows[: int(query["per_page"])]
        return json.dumps({"photos": {"page": 1, "photo": rows}, "stat": "ok"}).encode()


@pytest.fixture
def flickr_server(server, monkeypatch):
    Flickr(server)
    monkeypatch.setattr(flickr, "API", server.address + "rest/")
    monkeypatch.setattr(flickr, "PER_PAGE", 10)
    monkeypatch.setenv("FLICKR_API_KEY", "SECRET")
    return server


def test_flickr(flickr_server, tmp_path):
    out = tmp_path / "out"
    flickr.main(["--out", str(out), "--train", "30", "--test", "6", "--size", "200"])
    rows = checked(out, 30, 6)
    assert {row["author"] for row in rows} >= {"Zoë, 3"}
    for row in rows:
        i = int(row["id"]) - 1000
        assert row["url"] == f"https://www.flickr.com/photos/{i % 7}@N01/{row['id']}"
        assert row["licence"].startswith(("BY (http", "CC0 (http", "BY-SA 4.0 (http")[i % 3])
        assert min(int(row["width"]), int(row["height"])) == 200  # of the 320 x 240 file
    ids = {int(row["id"]) - 1000 for row in rows}
    assert not ids & {17, 18, 21} and len(ids & {19, 20}) == 1
    asked = Counter(r.path for r in flickr_server.requests if r.path != "/rest/")
    assert set(asked.values()) == {1} and all(path.endswith("_z.jpg") for path in asked)
    assert not any("SECRET" in p.read_text(errors="ignore") for p in out.rglob("*") if p.is_file())


def test_flickr_to_the_last_photograph(flickr_server, tmp_path):
    out = tmp_path / "out"
    flickr.main(["--out", str(out), "--train", "90", "--test", "10", "--size", "120"])
    rows = manifest(out)
    assert len(rows) == 60  # each once, though five searches overlap
    assert "there are no more" in (out / "CARD.md").read_text()


def test_flickr_needs_a_key(flickr_server, tmp_path, monkeypatch):
    out = tmp_path / "out"
    monkeypatch.setenv("FLICKR_API_KEY", "wrong")
    with pytest.raises(SystemExit, match='Flickr says \'Invalid API Key .*source="bundled"') as e:
        flickr.main(["--out", str(out)])
    assert "wrong" not in str(e.value)
    monkeypatch.delenv("FLICKR_API_KEY")
    with pytest.raises(SystemExit, match="FLICKR_API_KEY is not set: get a key at https://www.fl"):
        flickr.main(["--out", str(out)])


def test_flickr_that_is_busy_for_a_moment(flickr_server, tmp_path):
    busy = [b'{"stat":"fail","code":105,"message":"Service currently unavailable"}'] * 2
    answer = flickr_server.files["/rest/"]
    flickr_server.files["/rest/"] = lambda query: busy.pop() if busy else answer(query)
    flickr.main(["--out", str(tmp_path / "out"), "--train", "8", "--test", "2", "--size", "120"])
    checked(tmp_path / "out", 8, 2)
    assert not busy


def test_troubles_on_the_way_change_nothing(flickr_server, tmp_path):
    arguments = ["--train", "30", "--test", "6", "--size", "200"]
    flickr.main(["--out", str(tmp_path / "calm"), *arguments])
    for i, trouble in enumerate([500, "cut", (429, {"Retry-After": "0"}), 503, "cut"] * 7):
        flickr_server.troubles[f"/{i}_z.jpg"] = [trouble]
    flickr_server.troubles["/rest/"] = ["cut", 500]
    flickr.main(["--out", str(tmp_path / "rough"), *arguments])
    assert snapshot(tmp_path / "rough") == snapshot(tmp_path / "calm")


# What a run may not do to a folder.


def test_a_folder_of_another_origin_is_left_alone(intel_folder, tmp_path):
    mine = write(tmp_path / "mine", {"train/my.jpg": jpeg(1), "notes.txt": b"x"})
    with pytest.raises(SystemExit, match="mine holds notes.txt, which no data script wrote: cho"):
        intel.main(["--from", str(intel_folder), "--out", str(mine)])
    assert snapshot(mine) == {"train/my.jpg": jpeg(1), "notes.txt": b"x"}


def test_two_runs_at_once(intel_folder, tmp_path):
    pytest.importorskip("fcntl")
    out = tmp_path / "out"
    out.mkdir()
    with owned.alone(out), pytest.raises(SystemExit, match="another run is at work"):
        intel.main(["--from", str(intel_folder), "--out", str(out)])


def test_bad_arguments(tmp_path, capsys):
    for words in (["--train", "0"], ["--test", "-3"], ["--size", "big"]):
        with pytest.raises(SystemExit):
            flickr.main(["--out", str(tmp_path), *words])
        assert "is not a whole number of at least 1" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="there is no folder or archive .*nowhere"):
        intel.main(["--from", str(tmp_path / "nowhere"), "--out", str(tmp_path / "o")])
    write(
        tmp_path / "gray",
        {f"seg_{s}/sea/{i}.jpg": gray(i) for i in (1, 2) for s in ("train", "test")},
    )
    with pytest.raises(SystemExit, match="no photographs are left of 4 candidates"):
        intel.main(["--from", str(tmp_path / "gray"), "--out", str(tmp_path / "o")])


def test_a_full_disk_is_one_sentence(intel_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "RESERVE", 2**60)
    out = tmp_path / "out"
    with pytest.raises(SystemExit, match="intel: .* needs .* MB of free disk, and .*: free"):
        intel.main(["--from", str(intel_folder), "--out", str(out)])
    assert not (out / "manifest.csv").exists()


# Names.


def test_every_name_has_a_module():
    found = {
        path.stem
        for path in (ROOT / "data_scripts").glob("*.py")
        if "ABOUT = " in path.read_text(encoding="utf-8")
    }
    assert found == set(photos.SETS)
    for name in found:
        module = importlib.import_module(f"data_scripts.{name}")
        assert module.ABOUT.name == name
        assert f"python -m data_scripts.{name}" in (ROOT / "docs" / "data.md").read_text()


@pytest.mark.parametrize("name", photos.SETS)
def test_the_command_of_every_set_says_what_it_takes(name):
    done = subprocess.run(
        [sys.executable, "-m", f"data_scripts.{name}", "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0 and "--out" in done.stdout and "--train" in done.stdout


def test_names_and_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "coco", {f"{i}.jpg": jpeg(i) for i in range(20)})
    with pytest.raises(FileNotFoundError, match="data_scripts.coco"):
        photos.load("coco")
    assert len(photos.load("./coco", size=8)) + len(photos.load("./coco", "test", 8)) == 20
    with pytest.raises(FileNotFoundError, match="or one of coco, flickr, imagenet"):
        photos.load("cocoa")
    monkeypatch.delenv("COURSE_DATA")
    assert photos.data_home() == tmp_path / "home" / ".cache" / "color-from-gray" / "data"


# Kills and interruptions; those at 50 random moments have a file of their own.

POOL = """
import sys
from pathlib import Path
from data_scripts import clean
clean.FEW = 0
if __name__ == "__main__":
    with clean._processes(1) as run:
        print(*run(abs, [1, 2]), flush=True)
        sys.stdin.read()
"""


def test_a_killed_run_takes_its_pool_along(tmp_path):
    psutil = pytest.importorskip("psutil")
    script = tmp_path / "pool.py"
    script.write_text(POOL)
    running = subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    with running:
        assert running.stdout.readline() == b"1 2\n"
        children = psutil.Process(running.pid).children()
        assert children
        running.kill()
    assert psutil.wait_procs(children, timeout=10)[1] == []


def test_an_interruption_is_one_sentence(intel_folder, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(clean, "survey", interrupted)
    with pytest.raises(SystemExit, match="intel: interrupted; run the command again"):
        intel.main(["--from", str(intel_folder), "--out", str(tmp_path / "out")])
