"""ImageNet: some classes of a copy that you have; its terms forbid to hand it on."""

import re

from data_scripts import build, local
from data_scripts.archives import unpack
from data_scripts.card import About
from data_scripts.files import DataError

ABOUT = About(
    name="imagenet",
    title="ImageNet (ILSVRC 2012), some classes",
    page="https://www.image-net.org/download.php",
    licence="ImageNet's terms: non-commercial research and education, to those who registered",
    used_by="the Ain Shams encoder-decoder: 8,000 photographs of some classes, and 2,000",
)
CLASSES = 20  # the report does not name its classes: so many, evenly spaced over those there are
WHERE = (".", "train", "ILSVRC/Data/CLS-LOC/train", "Data/CLS-LOC/train")


def candidates(options, downloads):
    """One set without splits: `train` of some classes, in a fixed random order."""
    root = options.local.expanduser()
    found = next(filter(None, (_classes(root / inside) for inside in WHERE)), {})
    if not found:
        raise DataError(f"{root} has no class folders or class archives like n01440764")
    names = options.classes or sorted(found)[:: max(1, len(found) // CLASSES)][:CLASSES]
    missing = [name for name in names if name not in found]
    if missing:
        raise DataError(f"{root} has no class {' '.join(missing)}")
    pictures = []
    for name in names:
        folder = found[name]
        if not folder.is_dir():
            folder = unpack(folder, downloads / "unpacked")
        pictures += local.pictures_in(folder, folder.parent, ABOUT)
    return {"": local.mixed(pictures)}


def _classes(folder):
    """{class: its folder or tar} of what lies directly in a folder."""
    if not folder.is_dir():
        return {}
    entries = {e.name.removesuffix(".tar"): e for e in sorted(folder.iterdir(), reverse=True)}
    return {name: entry for name, entry in entries.items() if re.fullmatch(r"n\d{8}", name)}


def main(argv=None):
    args = build.parser(ABOUT, train=8_000, test=2_000, size=256)
    args.add_argument(
        "--classes", nargs="+", help=f"WordNet ids (default: {CLASSES} evenly spaced)"
    )
    build.add_from(args, required=True)
    build.main(ABOUT, candidates, args, argv)


if __name__ == "__main__":
    main()
