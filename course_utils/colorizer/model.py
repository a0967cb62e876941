"""The colorizer contract: one ONNX file from L to ab, and everything that is done with it.

The graph. Input `L`, float32 (N, 1, H, W), 0..100. Output `ab`, float32 (N, 2, H, W), CIELAB units.
Any N, H and W: the graph repeats the border at the right and the bottom up to a multiple of what
the network's strides need, and crops; it does nothing else about size. Two more inputs are
optional, float32 scalars with a default: `T`, a temperature, and beside it `rebalance`, how much of
the training's prior is taken out: 0, the default, to 1.

The metadata (`metadata_props`): the keys of METADATA, `T` where there is one, and what else the
lesson adds (epochs, minutes). Text as it is; numbers and `metrics`, rows of `metrics.report`, as
json. `size` is the working size: the shorter side, in pixels, of the pictures it was trained on.

`save_keras` and `save_torch` write such files; the shipped ones lie among the checkpoints, where
SHA256SUMS lists them and each has a card. `Colorizer` reads them and needs onnxruntime alone.
"""

import functools
import hashlib
import json
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from course_utils import color, files, systems
from course_utils.colorizer import graph as onnx_graph
from course_utils.colorizer import guest, saving

# `licence` is that of the weights, `data_licence` what the training pictures were under.
GIVEN = (
    "lesson",
    "architecture",
    "data",
    "data_licence",
    "licence",
    "profile",
    "seed",
    "metrics",
)
METADATA = (*GIVEN, "parameters", "size", "version")
MOST_BYTES, MOST_TEXT = 10**9, 10**6  # of a file, of its metadata
BAND = 2**16  # pixels that are painted at a time
LONGEST = 16  # working sizes that the longer side may have: a thread of pixels must not fill memory

_MEANT = {  # what metadata must be to be used
    "size": lambda size: type(size) is int and 0 < size <= guest.MOST_SIZE,
    "T": lambda T: 0 < T < np.inf,
    "parameters": lambda count: 0 <= count < 10**12,
    "metrics": lambda rows: all(isinstance(row, dict) for row in rows),
}
_DAMAGED = "it is damaged or something else; export it again"
_NEWER = "it is newer than this onnxruntime; upgrade that, or export it with opset 17"
_WHY = {
    "opset": _NEWER,
    "ir version": _NEWER,
    "external data": "its weights are in another file; save it as one file",
}


# Loading and use.


def names() -> list[str]:
    """The names of the shipped colorizers, in the order of their lessons."""
    return [s.checkpoint for s in systems.SYSTEMS.values()]


class Colorizer:
    """A loaded colorizer; make one with `Colorizer.load`.

    name: a shipped name, or the stem of the file. path: of the file. metadata: see the module;
    numbers are numbers, `metrics` is a list. size: the working size. T: the default temperature, or
    None. rebalances: whether it takes `rebalance`. n_bytes: how large the file is.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        threads: int = onnx_graph.THREADS,
        data: bytes | None = None,
    ) -> None:
        """Open the file, or its content `data`; ValueError says how it breaks the contract."""
        data = path.read_bytes() if data is None else data
        self.name, self.n_bytes, self.path = name, len(data), path
        self._sha256 = hashlib.sha256(data).hexdigest()
        try:
            self._session = onnx_graph.session(data, threads)
        except ImportError:
            raise
        except Exception as error:  # onnxruntime raises a dozen kinds of its own
            why = next((why for sign, why in _WHY.items() if sign in str(error).lower()), _DAMAGED)
            raise ValueError(f"{path} cannot be read as ONNX: {why}.") from None
        found = self._session.get_modelmeta().custom_metadata_map
        if sum(map(len, found.values())) > MOST_TEXT:
            raise ValueError(f"{path} breaks the contract: its metadata have more than a megabyte.")
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        optional = {node.name for node in self._session.get_overridable_initializers()}
        self.rebalances = "rebalance" in optional
        for node, wanted, channels in ((inputs, "L", 1), (outputs, "ab", 2)):
            if [n.name for n in node] != [wanted] or not _is_map(node[0], channels):
                raise ValueError(
                    f"{path} breaks the contract: it has {', '.join(map(_describe, node))} where "
                    f"{wanted} float32 (N, {channels}, H, W) of any N, H and W must be alone."
                )
        missing = [key for key in (*METADATA, *(["T"] * ("T" in optional))) if key not in found]
        if missing:
            raise ValueError(
                f"{path} breaks the contract: its metadata lack {', '.join(missing)}; "
                "export it with save_keras or save_torch."
            )
        for key in {"parameters", "size", "seed", "metrics", "T"} & set(found):
            text = found[key]
            try:
                found[key] = json.loads(text)
                meant = _MEANT.get(key, lambda value: True)(found[key])
            except (ValueError, TypeError, RecursionError):
                meant = False
            if not meant:
                raise ValueError(
                    f"{path} breaks the contract: its metadata say that {key} is {text[:50]!r}."
                )
        self.metadata, self.size, self.T = found, found["size"], found.get("T")
        try:
            answer = self._run(np.zeros((2, 1, 5, 3), np.float32))
            trial = answer.shape if np.isfinite(answer).all() else "NaN or infinity"
        except Exception:  # of onnxruntime's kinds
            trial = "nothing"
        if trial != (2, 2, 5, 3):
            raise ValueError(
                f"{path} breaks the contract: from an L of shape (2, 1, 5, 3) it makes {trial}; "
                "a graph takes any N, H and W."
            )

    @staticmethod
    def load(model: str | Path) -> "Colorizer":
        """The colorizer of a shipped name or of a path; the same file is opened only once.

        Raises FileNotFoundError for an unknown name or path, and ValueError for a file that is
        damaged (a shipped one differs from its sha256) or breaks the contract. What is not shipped
        is first tried in a process of its own (`guest`): it may hang or fill the memory.
        """
        shipped = names()
        path = Path(model).expanduser()
        if str(model) in shipped:
            path = files.CHECKPOINTS / f"{model}.onnx"
        if not path.is_file():
            raise FileNotFoundError(
                f"There is no colorizer {str(model)!r}: give the path of an .onnx file or one of "
                f"the shipped names, {', '.join(shipped)}."
            )
        if str(model) in shipped:
            files.shipped(path.name)  # before anything looks inside
        stat = path.stat()
        return _open(path.resolve(), stat.st_mtime_ns, stat.st_size)

    def on_threads(self, count: int) -> "Colorizer":
        """The same colorizer, opened once more and running on so many threads."""
        return Colorizer(self.path, self.name, count)

    def ab(
        self, L: ArrayLike, T: float | None = None, rebalance: float | None = None
    ) -> NDArray[np.float32]:
        """ab float32 (H, W, 2) or (N, H, W, 2) in CIELAB units, of an L of the same size.

        L: (H, W, 1) or (N, H, W, 1) in 0..100. T: a temperature above 0, if the model has one.
        rebalance: 0 to 1, if the model takes it: how much rare colors gain.
        Resizes nothing: a model is at its best where the shorter side is near its `size`.
        """
        L = np.asarray(L)
        if L.ndim not in (3, 4) or L.shape[-1] != 1 or L.size == 0 or L.dtype.kind not in "fiu":
            raise ValueError(
                f"L is {L.dtype} {L.shape}; it must be numbers (H, W, 1) or (N, H, W, 1)."
            )
        if not (L.min() >= -0.01 and L.max() <= 100.01):  # written so that NaN is refused too
            raise ValueError(f"L spans {L.min():g} to {L.max():g}; it must lie in 0..100.")
        first = np.moveaxis(L.reshape(-1, *L.shape[-3:]), -1, 1)
        ab = self._run(np.ascontiguousarray(first, np.float32), T, rebalance)
        return np.moveaxis(ab, 1, -1).reshape(*L.shape[:-1], 2)

    def _run(self, L, T=None, rebalance=None):
        feed = {"L": L}
        if T is not None:
            if self.T is None:
                raise ValueError(f"{self.name} has no temperature: leave T out.")
            if not 0 < T < np.inf:
                raise ValueError(f"T is {T}; a temperature is a number above 0.")
            feed["T"] = np.array(T, np.float32)
        if rebalance is not None:
            if not self.rebalances:
                raise ValueError(f"{self.name} cannot rebalance: leave rebalance out.")
            if not 0 <= rebalance <= 1:
                raise ValueError(f"rebalance is {rebalance}; it is a number from 0 to 1.")
            feed["rebalance"] = np.array(rebalance, np.float32)
        return self._session.run(["ab"], feed)[0]

    def colorize(
        self, rgb: ArrayLike, T: float | None = None, rebalance: float | None = None
    ) -> NDArray[np.uint8]:
        """A photograph in color: uint8 (H, W, 3) from uint8 (H, W, 3), gray or not, of any size.

        Only its L is used. L is resized to the working size (shorter side; aspect kept up to
        1:16; antialiased), ab is predicted there and brought back bilinearly, and joins L in full
        resolution. L stays as it was: chroma shrinks where sRGB does not hold a color, so black is
        black and white is white. T and rebalance as in `ab`.

        >>> model = Colorizer.load("02_mse_regression")
        >>> model.colorize(np.full((40, 60, 3), 128, np.uint8)).shape
        (40, 60, 3)
        """
        rgb = np.asarray(rgb)
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[-1] != 3 or rgb.size == 0:
            raise ValueError(
                f"rgb is {rgb.dtype} {rgb.shape}; colorize takes one picture, uint8 (H, W, 3)."
            )
        L = color.L(rgb)
        ab = self.ab_for(L, T, rebalance)
        painted = np.empty_like(rgb)
        step = 1 + BAND // rgb.shape[1]  # rows at a time: a float picture takes four times the room
        for rows in (slice(i, i + step) for i in range(0, len(rgb), step)):
            held = color.within_gamut(L[rows], ab[rows])
            painted[rows] = np.round(255 * color.with_ab(L[rows], held))
        return painted

    def ab_for(
        self, L: NDArray[np.float32], T: float | None = None, rebalance: float | None = None
    ) -> NDArray[np.float32]:
        """ab float32 (H, W, 2) that `colorize` joins to an L (H, W, 1) of any size, unclipped."""
        small = resize(L, *working_size(L.shape[0], L.shape[1], self.size))
        ab = self.ab(small.clip(0, 100), T, rebalance)
        if not np.isfinite(ab).all():
            raise ValueError(f"{self.name} answers with NaN or infinity here: mend the network.")
        return resize(ab, L.shape[0], L.shape[1])

    def fingerprint(self, source: bytes) -> str:
        """32 digits that name this model and the photograph `source` (bytes), as `save` stores."""
        return hashlib.sha256(self._sha256.encode() + source).hexdigest()[:32]

    def save(
        self,
        path: str | Path,
        rgb: NDArray[np.uint8],
        source: bytes | None = None,
        new: bool = False,
    ) -> Path:
        """Write a colorized picture as PNG or JPEG (quality 95), labelled as such; return the path.

        rgb: uint8 (H, W, 3). The label, "colorized by Color from Gray, NAME", ends the EXIF
        ImageDescription and, in PNG, the text `Description`; `label` reads it. source: the bytes of
        the photograph; then their fingerprint is the EXIF ImageUniqueID, and what they say beside
        their pixels is kept (see `saving`).
        A file of that name is replaced, in one step: a kill leaves the old one or the new one. With
        new, a name that is taken, be it by a link, raises FileExistsError instead.
        """
        path = Path(path)
        if path.suffix.lower() not in saving.KINDS:
            raise ValueError(f"{path} must end in {', '.join(saving.KINDS)}.")
        kind = saving.KINDS[path.suffix.lower()]
        stamp = None if source is None else self.fingerprint(source)
        return files.write(path, saving.encoded(rgb, kind, self.name, source, stamp), new=new)


@functools.lru_cache(maxsize=16)
def _open(path, mtime, size):
    if size > MOST_BYTES:
        raise ValueError(f"{path} has {size / 1e9:.1f} GB; a colorizer has at most one.")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() not in files.checksums().values():
        guest.try_out(path, data)
    return Colorizer(path, path.stem, data=data)


def _is_map(node, channels):
    sizes = [dim for i, dim in enumerate(node.shape) if i != 1]
    return (
        (node.type, len(node.shape)) == ("tensor(float)", 4)
        and node.shape[1] == channels
        and not any(isinstance(size, int) for size in sizes)
    )


def _describe(node):
    return f"{node.name} {node.type} {node.shape}"


def working_size(height: int, width: int, size: int) -> tuple[int, int]:
    """Height and width at which a model of this size looks at a picture of these."""
    scale = min(size / min(height, width), LONGEST * size / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize(values: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Bilinear, antialiased where it shrinks: float32 (H, W, C) to (height, width, C)."""
    planes = [
        np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR))
        for plane in np.ascontiguousarray(np.moveaxis(values, -1, 0), np.float32)
    ]
    return np.stack(planes, axis=-1)
