"""Figures carry the words that replace them; controls change what they show."""

import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from course_utils import paintbox, photos, plots, widgets

ALT = "a straight line rises from two at one to four at two"
VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(autouse=True)
def shown(monkeypatch):
    """What a notebook would show: a list of (data, metadata)."""
    outputs = []

    def display(data, metadata=None, raw=False):
        assert raw, "the words would be replaced by a repr"
        outputs.append((data, metadata or {}))

    monkeypatch.setattr("IPython.display.display", display)
    yield outputs
    plt.close("all")


def decoded(data, mime):
    return Image.open(io.BytesIO(base64.b64decode(data[mime])))


def line():
    fig, (ax,) = plots.grid(1, 1, width=3, height=2)
    ax.plot([1, 2], [2, 4])
    return fig


# Figures


def test_show_publishes_the_figure_with_its_words(shown):
    plots.show(line(), ALT)
    ((data, metadata),) = shown
    assert data["text/plain"] == ALT
    assert metadata == {"image/png": {"alt": ALT}}
    assert decoded(data, "image/png").size == (300, 200)


def test_show_closes_the_figure(shown):
    before = plt.get_fignums()
    plots.show(line(), ALT)
    assert plt.get_fignums() == before


@pytest.mark.parametrize("alt", ["", "a line", "one two three four five six seven"])
def test_short_alt_text_is_refused_by_name(alt, shown):
    with pytest.raises(ValueError, match=f"{alt!r} is too short: say what the figure shows"):
        plots.show(line(), alt)
    assert shown == []


def test_figure_of_large_pixels_stays_png(shown):
    scenes = paintbox.sample(8, 64, seed=2).panels()
    views = [view for kind in ("truth", "expected", "gray") for view in scenes[kind]]
    fig = plots.album(views, columns=4)
    plots.show(fig, ALT)
    data, _ = shown[-1]
    assert set(data) == {"image/png", "text/plain"}
    assert len(base64.b64decode(data["image/png"])) > plots.PHOTOGRAPHIC, "else it proves nothing"


def test_chart_gets_a_palette_and_looks_the_same(shown):
    plots.show(line(), ALT)
    ((data, _),) = shown
    seen = decoded(data, "image/png")
    drawn = Image.open(io.BytesIO(plots.png(line()))).convert("RGB")
    assert seen.mode == "P"
    assert np.abs(np.subtract(seen.convert("RGB"), drawn, dtype=int)).max() <= plots.UNSEEN


def test_picture_gets_no_palette(shown):
    many = np.random.default_rng(1).integers(0, 256, (40, 40, 3), dtype=np.uint8)  # 1,600 colors
    plots.pictures([many], ALT, width=3)
    ((data, _),) = shown
    assert decoded(data, "image/png").mode != "P"


def test_figure_of_photographs_becomes_jpeg_that_looks_the_same(shown):
    photo = photos.bundled()[0].rgb[:300, :400]
    plots.pictures([photo], ALT)
    ((data, metadata),) = shown
    assert set(data) == {"image/jpeg", "text/plain"} and metadata == {"image/jpeg": {"alt": ALT}}
    fig, (ax,) = plots.grid(1, 1)
    fig.set_size_inches(*(side / plots.DPI for side in decoded(data, "image/jpeg").size))
    plots.picture(ax, photo)
    drawn = np.asarray(Image.open(io.BytesIO(plots.png(fig))).convert("RGB"), dtype=float)
    seen = np.asarray(decoded(data, "image/jpeg"), dtype=float)
    assert seen.shape == drawn.shape
    assert abs(seen.mean() - drawn.mean()) < 2


def test_png_of_the_same_figure_is_the_same():
    assert plots.png(line()) == plots.png(line())


def test_grid_gives_its_axes_in_reading_order():
    fig, axes = plots.grid(2, 3, width=9)
    assert axes.shape == (6,)
    assert [
        (ax.get_subplotspec().rowspan.start, ax.get_subplotspec().colspan.start) for ax in axes
    ] == [(row, column) for row in range(2) for column in range(3)]
    assert tuple(fig.get_size_inches()) == (9, 6)


@pytest.mark.parametrize(
    ("image", "corner"),
    [
        (np.full((4, 4), 51, np.uint8), 51),
        (np.full((4, 4), 0.2), 51),
        (np.full((4, 4, 3), 51, np.uint8), 51),
        (np.full((4, 4, 3), 0.2), 51),
        (np.full((4, 4, 3), 1.5), 255),
        (np.full((4, 4), -1.0), 0),
    ],
    ids=["gray bytes", "gray floats", "bytes", "floats", "too bright", "too dark"],
)
def test_picture_shows_the_values_it_gets(image, corner):
    fig, (ax,) = plots.grid(1, 1, width=1)
    fig.set_layout_engine("none")
    ax.set_position([0, 0, 1, 1])
    plots.picture(ax, image)
    seen = np.asarray(Image.open(io.BytesIO(plots.png(fig))).convert("RGB"))[50, 50]
    assert np.abs(seen.astype(int) - corner).max() <= 1


@pytest.mark.parametrize(
    "image, said",
    [
        (np.linspace(0, 100, 64).reshape(8, 8), "float64 up to 100"),
        (np.full((8, 8, 3), 65535, np.uint16), "uint16 up to 65535"),
        (np.full((8, 8, 3), 200), "int64 up to 200"),
        (np.full((8, 8), -50.0), "float64 up to -50"),
    ],
)
def test_what_would_be_a_white_picture_is_refused(image, said):
    _, [ax] = plots.grid(1, 1)
    with pytest.raises(ValueError, match=said) as error:
        plots.picture(ax, image)
    assert str(error.value).endswith(".") and "\n" not in str(error.value)
    plt.close("all")


def test_pictures_stand_under_their_titles_and_empty_places_stay_empty(monkeypatch):
    figures = []
    monkeypatch.setattr(plots, "show", lambda fig, alt: figures.append((fig, alt)))
    images = [np.full((4, 4), level, np.uint8) for level in (0, 100, 200)]
    plots.pictures(images, ALT, titles=["dark", "gray", "light"], columns=2)
    ((fig, alt),) = figures
    assert alt == ALT
    assert [ax.get_title() for ax in fig.axes] == ["dark", "gray", "light", ""]
    assert [float(ax.images[0].get_array().max()) for ax in fig.axes[:3]] == [0, 100, 200]
    assert not fig.axes[3].images and not any(ax.axison for ax in fig.axes)


# Controls


def test_widget_shows_a_sentence_where_it_cannot_run(shown):
    import ipywidgets

    widgets.show(ipywidgets.IntSlider(), "A slider moves a number.")
    ((data, _),) = shown
    assert data["text/plain"] == "A slider moves a number."
    assert data[VIEW]["model_id"]


def test_slider_changes_the_picture_and_draws_each_once(shown):
    drawn = []

    def draw(value):
        drawn.append(value)
        return f"picture {value}".encode()

    slider, image = widgets.frames("L", [10, 50, 90], draw, "A slider moves L.")
    assert drawn == [10, 50, 90] and len(shown) == 1
    assert shown[0][0]["text/plain"] == f"A slider moves L. {widgets.STATIC}"
    assert (slider.value, image.value) == (50, b"picture 50")
    for value in (90, 10):
        slider.value = value
        assert image.value == f"picture {value}".encode()
    assert drawn == [10, 50, 90]


def test_slider_shows_real_pictures():
    _, image = widgets.frames("x", [1], lambda _: plots.png(line()), "A slider.")
    assert Image.open(io.BytesIO(image.value)).size == (300, 200)


def pixel(widget, place):
    """The middle pixel of a slider's picture; 0 is the one below, 1 the one on top."""
    coded = re.findall(r"base64,([^\"]+)", widget.value)[place]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(coded))))[20, 30]


def test_a_slider_uncovers_the_second_picture_and_names_both():
    gray, red = (np.broadcast_to(np.uint8(c), (40, 60, 3)) for c in ([90] * 3, [200, 30, 30]))
    widget = widgets.before_after(gray, red, ("<gray>", "red"))
    np.testing.assert_allclose(pixel(widget, 0), [200, 30, 30], atol=4)
    np.testing.assert_allclose(pixel(widget, 1), [90, 90, 90], atol=4)
    assert 'alt="&lt;gray&gt;"' in widget.value and 'alt="red"' in widget.value


def test_of_an_uploaded_file_a_widget_may_be_shown():
    import ipywidgets

    button, result = widgets.upload("Yours", lambda data: ipywidgets.HTML(f"{data}"), "A button.")
    hand_in(button, b"one")
    assert [each.value for each in result.children] == ["b'one'"]


def test_a_click_on_a_pixel_shows_what_is_said_about_it(shown):
    rgb = np.zeros((3, 4, 3))
    rgb[1, 2] = 1.0, 0.5, 0.0
    asked = []

    def draw(row, column):
        asked.append((row, column))
        return f"{row} {column}".encode()

    buttons, image = widgets.pixels(rgb, draw, "Pixels to click.")
    assert asked == [(1, 2)] and image.value == b"1 2" and len(shown) == 1
    assert shown[0][0]["text/plain"] == f"Pixels to click. {widgets.STATIC}"
    assert len(buttons) == 12
    assert buttons[1 * 4 + 2].style.button_color == "#ff8000"
    assert buttons[0].style.button_color == "#000000"
    for row, column in ((0, 0), (2, 3), (1, 0)):
        button = buttons[row * 4 + column]
        assert button.tooltip == f"row {row}, column {column}"
        button.click()
        assert image.value == f"{row} {column}".encode()
    assert asked == [(1, 2), (0, 0), (2, 3), (1, 0)]


def test_pixels_of_bytes_and_of_large_pictures():
    buttons, _ = widgets.pixels(np.full((1, 1, 3), 255, np.uint8), lambda *place: b"", "Pixels.")
    assert buttons[0].style.button_color == "#ffffff"
    with pytest.raises(ValueError, match="25×3; at most 24"):
        widgets.pixels(np.zeros((25, 3, 3)), lambda *place: b"", "Pixels.")


def test_a_brush_collects_clicks_until_somebody_starts_again(shown):
    rgb, painted = np.zeros((20, 40, 3), np.uint8), []

    def paint(clicks):
        painted.append(list(clicks))
        return rgb

    names, buttons, image = widgets.brush(rgb, {"red": (60, 40), "blue": (10, -40)}, paint)
    assert painted == [[]] and len(buttons) == 12 * 24 and len(shown) == 2
    assert bytes(image.value).startswith(b"\x89PNG")
    for name, place in (("red", 0), ("blue", 24 * 6 + 12), ("start again", 5)):
        names.value = name
        buttons[place].click()
    first = (0.5 / 12, 0.5 / 24, (60, 40))
    assert painted[1:] == [[first], [first, (6.5 / 12, 12.5 / 24, (10, -40))], []]


def hand_in(button, content):
    """The message that the browser sends when somebody has chosen a file."""
    file = {"name": "x.png", "type": "image/png", "size": len(content), "last_modified": 0}
    button.set_state({"value": [file | {"content": memoryview(content)}]})


def test_upload_shows_what_is_made_of_the_file(shown):
    button, result = widgets.upload("Yours", lambda data: b"made of " + data, "A button.")
    assert result.children == () and len(shown) == 1
    for content in (b"one", b"two"):
        hand_in(button, content)
        (image,) = result.children
        assert image.value == b"made of " + content


@pytest.mark.parametrize("error", [ValueError, FileNotFoundError])
def test_upload_shows_a_refusal_and_goes_on(error):
    def act(data):
        if data == b"bad":
            raise error("<b>x.png</b> is no picture: save it as PNG.")
        return data

    button, result = widgets.upload("Yours", act, "A button.")
    hand_in(button, b"bad")
    assert result.children[0].value == "&lt;b&gt;x.png&lt;/b&gt; is no picture: save it as PNG."
    hand_in(button, b"good")
    assert result.children[0].value == b"good"
