"""Imagenette: ten easy classes of ImageNet in one small archive; the default on Colab."""

from data_scripts import build, local
from data_scripts.archives import unpack
from data_scripts.card import About
from data_scripts.download import fetch

ABOUT = About(
    name="imagenette",
    title="Imagenette (version 2)",
    page="https://github.com/fastai/imagenette",
    licence="as ImageNet: non-commercial research and education; the selection is Apache-2.0",
    used_by="the lessons on a machine with network: small, and of many colors",
)
# The shorter side, with the checksums that torchvision publishes.
ADDRESS = "https://s3.amazonaws.com/fast-ai-imageclas/"
ARCHIVES = {
    160: ("imagenette2-160.tgz", "md5:e793b78cc4c9e9a4ccc0c1155377a412"),
    320: ("imagenette2-320.tgz", "md5:3df6f0d01a2c9592104656642f5e78a3"),
    None: ("imagenette2.tgz", "md5:fe2fc210e6bb7c5664d602c3cd71e612"),
}


def candidates(options, downloads):
    """Its own splits: `train`, and `val` for testing."""
    side = next((side for side in ARCHIVES if side and side >= options.size), None)
    name, checksum = ARCHIVES[side]
    folder = options.local
    if folder is None:
        archive = fetch(ADDRESS + name, downloads / name, checksum=checksum)
        folder = unpack(archive, downloads / "unpacked")
    root = local.folder_of(folder, downloads)
    found = {}
    for split, published in (("train", "train"), ("test", "val")):
        inside = local.inside(root, published)
        found[split] = local.mixed(local.pictures_in(inside, root, ABOUT, url=ADDRESS + name))
    return found


def main(argv=None):
    args = build.parser(ABOUT, train=None, test=None, size=160)
    build.add_from(args)
    build.main(ABOUT, candidates, args, argv)


if __name__ == "__main__":
    main()
