"""Intel Image Classification: 150 x 150 landscapes and streets in six classes, from Kaggle."""

from pathlib import Path

from data_scripts import build, local
from data_scripts.card import About
from data_scripts.files import DataError
from data_scripts.web import OFFLINE, DownloadError

ABOUT = About(
    name="intel",
    title="Intel Image Classification",
    page="https://www.kaggle.com/datasets/puneet6060/intel-image-classification",
    licence="not stated by its publisher: train and measure, do not hand on the photographs",
    used_by="Liu's classifier of quantized colors: 2,000 photographs of glaciers and mountains",
)
HANDLE = "puneet6060/intel-image-classification"


def candidates(options, downloads):
    """Its own splits: `seg_train`, and `seg_test` for testing."""
    root = local.folder_of(options.local or _kaggle(), downloads)
    found = {}
    for split, name in (("train", "seg_train"), ("test", "seg_test")):
        pictures = local.pictures_in(local.inside(root, name), root, ABOUT)
        chosen = [
            p for p in pictures if not options.classes or p.path.parent.name in options.classes
        ]
        if not chosen:
            raise DataError(f"{root} has no photographs of {' '.join(options.classes or [name])}")
        found[split] = local.mixed(chosen)
    return found


def _kaggle():
    """The folder that kagglehub fetches; it keeps a cache and a login of its own."""
    try:
        import kagglehub
    except ModuleNotFoundError:
        raise DataError(
            f"kagglehub is not installed: `pip install kagglehub`, or get {ABOUT.page} in a "
            f"browser and give the folder or zip with --from; {OFFLINE}"
        ) from None
    try:
        return Path(kagglehub.dataset_download(HANDLE))
    except Exception as error:  # of the network, of the login, of the service
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DownloadError(f"{ABOUT.page} could not be fetched ({why}); {OFFLINE}") from None


def main(argv=None):
    args = build.parser(ABOUT, train=None, test=None, size=150)
    args.add_argument("--classes", nargs="+", help="for instance mountain glacier (default: all)")
    build.add_from(args)
    build.main(ABOUT, candidates, args, argv)


if __name__ == "__main__":
    main()
