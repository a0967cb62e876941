"""Photographs in shards: all of them come back, the same part has the same ones, gray stays out."""

import csv

import numpy as np
import pytest
from PIL import Image

from course_utils import files
from data_scripts import shards as making
from experiments import shards

COLORS = [(200, 40, 40), (40, 160, 60), (50, 70, 190), (220, 200, 60), (150, 60, 170)]


def plain(color, side=making.SIDE):
    return np.full((side, side, 3), color, np.uint8)


@pytest.fixture
def five(tmp_path):
    """Five plain pictures in shards of two."""
    out = tmp_path / "shards"
    assert making.write(map(plain, COLORS), out, count=2) == 5
    return out


def colors_of(pictures):
    """The nearest of COLORS for each picture (N, 3, H, W), as numbers."""
    means = np.asarray(pictures, float).mean((2, 3))
    return [int(np.abs(mean - np.array(COLORS)).sum(1).argmin()) for mean in means]


def test_a_manifest_says_what_is_there(five):
    with (five / making.MANIFEST).open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["photographs"]) for row in rows] == [2, 2, 1]
    assert all(row["sha256"] == files.sha256(five / row["shard"]) for row in rows)
    with pytest.raises(ValueError, match="holds shards already"):
        making.write([plain(COLORS[0])], five)


def test_parts_walk_through_all_shards_and_repeat_themselves(five):
    pictures = shards.in_turns(five, "cpu", seed=3, at_once=1)
    parts = [colors_of(pictures(i)) for i in range(4)]
    assert sorted(parts[0] + parts[1]) == [0, 1, 2, 3]  # the last shard is watched
    assert parts[2:] == parts[:2]
    assert colors_of(np.moveaxis(shards.watched(five), -1, 1)) == [4]
    again = shards.in_turns(five, "cpu", seed=3, at_once=1)
    assert colors_of(again(3)) == parts[3]  # as an interrupted training asks for it
    everything = shards.in_turns(five, "cpu", at_once=8)(0)
    assert tuple(everything.shape) == (4, 3, making.SIDE, making.SIDE)


def test_too_few_shards_are_refused_in_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="holds no shards"):
        shards.names(tmp_path)
    making.write(map(plain, COLORS), tmp_path / "one")
    with pytest.raises(ValueError, match="fit in memory"):
        shards.in_turns(tmp_path / "one", "cpu")


def test_a_folder_becomes_shards_of_its_color_photographs(tmp_path, capsys):
    folder = tmp_path / "own" / "train"
    folder.mkdir(parents=True)
    wide = np.concatenate([plain(COLORS[2], 200), plain(COLORS[0], 200)], 1)
    Image.fromarray(wide).save(folder / "wide.png")
    Image.fromarray(plain((90, 90, 90))).save(folder / "gray.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    assert making.main([str(tmp_path / "own"), "-o", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "1 photographs" in said and "broken.jpg" in said
    (cut,) = shards.read(tmp_path / "out" / "000000.tar")
    left, right = cut[:, :60].mean((0, 1)), cut[:, 84:].mean((0, 1))  # the middle holds both halves
    assert np.abs(left - COLORS[2]).max() < 6 and np.abs(right - COLORS[0]).max() < 6


def test_shards_are_mixed_and_a_folder_without_a_split_is_refused(tmp_path, capsys):
    for i in range(20):
        folder = tmp_path / "own" / "train" / "ab"[i // 10]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(plain(COLORS[i // 10])).save(folder / f"{i}.png")
    assert making.write(making.small([tmp_path / "own"]), tmp_path / "out", count=10) == 20
    for shard in shards.names(tmp_path / "out"):
        rgb = np.moveaxis(shards.read(tmp_path / "out" / shard), -1, 1)
        assert set(colors_of(rgb)) == {0, 1}
    with pytest.raises(SystemExit) as ended:
        making.main([str(tmp_path / "out"), "-o", str(tmp_path / "more")])
    assert ended.value.code == 2 and "has no folder train" in capsys.readouterr().err
