"""Lesson 00: what its button makes of a file, and a map that leads only where something is."""

import io
import re

import numpy as np
import pytest
from lesson_code import Lesson, source
from PIL import Image

from course_utils import color, colorizer
from tools import lessons


@pytest.fixture(scope="module")
def lesson():
    return Lesson(source("00"))


def test_the_button_shows_every_model_and_a_slider_of_the_best_one(lesson):
    rng, file = np.random.default_rng(3), io.BytesIO()
    rgb = rng.integers(0, 256, (5, 7, 3), np.uint8).repeat(8, 0).repeat(8, 1)  # (40, 56, 3)
    Image.fromarray(rgb).save(file, "PNG")
    image, slider = lesson["uploaded"](file.getvalue()).children
    assert bytes(image.value).startswith(b"\x89PNG")
    assert lesson["best"] == f"lesson {colorizer.BEST[:2]}" in slider.value
    assert 'alt="gray"' in slider.value and colorizer.LABEL in slider.value
    seen = lesson["by_all"](rgb)
    assert list(seen) == ["gray", *(f"lesson {name[:2]}" for name in colorizer.names())]
    for made in seen.values():
        assert made.shape == rgb.shape and made.dtype == np.uint8
        assert np.abs(color.L(made) - color.L(rgb)).max() < 1


def test_a_file_that_is_no_picture_is_refused_with_a_sentence(lesson):
    with pytest.raises(ValueError, match=r"\.$"):
        lesson["uploaded"](b"not a picture")


def test_the_map_links_every_lesson_that_exists_and_says_which_are_to_come():
    cells = lessons.read_source(source("00")).cells
    (text,) = [cell.source for cell in cells if "## The map" in cell.source]
    rows = re.findall(r"^\| \[?(\d\d) [^|]+\|", text, re.MULTILINE)
    assert rows == [f"{number:02}" for number in range(1, 12)]
    links = re.findall(r"\]\((\S+)\.ipynb\)", text)
    built = sorted((lessons.ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    assert links == [path.stem for path in built[1:]]
    assert text.count("(to come)") == len(rows) - len(links)
