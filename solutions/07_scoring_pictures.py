# ---
# jupyter:
#   course:
#     title: Scoring pictures
#     question: What is a score worth?
#     objectives:
#       - say for each common score what it compares, and what it cannot see
#       - read SSIM window by window, in luminance, contrast and structure
#       - count the Fréchet distance, KID and the class score of any network with torchmetrics
#       - compare two colorizers on the same photographs, with an interval
#       - break a score on purpose, and know what to print beside one
#     prerequisites: lesson 02 (PSNR, the gray row); lesson 06 helps, for the adversarial loss.
#     running: 2
#     data: paintbox, and the course's album of photographs, each under its own licence (CREDITS.md
#       in the album); stored numbers come from photographs that are not redistributed.
#     licence: text CC BY 4.0, code MIT.
#     extras: [scores, onnx]
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
# **For the instructor.** Everybody in the room has believed a score. Begin with the table of scores,
# and ask which of them would notice a green cat. Let the room order the four painted scenes by eye
# before anybody reads SSIM. Students go wrong at two places: they take intervals that overlap for "no
# difference" (exercise 3 answers that), and they compare Fréchet distances of different N. When time
# is short, leave out the conventions, and give exercise 2 as homework. The last exercise is the
# one they remember: let them show each other the worst picture that SSIM likes.

# %% tags=["export"]
import warnings
from functools import partial

import numpy as np
import torch
from PIL import Image, ImageOps
from scipy.stats import rankdata
from skimage.transform import rotate
from torch.nn import functional as F
from torchmetrics.functional.image import structural_similarity_index_measure as torch_ssim
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

# %% tags=["export"]
from course_utils import color, course, metrics, networks, paintbox, photos, plots

# %%
from course_utils.checks import chosen
from course_utils.checks import lesson_07 as checks

warnings.filterwarnings("ignore", message="Metric `Kernel")  # it keeps features, as it should
test_album = {photo.name: photo for photo in photos.album("test")}


def credits(names):
    print("\n".join(test_album[name].credit for name in names))


# %% [markdown]
# ## Scores, and what they compare
#
# A generator that commits to one color loses decibels, and its pictures look better (lesson 06). Is the
# picture wrong then, or the score? The report of this lesson, a project proposal by Gendre, names three
# scores: SSIM, the Inception Score and the Fréchet Inception Distance. It takes SSIM 0.93 of another system
# as its mark, and it announces an exhibit: **a low SSIM that can still produce a realistic result**. We
# build this exhibit, and its reverse.

# %% [markdown] deck="slide"
# ## Scores, and what they compare
#
# | score | compares a picture with | asks |
# | --- | --- | --- |
# | PSNR, ab error | **its own** truth, pixel by pixel | how far is each pixel? |
# | SSIM | **its own** truth, window by window | is the structure in place? |
# | colorfulness | nothing | how much color? |
# | Fréchet distance, KID | **other** real pictures, as a set | is the set like real ones? |
# | class score | nothing | are the classes sure, and various? |
#
# Which of them would notice a green cat?

# %% [markdown] deck="notes"
# Let the room guess before you go on: which score ranks a green cat below a photograph that is moved by one
# pixel? Two rows compare a picture with its own truth, two with nothing at all, and one with a set.

# %% [markdown]
# | score | compares a picture with | asks |
# | --- | --- | --- |
# | PSNR, ab error | **its own** truth, pixel by pixel | how far is each pixel? |
# | SSIM | **its own** truth, window by window | is the structure in place? |
# | colorfulness | nothing | how much color? |
# | Fréchet distance, KID | **other** real pictures, as a set | is the set like real ones? |
# | class score | nothing | are the classes sure, and various? |
#
# ## A second picture that is as real as the first
#
# For photographs, "looks real" is an opinion. In paintbox it is a fact. We take a scene and let the process
# run again over the same L. Balloons, sails and roofs get new colors, and every pixel gets new noise. The
# result is a **sample of the same distribution** as the truth. So no score of realism may prefer one of the
# two. We change colors and noise separately. The noise is ±2 in a and b, below a ΔE00 of 2.3, which is
# just noticed. Beside them stands an **unfinished** picture: what is random stays gray.


# %% tags=["export"]
def redrawn(n, size=128):
    """The truth of n scenes, {"truth": (n, H, W, 3), …}, two redraws of it, and it left gray."""
    scenes, second = (paintbox.sample(n, size, seed=2, draw=draw) for draw in (0, 1))  # one L
    colors, colors_anew = (10 * np.round(x.ab / 10) for x in (scenes, second))  # noise is below 5
    drawn = scenes.variance()[..., None] > 100  # balloons, fields, roofs, sails
    ab = {"truth": scenes.ab, "noise drawn anew": colors + second.ab - colors_anew}
    ab |= {"colors drawn anew": colors_anew + scenes.ab - colors}
    ab |= {"left gray": np.where(drawn, 0, scenes.ab)}
    return {k: color.with_ab(scenes.L, x).clip(0, 1) for k, x in ab.items()}


# %%
redraws = course.result("07/redraws")
ssim, decibels = (
    {name: np.array(values) for name, values in redraws[key].items()} for key in ("ssim", "psnr")
)  # each (400,)
few = redrawn(20)
for name in ssim:
    here, away = (f(few["truth"], few[name]).mean() for f in (metrics.ssim, metrics.delta_e))
    print(f"{name:18} SSIM {ssim[name].mean():.3f}; 20 scenes here {here:.3f}, ΔE00 {away:.1f}")

# %% [markdown] deck="slide"
# ## As real as the truth, and ranked last
#
# The second and the third could have been the truth. SSIM prefers the fourth, which is unfinished.

# %% [markdown] deck="notes"
# One scene. Pictures two and three are as real as the first by construction: another run of the same
# process over the same L. Picture four is unfinished. Ask the room to order them by eye, then read SSIM. The
# surprise is the new noise: nobody sees it, and on average SSIM punishes it more than new colors, because in
# flat regions the noise is all the structure there is.

# %% deck="figure"
lead = ssim["left gray"] - np.maximum(ssim["noise drawn anew"], ssim["colors drawn anew"])
worst = lead[:20].argmax()  # of 20 scenes the one where SSIM errs most
ALT = "A painted scene; with new noise, with new colors, and left gray, which has the highest SSIM."
titles = ["truth", *(f"{name}\nSSIM {ssim[name][worst]:.3f}" for name in ssim)]
plots.pictures([rgb[worst] for rgb in few.values()], ALT, titles, columns=4)

# %% tags=["claim"]
shares = {}
for name in ("noise drawn anew", "colors drawn anew"):
    over = int((ssim["left gray"] > ssim[name]).sum())
    shares[name] = over / redraws["n"], *metrics.wilson(over, redraws["n"])
course.claim(
    "a low SSIM can still produce a realistic result (Gendre)",
    f"{redraws['n']} painted scenes of {redraws['size']} px; redraws, real by construction",
    "SSIM prefers the picture left gray to "
    + ", to ".join(f"{k} on {s:.0%} [{a:.0%}, {b:.0%}]" for k, (s, a, b) in shares.items()),
    "holds: on most scenes the unfinished picture is ranked above one that is real",
)
assert min(low for _, low, _ in shares.values()) > 0.5

# %% [markdown]
# PSNR, with the squared error, sees that the noise is next to nothing. On colors it has the same flaw:

# %% tags=["claim"]
over = int((decibels["left gray"] > decibels["colors drawn anew"]).sum())
low, high = metrics.wilson(over, redraws["n"])
print(f"PSNR prefers left gray to new colors on {over / redraws['n']:.0%} [{low:.0%}, {high:.0%}]")
assert low > 0.5 and (decibels["noise drawn anew"] > decibels["left gray"]).mean() > 0.95

# %% [markdown]
# Here it is a theorem. Another sample is as far from the truth as two independent samples are from each other:
# that costs twice the variance. The mean costs the variance once. **A score that compares a picture with one
# truth rewards the mean.**
#
# ## The exhibit in photographs, and its reverse
#
# For photographs we must trust our eyes. So we take changes that leave no doubt. A photograph that is moved
# by one pixel, turned by one degree, mirrored, or taken on a grainier film is as real as before. A green tiger is not.


# %% tags=["export"]
def one_right(rgb):
    """The whole photograph one pixel to the right."""
    return np.pad(rgb, ((0, 0), (1, 0), (0, 0)), mode="edge")[:, :-1]


def hues_turned(degrees):
    """A function that turns all hues in the ab plane, and keeps L."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return partial(metrics.repaint, recolor=lambda ab: ab @ np.float32([[cos, sin], [-sin, cos]]))


# %%
def turned(rgb):
    """Turned by one degree."""
    return np.round(255 * rotate(rgb / 255, 1, mode="edge")).astype(np.uint8)


def grainy(rgb):
    """With the grain of a fast film: the same noise, σ = 12 of 255, in R, G and B."""
    grain = np.random.default_rng(1).normal(0, 12, rgb.shape[:2])[..., None]
    return np.round((rgb + grain).clip(0, 255)).astype(np.uint8)


def green_sky(rgb):
    """What is blue, green."""
    return metrics.repaint(rgb, lambda ab: np.where(ab[..., 1:] < -2, np.float32([-18, 22]), ab))


def magenta_light(rgb):
    """All colors moved toward magenta."""
    return metrics.repaint(rgb, lambda ab: ab + np.float32([25, -25]))


# %%
EXHIBIT = {  # photograph: (what is done, a function) that looks real, and one that looks wrong
    "siberian_tiger": (("turned by 1°", turned), ("green tiger", hues_turned(60))),
    "maya_beach": (("film grain", grainy), ("green sky", green_sky)),
    "turtle": (("one pixel right", one_right), ("magenta light", magenta_light)),
    "mandarin_ducks": (("mirrored", lambda x: x[:, ::-1]), ("no color", metrics.paint_gray)),
}


def fitted(name, size=(240, 160)):
    """A photograph of the album's test split, cropped to one size."""
    picture = ImageOps.fit(Image.fromarray(test_album[name].rgb), size, Image.Resampling.LANCZOS)
    return np.asarray(picture)


# %%
exhibit = {}  # what is done: (the photograph, the picture, SSIM)
for name, pair in EXHIBIT.items():
    for what, change in pair:
        photo = fitted(name)
        exhibit[what] = photo, change(photo), metrics.ssim(photo, change(photo))
looks_real, looks_wrong = ([pair[i][0] for pair in EXHIBIT.values()] for i in (0, 1))

# %% [markdown] deck="slide"
# ## Low SSIM, looks real. High SSIM, looks wrong.

# %% [markdown] deck="notes"
# Above: changes that nobody minds. Below: changes that everybody sees. Every picture above has a lower SSIM than
# every picture below. Mirroring is the extreme. Ask which number the room would have given the green tiger.

# %% deck="figure"
ALT = "Above, four photographs changed so that nobody minds; below, absurd colors with higher SSIM."
shown = [*looks_real, *looks_wrong]
titles = [f"{what}\nSSIM {exhibit[what][2]:.2f}" for what in shown]
plots.pictures([exhibit[what][1] for what in shown], ALT, titles, columns=4)
credits(EXHIBIT)

# %% tags=["claim"]
highest = max(exhibit[what][2] for what in looks_real)
lowest = min(exhibit[what][2] for what in looks_wrong)
print(f"looks real: SSIM {highest:.2f} at most; looks wrong: {lowest:.2f} at least")
assert highest < lowest

# %% [markdown]
# Four photographs that we chose prove only that this is possible. Below we do the same to hundreds that nobody
# chose.
#
# ## SSIM, window by window
#
# SSIM (Wang and others, 2004) slides a window over both pictures, for each channel. In a window it compares
# **luminance** $l$, the mean; **contrast** $c$, the standard deviation; and **structure** $s$, the correlation:
#
# $$l = \frac{2\mu_x\mu_y + C_1}{\mu_x^2 + \mu_y^2 + C_1}, \quad
# c = \frac{2\sigma_x\sigma_y + C_2}{\sigma_x^2 + \sigma_y^2 + C_2}, \quad
# s = \frac{\sigma_{xy} + C_2/2}{\sigma_x\sigma_y + C_2/2}$$
#
# with $C_1 = 0.01^2$ and $C_2 = 0.03^2$ for values from 0 to 1. SSIM is the mean of $l \cdot c \cdot s$
# over windows and channels.

# %% [markdown] deck="slide"
# ## SSIM of a window: luminance, contrast, structure
#
# $$l = \frac{2\mu_x\mu_y + C_1}{\mu_x^2 + \mu_y^2 + C_1}, \quad
# c = \frac{2\sigma_x\sigma_y + C_2}{\sigma_x^2 + \sigma_y^2 + C_2}, \quad
# s = \frac{\sigma_{xy} + C_2/2}{\sigma_x\sigma_y + C_2/2}$$
#
# - each is 1 where the windows are equal
# - SSIM is the mean of $l \cdot c \cdot s$ over all windows of R, G and B
# - where a window is flat, noise decides $s$

# %% [markdown] deck="notes"
# Say the three words and point at the three fractions. Ask what s is for a flat wall with a little grain: the
# covariance is near zero, so s is small although the grain can hardly be seen.

# %% [markdown]
# ### Exercise 1: the three parts of a window (7 minutes)
#
# Write the three fractions in torch. Each row of `x` and `y` is one window. Mean, variance and covariance
# divide by the number of pixels K, as torchmetrics does.


# %% exercise="window_parts" minutes=7
def window_parts(x, y):
    """Windows as tensors (P, K), values from 0 to 1, to luminance, contrast, structure (P, 3)."""
    ### BEGIN SOLUTION
    mean_x, mean_y = x.mean(1), y.mean(1)
    var_x, var_y = x.var(1, correction=0), y.var(1, correction=0)
    spread = (var_x * var_y).sqrt()
    covariance = ((x - mean_x[:, None]) * (y - mean_y[:, None])).mean(1)
    luminance = (2 * mean_x * mean_y + 0.01**2) / (mean_x**2 + mean_y**2 + 0.01**2)
    contrast = (2 * spread + 0.03**2) / (var_x + var_y + 0.03**2)
    structure = (covariance + 0.03**2 / 2) / (spread + 0.03**2 / 2)
    return torch.stack([luminance, contrast, structure], 1)
    ### END SOLUTION


# %% check="window_parts" points=2
my_parts = window_parts
checks.window_parts(window_parts)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `x.mean(1)` has one mean for each window. `x.var(1, correction=0)` divides by K. Without the
# `correction`, torch divides by K − 1.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The covariance is the mean of `(x - mean_x[:, None]) * (y - mean_y[:, None])` over the window. At the
# end, `torch.stack([l, c, s], 1)`.
#
# </details>
#
# The maps below are drawn by your function where the check accepts it:


# %%
def tensors(rgb):
    """Photographs (N, H, W, 3) as uint8 to a tensor (N, 3, H, W) in 0…1."""
    return torch.from_numpy(np.moveaxis(np.stack(rgb), -1, 1).astype(np.float32) / 255)


# %%
def parts_of_the_course(x, y):
    """The course's own, from sums of squares."""
    mx, my, C1, C2 = x.mean(1), y.mean(1), 1e-4, 9e-4
    vx, vy = ((z * z).mean(1) - m * m for z, m in ((x, mx), (y, my)))
    both, root = (x * y).mean(1) - mx * my, (vx.clamp(0) * vy.clamp(0)).sqrt()
    luminance = (2 * mx * my + C1) / (mx * mx + my * my + C1)
    contrast, structure = (2 * root + C2) / (vx + vy + C2), (both + C2 / 2) / (root + C2 / 2)
    return torch.stack([luminance, contrast, structure], 1)


def window_maps(parts, rgb, hat, size=7):
    """Maps (H - 6, W - 6, 4) of two photographs: l, c, s and l · c · s, mean over R, G and B."""
    planes = zip(*(tensors([each])[0].double() for each in (rgb, hat)))
    windows = [[F.unfold(plane[None, None], size)[0].T for plane in pair] for pair in planes]
    found = torch.stack([parts(x, y) for x, y in windows])  # (3, P, 3)
    whole = torch.cat([found, found.prod(-1, keepdim=True)], -1).mean(0)
    return whole.reshape(rgb.shape[0] - size + 1, rgb.shape[1] - size + 1, 4).numpy()


# %%
parts = chosen(checks.window_parts, my_parts, parts_of_the_course)
both = "film grain", "green tiger"
maps = {what: window_maps(parts, *exhibit[what][:2]) for what in both}  # (H - 6, W - 6, 4)

# %% [markdown] deck="slide"
# ## Where SSIM is lost: bright is 1, black is 0
#
# Grain costs where the picture is flat. Green fur costs nothing: L is right.

# %% [markdown] deck="notes"
# From left to right: the picture, luminance, contrast, structure, and their product. Above: the grain is the same
# everywhere, but the sky and the sea are black in the structure map and the trees are not. Below: the green
# tiger is nearly white in all maps. R, G and B all follow L, and L is right.

# %% deck="figure"
ALT = "Grain on a beach: structure is lost in sky and sea only. A green tiger: maps nearly white."
titles, shown = [], []
for what, found in maps.items():
    shown += [exhibit[what][1], *np.moveaxis(found, -1, 0).clip(0, 1)]
    names = "luminance", "contrast", "structure", "l · c · s"
    titles += [what, *(f"{name}\n{found[..., i].mean():.2f}" for i, name in enumerate(names))]
plots.pictures(shown, ALT, titles, columns=5)

# %% tags=["claim"]
how = {"data_range": 1.0, "gaussian_kernel": False, "kernel_size": 7}
for what in maps:
    pair = [tensors([picture]) for picture in exhibit[what][:2]]
    value, full = torch_ssim(*pair, return_full_image=True, **how)
    ours, inside = maps[what][..., 3].mean(), float(full[..., 3:-3, 3:-3].mean())
    print(f"{what:12} our map {ours:.3f}; torchmetrics {inside:.3f} inside, {value:.3f} in all")
    assert abs(ours - inside) < 1e-3
lost = {what: 1 - found.mean((0, 1)) for what, found in maps.items()}  # each (4,)
assert lost["film grain"][2] > 5 * lost["green tiger"][2]

# %% [markdown]
# Above, the grain is the same everywhere. Contrast and structure are lost where the photograph is flat, and kept where
# it has texture. Below, the whole tiger has the wrong color and the maps are nearly white: in a photograph R, G and
# B all follow L, and L is right. (torchmetrics also counts windows that reach over the border, where it mirrors the
# picture: a convention, and a different number.)
#
# **A colorizer is given L.** How much of SSIM is left for color?

# %% tags=["claim"]
changes = course.result("07/changes")
of = {name: np.array(values) for name, values in changes["ssim"].items()}  # each (n,)
print(f"{changes['n']} {changes['data']}; 1 - SSIM on average")
NAMES = ["one pixel right, L only", "one pixel right, ab only", "gray", "hues turned by 180°"]
cost = {name: 1 - of[name].mean() for name in NAMES}
for name, value in cost.items():
    print(f"{name:26} {value:.3f}")
assert cost[NAMES[0]] > 5 * cost[NAMES[1]] and cost[NAMES[0]] > 2 * cost["gray"]

# %% [markdown]
# L moved by one pixel costs more than twice as much as having no color at all, and about as much as every hue turned to
# its opposite. Between gray and the truth lies a tenth of the scale. What does that make of the report's mark?

# %% tags=["claim"]
MARK = 0.93  # the SSIM of another system that the report quotes
passed = int((of["gray"] >= MARK).sum())
share, low, high = passed / changes["n"], *metrics.wilson(passed, changes["n"])
over_moved = (of["gray"] > of["one pixel right"]).mean()
course.claim(
    f"SSIM {MARK} of another system is the mark to compare with (Gendre)",
    f"gray copies of {changes['n']} {changes['data']}, uniform windows of 7 px",
    f"mean {of['gray'].mean():.3f}; {share:.0%} [{low:.0%}, {high:.0%}] of them reach {MARK}; "
    f"gray is above the truth moved by a pixel on {over_moved:.0%}",
    "says little about color: many pictures without any color reach it",
)
assert low > 0.25 and over_moved > 0.5

# %% [markdown] deck="slide"
# ## What SSIM pays for
#
# | change of {{changes["n"]}} photographs | 1 − SSIM |
# | --- | ---: |
# | L one pixel to the right, ab as it is | {{cost["one pixel right, L only"]:.3f}} |
# | ab one pixel to the right, L as it is | {{cost["one pixel right, ab only"]:.3f}} |
# | all color gone | {{cost["gray"]:.3f}} |
# | every hue turned to its opposite | {{cost["hues turned by 180°"]:.3f}} |
#
# The report's mark, SSIM {{MARK}}, is reached by {{share:.0%}} of the **gray** copies.

# %% [markdown] deck="notes"
# A colorizer is given L, and gets most of SSIM with it. So an SSIM near 0.9 says next to nothing about color.
# Print gray's SSIM on the same photographs beside it.

# %% [markdown]
# ## Constants that score well
#
# SSIM is not the only score that a constant reaches. Lesson 04 took apart the "accuracy" of a report: Keras asks
# only which of two numbers is larger. One single yellow for all pixels of all photographs scores this:

# %% tags=["claim"]
constants = course.result("04/constants")["rows"]
for name in ("COCO", "Intel, all six", "Intel, forest"):
    print(f"{name:15} one yellow for everything: accuracy {constants[name]['yellow']:.1%}")
assert constants["Intel, forest"]["yellow"] > constants["COCO"]["yellow"] + 0.1 > 0.6

# %% [markdown]
# The rule is the same for every score: **ask first what an answer without any knowledge gets.** For colorizers
# that is gray, and the mean color.
#
# ## Sets instead of pairs
#
# Can we score a set of pictures without asking each for its own truth? A pretrained network describes each picture by
# a vector of features. Real pictures are one cloud of vectors, colorized ones another.
#
# The **Fréchet distance** takes both clouds for Gaussians with means $\mu$ and covariances $C$:
#
# $$d = \|\mu - \hat\mu\|^2 + \text{tr}\big(C + \hat C - 2 (C \hat C)^{1/2}\big)$$
#
# With the 2,048 features of Inception-v3 it is the **FID** (Heusel and others, 2017). **KID** (Bińkowski and others,
# 2018) compares the same clouds by a kernel instead of two Gaussians. The **Inception Score** (Salimans and others,
# 2016) takes the class probabilities $p(y \mid x)$ of the network. Each picture should be named surely, and the set
# variously:
#
# $$\exp\big(\text{mean}_x\ \text{KL}\big(p(y \mid x)\ \|\ p(y)\big)\big), \quad p(y) = \text{mean}_x\ p(y \mid x)$$
#
# **LPIPS** (Zhang and others, 2018) is a distance of pairs in features of AlexNet or VGG, with weights learned from
# people's answers. torchmetrics has it, but its weights must be downloaded, and do not travel with the course. So do
# Inception's. We take two networks that do travel: **MobileNetV2**, which no colorizer of the course was made with, and
# **Lite0**, whose classes give our **class score**. A number of another network is no FID and no Inception Score:
# it goes under that network's name.

# %%
mobile, lite0 = networks.features("MobileNetV2"), networks.features("Lite0")

# %% [markdown] deck="slide"
# ## Sets instead of pairs
#
# | score | takes from a network | smaller or larger is better |
# | --- | --- | --- |
# | Fréchet distance (FID with Inception) | means and covariances of features | smaller |
# | KID | a kernel between all pairs of features | smaller |
# | class score (Inception Score with Inception) | class probabilities | larger |
#
# Here: MobileNetV2 ({{mobile.width}} features) and Lite0 (1,000 classes).

# %% [markdown] deck="notes"
# LPIPS, which papers print beside these, compares pairs. It is not used in this lesson,
# because its weights would have to be downloaded. Neither is Inception. A number carries its network's name.


# %%
class Seen(torch.nn.Module):
    """A network for torchmetrics: photographs uint8 (N, H, W, 3) to its features (N, width)."""

    def __init__(self, network):
        super().__init__()
        self.network, self.num_features = network, network.width

    def forward(self, pictures):
        return torch.from_numpy(self.network.embed(pictures.numpy()))


# %%
album = photos.load("album", "test", 160)  # (56, 160, 160, 3)
grays = np.stack([metrics.paint_gray(rgb) for rgb in album])
one, other = album[::2], album[1::2]  # two halves: no photograph is in both


def by_torchmetrics(real, hats):
    """Fréchet distance and KID of two sets of photographs, by MobileNetV2."""
    scores = FrechetInceptionDistance(Seen(mobile)), KernelInceptionDistance(Seen(mobile), 20, 25)
    torch.manual_seed(session.seed)  # KID draws 20 subsets of 25 pictures
    for score in scores:
        score.update(torch.from_numpy(real), real=True)
        score.update(torch.from_numpy(hats), real=False)
    return float(scores[0].compute()), float(scores[1].compute()[0])


# %% tags=["claim"]
live = {
    "real against other real": by_torchmetrics(one, other),
    "real against other gray": by_torchmetrics(one, grays[1::2]),
}
for name, (frechet, kid) in live.items():
    print(f"{name:24} N = {len(one)}: Fréchet {frechet:.2f}, KID {kid:+.4f}")
ours = metrics.frechet_distance(*(mobile.embed(x) for x in (one, other)), least=0)
print(f"real against other real, counted by the course: {ours:.2f}")
assert abs(ours - live["real against other real"][0]) < 0.02 * ours
assert live["real against other real"][0] > 0.5 * live["real against other gray"][0]

# %% [markdown]
# Look at the first line. Nothing tells the two halves apart, and the Fréchet distance is far from zero: more than half
# of that of gray pictures. With so few pictures it measures mostly how few they are. We come back to this.
#
# ### Exercise 2: the class score (5 minutes)


# %% exercise="class_score" minutes=5
def class_score(p):
    """Probabilities as a tensor (N, K), one row a picture, to exp of the mean KL from their mean.

    Some probabilities are exactly 0; 0 log 0 is 0.
    """
    ### BEGIN SOLUTION
    mean = p.mean(0)
    kl = torch.xlogy(p, p).sum(1) - torch.xlogy(p, mean).sum(1)  # xlogy(0, 0) is 0
    return kl.mean().exp()
    ### END SOLUTION


# %% check="class_score" points=2
my_score = class_score
checks.class_score(class_score)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# KL of a row from the mean is the sum of `p * (log p - log mean)`. Take the mean over the rows, and the
# exponential last.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `0 * log(0)` is nan for torch. `torch.xlogy(p, q)` is `p * log(q)`, and 0 where p is 0.
#
# </details>
#
# What can be done to a set of real photographs without changing it, and with changing it a lot?


# %%
def course_score(p):
    """The course's own, by entropies."""
    mean, entropy = p.mean(0), torch.special.entr
    return (entropy(mean).sum() - entropy(p).sum(1).mean()).exp()


scoring = chosen(checks.class_score, my_score, course_score)
p = torch.from_numpy(lite0.classify(album)).double()  # (56, 1000)
sure = p.max(1).values.argsort(descending=True)
p_made = {
    "real photographs": p,
    "the surest half, each twice": p[sure[: len(p) // 2]].repeat(2, 1),
    "one photograph, 56 times": p[:1].repeat(len(p), 1),
}

# %% tags=["claim"]
class_scores = {name: float(scoring(each)) for name, each in p_made.items()}
for name, value in class_scores.items():
    print(f"{name:28} class score (Lite0) {value:.1f}")
real_score, half_twice, only_one = class_scores.values()
assert abs(only_one - 1) < 1e-6 < half_twice - real_score

# %% [markdown]
# Half of the photographs, each of them twice, score **higher** than all of them, because the network is surer of them. That is a
# generator that forgot half of the world. And the order does not count: the score would not notice if every
# output were given to the wrong input. What do all scores say to the same changes?

# %%
rows = {row["name"]: row for row in changes["rows"]}
MEASURES = {  # where it stands in a row, and whether more of it or less is better
    "PSNR": (lambda row: row["psnr"][0], 1),
    "SSIM": (lambda row: row["ssim"][0], 1),
    "ab error": (lambda row: row["ab_error"][0], -1),
    "color gap": (lambda row: row["gap"][0], -1),
    "Fréchet": (lambda row: row["frechet"]["MobileNetV2"][0], -1),
    "KID": (lambda row: row["kernel"]["MobileNetV2"][0], -1),
    "class score": (lambda row: row["class_score"], 1),
}


# %%
RANKED = {"one pixel right": "real", "mirrored": "real", "gray": "dull", "own mean ab": "dull"}
RANKED |= {"hues turned by 180°": "absurd", "colors upside down": "absurd"}
ranks = {
    name: rankdata([-sign * value(rows[kind]) for kind in RANKED]).astype(int)
    for name, (value, sign) in MEASURES.items()
}  # each (6,), 1 is best

# %% [markdown] deck="slide"
# ## Six kinds of pictures, seven rankings

# %% [markdown] deck="notes"
# Follow one line at a time. Full lines are real photographs. SSIM ranks both below gray, and PSNR the
# mirrored one; for scores of sets they are first. Dotted lines are dull, broken ones absurd. The color gap is the difference in colorfulness: it
# asks how much color there is, not where.

# %% deck="figure"
STYLES = {"real": "-", "dull": ":", "absurd": "--"}
fig, (ax,) = plots.grid(1, 1, width=11, height=4.2)
for i, (kind, group) in enumerate(RANKED.items()):
    places = [ranks[name][i] for name in MEASURES]
    line = {"marker": plots.MARKERS[i], "linestyle": STYLES[group], "color": plots.LINES[i]}
    ax.plot(places, markersize=10, linewidth=2.5, label=f"{kind} ({group})", **line)
ax.set(xticks=range(len(MEASURES)), xticklabels=list(MEASURES), ylabel="rank, 1 is best")
ax.invert_yaxis()
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
ALT = "Ranks by seven scores: real photographs, moved or mirrored, are low by SSIM, first by sets."
plots.show(fig, ALT)

# %% tags=["claim"]
kinds = list(RANKED)
gray_rank = {name: rank[kinds.index("gray")] for name, rank in ranks.items()}
fooled = [name for name in MEASURES if (ranks[name][4:] < gray_rank[name]).any()]
misses = [name for name in MEASURES if (ranks[name][:2] > gray_rank[name]).any()]
print(f"an absurd picture above gray: {', '.join(fooled)}")
print(f"a real picture below gray: {', '.join(misses)}")
assert {"color gap", "Fréchet"} <= set(fooled) and {"PSNR", "SSIM"} <= set(misses)
assert not {"Fréchet", "KID"} & set(misses)

# %% [markdown]
# Every score has a blind side, and you can name it. Scores of pairs cannot see that another answer would do as
# well. Scores of sets see that, but not whether an answer fits its own picture: they put *colors upside down* above
# gray. The color gap does not ask where the color is.

# %% tags=["claim"]
truth, exchanged = rows["truth"], rows["pairs exchanged"]
same = exchanged["class_score"] == truth["class_score"]
course.claim(
    "the Inception Score fits the needs of a colorizer (Gendre)",
    f"class score (Lite0) of {changes['n']} {changes['data']}; every picture given another's place",
    f"{truth['class_score']:.1f} for the truth, {exchanged['class_score']:.1f} with pairs "
    f"exchanged; SSIM {exchanged['ssim'][0]:.2f}",
    "fails: it never sees which picture belongs to which, and neither does a Fréchet distance",
)
assert same and exchanged["frechet"] == truth["frechet"] and exchanged["ssim"][0] < 0.5

# %% [markdown]
# ## How many pictures?
#
# Scores of sets depend on N. The class score rises with it, because few pictures are too near to their own mean. The
# Fréchet distance falls, for large N by about $c/N$, and $c$ grows with the number of features (Chong and Forsyth,
# 2020). The report would take 3,000 pictures and Inception's 2,048 features. We follow 96 features of MobileNetV2 and
# 1,280 of Lite0.


# %%
biases = course.result("07/bias")
curves = biases["curves"]  # of each network: "N", and [mean, low, high] by N
by_count = {int(n): found[0] for n, found in changes["class_score"].items()}
print("class score by N:", ", ".join(f"{n}: {value:.1f}" for n, value in by_count.items()))
# %% [markdown] deck="slide"
# ## Real against real is not zero
#
# Two sets of real photographs that share none: the Fréchet distance falls with N, KID lies around
# zero.

# %% [markdown] deck="notes"
# Two sets of real photographs that share none: nothing tells them apart. Left and middle: the Fréchet distance is not zero
# and falls slowly with N; with 1,280 features most of the distance to gray is bias. Right: KID has no such bias. It
# lies around zero for real pictures at every N. The bands hold 95 % of {{biases["draws"]}} draws.


# %% deck="figure"
PANELS = [("MobileNetV2", ""), ("Lite0, last", ""), ("MobileNetV2", "kernel ")]
fig, axes = plots.grid(1, 3, width=12, height=3.8)
for ax, (network, prefix) in zip(axes, PANELS):
    N = curves[network]["N"]
    for i, other_set in enumerate(("gray", "real")):
        mean, low, high = np.transpose(curves[network][prefix + other_set])
        marked = {"marker": plots.MARKERS[i], "color": plots.LINES[i]}
        ax.plot(N, mean, label=f"real against {other_set}", **marked)
        ax.fill_between(N, low, high, color=plots.LINES[i], alpha=0.2)
    ax.axhline(0, color=plots.INK, linewidth=1)
    ax.set(xlabel="N, pictures on each side", title=f"{'KID' if prefix else 'Fréchet'}, {network}")
axes[0].legend()
ALT = "Fréchet distances fall with N and real against real stays above zero; KID lies at zero."
plots.show(fig, ALT)

# %% tags=["claim"]
share_of_bias = {x["width"]: x["real"][-1][0] / x["gray"][-1][0] for x in curves.values()}
course.claim(
    "FID of 3,000 generated pictures against the test set (Gendre)",
    f"{biases['n']} {biases['data']}; real against real as a share of real against gray, at "
    f"N = {curves['MobileNetV2']['N'][-1]}",
    ", ".join(f"{s:.0%} with {width} features" for width, s in share_of_bias.items()),
    "cannot be tested here: neither Inception nor so many pictures. The share grows with the "
    "features; print real against real at your N",
)
kids = {name: curves["MobileNetV2"][f"kernel {name}"][-1][0] for name in ("real", "gray")}
assert 0 < share_of_bias[96] < 0.5 < share_of_bias[1280] and abs(kids["real"]) < 0.1 * kids["gray"]

# %% [markdown]
# Nobody stops you from counting a Fréchet distance of 56 pictures and 96 features, or of 400 and 1,280. torchmetrics
# does it, and the number means little. (The course's own `metrics.frechet_distance` asks for four pictures a feature
# unless you say otherwise. That is a choice of ours and no law.)
#
# The report would compare outputs with **their own** targets. Then both sets show the same places, and real against
# real is zero by definition. That is allowed, and it is another number. Say which of the two you computed.

# %% tags=["claim"]
for name in ("truth", "gray", "hues turned by 180°"):
    against, own = (rows[name][key]["MobileNetV2"] for key in ("frechet", "frechet_own"))
    print(f"{name:20} Fréchet against others {against[0]:.2f}, against their own truth {own:.2f}")
assert abs(rows["truth"]["frechet_own"]["MobileNetV2"]) < 1e-6

# %% [markdown] deck="slide"
# ## A score of sets, and its N
#
# | {{changes["n"]}} photographs, MobileNetV2 | Fréchet, against others | against their own truth |
# | --- | ---: | ---: |
# | truth | {{rows["truth"]["frechet"]["MobileNetV2"][0]:.2f}} | {{abs(rows["truth"]["frechet_own"]["MobileNetV2"]):.2f}} |
# | gray | {{rows["gray"]["frechet"]["MobileNetV2"][0]:.2f}} | {{rows["gray"]["frechet_own"]["MobileNetV2"]:.2f}} |
# | hues turned by 180° | {{rows["hues turned by 180°"]["frechet"]["MobileNetV2"][0]:.2f}} | {{rows["hues turned by 180°"]["frechet_own"]["MobileNetV2"]:.2f}} |
#
# *Against others*: halves of N = {{changes["n"] // 2}} that share no photograph. *Own truth*: all of them.
# The row *truth* is what a perfect answer gets.

# %% [markdown] deck="notes"
# Two columns, two different numbers with one name. A paper that prints one of them and does not say which cannot be
# compared with anything. The first row belongs into every table.

# %% [markdown]
# ## The shipped colorizers, and who is better
#
# The same scores for gray, for each photograph's mean color (which uses the answer), and for the colorizers
# of lessons 02 to 06. S0 … S4 are the reports that they rebuild.

# %%
worth = course.result("07/scores")
scored = {row["name"]: row for row in worth["rows"] if row["name"] != "pairs exchanged"}
by_picture = {
    name: {key: np.array(values) for key, values in found.items()}
    for name, found in worth["by_picture"].items()
}  # each (n,), in the order of the photographs
print(f"{'':12} {'PSNR':>6} {'SSIM':>6} {'ab error':>8} {'gap':>6} {'Fréchet':>8} {'class':>6}")
for name, row in scored.items():
    dB = f"{row['psnr'][0]:.2f}" if row["psnr"] else "-"
    print(
        f"{name:12} {dB:>6} {row['ssim'][0]:6.3f} {row['ab_error'][0]:8.2f} {row['gap'][0]:6.1f} "
        f"{row['frechet']['MobileNetV2'][0]:8.2f} {row['class_score']:6.1f}"
    )

# %% [markdown] deck="slide"
# ## The shipped colorizers by five scores
#
# | {{worth["n"]}} photographs | PSNR | SSIM | color gap | Fréchet | class score |
# | --- | ---: | ---: | ---: | ---: | ---: |
# | truth | | {{scored["truth"]["ssim"][0]:.3f}} | {{scored["truth"]["gap"][0]:.1f}} | {{scored["truth"]["frechet"]["MobileNetV2"][0]:.2f}} | {{scored["truth"]["class_score"]:.1f}} |
# | gray | {{scored["gray"]["psnr"][0]:.2f}} | {{scored["gray"]["ssim"][0]:.3f}} | {{scored["gray"]["gap"][0]:.1f}} | {{scored["gray"]["frechet"]["MobileNetV2"][0]:.2f}} | {{scored["gray"]["class_score"]:.1f}} |
# | S0 | {{scored["S0"]["psnr"][0]:.2f}} | {{scored["S0"]["ssim"][0]:.3f}} | {{scored["S0"]["gap"][0]:.1f}} | {{scored["S0"]["frechet"]["MobileNetV2"][0]:.2f}} | {{scored["S0"]["class_score"]:.1f}} |
# | S1 | {{scored["S1"]["psnr"][0]:.2f}} | {{scored["S1"]["ssim"][0]:.3f}} | {{scored["S1"]["gap"][0]:.1f}} | {{scored["S1"]["frechet"]["MobileNetV2"][0]:.2f}} | {{scored["S1"]["class_score"]:.1f}} |
# | S4 | {{scored["S4"]["psnr"][0]:.2f}} | {{scored["S4"]["ssim"][0]:.3f}} | {{scored["S4"]["gap"][0]:.1f}} | {{scored["S4"]["frechet"]["MobileNetV2"][0]:.2f}} | {{scored["S4"]["class_score"]:.1f}} |
# | S2 | {{scored["S2"]["psnr"][0]:.2f}} | {{scored["S2"]["ssim"][0]:.3f}} | {{scored["S2"]["gap"][0]:.1f}} | {{scored["S2"]["frechet"]["MobileNetV2"][0]:.2f}} | {{scored["S2"]["class_score"]:.1f}} |
# | S3 | {{scored["S3"]["psnr"][0]:.2f}} | {{scored["S3"]["ssim"][0]:.3f}} | {{scored["S3"]["gap"][0]:.1f}} | {{scored["S3"]["frechet"]["MobileNetV2"][0]:.2f}} | {{scored["S3"]["class_score"]:.1f}} |

# %% [markdown] deck="notes"
# Cover one column after the other and let the room name the best row. Fréchet by MobileNetV2, real against real in the
# row truth; class score by Lite0. S4 was built on Lite0, so its class score is not independent of it.

# %% [markdown]
# ### Exercise 3: an interval of a difference (7 minutes)
#
# One photograph is hard for every colorizer, another easy. So the scores of two colorizers on the same photographs rise and fall
# together. Whoever compares two intervals, one for each colorizer, counts the luck of the photographs twice. **Paired**
# means: subtract first, photograph by photograph, and then ask how sure the mean difference is.
#
# The **bootstrap** (Efron, 1979) draws N photographs with replacement, many times, and looks at how the mean varies.
# `draws` holds the places that were drawn.


# %% exercise="paired" minutes=7
def paired(first, second, draws):
    """Scores (N,) of two colorizers on the same photographs, and places draws (B, N).

    The mean of first - second, and the 2.5 % and 97.5 % quantiles of its means over the draws.
    """
    ### BEGIN SOLUTION
    difference = first - second
    means = difference[draws].mean(1)  # (B,)
    low, high = np.percentile(means, [2.5, 97.5])
    return difference.mean(), low, high
    ### END SOLUTION


# %% check="paired" points=2
my_paired = paired
checks.paired(paired)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# With `difference = first - second`, the array `difference[draws]` has the shape (B, N): one row for each draw.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The mean of each row is one mean of the bootstrap. `np.percentile(means, [2.5, 97.5])` gives the two ends.
#
# </details>


# %%
def course_paired(first, second, draws):
    """The course's own, with counts instead of places."""
    counts = np.stack([np.bincount(draw, minlength=len(first)) for draw in draws])
    means = counts @ (first - second) / len(first)
    return np.mean(first - second), *np.quantile(means, [0.025, 0.975])


interval = chosen(checks.paired, my_paired, course_paired)
rng = np.random.default_rng(session.seed)
draws = rng.integers(0, worth["n"], (2000, worth["n"]))
first, second = "S4", "S0"
alone = {k: interval(by_picture[k]["psnr"], np.zeros(worth["n"]), draws) for k in (first, second)}
together = interval(by_picture[first]["psnr"], by_picture[second]["psnr"], draws)

# %% [markdown] deck="slide"
# ## Two intervals, or one of the difference
#
# Two intervals that overlap do not say that the two are equal. On the same photographs, take the
# interval of the difference.

# %% [markdown] deck="notes"
# Left: each colorizer's own interval. They are wide, because photographs differ much. Right: the interval of
# the difference on the same photographs. It is narrower, because what makes a photograph hard is subtracted away. To ask whether two
# colorizers differ, look at the right panel only.

# %% deck="figure"
fig, axes = plots.grid(1, 2, width=9, height=2.6)
for i, (mean, low, high) in enumerate(alone.values()):
    axes[0].errorbar(mean, i, xerr=[[mean - low], [high - mean]], marker="o", capsize=5)
axes[0].set(yticks=(0, 1), yticklabels=alone, ylim=(-0.6, 1.6), xlabel="PSNR, dB, each alone")
mean, low, high = together
axes[1].errorbar(mean, 0, xerr=[[mean - low], [high - mean]], marker="o", capsize=5)
axes[1].axvline(0, color=plots.INK, linestyle=":")
axes[1].set(yticks=(), xlabel=f"{first} minus {second}, dB, paired")
ALT = "Two wide intervals of two colorizers, and the narrower paired interval of their difference."
plots.show(fig, ALT)

# %% tags=["claim"]
widths = {name: high - low for name, (_, low, high) in alone.items()}
unpaired = np.hypot(*widths.values())  # of a difference of independent means
mean, low, high = together
print(f"{first} minus {second}: {mean:+.2f} dB [{low:+.2f}, {high:+.2f}], paired")
print(f"width {high - low:.2f} dB; {unpaired:.2f} if the photographs were different ones")
assert high - low < 0.8 * unpaired

# %% [markdown]
# ### Small tables that lie
#
# Reports often show ten pictures and their mean. How often does a table of ten photographs put two colorizers into the
# order that all photographs together do not have?

# %%
PAIRS = [("S4", "gray"), ("S4", "S0"), ("S1", "S0")]
SIZES = [3, 10, 30, 100]


def wrong_order(a, b, n, times=4000):
    """The share of tables of n photographs that order a and b against all photographs."""
    difference = by_picture[a]["psnr"] - by_picture[b]["psnr"]
    drawn = difference[np.random.default_rng(n).integers(0, len(difference), (times, n))]
    return (np.sign(drawn.mean(1)) != np.sign(difference.mean())).mean()


wrong = {pair: [wrong_order(*pair, n) for n in SIZES] for pair in PAIRS}

# %% [markdown] deck="slide"
# ## Small tables that lie
#
# How often a small table orders two colorizers the wrong way, by PSNR.

# %% [markdown] deck="notes"
# Each line: how often a table of so many photographs orders the two against all of them, by PSNR. The closer two
# colorizers are, the more photographs it takes. Ask how many pictures the last table had that they believed.

# %% deck="figure"
fig, (ax,) = plots.grid(1, 1, width=8, height=3.4)
for i, ((a, b), shares_wrong) in enumerate(wrong.items()):
    gain = (by_picture[a]["psnr"] - by_picture[b]["psnr"]).mean()
    marked = {"marker": plots.MARKERS[i], "color": plots.LINES[i]}
    ax.plot(SIZES, np.array(shares_wrong), label=f"{a} and {b}, {gain:+.2f} dB", **marked)
ax.set(xscale="log", xlabel="photographs in the table", ylabel="share in the wrong order")
ax.set_xticks(SIZES, [str(n) for n in SIZES])
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(fig, "The share of tables in the wrong order falls with the number of photographs.")

# %% tags=["claim"]
for (a, b), values in wrong.items():
    texts = ", ".join(f"N = {n}: {value:.0%}" for n, value in zip(SIZES, values))
    print(f"{a} and {b} in the wrong order: {texts}")
assert all(values[0] >= values[-1] for values in wrong.values())
assert max(values[1] for values in wrong.values()) > 0.02

# %% [markdown] tags=["optional"]
# ## Conventions that change a ranking (optional)
#
# "SSIM" and "PSNR" name families of numbers. Is PSNR the mean over pictures, or of all pixels at once? Is SSIM's window uniform or
# Gaussian? Is the size 128 px or half of it? Is SSIM counted on R, G and B, or on the luminance? And what is the range of
# values: a bug of an older scikit-image took 2 for pictures from 0 to 1. Below are the same pictures.

# %%
counted = worth["conventions"]
conventions = list(counted["gray"])


def order(how, names=("gray", "own mean ab", "S0", "S1", "S4")):
    """These rows from best to worst under a convention."""
    return sorted(names, key=lambda name: -counted[name][how])


# %% tags=["claim"]
for how in conventions:
    values = f"gray {counted['gray'][how]:6.3f}, S4 {counted['S4'][how]:6.3f}"
    print(f"{how:28} {values}: {' > '.join(order(how))}")
by_range = counted["gray"]["SSIM, range given as 2"] - counted["gray"]["SSIM, 7 × 7 windows"]
by_color = counted["S4"]["SSIM, 7 × 7 windows"] - counted["gray"]["SSIM, 7 × 7 windows"]
print(f"the wrong range adds {by_range:+.3f} to gray's SSIM, S4's colors add {by_color:+.3f}")
orders = {tuple(order(how)) for how in conventions}
assert len(orders) > 1 and counted["gray"]["SSIM of the luminance"] > 0.99

# %% [markdown] deck="slide"
# ## One picture, one name, eight numbers
#
# | convention | gray | S4 | order of five rows |
# | --- | ---: | ---: | --- |
# | {{conventions[0]}} | {{counted["gray"][conventions[0]]:.2f}} | {{counted["S4"][conventions[0]]:.2f}} | {{" > ".join(order(conventions[0]))}} |
# | {{conventions[1]}} | {{counted["gray"][conventions[1]]:.2f}} | {{counted["S4"][conventions[1]]:.2f}} | {{" > ".join(order(conventions[1]))}} |
# | {{conventions[3]}} | {{counted["gray"][conventions[3]]:.3f}} | {{counted["S4"][conventions[3]]:.3f}} | {{" > ".join(order(conventions[3]))}} |
# | {{conventions[6]}} | {{counted["gray"][conventions[6]]:.3f}} | {{counted["S4"][conventions[6]]:.3f}} | {{" > ".join(order(conventions[6]))}} |
# | {{conventions[7]}} | {{counted["gray"][conventions[7]]:.3f}} | {{counted["S4"][conventions[7]]:.3f}} | {{" > ".join(order(conventions[7]))}} |

# %% [markdown] deck="notes"
# Compare numbers of two papers only where window, channels, range, size and averaging agree. On the luminance every colorizer
# is nearly perfect, because it is given L. *Own mean ab* uses the answer.

# %% [markdown]
# ## Break a score on purpose
#
# A score that is trained on, or chosen by, is no longer a measure of what it stood for (Goodhart's law). See it happen: we keep the
# luminance of a photograph, and move its colors by **gradient ascent** away from the truth, as long as SSIM stays at least at that
# of the gray copy.
#
# ### Exercise 4: climb a score (8 minutes)
#
# Write the ascent. It works for any `score`, a function of one tensor that gives one number. In each step, the largest
# entry of the gradient, in absolute value, moves by `rate`, and the others in proportion. Then every entry is clamped to −limit … limit.


# %% exercise="climb" minutes=8
def climb(score, x, steps, rate, limit):
    """x after `steps` steps of gradient ascent: x + rate · g / max |g|, clamped to ±limit.

    score: tensor to a tensor of one number. x keeps its values; the result has no gradient.
    """
    ### BEGIN SOLUTION
    for _ in range(steps):
        x = x.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(score(x), x)
        with torch.no_grad():
            x = (x + rate * slope / slope.abs().max()).clamp(-limit, limit)
    return x.detach()
    ### END SOLUTION


# %% check="climb" points=3
my_climb = climb
checks.climb(climb)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# In each step: a copy of x that wants a gradient, `x.detach().requires_grad_(True)`, and its gradient,
# `torch.autograd.grad(score(x), x)`, which is a tuple of one tensor.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `x = (x + rate * slope / slope.abs().max()).clamp(-limit, limit)` inside `with torch.no_grad():`.
#
# </details>


# %%
def course_climb(score, x, steps, rate, limit):
    """The course's own, with `backward`."""
    x = x.detach().clone()
    for _ in range(steps):
        x.requires_grad_(True).grad = None
        score(x).backward()
        step = rate * x.grad / x.grad.abs().max()
        x = (x.detach() + step).clamp(-limit, limit)
    return x


STEPS = {"ci": 8, "cpu": 150, "gpu": 150}[session.profile]
target = fitted("puffin", (192, 128))
truth_t, gray_t = tensors([target]), tensors([metrics.paint_gray(target)])
bar = float(torch_ssim(gray_t, truth_t, data_range=1.0))  # what gray gets


# %%
def tinted(uv):
    """The gray photograph with coarse colors uv (1, 2, h, w); its luminance stays."""
    u, v = F.interpolate(uv, gray_t.shape[-2:], mode="bilinear").unbind(1)
    y = gray_t[:, 0]
    return torch.stack([y + u, y - (0.299 * u + 0.114 * v) / 0.587, y + v], 1).clamp(0, 1)


def far_but_liked(uv):
    """How far the colors are from the truth, minus a price where SSIM falls below gray's."""
    rgb = tinted(uv)
    short = F.relu(bar + 0.002 - torch_ssim(rgb, truth_t, data_range=1.0))
    return (rgb - truth_t).abs().mean() - 10 * short


# %% tags=["nbval-ignore-output"]
climber = chosen(checks.climb, my_climb, course_climb)
torch.manual_seed(session.seed)
uv = climber(far_but_liked, 0.02 * torch.randn(1, 2, 16, 24), STEPS, 0.01, 0.6)
broken = np.uint8(255 * tinted(uv)[0].permute(1, 2, 0).numpy())

# %% [markdown] deck="slide"
# ## What SSIM likes as much as gray
#
# *Climbed*: colors found by gradient ascent, while SSIM stays at gray's.

# %% [markdown] deck="notes"
# From left to right: the truth, its gray copy, and colors found by gradient ascent under the condition that SSIM stays at
# gray's. The last picture is much farther from the truth, and SSIM takes it for as good. The student's own ascent makes
# this picture.

# %% deck="figure"
shown = {"gray": metrics.paint_gray(target), "climbed": broken}
found = {
    name: (float(torch_ssim(tensors([x]), truth_t, data_range=1.0)), metrics.ab_error(target, x))
    for name, x in shown.items()
}
titles = [f"{name}, SSIM {a:.3f}\nab error {b:.1f}" for name, (a, b) in found.items()]
ALT = "A puffin on grass; in gray; and with pink sky and pink grass, at the same SSIM as gray."
plots.pictures([target, *shown.values()], ALT, ["truth", *titles], columns=3)
credits(["puffin"])

# %% tags=["claim"]
(of_gray, near), (of_climbed, far) = found.values()
liked = of_climbed > of_gray - 0.01
print(f"SSIM at least gray's, to 0.01: {liked}; farther from the truth than gray: {far > near}")
assert session.profile == "ci" or (liked and far > near + 5)

# %% [markdown]
# Nobody needs a gradient to fool a score: choose the one of ten papers' settings that it likes best, and you have climbed too.
#
# ## What to print beside a score
#
# - the row **gray**, and what a constant answer gets
# - one score of **pairs** and one of **sets**; for sets N, **real against real** at that N, and the network's name
# - the **difference** on the same photographs with its interval
# - window, range, size, averaging
# - pictures that were chosen before you looked
#
# Whether a picture *looks* real is a question to people. Lesson 08 asks them.

# %% [markdown] deck="slide"
# ## What to print beside a score
#
# - the row **gray**, and what a constant gets
# - one score of **pairs** and one of **sets**
# - for sets: N, **real against real** at that N, and the name of the network
# - the **difference** on the same photographs, with its interval
# - the conventions: window, range, size, averaging
# - pictures that were chosen before you looked
#
# "Does it look real?" is answered by people: lesson 08.

# %% [markdown] deck="notes"
# Let each student take one number from a paper that they like, and say which of these lines is missing beside it.

# %% [markdown]
# ## Quiz
#
# **1. A colorizer has SSIM 0.94 on ordinary photographs. What do you know about its colors?**
#
# <details><summary>A. They are nearly right, because 1 is perfect.</summary>
#
# The scale does not begin at 0 here: with the true L, gray copies come close to that.
#
# </details>
# <details><summary>B. Next to nothing.</summary>
#
# Right. Nearly all of SSIM is L, and a colorizer is given L. Print gray's SSIM beside it.
#
# </details>
# <details><summary>C. They are better than those of a system with 0.93.</summary>
#
# Only on the same pictures and with the same window, and even then gray may win.
#
# </details>
#
# **2. A generator makes one perfect picture of each class, again and again. Which score is fooled?**
#
# <details><summary>A. The Fréchet distance.</summary>
#
# Its covariance would be too small inside each class, so the distance from real pictures is large.
#
# </details>
# <details><summary>B. The class score.</summary>
#
# Right. Each answer is sure and all classes are equally frequent: that is its highest value.
#
# </details>
#
# **3. Method A has a Fréchet distance of 0.30 on 200 pictures, method B 0.25 on 2,000, same network.
# Which one is closer to real photographs?**
#
# <details><summary>A. Method B, its number is smaller.</summary>
#
# The distance falls with N for any method, so part of the difference is N and nothing else.
#
# </details>
# <details><summary>B. It cannot be said.</summary>
#
# Right. Ask for both at one N, with real against real at that N beside them.
#
# </details>
# <details><summary>C. Method A, few pictures are harder.</summary>
#
# Few pictures raise the number. Whether that explains all of it cannot be seen from these two.
#
# </details>
#
# **4. The 95 % intervals of two colorizers, measured on the same photographs, overlap. Do they differ?**
#
# <details><summary>A. No: the intervals overlap.</summary>
#
# The luck of the photographs is in both intervals, and it is the same luck.
#
# </details>
# <details><summary>B. Look at the interval of the difference.</summary>
#
# Right. Subtract photograph by photograph; what makes a photograph hard falls out.
#
# </details>

# %% [markdown]
# ## What broke, and which lesson repairs it
#
# - **Every score has a blind side.** Which colorizer is best, by which score, and says who? Lesson 08 asks people.
# - **One truth is not the only answer.** A person's hint says which one is wanted: lesson 11.
# - **A score of single pictures** does not see a film flicker: lesson 10.
#
# ## Further reading
#
# - Wang, Bovik, Sheikh and Simoncelli, *Image quality assessment: from error visibility to structural
#   similarity*, IEEE Transactions on Image Processing, 2004.
# - Salimans and others, *Improved techniques for training GANs*, NeurIPS 2016: the Inception Score. Barratt and
#   Sharma, *A note on the Inception Score*, arXiv:1801.01973, 2018.
# - Heusel and others, *GANs trained by a two time-scale update rule*, NeurIPS 2017: the FID. Chong and Forsyth,
#   *Effectively unbiased FID and Inception Score*, CVPR 2020.
# - Bińkowski and others, *Demystifying MMD GANs*, ICLR 2018: KID. Zhang and others, *The unreasonable
#   effectiveness of deep features as a perceptual metric*, CVPR 2018: LPIPS.
# - Efron, *Bootstrap methods: another look at the jackknife*, Annals of Statistics, 1979.
# - The report: Gendre, *Capstone Project Proposal: Image Colorization*, Udacity.

# %% [markdown] deck="slide"
# ## What broke, and who repairs it
#
# | what | where |
# | --- | --- |
# | every score has a blind side: ask people | lesson 08 |
# | one truth is not the only answer | lesson 11, hints |
# | single pictures say nothing about a film | lesson 10 |
#
# **A score** compares a picture with something. Ask first with what.

# %% [markdown] deck="notes"
# Return to the first slide: which scores notice a green cat? Whoever wants the true color wants a score of pairs;
# whoever wants a possible picture wants one of sets. Both are reasonable, and lesson 08 asks people.
