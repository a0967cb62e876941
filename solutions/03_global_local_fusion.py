# ---
# jupyter:
#   course:
#     title: Global and local features
#     question: When is a patch not enough?
#     objectives:
#       - say what a window of a picture can know about a color, and what it cannot
#       - compute a receptive field, and measure it by gradients
#       - rebuild a published network of five parts from its tables, and count its parameters
#       - write a fusion layer in Keras, train it, and prove with a control what it is worth
#       - tell what a network could see from what it uses
#     prerequisites: lesson 02 (the squared error, its floor, regret, Keras models).
#     running: 4
#     data: painted scenes, drawn here, and the course's album of photographs, each under its own
#       licence (CREDITS.md in the album); stored numbers come from photographs that are not
#       redistributed.
#     licence: text CC BY 4.0, code MIT.
#     extras: [keras, onnx]
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
# **For the instructor.** One question carries this lesson: what can be known from where you stand? A
# window of 31 pixels in a lake looks the same at noon and at dusk, to the bit, and the lake has two
# colors. Show the first figure, cover the sun with your hand, and let the room color the lake. Let the
# room bet before the live training: three networks, which of them gets the lake right? Most rooms bet
# that the one with the wide window does. It does not, and that is the lesson: a receptive field says
# what a network cannot know, not what it uses. Where a room goes wrong: it takes the blind control for
# a network without a branch (it has the same parameters; only the picture in front of the branch is
# empty), and it reads "relies on the vector" as "is better for it". If time is short, leave out *Any
# size, and how long it takes*, and show exercise 4's figure without the exercise. Students will ask
# whether attention would do all this. It would; lesson 11 does.

# %% tags=["export"]
import keras
import numpy as np

from course_utils import batches, color, paintbox, training

# %%
training.keras_on(session.device)  # before anything is built

# %%

import tensorflow as tf

from course_utils import course, metrics, photos, plots
from course_utils.checks import chosen
from course_utils.checks import lesson_03 as checks
from course_utils.colorizer import Colorizer

tf.config.run_functions_eagerly(session.profile == "ci")  # few steps do not pay for compiling
tf.get_logger().setLevel("ERROR")

# %% [markdown] deck="slide"
# ## When is a patch not enough?
#
# - A network that sees 31 pixels can tell *what* a thing is: water, leaves, cloud
# - It cannot tell *when*: noon or dusk, summer or autumn
# - So give it one more input: a short vector about the **whole picture**
#
# Iizuka, Simo-Serra and Ishikawa built it in 2016. Our report (Kaushik and others) restates it.

# %% [markdown] deck="notes"
# Ask first: which things in a photograph cannot be colored from a small piece of it? Sea and lake,
# sky, snow, leaves, the wall of a room. All of them depend on light, weather or season.

# %% [markdown]
# ## One lake, two colors
#
# Lesson 02 ended with a network that gave the same lake color at noon and at dusk. Was it too small, or
# trained too briefly? Or is there nothing to learn where it looks? In the painted world this question has
# an exact answer. Here is one scene twice. Everything was drawn with the same random numbers. Only the
# time of day differs, and with it the height of the sun.

# %%
noon, dusk = (paintbox.sample(1, size=128, seed=13, time=time) for time in ("noon", "dusk"))
SUN, LAKE = (3, 3, 28), (96, 94, 31)  # top, left and side of a box


def framed(ax, top, left, height, width, **style):
    """Draw a box on a picture."""
    style = {"fill": False, "linewidth": 2.5, "edgecolor": plots.LINES[1]} | style
    ax.add_patch(plots.plt.Rectangle((left - 0.5, top - 0.5), width, height, **style))


# %% [markdown] deck="slide"
# ## The same scene at noon and at dusk
#
# In gray, only the sun differs (upper box). The lower box, 31 pixels of the lake, is the same bit
# for bit.

# %% [markdown] deck="notes"
# Left two: what a network sees. They differ in the sun only, in the upper box. The lower box is a
# window of 31 pixels in the lake: bit for bit the same. Right two: the true colors. Cover the sun and
# ask for the color of the lake.

# %% deck="figure"
images = [scene.panels()["gray"][0] for scene in (noon, dusk)] + [noon.rgb[0], dusk.rgb[0]]
fig, axes = plots.grid(1, 4, height=2.8)
for ax, image, title in zip(axes, images, ("noon, gray", "dusk, gray", "noon", "dusk")):
    plots.picture(ax, image, title)
    for top, left, side in (SUN, LAKE):
        framed(ax, top, left, side, side)
plots.show(
    fig,
    "One scene, gray at noon and at dusk, then in color. The gray pictures differ only around the "
    "sun; the lake is blue at noon and pinkish purple at dusk.",
)

# %% tags=["claim"]
rows, _ = np.nonzero((noon.L != dusk.L)[0, ..., 0])  # where the gray pictures differ
lake = noon.regions == paintbox.NAMES.index("lake")  # (1, H, W)
gap = np.nonzero(lake[0])[0].min() - rows.max()
apart = np.hypot(*(noon.expected_ab() - dusk.expected_ab())[lake].mean(0))
print(f"gray differs in rows {rows.min()} to {rows.max()} only; the lake begins {gap} rows below")
print(f"the lake: L identical {np.array_equal(noon.L[lake], dusk.L[lake])}, color ΔE {apart:.0f}")
assert np.array_equal(noon.L[lake], dusk.L[lake]) and gap >= 60 and apart > 20

# %% [markdown]
# A window of 31 pixels in this lake holds **no** information about its color. No layer, no loss and no
# training can find what is not there. The best answer from such a window is the mean over both times of
# day, weighted by how often each occurs. Somebody who sees the whole picture can do better.
#
# How much better? We measure **regret**: the squared distance from the best answer of somebody who sees
# everything. We measure it where a cue decides (cloud, lake and grove), and elsewhere.

# %% tags=["export"]
CUED = [paintbox.NAMES.index(name) for name in ("cloud", "lake", "grove")]


def split_regret(scenes, ab_hat):
    """Regret of each scene where the color depends on a cue, (n,), and everywhere else, (n,)."""
    error = ((ab_hat - scenes.expected_ab()) ** 2).mean(-1)  # (n, H, W)
    cued = np.isin(scenes.regions, CUED)  # (n, H, W)
    return [np.array([e[m].mean() for e, m in zip(error, mask)]) for mask in (cued, ~cued)]


# %% tags=["claim"]
validation = paintbox.sample(60, size=64, seed=2)  # scenes that no network learns from
known = {"gray": 0 * validation.ab, "best for a window": validation.expected_ab("local")}
known["best for the whole picture"] = validation.expected_ab()
regrets = {k: [float(x.mean()) for x in split_regret(validation, ab)] for k, ab in known.items()}
print(f"{'regret on 60 scenes':28} where a cue decides   elsewhere")
for name, (cued, elsewhere) in regrets.items():
    print(f"{name:28} {cued:18.1f}   {elsewhere:9.1f}")
local_cued, local_else = regrets["best for a window"]
assert local_else == 0 and local_cued > 100

# %% [markdown] deck="slide"
# ## What a window can know
#
# | regret, {{len(validation)}} scenes | where a cue decides | elsewhere |
# | --- | ---: | ---: |
# | gray | {{regrets["gray"][0]:.0f}} | {{regrets["gray"][1]:.0f}} |
# | best for a window of 31 pixels | {{local_cued:.0f}} | {{local_else:.0f}} |
# | best for the whole picture | {{cued:.0f}} | {{elsewhere:.0f}} |
#
# A window is enough for most of the picture. Where a cue decides, nothing inside it helps.

# %% [markdown] deck="notes"
# Regret is measured from the best answer that knows everything, so the last line is zero by
# definition. The middle line is the floor of every local network. Keep this number in mind: it
# returns in two figures.

# %% [markdown]
# ## Five parts
#
# The report's network has two branches. One keeps the places, as in lesson 02. The other turns the whole
# picture into a **vector** of 256 numbers. A **fusion layer** joins them at every position $(p, q)$:
#
# $$y_{p,q} = \mathrm{ReLU}\left(b + W \begin{bmatrix} y^{\mathrm{global}} \\ y^{\mathrm{local}}_{p,q} \end{bmatrix}\right)$$

# %%
PARTS = "picture", "low-level", "mid-level", "copy", "low-level again", "global", "fusion", "color"
SHAPES = "H × W × 1", "H/8 × W/8 × 512", "H/8 × W/8 × 256", "224 × 224 × 1", "28 × 28 × 512"
SHAPES += "256 numbers", "H/8 × W/8 × 256", "H × W × 2"
STAND = (0, 1), (1, 1), (2, 1), (0, 0), (1, 0), (2, 0), (3, 0.5), (4, 0.5)  # from left and below
ARROWS = [(0, 1), (1, 2), (2, 6), (0, 3), (3, 4), (4, 5), (5, 6), (6, 7)]


# %% [markdown] deck="slide"
# ## Two branches that share their first layers
#
# Above: every place keeps its features. Below: one vector about the whole picture. Fusion gives the
# vector to every place.

# %% [markdown] deck="notes"
# Follow the picture along the upper row and its copy along the lower one. The low-level layers are
# used twice, with the same weights. Only the lower row ends in a vector; only the upper row keeps its
# places. The fusion layer gives every place the vector.

# %% deck="figure"
fig, (ax,) = plots.grid(1, 1, width=10, height=2.6)
style = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": plots.INK}
for name, out, at in zip(PARTS, SHAPES, STAND):
    ax.annotate(f"{name}\n{out}", at, ha="center", va="center", bbox=style, fontsize=11)
for (x0, y0), (x1, y1) in ((STAND[i], STAND[j]) for i, j in ARROWS):
    dx, dy = (0, 0.26) if x0 == x1 else (0.4, 0)  # from border to border
    ax.annotate("", (x1 - dx, y1 + dy), (x0 + dx, y0 - dy), arrowprops={"arrowstyle": "->"})
ax.set(xlim=(-0.5, 4.5), ylim=(-0.35, 1.35))
ax.set_axis_off()
plots.show(
    fig,
    "A diagram: the picture goes through low-level and mid-level layers and keeps its places; its "
    "copy becomes 256 numbers; a fusion layer joins the two, and the color net answers.",
)

# %% [markdown]
# Here it is in Keras, from the report's tables. Four things in them are open, and this is how we read them:
#
# 1. Table 1 lists eight low-level layers. The global branch needs the 512 channels *before* the last two.
#    So we take six low-level layers and two **mid-level** layers, as Iizuka and others do.
# 2. Table 3 ends at half size, while the text says that the output has the size of the input. We add a last
#    upsampling.
# 3. The first row of Table 3 merges two layers. We read: fusion with 1 × 1 kernels to 256, then a 3 × 3
#    convolution to 128.
# 4. The paper that it restates also names the kind of place (205 classes). The report leaves that out.


# %% tags=["export"]
def conv(filters, stride=1, kernel=3, activation="relu", dtype=None):
    start = "he_normal"  # keeps the size of the signal through many layers of ReLU
    options = {"activation": activation, "kernel_initializer": start, "dtype": dtype}
    return keras.layers.Conv2D(filters, kernel, stride, "same", **options)


def chain(name, *layers):
    return keras.Sequential(list(layers), name=name)


def low_level():
    plan = [(64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1)]
    return chain("low", *[conv(*step) for step in plan])  # (N, H/8, W/8, 512)


def mid_level():
    return chain("mid", conv(512), conv(256))  # (N, H/8, W/8, 256)


# %% [markdown]
# The global branch goes on from the low-level maps of the copy. At the end it **flattens** a grid of 7 × 7
# positions into 25,088 numbers. Why not take the mean over the grid, as lesson 04 will? A mean forgets
# *where*: a high sun and a low sun would give almost the same vector. The price: the copy must always have
# the same size.


# %% tags=["export"]
def global_branch():
    plan = [(512, 2), (512, 1), (512, 2), (512, 1)]
    convs = [conv(*step) for step in plan]  # (N, 28, 28, 512) to (N, 7, 7, 512)
    dense = [keras.layers.Dense(n, "relu") for n in (1024, 512, 256)]
    return chain("global", *convs, keras.layers.Flatten(), *dense)  # (N, 256)


# %% tags=["export"]
class Beside(keras.layers.Layer):
    """Lays a vector (N, C) beside every position of a map (N, H, W, D): (N, H, W, C + D)."""

    def call(self, vector, local):
        shape = *keras.ops.shape(local)[:3], vector.shape[-1]
        everywhere = keras.ops.broadcast_to(vector[:, None, None], shape)  # (N, H, W, C)
        return keras.ops.concatenate([everywhere, local], axis=-1)


def color_net():
    up = keras.layers.UpSampling2D
    return chain(
        "color",
        *[conv(128), up(), conv(64), conv(64), up()],  # (N, H/2, W/2, 64)
        *[conv(32), conv(2, activation="sigmoid"), up()],  # (N, H, W, 2), ab in 0…1
    )


# %% tags=["export"]
def assemble(low, mid, branch, paint, side, fused, dtype=None):
    """A network of two pictures: the one to paint, and the copy its global branch looks at."""
    picture, copy = keras.Input((None, None, 1)), keras.Input((side, side, 1))  # L / 100
    vector, local = branch(low(copy)), mid(low(picture))  # (N, C), (N, H/8, W/8, D)
    together = Beside(dtype=dtype)(vector, local)  # (N, H/8, W/8, C + D)
    together = conv(fused, kernel=1, dtype=dtype)(together)  # (N, H/8, W/8, fused)
    return keras.Model([picture, copy], paint(together))  # (N, H, W, 2)


def published():
    return assemble(low_level(), mid_level(), global_branch(), color_net(), side=224, fused=256)


# %% tags=["nbval-ignore-output"]
keras.utils.set_random_seed(session.seed)
full = published()
full.summary(line_length=98)

# %% [markdown]
# How many parameters does each part have? By hand, from the tables of Iizuka and others, with biases:

# %% tags=["claim"]
COUNTED = {"low-level": 2_287_488, "mid-level": 3_539_712, "global, convolutions": 9_439_232}
COUNTED |= {"global, fully connected": 26_347_264, "fusion": 131_328, "color": 424_802}
CLASSES = (512 + 1) * 256 + (256 + 1) * 205  # the two layers that name the place
low, mid, branch, paint = (full.get_layer(n) for n in ("low", "mid", "global", "color"))
dense = sum(layer.count_params() for layer in branch.layers if "dense" in layer.name)
(joint,) = (layer for layer in full.layers if isinstance(layer, keras.layers.Conv2D))
counts = [low.count_params(), mid.count_params(), branch.count_params() - dense, dense]
counts += [joint.count_params(), paint.count_params()]
total = full.count_params()
for name, count in zip(COUNTED, counts):
    print(f"{name:24} {count:10,}   {count / total:4.0%}")
print(f"all {total:,}; with the classes {total + CLASSES:,}")
assert counts == list(COUNTED.values()) and total == 42_169_826 and total + CLASSES == 42_353_839

# %% [markdown] deck="slide"
# ## {{total / 1e6:.0f}} million parameters, and where they are
#
# | part | layers (filters / stride) | parameters | share |
# | --- | --- | ---: | ---: |
# | low-level, shared | 64/2, 128, 128/2, 256, 256/2, 512 | {{counts[0]:,}} | {{counts[0] / total:.0%}} |
# | mid-level | 512, 256 | {{counts[1]:,}} | {{counts[1] / total:.0%}} |
# | global, convolutions | 512/2, 512, 512/2, 512 | {{counts[2]:,}} | {{counts[2] / total:.0%}} |
# | **global, fully connected** | 1024, 512, 256 | **{{counts[3]:,}}** | **{{counts[3] / total:.0%}}** |
# | fusion | 1 × 1 to 256 | {{counts[4]:,}} | {{counts[4] / total:.0%}} |
# | color | 128, ↑, 64, 64, ↑, 32, 2, ↑ | {{counts[5]:,}} | {{counts[5] / total:.0%}} |

# %% [markdown] deck="notes"
# Counted in the notebook and asserted. The class head of the original paper adds {{CLASSES:,}}, to
# {{total + CLASSES:,}}. Ask why the fully connected layers are so large: 25,088 inputs times 1,024 outputs.

# %% [markdown]
# ## How far the local path sees
#
# The **receptive field** of an output pixel is the part of the input that it depends on. Walk back from
# one output row, layer by layer, and keep the first and the last row that is needed. A 3 × 3 convolution
# needs one row more on either side. A stride of 2 doubles all distances, an upsampling halves them.


# %%
def window(layers, row):
    """First and last row of L that one row of the output depends on."""
    first = last = row
    for layer in reversed(layers):
        if isinstance(layer, keras.layers.Conv2D):
            reach, stride = layer.dilation_rate[0] * (layer.kernel_size[0] - 1), layer.strides[0]
            before = (reach + 1 - stride) // 2  # rows of padding above the first one
            first, last = stride * first - before, stride * last - before + reach
        elif isinstance(layer, keras.layers.UpSampling2D):
            extra = layer.interpolation == "bilinear"  # it mixes two neighbors
            first, last = (first - extra) // 2, (last + extra) // 2
    return first, last


# %%
def local_path(core):
    """The layers between picture and color; the 1 × 1 fusion widens nothing."""
    return [layer for part in ("low", "mid", "color") for layer in core.get_layer(part).layers]


def widest(core):
    """Rows that a pixel of the output sees through the local path, at most."""
    spans = (window(local_path(core), row) for row in range(96, 104))
    return max(last - first + 1 for first, last in spans)


print(f"published network: a window of {widest(full)} pixels")

# %% [markdown]
# ### Exercise 1: measure it (8 minutes)
#
# Computing needs the list of layers. Measuring works for any network: take one output pixel and ask how much
# its color moves when a pixel of L moves. That is a **gradient**, and TensorFlow computes it with a
# `tf.GradientTape`. Where it is zero, the output does not depend on L.


# %% exercise="influence" minutes=8
def influence(model, L, row, column):
    """|gradient| (H, W) of a + b at one output pixel, with respect to every pixel of L.

    model: from (N, H, W, 1) to (N, H, W, 2). L: one picture (H, W, 1), float32.
    """
    ### BEGIN SOLUTION
    picture = tf.Variable(L[None])
    with tf.GradientTape() as tape:
        answer = tf.reduce_sum(model(picture)[0, row, column])
    return np.abs(tape.gradient(answer, picture)[0, ..., 0])
    ### END SOLUTION


# %% check="influence" points=2
my_influence = influence
checks.influence(influence)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The tape watches variables by itself: put `L[None]`, with its new first axis, into a `tf.Variable`. Call the
# model inside `with tf.GradientTape() as tape:`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `model(picture)[0, row, column]` are a and b of the pixel; `tf.reduce_sum` adds them.
# `tape.gradient(answer, picture)` has the shape (1, H, W, 1). Drop two axes and take the absolute value.
#
# </details>
#
# The next cells measure with your function where the check accepts it, and with the course's where not.


# %%
def measured(model, L, row, column):
    """The course's own."""
    picture = tf.Variable(L[None])
    with tf.GradientTape() as tape:
        a, b = tf.unstack(model(picture)[0, row, column])
        moved = a + b
    return np.abs(tape.gradient(moved, picture))[0, :, :, 0]


# %% tags=["export"]
def alone(core, sees=True):
    """A network of one picture: it makes the copy itself, or an empty one if it may not see."""
    L = keras.Input((None, None, 1))  # (N, H, W, 1), L / 100
    side = core.inputs[1].shape[1]
    copy = keras.layers.Resizing(side, side)(L)  # (N, side, side, 1)
    copy = copy if sees else keras.layers.Rescaling(0.0)(copy)
    return keras.Model(L, core([L, copy]))


def shrink(L):
    """The copies (N, 64, 64, 1) that the global branch looks at."""
    return np.asarray(keras.ops.image.resize(L, (SIDE, SIDE)))


# %% [markdown]
# `alone` makes the copy itself, so that the network takes one picture of any size. With `sees=False` the copy
# is **empty**: then only the local path is left, and we can measure it. Below is a photograph of the album at
# 224 × 224 pixels. Look at the two small pictures first. Which one shows water, which one sky?

# %%
sensitivity = chosen(checks.influence, my_influence, measured)
test_album = {photo.name: photo for photo in photos.album("test")}
pond = photos.load("album", "test", 224)[[*test_album].index("prokudin_00163")]  # its center
PLACES = {"A": (40, 190), "B": (209, 190)}  # row and column in the photograph
local_only = alone(full, sees=False)
L_pond = color.L(pond) / 100  # (224, 224, 1)
maps = {name: sensitivity(local_only, L_pond, *place) for name, place in PLACES.items()}

# %% tags=["claim"]
first, last = window(local_path(full), 112)  # a row whose window is inside
middle = sensitivity(local_only, L_pond, 112, 112)
rows, columns = np.nonzero(middle)
print(f"computed: rows {first} to {last}; measured: rows {rows.min()} to {rows.max()}")
strong = np.sort(middle.ravel())[::-1].cumsum() / middle.sum()
print(f"half of the influence comes from {np.mean(strong < 0.5):.0%} of the photograph")
assert (rows.min(), rows.max()) == (first, last) and (columns.min(), columns.max()) == (first, last)

# %% [markdown] deck="slide"
# ## One photograph, and what a pixel sees of it
#
# A is sky, B is water. In 27 pixels they look alike. Outer boxes: what the published network sees.

# %% [markdown] deck="notes"
# First picture: the photograph, with two pixels and their receptive fields, {{widest(full)}} pixels wide in the
# published network and 27 in the small one (inner boxes). Second and third: all that the small network sees of
# A and B. Ask which is water before you show the first picture. Fourth: the influence, measured by gradients;
# it is strongest in the middle.

# %% deck="figure"
fig, axes = plots.grid(1, 4, height=2.9)
plots.picture(axes[0], L_pond[..., 0], "what the network gets")
for i, (name, (y, x)) in enumerate(PLACES.items()):
    for side in (widest(full), 27):
        framed(axes[0], y - side // 2, x - side // 2, side, side, edgecolor=plots.LINES[i])
    axes[0].annotate(name, (x, y), color="white", ha="center", va="center", weight="bold")
    small = L_pond[y - 13 : y + 14, x - 13 : x + 14, 0]
    plots.picture(axes[1 + i], small, f"27 pixels around {name}")
heat = sum(np.sqrt(map_ / map_.max()) for map_ in maps.values())
plots.picture(axes[3], np.clip(heat, 0, 1), "influence, square root")
plots.show(fig, "A pond in gray; windows in its sky and in its water are two plain gray squares.")
print(test_album["prokudin_00163"].credit)

# %% [markdown]
# Inside the small window, sky and water are both nearly plain gray. The window of the published network
# is larger, but its influence is concentrated in the middle: its **effective** receptive field is smaller
# than the computed one (Luo and others, 2016). (Here the weights are random; training changes this.)
#
# ## The fusion layer
#
# The vector repairs this: it carries a message from everywhere to everywhere. Look again at the formula.
# $W$ has a part for the vector and a part for the maps:
#
# $$b + W \begin{bmatrix} y^{\mathrm{global}} \\ y^{\mathrm{local}}_{p,q} \end{bmatrix} = \underbrace{b + W_g\, y^{\mathrm{global}}}_{\text{once for the picture}} + \underbrace{W_l\, y^{\mathrm{local}}_{p,q}}_{\text{at every position}}$$
#
# So fusion is a **bias that the whole picture chooses**.
#
# ### Exercise 2: write it (7 minutes)
#
# Write the layer's `call`. Two dense layers are given. `keras.layers.Dense` works on the last axis, at every
# position if there are positions. Your layer will be trained below.


# %% exercise="fusion" minutes=7
class Fusion(keras.layers.Layer):
    """Vectors (N, C) and maps (N, h, w, D) to ReLU(b + W [vector; map]), (N, h, w, filters)."""

    def __init__(self, filters):
        super().__init__()
        self.of_vector = keras.layers.Dense(filters)  # its part of W, and b
        self.of_local = keras.layers.Dense(filters, use_bias=False)  # its part of W

    def call(self, vector, local):
        ### BEGIN SOLUTION
        everywhere = self.of_vector(vector)[:, None, None, :]  # (N, 1, 1, filters)
        return keras.ops.relu(self.of_local(local) + everywhere)
        ### END SOLUTION


# %% check="fusion" points=2
my_fusion = Fusion
checks.fusion(Fusion)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `self.of_vector(vector)` has the shape (N, filters), `self.of_local(local)` has (N, h, w, filters). What must
# the first become, so that it can be added at every position?
#
# </details>
# <details><summary>Hint 2</summary>
#
# `[:, None, None, :]` gives it two axes of length 1, and broadcasting does the rest. The ReLU,
# `keras.ops.relu`, comes after the sum.
#
# </details>

# %% [markdown] deck="slide"
# ## Fusion: a bias that the whole picture chooses
#
# $$\mathrm{ReLU}\big(\underbrace{b + W_g\, y^{\mathrm{global}}}_{\text{once for the picture}} + \underbrace{W_l\, y^{\mathrm{local}}_{p,q}}_{\text{at every position}}\big)$$
#
# ```python
# def call(self, vector, local):
#     everywhere = self.of_vector(vector)[:, None, None, :]
#     return keras.ops.relu(self.of_local(local) + everywhere)
# ```
#
# What you see here, read in the light of what kind of picture this is.

# %% [markdown] deck="notes"
# Exercise 2 writes these two lines. Ask what happens without the vector: the layer knows nothing but its
# own place. Ask what happens without the maps: one color for the whole picture.

# %% [markdown]
# ## The same five parts, small
#
# 42 million parameters are too many for two processor cores and for our question. Here are the same five
# parts with a hundredth of them. Three things differ. There are two strides instead of three, because our
# scenes are small. The copy has 64 × 64 pixels. Mid-level and last layers have 1 × 1 kernels, so that the
# **local path sees less than 31 pixels**. (The report's sigmoid is stretched from 0…1 to −1…1, and the last
# upsampling interpolates.)

# %% tags=["export"]
SCALE = color.AB_SCALE  # a and b are divided by 110
SIDE = 64  # of the copy that the global branch looks at
LOW = [(32, 2), (32, 1), (48, 2), (64, 1)]  # (filters, stride)


def small_low(width=1, kernel=3, dtype=None):
    kernels = [3 if stride == 2 else kernel for _, stride in LOW]
    convs = [conv(width * f, s, k, dtype=dtype) for (f, s), k in zip(LOW, kernels)]
    return chain("low", keras.layers.Rescaling(2.0, -1.0), *convs)  # (N, H/4, W/4, 64)


# %% tags=["export"]
def small_branch(width=1, dtype=None):
    convs = [conv(64 * width, 2, dtype=dtype) for _ in range(2)]  # (N, 16, 16) to (N, 4, 4, 64)
    dense = [keras.layers.Dense(n * width, "relu", dtype=dtype) for n in (128, 64)]
    return chain("global", *convs, keras.layers.Flatten(), *dense)  # (N, 64)


def small_paint(width=1, dtype=None):
    first = keras.layers.UpSampling2D(dtype=dtype), conv(32 * width, dtype=dtype)
    sigmoid = conv(2, kernel=1, activation="sigmoid", dtype="float32")  # 0…1, as in the paper
    double = keras.layers.UpSampling2D(interpolation="bilinear", dtype="float32")
    back = keras.layers.Rescaling(2.0, -1.0), double  # -1…1, ab / 110
    return chain("color", *first, sigmoid, *back)


# %% tags=["export"]
def compact(width=1, mid=(1,), kernel=3, dtype=None):
    """The five parts in small. `mid` and `kernel` are kernel sizes: they set the window."""
    middle = chain("mid", *[conv(64 * width, kernel=k, dtype=dtype) for k in mid])
    parts = small_low(width, kernel, dtype), middle, small_branch(width, dtype)
    return assemble(*parts, small_paint(width, dtype), SIDE, 64 * width, dtype)


# %%
def five_parts(fuse, middle=None):
    """The compact network with any fusion and mid-level: [picture, copy] to ab / 110."""
    low, branch, paint = small_low(), small_branch(), small_paint()
    middle = middle or conv(64, kernel=1)
    picture, copy = keras.Input((None, None, 1)), keras.Input((SIDE, SIDE, 1))  # L / 100
    vector = keras.layers.Identity(name="vector")(branch(low(copy)))  # (N, 64), a place to cut
    return keras.Model([picture, copy], paint(fuse(vector, middle(low(picture)))))


# %% tags=["claim"]
keras.utils.set_random_seed(session.seed)
narrow = widest(compact())
blind_net = alone(compact(), sees=False)
noisy = np.random.default_rng(0).uniform(0, 1, (96, 96, 1)).astype(np.float32)
spans = [np.ptp(np.nonzero(sensitivity(blind_net, noisy, 48, x))[1]) + 1 for x in range(46, 50)]
print(f"compact: {compact().count_params():,} parameters, a window of {narrow} pixels")
print(f"measured with the gradient, at four pixels: {max(spans)} at most")
assert max(spans) == narrow <= 31 and compact().count_params() < total / 100

# %% [markdown]
# ### Exercise 3: a wider window (6 minutes)
#
# Could one do without the vector, and widen the window instead? A **dilated** convolution leaves gaps between
# the pixels that it reads: with a rate of $r$ its 3 × 3 kernel spans $2r + 1$ positions, at no extra
# parameters. Four of them with the rates 1, 2, 4 and 8 make the window wider than the whole scene.
#
# Build such a mid-level. It must keep the size of the maps.


# %% exercise="wider" minutes=6
def wider(filters, rates):
    """A keras.Sequential: for each rate one dilated 3 × 3 convolution with `filters` and ReLU."""
    ### BEGIN SOLUTION
    layers = []
    for rate in rates:
        layer = keras.layers.Conv2D(
            filters, 3, padding="same", dilation_rate=rate, activation="relu"
        )
        layers.append(layer)
    return keras.Sequential(layers)
    ### END SOLUTION


# %% check="wider" points=2
my_wider = wider
checks.wider(wider)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `keras.layers.Conv2D` takes `dilation_rate`. With `padding="same"` the maps keep their size.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Make a list of layers, one for each of the rates, and give it to `keras.Sequential`.
#
# </details>
#
# ## Train three networks
#
# What is a fair opponent for the network with the vector? A network without the branch has fewer parameters
# and might lose for that reason. So our **control** has the same network, and its branch is shown an empty
# picture: same parameters, same work, only the sight differs. We train three:
#
# | | branch sees | local window |
# | --- | --- | --- |
# | fused | the whole picture | 27 pixels |
# | blind control | an empty picture | 27 pixels |
# | wide, blind | an empty picture | the whole picture, by dilation |
#
# **Predict first:** which of them will get the lake right? Write it down.


# %%
def beside(filters):
    """The course's own: the vector beside the map, then a 1 × 1 convolution."""
    return lambda vector, local: conv(filters, kernel=1)(Beside()(vector, local))


def dilated(filters, rates):
    """The course's own."""
    same = {"padding": "same", "activation": "relu"}
    return chain(None, *[keras.layers.Conv2D(filters, 3, dilation_rate=r, **same) for r in rates])


# %% tags=["export"]
def learn(model, source, epochs, seed, measure=None, folder=None):
    """Squared error, Adam, batches of 16; a slow first epoch, then along a cosine to zero."""
    model.compile(keras.optimizers.Adam(), "mse")
    batch = min(16, batches.count(source))

    def epoch(number):
        return batches.keras_dataset(source, batch, seed, number, ab_scale=SCALE)

    def rate(number):
        return 2e-3 * (1 + np.cos(np.pi * number / epochs)) / 2 if number else 1e-3

    return training.fit_keras(model, epoch, epochs, rate, folder, measure)


def answers(model, L, copy=None):
    """ab in CIELAB units, (N, H, W, 2), for L (N, H, W, 1) in 0…100; a core also takes a copy."""
    inputs = L / 100 if copy is None else [L / 100, copy / 100]
    return SCALE * model.predict(inputs, batch_size=20, verbose=0)


# %%
used_fusion = chosen(checks.fusion, my_fusion, beside)
used_wider = chosen(checks.wider, my_wider, dilated)


def watch(model):
    """On validation scenes: the loss, and regret where a cue decides and elsewhere."""
    ab_hat = answers(model, validation.L)
    cued, elsewhere = (float(x.mean()) for x in split_regret(validation, ab_hat))
    loss = ((ab_hat - validation.ab) ** 2).mean() / SCALE**2
    return {"validation": float(loss), "cued": cued, "elsewhere": elsewhere}


# %% tags=["nbval-ignore-output"]
amount, epochs = {"ci": (16, 1), "cpu": (480, 6), "gpu": (4000, 15)}[session.profile]
scenes = paintbox.sample(amount, size=64, seed=session.seed)
ARMS = {"fused": (None, True), "blind control": (None, False), "wide, blind": ((1, 2, 4, 8), False)}
cores, models, curves = {}, {}, {}
for name, (rates, sees) in ARMS.items():
    keras.utils.set_random_seed(session.seed)
    cores[name] = five_parts(used_fusion(64), used_wider(64, rates) if rates else None)
    models[name] = alone(cores[name], sees)
    curves[name] = learn(models[name], scenes, epochs, session.seed, watch)
    print(f"{name:14} regret where a cue decides {curves[name][-1]['cued']:4.0f}")
print(f"best for a window {local_cued:15.0f}")
FLOOR = paintbox.floors(validation)["mse"] / SCALE**2

# %% [markdown] deck="slide"
# ## Three networks: loss, and regret where a cue decides

# %% [markdown] deck="notes"
# Left: broken lines training, full lines validation, dotted the floor of somebody who sees everything. Right:
# regret where a cue decides; dotted is the best for a window. One network goes through this line. Ask who bet on the
# wide one.

# %% deck="figure"
fig, (left, right) = plots.grid(1, 2, height=3.8)
for i, (name, rows) in enumerate(curves.items()):
    at = [row["epoch"] for row in rows]
    style = {"color": plots.LINES[i], "marker": plots.MARKERS[i]}
    left.plot(at, [row["loss"] for row in rows], linestyle="--", **style)
    left.plot(at, [row["validation"] for row in rows], **style)
    right.plot(at, [row["cued"] for row in rows], label=name, **style)
left.axhline(FLOOR, color=plots.INK, linestyle=":")
right.axhline(local_cued, color=plots.INK, linestyle=":", label="best for a window")
left.set(xlabel="epoch; broken lines: training", ylabel="squared error of ab / 110", ylim=(0, None))
right.set(xlabel="epoch", ylabel="regret where a cue decides", ylim=(0, None))
right.legend(fontsize=10)
plots.show(fig, "Loss falls for all; only the fused network's regret falls below the dotted line.")

# %% tags=["nbval-ignore-output"]
wide_path = [*small_low().layers, *used_wider(64, (1, 2, 4, 8)).layers, *small_paint().layers]
first, last = window(wide_path, 32)
print(f"the wide network's window reaches from row {first} to row {last}; a scene has 0 to 63")
final = {name: rows[-1]["cued"] / local_cued for name, rows in curves.items()}
blind_ones = final["blind control"], final["wide, blind"]
assert session.profile == "ci" or final["fused"] < 0.6 < 0.85 < min(blind_ones)

# %% [markdown]
# The fused network passes below the line that no local network can pass. The control does not. Neither does
# the wide network, although every pixel of the lake has the sun in its window. Nothing in the loss forbids it to
# look. But the message would have to pass through many layers, and large areas of one color are learned first.
# **A receptive field says what a network cannot know. It does not say what it will use.** Now look at the lakes:

# %% [markdown] deck="slide"
# ## The lake, by all three

# %% [markdown] deck="notes"
# Upper row: noon. Lower row: dusk. Gray, the three networks, and the best possible answer. The
# control gives both lakes the mean of the two colors. Balloons and roofs are brownish everywhere: the squared error asks
# for the mean, and no sight helps with a drawn color.

# %% deck="figure"
shown = [int(np.flatnonzero(validation.time == time)[0]) for time in (0, 1)]
views = {name: images[shown] for name, images in validation.panels().items()}
columns = {"gray": views["gray"]}
for name, model in models.items():
    columns[name] = color.with_ab(validation.L[shown], answers(model, validation.L[shown]))
columns["best answer"] = views["expected"]
images = [images[i] for i in (0, 1) for images in columns.values()]
ALT = "Scenes at noon and dusk: gray, by three networks, best answer; only the fused lakes differ."
plots.pictures(images, ALT, [*columns, *[""] * 5], columns=5)

# %% [markdown]
# ## With and without: three starts
#
# One run proves little. This stored experiment trains the fused network and its control three times each, with
# other scenes, order and first weights, on scenes of 128 × 128. Nothing else differs between the two.

# %% tags=["claim"]
fused = course.result("03/fusion")
wall, (sees, blind) = fused["local"][0], fused["arms"].values()
print(f"regret where a cue decides, {fused['n_test']} test scenes; best for a window {wall:.1f}")
for row in [*sees, *blind]:
    print("{:6.1f} [{:.1f}, {:.1f}]".format(*row["cued"]), "fused" if row in sees else "blind")
gaps = [abs(a["elsewhere"][0] - b["elsewhere"][0]) for a, b in zip(sees, blind)]
print(f"elsewhere the two differ by {max(gaps):.1f} at most")
assert max(row["cued"][2] for row in sees) < 0.25 * wall
assert min(row["cued"][0] for row in blind) > 0.9 * wall and max(gaps) < 0.1 * wall

# %% [markdown] deck="slide"
# ## With and without the whole picture, three starts each
#
# | regret, {{fused["n_test"]}} scenes of {{fused["size"]}} pixels | where a cue decides | elsewhere |
# | --- | ---: | ---: |
# | with sight, three starts | {{", ".join("%.0f" % row["cued"][0] for row in sees)}} | {{", ".join("%.0f" % row["elsewhere"][0] for row in sees)}} |
# | blind control, three starts | {{", ".join("%.0f" % row["cued"][0] for row in blind)}} | {{", ".join("%.0f" % row["elsewhere"][0] for row in blind)}} |
# | best for a window | {{wall:.0f}} | 0 |
#
# Same parameters, scenes and order. The branch helps **where a cue decides**, and nowhere else.

# %% [markdown] deck="notes"
# {{fused["n"]}} scenes for training, {{fused["epochs"]}} epochs; intervals are printed in the notebook. What remains elsewhere comes
# from edges: color leaves the network at half size.

# %% [markdown]
# ## What the vector says
#
# If the vector says "dusk", it should say so in any picture. To try this, cut the network at its vector.
#
# ### Exercise 4: cut a network in two (6 minutes)
#
# A Keras model knows the graph of its tensors. `net.get_layer("vector").output` is the tensor that leaves
# the layer with this name, and `keras.Model(inputs, outputs)` makes a model of any part of the graph, with the
# **same** weights. Write both halves.


# %% exercise="cut" minutes=6
def cut(net):
    """A network [picture, copy] to ab, with a layer "vector", to two: (look, paint).

    look: from a copy to its vector. paint: from [picture, vector] to ab.
    """
    ### BEGIN SOLUTION
    picture, copy = net.inputs
    vector = net.get_layer("vector").output
    return keras.Model(copy, vector), keras.Model([picture, vector], net.output)
    ### END SOLUTION


# %% check="cut" points=2
my_cut = cut
checks.cut(cut)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `net.inputs` is a list of two tensors: the picture and the copy. The first model begins at the copy and
# ends at the vector.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The second model has two inputs, `[net.inputs[0], vector]`, and the output of `net`.
#
# </details>
#
# Now take the vector of a noon scene and that of a dusk scene, and walk from one to the other:


# %%
def halves(net):
    """The course's own."""
    middle = net.get_layer("vector").output
    return keras.Model(net.inputs[1], middle), keras.Model([net.inputs[0], middle], net.outputs[0])


look, paint = chosen(checks.cut, my_cut, halves)(cores["fused"])
pair = [paintbox.sample(1, 64, seed=s, time=t) for s, t in ((13, "noon"), (6, "dusk"))]
ends = [look.predict(scene.L / 100, verbose=0) for scene in pair]  # (1, 64) each
STEPS = np.linspace(0, 1, 5)
strip = []
for scene in pair:
    for t in STEPS:
        ab = SCALE * paint.predict([scene.L / 100, (1 - t) * ends[0] + t * ends[1]], verbose=0)
        strip.append(color.with_ab(scene.L, ab)[0])

# %% [markdown] deck="slide"
# ## From noon to dusk, by the vector alone

# %% [markdown] deck="notes"
# Upper row: a scene whose sun stands at noon. Lower row: another one, at dusk. From left to right only the vector
# changes, from that of noon to that of dusk. The gray picture of each row stays the same. The lake turns.
# The report names this as the only control that its user has: "setting different overall features manually".

# %% deck="figure"
titles = [f"{1 - t:.0%} noon" for t in STEPS] + [""] * len(STEPS)
ALT = "Two scenes with five mixtures of two vectors: the lake turns from blue to pinkish purple."
plots.pictures(strip, ALT, titles, columns=5)

# %% tags=["claim"]
print("mean b of the lake, 20 scenes of each time (in truth -40 at noon, -10 at dusk)")
for row in sees:
    for time, (own, other) in row["borrowed"].items():
        print(f"seed {row['seed']}, {time}: own vector {own:6.1f}   another scene's {other:6.1f}")
        assert abs(other - own) > 15

# %% [markdown]
# The lake goes where the vector sends it. The local maps are those of the other scene, and they do not know
# the time of day.
#
# ## Photographs
#
# Painted scenes were made so that the branch must help. Now train the same small network on the album:
# four fifths of its training split for training, one fifth for validation. Predict first: how far below gray
# will the validation loss end, with so few photographs?

# %% tags=["nbval-ignore-output"]
album = photos.load("album", "train", 96, {"ci": 20}.get(session.profile), color_only=True)
held = np.arange(len(album)) % 5 == 0
L_held, ab_held = color.L(album[held]), color.ab(album[held])


def watch_photographs(model):
    return {"validation": float(((answers(model, L_held) - ab_held) ** 2).mean() / SCALE**2)}


keras.utils.set_random_seed(session.seed)
on_album = alone(five_parts(used_fusion(64)))
rounds = {"ci": 1, "cpu": 12, "gpu": 60}[session.profile]
photo_rows = learn(on_album, album[~held], rounds, session.seed, watch_photographs)
zero = float((ab_held**2).mean() / SCALE**2)
least = min(row["validation"] for row in photo_rows)
print(f"{(~held).sum()} photographs, {held.sum()} others for validation; gray {zero:.4f}")

# %% [markdown] deck="slide"
# ## Trained on the album: the curves

# %% [markdown] deck="notes"
# Broken: training. Full: validation. Dotted: a gray answer on the validation photographs. Best
# validation loss: {{least / zero:.0%}} of gray's. A network from nothing learns little from 80 photographs. The next slide shows what
# 14,000 buy.

# %% deck="figure"
fig, (ax,) = plots.grid(1, 1, width=7, height=3.2)
at = [row["epoch"] for row in photo_rows]
ax.plot(at, [row["loss"] for row in photo_rows], "--o", label="training")
ax.plot(at, [row["validation"] for row in photo_rows], "-s", label="validation")
ax.axhline(zero, color=plots.INK, linestyle=":", label="gray, validation")
ax.set(xlabel="epoch", ylabel="squared error of ab / 110")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(fig, "Training and validation loss on the album by epoch, close to the loss of gray.")

# %% [markdown]
# The validation loss ends near gray's: about 80 photographs cannot teach a network from nothing what the world
# looks like. (Training photographs are flipped, turned and zoomed by chance, which delays overfitting.) So this
# lesson ships **S1**, the same compact network with four times its filters and 3 × 3 kernels everywhere, trained
# from nothing on many more photographs. Judged on four test sets, against gray, with 95 % intervals:

# %% tags=["claim"]
shipped = course.result("03/checkpoint")
s1_file, sets = Colorizer.load("03_global_local_fusion"), shipped["sets"]
print(f"{s1_file.metadata['parameters']:,} parameters, learned from {shipped['n']:,} photographs")
s1, own_mean = {}, {}
for name, found in sets.items():
    gray_row, mean_row, _ = found["table"]
    own_mean[name] = mean_row["psnr"][0] - gray_row["psnr"][0]
    s1[name] = mean, low, high = found["gain"]["S1"]
    print(f"{name:14} {mean:+.2f} dB [{low:+.2f}, {high:+.2f}]   own mean {own_mean[name]:+.2f}")
assert s1["diverse"][1] > 0 and s1["other cameras"][2] > 0

# %% [markdown] deck="slide"
# ## S1 on photographs, minus gray
#
# | test set | N | S1, dB of PSNR | own mean |
# | --- | ---: | ---: | ---: |
# | diverse | {{sets["diverse"]["n_test"]}} | {{"%+.2f [%+.2f, %+.2f]" % tuple(s1["diverse"])}} | {{own_mean["diverse"]:+.2f}} |
# | Intel | {{sets["Intel"]["n_test"]}} | {{"%+.2f [%+.2f, %+.2f]" % tuple(s1["Intel"])}} | {{own_mean["Intel"]:+.2f}} |
# | album | {{sets["album"]["n_test"]}} | {{"%+.2f [%+.2f, %+.2f]" % tuple(s1["album"])}} | {{own_mean["album"]:+.2f}} |
# | other cameras | {{sets["other cameras"]["n_test"]}} | {{"%+.2f [%+.2f, %+.2f]" % tuple(s1["other cameras"])}} | {{own_mean["other cameras"]:+.2f}} |
#
# {{shipped["n"]:,}} photographs, from nothing, one start. *Own mean* gives every pixel the true mean color
# of its photograph: a mark, not a rival.

# %% [markdown] deck="notes"
# Other cameras are photographs of a set that no training saw. The album is far more colorful than the training
# photographs. Lesson 04 shows what pretrained features add.

# %% [markdown]
# What is the vector worth here? S1 colored the diverse test set three times: its branch saw the photograph's own
# copy, another photograph's, or an empty one.

# %% tags=["claim"]
swapped = {name: np.array(psnr) for name, psnr in shipped["embedding"].items()}
lost = {name: metrics.bootstrap(psnr - swapped["its own"]) for name, psnr in swapped.items()}
for name in ("another's", "zeros"):
    mean, low, high = lost[name]
    print(f"{name:10} minus its own {mean:+.2f} dB [{low:+.2f}, {high:+.2f}]")
assert lost["another's"][2] < 0

# %% [markdown]
# It **relies** on the vector. That is not the same as being better for having one: a network that had been
# trained without it might have found its colors elsewhere. On painted scenes the control showed a benefit, because
# it was trained blind. On photographs such a control is not stored with the course.


# %%
def gallery(names, alt):
    """Gray, S1 and truth of album photographs, and who made them."""
    rows = {"gray": metrics.paint_gray, "S1": s1_file.colorize}
    plots.gallery([test_album[name] for name in names], rows, alt)


# %% [markdown] deck="slide"
# ## S1 knows skies and grass

# %% [markdown] deck="notes"
# Test photographs of the album, seen by no training. Sky comes out blue and grass greenish, paler
# than in truth, on a house, a penguin, a beach, a mountain and a church. Everything else turns a warm gray: the squared
# error asks for the mean of what is possible.

# %% deck="figure"
gallery(
    ["prokudin_00757", "king_penguin", "maya_beach", "rescue_helicopter", "prokudin_00889"],
    "Five photographs in gray, by S1 and in truth: blue skies and greenish grass, but pale.",
)

# %% [markdown] deck="slide"
# ## S1 does not know water, flowers, birds and cloth

# %% [markdown] deck="notes"
# The turtle's water and the sky between dark trees come out brown: dark water
# and dark sky were rare in training, and here the vector did not help. Tulips, a parakeet and a sash have no color of their own
# that could be told from gray, so they get the mean.

# %% deck="figure"
gallery(
    ["turtle", "white_spires", "tulip_field", "sun_parakeet", "prokudin_00106"],
    "Five photographs in gray, by S1, in truth: water, sky, tulips, bird and sash turn brown.",
)

# %% [markdown]
# S1 has learned skies and grass. The report says that without global features seas and lakes turn brown.
# Here is a brown lake **with** them: the turtle's water. A vector helps only if training has taught it what to say.
# Flowers, birds and clothes get the mean of what is possible, a warm gray. Never show a colored portrait as if it
# were a document.
#
# Two of the report's claims remain.

# %% [markdown] tags=["optional"]
# ## Any size, and how long it takes (optional)
#
# "Our model can take and process images of any resolution." The graph runs at any size, because the copy has
# a fixed one. But the local window is fixed in *pixels*. In a larger picture it shows a smaller piece of the
# world than in training. Does that hurt? We let S1 work at several sizes, on the album's test photographs:

# %% tags=["claim"]
at_size = {name: np.array(values) for name, values in shipped["sizes"].items()}
gains = {k: metrics.bootstrap(v - at_size["gray"]) for k, v in at_size.items() if k != "gray"}
own = str(shipped["working"])
apart = {k: metrics.bootstrap(at_size[k] - at_size[own]) for k in ("32", "512")}
course.claim(
    "it can process images of any resolution (Kaushik and others)",
    f"{len(at_size[own])} photographs of the album, S1, trained at {shipped['size']} pixels",
    ", ".join(
        f"at {k} minus at {own} {m:+.2f} [{i:+.2f}, {j:+.2f}] dB" for k, (m, i, j) in apart.items()
    ),
    "holds from 32 to 512 pixels: above gray at every size, no difference decided",
)
assert min(low for _, low, _ in gains.values()) > 0 and all(x[1] < 0 < x[2] for x in apart.values())

# %% [markdown] deck="slide"
# ## Any size runs, and little is lost
#
# | working size | S1 minus gray, dB |
# | ---: | ---: |
# | 32 | {{"%+.2f [%+.2f, %+.2f]" % tuple(gains["32"])}} |
# | 64 | {{"%+.2f [%+.2f, %+.2f]" % tuple(gains["64"])}} |
# | 128 | {{"%+.2f [%+.2f, %+.2f]" % tuple(gains["128"])}} |
# | 256 | {{"%+.2f [%+.2f, %+.2f]" % tuple(gains["256"])}} |
# | 512 | {{"%+.2f [%+.2f, %+.2f]" % tuple(gains["512"])}} |
#
# {{len(at_size[own])}} photographs of the album. S1 was trained at {{shipped["size"]}} pixels.

# %% [markdown] deck="notes"
# The file works at {{shipped["working"]}} pixels. The differences between sizes are not decided with so few
# photographs. Ask what would happen at 4096 pixels: nobody has measured it here.

# %% [markdown]
# The report also times its network and finds it "good enough for real-time usage". We time three ways from RGB to
# RGB on one core: the published network at the picture's size; **the same network at 224 pixels**, its ab
# enlarged and joined with the full-size L; and S1 in the course's way. The second is the fair opponent of the first:
# it changes nothing but the working size.

# %% tags=["claim"]
timing = course.result("03/timing")
PER_IMAGE = {224: 0.153, 512: 0.644, 1024: 1.867, 2048: 8.534}  # seconds on the report's GPU
ways = ("published", "published at 224", "course")
print("size   published / published at 224   published / S1")
for row in timing["rows"]:
    full_size, at_224, ours = (row[name] for name in ways)
    print(f"{row['size']:4} {full_size / at_224:16.1f} times {full_size / ours:18.1f} times")
large_row = timing["rows"][-1]
growth = large_row["published"] / large_row["published at 224"]
rate = 1 / min(PER_IMAGE.values())
print(f"the report's fastest row: {rate:.1f} pictures a second; a film shows 24")
assert growth > 2 and rate < 24

# %% [markdown] deck="slide"
# ## Color needs fewer pixels than light
#
# | a picture of {{large_row["size"]}} × {{large_row["size"]}} pixels | time, S1 = 1 |
# | --- | ---: |
# | published network at full size | {{large_row["published"] / large_row["course"]:.0f}} |
# | published network at 224 pixels, ab enlarged | {{large_row["published at 224"] / large_row["course"]:.0f}} |
# | S1 at {{shipped["working"]}} pixels, ab enlarged | 1 |
#
# The report: "good enough for real-time usage". Its fastest row is {{rate:.1f}} pictures a second.

# %% [markdown] deck="notes"
# Ratios of processor time within one run on one core, noise pictures, random weights (time does not depend
# on them). Larger pictures were not run. Between the first two rows nothing but the working size changes. Between the second and the third the network changes.

# %% [markdown]
# ## Quiz
#
# **1. Two lakes are equal in every 31 × 31 window; one is blue, the other pink. A network with a window of
# 31 pixels is trained on millions of lakes with the squared error. What does it predict?**
#
# <details><summary>A. Blue or pink, whichever is more frequent.</summary>
#
# That would be the mode. The squared error asks for the mean (lesson 02).
#
# </details>
# <details><summary>B. The mean of both, weighted by how often each occurs.</summary>
#
# Right: nothing in its window tells them apart, so it gives one answer, and the best one is the mean.
#
# </details>
# <details><summary>C. The right color, once it has seen enough lakes.</summary>
#
# More lakes sharpen the estimate of the mean. They do not bring the sun into the window.
#
# </details>
#
# **2. Why does the global branch flatten its last grid instead of averaging over it?**
#
# <details><summary>A. To have more parameters.</summary>
#
# It has more, and that is the price, not the purpose.
#
# </details>
# <details><summary>B. So that it can tell a high sun from a low one.</summary>
#
# Right: a mean forgets where a feature was found, and *where* is the message here.
#
# </details>
#
# **3. A control without the branch does worse. A reviewer says: it has fewer parameters. What do you do?**
#
# <details><summary>A. Show the branch of the control an empty picture.</summary>
#
# Right: then both have the same parameters and the same work, and differ in sight alone.
#
# </details>
# <details><summary>B. Train the control longer.</summary>
#
# That changes a second thing. And at the best for its window there is nothing to be gained.
#
# </details>
# <details><summary>C. Answer that parameters do not matter.</summary>
#
# They may. A control is there so that nobody has to believe you.
#
# </details>
#
# **4. A network's window covers the sun, and its lakes are all alike. What follows?**
#
# <details><summary>A. The window was computed wrongly.</summary>
#
# It may have been, but measure it by gradients before you say so. Being able to see is not using.
#
# </details>
# <details><summary>B. The floor of a narrow window does not bind it; it has not learned to look.</summary>
#
# Right. A receptive field says what cannot be known. It promises nothing about what will be used.
#
# </details>
#
# **5. With another photograph's vector a colorizer loses 1 dB. What has been shown?**
#
# <details><summary>A. That it relies on the vector.</summary>
#
# Right, and no more than that.
#
# </details>
# <details><summary>B. That the vector made it better.</summary>
#
# For that, a network must be trained without the vector, as the blind control was.
#
# </details>

# %% [markdown]
# ## What broke, and which lesson repairs it
#
# - **Still the mean.** Balloons are as brown as before. The vector knows the time of day, not the drawn color.
#   Lesson 05 predicts a distribution.
# - **A vector learned from little.** Lesson 04 takes features from a network that was trained on ImageNet.
# - **Coarse color.** Color leaves at half size. Lesson 04's skip connections bring fine maps to the end.
# - **One vector for everything.** A picture may hold sun and shade. Lesson 11 lets every position ask every
#   other (attention).
#
# ## Further reading
#
# - Iizuka, Simo-Serra and Ishikawa, *Let there be Color!*, ACM Transactions on Graphics 35(4) (SIGGRAPH), 2016.
# - Luo, Li, Urtasun and Zemel, *Understanding the effective receptive field in deep convolutional neural
#   networks*, NeurIPS 2016.
# - Yu and Koltun, *Multi-scale context aggregation by dilated convolutions*, ICLR 2016.
# - Perez and others, *FiLM: Visual reasoning with a general conditioning layer*, AAAI 2018: a vector that moves
#   biases and scales.
# - The report: Kaushik, Jagtiani, Jain, Kumar and Miya, *Colorizing images using CNN in machine learning*.

# %% [markdown] deck="slide"
# ## What broke, and who repairs it
#
# | what | where |
# | --- | --- |
# | still the mean: brown balloons | lesson 05 |
# | a vector learned from few photographs | lesson 04 |
# | coarse color | lesson 04: skip connections |
# | one vector for a whole picture | lesson 11: attention |

# %% [markdown] deck="notes"
# Come back to the first slide: which things in a photograph cannot be colored from a small piece? They
# have an answer now. What remains is the drawn color, which no sight helps with.
