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
#     data: color photographs that scikit-image and scikit-learn install, and one of yours.
#     licence: text CC BY 4.0, code MIT; photograph of the temple by danielbuechele, CC BY 2.0.
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
    print(
        f"{model.name:27} {model.metadata['parameters']:>10,} parameters, lesson {model.name[:2]}"
    )

# %% [markdown]
# We take the color out of a photograph that no model has seen, and let each of them guess.

# %% picture="first_guess"
temple = next(photo.rgb for photo in photos.bundled() if photo.name == "china")
L, ab = color.split(color.rgb_to_lab(temple))  # (H, W, 1), (H, W, 2)
gray = color.lab_to_rgb(color.join(L, 0 * ab))  # three equal values a pixel
gray = np.round(255 * gray).astype(np.uint8)
guesses = [model.colorize(gray) for model in models]
plots.pictures(
    [gray, *guesses, temple],
    alt="A temple above a lake: in gray, as each finished model colorizes it, and as it was. "
    "The guesses have less color than the photograph; none of them knows that the pillars are red.",
    titles=["given: gray", *(f"guess: {model.name}" for model in models), "the photograph"],
    columns=4,
    width=12,
)

# %% [markdown]
# Move the slider: left of the line is the gray picture, right of it the guess.


# %%
def uncovered(percent):
    """PNG of the gray picture up to `percent` of the width, and of the newest guess beyond it."""
    mixed = guesses[-1].copy()
    border = mixed.shape[1] * percent // 100
    mixed[:, :border] = gray[:, :border]
    mixed[:, max(border - 2, 0) : border] = 255
    fig, (ax,) = plots.grid(1, 1, width=6, height=4)
    plots.picture(ax, mixed, f"gray up to {percent} % of the width, then {models[-1].name}")
    return plots.png(fig)


_ = widgets.frames("uncover", range(0, 101, 10), uncovered, "A slider uncovers the guess.")

# %% [markdown]
# ## Now yours
#
# Take five minutes: choose any picture file. It stays on this machine. Color in it is ignored: only its lightness
# goes in, so an old photograph and yesterday's are treated alike.


# %% minutes=5
def colorize_file(data):
    """The bytes of a picture file, as a PNG of it in gray and as each model sees it."""
    rgb = photos.open_photo(data)
    given = color.split(color.rgb_to_lab(rgb))[0][..., 0] / 100  # (H, W)
    seen = {"lightness": given}
    seen |= {f"{colorizer.LABEL}\n{model.name}": model.colorize(rgb) for model in models}
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
# A score says little alone, so two rows stand beside it in every table of this course: the **gray**
# picture, which has the right lightness and no color, and the truth. PSNR and SSIM are better when
# high, ΔE00 when low. The numbers come from each model's own file, and were measured on
# photographs that it was not trained on.

# %% tags=["claim"]
rows = {row["name"]: row for row in models[0].metadata["metrics"][:2]}  # gray, own mean
for model in models:
    for row in model.metadata["metrics"]:
        rows.setdefault(row["name"], row | {"name": f"lesson {model.name[:2]}: {row['name']}"})
print(metrics.table(rows.values()))

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
