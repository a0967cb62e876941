"""Places365: the validation photographs, scenes of 365 kinds, without the gray ones."""

from data_scripts import build, local
from data_scripts.archives import unpack
from data_scripts.card import About
from data_scripts.download import fetch

ABOUT = About(
    name="places",
    title="Places365 (validation photographs, 256 x 256)",
    page="http://places2.csail.mit.edu/download.html",
    licence="for research and education; the photographs belong to their authors",
    used_by="Kaushik et al.'s global and local features: 2.3 million of Places, and 20,000",
)
ADDRESS = "https://data.csail.mit.edu/places/places365/val_256.tar"
CHECKSUM = "md5:e27b17d8d44f4af9a78502beb927f808"  # as torchvision publishes it


def candidates(options, downloads):
    """One set without splits, in a fixed random order."""
    root = options.local
    if root is None:
        archive = fetch(ADDRESS, downloads / "val_256.tar", checksum=CHECKSUM)
        root = unpack(archive, downloads / "unpacked")
    root = local.folder_of(root, downloads)
    return {"": local.mixed(local.pictures_in(root, root, ABOUT, url=ADDRESS))}


def main(argv=None):
    args = build.parser(ABOUT, train=30_000, test=3_000, size=256)
    build.add_from(args)
    build.main(ABOUT, candidates, args, argv)


if __name__ == "__main__":
    main()
