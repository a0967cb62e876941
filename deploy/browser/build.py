"""Build the page: its sources, onnxruntime-web, the colorizers, a sample and a service worker."""

import gzip
import hashlib
import json
import shutil
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import onnx
from PIL import Image

from course_utils import __version__, color, files, systems
from course_utils.colorizer import BEST, LABEL, Colorizer, names
from course_utils.photos import album
from tools import npm

ROOT = Path(__file__).resolve().parents[2]
PAGE = Path(__file__).parent / "page"
PACKAGES = {"onnxruntime-web": "1.30.0"}
RUNTIME = [
    f"onnxruntime-web/{file}"
    for file in (
        "package.json",  # names its version, address and licence
        "dist/ort.wasm.min.mjs",
        "dist/ort-wasm-simd-threaded.mjs",
        "dist/ort-wasm-simd-threaded.wasm",
    )
]
SAMPLE = "prokudin_00106"  # of the album's test split, in the public domain
SAMPLE_ALT = "A bearded man in a fur hat and a long robe sits on grass"
# The page loads this site's own files and nothing else. WebAssembly needs its own word.
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; "
    "connect-src 'self'; img-src 'self' blob:; style-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
MIT = (ROOT / "LICENSE").read_text("utf-8").partition("\n\n")[2].partition("\n\n")[2]


def source(name: str) -> Path:
    """A colorizer's file: int8 where it passed the gate of `deploy.int8`, else as shipped."""
    small = ROOT / "build" / "int8" / f"{name}.onnx"
    return small if small.is_file() else files.CHECKPOINTS / f"{name}.onnx"


def for_the_web(path: Path) -> bytes:
    """A colorizer's content for onnxruntime-web, which knows no optional inputs.

    T and rebalance lose their defaults, so that the page can, and must, give them.
    """
    model = onnx.load(path)
    given = {node.name for node in model.graph.input}
    optional = [tensor for tensor in model.graph.initializer if tensor.name in given]
    if not optional:
        return path.read_bytes()
    for tensor in optional:
        model.graph.initializer.remove(tensor)
    return model.SerializeToString()


def build(folder: Path, chosen: Sequence[str] = ()) -> Path:
    """Write the page into `folder`; return its index.html.

    chosen: names of shipped colorizers, the best among them; all where there are none.
    onnxruntime-web comes from build/vendor, where npm puts it once: OSError says what is missing.
    """
    vendor = npm.vendor(ROOT / "build", PACKAGES, RUNTIME, "python -m deploy.browser")
    folder.mkdir(parents=True, exist_ok=True)
    for path in PAGE.iterdir():
        shutil.copyfile(path, folder / path.name)
    runtime = [_runtime(vendor, file, folder) for file in RUNTIME]
    models = [_model(name, folder) for name in chosen or names()]
    sample = _sample(folder)
    _fill(folder / "index.html", models=models, best=BEST, sample=sample, policy=POLICY)
    (folder / "licences.txt").write_text(_licences(sample["credit"]), "utf-8")

    best = next(model for model in models if model["name"] == BEST)
    written = [*(path.name for path in PAGE.iterdir()), "licences.txt", *_pictures()]
    first = sorted({*written, *runtime, best["file"]} - {"sw.js"})
    about: dict[str, Any] = {"software": f"Color from Gray {__version__}", "sample": SAMPLE}
    about |= {"models": models, "first": ["./", *first, "build.json"]}
    (folder / "build.json").write_text(json.dumps(about, indent=1), "utf-8")
    digest = hashlib.sha256()
    for file in (*first, "build.json"):
        digest.update((folder / file).read_bytes())
    worker = (folder / "sw.js").read_text("utf-8")
    worker = worker.replace("gray BUILD", f"gray {digest.hexdigest()[:12]}")
    (folder / "sw.js").write_text(worker, "utf-8")
    return folder / "index.html"


def _runtime(vendor, file, folder):
    """Copy a file of onnxruntime-web, the large one packed; return its place in the page."""
    packed = file.endswith(".wasm")
    place = f"vendor/{file}{'.gz' * packed}"
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    data = (vendor / file).read_bytes()
    (folder / place).write_bytes(gzip.compress(data, mtime=0) if packed else data)
    return place


def _model(name, folder):
    path = source(name)
    model, data = Colorizer.load(path), for_the_web(path)
    # A new file gets a new address, so that no cache mixes an old network with a new page.
    file = f"models/{name}.{hashlib.sha256(data).hexdigest()[:8]}.onnx"
    (folder / "models").mkdir(exist_ok=True)
    for old in (folder / "models").glob(f"{name}.*"):
        old.unlink()
    (folder / file).write_bytes(data)
    title = next(s.network for s in systems.SYSTEMS.values() if s.checkpoint == name)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    about = {"name": name, "title": title, "file": file, "bytes": len(data), "sha256": sha256}
    return about | {"size": model.size, "T": model.T, "label": LABEL + name}


def _pictures():
    return ["sample.png", "sample_color.png"]


def _sample(folder):
    """Write the sample in gray and as the best colorizer colors it; return what the page says."""
    [photo] = [photo for photo in album("test") if photo.name == SAMPLE]
    L = color.L(photo.rgb)
    gray = np.round(255 * color.with_ab(L, np.repeat(0 * L, 2, -1))).astype(np.uint8)[..., :1]
    before, after = (folder / name for name in _pictures())
    Image.fromarray(gray[..., 0]).save(before, optimize=True)
    model = Colorizer.load(BEST)
    model.save(after, model.colorize(gray.repeat(3, -1)), before.read_bytes())
    height, width = gray.shape[:2]
    about = {"name": SAMPLE, "credit": f"{photo.title}, {photo.author}, {photo.licence}"}
    return about | {"alt": SAMPLE_ALT, "width": width, "height": height}


def _fill(path, **values):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    template = jinja2.Environment(autoescape=True).from_string(path.read_text("utf-8"))
    path.write_text(template.render(repository=project["urls"]["Repository"], **values), "utf-8")


def _licences(credit):
    parts = [
        f"The photograph\n\n{credit}",
        "This page\n\n" + (ROOT / "LICENSE").read_text("utf-8"),
        f"onnxruntime-web\n\nMIT License\n\nCopyright (c) Microsoft Corporation\n\n{MIT}",
        "The colorizers\n\n" + "\n".join(map(_licence, names())),
        "EfficientNet-Lite0, which three of them are fine-tuned from\n\n"
        + (files.CHECKPOINTS / "lite0.LICENCE").read_text("utf-8"),
    ]
    return "\n\n\n".join(parts)


def _licence(name):
    about = Colorizer.load(name).metadata
    return f"{name}: {about['licence']}. Trained on {about['data']}."
