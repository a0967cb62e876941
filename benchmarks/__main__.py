"""How fast the course's package is, as ratios of two things measured in turns in one run.

    python -m benchmarks [--small] [-o docs/performance.md]

Every row is ours divided by a peer or a limit: below 1 is faster or smaller than the peer. Times
are medians of processor time on one thread, which other programs hardly change; only the row on two
processes reads the clock and needs an idle machine. --small takes seconds and proves nothing: it
says whether everything still runs. The files beside this one measure single things in more detail.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import contextlib
import io
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import cv2
import kornia
import numpy as np
import torch
from PIL import Image, ImageOps
from scipy.spatial import KDTree
from skimage import color as skimage_color

from course_utils import bins, color, colorizer, paintbox, photos

SMALLEST = "02_mse_regression"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
Call = Callable[[], Any]


class Size(NamedTuple):
    """How much is measured."""

    pictures: int  # of 256 x 256, for colors
    rounds: int
    sides: tuple[int, int, int, int]  # of what is colorized; the last two differ by a factor of 2
    files: int  # photographs in a folder
    side: int  # of those that the command line colorizes
    rows: int  # photographs among which near duplicates are looked for, and four times as many


FULL = Size(16, 5, (224, 512, 2048, 4096), 400, 1024, 5000)
SMALL = Size(1, 1, (32, 48, 64, 128), 12, 64, 200)


class Row(NamedTuple):
    """A line of the table; goal: the most that the ratio ours / peer should be."""

    work: str
    ours: str
    peer: str
    ratio: float
    goal: float | None = None


def medians(rounds: int, *calls: Call) -> list[float]:
    """Median seconds of processor time of each call, taken in turns; once before, uncounted."""
    taken: list[list[float]] = [[] for _ in calls]
    for turn in range(rounds + 1):
        for call, times in zip(calls, taken, strict=True):
            begun = time.process_time()
            call()
            times.append(time.process_time() - begun if turn else np.inf)
    return [statistics.median(times[1:]) for times in taken]


def ms(seconds: float, what: str = "") -> str:
    value = f"{seconds:.3g} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"
    return f"{value}{what and f' ({what})'}"


def beside(
    work: str, rounds: int, ours: Call, peers: dict[str, tuple[Call, float | None]], per: int = 1
) -> Iterator[Row]:
    """A row for each peer, {name: (call, goal)}; per: pieces of work in a call."""
    mine, *theirs = medians(rounds, ours, *(call for call, _ in peers.values()))
    for (name, (_, goal)), seconds in zip(peers.items(), theirs, strict=True):
        yield Row(work, ms(mine / per), ms(seconds / per, name), mine / seconds, goal)


def colors(size: Size) -> Iterator[Row]:
    """sRGB to Lab and back, and ab to bins."""
    n, rounds = size.pictures, size.rounds
    rgb = np.random.default_rng(0).integers(0, 256, (n, 256, 256, 3), dtype=np.uint8)
    scaled = (rgb / 255).astype(np.float32)
    lab = color.rgb_to_lab(rgb)
    first = torch.from_numpy(scaled).movedim(-1, 1).contiguous()

    def each(code: int, pictures: Any) -> Call:
        return lambda: [cv2.cvtColor(x, code) for x in pictures]

    def by_bytes() -> None:  # OpenCV's Lab of bytes is rounded: floats first
        for x in rgb:
            cv2.cvtColor(x.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)

    skimage = (lambda: skimage_color.rgb2lab(rgb), None)
    peers: dict[str, tuple[Call, float | None]] = {
        "OpenCV": (by_bytes, 1.5),
        "scikit-image": skimage,
    }
    yield from beside("sRGB to Lab, bytes, 256²", rounds, lambda: color.rgb_to_lab(rgb), peers, n)
    peers = {
        "OpenCV": (each(cv2.COLOR_RGB2Lab, scaled), 1.5),
        "scikit-image": (lambda: skimage_color.rgb2lab(scaled), None),
    }
    yield from beside("sRGB to Lab, floats", rounds, lambda: color.rgb_to_lab(scaled), peers, n)
    peers = {"kornia": (lambda: kornia.color.rgb_to_lab(first), None)}
    yield from beside("sRGB to Lab, torch", rounds, lambda: color.rgb_to_lab(first), peers, n)
    peers = {
        "OpenCV": (each(cv2.COLOR_Lab2RGB, lab), 1.5),
        "scikit-image": (lambda: skimage_color.lab2rgb(lab), None),
    }
    yield from beside("Lab to sRGB, floats", rounds, lambda: color.lab_to_rgb(lab), peers, n)

    tree, points = KDTree(bins.ab_bins()), lab[..., 1:].reshape(-1, 2)

    def codes() -> None:
        weights = np.exp(-(tree.query(points, 5)[0] ** 2) / 50)
        weights /= weights.sum(1, keepdims=True)

    peers = {"scipy's KD tree": (codes, None)}
    yield from beside("`bins.encode`, 256²", rounds, lambda: bins.encode(lab[..., 1:]), peers, n)


def scenes(size: Size) -> Iterator[Row]:
    """Scenes of paintbox, of which a training wants six for the price of one conversion."""
    n = 10 * size.pictures
    for side in (64, 128):
        rgb = paintbox.sample(1, side).rgb[0]
        peers: dict[str, tuple[Call, float | None]] = {
            "six `rgb2lab` of scikit-image": (
                lambda rgb=rgb: [skimage_color.rgb2lab(rgb) for _ in range(6 * n)],
                1.0,
            )
        }
        ours = lambda side=side: paintbox.sample(n, side)  # noqa: E731
        yield from beside(f"a paintbox scene, {side}²", size.rounds, ours, peers, n)


def eccv16() -> torch.nn.Module:
    """The network of Zhang, Isola and Efros (2016) by its table, random: time needs no weights."""
    layers: list[torch.nn.Module] = []
    before = 1
    for channels, count, stride, dilation in (
        *((64, 2, 2, 1), (128, 2, 2, 1), (256, 3, 2, 1), (512, 3, 1, 1)),
        *((512, 3, 1, 2), (512, 3, 1, 2), (512, 3, 1, 1)),
    ):
        for i in range(count):
            step = stride if i == count - 1 else 1
            layers += [torch.nn.Conv2d(before, channels, 3, step, dilation, dilation)]
            layers += [torch.nn.ReLU()]
            before = channels
        layers += [torch.nn.BatchNorm2d(channels)]
    layers += [torch.nn.ConvTranspose2d(512, 256, 4, 2, 1), torch.nn.ReLU()]
    for _ in range(2):
        layers += [torch.nn.Conv2d(256, 256, 3, 1, 1), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers, torch.nn.Conv2d(256, 313, 1)).eval()


MEMORY = """
import sys, numpy as np
from course_utils.colorizer import Colorizer
def kilobytes(name):
    return int(next(x for x in open("/proc/self/status") if x.startswith(name)).split()[1])
model, side = Colorizer.load(sys.argv[1]).on_threads(1), int(sys.argv[2])
model.colorize(np.zeros((64, 64, 3), np.uint8))
rgb = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
before = kilobytes("VmRSS")
model.colorize(rgb)
print(1024 * (kilobytes("VmHWM") - before) / side**2)
"""


def colorizing(size: Size) -> Iterator[Row]:
    """Every shipped colorizer from rgb to rgb, at four sizes."""
    china = Image.fromarray(photos.bundled()[0].rgb)
    rgbs = {side: np.asarray(ImageOps.fit(china, (side, side))) for side in size.sides}
    models = {x: colorizer.Colorizer.load(x).on_threads(1) for x in colorizer.names()}
    network = eccv16()

    def published(side: int) -> None:
        with torch.inference_mode():
            network(torch.zeros(1, 1, side, side))

    for side in size.sides[:2]:
        calls = [lambda m=m, side=side: m.colorize(rgbs[side]) for m in models.values()]
        *ours, theirs = medians(size.rounds, *calls, lambda side=side: published(side))
        for name, mine in zip(models, ours, strict=True):
            goal = 1 / 20 if side == size.sides[1] else None
            peer = ms(theirs, "network of ECCV 2016")
            yield Row(f"colorize {side}², {name}", ms(mine), peer, mine / theirs, goal)
    small, large = size.sides[2:]
    for name, model in models.items():
        calls = [lambda m=model, s=s: m.colorize(rgbs[s]) for s in (small, large)]
        a, b = medians(max(1, size.rounds // 2), *calls)
        work, growth = f"colorize {large}², {name}", (large / small) ** 2
        yield Row(work, ms(b), ms(a, f"{small}²"), b / a, 1.1 * growth)
        if sys.platform == "linux" and name in (colorizer.BEST, SMALLEST):
            command = [sys.executable, "-c", MEMORY, name, str(large)]
            found = float(subprocess.run(command, capture_output=True, check=True).stdout)
            yield Row(f"memory, {work}", f"{found:.3g} bytes a pixel", "24", found / 24, 1.0)


def used(*command: str) -> float:
    """Processor seconds of a command and what it starts."""
    begun = sum(os.times()[2:4])
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    return sum(os.times()[2:4]) - begun


def command_line(size: Size) -> Iterator[Row]:
    """`python -m course_utils`: its start, and a folder of photographs."""
    start = statistics.median(used("-m", "course_utils", "--help") for _ in range(size.rounds))
    yield Row("start of `--help`", ms(start), ms(0.2, "limit"), start / 0.2, 1.0)
    with tempfile.TemporaryDirectory() as place:
        folder, count = Path(place, "in"), max(4, size.files // 20)
        folder.mkdir()
        for i, photo in enumerate(photos.album()[:count]):
            rgb = Image.fromarray(photo.rgb)
            ImageOps.fit(rgb, (size.side, size.side)).save(folder / f"{i}.png", compress_level=1)
        done = ["-m", "course_utils", "colorize", str(folder), "--output"]
        taken, clock = [], []
        for jobs in ("1", "2"):
            begun = time.perf_counter()
            taken.append(used(*done, str(Path(place, jobs)), "--jobs", jobs))
            clock.append(time.perf_counter() - begun)
        ims = [Image.open(path).convert("RGB") for path in folder.iterdir()]
        [png] = medians(1, lambda: [im.save(io.BytesIO(), "PNG") for im in ims])
        work, mine = f"{count} photographs, {size.side}², `colorize --jobs", taken[0] / count
        peer = ms(png / count, "PNG at Pillow's default")
        yield Row(f"{work} 1`, each", ms(mine), peer, taken[0] / png, 0.42)
        one, two = clock
        yield Row(f"{work} 2`, clock", f"{two:.3g} s", f"{one:.3g} s (1)", two / one, 1 / 1.7)


def folders(size: Size) -> Iterator[Row]:
    """`photos.load` of a folder with published splits, first, again, and with a limit."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "set")
        for split in ("train", "test"):
            (folder / split).mkdir(parents=True)
        rng, ims = np.random.default_rng(0), [Image.fromarray(p.rgb) for p in photos.album()]
        for i in range(size.files):
            im = ims[i % len(ims)]
            im = ImageOps.fit(im, (150, 150), centering=tuple(rng.random(2).tolist()))
            im.save(folder / f"train/{i}.jpg", quality=90)
        files, caches = photos.files_in(folder / "train"), iter(range(10**6))

        def first(**options: Any) -> None:
            with mock.patch.dict(os.environ, COURSE_CACHE=f"{place}/{next(caches)}"):
                photos.load(folder, **options)

        def again() -> None:
            with mock.patch.dict(os.environ, COURSE_CACHE=f"{place}/0"):
                photos.load(folder)

        def pillow() -> None:
            for file in files:
                rgb = Image.open(file).convert("RGB")
                np.asarray(ImageOps.fit(rgb, (64, 64), Image.Resampling.LANCZOS))

        calls = (first, pillow, again, lambda: first(limit=10))
        a, b, c, d = (x / len(files) for x in medians(size.rounds, *calls))
    work, peer = "`photos.load`, a 150² file", "Pillow: decode, resize"
    yield Row(f"{work}, first time", ms(a), ms(b, peer), a / b, 1.5)
    yield Row(f"{work}, first time", ms(a), ms(0.001, "1,000 files a second"), a / 0.001, 1.0)
    yield Row(f"{work}, from the cache", ms(c), ms(b, peer), c / b)
    yield Row(f"{work}, with `limit=10`", ms(d), ms(a, "without"), d / a)


def duplicates(size: Size) -> Iterator[Row]:
    """Near duplicates among N photographs and four times as many."""
    index = np.zeros(4 * size.rows, photos.INDEX)
    index["windows"] = np.random.default_rng(0).integers(0, 256, index["windows"].shape)
    few = index[: size.rows]
    calls = (lambda: photos.near_duplicates(few), lambda: photos.near_duplicates(index))
    a, b = medians(max(1, size.rounds // 2), *calls)
    work = f"near duplicates among {len(index):,}"
    yield Row(work, ms(b), ms(a, f"{len(few):,}"), b / a, 5.0)


PARTS = (colors, scenes, colorizing, command_line, folders, duplicates)


def table(rows: list[Row]) -> str:
    """The rows in Markdown."""
    lines = ["| work | ours | peer or limit | ratio | goal: at most | |", "| --- " * 6 + "|"]
    for row in rows:
        goal = "" if row.goal is None else f"{row.goal:.3g}"
        met = "" if row.goal is None else "met" if row.ratio <= row.goal else "**missed**"
        lines.append(f"| {row.work} | {row.ours} | {row.peer} | {row.ratio:.3g} | {goal} | {met} |")
    return "\n".join(lines)


def page(rows: list[Row]) -> str:
    """docs/performance.md."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, one thread"
    return f"""# How fast it is

Written by `python -m benchmarks` on {platform.system()} ({machine}). A ratio is ours divided by
the peer or the limit, both measured in turns in one run: below 1 is faster or smaller. Times are
medians of processor time. "clock" is the time that a clock shows, and needs an idle machine.

{table(rows)}

Milliseconds of colors and of scenes are for one picture, those of `photos.load` for one file. Near
duplicates grow with N where the ratio is near 4, and with its square where it is near 16. The
network of ECCV 2016 runs at full size with random weights.
"""


def main(argv: list[str] | None = None) -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--small", action="store_true", help="seconds, to see that all runs")
    parser.add_argument("-o", "--out", type=Path, default=PAGE, help="the page that is written")
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    rows: list[Row] = []
    for part in PARTS:
        print(part.__name__, file=sys.stderr)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            rows += part(SMALL if options.small else FULL)
    options.out.write_text(page(rows), encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
