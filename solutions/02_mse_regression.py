# ---
# jupyter:
#   course:
#     title: Regression with the squared error
#     question: What does the squared error want?
#     objectives:
#       - predict, before any training, which color a squared error asks for, and what loss remains
#       - rebuild a published network layer by layer and check it against its own table
#       - tell how far such a network sees, and what it therefore cannot know
#       - train it on scenes whose best answer is known, and measure its regret
#       - put three claims of a report on trial, each with a condition, a number and an interval
#     prerequisites: lesson 01 (L, a, b and the loss of a gray picture); a first idea of convolutions.
#     running: 4
#     data: painted scenes, drawn here, and eight installed photographs; stored numbers come from
#       photographs that are not redistributed (Intel Image Classification and some under free
#       licences).
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
# answers with the *mean* of the colors that are possible, and a mean of colors is often nobody's
# color. Let the room vote on exercise 1 before anyone computes. The second idea is *regret*: on
# painted scenes we know the best possible answer, so a loss can be split into what nobody can know
# and what this network has not learned. If time is short, drop the section on sight (exercise 4) and
# the comparison with RGB. Students will say that the network "is broken" because balloons come out
# brown; the floor shows that brown is the right answer to the wrong question.

# %% tags=["export"]
import keras
import numpy as np

from course_utils import batches, color, metrics, paintbox, training

# %%
training.keras_on(session.device)  # before anything is built

# %%
from scipy.stats import spearmanr

from course_utils import course, packing, photos, plots
from course_utils.checks import lesson_02 as checks
from course_utils.colorizer import Colorizer

# %% [markdown] deck="slide"
# ## The simplest colorizer that learns
#
# - **In:** L of a picture
# - **Out:** a and b of every pixel
# - **Loss:** the mean squared error of a and b
#
# Song and Liu built it as a course project in 2018: 3.9 million parameters, 5,000 photographs of
# mountains.
#
# What will it paint where a thing may have several colors?

# %% [markdown] deck="notes"
# Ask for a vote: a balloon is red four times in ten, blue three times, green three times. Which
# color will the network give it? Write the votes down. The next three slides answer.

# %% [markdown]
# ## A question with several answers
#
# Lesson 01 ended with a guess that somebody has to make: many colors share one gray. In this lesson
# a network makes it. We rebuild the first system of this course as its report describes it (Song
# and Liu, 2018), and ask of it one thing only: that its **mean squared error** be small.
#
# Before you train anything, you can know what such a network will want. Take a world with one
# balloon in it. Its color is drawn from four, with these probabilities, and nothing in the gray
# picture betrays the draw:

# %%
BALLOON = np.array(paintbox.palette("balloon"))  # (4, 3): probability, a, b
p, palette_ab = BALLOON[:, 0], BALLOON[:, 1:]  # (4,), (4, 2)
mean_ab = p @ palette_ab  # (2,)
for share, (a, b) in zip(p, palette_ab):
    print(f"probability {share:.2f}   a {a:5.0f}   b {b:5.0f}")
print(f"their mean         a {mean_ab[0]:5.1f}   b {mean_ab[1]:5.1f}")

# %% [markdown]
# Answer with a color $\hat y$ and you pay $(y - \hat y)^2$ for whatever color $y$ was drawn. On average
# you pay
#
# $$E\,(y - \hat y)^2 = \underbrace{(\hat y - E\,y)^2}_{\text{up to you}} + \underbrace{\mathrm{Var}\,y}_{\text{up to the draw}}$$
#
# (Write $y - \hat y = (y - E\,y) + (E\,y - \hat y)$ and square; the mixed term averages to zero.) The
# first part vanishes for $\hat y = E\,y$ and for nothing else. So **the squared error asks for the
# mean**, whatever the network, the optimizer or the budget. The second part stays: nobody who sees
# only the gray picture gets below it. We call it the **floor**.

# %% [markdown] deck="slide"
# ## What the squared error asks for
#
# $$E\,(y - \hat y)^2 = (\hat y - E\,y)^2 + \mathrm{Var}\,y$$
#
# - first term: up to you. It vanishes for the **mean**, and for nothing else
# - second term: up to the draw. It is the **floor** of the loss
#
# No network, no optimizer and no budget changes this.

# %% [markdown] deck="notes"
# One line of proof: write y minus y-hat as (y minus Ey) plus (Ey minus y-hat) and square; the mixed
# term has mean zero. It holds given the gray picture: then everything is conditional on L.

# %% [markdown] deck="slide"
# ## The mean is nobody's color

# %% [markdown] deck="notes"
# Circles are the four colors, their size is their probability. The square is the mean, the best
# answer under squared error. It is grayish, and far from every circle. Read the numbers.

# %% deck="figure"
away = np.hypot(*(palette_ab - mean_ab).T)  # ΔE to each color at the same L, (4,)
swatches = np.vstack([palette_ab, mean_ab])  # (5, 2)
lab = np.hstack([np.full((5, 1), 42.0), swatches]).astype(np.float32)
fig, (ax,) = plots.grid(1, 1, width=6, height=4)
ax.scatter(*palette_ab.T, s=2500 * p, c=color.lab_to_rgb(lab[:4]), edgecolors=plots.INK)
ax.scatter(*mean_ab, s=220, marker="s", color=color.lab_to_rgb(lab[4:]), edgecolors=plots.INK)
for (a, b), share in zip(palette_ab, p):
    ax.annotate(f"{share:.0%}", (a - 9, b), ha="right", va="center")
ax.annotate("  the mean", mean_ab, va="center", xytext=(8, 0), textcoords="offset points")
ax.set(xlim=(-70, 100), ylim=(-95, 70), xlabel="a (green to red)", ylabel="b (blue to yellow)")
plots.show(
    fig,
    "Four balloon colors in the ab plane, circles as large as they are probable, and their mean, "
    "a square near the middle, far from every circle.",
)

# %% tags=["claim"]
chroma = p @ np.hypot(*palette_ab.T)
print(f"from the mean to the nearest of the four colors: ΔE {away.min():.0f}")
print(f"chroma of a balloon {chroma:.0f} on average, chroma of the mean {np.hypot(*mean_ab):.0f}")
assert away.min() > 20 and np.hypot(*mean_ab) < chroma / 2

# %% [markdown]
# A brownish gray that no balloon has is the *best* answer. That is what people mean when they say
# that squared error paints gray; here it is arithmetic. Note what it does not depend on: not on the
# network, not on the number of photographs, not on patience. With infinitely many balloons the
# answer is still that brown.
#
# Does another loss help? The absolute error $|y - \hat y|$ asks for the **median** instead of the
# mean, in each channel: the value that half of the draws stay below. It is a favorite of later
# systems because it is said to give livelier colors. Here it gives this:

# %% tags=["claim"]
order = palette_ab.argsort(axis=0)  # (4, 2), each channel sorted for itself
half = (p[order].cumsum(axis=0) >= 0.5).argmax(axis=0)  # (2,) first color past one half
median_ab = np.take_along_axis(palette_ab, order, axis=0)[half, [0, 1]]
to_median = np.hypot(*(palette_ab - median_ab).T).min()
print(f"the median: a {median_ab[0]:.0f}, b {median_ab[1]:.0f}")
print(f"from the median to the nearest of the four colors: ΔE {to_median:.0f}")
assert to_median > 20

# %% [markdown]
# Its a comes from one balloon and its b from another, and together they are a color that nobody
# has either. A single answer cannot say "red or blue"; only a distribution can. Keep that for
# lesson 05.
#
# ### Exercise 1: what the squared error wants (6 minutes)
#
# Write the color that makes the expected squared error smallest.


# %% exercise="best_answer" minutes=6
def best_answer(p, palette_ab):
    """Probabilities (K,) and colors (K, 2) to the answer (2,) of least expected squared error."""
    ### BEGIN SOLUTION
    return (p[:, None] * palette_ab).sum(axis=0)
    ### END SOLUTION


# %% check="best_answer" points=1
checks.best_answer(best_answer)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Each color counts as often as it is drawn.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Give `p` a second axis, `p[:, None]`, multiply, and add over the colors.
#
# </details>
#
# ### Exercise 2: the floor (7 minutes)
#
# Frameworks average the squared error over pixels *and* over the two channels. Write the loss that
# remains for the best answer, with a and b divided by 128 as in the report.


# %% exercise="floor" minutes=7
def floor(p, palette_ab):
    """Probabilities (K,) and colors (K, 2) to the least squared error at ab / 128, a number."""
    ### BEGIN SOLUTION
    mean = p @ palette_ab
    return (p[:, None] * (palette_ab - mean) ** 2).sum(axis=0).mean() / 128**2
    ### END SOLUTION


# %% check="floor" points=2
checks.floor(floor)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# What is up to the draw is a variance: the weighted mean of the squared distances from the mean,
# for a and for b.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Then average the two variances, and divide by 128 twice: the error is squared.
#
# </details>

# %% [markdown]
# ## A world whose best answer is known
#
# For photographs nobody can compute $E\,y$. So the course has a world of its own, `paintbox`: painted
# landscapes whose colors are drawn by rules that we know. Sky and meadow have one color. Balloons,
# fields, roofs and sails draw theirs. The lake depends on the time of day, which only the height
# of the sun tells, far away in the picture; the grove depends on the season, which only the tree's
# crown tells. L never depends on the draw.


# %% tags=["export"]
def held_out_scenes():
    """Sixty scenes that no network sees in training, and the three (3,) of least certain color."""
    scenes = paintbox.sample(60, size=64, seed=2)
    uncertain = scenes.variance().mean((1, 2))  # (60,)
    return scenes, np.argsort(-uncertain)[:3]


# %%
test, SHOWN = held_out_scenes()
panels = test.panels()  # gray, truth, expected: (60, 64, 64, 3); variance: (60, 64, 64)
print(f"L {test.L.shape}, ab {test.ab.shape}: {len(test)} scenes")

# %% [markdown] deck="slide"
# ## Paintbox: gray, truth, and the best answer

# %% [markdown] deck="notes"
# Columns: what the network sees; what was drawn; the expected color, which is the best answer under
# squared error; and where the color cannot be known, bright is uncertain. Balloons and roofs turn
# brown in the third column. Sky, ridges and meadow do not: they are certain.


# %%
def draw_panels(rows, columns, alt, titles):
    """Pictures (R, C), each row a scene."""
    fig, axes = plots.grid(len(rows), len(columns), height=10 / len(columns) * len(rows) + 0.3)
    for i, row in enumerate(rows):
        for j, images in enumerate(columns):
            title = titles[j] if i == 0 else None
            plots.picture(axes[i * len(columns) + j], images[row], title)
    plots.show(fig, alt)


# %% deck="figure" picture="paintbox"
spread = np.sqrt(panels["variance"])
draw_panels(
    SHOWN,
    [panels["gray"], panels["truth"], panels["expected"], spread / spread.max()],
    "Three painted landscapes: gray, true colors, expected colors, and the spread of the color. "
    "Where the spread is bright the expected color is a dull mixture; elsewhere it is the truth.",
    ["gray: what it sees", "truth: one draw", "expected: the best answer", "spread of the color"],
)

# %% [markdown]
# The third column is not a network's output. It is $E\,[ab \mid \text{gray picture}]$, computed from
# the rules, and no training can beat it. Its loss is the floor of this world.
#
# How much of a picture must one see to come near it? Four answers, each the best for what it knows:

# %% tags=["claim"]
LADDER = paintbox.ladder(test)
for name, mse in LADDER.items():
    print(f"{name:14} squared error {mse:6.1f}   at ab/128 {mse / 128**2:.4f}")
steps = -np.diff(list(LADDER.values())) / LADDER["gray"]
print("each rung is lower by", ", ".join(f"{step:.0%}" for step in steps), "of the gray error")
assert (steps > 0.1).all()

# %% [markdown] deck="slide"
# ## The ladder of context
#
# | who answers | knows | squared error |
# | --- | --- | ---: |
# | gray | nothing: a = b = 0 | {{LADDER['gray']:.1f}} |
# | lookup by L | the pixel's own lightness | {{LADDER['lookup by L']:.1f}} |
# | 31-px context | what thing it is | {{LADDER['31-px context']:.1f}} |
# | whole picture | the time of day and the season too | {{LADDER['whole picture']:.1f}} |
#
# Each rung lowers the squared error by at least a tenth of the gray error. The last is the floor.

# %% [markdown] deck="notes"
# The numbers are printed in the notebook. A lookup table from L to color is the oldest colorizer
# there is; it cannot tell a balloon from a ridge of equal lightness. A network must climb from
# the second rung toward the last; how far it can see decides where it must stop.

# %% [markdown]
# And before any score, the two numbers that every score of this lesson must beat: the loss and the
# PSNR of the answer zero.


# %% tags=["export"]
def gray_row(L, ab):
    """Loss at ab/128 and PSNR in dB of a gray answer for L (N, H, W, 1) and ab (N, H, W, 2)."""
    truth, gray = (color.with_ab(L, x) for x in (ab, np.zeros_like(ab)))
    return (ab**2).mean() / 128**2, metrics.psnr(truth, gray).mean()


# %%
zero_loss, gray_psnr = gray_row(test.L, test.ab)
print(f"answer zero on {len(test)} scenes: loss {zero_loss:.4f}, PSNR {gray_psnr:.2f} dB")
print(f"the floor: loss {LADDER['whole picture'] / 128**2:.4f}")

# %% [markdown]
# ## The network, layer by layer
#
# Song and Liu print a table: twelve 3×3 convolutions with ReLU, three of them with stride 2, three
# upsamplings, and a tanh at the end because a and b have signs. Four things they leave open, and what
# we do: L comes in as L/100 and is shifted to −1…1 (a layer without parameters); the input may
# have any size that is a multiple of 8; weights start as Keras starts them; and the learning rate
# is RMSprop's default, 0.001, lowered for the last epochs.

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


# %% [markdown]
# Does it agree with the report? Its table lists a parameter count for every layer, and 3,892,194 in
# all. (Layers without parameters are left out here.)

# %% tags=["claim"]
REPORTED = [640, 36928, 73856, 147584, 295168, 590080, 1180160, 1179904, 295040, 73792, 18464, 578]
published = s0()
counted = [layer.count_params() for layer in published.layers if layer.count_params()]
for kernel, bias in [layer.weights for layer in published.layers if layer.weights]:
    shape = "×".join(map(str, kernel.shape))
    print(f"{shape:14} + {bias.shape[0]:3} = {np.prod(kernel.shape) + bias.shape[0]:9,}")
print(f"all {published.count_params():,}; every layer as reported: {counted == REPORTED}")
assert counted == REPORTED and published.count_params() == 3_892_194

# %% [markdown] deck="slide"
# ## S0, layer by layer
#
# | where | 3×3 convolutions, ReLU | parameters |
# | --- | --- | ---: |
# | full size | 64 | {{counted[0]:,}} |
# | 1/2 | 64, 128 | {{sum(counted[1:3]):,}} |
# | 1/4 | 128, 256 | {{sum(counted[3:5]):,}} |
# | 1/8 | 256, 512, 256, 128 | {{sum(counted[5:9]):,}} |
# | 1/4, upsampled | 64 | {{counted[9]:,}} |
# | 1/2, upsampled | 32, then 2 with tanh | {{sum(counted[10:]):,}} |
#
# {{published.count_params():,}} in all, as reported. Then a last upsampling to full size.

# %% [markdown] deck="notes"
# Read the fifteen lines of the notebook aloud with the shapes. The network works at an eighth of the size, where 512 filters
# are cheap. The last upsampling comes after tanh and repeats pixels: a and b leave at half size.

# %% [markdown]
# ### Exercise 3: count the parameters (6 minutes)
#
# Where do these numbers come from? Count the parameters of one convolution, biases included.


# %% exercise="conv_parameters" minutes=6
def conv_parameters(kernel, channels_in, channels_out):
    """Parameters of a convolution with square kernels of `kernel` pixels a side, with biases."""
    ### BEGIN SOLUTION
    return (kernel * kernel * channels_in + 1) * channels_out
    ### END SOLUTION


# %% check="conv_parameters" points=1
checks.conv_parameters(conv_parameters)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Each output channel has one number for each pixel of the kernel and each input channel, and one
# bias. Try it on the first line of the table: 3×3×1×64 and 64.
#
# </details>
#
# ## How far it sees
#
# A pixel of the output depends on a window of the input, the **receptive field**. It grows with each
# convolution by two pixels *of the grid that this convolution works on*, and that grid gets
# coarser: after one stride 2 a step is two input pixels, after three it is eight.
#
# ### Exercise 4: the receptive field (10 minutes)
#
# Write the width of the window for a stack of 3×3 convolutions with the given strides.


# %% exercise="receptive_field" minutes=10
def receptive_field(strides):
    """Strides of 3×3 convolutions, first to last, to the width of the window in input pixels."""
    ### BEGIN SOLUTION
    width, step = 1, 1  # the window, and what one pixel of the current grid is in input pixels
    for stride in strides:
        width += 2 * step
        step *= stride
    return width
    ### END SOLUTION


# %% check="receptive_field" points=2
checks.receptive_field(receptive_field)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Keep two numbers: the width of the window so far, and how many input pixels apart two neighbors of
# the current grid are. Both begin at 1.
#
# </details>
# <details><summary>Hint 2</summary>
#
# A convolution adds two neighbors, one on each side. Only afterwards does its stride make the grid
# coarser.
#
# </details>
#
# You need not count for S0, you can measure: change one pixel of L and see where the output moves.
# Upsampling adds convolutions on finer grids, so the window is a little wider than its first nine
# layers say.


# %%
def measured_sight(model, size=160):
    """How far, in pixels, a change of one pixel of L reaches in the output: the farthest row."""
    x = np.random.default_rng(0).uniform(0, 1, (1, size, size, 1)).astype(np.float32)
    y = x.copy()
    y[0, size // 2, size // 2] = 1 - y[0, size // 2, size // 2]
    moved = np.abs(model.predict(x, verbose=0) - model.predict(y, verbose=0)).max((0, 2, 3))
    return int(np.abs(np.flatnonzero(moved) - size // 2).max())  # (H,) to one number


# %% tags=["claim"]
sight = measured_sight(published)
cue = 60  # pixels between the cues and what depends on them, in a scene of 128 × 128
print(f"S0 sees at most {sight} pixels far")
print(f"cues are {cue // 2} or more pixels away at 64 × 64, {cue} or more at 128 × 128")
assert cue // 2 < sight < cue

# %% [markdown] deck="slide"
# ## It sees {{sight}} pixels far, and no farther
#
# - S0's window is less than 100 input pixels wide, whatever the size of the picture
# - paintbox at 64 × 64: sun and tree are inside it
# - paintbox at 128 × 128: they are {{cue}} pixels away, outside
#
# What a network cannot see it must average over. Lesson 03 gives it eyes for the whole picture.

# %% [markdown] deck="notes"
# The exact number is measured in the notebook: one input pixel is changed, and we look how far the
# output moves. Exercise 4 computes the window from the strides.

# %% [markdown]
# At 64×64 the network could see the sun from the lake. At 128×128 it cannot, and for the lake it must
# answer with a mixture of noon and dusk: the third rung of the ladder, not the fourth, is its
# floor there. So a floor depends on what a network can see. Whether it *uses* what it could see is
# another question; we come back to it.
#
# ## What its last layers cannot say
#
# a and b leave the network at half size and every pixel is doubled. How good could S0 be if it knew
# everything? Give it the true ab, averaged over 2×2 pixels:


# %% tags=["export"]
def half_and_double(ab):
    """ab (N, H, W, 2) through the network's last bottleneck: 2×2 means, each repeated."""
    n, height, width, _ = ab.shape
    small = ab.reshape(n, height // 2, 2, width // 2, 2, 2).mean((2, 4))  # (N, H/2, W/2, 2)
    return small.repeat(2, 1).repeat(2, 2)  # (N, H, W, 2)


def ceiling(L, ab):
    """PSNR in dB, (N,), of the true colors after the bottleneck."""
    truth, best = (color.with_ab(L, x) for x in (ab, half_and_double(ab)))
    return metrics.psnr(truth, best)


# %% tags=["claim"]
best_psnr = ceiling(test.L, test.ab).mean()
expected_psnr = metrics.psnr(test.rgb, panels["expected"]).mean()
print(f"scenes at 64 × 64: gray {gray_psnr:.1f} dB, expected color {expected_psnr:.1f} dB,")
print(f"true color through the bottleneck {best_psnr:.1f} dB")
assert gray_psnr + 3 < best_psnr

# %% [markdown] deck="slide"
# ## One policy of chance: flip, turn, shear, zoom

# %% [markdown] deck="notes"
# On RGB, before Lab, so that L and ab are resampled together. Borders are mirrored. Painted scenes
# are only flipped: anything else would break the rules that make their floor exact.

# %% [markdown]
# Small pictures pay for this dearly, because edges of color are a large part of them.
#
# ## Train it
#
# As the report does: squared error, RMSprop, batches of ten. Photographs are flipped, rotated,
# sheared and zoomed by chance, always on RGB *before* the conversion to Lab. Scenes are flipped and
# nothing else, because a turned lake would no longer follow the rules that make the floor exact.
#
# Why on RGB? Turning a picture means computing new pixels from old neighbors. Do it once, on the
# photograph, and L and ab still belong together. Do it on ab alone, and colors bleed over edges
# that L does not move. What lies beyond the border is mirrored, so that no black frame teaches the
# network that corners are black.

# %% deck="figure"
cat = next(photo.rgb for photo in photos.bundled() if photo.name == "chelsea")[:300, :300]
chance = np.random.default_rng(session.seed)
plots.pictures(
    [cat, *(batches.augment(cat, chance) for _ in range(4))],
    alt="A cat, and four copies of it that were flipped, turned, sheared or enlarged by chance. "
    "Colors are the same in all, and no copy has an empty corner.",
    titles=["the photograph", "by chance 1", "2", "3", "4"],
)

# %% [markdown]
# **RMSprop** divides each weight's step by a running mean of how large its gradients have been, so
# weights with small and with large gradients move at the same pace. That matters here: the first
# layers of a twelve-layer ReLU network get small gradients. The price is restlessness: near a
# minimum the steps stay as large as before. So we lower the rate for the last fifth of the epochs.
#
# The profile decides how much: enough on two cores to see the point in about two minutes. To train
# on photographs, change one word: `SOURCE = "bundled"`, or the path of a folder.

# %% tags=["nbval-ignore-output"]
SOURCE = "paintbox"
AMOUNT = {"ci": (20, 2), "cpu": (300, 10), "gpu": (4000, 50)}  # pictures, epochs
pictures, epochs = AMOUNT[session.profile]
if SOURCE == "paintbox":
    source = paintbox.sample(pictures, size=64, seed=session.seed)
else:
    source = photos.load(SOURCE, "train", size=64, limit=pictures, color_only=True)
print(f"{batches.count(source)} pictures of {SOURCE}, {epochs} epochs")


# %% tags=["export"]
def epochs_of(source, seed, batch=10, augmented=True):
    """A function: from an epoch's number to its batches of L / 100 and ab / 128."""
    batch = min(batch, batches.count(source))

    def epoch(number):
        return batches.keras_dataset(source, batch, seed, number, augmented, PAPER_SCALE)

    return epoch


# %% tags=["export"]
def learn(model, epoch, epochs, measure, folder=None):
    """Squared error, RMSprop; the last fifth of the epochs a fifth as fast."""
    model.compile(keras.optimizers.RMSprop(), "mse")

    def rate(number):
        return 1e-3 if number < 0.8 * epochs else 2e-4

    return training.fit_keras(model, epoch, epochs, rate, folder, measure)


# %% [markdown]
# After each epoch we ask the model about the test scenes and keep its answers for the three scenes
# above, to lay the epochs side by side as the report does.


# %% tags=["export"]
def answers(model, L):
    """ab in CIELAB units, (N, H, W, 2), of a Keras model for L (N, H, W, 1) in 0…100."""
    return PAPER_SCALE * model.predict(L / 100, batch_size=20, verbose=0)


# %%
shown_by_epoch = []


def watch(model):
    ab_hat = answers(model, test.L)
    shown_by_epoch.append(ab_hat[SHOWN])
    return {"test": float(((ab_hat - test.ab) ** 2).mean() / PAPER_SCALE**2)}


# %% tags=["nbval-ignore-output"]
keras.utils.set_random_seed(session.seed)
model = s0()
rows = learn(model, epochs_of(source, session.seed), epochs, watch)
print(f"test loss {rows[-1]['test']:.4f}; answer zero {zero_loss:.4f}")

# %% [markdown] deck="slide"
# ## The loss, between gray and the floor

# %% [markdown] deck="notes"
# A loss curve without these two lines says nothing: the upper line is the answer zero, the lower
# one is what nobody can beat. What lies between curve and floor is regret.

# %% deck="figure"
seen = [row["epoch"] for row in rows]
fig, (ax,) = plots.grid(1, 1, width=8, height=3.4)
ax.plot(seen, [row["loss"] for row in rows], "o-", label="training loss")
ax.plot(seen, [row["test"] for row in rows], "s--", label="test loss")
ax.axhline(zero_loss, color=plots.INK, linestyle=":", label="answer zero (gray)")
lookup, least = (LADDER[name] / 128**2 for name in ("lookup by L", "whole picture"))
ax.axhline(lookup, color=plots.LINES[4], linestyle="-.", label="best lookup by L")
ax.axhline(least, color=plots.INK, label="floor")
ax.set(xlabel="epoch", ylabel="squared error at ab / 128", ylim=(0, None))
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(
    fig,
    "Training and test loss by epoch, between the loss of a gray answer above and the floor below, "
    "with the best lookup by L as a third line.",
)

# %%
shown_to_us = [color.with_ab(test.L[SHOWN], shown_by_epoch[i]) for i in (0, -1)]
draw_panels(
    range(len(SHOWN)),
    [*shown_to_us, panels["expected"][SHOWN], panels["truth"][SHOWN]],
    "Three scenes as the network painted them after its first and after its last epoch, then the "
    "expected color and the truth.",
    ["your first epoch", "your last epoch", "expected", "truth"],
)

# %% [markdown]
# ## Regret
#
# On paintbox we can split a test loss exactly. The **regret** is the mean squared distance of an
# answer from $E\,[ab \mid \cdot]$; the loss is floor + regret, up to the luck of the draw. Your run
# was short; the numbers below come from a longer one that is stored with the course (50 epochs; the
# functions are those you just used), so that they are the same for everybody.


# %% tags=["export"]
SIDE_BY_SIDE = (5, 10, 20, 50)  # the epochs whose pictures are kept

# %%
on_paintbox = course.result("02/paintbox")
rung = on_paintbox["ladder"]
print(f"S0 on {on_paintbox['n']} scenes, tested on {on_paintbox['n_test']}; squared error in ab²")
for n in SIDE_BY_SIDE:
    row = on_paintbox["rows"][n - 1]
    mean, low, high = row["regret"]
    print(f"epoch {n:2}   test {row['test']:6.1f}   regret {mean:6.1f} [{low:.1f}, {high:.1f}]")

# %% [markdown] deck="slide"
# ## Epochs side by side

# %% [markdown] deck="notes"
# The report's figure 5.2, on scenes whose best answer is known: the last two columns no report can
# show. Ask what is learned first (large areas of certain color) and what last (small things, cues).

# %% [markdown]
# The report shows its pictures after more and more epochs side by side. Here is that figure, beside
# a column that no report can show: the best possible answer.

# %% deck="figure"
small = [packing.unpack(on_paintbox["rows"][n - 1]["shown"], 3, 32, 32, 2) for n in SIDE_BY_SIDE]
kept = [ab_hat.repeat(2, 1).repeat(2, 2) for ab_hat in small]  # (3, 64, 64, 2) each
draw_panels(
    range(len(SHOWN)),
    [*(color.with_ab(test.L[SHOWN], ab_hat) for ab_hat in kept),
     panels["expected"][SHOWN], panels["truth"][SHOWN]],
    "Three scenes as the network paints them after 5, 10, 20 and 50 epochs, then the expected "
    "color and the truth. Large areas are right first; what is drawn by chance stays dull.",
    [*(f"epoch {n}" for n in SIDE_BY_SIDE), "expected", "truth"],
)  # fmt: skip

# %% [markdown]
# Bands and meadow come first, small things last. Look at the balloons: however long you train, they
# do not become red, blue or green; they move toward the mixture in the column *expected*. The
# network is not weak there. It answers what it was asked.

# %% tags=["claim"]
last = on_paintbox["rows"][-1]
room = rung["lookup by L"] - rung["whole picture"]
print(", ".join(f"{name} {mse:.1f}" for name, mse in rung.items()))
print(f"S0 {last['test']:.1f}: its regret is {last['regret'][0] / room:.0%} of (lookup − floor)")
assert rung["whole picture"] < last["test"] < rung["lookup by L"] < rung["gray"]
assert last["regret"][2] < on_paintbox["rows"][4]["regret"][1]

# %% [markdown]
# Where does the regret come from? We can measure two of its sources without any training. The
# **bottleneck**: give the network's last layers the best answer, halve and double it, and see what
# that costs. And the **cue**: answer with the mixture over noon and dusk, summer and autumn, as
# somebody would who never looks at sun and tree. The lake tells whether S0 looks: its true b is
# lower at noon than at dusk.

# %% tags=["claim"]
split, lake_b = on_paintbox["split"]["regret"], on_paintbox["split"]["lake_b"]
for name, (mean, low, high) in split.items():
    print(f"regret, {name:10} {mean:6.1f} [{low:.1f}, {high:.1f}]")
for name, (noon, dusk) in lake_b.items():
    print(f"b of the lake, {name:5}   noon {noon:6.1f}   dusk {dusk:6.1f}")
used = (lake_b["S0"][1] - lake_b["S0"][0]) / (lake_b["truth"][1] - lake_b["truth"][0])
print(f"S0 uses less than a tenth of what the sun tells: {abs(used) < 0.1}")
assert abs(used) < 0.1 and split["S0"][1] > split["bottleneck"][2] + split["no cue"][0]

# %% [markdown]
# So S0 paints one and the same lake at noon and at dusk. The sun is inside its window, and still it
# does not look: that a few pixels 30 steps away decide the color of a whole lake is hard to
# learn from 300 scenes, when every other thing can be colored from what lies around it. **What a network
# could see and what it uses are two things**, and only a world with known cues can tell
# them apart.

# %% [markdown] deck="slide"
# ## Three sources of regret
#
# - **bottleneck:** a and b leave at half size
# - **cue:** the sun is in sight, and S0 paints the same lake at noon and at dusk
# - **the rest:** learned imperfectly, from {{on_paintbox['n']}} scenes
#
# The first two make up most of it. Neither is cured by more epochs.

# %% [markdown] deck="notes"
# The numbers are in the notebook, with intervals over {{on_paintbox['n_test']}} scenes. Ask how one would find out on
# photographs whether a network uses a distant cue. (One could cover the cue. But who knows which?)

# %% [markdown] deck="slide"
# ## Chroma: truth, best answer, network

# %% [markdown] deck="notes"
# Where the color is certain (sky, meadow) the three agree. Where it is drawn (balloon, roof,
# field) truth is colorful, and both the best answer and the network are not. The network is close
# to the square, not to the circle: it learned the mean.

# %% deck="figure"
names = list(last["chroma"])
fig, (ax,) = plots.grid(1, 1, width=8, height=3.2)
for i, label in enumerate(("truth", "expected color", "S0, 50 epochs")):
    values = [last["chroma"][name][i] for name in names]
    ax.plot(values, names, plots.MARKERS[i], label=label, markersize=9, alpha=0.8)
ax.set(xlabel="mean chroma", xlim=(0, None))
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(
    fig,
    "Mean chroma by region. In sky and meadow truth, expected color and network lie near each "
    "other; on balloons, roofs and fields the truth is far more colorful than both. "
    "The lake is painted too pale.",
)

# %% tags=["claim"]
truth, expected, painted = last["chroma"]["balloon"]
print(f"balloons: chroma {truth:.0f} in truth, {expected:.0f} expected, {painted:.0f} painted")
print(f"mean paint: ΔE {last['from_palette']:.0f} from the nearest color a balloon can have")
truth_sky, _, painted_sky = last["chroma"]["sky"]
print(f"sky: chroma {truth_sky:.0f} in truth, {painted_sky:.0f} painted")
assert painted < truth / 2 and last["from_palette"] > 20
assert abs(painted_sky - truth_sky) < 0.15 * truth_sky

# %% [markdown]
# That is the answer to the question of this lesson. **The squared error wants the conditional mean.**
# Where one color is possible, the mean is that color. Where several are, the mean is a dull mixture,
# and more training brings the network closer to it. Lesson 05 asks for another kind of answer.
#
# ## The same loss, another network
#
# Is the brown of the balloons S0's fault, then? Give the same loss to a network that fits this world
# better: a small **U-Net**. It shrinks the picture to one pixel, so that sun and tree reach
# everything, and on the way back it joins each size with what it saw there on the way down, so
# that no edge is lost. Batch normalization keeps it easy to train. It learns with Adam, in batches of
# 16, at a rate that falls along a cosine.

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
print(f"U-Net, {deep['parameters']:,} parameters, {deep['n']} scenes, {deep['epochs']} epochs:")
print(f"regret {mean:.1f} [{low:.1f}, {high:.1f}], {mean / room:.1%} of (lookup − floor)")
noon, dusk = deep["lake_b"]
print(f"b of the lake: noon {noon:.1f}, dusk {dusk:.1f}")
truth, expected, painted = deep["chroma"]["balloon"]
print(f"balloons: chroma {truth:.0f} in truth, {expected:.0f} expected, {painted:.0f} painted")
assert deep["parameters"] == unet().count_params()
assert high < 0.05 * room and dusk - noon > 20
assert abs(painted - expected) < 0.1 * truth and painted < truth / 2

# %% [markdown] deck="slide"
# ## The same loss, a better network
#
# | | S0 | U-Net | the best answer |
# | --- | ---: | ---: | ---: |
# | parameters | {{published.count_params():,}} | {{deep['parameters']:,}} | |
# | regret | {{split['S0'][0]:.1f}} | {{deep['regret'][0]:.1f}} | 0 |
# | b of the lake at noon | {{lake_b['S0'][0]:.1f}} | {{noon:.1f}} | {{lake_b['truth'][0]:.1f}} |
# | b of the lake at dusk | {{lake_b['S0'][1]:.1f}} | {{dusk:.1f}} | {{lake_b['truth'][1]:.1f}} |
# | chroma of balloons | **{{last['chroma']['balloon'][2]:.0f}}** | **{{painted:.0f}}** | **{{expected:.0f}}** |
#
# The network was not the reason. The question was.

# %% [markdown] deck="notes"
# Numbers with intervals are in the notebook. No race: S0 had {{on_paintbox['n']}} scenes and
# {{on_paintbox['epochs']}} epochs, the U-Net {{deep['n']:,}} and {{deep['epochs']}}, about two minutes
# on two cores. The point is the last row. This is the strongest argument of the lesson: a network
# that has nearly nothing left to learn still paints the mean.

# %% [markdown]
# Nearly all regret is gone: this network has little left to learn, sees the sun, and paints two
# different lakes. Its balloons are exactly as brown as before, because brown is the answer to the
# question. **A better network brings you closer to the mean, not away from it.** (This is no
# race: S0 had 300 scenes and 50 epochs, the U-Net 2,000 and 10. The point is the balloons.)
#
# ## Photographs
#
# Now the real thing. S0 was trained as the report says, on some 6,000 photographs of mountains,
# glaciers, seas, forests, streets and buildings, with a few birds and everyday things. The report
# used 256×256 pixels and 100 epochs; two processor cores afford 18 epochs, eight at 64×64 and then ten
# at 128×128. Here is the plan, and how good the network became:

# %% tags=["export"]
HELD_OUT = 200  # photographs of the training split that judge each epoch
RED = 30.0  # a pixel is red when its a exceeds this and exceeds |b|

# %%
on_photographs = course.result("02/checkpoint")
plan = [tuple(step) for step in on_photographs["plan"]]  # (pixels, learning rate) of every epoch
for size, rate in dict.fromkeys(plan):
    share = f"{plan.count((size, rate))} of {len(plan)} epochs"
    print(f"{share}: {size} × {size} pixels, learning rate {rate:g}")
print(metrics.table(on_photographs["table"]))

# %% tags=["claim"]
gain, low, high = on_photographs["gain"]["S0"]
print(f"S0 against gray on the same {on_photographs['n_test']} photographs:")
print(f"{gain:+.2f} dB [{low:+.2f}, {high:+.2f}]")
assert low > 0

# %% [markdown] deck="slide"
# ## The shipped checkpoint, epoch by epoch

# %% [markdown] deck="notes"
# Left: PSNR on {{HELD_OUT}} photographs at 128 × 128, kept out of training, and the gray answer. Right:
# mean chroma of the answers. Broken line: from 64 to 128 pixels; full line: the learning rate starts
# to fall. Ask whether more epochs are better: by which measure?

# %%
HISTORY_ALT = (
    "PSNR on held-out photographs lies above the gray line from the first epoch, steps up where it "
    "learns from larger pictures, and is uneven until the rate falls; so is the mean chroma."
)

# %% deck="figure"
history, (_, zero_psnr) = on_photographs["rows"], on_photographs["zero"]
seen = [row["epoch"] for row in history]
larger = 0.5 + sum(size == plan[0][0] for size, _ in plan)
slower = 0.5 + sum(rate == plan[0][1] for _, rate in plan)
fig, axes = plots.grid(1, 2, height=3.2)
axes[0].plot(seen, [row["psnr"] for row in history], "o-")
axes[0].axhline(zero_psnr, color=plots.INK, linestyle=":")
axes[0].annotate("gray", (seen[-1], zero_psnr), va="bottom", ha="right")
axes[1].plot(seen, [row["chroma"] for row in history], "s-", color=plots.LINES[1])
for ax, label in zip(axes, ("PSNR in dB", "mean chroma of the answers")):
    ax.axvline(larger, color=plots.INK, linewidth=1, linestyle="--")
    ax.axvline(slower, color=plots.INK, linewidth=1)
    ax.set(xlabel="epoch", ylabel=label)
plots.show(fig, HISTORY_ALT)

# %% [markdown]
# The trained network ships with the course as a **colorizer**: an ONNX file from L to ab that needs
# no Keras. Every lesson ends with such a file, and the later lessons know nothing else of it. Try
# it on the album of lesson 01:

# %%
s0_file = Colorizer.load("02_mse_regression")
print(f"{s0_file.name}: {s0_file.metadata['parameters']:,} parameters, works at {s0_file.size} px")

# %% [markdown] deck="slide"
# ## What it paints

# %% [markdown] deck="notes"
# Three photographs that come with the software, none of them like the training set. The bottom row
# is what the network paints from L alone: something of the sky, hardly any red. No photograph of
# a person should be shown colorized without saying that the color is invented.

# %% deck="figure"
album = [photo.rgb for photo in photos.bundled() if photo.name in ("china", "flower", "coffee")]
painted_album = [s0_file.colorize(rgb) for rgb in album]
plots.pictures(
    [*[metrics.paint_gray(rgb) for rgb in album], *album, *painted_album],
    alt="Three photographs as gray, in their true colors, and as S0 paints them: muted colors, "
    "close to gray where the photograph shows things that the training set did not.",
    titles=["gray"] * 3 + ["truth"] * 3 + ["S0"] * 3,
    columns=3,
)

# %% tags=["claim"]
chromas = [metrics.colorfulness(x) for x in (*album, *painted_album)]
for photo, truth_c, hat_c in zip(("china", "flower", "coffee"), chromas[:3], chromas[3:]):
    print(f"{photo:7} colorfulness {truth_c:5.1f} in truth, {hat_c:5.1f} painted")
assert sum(chromas[3:]) < sum(chromas[:3])

# %% [markdown]
# ## Two experiments on photographs
#
# Two choices of the report deserve a test. Is **Lab** worth it, or could the network answer with
# R, G and B directly (a hypothesis that a later report of this course raises and leaves
# untested)? And does **augmentation** help? We ask the same small network, S0 with a quarter of its
# filters, on mountains and glaciers at 64×64, three times.


# %%
targets = course.result("02/targets")
print(f"{targets['n']} photographs, {targets['epochs']} epochs, one seed")
table = targets["rows"] | {name: arm["color"] for name, arm in targets["arms"].items()}
for name, values in table.items():
    print(f"{name:30} {np.mean(values):6.2f} dB on {len(values)} photographs")

# %%
arms = {name: np.array(arm["color"]) for name, arm in targets["arms"].items()}
raw = np.array(targets["arms"]["R, G and B"]["raw"])  # with the L that the network drew
gray_db, ours = np.array(targets["rows"]["gray"]), arms["a and b"]
pairs = {
    "a and b, minus gray": ours - gray_db,
    "augmentation, minus none": ours - arms["a and b, no augmentation"],
    "R, G, B with the true L, minus a and b": arms["R, G and B"] - ours,
    "R, G, B as answered, minus gray": raw - gray_db,
}

# %% tags=["claim"]
gains = {name: metrics.bootstrap(difference) for name, difference in pairs.items()}
for name, (mean, low, high) in gains.items():
    print(f"{name:39} {mean:+.2f} dB [{low:+.2f}, {high:+.2f}]")
in_ab, augmented, in_rgb, as_answered = gains.values()
assert in_ab[1] > 1 and in_rgb[2] < 0 and as_answered[2] < 0
assert augmented[1] < 0 < augmented[2]

# %% [markdown] deck="slide"
# ## Lab or RGB? Augmentation or none?
#
# | difference in PSNR | dB | 95 % interval |
# | --- | ---: | --- |
# | a and b, minus gray | {{in_ab[0]:+.2f}} | {{in_ab[1]:+.2f}} to {{in_ab[2]:+.2f}} |
# | augmentation, minus none | {{augmented[0]:+.2f}} | {{augmented[1]:+.2f}} to {{augmented[2]:+.2f}} |
# | R, G, B with the true L, minus a and b | {{in_rgb[0]:+.2f}} | {{in_rgb[1]:+.2f}} to {{in_rgb[2]:+.2f}} |
# | R, G, B as answered, minus gray | {{as_answered[0]:+.2f}} | {{as_answered[1]:+.2f}} to {{as_answered[2]:+.2f}} |
#
# Paired, photograph by photograph. One seed: the interval covers the choice of photographs, not the
# luck of training.

# %% [markdown] deck="notes"
# The numbers are in the notebook. RGB as answered is worse than gray: the network has to draw the
# whole picture through an eighth of its size. Give its color the true L and it is better than gray,
# and still behind a and b. Augmentation is undecided after five epochs.

# %% [markdown]
# Read the last line first. A network that answers in R, G and B must redraw the picture through a
# bottleneck of an eighth of its size; the drawing suffers so much that the result is worse than the
# gray picture, which has all the drawing and no color. Take only the network's color and join it with
# the true L, and the comparison of the two targets is fair. Lab is still ahead: this network spent
# part of its effort on a drawing that nobody needed. So the hypothesis fails here, at this size, for
# this network.
#
# Augmentation is undecided: its interval contains zero. That is no surprise after five epochs, for
# its promise is to delay overfitting, and five epochs do not overfit. All lines come from one start of the
# training: another seed may move them by more than the intervals say.
#
# ### Exercise 5: one model for each class (8 minutes)
#
# Song and Liu leave an idea for the future: train one model for each class, let a classifier name
# the class, and use its model. Here are the classifier's probabilities and the answers of all
# models; give each picture the answer of the model of its most probable class.


# %% exercise="route" minutes=8
def route(p, answers):
    """Class probabilities (N, K) and each model's ab (N, K, H, W, 2) to the chosen ab."""
    ### BEGIN SOLUTION
    return answers[np.arange(len(p)), p.argmax(axis=1)]
    ### END SOLUTION


# %% check="route" points=1
checks.route(route)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `answers[i, k]` is what model k says about picture i. Index with two arrays of length N.
#
# </details>
#
# And now think: which answer has the smaller squared error when the classifier is unsure, the chosen
# one or the mixture weighted by `p`? You know the theorem. (The mixture: it is the mean. The chosen
# one is more colorful, and wrong by more when the class is wrong.)
#
# ## Claims on trial

# %%
audit = np.array(on_photographs["audit"])  # (photographs, 6)
# loss, ΔE, colorfulness predicted and true, red pixels, and those of them predicted red
mse, delta, vivid_hat, vivid, reds, reds_found = audit.T
print(f"{len(audit)} photographs; {int((reds >= 100).sum())} have 100 red pixels or more")
on = f"{len(audit)} Intel test photographs, S0 checkpoint"

# %% tags=["claim"]
agree, faded = spearmanr(mse, delta).statistic, vivid_hat.mean() / vivid.mean()
course.claim(
    "the loss does not reflect the performance (Song and Liu)",
    on,
    f"rank correlation of loss and ΔE {agree:.2f}; colorfulness {faded:.0%} of the truth's",
    "undecided for error, since ΔE compares pixels too; holds for color, which it does not ask for",
)
assert agree > 0.8 and faded < 0.7

# %% tags=["claim"]
quick = [row["psnr"] for row in history[: int(larger)]]  # the epochs at one rate and one size
down = int((np.diff(quick) < 0).sum())
course.claim(
    "with more epochs the performance is better (Song and Liu)",
    f"{HELD_OUT} photographs kept out, {len(quick)} epochs at one rate and size, "
    f"{len(history)} in all",
    f"{quick[0]:.2f} dB, then {quick[-1]:.2f}, at last {history[-1]['psnr']:.2f}; "
    f"{down} of {len(quick) - 1} epochs were worse than the one before",
    "a little, and not from one epoch to the next; most came with larger pictures and a lower rate",
)
assert quick[0] < quick[-1] < history[-1]["psnr"] and down > 0
assert history[-1]["psnr"] - quick[-1] > quick[-1] - quick[0]

# %% tags=["claim"]
many = reds >= 100
share, low, high = metrics.bootstrap(reds_found[many] / reds[many])
course.claim(
    "the output is never red where the photograph is (Song and Liu)",
    f"{int(many.sum())} test photographs with 100 or more pixels of a > {RED:.0f} and a > |b|",
    f"red by the same rule in {share:.1%} [{low:.1%}, {high:.1%}] of these pixels",
    "holds; it may be the mean of uncertain colors, or too few red things to learn from",
)
assert high < 0.05

# %% [markdown] deck="slide"
# ## Claims on trial
#
# | claim | verdict |
# | --- | --- |
# | the loss does not reflect the performance | undecided for error; it does not ask for color |
# | more epochs are better | a little; size and rate did more |
# | it never paints red | holds; two causes are possible |

# %% [markdown] deck="notes"
# Each has its condition, number and interval in the notebook. The first deserves a discussion: the
# loss ranks photographs nearly as a perceptual difference does, but both are distances pixel by
# pixel, so they could hardly disagree. What it does not see is that all answers are pale, because
# pale is what it asked for. Red: the mean of uncertain colors is one explanation, too little red
# among the training photographs another. Ask how to tell them apart.

# %% [markdown]
# Two cautions. The loss and ΔE are both distances pixel by pixel, so that they agree says little. And
# red may be missing because the training photographs hold little of it; we did not test that. What
# remains is this: the loss does not know that a pale picture looks wrong to you, because for a
# squared error pale is right.
#
# ## Quiz
#
# **1. A house is red or blue with equal probability, and gray tells nothing. Which answer has the
# smallest expected squared error?**
#
# <details><summary>A. Red or blue, either will do.</summary>
#
# Either costs nothing half of the time and a lot in the other half; the point between them costs half
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
# **2. A network's loss on paintbox stops 10 % above the floor. What would help?**
#
# <details><summary>A. Nothing, the floor is the floor.</summary>
#
# The floor itself cannot be beaten, but the ten percent above it are regret, and regret can be
# learned away.
#
# </details>
# <details><summary>B. More training, more scenes, or a network that sees farther.</summary>
#
# Right: regret is what this network has not learned or cannot see.
#
# </details>
# <details><summary>C. Dividing ab by a larger number.</summary>
#
# That makes the printed loss smaller and the floor with it; nothing changes in the picture.
#
# </details>
#
# **3. At 128×128, S0 gives every paintbox lake the same purple-gray. Why?**
#
# <details><summary>A. It was trained too briefly.</summary>
#
# No training extends its window: it reaches 48 pixels, and the sun is 60 away.
#
# </details>
# <details><summary>B. The sun lies outside its window, so it averages over noon and dusk.</summary>
#
# Right. It answers with the mean over everything that it cannot see.
#
# </details>
# <details><summary>C. Squared error cannot paint lakes.</summary>
#
# It can: a network that looks at the sun gets both lakes right, and its squared error falls.
#
# </details>
#
# **4. A report shows a falling training loss and no other number. What do you ask for first?**
#
# <details><summary>A. The loss of the answer zero at the same scale.</summary>
#
# Right. Without it nobody knows whether the network does better than leaving the picture gray.
#
# </details>
# <details><summary>B. More epochs.</summary>
#
# Perhaps later. A loss without a reference cannot say whether they are needed.
#
# </details>
# <details><summary>C. Prettier examples.</summary>
#
# Chosen examples prove that there are examples.
#
# </details>

# %% [markdown]
# ## What broke, and which lesson repairs it
#
# - **Pale colors.** The squared error wants means. Lesson 05 predicts a distribution and picks from
#   it; lesson 06 lets a second network judge.
# - **Short sight.** A window of less than 100 pixels, and a network that does not use all of it.
#   Lesson 03 adds a branch that sees the whole picture.
# - **No knowledge of things.** 6,000 photographs are few. Lesson 04 borrows features that a network
#   learned from a million.
# - **Blocky color.** The last upsampling repeats pixels after tanh. Every later network interpolates.

# %% [markdown] deck="slide"
# ## What broke, and who repairs it
#
# | what | where |
# | --- | --- |
# | pale colors: the mean | lessons 05 and 06 |
# | short sight: the sun is missed, even in sight | lesson 03 |
# | few photographs | lesson 04 |
# | blocky color: pixels repeated after tanh | every later network |

# %% [markdown] deck="notes"
# End with the vote of the first slide. Nobody who voted for red, blue or green was silly: they
# answered another question, which color is *plausible*. The rest of the course is about asking it.
