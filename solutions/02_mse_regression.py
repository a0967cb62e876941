# ---
# jupyter:
#   course:
#     title: Regression with the squared error
#     question: What does the squared error want?
#     objectives:
#       - predict before any training which color a squared error asks for, and which loss remains
#       - build a published network in Keras and check it against its own table
#       - read training and validation curves, and recognize overfitting
#       - change a loss and a receptive field, and see what that does to a picture
#       - judge a report's claims with a test set, a gray baseline and an interval
#     prerequisites: lesson 01 (L, a, b and the loss of a gray picture); a first idea of convolutions.
#     running: 3
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
# **For the instructor.** One idea carries this lesson: a network that minimizes the squared error
# answers with the *mean* of the colors that are possible, and no balloon has the mean color. Let the
# room vote on the color of the balloon before anybody computes. The second idea is the *validation
# curve*: let the room say at which epoch to stop. Rooms go wrong in two places. They say that the
# network "is broken" because balloons come out brown; the column *expected* shows that brown is the
# right answer to the question that was asked. And they read a falling training loss as success; ask
# each time for the validation loss and for the loss of gray. Ask too: which of the three colors of
# the vote costs least? If time is short, drop the section on the report's claims, then exercise 3.

# %% tags=["export"]
import keras
import numpy as np

from course_utils import batches, paintbox, training

# %%
training.keras_on(session.device)  # before anything is built


import tensorflow as tf

from course_utils import color, course, metrics, packing, photos, plots
from course_utils.checks import chosen
from course_utils.checks import lesson_02 as checks
from course_utils.colorizer import Colorizer

tf.config.run_functions_eagerly(session.profile == "ci")  # few steps do not pay for compiling
tf.get_logger().setLevel("ERROR")

# %% [markdown] deck="slide"
# ## The simplest colorizer that learns
#
# - **In:** L of a picture
# - **Out:** a and b of every pixel
# - **Loss:** the mean squared error of a and b
#
# Song and Liu built it as a course project in 2018: 3,892,194 parameters, 5,000 photographs of
# mountains.
#
# A balloon is red, blue or green. **Which color will the network predict for it?** Vote.

# %% [markdown] deck="notes"
# Write the votes down. Red is the most frequent color, with four balloons in ten. The next three
# slides answer.

# %% [markdown]
# ## A question with several answers
#
# Many colors share one gray, so a colorizer has to guess. In this lesson a network learns to guess. We
# build the first system of this course as its report describes it (Song and Liu, 2018), and train it
# to make the **mean squared error** of a and b small.
#
# Before any training we can know what such a network will predict. Take a balloon whose color is one
# of four, with these probabilities. Nothing in the gray picture tells which:

# %%
BALLOON = np.array(paintbox.palette("balloon"))  # (4, 3): probability, a, b
p, palette_ab = BALLOON[:, 0], BALLOON[:, 1:]  # (4,), (4, 2)
mean_ab = p @ palette_ab  # (2,)
for share, (a, b) in zip(p, palette_ab):
    print(f"probability {share:.2f}   a {a:5.0f}   b {b:5.0f}")
print(f"their mean         a {mean_ab[0]:5.1f}   b {mean_ab[1]:5.1f}")

# %% [markdown]
# Predict $\hat y$ where the color is $y$, and you pay $(y - \hat y)^2$. On average you pay
#
# $$E\,(y - \hat y)^2 = (\hat y - E\,y)^2 + \mathrm{Var}\,y$$
#
# (Write $y - \hat y = (y - E\,y) + (E\,y - \hat y)$ and square. The mixed term averages to zero.) The
# first part depends on you. It is zero for $\hat y = E\,y$ and for nothing else. So **the squared error
# asks for the mean**, whatever the network, the optimizer or the data. The second part stays. It is
# called the **Bayes risk**; we call it the **floor**, because no loss gets below it.

# %% [markdown] deck="slide"
# ## What the squared error asks for
#
# $$E\,(y - \hat y)^2 = (\hat y - E\,y)^2 + \mathrm{Var}\,y$$
#
# - first part: depends on the prediction. It is zero for the **mean**, and for nothing else
# - second part: the **floor** (Bayes risk). No network gets below it
#
# No optimizer and no amount of data changes this.

# %% [markdown] deck="notes"
# The proof is one line: write y minus y-hat as (y minus Ey) plus (Ey minus y-hat) and square; the
# mixed term has mean zero. All of it holds for a given gray picture: then everything is conditional
# on L.

# %% [markdown] deck="slide"
# ## No balloon has the mean color

# %% [markdown] deck="notes"
# Circles are the four colors, as large as they are probable. The square is their mean, the best
# prediction under the squared error. It is grayish and far from every circle. Compare with the votes.

# %% deck="figure"
shades = np.vstack([palette_ab, mean_ab])  # (5, 2)
lab = np.hstack([np.full((5, 1), 42.0), shades]).astype(np.float32)
fig, (ax,) = plots.grid(1, 1, width=6, height=4)
ax.scatter(*palette_ab.T, s=2500 * p, c=color.lab_to_rgb(lab[:4]), edgecolors=plots.INK)
ax.scatter(*mean_ab, s=220, marker="s", color=color.lab_to_rgb(lab[4:]), edgecolors=plots.INK)
for (a, b), share in zip(palette_ab, p):
    ax.annotate(f"{share:.0%}", (a - 9, b), ha="right", va="center")
ax.annotate("  the mean", mean_ab, va="center", xytext=(8, 0), textcoords="offset points")
ax.set(xlim=(-70, 100), ylim=(-95, 70), xlabel="a (green to red)", ylabel="b (blue to yellow)")
plots.show(fig, "Four balloon colors in the ab plane and their mean, far from every one of them.")

# %% tags=["claim"]
away = np.hypot(*(palette_ab - mean_ab).T)  # ΔE to each color at the same L, (4,)
chroma = p @ np.hypot(*palette_ab.T)
print(f"from the mean to the nearest of the four colors: ΔE {away.min():.0f}")
print(f"chroma of a balloon {chroma:.0f} on average, chroma of the mean {np.hypot(*mean_ab):.0f}")
assert away.min() > 20 and np.hypot(*mean_ab) < chroma / 2

# %% [markdown]
# A brownish gray that no balloon has is the *best* prediction. More photographs or a larger network
# do not change that.
#
# ## A world whose best answer is known
#
# For photographs nobody can compute $E\,y$. So the course has a world of its own, `paintbox`: painted
# landscapes whose colors follow rules that we know. Sky and meadow have one color. Balloons, fields,
# roofs and sails get theirs by chance. The lake depends on the time of day, and only the height of the
# sun tells it. L never depends on the chance.


# %% tags=["export"]
def held_out_scenes():
    """Sixty scenes that no network sees in training, and the three (3,) of least certain color."""
    scenes = paintbox.sample(60, size=64, seed=2)
    uncertain = scenes.variance().mean((1, 2))  # (60,)
    return scenes, np.argsort(-uncertain)[:3]


# %%
held_out, SHOWN = held_out_scenes()
panels = held_out.panels()  # gray, truth, expected: (60, 64, 64, 3); variance: (60, 64, 64)
print(f"L {held_out.L.shape}, ab {held_out.ab.shape}: {len(held_out)} scenes")


def draw_panels(rows, columns, alt, titles):
    """Pictures (R, C), each row a scene."""
    fig, axes = plots.grid(len(rows), len(columns), height=10 / len(columns) * len(rows) + 0.3)
    for i, row in enumerate(rows):
        for j, images in enumerate(columns):
            title = titles[j] if i == 0 else None
            plots.picture(axes[i * len(columns) + j], images[row], title)
    plots.show(fig, alt)


# %% [markdown] deck="slide"
# ## Paintbox: gray, truth, and the expected color
#
# *Expected* is the best prediction under the squared error. Balloons and roofs turn brown: their
# color is drawn by chance. Sky and meadow do not: their color is certain.

# %% [markdown] deck="notes"
# Columns: what the network sees; the true color, drawn by chance; the expected color, which is the
# best prediction under the squared error; and how far the color can vary, where bright is uncertain.
# Balloons and roofs turn brown in the third column. Sky and meadow do not: their color is certain.

# %% deck="figure" picture="paintbox"
spread = np.sqrt(panels["variance"])
draw_panels(
    SHOWN,
    [panels["gray"], panels["truth"], panels["expected"], spread / spread.max()],
    "Three painted landscapes: gray, true colors, expected colors, and the spread of the color. "
    "Where the spread is bright the expected color is a dull mixture; elsewhere it is the truth.",
    ["gray: what it sees", "truth", "expected: the best answer", "spread (bright: uncertain)"],
)

# %% [markdown]
# No network made the third column. It is $E\,[ab \mid \text{gray picture}]$, computed from the rules.
# Its loss is the floor of this world. Four predictions, each the best for what it may look at:

# %% tags=["claim"]
LADDER = {name: mse / 128**2 for name, mse in paintbox.ladder(held_out).items()}
for name, mse in LADDER.items():
    print(f"{name:14} squared error of ab / 128: {mse:.4f}")
assert (-np.diff(list(LADDER.values())) > 0.1 * LADDER["gray"]).all()

# %% [markdown] deck="slide"
# ## How much must one see?
#
# | prediction | looks at | squared error of ab / 128 |
# | --- | --- | ---: |
# | gray | nothing: a = b = 0 | {{LADDER['gray']:.4f}} |
# | lookup by L | one pixel | {{LADDER['lookup by L']:.4f}} |
# | 31-px context | the thing around it | {{LADDER['31-px context']:.4f}} |
# | whole picture | the sun and the season too | {{LADDER['whole picture']:.4f}} |
#
# The last row is the **floor**. The first row is the **zero baseline**: a network that is not below
# it has learned nothing about color.

# %% [markdown] deck="notes"
# A table from L to color is the oldest colorizer there is. It cannot tell a balloon from a hill of
# the same lightness. A network has to get from the second row toward the last. Write the first and the
# last number on the board: the loss curves will lie between them.

# %% [markdown]
# ## The network
#
# Song and Liu print a table of layers: twelve 3 × 3 convolutions, three of them with stride 2, three
# upsamplings, and tanh at the end because a and b have signs. The first half is called the **encoder**:
# it makes the maps smaller and deeper. The second half, the **decoder**, enlarges them again.
#
# The report leaves some things open. We give it L / 100, shifted to −1…1, and divide ab by 128. The
# weights start as Keras starts them, and the rate is RMSprop's default. The input may have any size
# that is a multiple of 8.


# %% tags=["export"]
# (filters, stride) of the convolutions before the first upsampling, as in the report's table.
ENCODER = [(64, 1), (64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1), (256, 1), (128, 1)]
PAPER_SCALE = 128.0  # a and b are divided by it


def conv(filters, stride=1, activation="relu", dtype=None):
    return keras.layers.Conv2D(filters, 3, stride, "same", activation=activation, dtype=dtype)


# %% tags=["export"]
def s0(thin=1, dtype=None, channels=2):
    """Song and Liu's network; `thin` divides its filters, `dtype` is its working precision."""
    inputs = x = keras.Input((None, None, 1))  # (N, H, W, 1), L / 100
    x = keras.layers.Rescaling(2.0, -1.0)(x)  # -1…1
    for filters, stride in ENCODER:
        x = conv(filters // thin, stride, dtype=dtype)(x)  # at last (N, H/8, W/8, 128)
    for filters in (64, 32):
        x = keras.layers.UpSampling2D(dtype=dtype)(x)
        x = conv(filters // thin, dtype=dtype)(x)  # at last (N, H/2, W/2, 32)
    x = conv(channels, activation="tanh" if channels == 2 else "sigmoid")(x)  # (N, H/2, W/2, 2)
    return keras.Model(inputs, keras.layers.UpSampling2D()(x))  # (N, H, W, 2), ab / 128


# %% tags=["nbval-ignore-output"]
published = s0()
published.summary(line_length=78)

# %% tags=["claim"]
REPORTED = [640, 36928, 73856, 147584, 295168, 590080, 1180160, 1179904, 295040, 73792, 18464, 578]
counted = [layer.count_params() for layer in published.layers if layer.count_params()]
print(f"{published.count_params():,} parameters; every layer as reported: {counted == REPORTED}")
assert counted == REPORTED and published.count_params() == 3_892_194

# %% [markdown] deck="slide"
# ## S0: {{published.count_params():,}} parameters, as reported

# %% [markdown] deck="notes"
# Each box is the maps after one convolution: its height is their size, the number below counts the
# filters. Encoder: three times half the size and twice the filters. Decoder: enlarged again. Ask where
# most parameters are: in the middle, where 512 filters meet 256. The last enlargement comes after
# tanh and repeats pixels, so that color has half the resolution.

# %% deck="figure"
SIZES = [1, 1 / 2, 1 / 2, 1 / 4, 1 / 4, 1 / 8, 1 / 8, 1 / 8, 1 / 8, 1 / 4, 1 / 2, 1 / 2]
FILTERS = [filters for filters, _ in ENCODER] + [64, 32, 2]
fig, (ax,) = plots.grid(1, 1, width=10, height=3)
for i, (size, filters) in enumerate(zip(SIZES, FILTERS)):
    fill = plots.LINES[0] if i < 9 else plots.LINES[1]
    ax.bar(i, size, width=0.8, bottom=-size / 2, color=fill, edgecolor=plots.INK)
    ax.text(i, -0.66, filters, ha="center")
ax.text(4, 0.6, "encoder: 9 convolutions, each with its number of filters", ha="center")
ax.text(10, 0.6, "decoder: 3", ha="center")
ax.set(xlim=(-0.6, 11.6), ylim=(-0.75, 0.75))
ax.set_axis_off()
plots.show(fig, "Boxes: maps shrink to an eighth with up to 512 filters, then grow again.")

# %% [markdown]
# ### Exercise 1: a stage of the encoder (7 minutes)
#
# The encoder repeats one pattern three times: a convolution with stride 2 that keeps the number of
# filters, then one that doubles it. Write this **stage**. What goes in is a tensor of a network that is
# being built, and what comes out is one too. All kernels are 3 × 3, with ReLU, and keep the border.


# %% exercise="stage" minutes=7
def stage(x, filters):
    """Maps (N, H, W, C) to (N, H/2, W/2, 2·filters), by way of (N, H/2, W/2, filters)."""
    ### BEGIN SOLUTION
    x = keras.layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
    return keras.layers.Conv2D(2 * filters, 3, padding="same", activation="relu")(x)
    ### END SOLUTION


# %% check="stage" points=2
my_stage = stage
checks.stage(stage)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `keras.layers.Conv2D(filters, 3, padding="same", activation="relu")` makes a layer. Call the layer
# with x, and give what comes out to the next one.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The first convolution has `strides=2` and `filters` filters, the second none and `2 * filters`.
#
# </details>
#
# Where the check accepts it, your stage is part of every S0 that is trained below.


# %%
def own_stage(x, filters):
    """The course's."""
    return conv(2 * filters)(conv(filters, 2)(x))


# %%
used_stage = chosen(checks.stage, my_stage, own_stage)


def network(thin=1):
    """S0 of such stages: L / 100 (N, H, W, 1) to ab / 128 (N, H, W, 2)."""
    inputs = keras.Input((None, None, 1))
    x = conv(64 // thin)(keras.layers.Rescaling(2.0, -1.0)(inputs))
    for filters in (64, 128, 256):
        x = used_stage(x, filters // thin)  # at last (N, H/8, W/8, 512)
    x = conv(128 // thin)(conv(256 // thin)(x))
    for filters in (64, 32):
        x = conv(filters // thin)(keras.layers.UpSampling2D()(x))
    ab = conv(2, activation="tanh")(x)  # (N, H/2, W/2, 2)
    return keras.Model(inputs, keras.layers.UpSampling2D()(ab))


assert network().count_params() == published.count_params()

# %% [markdown]
# ## Train it on scenes
#
# As the report does: squared error, RMSprop, batches of ten. RMSprop divides each weight's step by a
# running mean of how large its gradients were, so that layers with small gradients learn too. After each
# epoch we also compute the loss on scenes that are *not* trained on: the **validation loss**. Two
# processor cores should not need minutes, so the live network has a quarter of the filters.


# %% tags=["export"]
def epochs_of(source, seed, batch=10, augmented=True):
    """A function: from an epoch's number to its batches of L / 100 and ab / 128."""
    batch = min(batch, batches.count(source))

    def epoch(number):
        return batches.keras_dataset(source, batch, seed, number, augmented, PAPER_SCALE)

    return epoch


def learn(model, epoch, epochs, measure, folder=None):
    """Squared error, RMSprop; the last fifth of the epochs a fifth as fast."""
    model.compile(keras.optimizers.RMSprop(), "mse")

    def rate(number):
        return 1e-3 if number < 0.8 * epochs else 2e-4

    return training.fit_keras(model, epoch, epochs, rate, folder, measure)


# %% tags=["export"]
SIDE_BY_SIDE = (5, 10, 20, 50)  # epochs whose pictures an experiment keeps


def answers(model, L):
    """ab in CIELAB units, (N, H, W, 2), of a Keras model for L (N, H, W, 1) in 0…100."""
    return PAPER_SCALE * model.predict(L / 100, batch_size=20, verbose=0)


# %%
def trained(source, L, ab, epochs, augmented=True):
    """A new S0 after some epochs, and its rows: training loss, validation loss of L and ab."""
    keras.utils.set_random_seed(session.seed)
    model = network(THIN)

    def measure(model):
        return {"validation": float(((answers(model, L) - ab) ** 2).mean() / PAPER_SCALE**2)}

    epoch = epochs_of(source, session.seed, augmented=augmented)
    return model, learn(model, epoch, epochs, measure)


# %% tags=["nbval-ignore-output"]
AMOUNT = {"ci": (20, 2, 8), "cpu": (300, 12, 4), "gpu": (4000, 50, 1)}  # filters: divided by
pictures, epochs, THIN = AMOUNT[session.profile]
scenes = paintbox.sample(pictures, size=64, seed=session.seed)
model, rows = trained(scenes, held_out.L, held_out.ab, epochs)
print(f"{network(THIN).count_params():,} parameters, {pictures} scenes, {epochs} epochs")
print(f"validation loss {rows[-1]['validation']:.4f}; gray {LADDER['gray']:.4f}")


# %%
def draw_curves(runs, marks, alt):
    """Training (broken) and validation loss (full) of {name: rows}; marks: {name: height}."""
    fig, (ax,) = plots.grid(1, 1, width=9, height=3.6)
    for i, (name, rows) in enumerate(runs.items()):
        seen = [row["epoch"] for row in rows if "validation" in row]
        for key, style in (("loss", "--"), ("validation", "-")):
            kind = "training" if key == "loss" else "validation"
            values = [row[key] for row in rows if "validation" in row]
            ax.plot(seen, values, style, color=plots.LINES[i], label=f"{name}{kind}")
    for (name, height), style in zip(marks.items(), (":", "-")):
        ax.axhline(height, color=plots.INK, linestyle=style, label=name)
    ax.set(xlabel="epoch", ylabel="squared error of ab / 128", ylim=(0, None))
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    plots.show(fig, alt)


# %% [markdown] deck="slide"
# ## Scenes: the curves lie between gray and the floor

# %% [markdown] deck="notes"
# Broken line: training loss. Full line: validation loss, on scenes that are not trained on. Upper
# line: gray, the zero baseline. Lowest line: the floor. A loss curve without these two marks says
# little. Between curve and floor lies the excess risk, also called regret. The two curves stay
# together here: there are enough scenes.

# %% deck="figure"
MARKS = {"gray": LADDER["gray"], "floor": LADDER["whole picture"]}
ALT = "Training and validation loss by epoch, between the loss of gray above and the floor below."
draw_curves({"": rows}, MARKS, ALT)

# %% [markdown] deck="slide"
# ## Beside the column *expected*
#
# More training leads to *expected*, not to *truth*.

# %% [markdown] deck="notes"
# The network of the live training, the expected color, and the truth. Bands and meadow come first,
# small things last. Ask which column the first one will look like after more training: the
# expected one, not the truth.

# %% deck="figure"
predicted = color.with_ab(held_out.L[SHOWN], answers(model, held_out.L[SHOWN]))
draw_panels(
    range(len(SHOWN)),
    [panels["gray"][SHOWN], predicted, panels["expected"][SHOWN], panels["truth"][SHOWN]],
    "Three scenes in gray, as the live network predicts them, in expected colors and in truth.",
    ["gray", "your network", "expected", "truth"],
)

# %% [markdown]
# The live training is short. A longer one of the published network is stored with the course, so that
# its numbers are the same for everybody. The **regret** (excess risk) is the mean squared distance
# between a prediction and the expected color: what a network could still learn.

# %% tags=["claim"]
longer = course.result("02/paintbox")
for n in SIDE_BY_SIDE:
    mean, low, high = longer["rows"][n - 1]["regret"]
    print(f"epoch {n:2}   regret {mean:6.1f} [{low:.1f}, {high:.1f}] ab²")
last = longer["rows"][-1]
print(f"{longer['n']} scenes to learn from, {longer['n_test']} for testing, seed {longer['seed']}")
truth, expected, predicted_chroma = last["chroma"]["balloon"]
print(f"balloons: chroma {truth:.0f} in truth, {expected:.0f} expected, {predicted_chroma:.0f} S0")
print(f"from S0's mean balloon to the nearest real one: ΔE {last['from_palette']:.0f}")
assert last["regret"][2] < longer["rows"][4]["regret"][1]
assert predicted_chroma < truth / 2 and last["from_palette"] > 20

# %% [markdown] deck="slide"
# ## After 50 epochs: certain colors are right, uncertain ones are dull

# %% [markdown] deck="notes"
# Circles: truth. Squares: expected color. Triangles: S0. Where the color is certain, as in sky and
# meadow, the three agree. Where it is drawn by chance, as for balloons and roofs, the truth is
# colorful, and expected color and network are not. The network has learned the mean.

# %% deck="figure"
regions = list(last["chroma"])
fig, (ax,) = plots.grid(1, 1, width=8, height=3.2)
for i, label in enumerate(("truth", "expected color", "S0")):
    values = [last["chroma"][name][i] for name in regions]
    ax.plot(values, regions, plots.MARKERS[i], label=label, markersize=9, alpha=0.8)
ax.set(xlabel="mean chroma (distance from gray)", xlim=(0, None))
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(fig, "Mean chroma by region: balloons and roofs are far more colorful in truth.")

# %% [markdown]
# That answers the question of this lesson. **The squared error wants the conditional mean.** Where one
# color is possible, the mean is that color. Where several are, it is a dull mixture.
#
# ## The same loss, a better network
#
# Is the brown S0's fault? Give the same loss to a network that fits this world better, a small **U-Net**.
# It shrinks the picture to one pixel, so that the sun reaches everything. On the way back it joins each
# size with the maps of that size from the way down (**skip connections**), so that edges stay sharp.

# %% tags=["export"]
HALF = "mixed_bfloat16"  # half the time on processors that have it, float32 weights


def block(x, filters, stride=1):
    x = keras.layers.Conv2D(filters, 3, stride, "same", use_bias=False, dtype=HALF)(x)
    x = keras.layers.BatchNormalization(momentum=0.9, dtype=HALF)(x)
    return keras.layers.ReLU(dtype=HALF)(x)


# %% tags=["export"]
def unet(widths=(16, 32, 64, 128, 128, 128)):
    inputs, skips = keras.Input((64, 64, 1)), []
    x = inputs  # (N, 64, 64, 1), L / 100
    for filters in widths:
        skips.append(block(x, filters))
        x = block(skips[-1], filters, stride=2)  # at last (N, 1, 1, 128)
    for skip in skips[::-1]:
        x = keras.layers.Concatenate()([keras.layers.UpSampling2D(dtype=HALF)(x), skip])
        x = block(x, skip.shape[-1])  # at last (N, 64, 64, 16)
    return keras.Model(inputs, keras.layers.Conv2D(2, 1)(x))  # (N, 64, 64, 2), ab / 128


# %% tags=["claim"]
deep = course.result("02/unet")
mean, low, high = deep["regret"]
print(f"regret {mean:.1f} [{low:.1f}, {high:.1f}] ab²; S0 {last['regret'][0]:.1f}")
truth, expected, deep_chroma = deep["chroma"]["balloon"]
print(f"balloons: chroma {truth:.0f} in truth, {expected:.0f} expected, {deep_chroma:.0f} U-Net")
assert deep["parameters"] == unet().count_params() and high < last["regret"][1] / 3
assert abs(deep_chroma - expected) < 0.1 * truth and deep_chroma < truth / 2

# %% [markdown] deck="slide"
# ## A better network is equally brown
#
# | on paintbox | S0 | U-Net | expected color |
# | --- | ---: | ---: | ---: |
# | parameters | {{published.count_params():,}} | {{deep['parameters']:,}} | |
# | regret, ab² | {{last['regret'][0]:.1f}} | {{deep['regret'][0]:.1f}} | 0 |
# | chroma of balloons (truth {{truth:.0f}}) | **{{predicted_chroma:.0f}}** | **{{deep_chroma:.0f}}** | **{{expected:.0f}}** |
#
# The network is not the reason for the brown. The loss is.

# %% [markdown] deck="notes"
# This is no race: S0 had {{longer['n']}} scenes and {{longer['epochs']}} epochs, the U-Net
# {{deep['n']:,}} and {{deep['epochs']}}. Intervals are in the notebook. The point is the last row: a
# network with little left to learn still predicts the mean.

# %% [markdown]
# Most of the regret is gone, and the balloons are as brown as before. **A better network comes closer to
# the mean, not farther from it.**
#
# ## Another loss
#
# The absolute error $|y - \hat y|$ asks for the **median** of each channel: half of the balloons lie
# below it. The **Huber loss** lies between the two. With $d = |y - \hat y|$ it is $d^2 / 2$ where
# $d \le \delta$, and $\delta\,(d - \delta / 2)$ beyond: a squared error for small differences, an absolute
# error for large ones.
#
# **First predict:** under Huber with a small δ, will the balloon come out red, blue, green, or in a color
# that no balloon has? Write it down.
#
# ### Exercise 2: change the loss (7 minutes)
#
# Write the Huber loss with `keras.ops`, so that Keras can compute its gradient. Average over all values.


# %% exercise="huber" minutes=7
def huber(y, y_hat, delta):
    """True and predicted values of one shape, any rank, and δ, to the mean Huber loss."""
    ### BEGIN SOLUTION
    d = keras.ops.abs(y - y_hat)
    near, far = d**2 / 2, delta * (d - delta / 2)
    return keras.ops.mean(keras.ops.where(d <= delta, near, far))
    ### END SOLUTION


# %% check="huber" points=2
my_huber = huber
checks.huber(huber)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `keras.ops.where(condition, a, b)` chooses value by value. `keras.ops.abs` and `keras.ops.mean` do what
# NumPy's do.
#
# </details>
# <details><summary>Hint 2</summary>
#
# First d, then both formulas for all values, then choose between them with `d <= delta`, then the mean.
#
# </details>
#
# Now train with it. The smallest network of this course has two weights, its a and its b, and sees
# nothing but balloons. The other runs use Keras's squared error.


# %%
def own_huber(y, y_hat, delta):
    """The course's."""
    return keras.ops.mean(keras.losses.huber(y, y_hat, delta))


used_huber = chosen(checks.huber, my_huber, own_huber)
drawn = np.random.default_rng(session.seed).choice(len(p), 2000, p=p)
balloons = np.float32(palette_ab[drawn] / 128)  # (2000, 2)


# %%
def balloon_path(loss):
    """The color (a, b) that two weights predict for all balloons, while they learn."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, use_bias=False)])
    model.set_weights([np.full((1, 2), 0.3)])
    model.compile(keras.optimizers.Adam(0.03), loss)
    path, ones = [], np.ones((len(balloons), 1), np.float32)
    for _ in range(2 if session.profile == "ci" else 25):
        path.append(128 * model.get_weights()[0][0])
        model.fit(ones, balloons, batch_size=1000, verbose=0)
    return np.array(path)  # (epochs, 2)


# %% [markdown] deck="slide"
# ## Another loss: another color, and still nobody's

# %% [markdown] deck="notes"
# Both lines begin at the same orange. Squares: the squared error; it ends at the mean. Triangles:
# Huber with a small delta; it ends at the median of a and the median of b, which no balloon has
# either. Compare with what the room predicted. One single answer cannot say "red or blue".

# %% deck="figure" tags=["nbval-ignore-output"]
paths = {"squared error": balloon_path("mse")}
paths["Huber, δ = 0.02"] = balloon_path(lambda y, y_hat: used_huber(y, y_hat, 0.02))
fig, (ax,) = plots.grid(1, 1, width=7, height=4.4)
ax.scatter(*palette_ab.T, s=2500 * p, c=color.lab_to_rgb(lab[:4]), edgecolors=plots.INK)
for (name, path), marker in zip(paths.items(), "s^"):
    print(f"{name:16} ends at a {path[-1][0]:4.0f}, b {path[-1][1]:4.0f}")
    end = color.lab_to_rgb(np.float32([[42, *path[-1]]]))[0]
    ax.plot(*path.T, marker=marker, color=plots.INK, linewidth=0.8, markersize=4, label=name)
    ax.plot(*path[-1], marker, color=end, markersize=16)
ax.set(xlim=(-70, 100), ylim=(-95, 70), xlabel="a (green to red)", ylabel="b (blue to yellow)")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(fig, "The predicted color moves to the mean, or to the median; no balloon is there.")

# %% tags=["claim"]
order = palette_ab.argsort(axis=0)  # (4, 2), each channel sorted for itself
half = (p[order].cumsum(axis=0) >= 0.5).argmax(axis=0)  # (2,) first color past one half
median_ab = np.take_along_axis(palette_ab, order, axis=0)[half, [0, 1]]
to_median = np.hypot(*(palette_ab - median_ab).T).min()
print(f"median: a {median_ab[0]:.0f}, b {median_ab[1]:.0f}; nearest balloon: ΔE {to_median:.0f}")
assert to_median > 20

# %% [markdown]
# The median takes its a from one balloon and its b from another. Lesson 05 predicts a distribution
# instead of one color.

# %% [markdown] tags=["optional"]
# ## How far it sees (optional)
#
# A pixel of the prediction depends on a window of the picture, the **receptive field**. Each 3 × 3
# convolution widens it by two pixels of the maps that it works on, and after a stride these pixels lie
# twice as far apart. Measure it: change one pixel of L, and look how far the prediction changes.


# %% tags=["claim"]
def window(model, size=160):
    """The width in pixels of what changes where one pixel of L changes."""
    x = np.random.default_rng(0).uniform(0, 1, (1, size, size, 1)).astype(np.float32)
    y = x.copy()
    y[0, size // 2, size // 2] = 1 - y[0, size // 2, size // 2]
    moved = np.abs(model.predict(x, verbose=0) - model.predict(y, verbose=0)).max((0, 2, 3))
    return 2 * int(np.abs(np.flatnonzero(moved) - size // 2).max()) + 1


wide = window(published)
print(f"S0 looks at a window of {wide} pixels, whatever the size of the picture")
assert 64 < wide < 128

# %% [markdown]
# ### Exercise 3: shrink the window (7 minutes)
#
# Write a short-sighted network: `layers` convolutions with ReLU, then one with tanh for a and b, all
# 3 × 3 without stride. Its window is 2·`layers` + 3 pixels. Predict first: what will happen to the sky?


# %% exercise="short_sighted" minutes=7
def short_sighted(layers, filters):
    """A Keras model from L / 100 (N, H, W, 1), any H and W, to ab / 128 (N, H, W, 2)."""
    ### BEGIN SOLUTION
    inputs = x = keras.Input((None, None, 1))
    for _ in range(layers):
        x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    ab = keras.layers.Conv2D(2, 3, padding="same", activation="tanh")(x)
    return keras.Model(inputs, ab)
    ### END SOLUTION


# %% check="short_sighted" points=2
my_short_sighted = short_sighted
checks.short_sighted(short_sighted)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Begin with `keras.Input((None, None, 1))`: None stands for any height and width.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Call one layer after the other in a loop, then the last one, and return
# `keras.Model(inputs, outputs)`.
#
# </details>


# %% tags=["nbval-ignore-output"]
def own_short_sighted(layers, filters):
    """The course's."""
    x = inputs = keras.Input((None, None, 1))
    for _ in range(layers):
        x = conv(filters)(x)
    return keras.Model(inputs, conv(2, activation="tanh")(x))


make_narrow = chosen(checks.short_sighted, my_short_sighted, own_short_sighted)
keras.utils.set_random_seed(session.seed)
narrow = make_narrow(1, 32)
narrow.compile(keras.optimizers.RMSprop(3e-3), "mse")
narrow.fit(scenes.L / 100, scenes.ab / 128, batch_size=10, epochs=epochs, verbose=0)
loss = ((answers(narrow, held_out.L) - held_out.ab) ** 2).mean() / 128**2
print(f"{window(narrow)} pixels: validation loss {loss:.4f}; S0 {rows[-1]['validation']:.4f}")

# %% [markdown] deck="slide"
# ## A window of 5 pixels breaks the sky
#
# Inside a plain area a small window sees one lightness and nothing else: sky, lake and hill of the
# same lightness get the same color.

# %% [markdown] deck="notes"
# The first column is a network that sees 5 pixels, the second is S0. Inside a plain area the small
# window holds one lightness and nothing else, so sky, lake and hill of the same lightness get the same
# color. Ask what the best lookup by L would look like: nearly like this.

# %% deck="figure"
L_three = held_out.L[SHOWN]
by_window = [color.with_ab(L_three, answers(each, L_three)) for each in (narrow, model)]
draw_panels(
    range(len(SHOWN)),
    [*by_window, panels["expected"][SHOWN], panels["truth"][SHOWN]],
    "Three scenes as a network with a window of 5 pixels and as S0 predict them: in the first, "
    "areas of the same lightness have the same color, whatever they are.",
    ["window of 5 pixels", "S0", "expected", "truth"],
)

# %% [markdown]
# What a network cannot see, it averages over. A larger window costs layers or resolution. Lesson 03
# adds a branch that sees the whole picture.

# %% [markdown]
# ## Train it on photographs
#
# The album has 99 photographs for training. Every fifth of them is for **validation**. The rest is
# **augmented**, that is flipped, rotated, sheared and enlarged by chance in each epoch, as the report
# does. It is done in RGB, before the conversion to Lab, so that L and ab still belong together.

# %%
everything = photos.load("album", "train", 64, color_only=True)
held = np.arange(len(everything)) % 5 == 0
train, validation = everything[~held], everything[held]
L_valid, ab_valid = color.split(color.rgb_to_lab(validation))
zero_loss = float((ab_valid**2).mean() / 128**2)  # of gray

# %% [markdown] deck="slide"
# ## Photographs: a little below gray, and then slowly

# %% [markdown] deck="notes"
# Broken: training loss. Full: validation loss. Dotted: gray on the validation photographs. Within an
# epoch or two the network knows the mean color; after that the curves fall slowly. The training loss
# is the higher one, because the training photographs happen to be more colorful. Ask what would help:
# more epochs, more photographs, or another network? The next pictures, exercise 4 and the report answer.

# %% deck="figure" tags=["nbval-ignore-output"]
EPOCHS = {"ci": 2, "cpu": 60, "gpu": 100}[session.profile]
live, live_rows = trained(train, L_valid, ab_valid, EPOCHS)
print(f"{len(train)} photographs, {len(validation)} for validation, {EPOCHS} epochs")
print(f"validation loss {live_rows[-1]['validation']:.4f}, gray {zero_loss:.4f}")
ALT = "Training and validation loss by epoch on photographs; validation is a little below gray."
draw_curves({"": live_rows}, {"gray, validation": zero_loss}, ALT)


# %%
test_album = {photo.name: photo for photo in photos.album("test")}


def squares(names, size):
    """Test photographs by name, cut to squares: (N, size, size, 3)."""
    return photos.load("album", "test", size)[[list(test_album).index(name) for name in names]]


def colored(ab, rgb):
    """Predicted ab (N, h, w, 2), interpolated, with the L of photographs (N, H, W, 3)."""
    ab = np.asarray(keras.ops.image.resize(np.float32(ab), rgb.shape[1:3]))
    return color.with_ab(color.L(rgb), ab)


def credits(names):
    print("\n".join(test_album[name].credit for name in names))


# %% [markdown] deck="slide"
# ## What 79 photographs teach
#
# Test photographs. The network has learned the mean color, and little else.

# %% [markdown] deck="notes"
# Test photographs: gray, the live network, the truth. The network has found out what the mean color
# is, and little else. It cannot know what a tulip is from so few photographs. Hold this against the
# shipped network later.

# %% deck="figure"
LOOKED_AT = ["maya_beach", "forest_path", "tulip_field", "fruits", "common_jezebel"]
truth = squares(LOOKED_AT, 256)
predicted = colored(answers(live, color.L(squares(LOOKED_AT, 64))), truth)
plots.pictures(
    [*map(metrics.paint_gray, truth), *predicted, *truth],
    "Five test photographs in gray, as the live network predicts them, and in truth.",
    [name for name in ("gray", "your network", "truth") for _ in LOOKED_AT],
    columns=5,
    width=8,
)
credits(LOOKED_AT)

# %% [markdown]
# ### Exercise 4: overfit eight photographs on purpose (7 minutes)
#
# A network that cannot learn eight photographs by heart has a bug, or it cannot see what it needs. So
# this is the first test of any new network. Compile the model with the squared error and an optimizer of
# your choice, and train it on all photographs **as one batch** for some epochs.


# %% exercise="memorize" minutes=7
def memorize(model, x, y, epochs):
    """Train on x (N, H, W, 1) and y (N, H, W, 2), N a batch; the list of training losses."""
    ### BEGIN SOLUTION
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    history = model.fit(x, y, batch_size=len(x), epochs=epochs, verbose=0)
    return history.history["loss"]
    ### END SOLUTION


# %% check="memorize" points=2
my_memorize = memorize
checks.memorize(memorize)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `model.compile(optimizer, loss)`, then `model.fit(x, y, batch_size=..., epochs=...)`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `fit` returns an object whose `history` is a dict. The training losses are `history["loss"]`, one for
# each epoch. Adam at its usual rate works here.
#
# </details>


# %% tags=["nbval-ignore-output"]
def own_memorize(model, x, y, epochs):
    """The course's."""
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    return model.fit(x, y, len(x), epochs, verbose=0).history["loss"]


by_heart = chosen(checks.memorize, my_memorize, own_memorize)
keras.utils.set_random_seed(session.seed)
eight, eight_large = (photos.load("album", "train", n, 10)[~held[:10]] for n in (32, 256))
L_eight, ab_eight = color.split(color.rgb_to_lab(eight))
parrot, often = network(2), 3 if session.profile == "ci" else 200
losses = by_heart(parrot, L_eight / 100, ab_eight / 128, often)
print(f"eight photographs: loss {losses[0]:.4f} at first, {losses[-1]:.4f} at last")
new = ((answers(parrot, L_valid) - ab_valid) ** 2).mean() / 128**2
print(f"validation photographs: loss {new:.4f}, gray {zero_loss:.4f}")

# %% [markdown] deck="slide"
# ## Eight photographs by heart
#
# Trained on eight photographs: four of them at the left. At the right, four that it never saw:
# overfitting.

# %% [markdown] deck="notes"
# Upper row, left: photographs that the network was trained on, as it predicts them; right: photographs
# that it has never seen. Lower row: the truth. The network can hold vivid colors and put them in the
# right place. On new photographs it puts colors where nothing asks for them, and its validation loss is
# printed above. This is overfitting: the capacity is there, the data is not.

# %% deck="figure"
small, large = (squares(LOOKED_AT[:4], size) for size in (32, 256))
small, large = np.concatenate([eight[:4], small]), np.concatenate([eight_large[:4], large])
plots.pictures(
    [*colored(answers(parrot, color.L(small)), large), *large],
    "Four photographs learned by heart in nearly true colors, four new ones in wrong colors.",
    ["by heart"] * 4 + ["never seen"] * 4 + ["truth"] * 8,
    columns=8,
)

# %% [markdown]
# ## Two claims of the report
#
# **"As the number of epochs increasing, the performance of network is better."** The report shows test
# pictures after 50 to 200 epochs and judges by eye. We did the same with mountains of Intel's collection,
# at one rate and one size, and add the validation loss and the test photographs' PSNR. (The network
# has half of the published filters.)

# %% [markdown] deck="slide"
# ## More epochs: the training loss falls, the validation loss turns

# %% [markdown] deck="notes"
# Broken: training loss. Full: validation loss, on other mountains. Dotted: gray. The
# training loss falls to the end, as the report writes. The validation loss has its minimum early. The
# report had {{5000:,}} photographs, so its minimum comes later; without a validation curve it could not see it.

# %% deck="figure"
report = course.result("02/report")
measured = [row for row in report["rows"] if "validation" in row]
marked = [row for row in report["rows"] if "gain" in row]
shown_epochs = [row["epoch"] for row in marked]
ALT = "Training loss falls for all epochs; validation loss is least early, then rises."
draw_curves({"": measured}, {"gray, validation": report["zero"]}, ALT)

# %% tags=["claim"]
best = min(measured, key=lambda row: row["validation"])
gains = {row["epoch"]: row["gain"] for row in marked}
course.claim(
    "with more epochs the performance is better (Song and Liu)",
    f"{report['n']} mountains of {report['size']} px, one rate, seed {report['seed']}; "
    f"{report['n_test']} test photographs",
    f"validation loss least after epoch {best['epoch']}; PSNR minus gray: "
    + ", ".join(f"{gain[0]:+.2f} dB after {epoch}" for epoch, gain in gains.items()),
    "fails here: so few photographs are soon learned by heart",
)
assert best["epoch"] < report["epochs"] and measured[-1]["loss"] < best["loss"]
assert gains[25][1] > 0 and gains[200][0] < gains[25][0]

# %% [markdown] deck="slide"
# ## It saw mountains only: after more and more epochs

# %% [markdown] deck="notes"
# The report's figure, on photographs of the album that may be shown. The network knows mountains only.
# Ask the room for the best column before you tell which epoch had the least validation loss.

# %% deck="figure"
side, truth = report["size"] // 2, squares(report["shown"][:3], 256)
kept = [packing.unpack(row["shown"], -1, side, side, 2)[:3] for row in marked]
columns = [*(colored(ab, truth) for ab in kept), truth]
titles = [*(f"{epoch} epochs" for epoch in shown_epochs), "truth"]
ALT = "Three photographs as predicted after 25, 50, 100 and 200 epochs, and in truth."
draw_panels(range(3), columns, ALT, titles)
credits(report["shown"][:3])

# %% [markdown]
# **One model for each class.** The report trains on mountains alone and proposes for the future: a
# classifier names the class, and the model of that class predicts the color. We trained one network on
# each of Intel's six classes and one on all six together. All have the same number of steps in all, and
# the classifier is the course's own, from L.

# %% tags=["claim"]
classes = course.result("02/classes")
by_class = {name: np.array(values) for name, values in classes["psnr"].items()}
over_gray = {name: metrics.bootstrap(x - by_class["gray"]) for name, x in by_class.items()}
right = np.mean(np.array(classes["chosen"]) == classes["labels"])
pairs = metrics.bootstrap(by_class["the chosen model"] - by_class["one model for all"])
print(f"{classes['n']} photographs of each class, {classes['epochs']} epochs")
for name, (mean, low, high) in (over_gray | {"chosen minus one for all": pairs}).items():
    print(f"{name:26} {mean:+.2f} dB [{low:+.2f}, {high:+.2f}]")
print(f"the classifier is right for {right:.0%} of {len(by_class['gray'])} photographs")
assert over_gray["one model for all"][1] > 0 and pairs[1] < 0 < pairs[2]

# %% [markdown] deck="slide"
# ## One model for each class, or one for all?
#
# | PSNR minus gray | dB | 95 % interval |
# | --- | ---: | --- |
# | the model of its true class | {{over_gray["its class's model"][0]:+.2f}} | {{over_gray["its class's model"][1]:+.2f}} to {{over_gray["its class's model"][2]:+.2f}} |
# | the model that the classifier chose | {{over_gray["the chosen model"][0]:+.2f}} | {{over_gray["the chosen model"][1]:+.2f}} to {{over_gray["the chosen model"][2]:+.2f}} |
# | one model for all classes | {{over_gray["one model for all"][0]:+.2f}} | {{over_gray["one model for all"][1]:+.2f}} to {{over_gray["one model for all"][2]:+.2f}} |
# | chosen model minus one for all | {{pairs[0]:+.2f}} | {{pairs[1]:+.2f}} to {{pairs[2]:+.2f}} |
#
# {{classes['n']}} photographs of each class, equal steps in all, {{len(by_class['gray'])}} test photographs,
# one seed. The classifier names {{right:.0%}} of the classes rightly.

# %% [markdown] deck="notes"
# Paired, photograph by photograph. The interval covers the choice of photographs, not the luck of one
# start. Ask why six specialists do not win: each saw a sixth of the photographs, and the classifier errs.

# %% [markdown]
# With so few photographs neither wins: the interval of the difference contains zero. A specialist knows
# its class, the network for all has seen six times as many photographs, and a wrong choice of the
# classifier costs something. So the idea is not refuted, and it is not worth six networks here.
#
# Two more sentences of the report. It says that the loss does not show how well the network colors. That is
# true for one thing that we measured: a squared error never asks for colorfulness. It also says that the
# output is never red. The mean of uncertain colors is one possible reason, and few red things among mountains
# are another. This lesson does not separate them.
#
# ## The shipped colorizer
#
# Training from nothing on many more photographs gives the colorizer that ships with the course: an ONNX file
# from L to ab that needs no Keras. All later lessons know nothing but such files.

# %% [markdown] deck="slide"
# ## The shipped network, step by step

# %% [markdown] deck="notes"
# PSNR minus gray on validation photographs, while the shipped network was trained on a GPU, in batches
# of 128. It is still rising a little at the end, and uneven on the way: one epoch more is not always
# better, many are.

# %% deck="figure"
stored = course.result("02/checkpoint")
s0_file, sets = Colorizer.load("02_mse_regression"), stored["sets"]
steps, validated = zip(*((row["step"], row["gain"]) for row in stored["rows"]))
fig, (ax,) = plots.grid(1, 1, width=8, height=3.2)
ax.plot(steps, validated, "o-", label="S0, validation")
ax.axhline(0, color=plots.INK, linestyle=":", label="gray")
ax.set(xlabel="step", ylabel="dB over gray")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(fig, "Gain over gray on validation photographs by step; it rises from half a decibel.")

# %% tags=["claim"]
s0_gain, own_mean = {}, {}
for name, found in sets.items():
    gray_row, mean_row, _ = found["table"]
    own_mean[name] = mean_row["psnr"][0] - gray_row["psnr"][0]
    s0_gain[name] = mean, low, high = found["gain"]["S0"]
    print(f"{name:14} {mean:+.2f} dB [{low:+.2f}, {high:+.2f}]   own mean {own_mean[name]:+.2f}")
assert min(s0_gain["diverse"][1], s0_gain["album"][1]) > 0
assert s0_gain["other cameras"][1] < 0 < s0_gain["other cameras"][2]

# %% [markdown] deck="slide"
# ## S0 on four test sets, against gray
#
# | test set | N | S0 minus gray, dB | own mean |
# | --- | ---: | ---: | ---: |
# | diverse | {{sets["diverse"]["n_test"]}} | {{"%+.2f [%+.2f, %+.2f]" % tuple(s0_gain["diverse"])}} | {{own_mean["diverse"]:+.2f}} |
# | Intel | {{sets["Intel"]["n_test"]}} | {{"%+.2f [%+.2f, %+.2f]" % tuple(s0_gain["Intel"])}} | {{own_mean["Intel"]:+.2f}} |
# | album | {{sets["album"]["n_test"]}} | {{"%+.2f [%+.2f, %+.2f]" % tuple(s0_gain["album"])}} | {{own_mean["album"]:+.2f}} |
# | other cameras | {{sets["other cameras"]["n_test"]}} | {{"%+.2f [%+.2f, %+.2f]" % tuple(s0_gain["other cameras"])}} | {{own_mean["other cameras"]:+.2f}} |
#
# PSNR, 95 % intervals. *Own mean* gives each photograph its true mean color, so it uses the answer.

# %% [markdown] deck="notes"
# No photograph of the test sets was trained on. On photographs of other cameras the interval contains
# zero: it is not shown that S0 beats gray there. Own mean is a mark to compare with, no rival.

# %% [markdown]
# What do **more data** and a **bigger picture** buy? Below, on the album's test photographs: your live
# network, which learned from 79 photographs of 64 pixels; and the shipped one, which looks at the same
# photographs at 64, 128 and 256 pixels. All are judged at 256 pixels.


# %% tags=["nbval-ignore-output"]
def gain_on_album(ab):
    """PSNR minus gray of ab (56, h, w, 2), enlarged to 256 pixels: mean, low, high."""
    truth = photos.load("album", "test", 256)
    hats, gray = (colored(x, truth) for x in (ab, 0 * ab))
    truth = truth / np.float32(255)
    return metrics.bootstrap(metrics.psnr(truth, hats) - metrics.psnr(truth, gray))


at = {size: color.L(photos.load("album", "test", size)) for size in (64, 128, 256)}
bought = {"live, 64 px": gain_on_album(answers(live, at[64]))}
bought |= {f"shipped, {size} px": gain_on_album(s0_file.ab(L)) for size, L in at.items()}
for name, (mean, low, high) in bought.items():
    print(f"{name:16} {mean:+.2f} dB [{low:+.2f}, {high:+.2f}]")
assert session.profile == "ci" or bought["shipped, 64 px"][0] > bought["live, 64 px"][0]

# %% [markdown] deck="slide"
# ## What more data and a bigger picture buy
#
# | album, 56 test photographs | learned from | PSNR minus gray, dB |
# | --- | ---: | ---: |
# | live network, 64 px | {{len(train)}} | {{bought["live, 64 px"][0]:+.2f}} |
# | shipped network, 64 px | {{stored["n"]:,}} | {{bought["shipped, 64 px"][0]:+.2f}} |
# | shipped network, 128 px | {{stored["n"]:,}} | {{bought["shipped, 128 px"][0]:+.2f}} |
# | shipped network, 256 px | {{stored["n"]:,}} | {{bought["shipped, 256 px"][0]:+.2f}} |
#
# The shipped network was trained on pictures of {{stored["size"]}} px. All are judged at 256 px.

# %% [markdown] deck="notes"
# From the first to the second row more has changed than the data: the shipped network has all
# filters and was trained on larger pictures. Both rows together say what a longer training on many
# photographs buys. The size of the picture matters less, as long as things are about as large as in training.


# %% [markdown] deck="slide"
# ## Where it succeeds

# %% [markdown] deck="notes"
# Test photographs: sky turns bluish, grass greenish, wood and stone brownish. These are colors that
# belong to things which look alike everywhere. All are paler than the truth.


# %% deck="figure"
def gallery(names, alt):
    """Gray, S0 and truth of album photographs, and who made them."""
    rows = {"gray": metrics.paint_gray, "S0": s0_file.colorize}
    plots.gallery([test_album[name] for name in names], rows, alt, width=8)


gallery(
    ["maya_beach", "prokudin_00889", "king_penguin", "yasaka_pagoda", "rescue_helicopter"],
    "Five photographs in gray, as S0 predicts them, and in truth: blue sky, green grass, but pale.",
)

# %% [markdown] deck="slide"
# ## Where it fails
#
# What may have any color comes out brown: the mean, as on paintbox.

# %% [markdown] deck="notes"
# Tulips, toys, a balloon and cloth may have any color, and come out brown: the mean, as on paintbox.
# The sea behind the puffin is blurred, so it becomes sand. No photograph of a person should be shown colorized without saying that its color is invented.

# %% deck="figure"
gallery(
    ["tulip_field", "wooden_toys", "german_hot_air_balloon", "puffin", "korean_dancer"],
    "Five photographs in gray, as S0 predicts them, in truth: tulips, toys and a balloon brown.",
)

# %% [markdown]
# The balloon of the first slide is back, on a photograph: it may have any color, so S0 predicts brown.
#
# ## Quiz
#
# **1. A house is red or blue with equal probability, and its gray does not tell which. Which prediction
# has the smallest expected squared error?**
#
# <details><summary>A. Red or blue, either will do.</summary>
#
# Either costs nothing half of the time and a lot in the other half. The point between them costs half
# as much on average.
#
# </details>
# <details><summary>B. The point halfway between red and blue in the ab plane.</summary>
#
# Right: the mean, though no house has that color.
#
# </details>
# <details><summary>C. Gray.</summary>
#
# Only if red and blue lay opposite each other around gray. The mean of red and blue is a purple.
#
# </details>
#
# **2. The training loss falls, and the validation loss has been rising for twenty epochs. What now?**
#
# <details><summary>A. Train on, because the loss is still falling.</summary>
#
# The loss that falls is that of photographs which the network knows already.
#
# </details>
# <details><summary>B. Take the network of the epoch with the least validation loss, and find more data.</summary>
#
# Right: it overfits. Augmentation and more photographs put the minimum later and lower.
#
# </details>
# <details><summary>C. Divide ab by a larger number.</summary>
#
# That makes both losses smaller, and the loss of gray with them. The picture stays the same.
#
# </details>
#
# **3. A new network cannot learn eight photographs by heart. What does that tell?**
#
# <details><summary>A. It generalizes well.</summary>
#
# Generalizing means to be good on new photographs. This one is not even good on known ones.
#
# </details>
# <details><summary>B. It has a bug, a wrong rate, or too small a receptive field.</summary>
#
# Right: with eight photographs there is nothing to average over but what it cannot see.
#
# </details>
#
# **4. A report shows a falling training loss and no other number. What do you ask for first?**
#
# <details><summary>A. The loss of gray at the same scale, and the validation loss.</summary>
#
# Right: without the first nobody knows whether the network is better than leaving the picture gray, and
# without the second whether it learned more than its own photographs.
#
# </details>
# <details><summary>B. More epochs.</summary>
#
# Perhaps later. One training loss cannot say whether they would help.
#
# </details>
# <details><summary>C. Prettier examples.</summary>
#
# Chosen examples show that there are some good ones, not how many.
#
# </details>

# %% [markdown]
# ## What broke, and which lesson repairs it
#
# - **Pale colors.** The squared error asks for the mean. Lesson 05 predicts a distribution, lesson 06
#   adds a discriminator.
# - **A small window.** S0 sees less than 100 pixels. Lesson 03 adds a branch that sees the whole picture.
# - **Few photographs.** Lesson 04 takes features that a network learned from a million.
# - **Blocky color.** The last enlargement repeats pixels after tanh. Later networks interpolate.
#
# ## Further reading
#
# - The report: Song and Liu, *Automatic Colorization System*, course project, New York University, 2018.
# - Bishop, *Pattern Recognition and Machine Learning*, Springer, 2006, section 1.5.5: the mean, the median
#   and the losses that ask for them.
# - Huber, *Robust estimation of a location parameter*, Annals of Mathematical Statistics, 1964.
# - Ronneberger and others, *U-Net*, MICCAI 2015.
# - Zhang, Isola and Efros, *Colorful image colorization*, ECCV 2016: why a mean is dull, and what to do.

# %% [markdown] deck="slide"
# ## What broke, and who repairs it
#
# | what | where |
# | --- | --- |
# | pale colors: the mean | lessons 05 and 06 |
# | a window of {{wide}} pixels | lesson 03 |
# | few photographs | lesson 04 |
# | blocky color: pixels repeated after tanh | every later network |

# %% [markdown] deck="notes"
# Come back to the vote of the first slide. Whoever voted for red, blue or green answered another
# question: which color is *plausible*. The rest of the course is about that question.
