# ---
# jupyter:
#   course:
#     title: Light, numbers and Lab
#     question: Why does a colorizer predict a and b, and not red, green and blue?
#     objectives:
#       - turn sRGB values into light, XYZ and Lab with ten lines of your own, and check them
#       - say which colors exist at a given lightness, and what happens to those that do not
#       - explain why a gray value is not L*, and what the confusion costs in decibels
#       - measure how far apart two colors look, without trusting your eyes or anyone's
#       - read a published loss and say what it means in color
#     prerequisites: numpy arrays and a plot or two; no deep learning yet.
#     minutes: 45
#     running: 1
#     data: eight color photographs that scikit-image and scikit-learn install; nothing is downloaded.
#     licence: text CC BY 4.0, code MIT; the credit of every photograph is printed below.
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
# **For the instructor.** Three ideas carry this lesson: values are not light, a gray value is not
# L*, and a loss without its scale is not a number. If time is short, drop the section on distance
# and let students read it at home. Ask for predictions before each figure; the two that surprise
# most rooms are the six grays (which one is brightest?) and the three losses (which is best?).
# A student who is color-blind can do everything here: each figure prints numbers. The most
# common mistake is a picture in 0…255 floats given to a function that expects 0…1; `color` refuses
# it with a sentence, scikit-image does not.

# %%
import numpy as np
from skimage.color import deltaE_cie76, deltaE_ciede2000, hsv2rgb, lab2rgb, rgb2lab

from course_utils import color, course, photos, plots, widgets
from course_utils.checks import lesson_01 as checks

# %% [markdown] deck="slide"
# ## What we ask of a network
#
# A photograph without color, in. A plausible photograph in color, out.
#
# - **In:** one number for each pixel, how light it is
# - **Out:** the numbers that are missing
#
# Which numbers are missing? That depends on how we write color down.

# %% [markdown] deck="notes"
# Let the room answer first. Most say three: red, green, blue. Keep the answer on the board; the
# next two figures turn it into two.

# %% [markdown]
# ## A photograph is three numbers a pixel
#
# Everything in this course starts from color photographs. We take the color away, ask a network to
# put it back, and compare. These eight come with two libraries that you have already installed.

# %%
album = {photo.name: photo.rgb for photo in photos.bundled()}
for photo in photos.bundled():
    height, width, _ = photo.rgb.shape
    print(f"{photo.name:12} {width:4} × {height:3}   {photo.licence:22} {photo.author}")

# %% [markdown]
# Want your own in the album? `album["mine"] = photos.open_photo("my_photo.jpg")` reads almost any
# file, turns it upright, and says in one sentence what is wrong when it cannot.
#
# A pixel holds a value for red, green and blue, 0…255 each. Look at the three as gray pictures,
# and below them at the same photograph in **Lab**, where L says how light a pixel is, a runs from
# green (negative) to red (positive), and b from blue to yellow.

# %% [markdown] deck="slide"
# ## Three times the same picture

# %% [markdown] deck="notes"
# Upper row: a network that predicts R, G and B draws the cup three times. Lower row: L has all the
# drawing, and L is what we already have. What is left, a and b, is soft and simple.

# %% deck="figure"
coffee = album["coffee"]
lab = color.rgb_to_lab(coffee)  # (H, W, 3): L in 0…100, a and b around -110…110
layers = [coffee[..., i] for i in range(3)]
layers += [lab[..., 0] / 100, (lab[..., 1] + 110) / 220, (lab[..., 2] + 110) / 220]
plots.pictures(
    layers,
    alt="Red, green and blue of a cup of coffee look alike: each shows the whole drawing. "
    "Of L, a and b only L shows it; a and b are soft, almost flat patches.",
    titles=["red", "green", "blue", "L (lightness)", "a (green to red)", "b (blue to yellow)"],
    columns=3,
)

# %% [markdown]
# Red, green and blue draw the same cup three times. If you ask a network for them, most of its
# effort goes into repeating the brightness that the gray picture has already told it. Correlation
# says how much two layers repeat each other: 1 means one is a stretched copy of the other.

# %% [markdown] deck="slide"
# ## How much do the layers repeat each other?

# %% [markdown] deck="notes"
# Every photograph is one row. Circles: pairs among R, G, B. Squares: L with a, L with b. Ask where
# the flower differs: a red flower on green is dark or light by color, so L is not independent.


# %%
def repeats(rgb):
    """Mean absolute correlation: among R, G and B, and of L with a and b."""
    rgb_r = np.corrcoef(rgb.reshape(-1, 3).T)
    lab_r = np.corrcoef(color.rgb_to_lab(rgb).reshape(-1, 3).T)
    return np.abs(rgb_r[[0, 0, 1], [1, 2, 2]]).mean(), np.abs(lab_r[0, 1:]).mean()


among_rgb, L_with_ab = np.array([repeats(rgb) for rgb in album.values()]).T

# %% deck="figure"
fig, (ax,) = plots.grid(1, 1, height=4.2)
ax.plot(among_rgb, list(album), "o", ms=9, label=f"among R, G, B: mean {among_rgb.mean():.2f}")
ax.plot(L_with_ab, list(album), "s", ms=9, label=f"L with a, b: mean {L_with_ab.mean():.2f}")
ax.lines[1].set(markerfacecolor="none", markeredgewidth=2)
ax.set(xlim=(0, 1), xlabel="absolute correlation")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(
    fig,
    "In all photographs but one R, G and B repeat each other far more than L repeats a and b; "
    "in the flower, whose petals are both lighter and redder than the rest, equally much.",
)

# %%
print(f"N = {len(album)} photographs")
print(f"among R, G, B  {among_rgb.mean():.2f}")
print(f"L with a, b    {L_with_ab.mean():.2f}")
assert (among_rgb > L_with_ab).sum() >= 7 and among_rgb.mean() > 2 * L_with_ab.mean()

# %% [markdown]
# So we split a photograph into what we have and what we want: L goes in, a and b come out. Two
# numbers a pixel instead of three, and both almost new information. To trust this split, we build
# Lab ourselves.
#
# ## Values are a code for light
#
# The 128 in a file does not mean half as much light as 255. sRGB (IEC 61966-2-1) stores light
# roughly as its 2.4th root, because eyes notice differences in the dark and files have only 256
# steps. To get light $y$ back from a value $v$ in 0…1:
#
# $$y = \begin{cases} v / 12.92 & v \le 0.04045 \\ \left(\frac{v + 0.055}{1.055}\right)^{2.4} & \text{else}\end{cases}$$


# %%
def decode_srgb(value):
    """sRGB value in 0…1 to linear light in 0…1 (IEC 61966-2-1)."""
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


half = float(decode_srgb(np.array(128 / 255)))
print(f"128 of 255 is {half:.3f} of the light of white")

# %% [markdown] deck="slide"
# ## Half the value is a fifth of the light

# %% [markdown] deck="notes"
# Upper strip: equal steps of value look evenly spaced. Lower strip: equal steps of light, most of
# them bright. The sensor counts light, the eye sees steps, the file stores the code.

# %% deck="figure"
value = np.linspace(0, 1, 256)
fig, axes = plots.grid(1, 2, height=4, gridspec_kw={"width_ratios": [1, 1.3]})
axes[0].plot(value, decode_srgb(value))
axes[0].plot([128 / 255], [half], "o", ms=9, color=plots.LINES[1])
axes[0].annotate(f"  128 → {half:.3f}", (128 / 255, half), va="top")
axes[0].set(xlabel="sRGB value", ylabel="light")
steps = np.repeat(np.linspace(0, 1, 12), 20)[None].repeat(75, 0)  # (75, 240)
by_light = np.interp(steps, decode_srgb(value), value)  # look the value up that gives this light
plots.picture(axes[1], np.vstack([steps, np.ones((12, 240)), by_light]))
axes[1].set_title("equal steps of value (above)\nand of light (below)")
plots.show(
    fig,
    "Left: light against sRGB value, a curve that sags; value 128 gives 0.216 of the light. "
    "Right: twelve equal steps of value look even, twelve equal steps of light are mostly bright.",
)

# %% [markdown]
# ### Exercise 1: from light to values (5 minutes)
#
# A camera goes the other way. Write the encoding: linear light in, sRGB value out. The straight
# part ends where the two branches meet, at a light of 0.0031308.


# %% exercise="encode_srgb" minutes=5
def encode_srgb(light):
    """Linear light in 0…1, any shape, to sRGB values in 0…1."""
    ### BEGIN SOLUTION
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    ### END SOLUTION


# %% check="encode_srgb" points=2
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

# %% [markdown]
# ## Light to XYZ, XYZ to Lab
#
# Three kinds of cone cells look at the light. The CIE turned that into three sums, X, Y and Z;
# **Y is luminance**, how bright the light is for a human, and green counts ten times as much as
# blue. For the red, green and blue lamps of an sRGB screen the sums are one matrix:

# %%
XYZ_OF_LAMPS = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])  # XYZ of daylight D65, the white of an sRGB screen

# %% [markdown] deck="slide"
# ## From light to Lab
#
# Luminance adds light: $Y = 0.2127\,R + 0.7152\,G + 0.0722\,B$. Eyes take a root:
#
# $$f(t) = \begin{cases} \sqrt[3]{t} & t > (6/29)^3 \\ t / (3 (6/29)^2) + 4/29 & \text{else}\end{cases}$$
#
# $$\begin{aligned} L^* &= 116 f(Y) - 16 \\ a^* &= 500 (f(X) - f(Y)) \\ b^* &= 200 (f(Y) - f(Z))
# \end{aligned}$$

# %% [markdown] deck="notes"
# L* depends on Y alone: that is why a gray picture gives it away completely. a and b are
# differences, so any gray has a = b = 0. The straight part keeps the slope finite at black; without
# it a network's gradient there would be infinite.

# %% [markdown]
# Eyes answer to light with something like a cube root, and they compare. Lab (CIE 1976) does
# both. Divide X, Y and Z by those of white, then
#
# $$f(t) = \begin{cases} \sqrt[3]{t} & t > (6/29)^3 \\ t / (3 (6/29)^2) + 4/29 & \text{else}\end{cases}$$
#
# $$L^* = 116 f(Y) - 16 \qquad a^* = 500 (f(X) - f(Y)) \qquad b^* = 200 (f(Y) - f(Z))$$
#
# Read two things off these lines. **L* depends on Y alone**, so a gray picture of known luminance
# gives it away completely. And a and b are **differences**, so every gray has a = b = 0.


# %%
def our_rgb_to_lab(rgb):
    """sRGB in 0…1, shape (…, 3), to CIELAB under D65: three steps, as written above."""
    light = decode_srgb(rgb)  # (…, 3)
    xyz = light @ XYZ_OF_LAMPS.T / WHITE  # (…, 3), white is 1, 1, 1
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


gap = np.abs(our_rgb_to_lab(coffee / 255) - rgb2lab(coffee)).max()
pixels = coffee.size // 3
print(f"largest difference from scikit-image on {pixels:,} pixels below 0.001: {gap < 1e-3}")
assert gap < 1e-3

# %% [markdown]
# Why does f have a straight part? Follow the slope of the cube root toward black:

# %%
for light in (1.0, 1e-2, 1e-4, 1e-6, 1e-8):
    slope_of_root = light ** (-2 / 3) / 3
    slope_of_f = slope_of_root if light > (6 / 29) ** 3 else 1 / (3 * (6 / 29) ** 2)
    print(
        f"light {light:7.0e}   slope of the cube root {slope_of_root:9.1f}   of f {slope_of_f:5.2f}"
    )

# %% [markdown]
# At black the slope of the root is infinite. A camera's faintest noise would become visible specks,
# and a network trained through this formula would get an infinite gradient from its first black
# pixel, and then be nothing but NaN. The straight part is the repair, and in `color` it is tested.
#
# Ten lines, and they agree with a library that many people have checked; what is left comes from
# constants that the library rounds (7.787 for 1/(3 · (6/29)²)). From here on we use
# `color.rgb_to_lab`, the same formula, fast, for numpy, Keras and PyTorch. Anchors to remember:

# %% tags=["claim"]
anchors = {"black": "000000", "gray 128": "808080", "white": "ffffff", "red": "ff0000"}
anchors |= {"yellow": "ffff00", "green": "00ff00", "cyan": "00ffff", "blue": "0000ff"}
for name, code in anchors.items():
    L, a, b = color.rgb_to_lab(np.array([list(bytes.fromhex(code))], np.uint8))[0].round(1) + 0.0
    print(f"{name:9} L {L:5.1f}   a {a:6.1f}   b {b:6.1f}")

# %% [markdown] deck="slide"
# ## Anchors
#
# | color | L | a | b |
# | --- | ---: | ---: | ---: |
# | white | 100.0 | 0.0 | 0.0 |
# | gray 128 | 53.6 | 0.0 | 0.0 |
# | red | 53.2 | 80.1 | 67.2 |
# | yellow | 97.1 | −21.6 | 94.5 |
# | green | 87.7 | −86.2 | 83.2 |
# | blue | 32.3 | 79.2 | −107.9 |
#
# Pure yellow is nearly as light as white; pure blue is darker than a middle gray.

# %% [markdown] deck="notes"
# Ask: which L can a saturated yellow have? Only a high one. That is the gamut, next slide.

# %% [markdown]
# ## Which colors exist
#
# Yellow is light and blue is dark, and no screen shows a dark saturated yellow. At each L only some
# pairs (a, b) belong to a color that sRGB can show: the **gamut**. A network is free to answer
# with any pair; what lies outside gets clipped when the picture is made.


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

# %% [markdown] deck="notes"
# The shape moves: blue corner at the bottom when dark, yellow corner at the top when light. A
# predicted a of 80 can be right at L = 50 and impossible at L = 90.

# %% deck="figure"
fig, axes = plots.grid(1, 4, width=11, height=4, sharey=True)
for ax, L in zip(axes, (20, 45, 70, 92)):
    draw_plane(ax, L)
axes[0].set_ylabel("b")
plots.show(
    fig,
    "The part of the ab plane that sRGB can show at L = 20, 45, 70 and 92. It is a small patch "
    "reaching to blue when dark, widest in the middle, and a sliver reaching to yellow when light.",
)


# %%
def plane_png(L):
    fig, (ax,) = plots.grid(1, 1, width=4.2)
    draw_plane(ax, L)
    return plots.png(fig)


_ = widgets.frames("L", range(5, 100, 10), plane_png, "A slider moves L from 5 to 95.")

# %% tags=["claim"]
shares = {L: ab_plane(L)[1] for L in range(5, 100, 5)}
widest = max(shares, key=shares.get)
print(
    f"share of the ±110 square that exists: {shares[5]:.0%} at L = 5, "
    f"{shares[widest]:.0%} at L = {widest}, {shares[95]:.0%} at L = 95"
)
print(f"whole pairs (a, b) that share L = {widest}: {shares[widest] * 221**2:,.0f}")
assert max(shares.values()) < 1 / 3

# %% [markdown]
# Never more than a third of the square, and the border moves with L.
#
# ### Exercise 2: the most colorful color (6 minutes)
#
# In polar form, a = C cos h and b = C sin h: the **hue** h is the direction, the **chroma** C the
# distance from gray. For one L and one hue, find the largest whole chroma that sRGB can show. Try
# C = 0, 1, 2 … 150 and ask `color.in_gamut(lab)`, which takes an array (…, 3).


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

# %% [markdown]
# So "keep L, predict a and b" has a condition: the pair must exist at that L. What if it does not?
# We give each pixel of one photograph the color of another, and look at the lightness of what
# comes out.

# %% [markdown] deck="slide"
# ## Keep L, get L? Only inside the gamut

# %% [markdown] deck="notes"
# Middle: L of the temple, ab of the coffee. Right: how far the lightness of the result is from the one
# we asked for. Clipping changed it. Wrong color is bounded by the gamut, and it costs lightness.

# %% deck="figure"
temple = color.rgb_to_lab(album["china"][:400, :600])
L, _ = color.split(temple)  # (400, 600, 1)
_, ab = color.split(color.rgb_to_lab(coffee))  # (400, 600, 2)
swapped = color.join(L, ab)
fits = color.in_gamut(swapped)  # (400, 600)
shown = color.rgb_to_lab(color.lab_to_rgb(swapped))  # clipped to what a screen can show
lost = np.abs(shown - swapped)[..., 0]  # in L*
plots.pictures(
    [color.lab_to_rgb(temple), color.lab_to_rgb(swapped), np.clip(lost / 10, 0, 1)],
    alt="A temple; the temple with the colors of a cup of coffee; a map of lost lightness, which "
    "is bright where the sky got the saturated red of the saucer.",
    titles=["L and ab of a temple", "its L, ab of the coffee", "lost L* (white: 10 or more)"],
)

# %% tags=["claim"]
outside, moved = 1 - fits.mean(), lost[~fits].mean()
print(f"{outside:.0%} of the pixels lie outside; their L* moves by {moved:.1f} on average")
print(f"inside L* moves by at most 0.01: {lost[fits].max() < 0.01}")
assert outside > 0.05 and moved > 100 * lost[fits].max()

# %% [markdown]
# ## A gray value is not L*
#
# A tempting shortcut: the gray picture has values 0…255, L* runs 0…100, so multiply. The first
# system that we will rebuild describes its input that way, and several popular repositories do it.
# But a gray value is a code for light, and L* is not the same code.

# %% [markdown] deck="slide"
# ## A gray value is not L*

# %% [markdown] deck="notes"
# The two curves look close. The error is systematic, though: above gray 35 or so every tone comes
# out too dark, below it too light, in every picture, before a single color is predicted.

# %%
gray = np.arange(256)
true_L = color.rgb_to_lab(np.repeat(gray[:, None], 3, axis=1).astype(np.uint8))[:, 0]  # (256,)
miss = 100 * gray / 255 - true_L

# %% deck="figure"
fig, axes = plots.grid(1, 2, height=4.2, gridspec_kw={"width_ratios": [1, 1.5]})
axes[0].plot(gray, true_L, label="L* of the gray")
axes[0].plot(gray, 100 * gray / 255, "--", label="100 · gray / 255")
axes[0].legend()
axes[1].plot(gray, miss, color=plots.LINES[1])
axes[1].axhline(0, color=plots.INK, linewidth=1)
axes[1].text(miss.argmin(), miss.min() + 0.3, f"{miss.min():.2f} at {miss.argmin()}", ha="center")
axes[1].set(title="shortcut minus L*", xlabel="gray value")
axes[0].set_xlabel("gray value")
plots.show(
    fig,
    "L* of a gray lies above the line 100·gray/255 by up to 3.39, near gray 128, and below it for "
    "the darkest grays.",
)

# %% tags=["claim"]
print(f"largest miss {np.abs(miss).max():.2f} L*, at gray {np.abs(miss).argmax()}")
assert 3.3 < np.abs(miss).max() < 3.5

# %% [markdown]
# Three units of L* sound harmless. Let us price them. We give every photograph its own, perfect a
# and b, and only take the shortcut for L. **PSNR** is the usual score: $-10 \log_{10}$ of the
# mean squared error of RGB in 0…1, in decibels, more is better. Beside it stands the gray picture,
# which has perfect L and no color at all.


# %%
def psnr(rgb, rgb_hat):
    """Peak signal-to-noise ratio of two pictures with values in 0…1, in dB."""
    return float(-10 * np.log10(np.mean((rgb - rgb_hat) ** 2)))


def scores(rgb):
    """PSNR of gray, of perfect ab with the shortcut's L, of perfect ab with the right L."""
    L, ab = color.split(color.rgb_to_lab(rgb))  # (H, W, 1), (H, W, 2)
    gray = color.lab_to_rgb(color.join(L, 0 * ab))  # three equal values a pixel
    shortcut = color.join(100 * gray[..., :1], ab)
    answers = [gray, color.lab_to_rgb(shortcut), color.lab_to_rgb(color.join(L, ab))]
    return [psnr(rgb / 255, answer) for answer in answers]


grays, caps, rights = np.array([scores(rgb) for rgb in album.values()]).T

# %% tags=["claim"]
print(f"{'':12} {'gray':>6} {'perfect ab, shortcut L':>24}   (PSNR in dB, RGB in 0…1)")
for name, gray_score, cap in zip(album, grays, caps):
    print(f"{name:12} {gray_score:6.2f} {cap:24.2f}")
print(f"{'mean, N = 8':12} {grays.mean():6.2f} {caps.mean():24.2f}")
print(f"perfect ab with the right L above 90 dB everywhere: {rights.min() > 90}")
assert (rights > caps + 40).all()

# %% [markdown]
# No colorizer that takes the shortcut can beat the right-hand column, however good its colors,
# while the right L has no such cap. And nobody notices in training, because the same wrong L
# goes in and comes out.
#
# ### Exercise 3: the right L (8 minutes)
#
# Write the function that the shortcut should have been. Use `decode_srgb` from above.


# %% exercise="gray_to_L" minutes=8
def gray_to_L(gray):
    """Gray values in 0…1 (red, green and blue are equal), any shape, to L* in 0…100."""
    ### BEGIN SOLUTION
    y = decode_srgb(gray)  # the three lamps are equal, so their luminance is the light itself
    return np.where(y > (6 / 29) ** 3, 116 * np.cbrt(y) - 16, (29 / 3) ** 3 * y)
    ### END SOLUTION


# %% check="gray_to_L" points=2
checks.gray_to_L(gray_to_L)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# For a gray, R = G = B in light too, and the second row of the matrix adds up to 1. So Y is the
# decoded value.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Put the straight branch of f into 116 f(Y) − 16: the constants cancel, and (29/3)³ · Y is left.
#
# </details>

# %% [markdown]
# ## Six ways to make a photograph gray
#
# We trained ourselves to say "the gray picture", as if there were one. One of our sources studies
# how a photograph becomes gray, and calls the result a picture without a color space. Six
# ways, from a lazy mean to the films of 1900, which did not see red at all:


# %%
def gray_by_light(rgb, red, green, blue):
    """Add the light of the three lamps by these weights, then encode: what a film does."""
    light = decode_srgb(rgb) @ np.array([red, green, blue])
    return np.interp(light, decode_srgb(value), value)


WAYS = {
    "mean of values": lambda rgb: rgb.mean(-1),
    "(max + min) / 2": lambda rgb: (rgb.max(-1) + rgb.min(-1)) / 2,
    "luma, Rec. 601": lambda rgb: rgb @ np.array([0.299, 0.587, 0.114]),
    "luminance": lambda rgb: gray_by_light(rgb, *XYZ_OF_LAMPS[1]),
    "L* / 100": lambda rgb: color.rgb_to_lab(rgb)[..., 0] / 100,
    "red-blind film": lambda rgb: gray_by_light(rgb, 0.0, 0.5, 0.5),
}

# %% [markdown] deck="slide"
# ## Six ways to make a photograph gray

# %% [markdown] deck="notes"
# Look at the red saucer. The red-blind film (orthochromatic, here: green and blue light in equal
# parts) turns it black; it darkens skin too, and that is why faces in old photographs look
# weathered. A network trained on L has never seen such a gray.

# %% deck="figure" picture="six_grays"
cup = coffee[20:380, 60:540] / 255
six = {way: make_gray(cup) for way, make_gray in WAYS.items()}
plots.pictures(
    list(six.values()),
    alt="A red cup and saucer made gray in six ways. The saucer is mid-gray in five of them and "
    "almost black on red-blind film.",
    titles=[f"{way} (mean {gray.mean():.2f})" for way, gray in six.items()],
    columns=3,
)

# %%
fig, axes = plots.grid(1, 6, width=11, height=2, sharey=True)
for ax, (way, gray) in zip(axes, six.items()):
    ax.hist(gray.ravel(), bins=40, range=(0, 1), color=plots.INK)
    ax.set_title(way, fontsize=10)
    ax.set(yticks=[], xticks=[0, 1])
plots.show(
    fig,
    "Histograms of the six grays: five have their peak between 0.3 and 0.5, the red-blind film "
    "piles up at zero, and L*/100 lies furthest to the right.",
)

# %% [markdown]
# Which of them tells a network the truth about L? We read L* off each gray picture with the right
# formula and compare it with the photograph's own.

# %% tags=["claim"]
miss_of = {}
for way, make_gray in WAYS.items():
    misses = []
    for rgb in album.values():
        gray = np.repeat(make_gray(rgb / 255)[..., None], 3, axis=-1).clip(0, 1)
        misses.append(np.abs(color.rgb_to_lab(gray) - color.rgb_to_lab(rgb))[..., 0].mean())
    miss_of[way] = np.mean(misses)
    print(f"{way:16} misses L* by {miss_of[way]:5.2f} on average (N = 8 photographs)")
assert miss_of["luminance"] < 0.05 < miss_of["luma, Rec. 601"]
assert max(miss_of, key=miss_of.get) == "red-blind film"

# %% [markdown]
# Only luminance keeps L*, because L* is made of luminance and nothing else. The usual luma weights
# the *codes* instead of the light, and is close. The red-blind film is the one that matters: early
# emulsions did not see red, and a model trained on L meets another world there. Lesson 07 measures
# the drop.

# %% [markdown] deck="slide"
# ## What each gray does to L*
#
# | way to make gray | L* missed by |
# | --- | ---: |
# | luminance | 0.00 |
# | luma, Rec. 601 | 1.13 |
# | L* / 100 shown as a gray | 2.05 |
# | mean of values | 2.13 |
# | (max + min) / 2 | 2.25 |
# | red-blind film | 6.60 |
#
# Mean over eight photographs. A gray picture has a color space too: ask which.

# %% [markdown] deck="notes"
# Before panchromatic film became common, emulsions did not see red. Point out that all six are "the gray picture" in some published system.

# %% [markdown]
# ## How far apart do two colors look?
#
# Lab was built so that distance means difference. **ΔE** (CIE 1976) is the distance of two points
# in Lab. About 2 is just visible side by side, 10 is plain, 50 is another color. RGB distance
# does not work that way:

# %% [markdown] deck="slide"
# ## The same RGB step, six different ΔE

# %% [markdown] deck="notes"
# Each pair differs by 40 in one of the three values. ΔE76 is the plain distance in Lab; ΔE2000
# corrects it where saturated colors look closer than Lab says. Read the numbers aloud: they are
# there for everybody, color-blind or not.

# %% deck="figure"
first = np.array([[0, 200, 0], [200, 0, 0], [0, 0, 200], [128, 128, 128], [230, 230, 0], [0, 0, 0]])
steps = np.array([[0, 40, 0], [40, 0, 0], [0, 0, 40], [40, 0, 0], [0, 0, 40], [0, 40, 0]])
names = ["green", "red", "blue", "gray", "yellow", "black"]
pairs = [rgb2lab(colors / 255) for colors in (first, first + steps)]  # (6, 3) each
d76, d00 = deltaE_cie76(*pairs), deltaE_ciede2000(*pairs)
fig, axes = plots.grid(2, 3, height=4.6)
for i, ax in enumerate(axes):
    patch = np.stack([first[i], first[i] + steps[i]]).astype(np.uint8)[None]  # (1, 2, 3)
    patch = patch.repeat(60, 0).repeat(50, 1)  # (60, 100, 3)
    plots.picture(ax, patch, f"{names[i]}: ΔE76 {d76[i]:.1f}, ΔE00 {d00[i]:.1f}")
plots.show(
    fig,
    "Six pairs of colors, each 40 apart in one RGB value: their ΔE ranges from about 5 to 33 "
    "by CIE 1976, and the order is not what RGB says.",
)

# %% tags=["claim"]
print(
    f"RGB distance 40 for all six; ΔE76 from {d76.min():.1f} to {d76.max():.1f}, "
    f"ΔE2000 from {d00.min():.1f} to {d00.max():.1f}"
)
assert d76.max() > 2 * d76.min()

# %% [markdown]
# Try pairs of your own. The line below them says in words and numbers what your eyes may or may
# not: one man in twelve sees some of these pairs as equal.

# %%
HUES = ["pink", "red", "orange", "yellow", "green", "turquoise", "blue", "violet", "pink"]
HUE_ENDS = [15, 48, 78, 112, 165, 230, 312, 340]  # degrees in the ab plane, where a name ends


def describe(first, second):
    """Two RGB colors in words and numbers."""
    labs = rgb2lab(np.stack([first, second]))
    lines = []
    for L, a, b in labs:
        hue = HUES[np.searchsorted(HUE_ENDS, np.degrees(np.arctan2(b, a)) % 360)]
        word = "gray" if np.hypot(a, b) < 5 else hue
        lines.append(f"{word:9} L {L:5.1f}  a {a:6.1f}  b {b:6.1f}")
    return "\n".join(
        [*lines, f"ΔE76 {deltaE_cie76(*labs):.1f}   ΔE2000 {deltaE_ciede2000(*labs):.1f}"]
    )


print(describe(np.array([0.8, 0.1, 0.1]), np.array([0.4, 0.35, 0.1])))
_ = widgets.color_pair("#cc1a1a", "#66591a", describe, "Two color pickers and their ΔE.")

# %% [markdown]
# ### Exercise 4: ΔE (4 minutes)
#
# Write the CIE 1976 difference for whole arrays of Lab colors.


# %% exercise="delta_e" minutes=4
def delta_e(first, second):
    """Lab colors of shape (…, 3), twice, to their CIE 1976 difference of shape (…)."""
    ### BEGIN SOLUTION
    return np.sqrt(((first - second) ** 2).sum(axis=-1))
    ### END SOLUTION


# %% check="delta_e" points=1
checks.delta_e(delta_e)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Subtract, square, add over `axis=-1`, take the root.
#
# </details>

# %% [markdown]
# ## Why not HSV, or the YCbCr of JPEG?
#
# Both also split a pixel into "how light" and "which color", and both are cheaper. YCbCr takes its
# Y from codes, not from light; that is the luma of the table above, and it does not keep L*. HSV
# has a deeper problem. Its hue is an angle, and a network that is unsure answers with something
# between its candidates. Take two reds, one leaning to orange and one to pink, and average them:

# %% [markdown] deck="slide"
# ## The average of two reds

# %% [markdown] deck="notes"
# Hue 0.97 and hue 0.03 are neighbors across the zero; their mean is 0.5, which is cyan. In Lab the
# mean of two reds is a red. Lesson 02 shows that squared error makes every network average.

# %% deck="figure"
two = np.array([[0.97, 0.8, 0.8], [0.03, 0.8, 0.8]])  # hue, saturation, value
reds = hsv2rgb(two)
by_hsv = hsv2rgb(two.mean(axis=0))
by_lab = lab2rgb(rgb2lab(reds).mean(axis=0))
away = [deltaE_ciede2000(rgb2lab(reds), rgb2lab(mean)[None]).max() for mean in (by_hsv, by_lab)]
fig, axes = plots.grid(1, 4, height=3)
titles = ["a red", "another red"]
titles += [f"{space} mean:\nΔE00 {far:.0f} from them" for space, far in zip(["HSV", "Lab"], away)]
for ax, rgb, title in zip(axes, [*reds, by_hsv, by_lab], titles):
    plots.picture(ax, np.broadcast_to(rgb, (20, 24, 3)), title)
plots.show(fig, "Two reds; their mean in HSV is cyan, far from both; their mean in Lab is a red.")

# %% tags=["claim"]
print(f"the HSV mean of two reds is ΔE2000 {away[0]:.0f} from them, the Lab mean {away[1]:.0f}")
assert away[0] > 5 * away[1]

# %% [markdown]
# Lab survives averaging, and its distances mean something. Those are the two properties that a
# squared error needs, and they are why nearly every colorizer since 2016 predicts a and b.

# %% [markdown]
# ## What fits into tanh
#
# A network that ends in tanh answers between −1 and 1, so a and b must be divided by a scale. Our
# sources use 128; 110 and 100 are common too. What do the colors of sRGB need?

# %% [markdown] deck="slide"
# ## What fits into tanh

# %% [markdown] deck="notes"
# The lines are the three scales. 100 cuts the blue corner off, 128 leaves a sixth of the range
# unused, 110 is the smallest round number that holds everything. The course divides by 110 except
# where a paper says otherwise.

# %%
cube = np.stack(np.meshgrid(*[np.arange(0, 256, 5)] * 3), -1).reshape(-1, 3)  # (140608, 3)
ab = color.rgb_to_lab(cube.astype(np.uint8))[:, 1:]

# %% deck="figure"
fig, axes = plots.grid(1, 2, height=4.2, sharey=True)
for i, ax in enumerate(axes):
    ax.hist(ab[:, i], bins=60, range=(-135, 135), color=plots.LINES[i])
    for scale, style in ((100, ":"), (110, "-"), (128, "--")):
        ax.axvline(-scale, linestyle=style, color=plots.INK, label=f"±{scale}")
        ax.axvline(scale, linestyle=style, color=plots.INK)
    low, high = ab[:, i].min(), ab[:, i].max()
    ax.set(title=f"{'ab'[i]}: {low:.1f} to {high:.1f}".replace("-", "−"), yticks=[])
    ax.spines["left"].set_visible(False)
axes[1].legend(loc="upper right", fontsize=10, frameon=True)
plots.show(
    fig,
    "Histograms of a and b over the sRGB cube. a stays within 100; b reaches below -100 "
    "in a small tail of saturated blue, and nothing reaches 110.",
)

# %% tags=["claim"]
for scale in (100, 110, 128):
    reach = np.abs(ab).max() / scale
    beyond = (np.abs(ab) > scale).any(-1).mean()
    print(f"ab / {scale}: largest value {reach:.3f}, colors that do not fit {beyond:.2%}")
assert np.abs(ab).max() < 110 and np.abs(ab).max() > 100

# %% [markdown]
# ## The same picture, three losses
#
# A training log says `val_loss: 0.0155`. Is that good? The simplest colorizer of all answers
# a = b = 0 everywhere: it returns the gray picture. Its mean squared error, under three scales
# that published systems use:

# %%
squares = np.concatenate([color.rgb_to_lab(rgb)[..., 1:].ravel() ** 2 for rgb in album.values()])
mean_square = squares.mean()  # of a gray answer, in CIELAB units
losses = {"ab / 128": 128, "ab / 110": 110, "(ab + 128) / 255": 255}
losses = {name: mean_square / scale**2 for name, scale in losses.items()}

# %% tags=["claim"]
for name, loss in losses.items():
    ratio = max(losses.values()) / loss
    print(f"{name:17} loss of a gray picture {loss:.4f}, largest divided by it {ratio:.2f}")
assert max(losses.values()) > 4 * min(losses.values())

# %% [markdown] deck="slide"
# ## One gray picture, three "losses"
#
# | target | divide by | loss of the same answer |
# | --- | ---: | --- |
# | ab / 110 | 110 | largest |
# | ab / 128 | 128 | 1.35 times smaller |
# | (ab + 128) / 255 | 255 | 5.37 times smaller |
#
# A loss means nothing without its scale, and nothing without the loss of a gray picture beside it.

# %% [markdown] deck="notes"
# 1.35 is (128/110) squared, 5.37 is (255/110) squared. On a large set of web photographs a gray
# answer scores about 0.0155 at ab/128: a log that ends there has learned nothing.

# %% [markdown]
# The picture is the same, the numbers differ by a factor of five. On ImageNet photographs, zero
# scores 0.0155 at ab/128: that log has learned nothing. So every table of this course prints the
# gray row first, and states its scale.
#
# ### Exercise 5: read a loss (5 minutes)
#
# Turn a loss and its scale into something you can feel: the root-mean-square error of a and b in
# CIELAB units.


# %% exercise="error_in_ab" minutes=5
def error_in_ab(loss, scale):
    """Mean squared error of ab / scale, to the root-mean-square error of ab in CIELAB units."""
    ### BEGIN SOLUTION
    return scale * np.sqrt(loss)
    ### END SOLUTION


# %% check="error_in_ab" points=2
checks.error_in_ab(error_in_ab)

# %% [markdown]
# <details><summary>Hint</summary>
#
# What does dividing by the scale do to an error of 10? To its square? Undo it in that order.
#
# </details>

# %% [markdown]
# ## Claims on trial
#
# Every lesson takes what its sources claim, states the condition, and measures. Song and Liu
# (2018) are the source of lesson 02, Gendre of lesson 06.

# %% tags=["claim"]
course.claim(
    "the gray value, rescaled, may stand in for L (Song and Liu)",
    f"perfect a and b, {len(album)} photographs",
    f"PSNR capped at {np.mean(caps):.1f} dB on average, {min(caps):.1f} to {max(caps):.1f}",
    "fails: the right L costs nothing and has no cap",
)
assert (rights > caps + 40).all()

# %% tags=["claim"]
course.claim(
    "Lab leaves only two numbers to predict (Song and Liu)",
    "L of one photograph, a and b of another",
    f"L kept within 0.01 inside the gamut; {outside:.0%} of the pixels fall outside",
    "holds, as long as the predicted pair exists at that L",
)
assert lost[fits].max() < 0.01

# %% tags=["claim"]
course.claim(
    "a gray picture has no color space (Gendre)",
    f"six ways to make gray, {len(album)} photographs",
    f"L* missed by {min(miss_of.values()):.1f} to {max(miss_of.values()):.1f} on average",
    "fails: how it was made gray decides what its values mean",
)
assert max(miss_of.values()) > 5 * miss_of["luminance"] + 1

# %% tags=["claim"]
course.claim(
    "the value of the loss does not reflect quality (Song and Liu)",
    f"one gray answer for {len(album)} photographs, three scales of ab",
    f"loss {min(losses.values()):.4f} to {max(losses.values()):.4f}",
    "holds across scales; within one scale lesson 02 looks again",
)
assert max(losses.values()) > 5 * min(losses.values())

# %% [markdown] deck="slide"
# ## Claims on trial
#
# | claim | verdict |
# | --- | --- |
# | L may be the rescaled gray value | fails: caps perfect color at 33.0 dB |
# | Lab leaves two numbers to predict | holds inside the gamut |
# | a gray picture has no color space | fails: L* off by 0.0 to 6.6 |
# | the loss does not reflect quality | holds: one answer, a factor of 5.37 |

# %% [markdown] deck="notes"
# N = 8 photographs, at their own size. Eight is few: later lessons use hundreds and print
# intervals. The sign of each verdict does not hang on it: look at the ranges in the notebook.

# %% [markdown]
# ## Quiz
#
# **1. A friend converts gray to L by 100·g/255, trains, and sees the loss fall nicely. What is
# wrong?**
#
# <details><summary>A. Nothing, the loss falls.</summary>
#
# The loss compares a and b only; it cannot see that L is off by up to 3.4.
#
# </details>
# <details><summary>B. The colors will be too saturated.</summary>
#
# The colors can be perfect. The error sits in the lightness that is joined to them.
#
# </details>
# <details><summary>C. Every picture comes out a little too dark, and PSNR is capped.</summary>
#
# Right: the shortcut lies below L* for every mid-tone, in every picture.
#
# </details>
#
# **2. A network answers a = 90, b = 90 for a pixel with L = 95. What will you see?**
#
# <details><summary>A. A very saturated light orange.</summary>
#
# There is no such color in sRGB: at L = 95 only a few percent of the square exist.
#
# </details>
# <details><summary>B. Something else: the pair is clipped, and its lightness changes too.</summary>
#
# Right. Clipping happens in RGB and moves all three of L, a and b.
#
# </details>
# <details><summary>C. An error message.</summary>
#
# Conversion libraries clip silently; at most they warn.
#
# </details>
#
# **3. Paper A reports a loss of 0.004 with (ab + 128)/255, paper B 0.012 with ab/110. Which is
# better?**
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
# The scale is enough to compare the errors; the data would be the next question.
#
# </details>
#
# **4. Why does a photograph on red-blind film confuse a colorizer that was trained on L?**
#
# <details><summary>A. It is too dark.</summary>
#
# Brightness alone could be corrected. Here light and dark have changed places: reds are black.
#
# </details>
# <details><summary>B. Its gray was made by other weights, so gray no longer means what the network
# learned.</summary>
#
# Right. The network learned how colors look in luminance, and this gray is another quantity.
#
# </details>
# <details><summary>C. Film has grain.</summary>
#
# It has, and lesson 07 looks at it. But a digital photograph through the same weights fails too.
#
# </details>

# %% [markdown]
# ## What broke, and which lesson repairs it
#
# We can take a photograph apart and put it together again without loss. What we cannot do is
# fill in a and b: at a middle lightness some 15,000 pairs of whole a and b share one gray. Lesson 02 lets a network
# guess, asks it to keep its squared error small, and finds out what such a guess looks like when
# a thing may have several colors.

# %% [markdown] deck="slide"
# ## What is missing
#
# Some 15,000 pairs of whole a and b share one middle gray. Somebody has to guess.
#
# **Lesson 02:** a network guesses, and keeps its squared error small.
#
# Before that: five exercises, a quiz, and your own photograph in the album.

# %% [markdown] deck="notes"
# Exercises take about 25 minutes. A good question to end with: if a ball is red or blue with equal
# probability, which color makes the squared error smallest? Do not answer it.
