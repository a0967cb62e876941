"""The photographs that scikit-image and scikit-learn install: nothing is downloaded."""

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from course_utils.photos.opening import open_photo


class Photo(NamedTuple):
    """A photograph: name, rgb uint8 (H, W, 3), and what its publisher says about it.

    author and title are "" where not known. source: the address of its page. split: "train" or
    "test". category: what it shows, in a word.
    """

    name: str
    rgb: NDArray[np.uint8]
    author: str
    licence: str
    title: str = ""
    source: str = ""
    split: str = ""
    category: str = ""

    @property
    def credit(self) -> str:
        """A line for its caption; it ends in "(stays BY-SA)" where what is made from it does."""
        stays = " (stays BY-SA)" if "BY-SA" in self.licence else ""
        title = self.title or self.name.replace("_", " ")
        return ", ".join(filter(None, [title, self.author, self.licence + stays]))


# From scikit-image's docstrings and scikit-learn's README (its text names danielbuechele for the
# flower as well, but links to vultilion).
_MIDDLEBURY = "Nesic, Westling, Wang, Kitajima, Krathwohl, Scharstein (Middlebury stereo 2014)"
_BUNDLED = [
    ("china", "sklearn/datasets/images/china.jpg", "danielbuechele (Flickr)", "CC BY 2.0"),
    ("flower", "sklearn/datasets/images/flower.jpg", "vultilion (Flickr)", "CC BY 2.0"),
    ("coffee", "skimage/data/coffee.png", "Rachel Michetti, Pikolo Espresso Bar", "CC0"),
    ("chelsea", "skimage/data/chelsea.png", "Stefan van der Walt", "CC0"),
    ("astronaut", "skimage/data/astronaut.png", "NASA", "public domain"),
    ("rocket", "skimage/data/rocket.jpg", "SpaceX", "public domain"),
    ("motorcycle", "skimage/data/motorcycle_left.png", _MIDDLEBURY, "not stated"),
    ("hubble", "skimage/data/hubble_deep_field.jpg", "NASA", "public domain"),
]
TEST = ("coffee", "astronaut")


def bundled() -> list[Photo]:
    """The eight color photographs that scikit-image and scikit-learn install: a list of Photo.

    In a fixed order, landscape and everyday first; nothing is downloaded. Raises FileNotFoundError
    where an installation lacks one.
    """
    photos = []
    for name, path, author, licence in _BUNDLED:
        package, _, inside = path.partition("/")
        # find_spec finds the folder without importing scikit-learn, which takes a second
        spec = find_spec(package)
        folder = next(iter(spec.submodule_search_locations or []), "") if spec else ""
        file = Path(folder, inside)
        split = "test" if name in TEST else "train"
        photos.append(Photo(name, open_photo(file), author, licence, split=split))
    return photos
