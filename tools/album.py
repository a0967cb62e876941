"""Make the album again, the photographs that the course ships: `python -m tools.album DATA`.

DATA: the folder `shared/data`, from whose pictures CHOICE takes what its README allows. Where a
picture comes from, by whom and under which licence stands in the manifests there; what scikit-image
and scikit-learn ship has no manifest, so that INSTALLED says it, from their documentation.
"""

import argparse
import csv
import io
import re
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from urllib.parse import unquote

from PIL import Image

from course_utils import files
from course_utils.photos import open_photo
from course_utils.photos.album import COLUMNS, FOLDER

SIDE = 384  # pixels of the longer side at most
QUALITY = 87  # of JPEG, without chroma subsampling: color is what the course is about
EDGE = 0.04  # of each side of a plate, where its three exposures do not cover each other
LICENCES = {"Public Domain": "public domain", "CC0 1.0 (LICENSE in repo)": "CC0 1.0"}

# Chosen by looking at contact sheets. For testing: a clear subject in true color, of every kind,
# dark and bright. coffee and astronaut are for testing and china, flower, chelsea, rocket for
# training, as in `photos.load("bundled")`. Two plates of one place lie on the same side, and
# garments for testing come from the test split of their data set.
# Left out: nearly gray pictures (scikit-image's deep field), plates with fringes (00088), of a
# place already there (00888, 01043v), garments that show a brand or somebody's drawing, and
# pictures whose licence is not stated.
CHOICE = {
    ("test", "landscape"): "forest_path maya_beach",
    ("test", "animal"): (
        "kingfisher siberian_tiger red_eyed_tree_frog puffin sun_parakeet turtle king_penguin "
        "common_jezebel mandarin_ducks eastern_rosella"
    ),
    ("test", "food"): ("coffee fruits salad_bowl mangoes carrots veggie_pizza fruit_stand gourds"),
    ("test", "portrait"): "astronaut korean_dancer",
    ("test", "street"): "venetian_lagoon umbrellas vintage_cars yasaka_pagoda",
    ("test", "flower"): "tulip_field common_lantanas rose_bouquet buds",
    ("test", "room"): "pink_mosque",
    ("test", "historical"): (
        "prokudin_00172 prokudin_01043 prokudin_00889 prokudin_00106 prokudin_cathedral "
        "prokudin_00087 prokudin_01788 prokudin_00757 prokudin_00163"
    ),
    ("test", "object"): "wooden_toys adirondack_chairs easter_egg_basket seattle_great_wheel",
    ("test", "sky"): "rescue_helicopter german_hot_air_balloon",
    ("test", "water"): "cruise_ship",
    ("test", "vehicle"): "yellow_motorcycle race_car",
    ("test", "building"): "white_spires trade_fair_tower",
    ("test", "people"): "balinese_dancer curler",
    ("test", "clothing"): "outwear_00002 skirt_00012 tshirt_00005",
    ("train", "landscape"): "china tall_grass",
    ("train", "animal"): (
        "chelsea king_vulture malayan_banded_pitta mandarinfish jacksons_chameleon peacock "
        "red_knobbed_starfish wool_carder_bee clownfish"
    ),
    ("train", "food"): (
        "chicken_dish chili_peppers fruit_dessert fruits_veggies macarons prickly_pears spices "
        "grilled_food"
    ),
    ("train", "portrait"): "columbia_crew",
    ("train", "street"): "traffic",
    ("train", "flower"): "flower daisy_bouquet",
    ("train", "room"): "shawls",
    ("train", "historical"): (
        "prokudin_00911 prokudin_00822 prokudin_settlers prokudin_00737 prokudin_01880 "
        "prokudin_00892 prokudin_tobolsk prokudin_monastery prokudin_00351 prokudin_01736 "
        "prokudin_00963 prokudin_nativity prokudin_01031 prokudin_00137 prokudin_00029 "
        "prokudin_00907 prokudin_01443 prokudin_00992 prokudin_31421 prokudin_00128 "
        "prokudin_01734 prokudin_01085"
    ),
    ("train", "object"): (
        "calaveras fishing_nets italian_hot_air_balloon moroccan_babouches pigments retina"
    ),
    ("train", "sky"): "rocket",
    ("train", "water"): "floating_market",
    ("train", "vehicle"): "buggy",
    ("train", "building"): "sagami_temple",
    ("train", "people"): "skiers sports_bicycles textile_market",
    ("train", "clothing"): (
        "dress_00196 tshirt_00353 shirt_00016 shoes_00272 outwear_00143 skirt_00305 pants_00435 "
        "longsleeve_00311 shorts_00224 hat_00377 dress_00213 tshirt_00154 shirt_00197 shoes_00414 "
        "outwear_00015 skirt_00157 pants_00207 longsleeve_00005 shorts_00153 dress_00240 "
        "tshirt_00309 shirt_00246 shoes_00324 outwear_00167 skirt_00335 pants_00426 "
        "longsleeve_00371 shorts_00393 dress_00319 tshirt_00030 shirt_00032 shoes_00071 "
        "outwear_00408 longsleeve_00221 dress_00284 shirt_00109 longsleeve_00114 "
        "outwear_00228 longsleeve_00139 pants_00433"
    ),
}

RENAMED = {
    "yellow_motorcycle": "cq100/motorcycle.jpg",  # scikit-image's is another
    "turtle": "nthnca/20120723-1600-GF1-wallpaper.jpg",
    "forest_path": "nthnca/20130601-1027-GF1-wallpaper.jpg",
    "tall_grass": "nthnca/20130606-1152-GF1-wallpaper.jpg",
    "buds": "nthnca/20180317-1542-GX7-wallpaper.jpg",
    "white_spires": "nthnca/20181019-1234-GX7_wallpaper.jpg",
}
FLICKR = "https://www.flickr.com/photos"
SKIMAGE = "https://scikit-image.org/docs/stable/api/skimage.data.html#skimage.data"
# name: path, title, author, licence, source
INSTALLED = {
    "china": (
        *("sklearn/datasets/images/china.jpg", "", "danielbuechele", "CC BY 2.0"),
        f"{FLICKR}/danielbuechele/6061409035",
    ),
    "flower": (
        *("sklearn/datasets/images/flower.jpg", "", "vultilion", "CC BY 2.0"),
        f"{FLICKR}/vultilion/6056698931",
    ),
    "coffee": (
        *("skimage/data/coffee.png", "", "Rachel Michetti", "CC0 1.0"),
        f"{SKIMAGE}.coffee",
    ),
    "chelsea": (
        *("skimage/data/chelsea.png", "Chelsea the cat", "Stefan van der Walt", "CC0 1.0"),
        f"{SKIMAGE}.chelsea",
    ),
    "astronaut": (
        *("skimage/data/astronaut.png", "Eileen Collins", "NASA", "public domain"),
        f"{SKIMAGE}.astronaut",
    ),
    "rocket": (
        *("skimage/data/rocket.jpg", "Falcon 9 carrying DSCOVR", "SpaceX", "public domain"),
        f"{FLICKR}/spacexphotos/16511594820",
    ),
    "retina": (
        *("skimage/data/retina.jpg", "Fundus photograph of normal left eye", "Mikael Häggström"),
        *(
            "CC0 1.0",
            "https://commons.wikimedia.org/wiki/File:Fundus_photograph_of_normal_left_eye.jpg",
        ),
    ),
}


def choices() -> Iterator[tuple[str, str, str]]:
    """(split, category, name): training last, and each kind once before any comes twice."""
    for split in ("test", "train"):
        kinds = [(kind, text.split()) for (s, kind), text in CHOICE.items() if s == split]
        for row in zip_longest(*([(kind, name) for name in names] for kind, names in kinds)):
            yield from ((split, kind, name) for kind, name in filter(None, row))


def origin(data: Path, split: str, name: str) -> tuple[Path, str, str, str, str]:
    """(file, title, author, licence, source) of a choice."""
    kind, _, number = name.rpartition("_")
    if name in INSTALLED:
        path, title, author, licence, source = INSTALLED[name]
        package, _, inside = path.partition("/")
        spec = find_spec(package)
        assert spec and spec.submodule_search_locations, f"install {package}"
        file = Path(spec.submodule_search_locations[0], inside)
        return file, title, author, licence, source
    if kind == "prokudin":
        return plate(data / "historical" / "prokudin", number)
    if number.isdecimal():
        for row in table(data / "diverse" / "manifest.csv"):
            is_kind = row["category"].replace("-", "") == kind and row["split"] == split
            if row["dataset"] == "clothing_small" and is_kind and number in row["file"]:
                source = f"https://github.com/{row['repository']}"
                file = data / "diverse" / row["file"]
                return file, "", "", LICENCES[row["licence"]], source
        raise LookupError(f"The {split} split of {data}/diverse has no {name}.")
    path = RENAMED.get(name, f"cq100/{name}.jpg")
    row = next(row for row in table(data / "photos" / "manifest.csv") if row["path"] == path)
    # Commons names a file as its author did
    title = re.search(r"/File:(.*)\.\w+$", unquote(row["source"]))
    author = "" if row["author"] == "Unknown" else row["author"]
    licence = LICENCES.get(row["licence"], row["licence"])
    title = title[1].replace("_", " ") if title else ""
    return data / "photos" / path, title, author, licence, row["source"]


def plate(folder: Path, number: str) -> tuple[Path, str, str, str, str]:
    """The same of a Prokudin-Gorskii plate, by its number (or word) in the file's name."""
    file = min(folder.glob(f"{number}*_color.jpg"))  # 01043u, not the smaller 01043v
    known = number.isdecimal() and number != "31421"  # as the Library of Congress counts negatives
    title = f"Glass plate {number}" if known else f"Glass plate ({number})"
    source = f"https://hdl.loc.gov/loc.pnp/prok.{number}" if known else LIBRARY
    return file, title, "Sergei Prokudin-Gorskii", "public domain", source


LIBRARY = "https://www.loc.gov/collections/prokudin-gorskii/"


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def picture(file: Path, edge: float = 0.0) -> Image.Image:
    """The photograph in sRGB, without its edges, SIDE pixels long at most."""
    im = Image.fromarray(open_photo(file))
    x, y = round(edge * im.width), round(edge * im.height)
    im = im.crop((x, y, im.width - x, im.height - y))
    im.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return im


def credits(rows: list[dict[str, str]]) -> str:
    """CREDITS.md from the rows of album.csv."""
    lines = [HEAD.format(n=len(rows))]
    for licence in sorted({row["licence"] for row in rows}, key=str.lower):
        group = sorted((r for r in rows if r["licence"] == licence), key=lambda r: r["file"])
        lines += [f"## {licence} ({len(group)})", ""]
        address = deed(licence)
        lines += [f"<{address}>", ""] if address else []
        if "SA" in licence:
            lines += ["What is made from these stays under this licence.", ""]
        for row in group:
            title = row["title"] or row["file"].removesuffix(".jpg").replace("_", " ")
            author = row["author"] or "author not named"
            lines.append(f"- `{row['file']}`: [{title}](<{row['source']}>), {author}")
        lines.append("")
    return "\n".join(lines)


HEAD = """# Credits of the album

{n} photographs that may be handed on. `tools/album.py` made them smaller, cut the edges of the
glass plates, and stored them again as JPEG; nothing else was changed. `album.csv` holds the same
facts, and `photos.album()` gives each photograph with a line for its caption, `credit`.

**How to credit.** Under a figure, write title, author and licence; on a page, link both. CC0 and
public domain ask for nothing, but a reader likes to know. Say what you changed: "colorized" is a
change.

**CC BY-SA: what is made from such a picture stays BY-SA.** A colored version, a crop, or a figure
that shows it is handed on under the same licence, and its caption says so: "stays BY-SA".

**Glass plates.** Sergei Prokudin-Gorskii took three gray photographs through colored filters, about
1905 to 1915. The Library of Congress (<https://www.loc.gov/collections/prokudin-gorskii/>) knows no
restrictions. The three were laid over each other for this course; their colors are not balanced.

**Garments.** The data set, collected by Alexey Grigorev from contributors, is CC0; it names no
photographer.
"""


def deed(licence: str) -> str:
    """The address of a Creative Commons licence; "" for the public domain, which has none."""
    kind, _, version = licence.removeprefix("CC ").partition(" ")
    if licence == "CC0 1.0":
        return "https://creativecommons.org/publicdomain/zero/1.0/"
    if not licence.startswith("CC "):
        return ""
    return f"https://creativecommons.org/licenses/{kind}/{version.replace(' ', '/')}/".lower()


def make(data: Path, folder: Path) -> None:
    """Write every photograph, album.csv and CREDITS.md into `folder`."""
    rows = []
    for split, category, name in choices():
        file, title, author, licence, source = origin(data, split, name)
        im = picture(file, EDGE if name.startswith("prokudin_") else 0)
        jpeg = io.BytesIO()
        im.save(jpeg, "JPEG", quality=QUALITY, subsampling=0, optimize=True)
        files.write(folder / f"{name}.jpg", jpeg.getvalue())
        facts = (f"{name}.jpg", title, author, licence, source, split, category, *im.size)
        rows.append(dict(zip(COLUMNS, map(str, facts), strict=True)))
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    files.write(folder / "album.csv", text.getvalue())
    files.write(folder / "CREDITS.md", credits(rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the folder shared/data")
    parser.add_argument("--out", type=Path, default=FOLDER, help="another folder to write")
    arguments = parser.parse_args()
    make(arguments.data, arguments.out)
