"""The checks of lesson 09."""

import fnmatch
import io
import re
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from course_utils.checks.compare import Answer, compare
from course_utils.checks.trial import Fault, tell


class _Toy(dict):
    """How far each layer moves ab in int8; called with layers, it gives ab where these are."""

    def __call__(self, layers: list[str]) -> np.ndarray:
        return self["ab"] + sum(self[layer] for layer in layers)


def _network(size: tuple[int, int, int], groups: str) -> tuple:
    """groups: of each its name, number of layers, how it moves ab, and how far on average."""
    place = np.arange(int(np.prod(size)))
    to_and_fro = np.where(place % 2, 1.0, -1.0)
    kinds = {"both": np.outer(to_and_fro, [0.6, 0.8]), "axis": np.outer(to_and_fro, [0, 1])}
    few, fewest = (np.outer(place < place.size // n, [0, 1]) for n in (10, 40))
    kinds |= {"side": np.outer(place >= 0, [-1, 0]), "few": few, "fewest": fewest}
    layers, toy = {}, _Toy(ab=np.random.default_rng(place.size).normal(0, 20, (*size, 2)))
    for name, n, kind, far in map(str.split, groups.split(", ")):
        layers[name] = [f"{name}/{i}" for i in range(int(n))]
        step = kinds[kind] * float(far) / np.linalg.norm(kinds[kind], axis=-1).mean() / int(n)
        toy |= {layer: step.reshape(*size, 2) for layer in layers[name]}
    return layers, toy["ab"], toy


def worst_first(answer: Answer) -> None:
    """Check the order of groups of layers by the damage that each does, on three toy networks."""
    inputs = [
        _network((2, 6, 10), "s 1 both 3, m 2 side 2, h 1 fewest .4, u 3 few 2.5, l 2 axis 3.6"),
        _network((1, 16, 5), "x 3 side 1, y 1 axis 2.4, z 2 both 2"),
        _network((3, 4, 20), "k 1 few .7, l 2 both .2, m 1 side .9, n 4 axis .22"),
    ]

    def places(answer: Callable[..., Any], groups: dict, ab: Any, ab_with: Any) -> Any:
        """The places of the named groups; the harness compares numbers."""
        told = answer(groups, ab, ab_with)
        if told is None:
            return None
        names = [told] if isinstance(told, str) else list(told)
        strange = not all(isinstance(name, str) for name in names)
        tell({"the answer must be a list of the groups' names.": strange})
        tell({"a name in the answer is no group.": not set(names) <= set(groups)})
        tell({"a group is missing, or there twice.": sorted(names) != sorted(groups)})
        return [list(groups).index(name) for name in names]

    def length(d):
        return np.linalg.norm(d, axis=-1)

    def order(groups, ab, ab_with, damage=lambda d: length(d).mean(), sign=-1, alone=True):
        def layers(name):
            return [x for g, some in groups.items() if (g == name) == alone for x in some]

        far = {name: sign * damage(ab_with(layers(name)) - ab) for name in groups}
        return sorted(groups, key=lambda name: far[name])

    by = partial(partial, order)
    known = {
        "the best group comes first; asked is the worst.": by(sign=1),
        "a distance of colors is a length, not |a| + |b|.": by(damage=lambda d: np.abs(d).mean()),
        "opposite signs cancel; lengths first.": by(damage=lambda d: length(d.mean((0, 1, 2)))),
        "signed differences are averaged; take their length first.": by(damage=np.mean),
        "asked is the mean, not the worst pixel.": by(damage=lambda d: length(d).max()),
        "these are squares; asked is the mean distance.": by(damage=lambda d: (d**2).mean()),
        "this ranks by the number of layers; measure what ab does.": (
            lambda groups, *rest: sorted(groups, key=lambda name: -len(groups[name]))
        ),
        "all other groups are in int8; hand over one group alone.": by(alone=False, sign=1),
        "these are the groups as they came; sort them.": lambda groups, *rest: list(groups),
    }
    hint = (
        "for each group the mean of np.linalg.norm(ab_with(layers) - ab, axis=-1); largest first."
    )
    compare("worst_first", answer, inputs, order, known, hint, measure=places)


def weigh(answer: Answer) -> None:
    """Check the sums of bytes by package, on three hidden zips."""
    texts = (
        "numpy/core.so 1000, numpy/tests/test_core.py 210, numpy/include/core.h 33, six.py 5, "
        "numpy.libs/blas.so.3 4000, numpy-2.4.1.dist-info/METADATA 7, onnx/defs.hpp 13, "
        "onnxruntime/capi/onnx.so 3000, onnxruntime/libonnx.so.1 2900, onnx/contests/latests.py 11",
        "a/b/tests/c.py 10, a-1.0.dist-info/tests 4, b/a/x.h 2, a.b/h 1",
        "tests/x.py 8, p/x.py 16, P/x.py 32, p/tests.py 64, q 128",
    )
    packages = ["numpy", "onnxruntime", "onnx"], ["b", "a"], ["p", "tests", "q", "r"]
    patterns = ["tests", "*.h", "libonnx.so*"], ["tests", "include", "*.h"], ["tests"]
    pairs = [[entry.split() for entry in text.split(", ")] for text in texts]
    entries = [[(path, int(size)) for path, size in found] for found in pairs]
    inputs = list(zip(entries, packages, patterns))

    def owns(path, package):
        return re.split("[./-]", path)[0] == package

    def hit(parts, patterns):
        return any(fnmatch.fnmatch(part, pattern) for part in parts for pattern in patterns)

    def rows(entries, packages, patterns, owns=owns, hit=hit, size=lambda n: n):
        sums = np.zeros((len(packages), 2))
        for path, count in entries:
            mine = [owns(path, package) for package in packages]
            sums[mine, int(hit(path.split("/"), patterns))] += size(count)
        return sums

    by = partial(partial, rows)
    known = {
        "what stays and what may go are exchanged.": lambda *x: rows(*x)[:, ::-1],
        "the first column is all; asked is what stays.": lambda *x: rows(*x) @ [[1, 0], [1, 1]],
        "these are numbers of files; asked are their bytes.": by(size=lambda n: 1),
        "numpy.libs belongs to numpy: cut at . and -.": by(owns=lambda x, p: x.split("/")[0] == p),
        "a path may begin like a package: onnx is not onnxruntime.": by(owns=str.startswith),
        "only the first part names a package.": by(owns=lambda path, p: p in path.split("/")),
        "a pattern must match a whole part, not a piece of the path.": by(
            hit=lambda parts, ps: any(p.strip("*") in "/".join(parts) for p in ps)
        ),
        "only file names are matched; folders too.": by(hit=lambda x, ps: hit(x[-1:], ps)),
        "only folders are matched; file names too.": by(hit=lambda x, ps: hit(x[:-1], ps)),
        "a pattern like *.h needs fnmatch.": by(hit=lambda x, ps: bool({*x} & {*ps})),
    }
    hint = "split the path at /, cut its first part at . and -, and try every part with fnmatch."
    compare("weigh", answer, inputs, rows, known, hint)


def _file(kind: str, width: int, height: int) -> bytes:
    buffer, rng = io.BytesIO(), np.random.default_rng(1)
    Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def _claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header says that it has this size."""
    data = bytearray(_file("PNG", 4, 4))
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


def refusal(answer: Answer) -> None:
    """Check the status of fifteen uploads, and that each refusal is one sentence."""
    jpeg, png, large = _file("JPEG", 20, 12), _file("PNG", 9, 7), _file("JPEG", 60, 50)
    cut, gif = large[: len(large) * 3 // 4], _file("GIF", 5, 5)
    limits = SimpleNamespace(models=("one", "two"), most_bytes=20_000, most_pixels=5000)
    narrow = SimpleNamespace(models=("two",), most_bytes=len(jpeg), most_pixels=20 * 12)
    wide = jpeg, cut, gif, b"<svg onload='alert(1)'/>", b"", png, png[:-30], bytes(20_001)
    bombs = _claiming(80, 80), _claiming(60_000, 60_000)
    uploads = [(data, "one", limits) for data in (*wide, *bombs)]
    uploads += [(data, "two", narrow) for data in (jpeg, large, _claiming(20, 13))]
    uploads += [(jpeg, "three", limits), (jpeg, "one", narrow)]

    def told(data, model, limits, order="mbtpd", least=1, **other):
        """The questions in an order: model, bytes, type, pixels, decoding."""
        codes = {"m": 400, "b": 413, "t": 415, "p": 413, "d": 422} | other
        width, height = np.frombuffer(data[16:24].ljust(8, b"\0"), ">u4").astype(int)
        known = data[:3] == b"\xff\xd8\xff" or data[:4] == b"\x89PNG"
        count = {jpeg: 20 * 12, cut: 60 * 50, large: 60 * 50}.get(data, width * height)
        bad = {
            "m": model not in limits.models,
            "b": len(data) >= limits.most_bytes + least,
            "t": not known,
            "p": known and count >= limits.most_pixels + least,
            "d": data not in (jpeg, png, large, gif),
        }
        status = next((codes[key] for key in order if bad[key]), 200)
        return status, "" if status == 200 else "This cannot be accepted."

    def status_of(answer: Callable[..., Any], *args: Any) -> Any:
        given = answer(*args)
        if given is None:
            return None
        pair = isinstance(given, tuple | list) and len(given) == 2 and isinstance(given[1], str)
        tell({"the answer must be two things: a status and a text.": not pair})
        status, words = given
        tell({"a picture that is fine gets no sentence.": status == 200 and bool(words)})
        tell({"one sentence is enough, on one line.": "\n" in words or ". " in words})
        tell({"a sentence for people names no exception.": "Error" in words})
        short = status != 200 and (len(words.split()) < 4 or words[-1:] != ".")
        tell({"say in a sentence with a period what is wrong and what to do.": short})
        return status

    by = partial(partial, told)
    known = {
        "too many pixels is 413; count them before you decode.": by(order="mbtdp"),
        "all get 400; programs need to tell the cases apart.": by(b=400, t=400, p=400, d=400),
        "a damaged JPEG or PNG is 422; 415 is for other types.": by(d=415),
        "a file that is neither JPEG nor PNG is 415, not 422.": by(t=422),
        "a file that is neither JPEG nor PNG is 415; ask for the type.": by(order="mbpd"),
        "nobody asks whether the model exists.": by(order="btpd"),
        "nobody asks whether the file has too many bytes.": by(order="mtpd"),
        "nobody decodes the picture, so damaged ones pass.": by(order="mbtp"),
        "a picture exactly as large as the limit is accepted.": by(least=0),
        "an unknown model is 400; 404 would say that the address is wrong.": by(m=404),
    }
    hint = "model, bytes, type, pixels, decoding: in this order, each with its own return."
    compare("refusal", answer, uploads, told, known, hint, measure=status_of)


class _Killed(BaseException):
    """What stops a worker in the middle, as kill -9 does."""


class _Jobs:
    """A queue of the lesson's kind, without a disk; it stops the worker after some steps."""

    def __init__(self, states: dict[str, str], steps: int) -> None:
        self.states, self.left, self.again = dict(states), steps, 0
        self.results = {name for name, state in states.items() if state == "done"}

    def _step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _Killed

    def claim(self) -> str | None:
        self._step()
        name = min((n for n, s in self.states.items() if s == "waiting"), default=None)
        self.states |= {name: "running"} if name else {}
        return name

    def paint(self, name: str) -> bytes:
        self._step()
        self.again += self.states.get(name) == "done" and name in self.results
        return str(name).encode()

    def store(self, name: str, result: bytes) -> None:
        self._step()
        tell({"store takes a name and what paint made of it.": result != str(name).encode()})
        self.results.add(name)

    def done(self, name: str) -> None:
        self._step()
        tell({f"there is no job {name!r}; use the name that claim gave.": name not in self.states})
        self.states[name] = "done"

    def requeue(self) -> None:
        self._step()
        self.states |= {n: "waiting" for n, s in self.states.items() if s == "running"}


def worker(answer: Answer) -> None:
    """Check a worker that is stopped after every number of steps, and started again."""
    states = "a waiting b waiting", "a waiting b done c waiting", "a running b waiting", "a done"
    inputs = [(dict(zip(x.split()[::2], x.split()[1::2])),) for x in states]

    def survived(answer: Callable[..., Any], states: dict[str, str]) -> Any:
        """For each step of a kill: results missing, jobs not done, jobs painted again."""
        found = []
        for steps in range(16):
            jobs = _Jobs(states, steps)
            with suppress(_Killed):
                answer(jobs, jobs.paint)
                if steps == 0:  # it does nothing at all
                    return None
            jobs.left = 99
            try:
                answer(jobs, jobs.paint)
            except _Killed:
                raise Fault("it never ends: a job is claimed again and again.") from None
            unfinished = [name for name, state in jobs.states.items() if state != "done"]
            found.append([len(states) - len(jobs.results), len(unfinished), jobs.again])
        return found

    def work(jobs, paint, order="psd", start=True, once=False):
        jobs.requeue() if start else None
        while name := jobs.claim():
            for step in order:
                jobs.done(name) if step == "d" else None
                picture = paint(name) if step == "p" else str(name).encode()
                jobs.store(name, picture) if step == "s" else None
            if once:
                return

    by = partial(partial, work)
    known = {
        "done comes before store: a kill between them loses the result.": by(order="pds"),
        "done comes before paint: a kill between them loses the result.": by(order="dps"),
        "requeue at the start: nobody frees what a killed worker left.": by(start=False),
        "done before paint, and no requeue at the start.": by(order="dps", start=False),
        "done before store, and no requeue at the start.": by(order="pds", start=False),
        "it colors one job and stops; go on while claim gives one.": by(once=True),
        "the results are never stored.": by(order="pd"),
        "the jobs are never done, so each start colors them again.": by(order="ps"),
    }
    hint = "requeue once; then, while claim gives a name: store what paint makes of it, then done."
    compare("worker", answer, inputs, work, known, hint, measure=survived)
