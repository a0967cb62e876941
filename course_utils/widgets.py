"""Controls to try things with. Each lesson shows a static picture beside every slider."""

import base64
import html
import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

STATIC = "The figure beside this control shows the same without it."
LAYER = '<img src="data:image/jpeg;base64,{}" alt="{}" style="width:100%;{}">'
STYLES = "display:block", "position:absolute;left:0;top:0;clip-path:inset(0 50% 0 0)"
SLIDER = """<div style="max-width:600px"><div style="position:relative">{}{}</div>
<input type="range" aria-label="how much is uncovered" style="width:100%;margin:0" oninput="this
.previousElementSibling.lastElementChild.style.clipPath=`inset(0 ${{100-this.value}}% 0 0)`">
</div>"""


def show(widget: Any, says: str) -> None:
    """Display a widget; where widgets do not run (GitHub, paper), the sentence stands instead."""
    from IPython.display import display

    view = widget._repr_mimebundle_() or {}
    display(view | {"text/plain": says}, raw=True)


def frames(
    label: str, values: Sequence[Any], draw: Callable[[Any], bytes], says: str
) -> tuple[Any, Any]:
    """A slider over pictures drawn beforehand.

    label: what the slider sets. values: its positions. draw: value -> PNG bytes, called once for
    each position, so that moving the slider never waits. says: one sentence, read where widgets
    do not run.
    """
    import ipywidgets

    drawn = {value: draw(value) for value in values}
    slider = ipywidgets.SelectionSlider(
        options=list(drawn), value=list(drawn)[len(drawn) // 2], description=label
    )
    image = ipywidgets.Image(value=drawn[slider.value], format="png")
    image.layout.align_self = "flex-start"  # else JupyterLab stretches it over the whole page
    image.layout.max_width = "100%"
    slider.observe(lambda change: setattr(image, "value", drawn[change["new"]]), names="value")
    show(ipywidgets.VBox([slider, image]), f"{says} {STATIC}")
    return slider, image


def before_after(before: NDArray[np.uint8], after: NDArray[np.uint8], names: Sequence[str]) -> Any:
    """A widget whose slider uncovers `after`, which lies under `before`; `show` displays it.

    before, after: (H, W, 3) of one size. names: what the two are, for those who do not see them.
    The browser moves the slider by itself: no message goes to Python.
    """
    import ipywidgets
    from PIL import Image

    def layer(picture, name, style):
        image, file = Image.fromarray(picture), io.BytesIO()
        image.thumbnail((900, 600))
        image.save(file, "JPEG", quality=92)
        return LAYER.format(base64.b64encode(file.getvalue()).decode(), html.escape(name), style)

    return ipywidgets.HTML(SLIDER.format(*map(layer, (after, before), names[::-1], STYLES)))


def upload(label: str, act: Callable[[bytes], Any], says: str) -> tuple[Any, Any]:
    """A button that takes a picture file from the reader's machine and shows what `act` makes.

    act: bytes of the file -> PNG bytes or a widget. When it raises OSError or ValueError, its
    sentence is shown instead, and the button stays usable. says: one sentence, read where widgets
    do not run.
    """
    import ipywidgets

    button = ipywidgets.FileUpload(accept="image/*", multiple=False, description=label)
    button.layout.width = "16em"
    result = ipywidgets.VBox()

    def chosen(change):
        if not change["new"]:
            return
        result.children = [ipywidgets.HTML("Working …")]
        try:
            made = act(bytes(change["new"][0].content))
            result.children = [ipywidgets.Image(value=made) if isinstance(made, bytes) else made]
        except (OSError, ValueError) as error:
            result.children = [ipywidgets.HTML(html.escape(str(error)))]

    button.observe(chosen, names="value")
    show(ipywidgets.VBox([button, result]), says)
    return button, result


def pixels(rgb: ArrayLike, draw: Callable[[int, int], bytes], says: str) -> tuple[list[Any], Any]:
    """A small picture made of buttons: a click on a pixel shows what `draw` says about it.

    rgb: float or uint8 (H, W, 3), at most 24 pixels a side, for each pixel is a button (a keyboard
    reaches it too, and its tooltip names row and column). draw: (row, column) -> PNG bytes; it is
    called for the middle pixel first. says: one sentence, read where widgets do not run.
    """
    import ipywidgets
    from matplotlib.colors import to_hex

    rgb = np.asarray(rgb)
    height, width, _ = rgb.shape
    if max(height, width) > 24:
        raise ValueError(f"rgb is {height}×{width}; at most 24 pixels a side become buttons.")
    full = 255 if rgb.dtype == np.uint8 else 1.0
    size = ipywidgets.Layout(width="18px", height="18px", margin="0", padding="0", border="0")
    places = [(row, column) for row in range(height) for column in range(width)]
    image = ipywidgets.Image(value=draw(height // 2, width // 2), format="png")
    image.layout.align_self, image.layout.max_width = "flex-start", "70%"
    buttons = []
    for row, column in places:
        button = ipywidgets.Button(layout=size, tooltip=f"row {row}, column {column}")
        button.style.button_color = to_hex(np.clip(rgb[row, column] / full, 0, 1))
        button.on_click(lambda _, place=(row, column): setattr(image, "value", draw(*place)))
        buttons.append(button)
    columns = f"repeat({width}, 18px)"
    grid = ipywidgets.GridBox(buttons, layout={"grid_template_columns": columns, "grid_gap": "0"})
    show(ipywidgets.HBox([grid, image]), f"{says} {STATIC}")
    return buttons, image


def brush(
    rgb: NDArray[np.uint8],
    wishes: dict[str, Any],
    paint: Callable[[list[tuple[float, float, Any]]], ArrayLike],
) -> tuple[Any, list[Any], Any]:
    """Choose a wish and click it onto a small gray copy of a picture; more clicks add more wishes.

    rgb: uint8 (H, W, 3). wishes: {the name on a button: what it stands for}; another button starts
    again. paint: the clicks so far, (y, x, wish) with y and x in 0..1 -> a picture (H, W, 3).
    """
    import ipywidgets
    from PIL import Image

    from course_utils import plots

    small = Image.fromarray(rgb).convert("L").convert("RGB")
    small.thumbnail((24, 24))
    again = "start again"
    clicked: list[tuple[float, float, Any]] = []
    names: Any = ipywidgets.ToggleButtons(options=[*wishes, again], value=again)

    def click(row, column):
        place = (row + 0.5) / small.height, (column + 0.5) / small.width
        if names.value == again:
            clicked.clear()
        else:
            clicked.append((*place, wishes[names.value]))
        return plots.png(plots.album([paint(clicked)], width=5))

    show(names, "A button for each wish.")
    return names, *pixels(np.asarray(small), click, "A click tells what the pixel is to be.")
