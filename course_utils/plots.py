"""Figures that say what they show: every picture leaves here with an alt text."""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

DPI = 100  # a figure of 10 by 4 inches is 1000 by 400 pixels: it fits a page and a slide
PHOTOGRAPHIC = 150_000  # bytes as PNG above which a figure must hold photographs, not lines
UNSEEN = 5  # of 255; a palette may move no value of a chart further
STYLE: dict[Any, Any] = {
    "figure.dpi": DPI,
    "figure.constrained_layout.use": True,
    "font.size": 13,
    "axes.titlesize": 13,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "image.interpolation": "nearest",
    "legend.frameon": False,
}
INK = "#222222"
# Okabe and Ito's palette keeps apart for color-blind readers; order and marker repeat what it says.
LINES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", INK]
MARKERS = ["o", "s", "^", "D", "v", "P", "x"]

plt.rcParams.update(STYLE)
plt.rcParams["axes.prop_cycle"] = cycler(color=LINES)


def png(fig: Figure) -> bytes:
    """A figure as PNG bytes; the figure is closed."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=DPI, facecolor="white")
    plt.close(fig)
    return buffer.getvalue()


def _with_palette(image: bytes) -> bytes:
    """A chart's PNG bytes with 256 colors, a third of the size; a picture's bytes as they are."""
    from PIL import Image

    full = Image.open(io.BytesIO(image)).convert("RGB")
    few = full.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    if np.abs(np.asarray(full, int) - np.asarray(few.convert("RGB"), int)).max() > UNSEEN:
        return image
    buffer = io.BytesIO()
    few.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def show(fig: Figure, alt: str) -> None:
    """Display a figure with its alt text, then close it.

    The alt text is also the output's plain text: a screen reader finds it, a terminal prints it,
    and nbval compares it. Charts get a palette, and figures that hold photographs become JPEG, a
    third of the size and without visible loss, because a notebook carries all its figures. Raises
    ValueError when the alt text is too short to say what the data does.
    """
    from IPython.display import display
    from PIL import Image

    if len(alt.split()) < 8:
        raise ValueError(f"The alt text {alt!r} is too short: say what the figure shows.")
    kind, image = "image/png", _with_palette(png(fig))
    if len(image) > PHOTOGRAPHIC:
        buffer = io.BytesIO()
        Image.open(io.BytesIO(image)).convert("RGB").save(buffer, "JPEG", quality=92, subsampling=0)
        if len(buffer.getvalue()) < len(image):  # large flat pixels make a small PNG
            kind, image = "image/jpeg", buffer.getvalue()
    data = {kind: base64.b64encode(image).decode(), "text/plain": alt}
    display(data, metadata={kind: {"alt": alt}}, raw=True)


def grid(
    rows: int, columns: int, width: float = 10.0, height: float | None = None, **options: Any
) -> tuple[Figure, NDArray[Any]]:
    """A figure and its flat array of axes, `rows` by `columns`, `width` inches wide."""
    height = height if height is not None else rows * width / columns
    fig, axes = plt.subplots(rows, columns, figsize=(width, height), squeeze=False, **options)
    return fig, axes.ravel()


def picture(ax: Any, image: ArrayLike, title: str | None = None) -> None:
    """Draw a picture without axes: (H, W, 3) RGB, or (H, W) gray; uint8 or float in [0, 1].

    Floats a little outside are clipped; ValueError for what cannot be meant, L in 0..100 or uint16.
    """
    image = np.asarray(image)
    full = 255 if image.dtype == np.uint8 else 1.0
    if full == 1 and (image.dtype.kind in "iu" or np.max(np.abs(image), initial=0) > 2):
        raise ValueError(
            f"A picture of {image.dtype} up to {image.max():g} would be white: give uint8, "
            "or floats in 0..1; divide L by 100, uint16 by 65535."
        )
    ax.imshow(np.clip(image, 0, full), cmap="gray", vmin=0, vmax=full)
    ax.set_axis_off()
    if title:
        ax.set_title(title)


def album(
    images: Sequence[Any],
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    width: float = 10.0,
) -> Figure:
    """A figure of pictures in a grid, each under its title."""
    columns = columns or len(images)
    rows = -(-len(images) // columns)
    tallest = max(np.shape(image)[0] / np.shape(image)[1] for image in images)
    lines = 1 + max(title.count("\n") for title in titles) if titles else 0
    title_room = 0.32 * lines or 0.05  # inches
    fig, axes = grid(rows, columns, width, rows * (width / columns * tallest + title_room))
    for ax in axes:
        ax.set_axis_off()
    for i, image in enumerate(images):
        picture(axes[i], image, titles[i] if titles else None)
    return fig


def pictures(
    images: Sequence[Any],
    alt: str,
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    width: float = 10.0,
) -> None:
    """Show an `album` with one alt text for all of its pictures."""
    show(album(images, titles, columns, width), alt)


def gallery(
    photographs: Sequence[Any],
    rows: Mapping[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]],
    alt: str,
    width: float = 10.0,
) -> None:
    """Show `photos.Photo`s in rows, the truth last, and print their credits.

    rows: {title: function from a photograph (H, W, 3) to its copy in this row}.
    """
    ways = {**rows, "truth": lambda rgb: rgb}
    images = [way(photo.rgb) for way in ways.values() for photo in photographs]
    titles = [title for title in ways for _ in photographs]
    pictures(images, alt, titles, len(photographs), width)
    print("\n".join(photo.credit for photo in photographs))
