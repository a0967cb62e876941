"""Build the package of a function: `python -m deploy.serverless MODEL [-o build/serverless]`.

The package holds one model, the parts of the course that a colorizer needs, and numpy, Pillow and
onnxruntime as they are installed here, without what a function never uses. So it runs where this
environment would: on the same processor, version of Python and C library; the builder says which.
Beside the zip lies what is in it, unpacked. The same input gives the same bytes.
"""

import argparse
import hashlib
import importlib.metadata
import importlib.util
import platform
import py_compile
import re
import shutil
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from course_utils import files
from course_utils.colorizer import BEST, Colorizer

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "serverless"
MOST_ZIP, MOST_UNZIPPED = 50_000_000, 160_000_000  # bytes; Lambda takes 50 and 250 MB
DISTRIBUTIONS = ("numpy", "pillow", "onnxruntime")
COURSE = "__init__ arrays color files progress systems colorizer photos metrics".split()
# Not for colorizing: tests, headers, type stubs, tools around ONNX files, readers of other formats.
LEFT_OUT = re.compile(
    r"(^|/)(tests|_core/include|f2py|_pyinstaller|testing/_private)/|\.(pyi|h|a|pxd|c|sh)$"
    r"|^onnxruntime/(transformers|quantization|tools|datasets|backend)/"
    r"|^onnxruntime/capi/libonnxruntime\.so"  # for programs in C: the Python module holds its own
    r"|^pillow\.libs/libavif|^PIL/(_avif|_imagingtk)\."
)
LICENCES = re.compile(r"\.dist-info/(licenses/|LICEN[CS]E)", re.IGNORECASE)


class TooLarge(ValueError):
    """A package that Lambda, or this course's own limit, does not take."""


def build(model: str | Path, output: Path = BUILD) -> Path:
    """Build the package of a colorizer, a shipped name or an .onnx file; return the zip's path.

    Raises TooLarge, what `Colorizer.load` raises, and RuntimeError where this environment cannot
    be copied.
    """
    colorizer = Colorizer.load(model)
    folder = output / colorizer.name
    shutil.rmtree(folder, ignore_errors=True)
    for inside, source in sorted(contents().items()):
        target = folder / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    add_models(folder, [colorizer])
    compile_all(folder)
    unzipped = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if unzipped > MOST_UNZIPPED:
        raise TooLarge(
            f"The package of {colorizer.name} has {unzipped / 1e6:.0f} MB unpacked and "
            f"{MOST_UNZIPPED / 1e6:.0f} are allowed: take a smaller model, or the container image."
        )
    packed = pack(folder, output / f"{colorizer.name}.zip")
    if packed.stat().st_size > MOST_ZIP:
        size = packed.stat().st_size / 1e6
        packed.unlink()
        raise TooLarge(
            f"The zip of {colorizer.name} has {size:.0f} MB and {MOST_ZIP / 1e6:.0f} are allowed: "
            "take a smaller model, or the container image."
        )
    return packed


def contents() -> dict[str, Path]:
    """{place in the package: file} of everything but the model."""
    found = {}
    for name in DISTRIBUTIONS:
        for path in importlib.metadata.files(name) or []:
            inside = PurePosixPath(path).as_posix()
            if inside.startswith("..") or "__pycache__" in inside or LEFT_OUT.search(inside):
                continue
            if ".dist-info/" in inside and not LICENCES.search(inside):
                continue
            found[inside] = Path(str(path.locate()))
    if not {name.partition("/")[0] for name in found} >= {"numpy", "PIL", "onnxruntime"}:
        raise RuntimeError("numpy, Pillow and onnxruntime must be installed as wheels.")
    for part in COURSE:
        source = files.PACKAGE / part
        for path in [source.with_suffix(".py")] if not source.is_dir() else source.glob("*.py"):
            found[f"course_utils/{path.relative_to(files.PACKAGE).as_posix()}"] = path
    found["course_utils/systems.toml"] = files.PACKAGE / "systems.toml"
    found["deploy/__init__.py"] = ROOT / "deploy" / "__init__.py"
    for name in ("__init__", "handler", "storage"):
        found[f"deploy/serverless/{name}.py"] = Path(__file__).with_name(f"{name}.py")
    found["LICENSE"] = ROOT / "LICENSE"
    return found


def add_models(folder: Path, models: list[Colorizer]) -> None:
    """Put colorizers and the list of their checksums into a package, and its version."""
    checkpoints = folder / "course_utils" / "checkpoints"
    lines = []
    for model in models:
        data = model.path.read_bytes()
        files.write(checkpoints / f"{model.name}.onnx", data)
        lines.append(f"{hashlib.sha256(data).hexdigest()}  {model.name}.onnx\n")
    files.write(checkpoints / files.SUMS, "".join(lines))
    files.write(checkpoints / "MODELS", "".join(f"{model.name}\n" for model in models))
    version = importlib.metadata.version("color-from-gray")
    about = f"Metadata-Version: 2.1\nName: color-from-gray\nVersion: {version}\n"
    files.write(folder / f"color_from_gray-{version}.dist-info" / "METADATA", about)


def compile_all(folder: Path) -> None:
    """Compile every module: a function's folder cannot be written to, so it never would be."""
    for path in sorted(folder.rglob("*.py")):
        py_compile.compile(
            str(path),
            cfile=importlib.util.cache_from_source(str(path)),
            dfile=path.relative_to(folder).as_posix(),
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )


def pack(folder: Path, target: Path) -> Path:
    """A folder as a zip whose bytes depend on names and contents alone."""

    def write(file) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in _ordered(folder):
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix())  # dated 1980
                entry.external_attr = 0o644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                packed.writestr(entry, path.read_bytes())

    return files.write(target, write)


def _ordered(folder: Path) -> Iterator[Path]:
    return iter(sorted(path for path in folder.rglob("*") if path.is_file()))


def where() -> str:
    """Which functions this package is for, in words."""
    tags = " ".join(
        line
        for name in DISTRIBUTIONS
        for line in (importlib.metadata.distribution(name).read_text("WHEEL") or "").splitlines()
        if line.startswith("Tag:")
    )
    glibc = max((int(minor) for minor in re.findall(r"manylinux_2_(\d+)", tags)), default=0)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    needs = f"with glibc 2.{glibc} or newer" if glibc else f"({sysconfig.get_platform()})"
    return f"For Python {version} on {platform.machine()} {platform.system()} {needs}."


def main(argv: list[str] | None = None) -> int:
    """Build a package; return 0, or 2 with one sentence where that is not possible."""
    parser = argparse.ArgumentParser(prog="python -m deploy.serverless")
    parser.add_argument(
        "model", nargs="?", default=BEST, help="a shipped name or an .onnx file (%(default)s)"
    )
    parser.add_argument("-o", "--output", type=Path, default=BUILD, help="the folder")
    arguments = parser.parse_args(argv)
    try:
        packed = build(arguments.model, arguments.output)
    except (OSError, ValueError, RuntimeError) as error:
        parser.error(str(error))
    folder = packed.with_suffix("")
    unzipped = sum(path.stat().st_size for path in _ordered(folder))
    print(f"{packed}  {packed.stat().st_size / 1e6:.1f} MB, {unzipped / 1e6:.1f} MB unpacked")
    print(where())
    return 0


if __name__ == "__main__":
    sys.exit(main())
