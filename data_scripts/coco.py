"""COCO 2017: everyday scenes, photograph by photograph with the licence of each."""

import hashlib
import re

from data_scripts import build, local, names
from data_scripts.archives import member, unpack
from data_scripts.card import About
from data_scripts.download import fetch
from data_scripts.files import DataError, parsed

ABOUT = About(
    name="coco",
    title="COCO 2017",
    page="https://cocodataset.org/#download",
    licence="annotations CC BY 4.0; each photograph under the licence its author chose on Flickr",
    used_by="Gendre's pix2pix: 9,000 photographs and 3,000 for testing, fetched through fastai",
)
# The bucket by its path: the certificate of images.cocodataset.org is for another name.
ADDRESS = "https://s3.amazonaws.com/images.cocodataset.org/"
ANNOTATIONS = "annotations/annotations_trainval2017.zip"
CHECKSUM = "md5:f4bbac642086de4f52a3fdda2de5fa2c"  # as the projects state it that use COCO
LONGEST = 2**28  # bytes of a list; the longer one has 92 MB
SAMPLE = "https://s3.amazonaws.com/fast-ai-coco/coco_sample.tgz"


def candidates(options, downloads):
    """train2017 and val2017, one file each; or a sample in one archive, without splits."""
    folder = options.local
    if options.fastai:
        folder = unpack(fetch(SAMPLE, downloads / "coco_sample.tgz"), downloads / "unpacked")
    if folder:
        root = local.folder_of(folder, downloads)
        licence = "each photograph under the licence its author chose on Flickr; see COCO's list"
        url = SAMPLE if options.fastai else ""
        return {"": local.mixed(local.pictures_in(root, root, ABOUT, licence, url))}
    archive = downloads / "annotations_trainval2017.zip"
    fetch(ADDRESS + ANNOTATIONS, archive, checksum=CHECKSUM)
    splits = {"train": "train2017", "test": "val2017"}
    return {split: _listed(archive, name, downloads) for split, name in splits.items()}


def _listed(archive, name, downloads):
    """Candidates of one split, in a fixed random order, from the list of the annotations."""
    text = member(archive, f"annotations/captions_{name}.json", LONGEST)
    listed = parsed(text, f"{archive}: captions_{name}.json")
    try:
        licences = {row["id"]: f"{row['name']} ({row['url']})" for row in listed["licenses"]}
        images = {
            str(row["file_name"]): (row["flickr_url"], licences[row["license"]])
            for row in listed["images"]
        }
    except (LookupError, TypeError, ValueError) as error:
        raise DataError(f"{archive}: captions_{name}.json is not as COCO's ({error!r})") from None
    for file in images:
        if not re.fullmatch(r"\d{12}\.jpg", file, re.ASCII):
            raise DataError(
                f"{archive} names a photograph {ascii(file[:80])}, and COCO's names are like "
                "000000000009.jpg: it is not COCO's list"
            )
    for file in sorted(images, key=lambda file: hashlib.sha256(file.encode()).digest()):
        url, licence = images[file]
        yield local.Picture(
            id=f"{name}/{file}",
            path=downloads / name / file,
            url=names.plain(url),
            licence=names.plain(licence),
            author="see its page on Flickr",
            fetch=f"{ADDRESS}{name}/{file}",
        )


def main(argv=None):
    args = build.parser(ABOUT, train=9_000, test=3_000, size=256)
    args.add_argument(
        "--fastai", action="store_true", help="fetch fastai's sample: 3.2 GB, licences not listed"
    )
    build.add_again(args)
    build.add_from(args)
    build.main(ABOUT, candidates, args, argv)


if __name__ == "__main__":
    main()
