# ---
# jupyter:
#   course:
#     title: Start here
#     question: What will I be able to build?
#     objectives:
#       - colorize a photograph of your own with every model that the course has finished
#       - name what such models get wrong, and whom that could hurt
#       - find your way through the course, and see whether this machine is ready for it
#     prerequisites: none.
#     running: 1
#     data: photographs of the course's album, and one of yours.
#     licence: text CC BY 4.0, code MIT; authors and licences of the photographs stand below them.
#     extras: [onnx]
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown] tags=["instructor"]
# **For the instructor.** Run this before the first lecture on the projector's machine: the last cell
# says what is missing. In class, let one student bring a photograph, and ask the room before the slider
# moves: which colors will be right? Most rooms bet on skin and sky, and forget clothes. Read "Invented
# color is not history" aloud; it is short, and students remember it when they show their results at home.
# If time is short, drop the map and the check of the machine.

# %% [markdown]
# ## Your photograph in color
#
# Run the cells down to the button (Shift+Enter runs one). Then choose any picture file: old or new, gray or
# in color, of any size. Color in it is ignored; only its lightness goes in. The file stays on this machine.

# %%
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import ipywidgets
import nbformat
import numpy as np
from PIL import Image, ImageOps

from course_utils import color, metrics, photos, plots, widgets
from course_utils.colorizer import BEST, LABEL, Colorizer, names

models = {f"lesson {name[:2]}": Colorizer.load(name) for name in names()}
best = f"lesson {BEST[:2]}"


# %%
def by_all(rgb):
    """A photograph in gray and as each model colors it: {title: uint8 (H, W, 3)}."""
    return {"gray": metrics.paint_gray(rgb)} | {n: m.colorize(rgb) for n, m in models.items()}


def uploaded(data):
    """The bytes of a picture file, as all pictures and a slider."""
    seen = by_all(photos.open_photo(data))
    png = plots.png(plots.album(list(seen.values()), list(seen), columns=3, width=12))
    slider = widgets.before_after(seen["gray"], seen[best], ("gray", f"{best}, {LABEL}"))
    return ipywidgets.VBox([ipywidgets.Image(value=png, layout={"max_width": "100%"}), slider])


_ = widgets.upload("Your photograph", uploaded, "A button to choose a picture file.")

# %% [markdown]
# **Nothing happens?** Jupyter drops files above 10 MB without a word. `make lab` has raised this limit to
# 200 MB; other Jupyter servers and Colab have not. There, write the file's path into `MINE` below, for
# instance `MINE = "holiday.jpg"`. Until then you see a photograph that no model has learned from.

# %% minutes=3
MINE = None

album = {photo.name: photo for photo in photos.album("test")}
mine = photos.open_photo(MINE) if MINE else album["cruise_ship"].rgb
seen = by_all(mine)
ALT = "A ship at sunset in gray and as five models color it: the sky is blue, pale or golden."
plots.pictures(list(seen.values()), ALT, list(seen), columns=3, width=12)
print("colorized by the models of five lessons" if MINE else album["cruise_ship"].credit)

# %% [markdown]
# Move the slider: the gray photograph is on the left, the colored one on the right.

# %%
slider = widgets.before_after(seen["gray"], seen[best], ("gray", f"{best}, {LABEL}"))
widgets.show(slider, "A slider uncovers the colored picture; both stand in the figure above.")

# %% [markdown]
# Each lesson from 02 on ends with such a **colorizer**, a file that turns lightness into color. You will
# build all of them. Many files at once, without a notebook:
# `python -m course_utils colorize my_folder -o colorized`
#
# ## What it gets right
#
# An old photograph, a portrait and a landscape. The church was photographed about 1910, three times through
# three filters, so its true color is known. The model of lesson 02 learned from nothing. That of lesson 04
# began with a network that can name a thousand things.


# %%
def cut(rgb):
    """A picture cut to 5:4, its top kept: uint8 (256, 320, 3)."""
    return np.asarray(ImageOps.fit(Image.fromarray(rgb), (320, 256), centering=(0.5, 0)))


def rows(shown, chosen, titles):
    """A figure with a row for each photograph: gray, some of the models, and the truth."""
    cells = []
    for name in shown:
        rgb = album[name].rgb
        made = [metrics.paint_gray(rgb), *(models[each].colorize(rgb) for each in chosen), rgb]
        cells += map(cut, made)
    fig = plots.album(cells, titles + [""] * (len(cells) - len(titles)), len(titles), 12)
    fig.supxlabel("\n".join(album[name].credit for name in shown), fontsize=10)
    return fig


# %% picture="first_guess"
COLUMNS = ["given: gray", "02: learned from nothing", "04: pretrained", "the photograph"]
RIGHT = "prokudin_00889", "astronaut", "maya_beach"
fig = rows(RIGHT, ("lesson 02", "lesson 04"), COLUMNS)
ALT = "A church, an astronaut and a beach in gray, as two models color them, and in truth."
plots.show(fig, ALT)

# %% [markdown]
# Sky, grass and skin come out in plausible colors, paler than the truth. The orange suit, the green roof and
# the painted boats do not: nothing in a gray picture says that they are orange or green. Another network
# invents another color, and each keeps the lightness as it was:


# %% tags=["claim"]
def suit(rgb):
    """Mean a and b of a piece of the astronaut's suit."""
    return color.ab(rgb)[270:310, 60:100].mean((0, 1))


astronaut = by_all(album["astronaut"].rgb)
truth = suit(album["astronaut"].rgb)
far = {name: float(np.hypot(*(suit(rgb) - truth))) for name, rgb in astronaut.items()}
moved = max(np.abs(color.L(rgb) - color.L(astronaut["gray"])).max() for rgb in astronaut.values())
print(
    f"the suit is a = {truth[0]:.0f}, b = {truth[1]:.0f}; every model is more than 10 away:",
    end=" ",
)
print(min(far.values()) > 10)
print(f"lightness moves by less than 1 of 100: {moved < 1}")
assert min(far.values()) > 10 and moved < 1

# %% [markdown]
# ## What went wrong
#
# Look for four kinds of failure, here and in your own photograph:


# %%
WRONG = "korean_dancer", "seattle_great_wheel", "wooden_toys"
fig = rows(WRONG, ("lesson 02", "lesson 04"), COLUMNS)
ALT = (
    "A dancer, a wheel of lights at night and toys: reds and blues of the truth are brown or gray."
)
plots.show(fig, ALT)

# %% [markdown]
# - **Things of any color:** clothes, toys and cars turn brown or gray, the mean of what is possible.
# - **Skin:** all people get nearly the same tone, in shade often a gray one.
# - **The dark:** there is little to see, and there was little of it in training.
# - **What never had color**, like a printed page, gets some.
#
# Lesson 08 measures how good each model is.
#
# ## Invented color is not history
#
# A colorizer does not recover color. It invents what was common in its training data, and nothing in the
# picture shows where it was unsure. Before you show a result to anyone:
#
# - **Say that it is colorized.** The course writes "colorized by" into every file it saves. Leave it there,
#   and say it beside the picture too: the label is lost in a screenshot.
# - **Skin is not a texture.** Training sets show some people more often than others, and a squared error
#   pulls everyone toward the common tone. Making somebody lighter or darker than they were is no small error.
# - **Ask.** A photograph of a person was taken under an agreement, or without one. Coloring it is a change
#   to that person's picture. Families of victims have been hurt by colorized faces.
# - **Keep the gray original** beside the result, with its source.
#
# **Who could be hurt** by the pictures above? The dancer, whose skin became gray. The man or woman in your
# old photograph. A reader who takes a brown uniform for evidence.
#
# ## The map
#
# | lesson | its question |
# | --- | --- |
# | [01 Light, numbers and Lab](01_lab_color.ipynb) | why predict a and b, and not red, green and blue? |
# | [02 Squared error](02_mse_regression.ipynb) | what does the squared error want? |
# | [03 Global and local features](03_global_local_fusion.ipynb) | when is a patch not enough? |
# | [04 Pretrained features](04_pretrained_fusion.ipynb) | what do pretrained features buy? |
# | [05 Classification](05_quantized_classification.ipynb) | what if we predict a distribution? |
# | [06 pix2pix](06_pix2pix_gan.ipynb) | what if a discriminator looks at the whole picture? |
# | [07 Scoring pictures](07_scoring_pictures.ipynb) | what is a score worth? |
# | [08 Comparison](08_comparison.ipynb) | which model is best, by which measure, and says who? |
# | [09 Deployment](09_deployment.ipynb) | how does it reach people? |
# | [10 Video](10_video.ipynb) | how does it stay steady in time? |
# | [11 Frontier](11_frontier.ipynb) | hints, attention, flow matching: where did the field go? |
#
# How long each takes, of those that lie beside this notebook:

# %% tags=["nbval-ignore-output"]
for file in sorted(Path().glob("[01][0-9]_*.ipynb"))[1:]:
    front = nbformat.read(file, as_version=4).cells[0].source
    minutes = re.search(r"\*\*Time:\*\* (\d+) minutes", front)[1]
    print(f"{file.stem:28} {minutes:>3} minutes")

# %% [markdown]
# Lessons train on photographs and on `paintbox`: drawn scenes whose color distribution is known exactly, so that
# we can say how good a prediction *could* be.
#
# ## Is this machine ready?
#
# `make lab` installs everything. Where something is missing, only the lessons named behind it need it.

# %% tags=["nbval-ignore-output"]
NEEDS = {"scikit-image": "01", "keras": "02 to 04", "tensorflow": "02 to 04", "torch": "05 to 07"}
NEEDS |= {"fastai": "06", "onnxruntime": "00, 08 to 10"}
for package, lessons in NEEDS.items():
    try:
        print(f"{package:13} {version(package):9} lessons {lessons}")
    except PackageNotFoundError:
        print(f"{package:13} {'missing':9} lessons {lessons} need it")

# %% [markdown]
# Go on with lesson [01](01_lab_color.ipynb). It takes a photograph apart, and says why two numbers are enough.
