# ---
# jupyter:
#   course:
#     title: Start here
#     question: What will I be able to build?
#     objectives:
#       - colorize a photograph of your own with every model that the course has finished
#       - see whether this machine has what the lessons need
#       - say what a colorized photograph is, and what it is not
#     prerequisites: none.
#     minutes: 10
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
# **For the instructor.** Run this before the first lecture on the projector's machine: the second
# cell says what is missing. Let one student bring a photograph. The last section is worth reading
# aloud; it is short, and students remember it when they show their results to their families.

# %%
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from PIL import Image, ImageOps
from skimage import data

from course_utils import color, colorizer, metrics, photos, plots, widgets

# %% [markdown]
# ## Is this machine ready?
#
# Each lesson needs the core and at most one framework. `make lab` installs them all.

# %% tags=["nbval-ignore-output"]
NEEDS = {"scikit-image": "01", "keras": "02 to 04", "tensorflow": "02 to 04", "torch": "05, 06, 10"}
NEEDS |= {"fastai": "06", "onnxruntime": "00, 07 to 09"}
for package, lessons in NEEDS.items():
    try:
        print(f"{package:13} {version(package):9} lessons {lessons}")
    except PackageNotFoundError:
        print(f"{package:13} {'missing':9} lessons {lessons} need it")

# %% [markdown]
# ## Colorize a photograph
#
# Every lesson from 02 on ends with a **colorizer**: a file that turns lightness L into the two
# color channels a and b. These are finished; you will build each of them.

# %%
models = [colorizer.Colorizer.load(name) for name in colorizer.names()]
for model in models:
    print(f"{model.name:27} {model.metadata['parameters']:>10,} parameters")

# %% [markdown]
# We take the color out of three photographs that no model has seen, and let two of them guess: S0
# learned from nothing, S4 began with a network that can name a thousand things. The church was
# photographed about 1910, three times through three filters, so its true color is known.


# %%
def cut(rgb):
    """A picture cut to 5:4, its top kept: uint8 (256, 320, 3)."""
    return np.asarray(ImageOps.fit(Image.fromarray(rgb), (320, 256), centering=(0.5, 0)))


# %%
ALBUM = {photo.name: photo for photo in photos.album("test")}
S0, S4 = models[0], models[2]
COLUMNS = ["given: gray", "S0: from nothing", "S4: pretrained features", "the photograph"]
NAMES = ["prokudin_00889", "astronaut", "maya_beach"]

# %% picture="first_guess"
cells = []
for name in NAMES:
    rgb = ALBUM[name].rgb
    gray = metrics.paint_gray(rgb)  # its L, no color
    cells += map(cut, [gray, S0.colorize(gray), S4.colorize(gray), rgb])
fig = plots.album(cells, COLUMNS + [""] * (len(cells) - 4), columns=4, width=12)
fig.supxlabel("\n".join(ALBUM[name].credit for name in NAMES), fontsize=10)
plots.show(
    fig,
    "A church, an astronaut and boats, in gray, as S0 and S4 colorize them, and as they were. S0 "
    "paints little but blue. S4 has sky, meadow and skin; the orange suit and boats turn brown.",
)

# %% [markdown]
# Move the slider: it uncovers the guess of S4.

# %%
church = metrics.paint_gray(ALBUM["prokudin_00889"].rgb)
guess = S4.colorize(church)


def uncovered(percent):
    """PNG of the gray picture up to `percent` of the width, and of the guess beyond it."""
    mixed = guess.copy()
    border = mixed.shape[1] * percent // 100
    mixed[:, :border] = church[:, :border]
    fig, (ax,) = plots.grid(1, 1, width=6, height=5)
    plots.picture(ax, mixed, f"gray up to {percent} % of the width, then S4")
    return plots.png(fig)


_ = widgets.frames("uncover", range(0, 101, 10), uncovered, "A slider uncovers the guess.")

# %% [markdown]
# ## Where it fails
#
# S4 fails on faces in shade, in the dark, and on what may have any color, like toys: the mean of all
# colors is gray. And what never had color, like a printed page, gets some.

# %%
HARD = {"face": "korean_dancer", "the dark": "seattle_great_wheel", "any color": "wooden_toys"}
truths = [ALBUM[name].rgb for name in HARD.values()]
truths.append(np.repeat(data.page()[:153, :192, None], 3, -1))  # a page, uint8 (153, 192, 3)
painted = [cut(S4.colorize(rgb)) for rgb in truths]
titles = [f"{what}: S4" for what in (*HARD, "no color")] + ["the photograph"] * 4
fig = plots.album([*painted, *map(cut, truths)], titles, columns=4, width=12)
fig.supxlabel("\n".join(ALBUM[name].credit for name in HARD.values()), fontsize=10)
plots.show(
    fig,
    "Four failures above their photographs: a dancer's face and red hat turn brown, a wheel of "
    "colored lights gets a pale violet, toys in blue, green, red and yellow stay gray, and a "
    "printed page turns yellowish.",
)

# %% [markdown]
# ## Now yours
#
# Take three minutes: choose any picture file. It stays on this machine. Color in it is ignored: only its lightness
# goes in, so an old photograph and yesterday's are treated alike.


# %% minutes=3
def colorize_file(data):
    """The bytes of a picture file, as a PNG of it in gray and as each model sees it."""
    rgb = photos.open_photo(data)
    given = color.split(color.rgb_to_lab(rgb))[0][..., 0] / 100  # (H, W)
    seen = {"lightness": given}
    for model in sorted(models, key=lambda model: model is not S4):  # the best one first
        seen[f"{colorizer.LABEL}\n{model.name}"] = model.colorize(rgb)
    return plots.png(plots.album(list(seen.values()), list(seen), columns=2))


_ = widgets.upload("Your photograph", colorize_file, "A button to choose a picture file.")

# %% [markdown]
# Many files at once, without a notebook:
#
# ```bash
# python -m course_utils colorize my_folder -o colorized
# ```
#
# ## How good are they?
#
# A score says little alone. So each model stands beside **gray**, the right lightness without color: how many
# decibels of PSNR is it better? +3 dB is half the squared error. The numbers come from the models' files,
# measured on photographs that they were not trained on.

# %% tags=["claim"]
REFERENCES = "gray", "own mean ab (uses the answer)"
gains = {}
for model in models:
    rows = model.metadata["metrics"]
    gray = {row["data"]: row["psnr"][0] for row in rows if row["name"] == "gray"}
    for row in rows:
        if row["name"] not in REFERENCES:
            gain = row["psnr"][0] - gray[row["data"]]
            gains[model.name, row["data"]] = gain
            print(
                f"lesson {model.name[:2]}, {row['name']:9} {gain:+.1f} dB: {row['n']} {row['data']}"
            )
intel = {name: gain for (name, where), gain in gains.items() if where.startswith("Intel")}
assert min(gains.values()) > 0 and max(intel, key=intel.get) == S4.name

# %% [markdown]
# All gain on landscapes (Intel), and S4 most. It was also tried on photographs of everything (diverse, the
# album), and by cameras that it does not know (COCO): there it gains least.

# %% [markdown]
# ## The map
#
# | lesson | the idea | what breaks, and leads on |
# | --- | --- | --- |
# | 01 Light, numbers and Lab | predict a and b, keep L | many colors share one gray |
# | 02 MSE regression | let a network guess, punish squared error | it answers with the mean: brown |
# | 03 Global and local | let it see the whole picture | it starts from nothing |
# | 04 Borrowed features | start from a network that knows objects | still one answer a pixel |
# | 05 Quantized classification | predict a distribution over colors | pixels disagree with neighbors |
# | 06 pix2pix | let a second network judge | which score to trust? |
# | 07 Comparison | one table, every claim on trial | it sits in a notebook |
# | 08 Deployment | a file, a server, a studio | a film flickers |
# | 09 Video | hold it steady in time | where did the field go? |
# | 10 Frontier | hints, attention, diffusion | your turn |
#
# The laboratory of the course is `paintbox`, a painted world whose colors are known exactly: there
# we can say how good a guess *could* be. Photographs then show how much of that holds.
#
# ## Invented color is not history
#
# A colorizer does not recover color. It invents what was common in its training data, and it is
# confident about it. Before you show a result to anyone:
#
# - **Say that it is colorized.** The course writes "colorized by" into every file it saves. Leave it
#   there, and say it beside the picture too: the label is lost in a screenshot.
# - **Skin is not a texture.** Training sets show some people more often than others, and a squared
#   error pulls everyone toward the common tone. A wrong skin tone is not a small ΔE.
# - **Ask.** A photograph of a person was taken under an agreement, or without one. Coloring it is a
#   change to that person's picture; colorized faces of victims have hurt families.
# - **Keep the gray original** beside the result, with its source.
#
# ## Go on
#
# Lesson [01](01_lab_color.ipynb) takes a photograph apart, and says why two numbers are enough.
