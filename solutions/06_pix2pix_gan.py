# ---
# jupyter:
#   course:
#     title: pix2pix with fastai
#     question: What if a discriminator looks at the whole picture?
#     objectives:
#       - say why no loss over single pixels asks for one color in one object
#       - write a stage of a U-Net, and see what its skip connections are for
#       - write what generator and discriminator pay, and train a game with your own losses
#       - read the curves of a game, choose λ, and find bugs by what they do to a live run
#       - say what an adversarial loss buys on photographs, and what buys it without training
#     prerequisites: lesson 02 (mean, median, floor), lesson 04 (pretrained features); 05 helps.
#     running: 4
#     data: painted scenes, drawn here, and the course's album of photographs, each under its own
#       licence (CREDITS.md in the album); stored numbers come from photographs that are not
#       redistributed.
#     licence: text CC BY 4.0, code MIT.
#     extras: [fastai, onnx]
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
# **For the instructor.** One idea carries this lesson: a loss that looks at pixels one by one cannot
# say "one object, one color", and a second network can. Ask at the start whether a good colorizer must
# paint *this* balloon red, or whether any color of a balloon is fine. Keep the vote. A room goes wrong
# in three places. Many expect D's loss to fall: show them log 2. Many expect the game to find the
# *true* color: go back to the vote. Many think that vivid is better: show the row "L1 × k". If time is
# short, leave out the optional sections, and give exercise 4 as homework. Ask before each live
# training what its curve will look like.

# %%
import warnings
from copy import deepcopy

from course_utils import plots, systems
from course_utils.checks import chosen
from course_utils.checks import lesson_06 as checks
from course_utils.colorizer import Colorizer

warnings.filterwarnings("ignore", category=FutureWarning)  # torchvision, while fastai loads it


def told(row, digits=2):
    mean, low, high = (f"{value:.{digits}f}" for value in row)
    return f"{mean} [{low}, {high}]"


# %% tags=["export"]
from functools import partial

import fastai.callback.schedule  # noqa: F401  it gives Learner its fit_one_cycle
import numpy as np
import torch
from fastai.callback.core import Callback
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Learner
from fastai.optimizer import OptimWrapper
from torch import nn
from torch.nn import functional as F

from course_utils import batches, color, course, metrics, paintbox, photos

# %% [markdown]
# ## The end first
#
# Lesson 04 colors photographs well, but pale. A pixel loss asks for a mean, and a mean is pale. This
# lesson puts a second network beside the pixel loss. It looks at the picture and says *real* or
# *generated*, and the colorizer is trained to deceive it.
#
# What does that buy? The figure has one point for each answer on photographs of a test set. Two of
# them need no training at all. **L1 × k** is the network without a discriminator, its colors times k,
# with k chosen so that its PSNR equals that of the network with one. **S2 + log w** is lesson 05's
# network with log-weights added to its logits.

# %% tags=["claim"]
END = course.result("06/checkpoint")  # what was measured of the shipped networks
OURS, arms = END["shipped"], dict(END["arms"])
arms["S2 + log w"] = course.result("05/checkpoint")["choices"]["S2, rebalanced by half"]
BY_LAMBDA = [f"L1 and D, λ = {lam}" for lam in (100, 30, 10)]
over_gray, vivid, off = {}, {}, {}  # PSNR in dB minus gray's, colorfulness, its error
true_color = np.array(arms["truth"]["colorfulness"])  # (N,)
for name in ("L1 alone", *BY_LAMBDA, "L1 × k", "S2 + log w"):
    over_gray[name] = metrics.bootstrap(np.subtract(arms[name]["psnr"], arms["gray"]["psnr"]))
    vivid[name] = metrics.bootstrap(arms[name]["colorfulness"])
    off[name] = np.abs(np.subtract(arms[name]["colorfulness"], true_color))
    print(f"{name:18} PSNR {told(over_gray[name]):20} colorfulness {told(vivid[name], 1)}")

# %% tags=["claim"]
price = metrics.bootstrap(np.subtract(arms[OURS]["psnr"], arms["L1 alone"]["psnr"]))
closer = metrics.bootstrap(off["L1 × k"] - off[OURS])
distance = END["frechet"][f"{OURS} - L1 × k"]
print(f"{OURS}: {told(price)} dB minus L1 alone, {len(true_color)} photographs")
print(f"closer to the true colorfulness than L1 × k by {told(closer)}")
print(f"Fréchet distance (MobileNetV2) minus that of L1 × k {told(distance)}")
WINS = ["colorfulness"] * (closer[1] > 0) + ["Fréchet distance"] * (distance[2] < 0)
VERDICT = f"{OURS}: " + (f"ahead of L1 × k in {WINS[-1]}" if WINS else "NOT ahead of L1 × k")
assert price[2] < 0 and vivid[OURS][1] > vivid["L1 alone"][2]

# %% [markdown] deck="slide"
# ## The end first: what a discriminator buys

# %% [markdown] deck="notes"
# Right is closer to the truth pixel by pixel, up is more color; the dotted line is the colorfulness of the true
# photographs. The title says whether the network with a discriminator beats the network without one whose colors
# are multiplied by k, at equal PSNR, by interval, in colorfulness or in Fréchet distance. Say this before
# anybody finds out: more color alone is cheap.

# %% deck="figure"
fig, (ax,) = plots.grid(1, 1, width=10, height=4.2)
for mark, line, name in zip(plots.MARKERS, plots.LINES, vivid):
    ax.plot(over_gray[name][0], vivid[name][0], mark, color=line, markersize=11, label=name)
    ax.plot(over_gray[name][1:], [vivid[name][0]] * 2, color=line, linewidth=1)
ax.axhline(true_color.mean(), color=plots.INK, linestyle=":", label="truth")
ax.set(xlabel="PSNR minus gray's, dB", ylabel="colorfulness", title=VERDICT)
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(
    fig, "PSNR over gray against colorfulness: more color costs decibels, however it is bought."
)

# %% [markdown]
# ## What a pixel loss asks for
#
# The report of this lesson (Gendre, *Image colorization*, a project proposal) follows **pix2pix**
# (Isola and others, 2017). Both use the **L1 loss**, the mean absolute error. Lesson 02 showed that
# the squared error asks for the mean. L1 asks for the **median**, channel by channel. In paintbox
# both are known exactly, and neither is the color of any balloon.

# %% tags=["claim"]
test = paintbox.sample(60, size=64, seed=2)  # scenes that no network learns from
again = paintbox.sample(60, size=64, seed=2, draw=1)  # the same gray pictures, other colors
answers = {"mean": test.expected_ab(), "median": test.median_ab(), "a sample": again.ab}
L1_of = {name: np.abs(ab - test.ab).mean((1, 2, 3)) for name, ab in answers.items()}  # (60,)
more = L1_of["a sample"] - np.maximum(L1_of["mean"], L1_of["median"])
uncertain = test.variance() > 100  # balloons, fields, roofs and sails
errors = {name: np.abs(ab - test.ab)[uncertain].mean() for name, ab in answers.items()}
print("L1 where the color is uncertain:", {n: f"{error:.1f}" for n, error in errors.items()})
print(f"the sample has the largest L1 in {(more > 0).mean():.0%} of the scenes")
assert errors["median"] < errors["mean"] < errors["a sample"] and (more > 0).mean() > 0.5

# %% [markdown] deck="slide"
# ## L1 asks for the median, the squared error for the mean
#
# The sample could have been the truth, and has the largest L1.

# %% [markdown] deck="notes"
# Left to right: the gray picture, the truth, the exact mean, the exact median, and another sample of the same
# process. The sample could have been the truth. Its L1, above it, is larger than that of both blends. Ask which
# of the three the room would hang on a wall.

# %% deck="figure"
SCENE = int(more.argmax())  # where the sample's L1 is larger by most
shown = {"gray": test.L[SCENE, ..., 0] / 100, "truth": test.rgb[SCENE]}
for name, ab in answers.items():
    shown[f"{name}\nL1 {L1_of[name][SCENE]:.1f}"] = color.with_ab(test.L[SCENE], ab[SCENE])
ALT = "A scene in gray, true, its mean, its median, and another sample with the largest error."
plots.pictures(list(shown.values()), ALT, list(shown), columns=5, width=12)

# %% [markdown]
# A picture that could have been real has the **largest** error. No better pixel loss helps. Such a
# loss is a sum over pixels, so its best answer is found for each pixel alone. All pixels of a balloon
# have the same distribution, and nothing in the sum says that they must agree on one color. "One
# object, one color" is a statement about many pixels. To reward it, something must look at many
# pixels.
#
# ## The game
#
# The **generator** $G$ turns the gray picture $x$ and noise $z$ into colors $\hat y = G(x, z)$. The
# **discriminator** $D$ sees a gray picture *with* colors, and gives the probability that the colors
# are real. The two play against each other:
#
# $$\min_G \max_D \; E\big[\log D(x, y)\big] + E\big[\log(1 - D(x, \hat y))\big] + \lambda\, E\,\|y - \hat y\|_1$$
#
# $D$ wants to say 1 to real pairs and 0 to generated ones. $G$ wants $D$ to say 1 to its own. The game
# is **conditional**: $D$ sees $x$ too, so that a blue meadow does not pass. The last term is L1, and
# λ is its weight. pix2pix takes λ = 100; the report does not say.
#
# If real pairs have the density $p$ and generated ones $q$, the best $D$ answers $p / (p + q)$. Without
# L1, that is **for λ = 0 only**, the best $G$ has $q = p$: balloons in red, blue and green, each as
# often as in the world. With λ > 0 it is drawn back toward the median.

# %% [markdown] deck="slide"
# ## The game
#
# $$\min_G \max_D \; E[\log D(x, y)] + E[\log(1 - D(x, \hat y))] + \lambda\, E\|y - \hat y\|_1$$
#
# - **generator** G: colors $\hat y$ for the gray picture $x$
# - **discriminator** D: sees gray *and* colors, says real or generated (**conditional** GAN)
# - the best D says $p / (p + q)$
# - for λ = 0, and only then, the best G has $q = p$
#
# pix2pix: λ = 100. The report does not say.

# %% [markdown] deck="notes"
# Let somebody say in words what each term wants. Without the condition a lovely sky in place of the meadow
# would pass. With λ above 0 the best generator lies between p and the median.

# %% [markdown]
# ## The generator: a U-Net
#
# It halves the picture several times and doubles it again. On the way down it collects what is where;
# on the way up it makes colors of that. At each level a **skip connection** hands the maps of the way
# down over to the way up, so that edges need not pass through the narrow middle.
#
# ```
# L ──> 1/2 ────────── skip connection ──────────> 1/2 ──> ab
#        └──> 1/4 ────── skip connection ──────> 1/4 ──┘
#              └──> 1/8 ── skip connection ──> 1/8 ──┘
#                    └───────> 1/16 ───────────┘
# ```

# %% [markdown] deck="slide"
# ## The generator: a U-Net
#
# ```
# L ──> 1/2 ────────── skip connection ──────────> 1/2 ──> ab
#        └──> 1/4 ────── skip connection ──────> 1/4 ──┘
#              └──> 1/8 ── skip connection ──> 1/8 ──┘
#                    └───────> 1/16 ───────────┘
# ```
#
# Down: a 4 × 4 convolution with stride 2. Up: a transposed one.

# %% [markdown] deck="notes"
# Down, each stage halves height and width; up, each doubles them. Skip connections hand maps over unchanged. Ask
# what the network would lose without them. The next figures try it.

# %% [markdown]
# ### Exercise 1: one stage with its skip connection (6 minutes)
#
# `down` halves, `inside` is the next stage, `up` doubles. Write what `forward` does: apply a leaky ReLU
# (slope 0.2) before `down` and a ReLU before `up`, and put the stage's own input in front of what comes
# out.


# %% exercise="stage" minutes=6
class Stage(nn.Module):
    """Maps (N, outer, h, w) to (N, 2 · outer, h, w): x itself, then what `up` gives."""

    def __init__(self, outer, inner, inside):
        super().__init__()
        conv = nn.Conv2d(outer, inner, 4, 2, 1, bias=False)
        back = nn.ConvTranspose2d(2 * inner, outer, 4, 2, 1, bias=False)
        self.down = nn.Sequential(conv, nn.BatchNorm2d(inner))  # (N, inner, h/2, w/2)
        self.inside = inside  # gives (N, 2 · inner, h/2, w/2)
        self.up = nn.Sequential(back, nn.BatchNorm2d(outer))

    def forward(self, x):
        ### BEGIN SOLUTION
        y = self.inside(self.down(F.leaky_relu(x, 0.2)))
        return torch.cat([x, self.up(F.relu(y))], 1)
        ### END SOLUTION


# %% check="stage" points=2
my_stage = Stage
checks.stage(Stage)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# From the inside out: `F.leaky_relu`, `self.down`, `self.inside`, `F.relu`, `self.up`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `torch.cat([x, ...], 1)` joins on the channels. Take x as it came in, before the leaky ReLU.
#
# </details>
#
# The course's own stage has two additions: the innermost one has nothing inside, and some draw
# **dropout**, which is the noise $z$ of pix2pix. (A random vector as an input was ignored by $G$.)


# %% tags=["export"]
class Level(nn.Module):
    """A stage of the U: half the size, what lies inside, double the size; the input in front."""

    def __init__(self, outer, inner, inside=None, noisy=False):
        super().__init__()
        bottom = inside is None
        path = [nn.LeakyReLU(0.2), nn.Conv2d(outer, inner, 4, 2, 1, bias=False)]
        path += [] if bottom else [nn.BatchNorm2d(inner), inside]
        path += [nn.ReLU(), nn.ConvTranspose2d(inner * (2 - bottom), outer, 4, 2, 1, bias=False)]
        path += [nn.BatchNorm2d(outer), *([nn.Dropout(0.5)] if noisy else [])]
        self.path = nn.Sequential(*path)

    def forward(self, x):  # (N, outer, h, w)
        return torch.cat([x, self.path(x)], 1)  # (N, 2 · outer, h, w)


# %% tags=["export"]
class Unet(nn.Module):
    """From L / 100 (N, 1, H, W) to ab / 110 (N, 2, H, W); H and W are multiples of 2**levels."""

    def __init__(self, levels=8, filters=64, noisy=(4, 5, 6), stage=Level):
        super().__init__()
        widths = [filters * min(2**depth, 8) for depth in range(levels)]
        inside = None
        for depth in reversed(range(1, levels)):
            made = Level if inside is None or depth in noisy else stage
            inside = made(*widths[depth - 1 : depth + 1], inside, *[True] * (depth in noisy))
        self.first = nn.Conv2d(1, filters, 4, 2, 1, bias=False)
        self.inside, self.last = inside, nn.ConvTranspose2d(2 * filters, 2, 4, 2, 1)

    def forward(self, x):  # (N, 1, H, W)
        y = self.inside(self.first(x))  # (N, 2 · filters, H / 2, W / 2)
        return self.last(y.relu()).float().tanh()  # (N, 2, H, W)


# %% [markdown]
# The published network has 8 levels and 64 filters. Ours has 5 and 16, so that two cores can train it.


# %% tags=["export"]
LEVELS = 5  # of the compact network: sizes are multiples of 32


def compact(filters, noisy=(), stage=Level):
    """The generator that two cores can train; noisy: levels whose way up has dropout."""
    return Unet(LEVELS, filters, noisy, stage).to(memory_format=torch.channels_last)


def parameters(network):
    """How many numbers a network learns."""
    return sum(weights.numel() for weights in network.parameters())


# %% tags=["claim"]
stage, published = chosen(checks.stage, my_stage, Level), Unet()
print(f"published: {parameters(published):,} parameters; compact: {parameters(compact(16)):,}")
assert parameters(published) == 54_409_858 and parameters(compact(16)) < 2e6
# %% [markdown]
# ## Skip connections, removed once
#
# Now train it with L1 alone, twice: as it is, and with zeros in place of what the skip connections hand
# over. Both have the same layers and start from the same weights. The scenes are small, always at noon
# in summer, so that seconds are enough. A callback of fastai keeps the curves and one scene.


# %% tags=["export"]
def colors_of(G, L):
    """ab (N, H, W, 2) in CIELAB units for L (N, H, W, 1) in 0…100, of a size that G can halve."""
    x = torch.from_numpy(np.moveaxis(L, -1, 1) / np.float32(100))  # (N, 1, H, W)
    device = next(G.parameters()).device
    with torch.inference_mode():
        return color.AB_SCALE * G(x.to(device)).cpu().movedim(1, -1).numpy()


def learner(G, dls, loss=F.l1_loss, cbs=None):
    """fastai's Learner around a generator; it works where its pictures are."""
    adam = partial(OptimWrapper, opt=torch.optim.Adam, betas=(0.5, 0.999))
    return Learner(dls, G, loss, adam, wd_bn_bias=True, train_bn=False, cbs=cbs)


# %%
class Watch(Callback):
    """Keeps the mean L1 of each epoch, in training and in validation, and a scene's colors."""

    def __init__(self, L):
        self.watched, self.curve, self.scene = L, [], []

    def before_epoch(self):
        self.errors = {True: [], False: []}  # in training or not

    def after_batch(self):
        self.errors[self.training].append(self.loss.item())

    def after_epoch(self):
        self.curve.append([np.mean(self.errors[part]) for part in (True, False)])
        self.scene.append(colors_of(self.model.eval(), self.watched)[0])


# %% tags=["nbval-ignore-output"]
NOON = {"time": "noon", "season": "summer"}
AMOUNT = {"ci": (16, 1, 1, 1), "cpu": (256, 12, 6, 4), "gpu": (2000, 20, 12, 4)}
COUNT, ALONE, TOGETHER, HUNT = AMOUNT[session.profile]  # scenes, epochs of L1, with D, of bugs
scenes = paintbox.sample(COUNT, size=32, seed=session.seed, **NOON)
held = paintbox.sample(64, size=32, seed=2, **NOON)  # for validation
SHOWN = 0  # the scene that is looked at
dls = batches.fastai_dataloaders(scenes, held, 16, session.seed, device=session.device)


# %%
def with_L1(G, epochs=ALONE, rate=1e-2):
    """Train a generator with L1 alone, at a rate that rises and falls; what was watched."""
    watch = Watch(held.L[[SHOWN]])
    made = learner(G, dls, cbs=watch)
    with made.no_bar(), made.no_logging():
        made.fit_one_cycle(epochs, rate)
    return watch


def draw(ax, curves):
    """Curves of L1, {name: [(training, validation) of each epoch]}."""
    for line, (name, curve) in zip(plots.LINES, curves.items()):
        epochs, errors = 1 + np.arange(len(curve)), color.AB_SCALE * np.transpose(curve)
        ax.plot(epochs, errors[0], "--", color=line, label=f"{name}, training")
        ax.plot(epochs, errors[1], "-", color=line, label=f"{name}, validation")
    ax.set(xlabel="epoch", ylabel="L1, ab units", ylim=(0, None), xticks=epochs[2::3])
    ax.legend(fontsize=9)


# %% tags=["nbval-ignore-output"]
def cut(stage):
    """The same stage, but zeros in place of what its skip connection hands over."""

    class Cut(stage):
        def forward(self, x):
            return torch.cat([0 * x, super().forward(x)[:, x.shape[1] :]], 1)

    return Cut


without = {}
for name, kind in (("with skips", stage), ("without", cut(stage))):
    torch.manual_seed(session.seed)
    start = compact(16, stage=kind).to(session.device)
    without[name] = start, with_L1(start)
start, L1_watch = without["with skips"]  # every game below begins here

# %% [markdown] deck="slide"
# ## Skip connections, removed once
#
# Without them small things take the color of what is around them.

# %% [markdown] deck="notes"
# Left: L1 by epoch; broken lines are training, full lines validation. Right: the predicted colors, the same
# weights at the start, with and without skip connections. Without them balloons and hulls take the color of what
# is around them, because small things had to pass through a few positions.

# %% deck="figure"
fig, axes = plots.grid(1, 4, width=12, height=3.4, gridspec_kw={"width_ratios": [2, 1, 1, 1]})
draw(axes[0], {name: watch.curve for name, (_, watch) in without.items()})
for ax, (name, (_, watch)) in zip(axes[1:], without.items()):
    plots.picture(ax, color.with_ab(held.L[SHOWN], watch.scene[-1]), name)
plots.picture(axes[3], held.rgb[SHOWN], "truth")
plots.show(fig, "L1 falls lower with skip connections; without them colors leave their objects.")

# %% [markdown]
# Broken lines are training, full lines validation. Without skip connections L1 stays higher, and
# balloons and hulls take the color of what is around them. Small things are lost on the way through the
# middle.
#
# ## The discriminator: a PatchGAN
#
# pix2pix's discriminator is a short stack of convolutions. It gives not one answer but many, each a
# **logit** for one patch. What is larger than a patch is left to L1. Its first layer can add **instance
# noise** to the colors, in training only; the loop below says why.


# %% tags=["export"]
class InstanceNoise(nn.Module):
    """Noise on the colors of (N, 3, H, W) in training; L stays as it is."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, x):
        noise = self.size * torch.randn_like(x[:, 1:]) if self.training else 0
        return torch.cat([x[:, :1], x[:, 1:] + noise], 1)


# %% tags=["export"]
def patchgan(layers=3, filters=64, channels=3, noise=0.0):
    """From L / 100 and ab / 110 (N, 3, H, W) to one logit for every patch (N, 1, h, w)."""
    widths = [filters * min(2**number, 8) for number in range(layers + 1)]
    stack = [InstanceNoise(noise), nn.Conv2d(channels, filters, 4, 2, 1), nn.LeakyReLU(0.2)]
    for number in range(1, layers + 1):
        stride = 2 if number < layers else 1
        stack += [nn.Conv2d(*widths[number - 1 : number + 1], 4, stride, 1, bias=False)]
        stack += [nn.BatchNorm2d(widths[number]), nn.LeakyReLU(0.2)]
    return nn.Sequential(*stack, nn.Conv2d(widths[-1], 1, 4, 1, 1))


def discriminator(layers=2, filters=32, noise=0.1):
    """A compact PatchGAN with instance noise, in units of ab / 110."""
    return patchgan(layers, filters, noise=noise).to(memory_format=torch.channels_last)


# %% [markdown]
# How large is a patch, the **receptive field** of one logit? Walk back from the output: $r$ positions
# see $(r - 1) \cdot \text{stride} + \text{kernel}$ positions of the layer before. For the published
# strides 2, 2, 2, 1, 1 with kernels of 4 that is 1, 4, 7, 16, 34, 70. A formula can be wrong about a
# network. A gradient cannot: the pixels on which one logit depends are those where its gradient is not
# zero.


# %% tags=["claim"]
def receptive_field(D, size=128):
    """First row and side of the square of pixels that the middle logit depends on."""
    x = torch.rand(1, 3, size, size, requires_grad=True)
    logits = D.eval()(x)  # (1, 1, h, w)
    logits[0, 0, logits.shape[-2] // 2, logits.shape[-1] // 2].backward()
    rows = torch.where(x.grad[0].abs().sum((0, 2)) > 0)[0]
    return int(rows[0]), len(rows)


D, fields = patchgan(), {n: receptive_field(patchgan(n, 8)) for n in (1, 2, 3)}
print(f"published: {parameters(D):,} parameters; first row and side by layers: {fields}")
assert [side for _, side in fields.values()] == [16, 34, 70] and parameters(D) == 2_765_633

# %% [markdown] deck="slide"
# ## The discriminator sees patches
#
# One answer depends on a square of 16, 34 or 70 pixels: one, two or three layers.

# %% [markdown] deck="notes"
# The squares are measured: pixels on which one logit depends, for one, two and three layers. The largest belongs
# to the published discriminator. Inside a square D can ask whether colors fit together; it never sees the whole
# kingfisher in the small ones.

# %% deck="figure"
test_album = {photo.name: photo for photo in photos.album("test")}
fig, (ax,) = plots.grid(1, 1, width=6, height=4)
plots.picture(ax, test_album["kingfisher"].rgb)
for line, (first, side) in zip(plots.LINES, fields.values()):
    place = {"xy": (first + 110, first + 30), "width": side, "height": side, "linewidth": 3}
    ax.add_patch(plots.plt.Rectangle(**place, fill=False, edgecolor=line))
plots.show(fig, "A kingfisher with the measured receptive fields: squares of 16, 34 and 70 pixels.")
print(test_album["kingfisher"].credit)

# %% [markdown] deck="slide"
# ## Two networks
#
# | | published | compact |
# | --- | ---: | ---: |
# | generator: levels, filters | 8, 64 | {{LEVELS}}, 16 |
# | parameters | **{{parameters(published):,}}** | {{parameters(compact(16)):,}} |
# | discriminator: layers, filters | 3, 64 | 1 or 2, 32 |
# | parameters | **{{parameters(D):,}}** | {{parameters(discriminator()):,}} |
# | receptive field | **{{fields[3][1]}}** | {{fields[1][1]}} or {{fields[2][1]}} |

# %% [markdown] deck="notes"
# Have the room compute the receptive field on paper: 1, 4, 7, 16, 34, 70. The discriminator is small on purpose: it
# asks for texture and for colors that fit together, and leaves the composition to L1.

# %% [markdown]
# ## What the players pay
#
# $D$ gives logits. The **binary cross-entropy** is the formula of the game. In the formula $G$ minimizes
# $\log(1 - D)$. Where $D$ is sure that a picture is generated, this is flat, and $G$ learns nothing just
# when it is worst: at a logit $u$ the slope is $\sigma(u)$. So $G$ minimizes $-\log D$ instead, the
# **non-saturating** loss. It is the same wish with the slope $1 - \sigma(u)$, which is large there. **Least squares** (Mao and others, 2017) asks for a logit of 1 at real pairs and 0 at generated
# ones.


# %% tags=["export"]
def bce(logits, label):
    """Binary cross-entropy of all logits against one label: 1.0 is real, 0.0 is generated."""
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def least_squares(logits, label):
    """Mean squared distance of all logits from one label."""
    return (logits - label).square().mean()


# %% [markdown]
# ### Exercise 2: what D pays and what G pays (10 minutes)
#
# Write both. `form` is `bce` or `least_squares`. D sees `torch.cat([L, ab], 1)`. It pays the mean of what
# the real and the generated pictures cost. G's step must not be told by D's loss, so cut it off with
# `detach()`. G pays, non-saturating, as if its pictures should have been called real.


# %% exercise="pays" minutes=10
def pays(player, D, form, L, ab, ab_hat):
    """What "D" or "G" pays, one number as a tensor: L (N, 1, H, W), ab and ab_hat (N, 2, H, W)."""
    ### BEGIN SOLUTION
    if player == "G":
        return form(D(torch.cat([L, ab_hat], 1)), 1.0)
    real, fake = D(torch.cat([L, ab], 1)), D(torch.cat([L, ab_hat.detach()], 1))
    return (form(real, 1.0) + form(fake, 0.0)) / 2
    ### END SOLUTION


# %% check="pays" points=3
my_pays = pays
checks.pays(pays)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `form(D(torch.cat([L, ab], 1)), 1.0)` is what D pays for real pairs.
#
# </details>
# <details><summary>Hint 2</summary>
#
# D's other half is for `ab_hat.detach()` with the label 0.0. G pays `form` of its own pictures with the
# label 1.0, and without `detach()`: its gradient has to come through D.
#
# </details>
#
# ## The loop
#
# Real colors have a fine noise, of the camera or of paintbox. $G$ predicts smooth colors and has none. $D$
# could win by that noise alone, without a look at any balloon. So both get **instance noise** (Sønderby and
# others, 2017): the layer above. Then the game is one move of each player:


# %% tags=["export"]
def cost(player, D, form, L, ab, ab_hat):
    """What "D" or "G" pays; the course's own."""
    label = {"D": (1.0, 0.0), "G": (None, 1.0)}[player]
    own = form(D(torch.cat([L, ab_hat.detach() if player == "D" else ab_hat], 1)), label[1])
    return own if player == "G" else (own + form(D(torch.cat([L, ab], 1)), label[0])) / 2


def play(G, D, adam_G, adam_D, L, ab, form=bce, lam=10.0, cost=cost):
    """One move of each player."""
    ab_hat = G(L)  # (N, 2, H, W)
    adam_D.zero_grad()
    cost("D", D, form, L, ab, ab_hat).backward()
    adam_D.step()
    adam_G.zero_grad()
    (lam * F.l1_loss(ab_hat, ab) + cost("G", D, form, L, ab, ab_hat)).backward()
    adam_G.step()


# %% [markdown] deck="slide"
# ## The loop
#
# ```python
# ab_hat = G(L)
# cost("D", D, form, L, ab, ab_hat.detach()).backward()
# adam_D.step()
# loss_G = cost("G", D, form, L, ab, ab_hat)
# (lam * l1(ab_hat, ab) + loss_G).backward()
# adam_G.step()
# ```
#
# - `detach`: D's step must not move G
# - G minimizes **−log D** (**non-saturating**)
# - real and generated colors get the same **instance noise**

# %% [markdown] deck="notes"
# Each line is a bug where it is missing. Exercise 4 shows what each bug looks like. Ask what
# D would learn without instance noise: to recognize the noise of the pixels.

# %% [markdown]
# ## The same in fastai
#
# The report uses fastai. Its `Learner` owns one model, one loss and one optimizer, and runs the loop.
# **Callbacks** change what happens at named moments. (fastai's own `GANLearner` has a critic that never
# sees the gray picture, so it is not conditional.) A callback that owns $D$ is short: after $G$ has
# predicted, $D$ moves; after the loss, D's opinion is added. It plays the same game as the loop: a test
# of the course compares the weights that both end with.


# %% tags=["export"]
class Adversary(Callback):
    """D beside fastai's G: D moves after the prediction, and its opinion joins the loss of G."""

    def __init__(self, D, form=bce, lam=10.0, rate=1e-3, cost=cost):
        self.D, self.form, self.lam, self.cost, self.paid = D.train(), form, lam, cost, []
        self.adam, self.run_valid = torch.optim.Adam(D.parameters(), rate, (0.5, 0.999)), False

    def after_pred(self):
        paid = self.cost("D", self.D, self.form, self.x, self.y, self.pred)
        self.adam.zero_grad()
        paid.backward()
        self.adam.step()
        self.paid.append([paid.item()])

    def after_loss(self):
        paid = self.cost("G", self.D, self.form, self.x, self.y, self.pred)
        self.learn.loss_grad = self.lam * self.loss_grad + paid
        self.paid[-1].append(paid.item())


# %% [markdown]
# ## Live: the game
#
# Every game begins with the generator that L1 alone has trained. One more arm goes on with L1 alone
# for as many epochs. Beside L1 we print one more number: how far the **balloons** are from gray, as
# mean chroma.


# %%
def game(form=bce, lam=10.0, cost=cost, epochs=TOGETHER, alone=False):
    """Go on from `start`: the generator, what was watched, what D and G paid by epoch."""
    torch.manual_seed(session.seed)
    G, watch = deepcopy(start), Watch(held.L[[SHOWN]])
    adversary = Adversary(discriminator(1).to(session.device), form, lam, cost=cost)
    made = learner(G, dls, cbs=[watch] if alone else [watch, adversary])
    with made.no_bar(), made.no_logging():
        made.fit(epochs, 1e-3)
    paid = [] if alone else np.reshape(adversary.paid, (epochs, -1, 2)).mean(1)
    return G.eval(), watch, paid


def balloons(ab):
    """Mean chroma of the balloons of the validation scenes."""
    return np.linalg.norm(ab[held.regions == paintbox.NAMES.index("balloon")], axis=-1).mean()


# %% tags=["nbval-ignore-output"]
rule = chosen(checks.pays, my_pays, cost)
played = {"L1 alone": game(alone=True)}
for lam in (100.0, 10.0, 1.0):
    played[f"λ = {lam:g}"] = game(lam=lam, cost=rule)
played["least squares, λ = 10"], table = game(least_squares, cost=rule), []
for name, (G, *_) in played.items():
    ab = colors_of(G, held.L)
    table.append([balloons(ab), np.abs(ab - held.ab).mean()])
    print(f"{name:22} chroma of balloons {table[-1][0]:4.1f}, L1 {table[-1][1]:.1f}")
print(f"{'truth':22} chroma of balloons {balloons(held.ab):4.1f}")

# %% [markdown] deck="slide"
# ## Live: the curves of a game

# %% [markdown] deck="notes"
# Left: what D and G pay by epoch, λ = 10. The dotted line is log 2, what a D pays that only guesses. Neither curve
# has to fall: when one player gets better the other pays more. Right: L1 on scenes, broken in training, full in
# validation; with a discriminator it rises. That is the price, and it is not overfitting.

# %% deck="figure"
fig, axes = plots.grid(1, 2, width=11, height=3.3)
paid = played["λ = 10"][2]
for style, player, values in zip(("o-", "s--"), "DG", paid.T):
    axes[0].plot(1 + np.arange(len(values)), values, style, label=f"{player} pays, λ = 10")
axes[0].axhline(np.log(2), color=plots.INK, linestyle=":", label="log 2: D guesses")
draw(axes[1], {n: L1_watch.curve + played[n][1].curve for n in ("L1 alone", "λ = 10")})
axes[1].axvline(ALONE + 0.5, color=plots.INK, linewidth=1)
axes[0].set(xlabel="epoch", ylabel="cross-entropy", ylim=(0, None))
axes[0].legend(fontsize=9)
plots.show(fig, "Left: D and G pay on both sides of log 2. Right: L1 rises when D joins.")

# %% [markdown]
# $D$ pays log 2 = 0.69 where it only guesses, and nearly 0 where it is always right. Then the game is
# over: $G$ gets the same answer whatever it does. No loss of a game
# has to fall, so look at pictures, always at the same ones.

# %% [markdown] deck="slide"
# ## Live: one scene through time

# %% [markdown] deck="notes"
# Upper row: L1 alone, from the first epoch to the last. Lower row: the same generator after the discriminator has
# joined. Look at the balloon: under L1 it settles at a blend of its colors; with D it becomes more colorful, and
# not always of one color. Every color of the palette would be as good.

# %% deck="figure"
stops = [0, len(L1_watch.scene) // 3, -1]
shown = [L1_watch.scene[i] for i in stops] + [played["L1 alone"][1].scene[-1]]
shown += [played["λ = 10"][1].scene[i] for i in (0, TOGETHER // 2, -1)]
images = [color.with_ab(held.L[SHOWN], ab) for ab in shown] + [held.rgb[SHOWN]]
titles = "epoch 1|a third|L1, its end|L1, longer|D joins|halfway|the end|truth".split("|")
plots.pictures(images, "Objects in time: blended under L1, colorful and patchy with D.", titles, 4)

# %% [markdown]
# Above, L1 alone: the balloons settle at a blend of their colors. Below, with $D$: they become colorful,
# and soon red stands beside green in one balloon. Any color of the palette would do, so $G$ is free to
# change its mind.
#
# ### Exercise 3: choose λ (7 minutes)
#
# There is no best λ, only a price that one is willing to pay. Write the choice down: among the rows
# whose L1 is at most `1 + slack` times the least L1 of the table, take the λ with the largest chroma.
# Do it for several amounts of slack.


# %% exercise="choose_lambda" minutes=7
def choose_lambda(table, slacks):
    """Rows (λ, chroma, L1), and K slacks, 0.1 for a tenth, to K values of λ."""
    ### BEGIN SOLUTION
    picked = []
    for slack in slacks:
        allowed = table[table[:, 2] <= (1 + slack) * table[:, 2].min()]
        picked.append(allowed[allowed[:, 1].argmax(), 0])
    return picked
    ### END SOLUTION


# %% check="choose_lambda" points=2
my_choice = choose_lambda
checks.choose_lambda(choose_lambda)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# First strike out the rows whose L1 is too large. Then look at the chroma in what is left.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `table[table[:, 2] <= limit]` keeps rows; `argmax` of column 1 names one *of the rows kept*.
#
# </details>
#
# Your choice on the live run: the λ for a tenth more L1, and for as much as you like.


# %% tags=["nbval-ignore-output"]
sweep = np.array([[lam, *row] for lam, row in zip((100, 10, 1), table[1:4])])  # (3, 3)
choose = chosen(checks.choose_lambda, my_choice, lambda table, slacks: table[:2, 0])
print("a tenth more L1: λ = {:g}; at any price: λ = {:g}".format(*choose(sweep, [0.1, 10.0])))

# %% [markdown] deck="slide"
# ## Live: λ, and least squares
#
# A smaller λ gives bolder colors and a larger L1. One seed, seconds of training: read the order,
# not the digits.

# %% [markdown] deck="notes"
# One scene by every game of the live run, with the chroma of its balloons and L1. As λ falls
# colors get bolder and L1 rises. Least squares plays the same game with another payment. Seconds of training,
# one seed: read the order, not the digits.

# %% deck="figure"
images = [color.with_ab(held.L[SHOWN], watch.scene[-1]) for _, watch, _ in played.values()]
titles = [f"{name}\nchroma {c:.0f}, L1 {e:.1f}" for name, (c, e) in zip(played, table)]
images, titles = [*images, held.rgb[SHOWN]], [*titles, "truth"]
plots.pictures(images, "One scene: L1 alone, three λ, least squares, and the truth.", titles, 3)

# %% [markdown]
# With a smaller λ colors get bolder and L1 rises. At λ = 1 the sky is no longer held in its place.
#
# ## Possible, of one color, as often as in the world?
#
# The stored experiment trains each loss three times for 24 epochs on scenes of
# 64 pixels, with λ = 10. It looks at whole objects: is the mean color **near** a palette color? How far
# do the pixels **spread** around that mean? (One color with the noise of the world has 2.2.) And how
# wrong are the frequencies of the colors, as **total variation**? A generator that made all balloons
# red, a **mode collapse**, would have a large one.

# %% tags=["claim"]
on_paintbox = course.result("06/paintbox")
gan, l1 = (on_paintbox["arms"][name] for name in ("L1 + GAN", "L1"))
sample = on_paintbox["exact"]["another draw"]
course.claim(
    '"to assure that the model\'s color choices are the best" (Gendre, of L1)',
    f"objects of uncertain color in {on_paintbox['n_test']} painted scenes, three seeds",
    f"near a palette color: {told(l1['near'])} with L1, {told(gan['near'])} with L1 and D",
    "L1 alone fails; with the discriminator beside it, as the report combines them, in part",
)
assert gan["near"][1] > l1["near"][2] and l1["l1"][2] < gan["l1"][1]
assert gan["spread"][1] > l1["spread"][2] > sample["spread"][2]
assert sample["variation"][2] < gan["variation"][1] and gan["variation"][2] < l1["variation"][1]

# %% [markdown] deck="slide"
# ## Possible: mostly. Of one color: no
#
# | objects | near a palette color | spread inside | total variation |
# | --- | ---: | ---: | ---: |
# | another sample of the world | {{told(sample["near"])}} | {{told(sample["spread"], 1)}} | {{told(sample["variation"])}} |
# | L1 | {{told(l1["near"])}} | {{told(l1["spread"], 1)}} | {{told(l1["variation"])}} |
# | L1 + GAN | {{told(gan["near"])}} | {{told(gan["spread"], 1)}} | {{told(gan["variation"])}} |
#
# We had hoped for seven objects in ten, and for a spread no larger than under L1. **Neither is
# reached.**

# %% [markdown] deck="notes"
# The discriminator makes colors possible. It does not make objects uniform: red and blue stand side by side. To
# agree on one color the pixels of a balloon need one common random number, and this G has none.

# %% [markdown]
# **Possible colors: mostly.** Nearly two objects in three are near a color of their palette, and
# hardly one with L1. We had hoped for seven in ten. **Frequencies: in part.** They are much nearer to
# the world's than under L1, but not yet those of another sample. **One color an object: no.** The
# spread is *larger* than under L1. $G$ does not blend red and blue; it puts them side by side. To
# agree, the pixels of a balloon need one common random number, and $G$ has none.

# %% [markdown]
# ## Photographs, live
#
# Two minutes are too short to train a colorizer of photographs from nothing. So the game begins where
# lesson 04 ended. The generator gets L *and* what S4 predicts on its pretrained features, and learns a
# **change** of that. At first the change is zero. One arm learns it with L1 alone, the other with L1 and a
# discriminator. (fastai's `unet_learner` would build a `DynamicUnet` around a classifier of timm. Mind
# one trap there: `create_body(resnet18(), pretrained=True)` has random weights; the flag only says how
# the first layer is adapted.)


# %%
class Refine(nn.Module):
    """From L / 100 and S4's ab / 110 (N, 3, H, W) to ab / 110; at first it is S4's."""

    def __init__(self, filters=32):
        super().__init__()
        layers = [nn.Conv2d(3, filters, 4, 2, 1), nn.ReLU()]
        for _ in range(2):
            layers += [nn.Conv2d(filters, filters, 3, padding=1), nn.ReLU()]
        self.layers, self.last = nn.Sequential(*layers), nn.Conv2d(filters, 2, 1, bias=False)
        nn.init.zeros_(self.last.weight)

    def forward(self, x):
        change = self.last(self.layers(x))  # (N, 2, H/2, W/2)
        return x[:, 1:] + F.interpolate(change, scale_factor=2, mode="bilinear")


# %% tags=["nbval-ignore-output"]
def pairs(rgb):
    """[(L / 100 with S4's ab / 110, true ab / 110)] of photographs, as tensors."""
    L, ab = color.L(rgb), color.ab(rgb) / color.AB_SCALE
    seen = np.concatenate([L / 100, s4.ab(L) / color.AB_SCALE], -1)  # (N, H, W, 3)
    return [tuple(torch.tensor(x.transpose(2, 0, 1)) for x in pair) for pair in zip(seen, ab)]


PLAN = {"ci": (64, 40, 1), "cpu": (128, None, 8), "gpu": (128, None, 20)}
SIZE, FEW, DUEL = PLAN[session.profile]  # pixels, photographs, epochs
s4, learned = Colorizer.load("04_pretrained_fusion"), photos.load("album", "train", SIZE, FEW)
validation, learned = learned[::5], np.delete(learned, np.s_[::5], axis=0)  # every fifth
loaders = DataLoader(pairs(learned), 8, 0, shuffle=True), DataLoader(pairs(validation), 8, 0)
album = DataLoaders(*loaders, device=session.device)


# %%
def on_album(lam=None, epochs=DUEL):
    """A generator that learns a change of S4, with D where λ is given; the curve of its L1."""
    torch.manual_seed(session.seed)
    G, half = Refine().to(session.device), nn.AvgPool2d(2)
    D = nn.Sequential(half, patchgan(2, 16, channels=5, noise=0.1)).to(session.device)
    watch = Watch(100 * loaders[1].dataset[0][0][None].movedim(1, -1).numpy())
    made = learner(G, album, cbs=[watch] if lam is None else [watch, Adversary(D, lam=lam)])
    with made.no_bar(), made.no_logging():
        made.fit(epochs, 5e-4)
    return G.eval(), watch.curve


# %%
def gallery(names, rgb, rows, alt):
    """Album photographs in gray, as rows {name: pictures} have them, in truth; who made them."""
    rows = {"gray": [metrics.paint_gray(x) for x in rgb], **rows, "truth": list(rgb)}
    images = [image for hats in rows.values() for image in hats]
    plots.pictures(images, alt, [name for name in rows for _ in names], len(names))
    print("\n".join(test_album[name].credit for name in names))


# %% tags=["nbval-ignore-output"]
refined = {"L1 alone": on_album(), "L1 and D": on_album(lam=10.0)}

# %% [markdown] deck="slide"
# ## Photographs, live: with a discriminator and without
#
# Both begin at S4 and have the same steps. Where has D changed a hue, and is it more right?

# %% [markdown] deck="notes"
# Rows: gray, S4 refined with L1 alone, S4 refined with L1 and D, truth. Test photographs of the album. Both arms begin
# at S4 and have the same steps. Ask where D has changed a hue, and whether it is more right.

# %% deck="figure"
NAMES = ["forest_path", "maya_beach", "fruits", "rose_bouquet", "king_penguin"]
small = photos.load("album", "test", SIZE)[[list(test_album).index(name) for name in NAMES]]
seen = 100 * torch.stack([x for x, _ in pairs(small)]).movedim(1, -1).numpy()  # (5, H, W, 3)
rows = {name: colors_of(G, seen) for name, (G, _) in refined.items()}
rows = {name: list(color.with_ab(color.L(small), ab)) for name, ab in rows.items()}
gallery(NAMES, small, rows, "Five photographs in gray, by L1 alone, by L1 and D, and in truth.")

# %% [markdown] deck="slide"
# ## Photographs, live: the curves
#
# With D the L1 is higher: a vivid color that is wrong costs more than a pale one.

# %% [markdown] deck="notes"
# L1 on the album by epoch, broken in training, full in validation; the dotted line is gray. With D beside it L1
# is higher: a vivid color that is wrong costs more than a pale one. (S4 has seen the album's training split.)

# %% deck="figure"
fig, (ax,) = plots.grid(1, 1, width=8, height=3.4)
draw(ax, {name: curve for name, (_, curve) in refined.items()})
ax.axhline(np.abs(color.ab(validation)).mean(), color=plots.INK, linestyle=":", label="gray")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(fig, "Training and validation L1 by epoch on the album, with a discriminator and not.")

# %% [markdown]
# Broken lines are training, full lines validation. (S4 has seen both, so only the test photographs above
# are new to it.) L1 punishes a wrong vivid color more than a pale one, so the curve with $D$ is higher.
# With $D$ hues change, and not always for the better: 79 photographs and seconds are little.
#
# ## The shipped network
#
# S3 of this course begins with lesson 04's network, whose encoder stays as it is. Its decoder learns
# with L1 for some hundred steps, and then with a discriminator beside it: the order that this lesson
# used live. All arms below begin at the same state and have equal steps. (Its game has the hinge loss,
# a relative of the two above, and a discriminator with spectral normalization.)

# %% tags=["claim"]
print(f"S3 is {OURS}; {END['n']:,} photographs, seed {END['seed']}")
for name, found in END["sets"].items():
    print(f"{name:14} S3 minus gray {told(found['gain']['S3'])} dB ({found['n_test']} photographs)")

# %% [markdown] deck="slide"
# ## What it buys on photographs, and what buys it without training
#
# | {{len(true_color)}} photographs | PSNR minus gray, dB | colorfulness |
# | --- | ---: | ---: |
# | L1 alone | {{told(over_gray["L1 alone"])}} | {{told(vivid["L1 alone"], 1)}} |
# | L1 and D, λ = 100 | {{told(over_gray["L1 and D, λ = 100"])}} | {{told(vivid["L1 and D, λ = 100"], 1)}} |
# | L1 and D, λ = 30 | {{told(over_gray["L1 and D, λ = 30"])}} | {{told(vivid["L1 and D, λ = 30"], 1)}} |
# | L1 and D, λ = 10 | {{told(over_gray["L1 and D, λ = 10"])}} | {{told(vivid["L1 and D, λ = 10"], 1)}} |
# | L1 × {{arms["L1 × k"]["k"]}}, no training | {{told(over_gray["L1 × k"])}} | {{told(vivid["L1 × k"], 1)}} |
# | S2 + log w, no training | {{told(over_gray["S2 + log w"])}} | {{told(vivid["S2 + log w"], 1)}} |
#
# Truth: {{"%.1f" % true_color.mean()}}. {{VERDICT}}.

# %% [markdown] deck="notes"
# One seed for each arm, intervals over photographs. The last two rows are what an adversarial loss has to beat.
# Colorfulness does not know whether a color fits its picture. Lesson 07 looks at scores, lesson 08 asks people.


# %%
def shipped(names, alt):
    """The mean network S4 and S3 on album photographs."""
    rgb, files = [test_album[name].rgb for name in names], systems.SYSTEMS
    files = {name: Colorizer.load(files[name].checkpoint) for name in ("S4", "S3")}
    gallery(names, rgb, {n: [file.colorize(x) for x in rgb] for n, file in files.items()}, alt)


# %% [markdown] deck="slide"
# ## The squared error (S4) and the discriminator (S3)
#
# S3 goes on from S4. Where is its color stronger, and where is it also more right?

# %% [markdown] deck="notes"
# Test photographs of the album, seen by no training. S4 was trained with the squared error, S3 goes on from it with
# L1 and a discriminator. Let the room find the differences before you name them: where is the color
# stronger, and is it also more right?

# %% deck="figure"
names = ["forest_path", "maya_beach", "fruits", "rose_bouquet"]
shipped(names, "A path, a beach, fruits, roses: gray, by S4, by S3 with stronger colors, in truth.")

# %% [markdown] deck="slide"
# ## Where it fails
#
# Color that does not follow from shape: S4 answers with brown, S3 with patches.

# %% [markdown] deck="notes"
# Painted toys and houses, a dancer, a man in a coat: things whose color does not follow from their shape. S4 answers with
# brown. S3 has learned that real pictures are not brown, and answers with patches. Say that the colors of a
# person are invented before you show such a picture to anybody.

# %% deck="figure"
names = ["wooden_toys", "venetian_lagoon", "balinese_dancer", "prokudin_00106"]
shipped(names, "Toys, houses, a dancer, a man in a coat: gray, by S4, by S3 in patches, in truth.")

# %% [markdown]
# Know the failures of such a network. **Patches:** an object takes sides within itself, because nothing
# agrees on one color for all of it. **Confident invention:** where the mean was an honest brown, the
# game rewards a color that could be real, on faces and clothes too. **Texture:** D likes what it sees
# often, so gray walls get a tint. **Restlessness:** two epochs of one game differ more than two epochs of
# L1, so look at several. And a game can end: when $D$ is always right, $G$ learns nothing.

# %% [markdown] tags=["optional"]
# ## Exercise 4: four bugs in one step (optional, 12 minutes)
#
# A step of the game as one easily writes it. It runs, and no error tells that it is wrong. It has four
# bugs.
#
# ```python
# def careless(G, D, adam_G, adam_D, L, ab, lam=10.0):
#     """One move of D, then one of G, who asks the new D: what D and G paid. With four bugs."""
#     D.eval()  # "keeps batch normalization steady"
#     ab_hat = G(L)
#     adam_D.zero_grad()
#     real, fake = D(torch.cat([L, ab], 1)), D(torch.cat([L, ab_hat], 1))
#     paid_D = (bce(real, 0.0) + bce(fake, 1.0)) / 2
#     adam_G.zero_grad()
#     paid_D.backward(retain_graph=True)
#     adam_D.step()
#     paid_G = bce(D(torch.cat([L, ab_hat], 1)), 1.0)
#     (lam * F.l1_loss(ab_hat, ab) + paid_G).backward()
#     adam_G.step()
#     adam_D.step()
#     return paid_D.item(), paid_G.item()
# ```
#
# Write it right.


# %% exercise="repair" minutes=12
def repair(G, D, adam_G, adam_D, L, ab, lam=10.0):
    """The same without the bugs. D may come in any mode."""
    ### BEGIN SOLUTION
    D.train()
    ab_hat = G(L)
    adam_D.zero_grad()
    paid_D = cost("D", D, bce, L, ab, ab_hat)
    paid_D.backward()
    adam_D.step()
    adam_G.zero_grad()
    paid_G = cost("G", D, bce, L, ab, ab_hat)
    (lam * F.l1_loss(ab_hat, ab) + paid_G).backward()
    adam_G.step()
    return paid_D.item(), paid_G.item()
    ### END SOLUTION


# %% check="repair" points=3
my_repair = repair
checks.repair(repair)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Ask four questions. In which mode is D while it learns? Which label do real pictures have? Whose
# weights get a gradient from D's loss? Whose weights move in G's step?
#
# </details>
# <details><summary>Hint 2</summary>
#
# `D.train()`, 1.0 for real, `ab_hat.detach()` for D and then no `retain_graph`, and one step of each
# optimizer. Set G's gradients to zero right before G's own `backward`.
#
# </details>
#
# Below, each bug alone. A working game stands beside them, yours where the check accepts it.


# %%
def with_bugs(bugs, G, D, adam_G, adam_D, L, ab, lam=10.0):
    """A step of the game with the bugs that the text names."""
    D.train("D.eval()" not in bugs)
    ab_hat, swapped = G(L), float("labels swapped" in bugs)
    for_D = ab_hat if "no detach" in bugs else ab_hat.detach()
    nn.ModuleList([G, D]).zero_grad()
    real, fake = D(torch.cat([L, ab], 1)), D(torch.cat([L, for_D], 1))
    paid_D = (bce(real, 1 - swapped) + bce(fake, swapped)) / 2
    paid_D.backward(retain_graph=True)
    adam_D.step()
    paid_G = bce(D(torch.cat([L, ab_hat], 1)), 1.0)
    (lam * F.l1_loss(ab_hat, ab) + paid_G).backward()
    for adam in (adam_G, adam_D) if "G's step moves D" in bugs else (adam_G,):
        adam.step()
    return paid_D.item(), paid_G.item()


# %% tags=["nbval-ignore-output"]
def by_hand(step):
    """Play with a step: the generator, and what D and G paid by epoch."""
    torch.manual_seed(session.seed)
    G, D = deepcopy(start).train(), discriminator(1).to(session.device)
    adams = [torch.optim.Adam(x.parameters(), 1e-3, (0.5, 0.999)) for x in (G, D)]
    paid = [[step(G, D, *adams, L, ab) for L, ab in dls.train] for _ in range(HUNT)]
    return G.eval(), np.mean(paid, axis=1)


BUGS = "labels swapped", "no detach", "D.eval()", "G's step moves D"
steps = {"repaired": chosen(checks.repair, my_repair, partial(with_bugs, ""))}
steps |= {bug: partial(with_bugs, bug) for bug in (*BUGS, ", ".join(BUGS))}
hunted = {name: by_hand(step) for name, step in steps.items()}
hunted["all four"] = hunted.pop(", ".join(BUGS))

# %% [markdown] deck="slide"
# ## What bugs look like: the curves
#
# Dotted: log 2, what D pays that only guesses. Two of the bugs look healthy.

# %% [markdown] deck="notes"
# What D and G pay by epoch; the dotted line is log 2. Labels swapped: both prices fall, because G is rewarded for being
# recognized. G's step moves D: G pays less than log 2 from the start, because D is pulled to say real. The other
# two look healthy in seconds of training: such bugs live long.

# %% deck="figure"
fig, axes = plots.grid(1, 2, width=12, height=3.4, sharey=True)
for ax, player in zip(axes, range(2)):
    for mark, line, (name, (_, paid)) in zip(plots.MARKERS, plots.LINES, hunted.items()):
        ax.plot(1 + np.arange(len(paid)), paid[:, player], mark + "-", color=line, label=name)
    ax.axhline(np.log(2), color=plots.INK, linestyle=":")
    ax.set(xlabel="epoch", title=("what D pays", "what G pays")[player])
axes[1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(fig, "What D and G pay by epoch for a repaired step, and for steps with bugs.")

# %% [markdown] deck="slide"
# ## What bugs look like: the pictures

# %% [markdown] deck="notes"
# The same scene after the same epochs. Compare each with the repaired game. Labels swapped: G draws a mark, a stripe in
# the sky for instance, by which D knows it. G's step moves D: the picture is nearly that of L1 alone, because D no
# longer objects. No detach and D.eval(): hard to see. Only the code shows them.

# %% deck="figure"
seen = [colors_of(G, held.L[[SHOWN]])[0] for G, _ in hunted.values()]
images = [color.with_ab(held.L[SHOWN], ab) for ab in seen]
images, titles = [*images, held.rgb[SHOWN]], [*hunted, "truth"]
plots.pictures(images, "One scene by a repaired game, and by steps with bugs.", titles, 4, 12)

# %% [markdown]
# Read the figures together. **Labels swapped:** both prices fall, because $G$ is rewarded for being
# recognized. It draws a mark, a stripe in the sky for instance, by which $D$ knows it. **G's step moves
# D:** $D$ is pulled to say "real" and objects no longer, so the picture is nearly that of L1 alone. **No
# detach** and **D.eval()** look healthy in so short a run. Only the code shows them.
#
# ## Quiz
#
# **1. What does D pay in a game that goes well?**
#
# <details><summary>A. Less from epoch to epoch, down to 0.</summary>
#
# At 0 D is always right, says the same to every answer, and G has little left to follow.
#
# </details>
# <details><summary>B. Something between 0 and log 2, with no trend that means "good".</summary>
#
# Right: at log 2 it only guesses. The pictures tell the rest.
#
# </details>
# <details><summary>C. More than log 2.</summary>
#
# Then guessing would be better: it is pulled away from its task, as by a bug of exercise 4.
#
# </details>
#
# **2. For which λ does the theory promise balloons as often red as in the world?**
#
# <details><summary>A. For λ = 100, the published one.</summary>
#
# There L1 pulls every answer toward the median.
#
# </details>
# <details><summary>B. For λ = 0 only.</summary>
#
# Right: then the best G has q = p. Any L1 beside it changes what is best.
#
# </details>
#
# **3. Why has the exact median no object near its palette?**
#
# <details><summary>A. It is taken for each channel by itself, and lies between the colors.</summary>
#
# Right: half of the probability on either side in a, and in b, is a place between colors.
#
# </details>
# <details><summary>B. L1 was minimized badly.</summary>
#
# It is the exact best answer. A better optimizer comes closer to it.
#
# </details>
#
# **4. A paper shows that its GAN is more colorful than its L1 network. What do you ask for?**
#
# <details><summary>A. A larger table of colorfulness.</summary>
#
# More of the same number does not say what else would reach it.
#
# </details>
# <details><summary>B. The L1 network's colors times k, at equal PSNR.</summary>
#
# Right: that costs nothing and is more colorful too. A GAN has to beat it.
#
# </details>
#
# **5. G's price falls to nearly 0 while its colors get strange. Which bug fits?**
#
# <details><summary>A. D is told that real pictures are generated ones and the reverse.</summary>
#
# Right: G wants D to say 1, and D now says 1 to what it recognizes as G's work.
#
# </details>
# <details><summary>B. `detach()` is missing.</summary>
#
# Then D's loss works against G's own. In a short run you would hardly see it.
#
# </details>

# %% [markdown]
# ## What broke, and which lesson repairs it
#
# - **Possible is not right.** A balloon may have any color, and so may a face in such a picture. A person's
#   hint decides: lesson 11.
# - **Is it better?** PSNR says no, colorfulness yes, and a factor of k says "so what". Lesson 07 asks
#   what a score is worth, lesson 08 asks people.
# - **A patch is not a film.** The next frame may get another color: lesson 10.
# - **The game is restless.** Flow matching reaches frequencies without a discriminator: lesson 11.
#
# ## Further reading
#
# - The report: Maxime Gendre, *Machine Learning Engineer Nanodegree Capstone Project Proposal – Image
#   Colorization*, Udacity.
# - Goodfellow and others, *Generative adversarial nets*, NeurIPS 2014: the game, and −log D.
# - Isola, Zhu, Zhou and Efros, *Image-to-image translation with conditional adversarial networks*,
#   CVPR 2017: pix2pix. Ronneberger and others, *U-Net*, MICCAI 2015.
# - Mao and others, *Least squares generative adversarial networks*, ICCV 2017. Sønderby and others,
#   *Amortised MAP inference for image super-resolution*, ICLR 2017: instance noise. Miyato and others,
#   *Spectral normalization for generative adversarial networks*, ICLR 2018.

# %% [markdown] deck="slide"
# ## What broke, and who repairs it
#
# | what | where |
# | --- | --- |
# | possible is not right | lesson 11: hints |
# | is vivid better? | lessons 07 and 08: scores and people |
# | a patch is not a film | lesson 10 |
# | the game is restless | lesson 11: flow matching |

# %% [markdown] deck="notes"
# Go back to the vote of the beginning. Who wanted the true red needs a measure of pairs; who wanted a possible
# balloon needs a measure of sets. Both are reasonable.
