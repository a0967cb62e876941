# ---
# jupyter:
#   course:
#     title: Light, numbers and Lab
#     question: Why does a colorizer predict a and b, and not red, green and blue?
#     objectives:
#       - turn sRGB values into light and into Lab with ten lines of your own, and check them
#       - say what gamma is, and why a gray value is neither light nor L*
#       - say which pairs of a and b exist at a given L, and what happens to those that do not
#       - make a gray picture as another film would, and know what a colorizer then gets wrong
#       - read a loss together with its scale, as an error in color
#     prerequisites: numpy arrays and a plot or two; no deep learning yet.
#     running: 2
#     data: photographs of the course's album, each under its own licence (CREDITS.md in the album).
#     licence: text CC BY 4.0, code MIT.
#     extras: []
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
# **For the instructor.** Three ideas carry this lesson: values are not light, a gray value is not L*,
# and a loss means nothing without its scale.
#
# *Where a room goes wrong.* Most say that 128 is half the light of 255. Many mix the *values* in
# exercise 4 and wonder why the check refuses: let them read "decode, mix, encode" aloud. Some confuse
# "uncorrelated" with "independent": stay at the penguin until somebody says the difference in words.
# A picture in 0…255 floats given to a function that expects 0…1 is the most common bug of all.
#
# *What to ask.* Before the six grays: which one will be darkest, and where? Before the three losses:
# which model is best? At the end, without an answer: a ball is red or blue with equal probability;
# which single color has the smallest squared error?
#
# *What to drop.* What is marked optional (exercise 2, the distance of two colors), then the section "Keep L,
# get L?". The six grays and the scale of a loss are needed in every later lesson.
#
# Students who see color differently can do everything here: each figure prints numbers or words.

# %%

import numpy as np
from matplotlib.colors import ListedColormap
from skimage.color import deltaE_cie76, deltaE_ciede2000, hsv2rgb, lab2rgb, rgb2lab

from course_utils import color, course, metrics, photos, plots, widgets
from course_utils.checks import chosen
from course_utils.checks import lesson_01 as checks

# %% [markdown] deck="slide"
# ## What we ask of a network
#
# A photograph without color goes in. A plausible photograph in color comes out.
#
# - **In:** one number for each pixel, how light it is
# - **Out:** the numbers that are missing
#
# How many numbers are missing? That depends on how we write color down.

# %% [markdown] deck="notes"
# Let the room answer first. Most say three: red, green, blue. Keep the answer on the board; the next
# figure turns it into two.

# %% [markdown]
# ## A photograph is three numbers a pixel
#
# Everything in this course starts from color photographs. We take the color away, ask a network to put
# it back, and compare. The course ships an **album** of photographs with a fixed split. Models learn from
# its training split. Figures and numbers of this lesson come from its test split, unless they say otherwise.

# %%
album = {photo.name: photo for photo in photos.album("test")}
TRUTHS = [photo.rgb for photo in album.values()]  # uint8 (H, W, 3) each


def credits(*names):
    print("\n".join(album[name].credit for name in names))


print(f"{len(album)} photographs, for instance")
credits("eastern_rosella", "vintage_cars", "forest_path")

# %% [markdown]
# A pixel holds a value for red, green and blue, each 0…255. Below is a bird as these three layers, and
# then as the three layers of **Lab**. There, **L** says how light a pixel is, from 0 to 100. **a** runs
# from green (negative) to red (positive). **b** runs from blue (negative) to yellow (positive).


# %%
def scale_of(layer):
    """The colors of a ("a") or b from -60 to 60, at L = 65: a scale for matplotlib."""
    ab = np.zeros((256, 2), np.float32)
    ab[:, "ab".index(layer)] = np.linspace(-60, 60, 256)
    return ListedColormap(color.with_ab(np.full((256, 1), 65, np.float32), ab))


# %% [markdown] deck="slide"
# ## The same bird as R, G, B and as L, a, b

# %% [markdown] deck="notes"
# Upper row: a network that predicts R, G and B draws the bird three times. Lower row: L has the drawing,
# and L is what the gray photograph already gives. What is left, a and b, is soft: large areas, few edges.
# The scales below a and b say which number is which color.

# %% deck="figure"
rosella = album["eastern_rosella"].rgb
L_rosella, ab_rosella = color.L(rosella), color.ab(rosella)  # (H, W, 1), (H, W, 2)
fig, axes = plots.grid(2, 3, width=11, height=6)
layers = [*np.moveaxis(rosella, -1, 0), L_rosella[..., 0] / 100]
for ax, layer, name in zip(axes, layers, ("red", "green", "blue", "L, from 0 (black) to 100")):
    plots.picture(ax, layer, name)
for ax, layer, values in zip(axes[4:], "ab", np.moveaxis(ab_rosella, -1, 0)):
    drawn = ax.imshow(values, cmap=scale_of(layer), vmin=-60, vmax=60)
    ax.set_axis_off()
    ax.set_title(layer)
    fig.colorbar(drawn, ax=ax, orientation="horizontal", ticks=[-60, -30, 0, 30, 60], aspect=30)
ALT = "A parrot: red, green, blue and L show the whole drawing; a and b are soft areas of color."
plots.show(fig, ALT)
credits("eastern_rosella")

# %% [markdown]
# Red, green and blue draw the same bird three times. A network that predicts them must draw it three
# times too, although the gray picture has told it the drawing. So we split: **L goes in, a and b come
# out.**
#
# ### Does L tell nothing about a and b?
#
# It tells something. The **linear correlation** of L with a and b is low in most photographs. But a low
# correlation does not mean **independent**: it says that no straight line helps much. So we compare the best
# straight line with the best function that there is, a **lookup**: each pixel gets the mean ab of all pixels
# of this photograph that have its L.


# %%
def table(L, values):
    """The mean of values (..., C) over all pixels of the same L (..., 1), rounded: (101, C)."""
    level = L.round().astype(int).ravel()
    counts = np.maximum(np.bincount(level, minlength=101), 1)
    layers = values.reshape(level.size, -1).T
    return np.stack([np.bincount(level, layer, 101) / counts for layer in layers], axis=-1)


def look_up(means, L):
    """What a table (101, C) says at each pixel of L (H, W, 1): (H, W, C)."""
    return np.float32(means[L[..., 0].round().astype(int)])


def line(L, values):
    """The best straight line from L to each channel of values."""
    x = (L - L.mean()) / L.std()
    return values.mean((0, 1)) + x * (x * values).mean((0, 1))


# %%
def explained(values, by):
    """The part of the variance of values (H, W, C) that the prediction `by` explains, 0 to 1."""
    return 1 - ((values - by) ** 2).sum() / ((values - values.mean((0, 1))) ** 2).sum()


# %%
shares = {"RGB, lookup": [], "ab, line": [], "ab, lookup": []}
for rgb in TRUTHS:
    L, ab = color.L(rgb), color.ab(rgb)  # (H, W, 1), (H, W, 2)
    shares["RGB, lookup"].append(explained(rgb, look_up(table(L, rgb), L)))
    shares["ab, line"].append(explained(ab, line(L, ab)))
    shares["ab, lookup"].append(explained(ab, look_up(table(L, ab), L)))
shares = {name: np.array(values) for name, values in shares.items()}

# %% tags=["claim"]
told = {name: metrics.bootstrap(values) for name, values in shares.items()}
print(f"variance explained by L, mean of {len(TRUTHS)} photographs [95 % interval]")
for name, (mean, low, high) in told.items():
    print(f"{name:12} {mean:.0%} [{low:.0%}, {high:.0%}]")
assert told["RGB, lookup"][1] > 2 * told["ab, lookup"][2]
assert told["ab, lookup"][1] > told["ab, line"][2]

# %% [markdown] deck="slide"
# ## L explains {{told["RGB, lookup"][0]:.0%}} of RGB, and {{told["ab, lookup"][0]:.0%}} of ab

# %% [markdown] deck="notes"
# One mark is one photograph. Across: what a straight line from L explains of ab. Up: what any function of L
# explains, by a lookup made from this photograph itself. All marks lie above the diagonal. The penguin is
# the lesson: a straight line explains a ninth of its color, and L tells most of it.

# %% deck="figure"
fig, (ax,) = plots.grid(1, 1, width=8, height=4.4)
ax.plot(shares["ab, line"], shares["ab, lookup"], "o")
ax.plot([0, 1], [0, 1], ":", color=plots.INK)
for name in ("king_penguin", "vintage_cars", "coffee"):
    i = list(album).index(name)
    x, y = shares["ab, line"][i], shares["ab, lookup"][i]
    label = {"va": "center", "arrowprops": {"arrowstyle": "-"}}
    ax.annotate(name.replace("_", " "), (x, y), (x + 0.06, y - 0.07), **label)
ax.set(xlabel="share of ab that a line on L explains", ylabel="… that any function explains")
ax.set(xlim=(0, 1), ylim=(0, 1))
ALT = "A lookup on L explains more of ab than a line in all photographs, far more for a penguin."
plots.show(fig, ALT)

# %% tags=["claim"]
penguin = list(album).index("king_penguin")
print(f"king penguin: a line explains {shares['ab, line'][penguin]:.0%} of ab, ", end="")
print(f"a lookup {shares['ab, lookup'][penguin]:.0%}")
assert shares["ab, lookup"][penguin] > 5 * shares["ab, line"][penguin]

# %% [markdown] deck="slide"
# ## What a lookup on L paints

# %% [markdown] deck="notes"
# First the gray photograph, then each pixel in the mean color of its lightness, then the truth. Penguin: black
# is bluish, the middle is green, so L tells. Cars: green, yellow and red have the same lightness and become
# one brown. A lookup made from the photograph itself uses the answer, so it is no colorizer.


# %% deck="figure"
def by_lookup(rgb):
    """Gray, colored by the lookup made from the photograph itself, and the photograph."""
    L = color.L(rgb)
    means = table(L, color.ab(rgb))
    return metrics.paint_gray(rgb), color.with_ab(L, look_up(means, L)), rgb


PAINTED = "king_penguin", "vintage_cars"
shown = [picture for name in PAINTED for picture in by_lookup(album[name].rgb)]
ALT = "A penguin gets its green and blue from a lookup on L; green, yellow and red cars turn brown."
plots.pictures(shown, ALT, ["gray", "mean ab of each L", "truth"] * 2, columns=3)
credits(*PAINTED)

# %% [markdown]
# So L tells a part of the color of *one* photograph: its grass has one lightness, its sky another. Can a
# colorizer use that? It does not know the photograph's own table. One table for all photographs, made from
# the training split, is all that a network without any view of the picture could learn:

# %% tags=["claim"]
train = [photo.rgb[::2, ::2].reshape(-1, 3) for photo in photos.album("train")]
everywhere = color.rgb_to_lab(np.concatenate(train))  # every fourth pixel of the split
common = table(everywhere[:, :1], everywhere[:, 1:])
errors = [color.ab(rgb) - look_up(common, color.L(rgb)) for rgb in TRUTHS]
left = sum((error**2).sum() for error in errors)
removed = 1 - left / sum((color.ab(rgb) ** 2).sum() for rgb in TRUTHS)
print(f"one table of {len(train)} photographs, used on {len(TRUTHS)} others, removes {removed:.0%}")
print("of the squared error that a gray answer (a = b = 0) has")
assert 0 < removed < told["ab, lookup"][0]

# %% [markdown]
# The best constant guess for each lightness removes little. The rest is work for a network: it must see
# *what* is light or dark.
#
# ## Values are a code for light
#
# The 128 in a file does not mean half as much light as 255. A file has 256 steps, and eyes notice small
# differences of light best in the dark. So the steps are spent there. The simplest such code is a power:
# $\text{light} = \text{value}^\gamma$. The exponent is called **gamma**. sRGB, the code of most files
# (IEC 61966-2-1), uses nearly a power. For a value $v$ in 0…1 the light $y$ is
#
# $$y = \begin{cases} v / 12.92 & v \le 0.04045 \\ \left(\frac{v + 0.055}{1.055}\right)^{2.4} & \text{else}\end{cases}$$
#
# To go from value to light is to **decode**. To go back is to **encode**.


# %%
def decode_srgb(value):
    """sRGB value in 0…1 to linear light in 0…1 (IEC 61966-2-1)."""
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


value = np.linspace(0, 1, 256)
light = decode_srgb(value)
half = float(decode_srgb(np.array(128 / 255)))

# %% [markdown]
# The formula shows an exponent of 2.4, but "gamma 2.4" is wrong. The offset 0.055 and the straight part
# bend the curve. Which single power comes closest to the whole of it?

# %% tags=["claim"]
powers = np.arange(1.8, 2.65, 0.1).round(1)
off = {power: float(np.abs(light - value**power).max()) for power in powers}
gamma = min(off, key=off.get)
print(f"128 of 255 is {half:.3f} of the light of white")
print(f"closest power: {gamma}, wrong by at most {off[gamma]:.3f}; 2.4 by {off[2.4]:.3f}")
assert gamma == 2.2 and off[2.4] > 2 * off[2.2] and half < 1 / 4

# %% [markdown] deck="slide"
# ## Gamma: half the value is {{half:.0%}} of the light

# %% [markdown] deck="notes"
# Left: sRGB and two powers. It follows the power 2.2, though its formula holds the exponent 2.4. Right, above:
# twelve equal steps of value look even. Below: twelve equal steps of light, most of them bright. The sensor
# counts light, the eye sees steps, the file stores the code.

# %% deck="figure"
fig, axes = plots.grid(1, 2, height=4, gridspec_kw={"width_ratios": [1.1, 1.2]})
axes[0].plot(value, light, label="sRGB")
for power, style in ((2.2, "--"), (2.4, ":")):
    axes[0].plot(value, value**power, style, label=f"power {power}")
axes[0].plot([128 / 255], [half], "o", color=plots.INK)
axes[0].annotate(f"  128 → {half:.3f}", (128 / 255, half), va="top")
axes[0].set(xlabel="value", ylabel="light")
axes[0].legend()
steps = np.repeat(np.linspace(0, 1, 12), 20)[None].repeat(75, 0)  # (75, 240)
by_light = np.interp(steps, light, value)  # the value that gives this light
plots.picture(axes[1], np.vstack([steps, np.ones((12, 240)), by_light]))
axes[1].set_title("equal steps of value (above)\nand of light (below)")
ALT = "Light against value sags; 128 gives 0.216. Equal steps of value look even, of light do not."
plots.show(fig, ALT)

# %% [markdown]
# What does a photograph look like when somebody forgets the code? Light that is shown as if it were values
# is too dark. Values that are encoded once more are too light. If a picture of yours looks like one of
# these, look for a missing or a second gamma.

# %% [markdown] deck="slide"
# ## Gamma forgotten, gamma twice
#
# A file stores a code, not the light. Without encoding the picture is too dark; encoded twice it is
# washed out.

# %% [markdown] deck="notes"
# Left: light shown as if it were values, the encoding was forgotten. Middle: right. Right: encoded twice. Everybody
# who handles raw data or renders pictures meets the first one; washed-out pictures are the second one.

# %% deck="figure"
forest = album["forest_path"].rgb / 255
versions = [decode_srgb(forest), forest, np.interp(forest, light, value)]
ALT = (
    "A forest path: nearly black when light is shown as values, right, and pale when encoded twice."
)
plots.pictures(versions, ALT, ["light as if it were values", "right", "encoded twice"], width=11)
credits("forest_path")

# %% [markdown]
# ### Exercise 1: from light to values (5 minutes)
#
# Write the encoding: linear light in, sRGB value out. The straight part ends where the two branches meet,
# at a light of 0.0031308.


# %% exercise="encode_srgb" minutes=5
def encode_srgb(light):
    """Linear light in 0…1, any shape, to sRGB values in 0…1."""
    ### BEGIN SOLUTION
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    ### END SOLUTION


# %% check="encode_srgb" points=2
my_encode = encode_srgb
checks.encode_srgb(encode_srgb)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Each branch of the decoding is an equation y = … v …; solve it for v.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The inverse of "add 0.055, divide by 1.055, raise to 2.4" is "raise to 1/2.4, multiply by 1.055,
# subtract 0.055". `np.where` chooses between the branches.
#
# </details>
#
# With both directions you can do what a camera does: open the aperture by one stop, which doubles the
# *light*. The next cells use your answers where their checks accept them, and the course's where not.


# %% [markdown] deck="slide"
# ## One stop brighter: double the light, not the value
#
# Middle: decode, double, encode. Right: doubled values are more than four times the light; sky and
# walls burn out.

# %% [markdown] deck="notes"
# Middle: decode, double, encode. Right: doubled values, which is about four and a half times the light; sky and
# walls are burnt out. Mixing, blurring and scaling belong to light. Ask where else: resizing, fog, shadows.

# %% deck="figure"
encode = chosen(checks.encode_srgb, my_encode, color.encode_srgb)
spires = album["white_spires"].rgb / 255
brighter = encode((2 * decode_srgb(spires)).clip(0, 1))
versions = [spires, brighter, (2 * spires).clip(0, 1)]
ALT = "White towers among dark trees; with twice the light; and with twice the values, burnt out."
plots.pictures(versions, ALT, ["as it is", "twice the light", "twice the values"], width=11)
credits("white_spires")

# %% [markdown]
# ## Light to XYZ, XYZ to Lab
#
# Three kinds of cone cells look at the light. The CIE made three sums of it, X, Y and Z. **Y is
# luminance**, how bright the light is for a human. Green counts ten times as much in it as blue. For the
# red, green and blue lamps of an sRGB screen the sums are one matrix:

# %%
XYZ_OF_LAMPS = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])  # XYZ of daylight D65, the white of an sRGB screen

# %% [markdown] deck="slide"
# ## From light to Lab
#
# Luminance adds light: $Y = 0.2127\,R + 0.7152\,G + 0.0722\,B$. Eyes answer with about a cube root:
#
# $$f(t) = \begin{cases} \sqrt[3]{t} & t > (6/29)^3 \\ t / (3 (6/29)^2) + 4/29 & \text{else}\end{cases}$$
#
# $$\begin{aligned} L^* &= 116 f(Y) - 16 \\ a^* &= 500 (f(X) - f(Y)) \\ b^* &= 200 (f(Y) - f(Z))
# \end{aligned}$$

# %% [markdown] deck="notes"
# L* depends on Y alone: a gray picture of known luminance gives it away completely. a and b are differences,
# so any gray has a = b = 0. The straight part keeps the slope finite at black; without it a network's
# gradient there would be infinite.

# %% [markdown]
# Eyes answer to light with something like a cube root, and they compare. Lab (CIE 1976) does both.
# Divide X, Y and Z by those of white, then
#
# $$f(t) = \begin{cases} \sqrt[3]{t} & t > (6/29)^3 \\ t / (3 (6/29)^2) + 4/29 & \text{else}\end{cases}$$
#
# $$L^* = 116 f(Y) - 16 \qquad a^* = 500 (f(X) - f(Y)) \qquad b^* = 200 (f(Y) - f(Z))$$
#
# Read three things off these lines. **L\* depends on Y alone**, so a gray picture of known luminance gives
# it away completely. a and b are **differences**, so every gray has a = b = 0. And f is straight near
# black, because the slope of a cube root is infinite there. A network that is trained through this
# formula would get an infinite gradient from its first black pixel, and then nothing but NaN.


# %%
def our_rgb_to_lab(rgb):
    """sRGB in 0…1, shape (…, 3), to CIELAB under D65: three steps, as written above."""
    light = decode_srgb(rgb)  # (…, 3)
    xyz = light @ XYZ_OF_LAMPS.T / WHITE  # (…, 3), white is 1, 1, 1
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


# %% tags=["claim"]
gap = np.abs(our_rgb_to_lab(rosella / 255) - rgb2lab(rosella)).max()
print(f"{rosella.size // 3:,} pixels; difference from scikit-image below 0.001: {gap < 1e-3}")
assert gap < 1e-3

# %% [markdown]
# Ten lines, and they agree with a library that many people have checked. From here on we use
# `color.rgb_to_lab`. It is the same formula, fast, for numpy, Keras and PyTorch. Some anchors:

# %% tags=["claim"]
codes = {"black": "000000", "gray 128": "808080", "white": "ffffff", "red": "ff0000"}
codes |= {"yellow": "ffff00", "green": "00ff00", "cyan": "00ffff", "blue": "0000ff"}
rgb = np.uint8([[list(bytes.fromhex(code)) for code in codes.values()]])  # (1, 8, 3)
anchors = dict(zip(codes, color.rgb_to_lab(rgb)[0].round(1) + 0.0))
for name, (L, a, b) in anchors.items():
    print(f"{name:9} L {L:5.1f}   a {a:6.1f}   b {b:6.1f}")
assert anchors["yellow"][0] > 95 and anchors["blue"][0] < anchors["gray 128"][0] - 20

# %% [markdown] deck="slide"
# ## Anchors
#
# | color | L | a | b |
# | --- | ---: | ---: | ---: |
# | white | {{anchors["white"][0]:.0f}} | {{anchors["white"][1]:.0f}} | {{anchors["white"][2]:.0f}} |
# | gray 128 | {{anchors["gray 128"][0]:.0f}} | {{anchors["gray 128"][1]:.0f}} | {{anchors["gray 128"][2]:.0f}} |
# | red | {{anchors["red"][0]:.0f}} | {{anchors["red"][1]:.0f}} | {{anchors["red"][2]:.0f}} |
# | yellow | {{anchors["yellow"][0]:.0f}} | {{anchors["yellow"][1]:.0f}} | {{anchors["yellow"][2]:.0f}} |
# | green | {{anchors["green"][0]:.0f}} | {{anchors["green"][1]:.0f}} | {{anchors["green"][2]:.0f}} |
# | blue | {{anchors["blue"][0]:.0f}} | {{anchors["blue"][1]:.0f}} | {{anchors["blue"][2]:.0f}} |
#
# Pure yellow is nearly as light as white. Pure blue is darker than a middle gray.

# %% [markdown] deck="notes"
# Ask: which L can a saturated yellow have? Only a high one. That is the gamut, next slide.

# %% [markdown]
# ## Which colors exist
#
# No screen shows a dark saturated yellow. At each L only some pairs (a, b) belong to a color that sRGB can
# show: the **gamut**. A network may answer with any pair.


# %%
def ab_plane(L, step=1.0):
    """The ab plane at one L as RGB, (S, S, 3); white where sRGB has no color. b points up."""
    axis = np.arange(-110, 110 + step, step)
    a, b = np.meshgrid(axis, axis[::-1])
    lab = np.stack([np.full_like(a, L), a, b], axis=-1).astype(np.float32)  # (S, S, 3)
    exists = color.in_gamut(lab)
    return np.where(exists[..., None], color.lab_to_rgb(lab), 1.0), exists.mean()


def draw_plane(ax, L):
    plane, share = ab_plane(L)
    ax.imshow(plane, extent=[-110, 110, -110, 110])
    ax.set(title=f"L = {L}\n{share:.0%} exists", xlim=(-90, 100), ylim=(-110, 100), xlabel="a")
    ax.set(xticks=[-50, 0, 50], yticks=[-100, -50, 0, 50])


# %% [markdown] deck="slide"
# ## The gamut at each L
#
# White: no sRGB color has this a and b at this L.

# %% [markdown] deck="notes"
# The shape moves: blue corner at the bottom when dark, yellow corner at the top when light. A predicted a of
# 80 can be right at L = 50 and impossible at L = 90.

# %% deck="figure"
fig, axes = plots.grid(1, 4, width=11, height=4, sharey=True)
for ax, L in zip(axes, (20, 45, 70, 92)):
    draw_plane(ax, L)
axes[0].set_ylabel("b")
ALT = "What sRGB shows of the ab plane: small and blue when dark, wide, a yellow sliver when light."
plots.show(fig, ALT)


# %%
def plane_png(L):
    fig, (ax,) = plots.grid(1, 1, width=4.2)
    draw_plane(ax, L)
    return plots.png(fig)


_ = widgets.frames("L", range(5, 100, 10), plane_png, "A slider moves L from 5 to 95.")

# %% tags=["claim"]
exist = {L: ab_plane(L)[1] for L in range(5, 100, 5)}
widest = max(exist, key=exist.get)
pairs = exist[widest] * 221**2
for L in (5, widest, 95):
    print(f"L = {L:2}: {exist[L]:.0%} of the square of ±110 exists")
print(f"at most {pairs:,.0f} pairs of whole a and b share one gray")
assert max(exist.values()) < 1 / 3

# %% [markdown] tags=["optional"]
# ### Exercise 2: the most colorful color (optional, 6 minutes)
#
# In polar form, a = C cos h and b = C sin h. The **hue** h is the direction, and the **chroma** C is the
# distance from gray. For one L and one hue, find the largest whole chroma that sRGB can show. Try C = 0,
# 1, 2 … 150, and ask `color.in_gamut(lab)`, which takes an array (…, 3).


# %% exercise="largest_chroma" minutes=6
def largest_chroma(L, hue):
    """Largest whole chroma in the gamut at lightness L (0…100) and hue (degrees)."""
    ### BEGIN SOLUTION
    chroma = np.arange(151.0)
    a, b = chroma * np.cos(np.radians(hue)), chroma * np.sin(np.radians(hue))
    lab = np.stack([np.full_like(chroma, L), a, b], axis=-1)
    return chroma[color.in_gamut(lab)].max()
    ### END SOLUTION


# %% check="largest_chroma" points=2
my_chroma = largest_chroma
checks.largest_chroma(largest_chroma)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `np.arange(151.0)` holds all candidates; make one array (151, 3) of Lab colors from it.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `np.cos` wants radians: `np.radians(hue)`. A boolean array indexes the candidates that exist.
#
# </details>
#
# Your function draws the border of the gamut: one call for each hue.


# %%
def farthest(L, hue):
    """The course's own: a chroma of 150, shrunk until sRGB holds it."""
    far = 150 * np.array([[np.cos(np.radians(hue)), np.sin(np.radians(hue))]], np.float32)
    return float(np.hypot(*color.within_gamut(np.full((1, 1), L, np.float32), far)[0]))


border = chosen(checks.largest_chroma, my_chroma, farthest)
hues = np.arange(0, 361, 5)
fig, (ax,) = plots.grid(1, 1, width=6.5, height=5.2)
for L, style in ((20, ":"), (50, "-"), (75, "--"), (92, "-.")):
    C = np.array([border(L, hue % 360) for hue in hues])
    ax.plot(C * np.cos(np.radians(hues)), C * np.sin(np.radians(hues)), style, label=f"L = {L}")
ax.set(xlabel="a", ylabel="b", aspect="equal")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(fig, "The border of the gamut at four L: it moves from blue at the dark end to yellow.")

# %% [markdown]
# ### Keep L, get L?
#
# So "keep L, predict a and b" has a condition: the pair must exist at that L. What if it does not? We give
# each pixel of a beach the ab of a photograph of fruits, and look at the lightness of what comes out. A library
# **clips** R, G and B into 0…1, each for itself. That moves L as well. The colorizers of this course shrink
# the chroma instead, until the color exists. Then L stays.

# %% [markdown] deck="slide"
# ## Keep L, get L? Only inside the gamut
#
# Clipping loses lightness (third picture: white is 10 or more). Less chroma at the same L keeps it.

# %% [markdown] deck="notes"
# L of a beach with the ab of fruits. Second picture: clipped. Third: how far its lightness is from the one we
# asked for, white is 10 or more. Fourth: chroma shrunk at constant L, as this course's colorizers do.

# %% deck="figure"
L_beach, ab_fruits = color.L(album["maya_beach"].rgb), color.ab(album["fruits"].rgb)
swapped = color.join(L_beach, ab_fruits)  # both (256, 384)
fits = color.in_gamut(swapped)  # (H, W)
clipped = color.lab_to_rgb(swapped)
shrunk = color.with_ab(L_beach, color.within_gamut(L_beach, ab_fruits))
lost, kept = (np.abs(color.L(made) - L_beach)[..., 0] for made in (clipped, shrunk))  # in L*
shown = [metrics.paint_gray(album["maya_beach"].rgb), clipped, np.clip(lost / 10, 0, 1), shrunk]
titles = ["L of a beach", "ab of fruits, clipped", "lost L*", "chroma shrunk"]
ALT = (
    "A gray beach; with the ab of fruits, clipped; the L* that this costs; with its chroma shrunk."
)
plots.pictures(shown, ALT, titles, width=12)
credits("maya_beach", "fruits")

# %% tags=["claim"]
print(f"{1 - fits.mean():.0%} of the pixels lie outside the gamut")
print(
    f"clipped, their L* moves by {lost[~fits].mean():.1f} on average, by {lost.max():.0f} at most"
)
print(f"inside it moves by at most 0.01: {lost[fits].max() < 0.01}")
print(f"chroma shrunk, it moves by at most 0.5 everywhere: {kept.max() < 0.5}")
assert lost[~fits].mean() > 100 * lost[fits].max() and kept.max() < 0.5 < lost.max()

# %% [markdown]
# ## A gray value is not L*
#
# A tempting shortcut: the gray picture has values 0…255, L* runs from 0 to 100, so multiply. Public
# repositories do it. But a gray value is a code for light with gamma 2.2, and L* is a code with a cube root.

# %%
gray = np.arange(256)
true_L = color.L(np.uint8(gray[:, None].repeat(3, 1)))[:, 0]  # (256,)
miss = 100 * gray / 255 - true_L

# %% [markdown] deck="slide"
# ## A gray value is not L*: up to {{np.abs(miss).max():.1f}} wrong

# %% [markdown] deck="notes"
# The two curves look close. But the error is systematic: above gray 35 or so every tone comes out too dark,
# below it too light, in every picture, before a single color is predicted.

# %% deck="figure"
fig, axes = plots.grid(1, 2, height=4, gridspec_kw={"width_ratios": [1, 1.4]})
axes[0].plot(gray, true_L, label="L* of the gray")
axes[0].plot(gray, 100 * gray / 255, "--", label="100 · gray / 255")
axes[0].legend()
axes[0].set_xlabel("gray value")
axes[1].plot(gray, miss, color=plots.LINES[1])
axes[1].axhline(0, color=plots.INK, linewidth=1)
axes[1].text(miss.argmin(), miss.min() + 0.3, f"{miss.min():.2f} at {miss.argmin()}", ha="center")
axes[1].set(title="shortcut minus L*", xlabel="gray value")
ALT = "L* of a gray lies above 100·gray/255 by up to 3.39, near 128, and below it in the dark."
plots.show(fig, ALT)

# %% [markdown]
# Three units of L* sound harmless. What do they cost? We give every photograph its own, perfect a and b,
# and only take the shortcut for L. **PSNR** is the usual score: $-10 \log_{10}$ of the mean squared error
# of RGB in 0…1, in decibels (dB). More is better. Beside it stands the gray picture: perfect L, no color.


# %%
def psnr(rgb, rgb_hat):
    """Peak signal-to-noise ratio of two pictures with values in 0…1, in dB."""
    return float(-10 * np.log10(np.mean((rgb - rgb_hat) ** 2)))


def scores(rgb):
    """PSNR of gray, of perfect ab with the shortcut's L, of perfect ab with the right L."""
    L, ab = color.L(rgb), color.ab(rgb)  # (H, W, 1), (H, W, 2)
    gray = color.with_ab(L, 0 * ab)  # three equal values a pixel
    answers = gray, color.with_ab(100 * gray[..., :1], ab), color.with_ab(L, ab)
    return [psnr(rgb / 255, answer) for answer in answers]


# %%
grays, caps, rights = np.array([scores(rgb) for rgb in TRUTHS]).T

# %% tags=["claim"]
rows = {"gray, right L": grays, "perfect ab, shortcut L": caps}
priced = {name: metrics.bootstrap(values) for name, values in rows.items()}
for name, (mean, low, high) in priced.items():
    print(f"{name:23} {mean:.1f} dB [{low:.1f}, {high:.1f}], N = {len(TRUTHS)}")
print(f"perfect ab with the right L above 80 dB everywhere: {rights.min() > 80}")
assert (rights > caps + 40).all()

# %% [markdown] deck="slide"
# ## What the shortcut costs
#
# | answer, mean of {{len(TRUTHS)}} photographs | PSNR, dB |
# | --- | ---: |
# | gray, right L | {{"%.1f [%.1f, %.1f]" % tuple(priced["gray, right L"])}} |
# | **perfect** a and b, L = 100 · gray / 255 | {{"%.1f [%.1f, %.1f]" % tuple(priced["perfect ab, shortcut L"])}} |
# | perfect a and b, right L | above 80 |
#
# No colorizer that takes the shortcut beats the second row, however good its colors.

# %% [markdown] deck="notes"
# PSNR is minus ten times the logarithm of the mean squared error of RGB. Nobody notices the cap in training: the
# loss compares a and b, and the same wrong L goes in and comes out.

# %% [markdown]
# No colorizer that takes the shortcut can beat the second row, however good its colors. And nobody notices
# in training, because the loss compares a and b only.
#
# ### Exercise 3: the right L (7 minutes)
#
# Write the function that the shortcut should have been. Use `decode_srgb` from above.


# %% exercise="gray_to_L" minutes=7
def gray_to_L(gray):
    """Gray values in 0…1 (red, green and blue are equal), any shape, to L* in 0…100."""
    ### BEGIN SOLUTION
    y = decode_srgb(gray)  # the three lamps are equal, so their luminance is the light itself
    return np.where(y > (6 / 29) ** 3, 116 * np.cbrt(y) - 16, (29 / 3) ** 3 * y)
    ### END SOLUTION


# %% check="gray_to_L" points=2
my_L = gray_to_L
checks.gray_to_L(gray_to_L)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# For a gray, R = G = B in light too, and the second row of the matrix adds up to 1. So Y is the decoded
# value.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Put the straight branch of f into 116 f(Y) − 16: the constants cancel, and (29/3)³ · Y is left.
#
# </details>
#
# One photograph with its perfect a and b, on the shortcut's L and on yours. Below each is the error, ten
# times as strong; black is none.


# %%
def course_L(gray):
    """The course's own."""
    return color.L(np.repeat(gray[..., None], 3, axis=-1))[..., 0]


# %%
to_L = chosen(checks.gray_to_L, my_L, course_L)
ship = album["cruise_ship"].rgb
gray = metrics.paint_gray(ship)[..., 0] / 255  # (H, W)
Ls = [np.float32(each)[..., None] for each in (100 * gray, to_L(gray))]
made = [color.with_ab(L, color.ab(ship)) for L in Ls]
wrong = [np.clip(10 * np.abs(rgb - ship / 255).mean(-1), 0, 1) for rgb in made]  # (H, W) each
names = ("on the shortcut's L", "on the L of to_L")
titles = [f"{name}: {psnr(ship / 255, rgb):.0f} dB" for name, rgb in zip(names, made)]
ALT = "A ship at sunset on two versions of L; the shortcut's error covers it, the other has none."
plots.pictures([*made, *wrong], ALT, [*titles, "error × 10", "error × 10"], 2)
credits("cruise_ship")

# %% [markdown]
# ## Six ways to make a photograph gray
#
# We say "the gray picture" as if there were one. There are many. A film weights the light of each wavelength
# as its emulsion does. Before *panchromatic* film, emulsions did not see red: they were **red-blind**, or
# *orthochromatic*. A colorizer that was trained on L does not know such a gray.
#
# ### Exercise 4: a film of your own (6 minutes)
#
# A film sees *light*. So: decode the three values, add the light of red, green and blue by the film's
# weights, and encode the sum. Divide the weights by their sum first, so that white stays white.


# %% exercise="film" minutes=6
def film(rgb, weights):
    """sRGB in 0…1, shape (…, 3), and three weights ≥ 0 to a film's gray values, shape (…)."""
    ### BEGIN SOLUTION
    light = decode_srgb(rgb) @ (np.asarray(weights) / np.sum(weights))
    return color.encode_srgb(light)
    ### END SOLUTION


# %% check="film" points=2
my_film = film
checks.film(film)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Three steps in this order: `decode_srgb`, a weighted sum over the last axis, and an encoding: your
# `encode_srgb` or `color.encode_srgb`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `x @ w` adds the last axis of x (…, 3) by the weights w (3,). White has light 1, 1, 1. Its sum is 1 only
# if the weights add up to 1.
#
# </details>
#
# Another way to write it, and six grays that published systems and films use:


# %%
def gray_by_light(rgb, red, green, blue):
    """Add the light of the three lamps by these weights, then encode: what a film does."""
    weighted = decode_srgb(rgb) @ np.array([red, green, blue])
    return np.interp(weighted, light, value)


WAYS = {
    "mean of values": lambda rgb: rgb.mean(-1),
    "(max + min) / 2": lambda rgb: (rgb.max(-1) + rgb.min(-1)) / 2,
    "luma, Rec. 601": lambda rgb: rgb @ np.array([0.299, 0.587, 0.114]),
    "luminance": lambda rgb: gray_by_light(rgb, *XYZ_OF_LAMPS[1]),
    "L* / 100": lambda rgb: color.L(rgb)[..., 0] / 100,
    "red-blind film": lambda rgb: gray_by_light(rgb, 0.0, 0.5, 0.5),
}

# %% [markdown] deck="slide"
# ## Six ways to make a photograph gray

# %% [markdown] deck="notes"
# Look at the hat and at the skin. Red-blind film (here: green and blue light in equal parts) turns the red hat
# black and darkens the skin, which is why faces in old photographs look weathered. A network trained on L has
# never seen such a gray. All six are "the gray picture" in some published system.

# %% deck="figure"
dancer = album["korean_dancer"].rgb[:256] / 255
six = {way: make_gray(dancer) for way, make_gray in WAYS.items()}
ALT = "A dancer with a red hat made gray in six ways: it is mid-gray in five and black on the film."
plots.pictures([dancer, *six.values()], ALT, ["the photograph", *six], columns=4)
credits("korean_dancer")

# %% [markdown]
# Now a picture of your choice. Change the first line: any photograph of the album, any three weights. Try
# a film that sees only red, (1, 0, 0): skies become dark and skin becomes light.

# %%
MY_PHOTO, MY_WEIGHTS = "vintage_cars", (0, 1, 1)  # red, green, blue


def course_film(rgb, weights):
    """The course's own."""
    return gray_by_light(rgb, *np.array(weights) / sum(weights))


through = chosen(checks.film, my_film, course_film)
mine = album[MY_PHOTO].rgb / 255
shown = [mine, through(mine, XYZ_OF_LAMPS[1]), through(mine, MY_WEIGHTS)]
titles = ["the photograph", "luminance", f"film, weights {MY_WEIGHTS}"]
ALT = "A photograph, its gray by luminance, and its gray on the film with the chosen weights."
plots.pictures(shown, ALT, titles, width=12)
credits(MY_PHOTO)

# %% [markdown]
# Which gray tells a network the truth about L? We read L* off each gray picture with the right formula, and
# compare it with the photograph's own L*.

# %% tags=["claim"]
missed = {}
for way, make_gray in WAYS.items():
    by_way = []
    for rgb in (rgb[::2, ::2] for rgb in TRUTHS):  # every fourth pixel
        gray = make_gray(rgb / 255)[..., None].repeat(3, -1).clip(0, 1)
        by_way.append(np.abs(color.L(gray) - color.L(rgb)).mean())
    missed[way] = metrics.bootstrap(np.array(by_way))
    print(f"{way:16} misses L* by {missed[way][0]:.2f}, N = {len(TRUTHS)}")
assert missed["luminance"][2] < 0.05 < missed["luma, Rec. 601"][1]
assert missed["red-blind film"][1] > max(missed[way][2] for way in list(WAYS)[:5])

# %% [markdown] deck="slide"
# ## What each gray does to L*
#
# | way to make gray | L* missed by, mean of {{len(TRUTHS)}} photographs |
# | --- | ---: |
# | luminance | {{missed["luminance"][0]:.2f}} |
# | luma, Rec. 601 | {{missed["luma, Rec. 601"][0]:.2f}} |
# | L* / 100 shown as a gray | {{missed["L* / 100"][0]:.2f}} |
# | mean of values | {{missed["mean of values"][0]:.2f}} |
# | (max + min) / 2 | {{missed["(max + min) / 2"][0]:.2f}} |
# | red-blind film | {{missed["red-blind film"][0]:.2f}} |
#
# A gray picture has a color space too. Ask which one.

# %% [markdown] deck="notes"
# Only luminance keeps L*, because L* is made of luminance and nothing else. Luma weights the values instead of
# the light, and is close. Red-blind film is the one that matters for old photographs.

# %% [markdown]
# Only luminance keeps L*, because L* is made of luminance and nothing else. The usual luma weights the
# *values* instead of the light, and is close. The red-blind film is the one that matters for old
# photographs.

# %% [markdown]
# ## Why not HSV, or the YCbCr of JPEG?
#
# Both also split a pixel into "how light" and "which color". YCbCr takes its Y from values, not from light.
# That is the luma of the table above, and it does not keep L*. HSV has a deeper problem. Its hue is an
# angle, and a network that is unsure answers with something between its candidates. Take two reds, one
# near orange and one near pink, and average them. **ΔE** says how far apart colors look. ΔE76 is the
# distance of two points in Lab. ΔE00 corrects it where saturated colors look closer (Sharma and others,
# 2005).

# %% [markdown] deck="slide"
# ## The average of two reds
#
# Hue is an angle. 349° and 11° are neighbors, and their mean as numbers is 180°: cyan.

# %% [markdown] deck="notes"
# Hue 0.97 and hue 0.03 are neighbors across the zero; their mean is 0.5, which is cyan. In Lab the mean of two
# reds is a red. Lesson 02 shows that the squared error makes every network average.

# %% deck="figure"
two = np.array([[0.97, 0.8, 0.8], [0.03, 0.8, 0.8]])  # hue, saturation, value
reds = hsv2rgb(two)
by_hsv = hsv2rgb(two.mean(axis=0))
by_lab = lab2rgb(rgb2lab(reds).mean(axis=0))
away = [deltaE_ciede2000(rgb2lab(reds), rgb2lab(mean)[None]).max() for mean in (by_hsv, by_lab)]
titles = ["a red", "another red"]
titles += [
    f"mean in {space}:\nΔE00 {far:.0f} from them" for space, far in zip(["HSV", "Lab"], away)
]
patches = [np.broadcast_to(rgb, (20, 24, 3)) for rgb in (*reds, by_hsv, by_lab)]
ALT = "Two reds; their mean in HSV is cyan, far from both; their mean in Lab is a red."
plots.pictures(patches, ALT, titles)

# %% tags=["claim"]
print(f"the HSV mean of two reds is ΔE2000 {away[0]:.0f} from them, the Lab mean {away[1]:.0f}")
assert away[0] > 5 * away[1]

# %% [markdown]
# In Lab a mean of colors lies between them, and distances mean something. A squared error needs both. That is
# why the five systems of this course predict a and b, one of them as classes (lesson 05).

# %% [markdown] tags=["optional"]
# ### How far apart do two colors look? (optional)
#
# The distance in RGB does not say what it is in Lab. Here are six pairs. The two colors of each pair differ
# by 40 in one RGB value:

# %% [markdown] deck="slide"
# ## One value changed by 40: six different ΔE

# %% [markdown] deck="notes"
# Each pair differs by 40 in one of the three values. ΔE76 is the plain distance in Lab; ΔE00 corrects it where
# saturated colors look closer than Lab says. Read the numbers aloud: they are there for everybody.

# %% deck="figure"
first = np.array([[0, 200, 0], [200, 0, 0], [0, 0, 200], 3 * [128], [230, 230, 0], 3 * [0]])
steps = np.array([[0, 40, 0], [40, 0, 0], [0, 0, 40], [40, 0, 0], [0, 0, 40], [0, 40, 0]])
names = ["green", "red", "blue", "gray", "yellow", "black"]
labs = [rgb2lab(colors / 255) for colors in (first, first + steps)]  # (6, 3) each
d76, d00 = deltaE_cie76(*labs), deltaE_ciede2000(*labs)
pairs_of_color = np.uint8(np.stack([first, first + steps], axis=1))[:, None]  # (6, 1, 2, 3)
plots.pictures(
    [pair.repeat(60, 0).repeat(50, 1) for pair in pairs_of_color],
    "Six pairs of colors, each 40 apart in one RGB value; their ΔE differs by more than factor 2.",
    titles=[f"{n}: ΔE76 {x:.0f}, ΔE00 {y:.0f}" for n, x, y in zip(names, d76, d00)],
    columns=3,
)

# %% tags=["claim"]
print(f"RGB distance 40 for all; ΔE76 {d76.min():.0f} to {d76.max():.0f}", end=", ")
print(f"ΔE2000 {d00.min():.0f} to {d00.max():.0f}")
assert min(d76.max() / d76.min(), d00.max() / d00.min()) > 2

# %% [markdown]
# ## The scale of a and b, and of a loss
#
# A network whose last layer is tanh answers between −1 and 1, so a and b are divided by a scale. 100, 110
# and 128 are common. What do the colors of sRGB need?

# %% tags=["claim"]
cube = np.stack(np.meshgrid(*[np.arange(0, 256, 5)] * 3), -1).reshape(-1, 3)  # (140608, 3)
all_ab = color.ab(np.uint8(cube))
scaled = {}
for scale in (100, 110, 128):
    reach = float(np.abs(all_ab).max() / scale)
    beyond = float((np.abs(all_ab) > scale).any(-1).mean())
    scaled[scale] = reach, beyond
    print(f"ab / {scale}: largest value {reach:.2f}, colors that do not fit {beyond:.1%}")
assert scaled[100][1] > 0 == scaled[110][1] and scaled[110][0] > 0.95 > scaled[128][0]

# %% [markdown] deck="slide"
# ## What fits into tanh
#
# | target | largest value | colors of sRGB that do not fit |
# | --- | ---: | ---: |
# | ab / 100 | {{scaled[100][0]:.2f}} | {{scaled[100][1]:.1%}} |
# | ab / 110 | {{scaled[110][0]:.2f}} | {{scaled[110][1]:.0%}} |
# | ab / 128 | {{scaled[128][0]:.2f}} | {{scaled[128][1]:.0%}} |
#
# The course divides by 110, except where a report says otherwise.

# %% [markdown] deck="notes"
# 100 cuts the blue corner off, 128 leaves a sixth of the range unused, 110 is the smallest round number that
# holds everything.

# %% [markdown]
# A training log says `val_loss: 0.01`. Is that good? The simplest colorizer of all answers a = b = 0 everywhere:
# it returns the gray picture. Here is its mean squared error, on the same photographs, under three scales that
# are in use:

# %% tags=["claim"]
squares = np.concatenate([color.ab(rgb).ravel() ** 2 for rgb in TRUTHS])
mean_square = float(squares.mean(dtype=np.float64))  # of a gray answer, in CIELAB units
SCALES = {"ab / 110": 110, "ab / 128": 128, "(ab + 128) / 255": 255}
losses = {name: mean_square / scale**2 for name, scale in SCALES.items()}
for name, loss in losses.items():
    smaller = losses["ab / 110"] / loss
    print(f"{name:17} loss of a gray answer {loss:.4f}, {smaller:.2f} times smaller than ab / 110")
assert max(losses.values()) > 5 * min(losses.values())

# %% [markdown] deck="slide"
# ## One gray answer, three "losses"
#
# | target | loss of the same gray answer | times smaller |
# | --- | ---: | ---: |
# | ab / 110 | {{losses["ab / 110"]:.4f}} | 1 |
# | ab / 128 | {{losses["ab / 128"]:.4f}} | {{losses["ab / 110"] / losses["ab / 128"]:.2f}} |
# | (ab + 128) / 255 | {{losses["(ab + 128) / 255"]:.4f}} | {{losses["ab / 110"] / losses["(ab + 128) / 255"]:.2f}} |
#
# {{len(TRUTHS)}} photographs. A loss means nothing without its scale, and nothing without the loss of a gray
# answer beside it.

# %% [markdown] deck="notes"
# The factors are (128/110) squared and (255/110) squared; they hold for any answer and any photographs. A log
# that ends at the first column has learned nothing.

# %% [markdown]
# The answer is the same, and the numbers differ by a factor of five. So every table of this course prints the
# **gray row** first, and states its scale.
#
# ### Exercise 5: read a loss (4 minutes)
#
# Turn a loss and its scale into something that you can see: the root-mean-square error of a and b in CIELAB
# units.


# %% exercise="error_in_ab" minutes=4
def error_in_ab(loss, scale):
    """Mean squared error of ab / scale, to the root-mean-square error of ab in CIELAB units."""
    ### BEGIN SOLUTION
    return scale * np.sqrt(loss)
    ### END SOLUTION


# %% check="error_in_ab" points=2
my_error = error_in_ab
checks.error_in_ab(error_in_ab)

# %% [markdown]
# <details><summary>Hint</summary>
#
# What does dividing by the scale do to an error of 10? To its square? Undo it in that order.
#
# </details>
#
# What does such an error look like? In the middle stands a gray, and around it what is one error away, in
# a and in b. First row: a colorizer that answers gray. The others have a half and a tenth of its loss.


# %%
def course_error(loss, scale):
    """The course's own."""
    return float(np.sqrt(loss * scale**2))


def around_gray(error):
    """Five patches at L = 60: gray, and what is one error away from it in a and in b."""
    ways = np.float32([[-1, 0], [0, -1], [0, 0], [1, 0], [0, 1]]) * error  # (5, 2)
    return color.with_ab(np.full((5, 1), 60, np.float32), ways)


read = chosen(checks.error_in_ab, my_error, course_error)
errors = [float(read(losses["ab / 110"] * part, 110)) for part in (1, 0.5, 0.1)]
patches = [np.broadcast_to(rgb, (14, 40, 3)) for error in errors for rgb in around_gray(error)]
ways = ("−a", "−b", "gray", "+a", "+b")
titles = [way if way == "gray" else f"{way}: {e:.0f}" for e in errors for way in ways]
ALT = "Gray between colors one error away: clear colors for a gray answer, faint for a tenth of it."
plots.pictures(patches, ALT, titles, columns=5)

# %% [markdown]
# A tenth of the loss is a third of the error: the loss is a square.
#
# ## Two claims of the reports
#
# Every lesson takes what its reports claim, states the condition, and measures. Song and Liu (2018) stand
# behind lesson 02, Gendre behind lesson 06.

# %% tags=["claim"]
capped = priced["perfect ab, shortcut L"]
course.claim(
    '"use modified value as the L value of predicted output" (Song and Liu)',
    f"modified = multiplied by 100/255; perfect a and b, {len(TRUTHS)} photographs",
    f"PSNR {capped[0]:.1f} dB [{capped[1]:.1f}, {capped[2]:.1f}]; with the right L above 80",
    "how to modify is not said: rescaling caps every model, the right formula does not",
)
assert (rights > caps + 40).all()

# %% tags=["claim"]
ways_missed = [mean for mean, _, _ in missed.values()]
course.claim(
    '"a grayscale image as input, which don\'t have any color space"',
    f"six ways to make gray, {len(TRUTHS)} photographs (Gendre)",
    f"L* missed by {min(ways_missed):.1f} to {max(ways_missed):.1f} on average",
    "fails: how it was made gray decides what its values mean",
)
assert max(ways_missed) > 5 * min(ways_missed) + 1

# %% [markdown] deck="slide"
# ## Two claims of the reports
#
# | sentence | measured here | verdict |
# | --- | --- | --- |
# | "use modified value as the L value" (Song and Liu) | rescaled, perfect color ends at {{priced["perfect ab, shortcut L"][0]:.1f}} dB | how to modify is not said; rescaling fails |
# | "a grayscale image … don't have any color space" (Gendre) | L* missed by {{min(ways_missed):.1f}} to {{max(ways_missed):.1f}} | fails |
#
# {{len(TRUTHS)}} photographs of the album's test split.

# %% [markdown] deck="notes"
# Be fair: the first sentence leaves the way open, and with the formula of exercise 3 it is right. The second is
# a natural mistake: a gray picture looks as if nothing had to be agreed about it.

# %% [markdown]
# ## Quiz
#
# **1. A friend converts gray to L by 100·g/255, trains, and sees the loss fall. What is wrong?**
#
# <details><summary>A. Nothing, the loss falls.</summary>
#
# The loss compares a and b only. It cannot see that L is off by up to 3.4.
#
# </details>
# <details><summary>B. The colors will be too saturated.</summary>
#
# The colors can be perfect. The error sits in the lightness that they are joined to.
#
# </details>
# <details><summary>C. Every picture comes out a little too dark, and its PSNR is capped.</summary>
#
# Right: the shortcut lies below L* for every middle tone, in every picture.
#
# </details>
#
# **2. In a photograph, a and b have no linear correlation with L. What follows?**
#
# <details><summary>A. Every lightness may still have its own color.</summary>
#
# Right. For example, the middle may be green and both ends blue. A straight line sees none of it.
#
# </details>
# <details><summary>B. L tells nothing about a and b.</summary>
#
# That would be independence. Correlation asks for straight lines only.
#
# </details>
# <details><summary>C. The photograph is gray.</summary>
#
# Then a and b would be 0 everywhere, and there would be no correlation to compute.
#
# </details>
#
# **3. A network answers a = 90, b = 90 for a pixel with L = 95. What will you see?**
#
# <details><summary>A. A very saturated light orange.</summary>
#
# There is no such color in sRGB: at L = 95 only a few percent of the square exist.
#
# </details>
# <details><summary>B. An error message.</summary>
#
# Conversion libraries clip silently; at most they warn.
#
# </details>
# <details><summary>C. Another color: darker if it is clipped, paler if its chroma is shrunk.</summary>
#
# Right. Clipping moves L, a and b. Shrinking the chroma keeps L, and gives a pale orange.
#
# </details>
#
# **4. Paper A reports a loss of 0.004 with (ab + 128)/255, paper B 0.012 with ab/110. Which is better?**
#
# <details><summary>A. A, its loss is three times smaller.</summary>
#
# The scales differ: 255² · 0.004 = 260, but 110² · 0.012 = 145.
#
# </details>
# <details><summary>B. B: an error of 12 against 16 in CIELAB units.</summary>
#
# Right, if they were measured on the same photographs. Exercise 5 gives both numbers.
#
# </details>
# <details><summary>C. Impossible to say without the networks.</summary>
#
# The scale is enough to compare the errors. The photographs would be the next question.
#
# </details>
#
# **5. Why does a photograph on red-blind film confuse a colorizer that was trained on L?**
#
# <details><summary>A. It is too dark.</summary>
#
# Brightness alone could be corrected. Here light and dark have changed places: reds are black.
#
# </details>
# <details><summary>B. Its gray was made by other weights, so it does not mean what the network learned.</summary>
#
# Right. The network learned how colors look in luminance, and this gray is another quantity.
#
# </details>
# <details><summary>C. Film has grain.</summary>
#
# It has, and that disturbs too. But a digital photograph through the same weights fails as well.
#
# </details>

# %% [markdown]
# ## What broke, and which lesson repairs it
#
# - **Many colors share one gray.** We can take a photograph apart and put it together without loss. But we
#   cannot fill in a and b. Lesson 02 lets a network guess, asks it to keep its squared error small, and finds
#   out what such a guess looks like.
# - **L alone tells little.** A network must see what is light or dark: a patch in lesson 02, the whole
#   picture in lesson 03, and what it shows in lesson 04.
# - **Old films made another gray.** The comparison in lesson 08 puts it to the colorizers.
#
# ## Further reading
#
# - Poynton, *The rehabilitation of gamma*, Human Vision and Electronic Imaging III, SPIE 3299, 1998.
# - CIE 15, *Colorimetry*, and IEC 61966-2-1, *sRGB*: the two standards behind the formulas.
# - Sharma, Wu and Dalal, *The CIEDE2000 color-difference formula*, Color Research and Application 30(1), 2005.
# - Zhang, Isola and Efros, *Colorful image colorization*, ECCV 2016: predicts a and b as classes.
# - The reports: Song and Liu, *Automatic Colorization System*, 2018. Gendre, *Capstone Project Proposal: Image
#   Colorization*, Udacity.

# %% [markdown] deck="slide"
# ## What is missing
#
# Up to {{pairs:,.0f}} pairs of whole a and b share one gray. Somebody has to guess.
#
# **Lesson 02:** a network guesses, and keeps its squared error small.
#
# Before that: five exercises, and a photograph of your choice on a film of your own.

# %% [markdown] deck="notes"
# A good question to end with: if a ball is red or blue with equal probability, which color makes the squared
# error smallest? Do not answer it.
