"""The studio's icon, drawn: a photograph whose right half has its colors."""

import functools
import io

from PIL import Image, ImageDraw

SIZES = (32, 180, 192, 512)  # browser tab, Apple, and what a manifest needs
_GRAY = ("#d8d8d8", "#9a9a9a", "#6e6e6e", "#efefef")  # sky, far hill, near hill, sun
_COLOR = ("#a9d3ee", "#7fae6a", "#3f7d4e", "#ffd166")


@functools.cache
def drawn(size: int) -> bytes:
    """The icon as PNG, size × size pixels. Its middle 80 % hold all that matters."""
    big = 4 * size  # drawn larger and made smaller: smooth edges
    gray, color = (_scene(big, colors) for colors in (_GRAY, _COLOR))
    gray.paste(color.crop((big // 2, 0, big, big)), (big // 2, 0))
    pen = ImageDraw.Draw(gray)
    pen.line([(big // 2, 0), (big // 2, big)], "white", big // 32)
    buffer = io.BytesIO()
    gray.resize((size, size), Image.Resampling.LANCZOS).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _scene(size: int, colors: tuple[str, str, str, str]) -> Image.Image:
    sky, far, near, sun = colors
    image = Image.new("RGB", (size, size), sky)
    pen = ImageDraw.Draw(image)

    def oval(x: float, y: float, width: float, height: float, color: str) -> None:
        box = [size * v for v in (x - width / 2, y - height / 2, x + width / 2, y + height / 2)]
        pen.ellipse(box, color)

    oval(0.62, 0.3, 0.22, 0.22, sun)
    oval(0.25, 0.95, 1.1, 0.9, far)
    oval(0.8, 1.05, 1.2, 0.9, near)
    return image
