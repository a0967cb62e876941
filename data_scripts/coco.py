"""COCO 2017: everyday scenes, photograph by photograph with the licence of each."""

import hashlib
import json
import zipfile

from data_scripts import build, local
from data_scripts.card import About
from data_scripts.download import fetch
from data_scripts.files import DataError, unpack

ABOUT = About(
    name="coco",
    title="COCO 2017",
    page="https://cocodataset.org/#download",
    licence="annotations CC BY 4.0; each photograph under the licence its author chose on Flickr",
    used_by="Gendre's pix2pix: 9,000 photographs and 3,000 for testing, fetched through fastai",
)
ADDRESS = "http://images.cocodataset.org/"  # its certificate is for another name: no https
ANNOTATIONS = "annotations/annotations_trainval2017.zip"
SAMPLE = "https://s3.amazonaws.com/fast-ai-coco/coco_sample.tgz"


def candidates(options, downloads):
    """train2017 and val2017, one file each; or a sample in one archive, without splits."""
    folder = options.local
    if options.fastai:
        folder = unpack(fetch(SAMPLE, downloads / "coco_sample.tgz"), downloads / "coco_sample")
    if folder:
        root = local.folder_of(folder, downloads)
        licence = "each photograph under the licence its author chose on Flickr; see COCO's list"
        url = SAMPLE if options.fastai else ""
        return {"": local.mixed(local.pictures_in(root, root, ABOUT, licence, url))}
    archive = fetch(ADDRESS + ANNOTATIONS, downloads / "annotations_trainval2017.zip")
    splits = {"train": "train2017", "test": "val2017"}
    return {split: _listed(archive, name, downloads) for split, name in splits.items()}


def _listed(archive, name, downloads):
    """Candidates of one split, in a fixed random order, from the list of the annotations."""
    try:
        with zipfile.ZipFile(archive) as opened:
            listed = json.loads(opened.read(f"annotations/captions_{name}.json"))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise DataError(f"{archive} is damaged ({error}): delete it and get it again.") from None
    licences = {row["id"]: f"{row['name']} ({row['url']})" for row in listed["licenses"]}
    images = sorted(
        listed["images"], key=lambda row: hashlib.sha256(row["file_name"].encode()).digest()
    )
    for row in images:
        yield local.Picture(
            id=f"{name}/{row['file_name']}",
            path=downloads / name / row["file_name"],
            url=row["flickr_url"],
            licence=licences[row["license"]],
            author="see its page on Flickr",
            fetch=f"{ADDRESS}{name}/{row['file_name']}",
        )


def main(argv=None):
    args = build.parser(ABOUT, train=9_000, test=3_000, size=256)
    args.add_argument(
        "--fastai", action="store_true", help="fetch fastai's sample: 3.2 GB, licences not listed"
    )
    build.add_from(args)
    build.main(ABOUT, candidates, args, argv)


if __name__ == "__main__":
    main()
