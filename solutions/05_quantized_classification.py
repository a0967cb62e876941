# ---
# jupyter:
#   course:
#     title: Quantized classification
#     question: What if we predict a distribution?
#     objectives:
#       - cut the ab plane into 313 bins, and give every color a soft code
#       - write a head with 313 logits and its loss, and say how far it is from its floor
#       - tell by NLL and ECE whether a network's probabilities can be believed
#       - make colors vivid by weights, temperature or sampling, and know what that costs
#       - show where a network is unsure, and several colorings instead of one
#     prerequisites: lesson 02 (the mean, floor and regret); lesson 04 (encoder, decoder, skip
#       connections); logarithms.
#     running: 4
#     data: painted scenes, made here, and the course's album of photographs, each under its own
#       licence (CREDITS.md in the album); stored numbers come from photographs that are not
#       redistributed.
#     licence: text CC BY 4.0, code MIT.
#     extras: [torch, onnx]
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
# **For the instructor.** One idea carries this lesson: a network that predicts a *distribution* leaves the
# choice of one color to us. Each choice has a price, and a curve shows it. The second idea is calibration:
# "70 %" is worth something only if it is right seven times in ten. Ask before the section on temperature:
# does T = 0.38 help rare colors? Most rooms say yes, the report says yes, and the balloon says no. Ask
# before the section on prices: what is the cheapest way to a colorful picture? (A factor.) A common mistake
# is to put a softmax into the head, although the loss has one; another is to multiply the logits by the
# weights. If time is short, leave out the report's claims and exercise 5. While the network trains on
# scenes, let the room guess what the first value of the loss will be.

# %% tags=["export"]
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from course_utils import bins, color, progress

CENTERS = bins.ab_bins()  # (313, 2)

# %%
from copy import deepcopy

from scipy.spatial import ConvexHull, Delaunay

from course_utils import course, metrics, networks, paintbox, photos, plots, widgets
from course_utils.checks import chosen
from course_utils.checks import lesson_05 as checks
from course_utils.colorizer import Colorizer

# %% [markdown] deck="slide"
# ## One color, or a list of all colors?
#
# A balloon is red, blue, green or purple. Nothing in the gray picture says which.
#
# - Lesson 02 asked for **one color**. The best answer was the mean, a brown that no balloon has.
# - Today we ask for **a probability for every color**.
#
# Then we choose a color from the list. This lesson shows four ways to choose, and what each costs.

# %% [markdown] deck="notes"
# Bring back the vote of lesson 02: people voted for red, blue or green, and the best answer was brown.
# Nobody was wrong; they answered another question. Today the network gives the whole list, and the choice is ours.

# %% [markdown]
# ## A list instead of one color
#
# The squared error asks for the mean of all possible colors. Better features (lesson 04) bring a network
# closer to that mean, and the mean is pale.
#
# So we change the question. We cut the ab plane into **bins**, and the network gives a probability for each
# bin, at each position. That is classification, and its loss is the cross-entropy. Zhang, Isola and Efros did
# it in 2016. The report of this lesson (Liu, *Grayscale Image Colorization*) builds it again with 2,000
# landscapes, and puts it on a server. In three places it differs from Zhang and others:
#
# | | Zhang and others, 2016 | the report |
# | --- | --- | --- |
# | target | a soft code: weights on several near bins | "1-hot … by searching for the 5-nearest" bins |
# | weight of rare colors | one for each pixel, inside the sum over pixels | printed before both sums |
# | T = 0.38 | sharpens the distribution after training | set "for color rebalancing" |
#
# A weight before both sums is a constant. It scales the learning rate and rebalances nothing, so we read it
# as a misprint. The other two are questions, and this lesson answers them.
#
# ## 313 bins
#
# A grid with a step of 10 from −110 to 110 has 23 × 23 = 529 points in the ab plane. Most of them are no
# colors. Every published system keeps 313. Which ones? Not the cells that hold a color of sRGB; those are 268.
# This rule gives the list: take the **convex hull** of all colors of sRGB in the plane. Widen it by a **square** of ±10: add
# each corner of the square to each corner of the hull. Keep the grid points inside.

# %% tags=["claim"]
byte = np.arange(256, dtype=np.uint8)
side = np.stack(np.meshgrid(byte, byte), -1).reshape(-1, 2)  # (65536, 2)
faces = [np.insert(side, axis, end, axis=1) for axis in range(3) for end in (0, 255)]
outline = color.ab(np.concatenate(faces))  # (6 · 65536, 2): the six faces of the sRGB cube
along = np.arange(-110, 111, 10)
grid = np.stack(np.meshgrid(along, along, indexing="ij"), -1).reshape(-1, 2)  # (529, 2)
corners = np.array([(-10, -10), (-10, 10), (10, -10), (10, 10)])
hull = outline[ConvexHull(outline).vertices].astype(float)
widened = Delaunay((hull[:, None] + corners).reshape(-1, 2))
kept = grid[widened.find_simplex(grid, tol=1e-9) >= 0]
used = np.isin(np.arange(len(CENTERS)), bins.encode(outline, k=1)[0])
held_cells = len(np.unique(np.floor(outline / 10), axis=0))
print(f"{held_cells} cells hold a color; {len(kept)} bins, {(~used).sum()} of them of no color")
assert held_cells == 268 and np.array_equal(kept, CENTERS) and (~used).sum() == 52

# %% [markdown] deck="slide"
# ## {{len(CENTERS)}} bins, and {{(~used).sum()}} that no color reaches

# %% [markdown] deck="notes"
# Circles: bins that are nearest to some sRGB color. Crosses: the {{(~used).sum()}} that never are. They come
# from the square that widens the hull. So 313 is a number of outputs and not a number of colors.

# %% deck="figure"
fig, (ax,) = plots.grid(1, 1, width=6.2, height=5)
tone = color.lab_to_rgb(np.column_stack([np.full(313, 65), CENTERS]).astype(np.float32))  # (313, 3)
ax.scatter(*CENTERS[used].T, s=60, c=tone[used], edgecolors=plots.INK, linewidths=0.4)
ax.scatter(*CENTERS[~used].T, s=40, marker="x", color=plots.INK)
ax.set(xlabel="a (green to red)", ylabel="b (blue to yellow)", aspect="equal")
ALT = "The 313 bins in the ab plane, with a rim of 52 crosses that no sRGB color reaches."
plots.show(fig, ALT)


# %% [markdown]
# The network learns that these 52 are improbable.
#
# ## A soft code
#
# A color lies between bins. What is its target? A single 1 in the nearest bin loses where the color lies
# in its cell. The **soft code** spreads the 1 over the k nearest bins: their weights fall like a
# Gaussian of width σ with the distance, and sum to 1. The report says five bins and no σ; Zhang and others
# take σ = 5. So do we.

# %% tags=["claim"]
test_album = {photo.name: photo for photo in photos.album("test")}
ab = color.ab(test_album["coffee"].rgb)  # (256, 384, 2)
near, weights = bins.encode(ab)  # both (256, 384, 5)
mean = (CENTERS[near] * weights[..., None]).sum(-2)  # (256, 384, 2)
hats = {"nearest bin": CENTERS[near[..., 0]], "mean of the soft code": mean}
off = {name: np.hypot(*(hat - ab).reshape(-1, 2).T).mean() for name, hat in hats.items()}
entropy = -(weights * np.log(weights)).sum(-1).mean()
print("distance from the color, in ab:", ", ".join(f"{k} {d:.2f}" for k, d in off.items()))
print(f"mean entropy of the code: {entropy:.2f} nats")
assert off["mean of the soft code"] < off["nearest bin"] / 5 and entropy > 1

# %% [markdown] deck="slide"
# ## A soft code for every color
#
# - the **5 nearest** bins, with Gaussian weights of width 5 that sum to 1
# - its mean is the color, almost exactly
# - the code has an **entropy of its own**: {{entropy:.2f}} nats on a photograph
#
# | mean distance from the color, in ab | |
# | --- | ---: |
# | nearest bin | {{off["nearest bin"]:.2f}} |
# | mean of the soft code | {{off["mean of the soft code"]:.2f}} |
#
# A cross-entropy below the entropy of its target is a bug.

# %% [markdown] deck="notes"
# The last line is worth a pause. Against a soft target even a perfect prediction costs the entropy of
# the target. Somebody who reports an unweighted loss of less has a mistake somewhere.

# %% [markdown]
# The cross-entropy of a target $z$ and a prediction $q$ is
#
# $$-\sum_i z_i \log q_i = \underbrace{-\sum_i z_i \log z_i}_{\text{entropy of } z} + \underbrace{\sum_i z_i \log \frac{z_i}{q_i}}_{\text{KL}(z \,\|\, q) \;\ge\; 0}$$
#
# So an *unweighted* loss below the entropy of the code is a bug. Test your own runs by it.
#
# ## What the cross-entropy asks for
#
# Now take the mean over all colors that a gray picture may have. With $p = E[z \mid \text{gray picture}]$
#
# $$E\Big[-\sum_i z_i \log q_i\Big] = H(p) + \text{KL}(p \,\|\, q).$$
#
# The first term is the **floor** (Bayes risk): the entropy of what nobody can know. The second is the
# **regret** (excess risk). It is 0 for $q = p$ only. The squared error asks for the mean color. The
# cross-entropy asks for the **distribution**. In paintbox we know it.

# %%
test = paintbox.sample(60, 64, seed=2)  # scenes that no network learns from
p = test.distribution(CENTERS, pool=4)  # (60, 16, 16, 313)
floor = paintbox.floors(test, pool=4)["ce"]
print(f"{p.shape}: floor {floor:.2f} nats; all bins alike: {np.log(313):.2f} nats")

# %% [markdown]
# Networks of this family predict at a quarter of the size, to save memory. So do we. The target of a block of
# 4 × 4 pixels is the *mean of its pixels' codes*. Never take the code of the mean color: at an edge between
# blue and yellow that would be the code of gray.


# %%
def doubt_of(p):
    """The entropy of distributions (…, 313) in nats."""
    return -(p * np.log(np.maximum(p, 1e-30))).sum(-1)


SCENE = int(test.variance().mean((1, 2)).argmax())  # the scene where most is uncertain
doubt = doubt_of(p[SCENE])  # (16, 16)
balloon = test.regions[SCENE].reshape(16, 4, 16, 4) == paintbox.NAMES.index("balloon")
picked = {"certain": doubt.argmin(), "balloon": balloon.mean((1, 3)).argmax()}
picked["an edge"] = doubt.argmax()

# %% [markdown] deck="slide"
# ## The target: a distribution over the ab plane
#
# a: water, one certain color. b: a balloon, four possible colors. c: an edge, the colors of both
# sides.

# %% [markdown] deck="notes"
# Three blocks of one scene. Where the color is certain there is one cluster, with the width of the soft code.
# A balloon has four clusters, as large as they are probable. An edge has the clusters of both of its sides.

# %% deck="figure"
fig, axes = plots.grid(1, 4, width=12, height=3.4)
plots.picture(axes[0], test.rgb[SCENE], "scene")
for ax, (name, place) in zip(axes[1:], picked.items()):
    row, column = np.unravel_index(place, (16, 16))
    axes[0].text(4 * column + 2, 4 * row + 2, name[0], color="white", weight="bold", ha="center")
    ax.scatter(*CENTERS.T, s=3, color="#cccccc")
    ax.scatter(*CENTERS.T, s=900 * p[SCENE, row, column], c=tone, edgecolors=plots.INK)
    ax.set(xlabel="a", ylabel="b", title=f"{name}: {doubt[row, column]:.1f} nats")
ALT = "A scene with three marked blocks, and their distributions: one cluster of bins, four, many."
plots.show(fig, ALT)


# %% [markdown]
# ## The network
#
# The report's network is a figure whose layers its text does not name. So we build our own, of the parts
# of lesson 04. An **encoder** turns L into maps of a quarter, an eighth and a sixteenth of the size. A **decoder**
# enlarges the coarse maps and joins the finer ones (**skip connections**). The mean of the deepest
# maps stands at every position (**fusion**). New is the last layer, the **head**: it has 313
# outputs. They are called **logits**, and their softmax is the distribution.


# %% tags=["export"]
def conv(channels, filters, stride=1, kernel=3):
    """A convolution without bias, normalized, and ReLU."""
    layer = nn.Conv2d(channels, filters, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(filters), nn.ReLU())


def enlarge(x, factor):
    """Maps (N, C, h, w), `factor` times as high and wide, bilinearly."""
    return F.interpolate(x, scale_factor=factor, mode="bilinear")


def beside(maps, vector):
    """Maps (N, C, h, w) and vectors (N, E) to (N, C + E, h, w): the vector at every position."""
    return torch.cat([maps, vector[..., None, None].expand(-1, -1, *maps.shape[2:])], 1)


# %% tags=["export"]
class Encoder(nn.Module):
    """[L / 100 (N, 1, H, W)] to a list of 48, 96 and 128 maps at strides 4, 8 and 16."""

    def __init__(self):
        super().__init__()
        widths = (1, 32, 48, 96, 128)
        halves = [nn.Sequential(conv(a, b, 2), conv(b, b)) for a, b in zip(widths, widths[1:])]
        self.halves = nn.ModuleList(halves)

    def forward(self, maps):
        for half in self.halves:
            maps = [*maps, half(maps[-1])]
        return maps[2:]


# %% tags=["export"]
class Decoder(nn.Module):
    """A list of maps (N, C, h, w), the finest first, to what the head makes of the finest."""

    def __init__(self, channels, widths, head, drop=0.0):
        super().__init__()
        self.norms = nn.ModuleList(map(nn.BatchNorm2d, channels))
        self.drop, self.mix = nn.Dropout(drop), conv(2 * channels[-1], widths[0], kernel=1)
        parts = zip((widths[0], *widths), channels[-2::-1], widths)
        self.levels = nn.ModuleList(conv(a + skip, b) for a, skip, b in parts)
        self.head = head

    def forward(self, maps):
        *skips, deep = [norm(x) for norm, x in zip(self.norms, maps)]
        x = self.mix(beside(deep, self.drop(deep.mean((2, 3)))))  # fusion
        for level, skip in zip(self.levels, reversed(skips)):
            x = level(torch.cat([enlarge(x, 2), skip], 1))  # a skip connection
        return self.head(x)


# %% [markdown]
# ### Exercise 1: the head (5 minutes)
#
# The head is a 1 × 1 convolution with one logit for each bin. Before training, its answer should be what
# we know without looking: the **prior**, that is, how frequent each bin is. So its weights are 0, and its
# bias is such that the softmax of the logits is the prior (Q numbers above 0 that sum to 1). Both can learn. The loss
# has a softmax inside, so the head has none.


# %% exercise="make_head" minutes=5
def make_head(channels, prior):
    """A module from maps (N, channels, h, w) to logits (N, Q, h, w); prior: a tensor (Q,)."""
    ### BEGIN SOLUTION
    head = nn.Conv2d(channels, len(prior), 1)
    nn.init.zeros_(head.weight)
    head.bias.data.copy_(prior.log())
    return head
    ### END SOLUTION


# %% check="make_head" points=2
my_head = make_head
checks.make_head(make_head)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `nn.Conv2d(channels, len(prior), 1)` has the right shape. With weights of 0 its output is its bias.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Which logits have a softmax of `prior`? The exponential inside the softmax is undone by the logarithm.
# `nn.init.zeros_(head.weight)` and `head.bias.data.copy_(...)` set parameters.
#
# </details>


# %%
def summary(net, inputs):
    """Print the convolutions of a network: parameters, and shape of the output; return all."""
    for name, part in net.named_modules():
        if isinstance(part, nn.Conv2d):
            line = f"{name:22} {part.weight.numel():9,}"
            part.register_forward_hook(lambda _, x, y, line=line: print(line, tuple(y.shape)))
    net(inputs)
    return sum(x.numel() for x in net.parameters())


# %% tags=["claim"]
uniform = torch.full((313,), 1 / 313)
example = nn.Sequential(Encoder(), Decoder((48, 96, 128), (96, 64), checks.head_of(64, uniform)))
parameters = summary(example, [torch.zeros(2, 1, 64, 96)])
assert parameters < 1e6

# %% [markdown] deck="slide"
# ## One kind of decoder, two encoders
#
# ```
# a scene       encoder, learns   maps at 1/4 -------> level 2 > head > logits
#                                 maps at 1/8 --> level 1
#                                 maps at 1/16 + their mean
#
# a photograph  Lite0, frozen     maps at 1/4 -------> level 3 > head > logits
#                                 maps at 1/8, 1/16 --> levels 1, 2
#                                 maps at 1/32 + their mean
# ```
#
# - a level enlarges, joins finer maps (**skip connection**), and convolves
# - {{parameters:,}} parameters from nothing; a smaller decoder on Lite0's maps

# %% [markdown] deck="notes"
# Above: the encoder learns from nothing, on painted scenes. Below: Lite0 with ImageNet's weights, frozen, on
# photographs. Ask what the head would be for the squared error: two channels and no softmax.

# %% [markdown]
# ## The loss
#
# The code of a block is sparse: five bins and their weights. `near` names the bins, `z` holds the weights. The
# loss of a block needs only five of its 313 log-probabilities.
#
# ### Exercise 2: the soft cross-entropy (6 minutes)


# %% exercise="soft_cross_entropy" minutes=6
def soft_cross_entropy(logits, near, z):
    """Logits (N, Q, h, w), bins and weights, both (N, k, h, w), to the mean over all blocks."""
    ### BEGIN SOLUTION
    log_q = logits.log_softmax(dim=1).gather(1, near)
    return -(z * log_q).sum(dim=1).mean()
    ### END SOLUTION


# %% check="soft_cross_entropy" points=2
my_loss = soft_cross_entropy
checks.soft_cross_entropy(soft_cross_entropy)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `logits.log_softmax(1)` gives the logarithms of all probabilities, also where a logit is 800.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `x.gather(1, near)` takes from x, on axis 1, the entries that `near` names. Multiply by z, sum over the
# five, take the mean over the rest, and mind the sign.
#
# </details>
#
# The code of a block's mean needs 16 codes. We take the code of *one* of its pixels, another one in each
# batch. On average that is the same, because the loss is linear in the target.


# %% tags=["export"]
def codes(ab, device="cpu"):
    """The soft codes of ab (N, h, w, 2): bins and their weights, both (N, 5, h, w)."""
    near, z = bins.encode(ab)
    return [torch.from_numpy(x).movedim(-1, 1).to(device) for x in (near.astype(np.int64), z)]


# %% tags=["export"]
def one_epoch(net, loss, adam, cycle, inputs, ab, rng):
    """Train in batches of 16; the mean loss. inputs: tensors (N, …); ab: (N, H, W, 2)."""
    net.train()
    losses = []
    for batch in np.array_split(rng.permutation(len(ab)), len(ab) // 16):
        row, column = rng.integers(4, size=2)  # one pixel of each block of 4 × 4
        near, z = codes(ab[batch][:, row::4, column::4], inputs[0].device)
        value = loss(net([x[batch] for x in inputs]), near, z)
        adam.zero_grad()
        value.backward()
        adam.step()
        cycle.step()
        losses.append(value.item())
    return float(np.mean(losses))


# %% tags=["export"]
def learn(net, loss, inputs, ab, epochs, rate, seed, measure=lambda net: 0.0):
    """Train with a rate that rises and falls; for each epoch [loss, measure(net)]."""
    rng, steps = np.random.default_rng(seed), epochs * (len(ab) // 16)
    adam = torch.optim.AdamW(net.parameters(), rate, weight_decay=0.05)
    cycle = torch.optim.lr_scheduler.OneCycleLR(adam, rate, steps)
    every = progress.bar(range(epochs), "epochs")
    return [[one_epoch(net, loss, adam, cycle, inputs, ab, rng), measure(net)] for _ in every]


# %% tags=["export"]
def light(L, device="cpu"):
    """L (N, H, W, 1) in 0…100 as what a network takes: a tensor (N, 1, H, W) in 0…1."""
    return torch.from_numpy(np.moveaxis(L, -1, 1) / np.float32(100)).to(device)


def logits_of(net, inputs):
    """What a network gives for tensors (N, …), 16 at a time: (N, C, h, w)."""
    net.eval()
    with torch.inference_mode():
        parts = [net(list(x)) for x in zip(*(x.split(16) for x in inputs))]
    return torch.cat(parts).cpu()


def probabilities(net, inputs):
    return logits_of(net, inputs).softmax(1).movedim(1, -1).numpy()  # (N, h, w, 313)


# %% [markdown]
# ## Live: painted scenes, from nothing
#
# After each epoch we ask for the regret on the test scenes. What will the first loss be near? The network
# starts with the prior.

# %% tags=["nbval-ignore-output"]
COUNT, EPOCHS = {"ci": (32, 1), "cpu": (800, 6), "gpu": (4000, 12)}[session.profile]
scenes = paintbox.sample(COUNT, 64, session.seed)
prior = torch.tensor(bins.prior(scenes.ab[:, ::4, ::4]), dtype=torch.float32)
head = chosen(checks.make_head, my_head, checks.head_of)
loss = chosen(checks.soft_cross_entropy, my_loss, checks.cross_entropy)
L_test = light(test.L, session.device)


def on_test(net):
    return floor + paintbox.regret_kl(test, probabilities(net, [L_test]), CENTERS, pool=4).mean()


# %% tags=["nbval-ignore-output"]
torch.manual_seed(session.seed)
net = nn.Sequential(Encoder(), Decoder((48, 96, 128), (96, 64), head(64, prior)))
net = net.to(session.device)
inputs = [light(scenes.L, session.device)]
rows = learn(net, loss, inputs, scenes.ab, EPOCHS, 4e-3, session.seed, on_test)
q_scenes = probabilities(net, [L_test])  # (60, 16, 16, 313)
regret = rows[-1][1] - floor
print(f"floor {floor:.2f} nats, regret of your network {regret:.3f}")

# %% [markdown] deck="slide"
# ## Live: the loss, above its floor

# %% [markdown] deck="notes"
# Full line: training loss. Broken line: floor plus regret on test scenes. The floor is the entropy of the true distribution. What lies between the broken line and the
# floor is regret, in nats. The dotted line is the prior without looking at the picture; there the network began.


# %% deck="figure"
def curves(rows, lines, alt):
    """Training and held-out loss by epoch; lines: {name: height} across."""
    fig, (ax,) = plots.grid(1, 1, width=9, height=3.6)
    for values, style, name in zip(np.transpose(rows), ("-o", "--s"), ("training", "held out")):
        ax.plot(range(1, len(values) + 1), values, style, label=name)
    for (name, height), style in zip(lines.items(), (":", "-")):
        ax.axhline(height, color=plots.INK, linestyle=style, label=name)
    ax.set(xlabel="epoch", ylabel="cross-entropy in nats", ylim=(0, None))
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    plots.show(fig, alt)


blind = floor + paintbox.regret_kl(test, 0 * p + prior.numpy(), CENTERS, pool=4).mean()
ALT = "Training and test loss by epoch fall from that of the prior nearly to the floor below."
curves(rows, {"only the prior": blind, "floor": floor}, ALT)

# %% [markdown]
# ## Your network colors a scene
#
# To see a picture, somebody has to choose a color from each distribution. The
# **mean** is one choice. The **top bin** is another. Between them lies the **annealed mean**: raise the
# probabilities to the power 1 / T, make them sum to 1 again, and take the mean. T is the **temperature**. T = 1
# is the mean, T → 0 the top bin, and Zhang and others take T = 0.38.


# %%
def full_size(x):
    """(N, h, w, C) to (N, 4 h, 4 w, C), bilinearly."""
    return enlarge(torch.from_numpy(np.moveaxis(x, -1, 1)), 4).movedim(1, -1).numpy()


def colored(p, L, T=1.0):
    """Pictures (N, H, W, 3) of distributions p (N, h, w, 313) and of L (N, H, W, 1)."""
    return color.with_ab(L, full_size(bins.decode(p, T)))


L_two, q_two = test.L[[SCENE, 3]], q_scenes[[SCENE, 3]]
columns = {"gray": color.with_ab(L_two, 0 * test.ab[:2])}
columns |= {f"T = {T:g}": colored(q_two, L_two, T) for T in (1.0, 0.38, 0.01)}
columns["exact mean"] = color.with_ab(L_two, test.expected_ab()[[SCENE, 3]])
columns["one truth"] = test.rgb[[SCENE, 3]]

# %% [markdown] deck="slide"
# ## Your network colors two scenes
#
# Cooling leads from the mean to the top bin, which is red for every balloon.

# %% [markdown] deck="notes"
# Columns: gray, the network's mean, its annealed mean, nearly its top bin, the exact mean, and one truth. The
# mean is brown where the color is uncertain. At the low temperature all balloons are red, because red is the most probable.

# %% deck="figure"
shown = [pictures[i] for i in range(2) for pictures in columns.values()]
ALT = "Two scenes: gray, mean, annealed, top bin, exact mean, truth; means are brown, the top red."
plots.pictures(shown, ALT, [*columns] * 2, columns=6, width=12)

# %% [markdown]
# ## Live: photographs, on Lite0's features
#
# Now the same on photographs of the album, as in lesson 04: the encoder is Lite0 with ImageNet's weights. It
# is frozen, so its maps of a photograph never change. We compute them once and store them. Every
# fifth photograph of the training split is for validation.
#
# From 79 photographs alone a network learns brown. So your decoder's logits are added to a bell around the
# color that S4 predicts: $-d^2 / 2\sigma^2$, with $\sigma = 15$ and the distance $d$ to each bin. (S4 learned from these
# photographs too, not from the test split.)

# %% tags=["nbval-ignore-output"]
COUNT, EPOCHS = {"ci": (12, 1), "cpu": (None, 4), "gpu": (None, 4)}[session.profile]
whole, tested = (photos.load("album", x, 160, COUNT, color_only=True) for x in ("train", "test"))
held = np.arange(len(whole)) % 5 == 0
train = np.concatenate([whole[~held], whole[~held, :, ::-1]])  # each also mirrored
lite0 = networks.lite0.torch_encoder().to(session.device).eval()
s4 = Colorizer.load("04_pretrained_fusion")


def inputs_of(rgb):
    """S4's ab at stride 4 and Lite0's maps at 4 to 32 of photographs (N, H, W, 3)."""
    L = color.L(rgb)
    ab = torch.from_numpy(np.concatenate([s4.ab(x[None]) for x in L])).movedim(-1, 1)
    with torch.no_grad():
        parts = [lite0(x)[1:] for x in light(L, session.device).split(16)]
    return [F.avg_pool2d(ab, 4).to(session.device), *map(torch.cat, zip(*parts))]


# %%
class AroundS4(Decoder):
    """A decoder whose logits are added to a bell around the color that S4 predicts."""

    def forward(self, inputs):
        away = inputs[0][:, None] - torch.tensor(CENTERS).to(inputs[0])[..., None, None]
        return super().forward(inputs[1:]) - away.square().sum(2) / (2 * 15**2)


# %% tags=["nbval-ignore-output"]
maps_train, maps_held, maps_test = map(inputs_of, (train, whole[held], tested))
ab_train = color.ab(train)
photo_prior = torch.tensor(bins.prior(ab_train[:, ::8, ::8]), dtype=torch.float32)
near, z = codes(color.ab(whole[held])[:, 2::4, 2::4])
torch.manual_seed(session.seed)
photo_net = AroundS4((24, 40, 112, 320), (64, 48, 32), head(32, photo_prior), drop=0.5)
photo_net = photo_net.to(session.device)


def on_held(net):
    return float(checks.cross_entropy(logits_of(net, maps_held), near, z))


photo_rows = learn(photo_net, loss, maps_train, ab_train, EPOCHS, 3e-3, session.seed, on_held)

# %% [markdown] deck="slide"
# ## Live: photographs, the loss beside the prior

# %% [markdown] deck="notes"
# Full line: training. Broken line: validation. Dotted: the prior alone. The entropy of the soft code is a lower bound that nobody reaches,
# because nobody knows the colors of photographs. Where the lines part, the decoder overfits.

# %% deck="figure"
blind = -float((z * photo_prior.log()[near]).sum(1).mean())
lines = {"only the prior": blind, "entropy of the code": -float((z * z.log()).sum(1).mean())}
curves(photo_rows, lines, "Training and validation loss of photographs, below that of the prior.")

# %% tags=["nbval-ignore-output"]
L_photos, q_photos = color.L(tested), probabilities(photo_net, maps_test)  # (56, 40, 40, 313)
versions = {"gray": np.stack([metrics.paint_gray(x) for x in tested])}
versions |= {f"T = {T:g}": np.uint8(255 * colored(q_photos, L_photos, T)) for T in (1, 0.38)}
psnr = [metrics.psnr(tested, versions[name]) for name in ("T = 1", "gray")]
live_gain = metrics.bootstrap(psnr[0] - psnr[1])
print("your network minus gray: {:+.2f} dB [{:+.2f}, {:+.2f}]".format(*live_gain))
assert session.profile == "ci" or live_gain[0] > 0

# %% [markdown] deck="slide"
# ## Your network colors photographs: {{live_gain[0]:+.1f}} dB

# %% [markdown] deck="notes"
# Rows: gray, the mean of the predicted distribution, its annealed mean, the truth. Photographs of the
# test split. Sky, grass and fruit come from S4's guess; the annealed row is often grayer, because the most probable bin often is.

# %% deck="figure"
LOOKED_AT = ["maya_beach", "king_penguin", "prokudin_00889", "mangoes"]
places = [list(test_album).index(name) % len(tested) for name in LOOKED_AT]
table = versions | {"truth": tested}
ALT = "Four photographs in gray, in the mean and annealed mean of a small network, and in truth."
shown = [pictures[i] for pictures in table.values() for i in places]
plots.pictures(shown, ALT, [name for name in table for _ in places], len(places), 9)
print("\n".join(test_album[name].credit for name in LOOKED_AT))

# %% [markdown]
# The colors are pale, because a mean is.
#
# ## Can the probabilities be believed?
#
# Two numbers tell. **NLL**, the negative log-likelihood, is the mean of −log of the probability that the network gave to what was
# true. With a soft code it is the cross-entropy: floor plus regret. **ECE**, the expected calibration error, asks: where
# the network says "40 %", is it right four times in ten? Collect all blocks in ten groups by what the
# network says of its top bin. The ECE is the mean difference between what it says and what is true,
# weighted by their size. A network with a small ECE is **calibrated**.


# %% tags=["nbval-ignore-output"]
def calibration_error(q, p, parts=10):
    """ECE of distributions q against the true p, both (N, h, w, 313)."""
    top = q.argmax(-1)[..., None]
    said, true = (np.take_along_axis(x, top, -1).ravel() for x in (q, p))
    group = np.minimum((parts * said).astype(int), parts - 1)
    return np.abs(np.bincount(group, said - true)).sum() / len(said)


ece = calibration_error(q_scenes, p)
print(f"your network: NLL {floor + regret:.2f} nats, floor {floor:.2f}; ECE {ece:.3f}")

# %% [markdown]
# In paintbox we judge against $E[z \mid \cdot]$. On photographs one takes the bin that came.
#
# A stored experiment trains one network with three losses: the plain one, and two that count rare colors more (next
# section). Our goal is a regret of at most 0.10 nats
# and an ECE of at most 0.03.

# %% tags=["claim"]
on_paintbox = course.result("05/paintbox")
arms = on_paintbox["arms"]
said = {name: arms[name]["said"] for name in ("plain", "rebalanced", "weight at the top bin")}
undone = {name: arms[name]["divided by w"] for name in said if name != "plain"}
scored = {"exact": on_paintbox["perfect"]} | said
scored |= {f"{name}, divided by w": row for name, row in undone.items()}
print(f"{on_paintbox['n']} scenes, {on_paintbox['n_test']} for the test, one seed")
for name, row in scored.items():
    regret_of = "regret {:.3f} [{:.3f}, {:.3f}] nats".format(*row["regret"])
    print(f"{name:35} {regret_of}   ECE {row['ece']:.3f}")
assert said["rebalanced"]["regret"][1] > said["plain"]["regret"][2] > 0.10
assert undone["rebalanced"]["regret"][0] <= 0.10 and undone["rebalanced"]["ece"] <= 0.03

# %% [markdown] deck="slide"
# ## Is "40 %" right four times in ten?

# %% [markdown] deck="notes"
# What the network says of its top bin, against what is true there. On the diagonal it is calibrated. The plain loss
# follows it, the rebalanced one does not. The weight at the top bin looks fine and has the largest regret:
# most blocks have one certain color, and there it is right. One number is never enough.

# %% deck="figure"
fig, (ax,) = plots.grid(1, 1, width=10, height=4)
ax.plot([0, 1], [0, 1], color=plots.INK, linewidth=1)
for mark, (name, row) in zip(plots.MARKERS, said.items()):
    often = [group for group in row["reliability"] if group[0] > 0.005]  # few blocks are noise
    label = f"{name}:\nregret {row['regret'][0]:.2f}, ECE {row['ece']:.2f}"
    ax.plot(*np.transpose(often)[1:], mark + "-", label=label)
ax.set(xlabel="what it says of its top bin", ylabel="what is true", aspect="equal")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(fig, "Reliability: the plain loss lies on the diagonal, the rebalanced one away.")


# %% [markdown]
# ## Rare colors
#
# In many photographs most pixels are pale. A network may have a small loss and never say red. Zhang and
# others let rare bins weigh more in the loss: mix the prior with the uniform distribution, and take the reciprocal:
#
# $$w \propto \Big((1 - \lambda)\, \text{prior} + \frac{\lambda}{Q}\Big)^{-1}, \qquad \sum_i \text{prior}_i\, w_i = 1$$
#
# λ = 1 weighs all bins alike, λ = 0 turns the prior over in full, and they take λ = ½. The condition keeps the
# mean weight at 1. `bins.rebalance(prior)` computes w.
#
# ### Exercise 3: weights in the loss (6 minutes)
#
# Every term of the sum over bins gets the weight of its bin.


# %% exercise="rebalanced_loss" minutes=6
def rebalanced_loss(logits, near, z, w):
    """The soft cross-entropy with a weight w (Q,) for each bin, inside the sum over bins."""
    ### BEGIN SOLUTION
    log_q = logits.log_softmax(dim=1).gather(1, near)
    return -(w[near] * z * log_q).sum(dim=1).mean()
    ### END SOLUTION


# %% check="rebalanced_loss" points=2
my_rebalanced = rebalanced_loss
checks.rebalanced_loss(rebalanced_loss)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `w[near]` has the shape of `near`: the weight of each of the five bins.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The weight multiplies a term of the loss. It does not belong to the logits or to the probabilities.
#
# </details>
#
# With it we train your network for scenes for one more epoch. Beside it stands a way that trains
# nothing: **add log w to the logits** of the plain network.


# %% tags=["nbval-ignore-output"]
inside = chosen(checks.rebalanced_loss, my_rebalanced, checks.rebalanced)
w_live = torch.tensor(bins.rebalance(prior), dtype=torch.float32)


def trained_on(loss):
    """What a copy of the network for scenes predicts that learned on with another loss."""
    other = deepcopy(net)
    learn(other, loss, inputs, scenes.ab, 1, 1e-3, session.seed)
    return probabilities(other, [L_test[[SCENE, 3]]])


by_loss = {"plain": q_two, "log w added": q_two * w_live.numpy()}
by_loss["trained with w"] = trained_on(lambda *x: inside(*x, w_live.to(session.device)))

# %% [markdown] deck="slide"
# ## Weights make your network vivid, trained or not

# %% [markdown] deck="notes"
# Columns: the plain network's mean, the same with log w added to its logits, the network that was trained on with weights, and
# one truth. The second column costs no training. Look at balloons, field and sails: rare colors weigh more in the mean.


# %% deck="figure"
def rows_of(q_by_name, alt):
    """Two scenes: the mean of each distribution, and one truth."""
    shown = {name: colored(q, L_two) for name, q in q_by_name.items()}
    shown["one truth"] = test.rgb[[SCENE, 3]]
    pictures = [x[i] for i in range(2) for x in shown.values()]
    plots.pictures(pictures, alt, [*shown] * 2, len(shown))


rows_of(by_loss, "Two scenes: plain, with log w added, with trained weights, and one truth.")

# %% [markdown]
# ### What weights do, exactly
#
# With the weights *inside* the sum the expected loss is $-\sum_i w_i\, p_i \log q_i$. That is a cross-entropy with
# the target $w_i p_i$. So the best answer is
#
# $$q_i \propto p_i\, w_i, \qquad \text{and hence} \qquad p_i \propto q_i / w_i .$$
#
# Adding log w to the logits of $p$ gives the same answer, and dividing by w gives the probabilities back. Zhang
# and others' code takes *one* weight for each pixel: that of the top bin of its target $Z$. Then the best answer is
# $\propto E[v(Z)\, Z]$, and no division by a number for each bin undoes it. For a painted balloon we can compute both:

# %% tags=["claim"]
w = bins.rebalance(bins.prior(paintbox.sample(300, 64, seed=1).ab[:, ::4, ::4]))  # (313,)
share, ab = paintbox.support("balloon")  # (100,), (100, 2): every color it may have
z_all = bins.dense(*bins.encode(ab)).astype(float)  # (100, 313)
exact = share @ z_all  # (313,)
best = {"inside": exact * w, "at the top": (share * w[z_all.argmax(1)]) @ z_all}
left = {}
for name, q in best.items():
    pairs = q / q.sum(), q / w / (q / w).sum()
    before, left[name] = (abs(np.sum(exact * np.log((exact + 1e-30) / (x + 1e-30)))) for x in pairs)
    print(f"weight {name:10} KL from the truth {before:.3f}, divided by w {left[name]:.3f}")
assert left["inside"] < 1e-6 < 0.01 < left["at the top"]

# %% [markdown]
# The trained networks in the list above agree. Divided by w, the network with weights inside comes back to the truth. It is the only
# stored one that reaches the goal; the plain one misses it. The network with the weight at the top bin does not come back. Your
# own network has skip connections, which that one lacks, and gets further with a plain loss.

# %% [markdown] deck="slide"
# ## Weights can be undone, if they stand inside the sum
#
# - inside the sum: best answer $q \propto p\,w$, so $p \propto q / w$, exactly
# - one weight for each pixel, at its top bin: best answer $\propto E[v(Z)\,Z]$, not to be undone
#
# | regret in nats (one seed) | as it is | divided by w |
# | --- | ---: | ---: |
# | plain | {{said["plain"]["regret"][0]:.3f}} | |
# | weights inside the sum | {{said["rebalanced"]["regret"][0]:.3f}} | **{{undone["rebalanced"]["regret"][0]:.3f}}** |
# | weight at the top bin | {{said["weight at the top bin"]["regret"][0]:.3f}} | {{undone["weight at the top bin"]["regret"][0]:.3f}} |

# %% [markdown] deck="notes"
# Exact numbers for a balloon are in the notebook. Dividing afterwards gives honest probabilities. The third row cannot be mended.
# Say openly that the plain network misses the goal of a tenth of a nat.

# %% [markdown]
# ## Temperature
#
# ### Exercise 4: the annealed mean of your own network (6 minutes)
#
# $p_i^{1/T}$, made to sum to 1, is the softmax of logits divided by T. Write the annealed mean in torch, then move the
# slider below.


# %% exercise="annealed_mean" minutes=6
def annealed_mean(logits, centers, T):
    """Logits (N, Q, h, w) and bins (Q, 2) to ab (N, 2, h, w) at the temperature T."""
    ### BEGIN SOLUTION
    p = (logits / T).softmax(dim=1)
    return torch.einsum("nqhw,qc->nchw", p, centers)
    ### END SOLUTION


# %% check="annealed_mean" points=2
my_mean = annealed_mean
checks.annealed_mean(annealed_mean)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `softmax` takes care of large logits by itself. Divide them by T before.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The mean is the sum over bins of probability times center: `torch.einsum("nqhw,qc->nchw", p, centers)`.
#
# </details>


# %% [markdown] deck="slide"
# ## From the mean to the top bin

# %% [markdown] deck="notes"
# Your own networks at five temperatures, from the mean at the left to the top bin at the right. The balloons turn from brown
# to one red. Cooling does not sample: it makes all balloons alike. Ask where in this row the truth is. (Nowhere.)

# %% deck="figure"
WARM = (1.0, 0.6, 0.38, 0.2, 0.05)
my_annealed = chosen(checks.annealed_mean, my_mean, checks.mean_of)
centers, MANGOES = torch.from_numpy(CENTERS), places[3]
asked = {"scene": (logits_of(net, [L_test[[SCENE]]]), test.L[SCENE])}
asked["photograph"] = logits_of(photo_net, [x[[MANGOES]] for x in maps_test]), L_photos[MANGOES]


def at_temperature(name, T):
    """A picture (H, W, 3) of your own network's answer at a temperature."""
    logits, L = asked[name]
    return color.with_ab(L, enlarge(my_annealed(logits, centers, T), 4)[0].movedim(0, -1).numpy())


ALT = "A scene and a photograph at five temperatures, from a dull mean to one vivid color for all."
shown = [at_temperature(name, T) for name in asked for T in WARM]
plots.pictures(shown, ALT, [f"T = {T:g}" for T in WARM] * 2, columns=5)


# %%
def temperature_png(T):
    pictures = [at_temperature(name, T) for name in asked]
    return plots.png(plots.album(pictures, [f"{name}, T = {T:g}" for name in asked], width=6))


_ = widgets.frames("T", (1.0, 0.8, *WARM[1:]), temperature_png, "A slider lowers the temperature.")

# %% [markdown]
# ## Sampling
#
# A distribution can also be **sampled**: choose bin $i$ with probability $p_i$. The **Gumbel-max** trick does it: give each
# bin a random number $g_i = -\log(-\log u)$, with $u$ uniform in 0…1, and choose the bin with the largest $\log p_i + g_i$. If each block
# has numbers of its own, the picture becomes confetti. So all blocks of a picture share them. Then each
# block alone is a right sample, and blocks that predict the same get the same color.
#
# Adding $g$ to the logits and taking an *annealed mean* is a sample for T → 0 only. At T = 0.2 it may mix two
# colors into one that no balloon has:


# %%
def gumbel(seed):
    """Gumbel's random numbers, one for every bin."""
    return -np.log(-np.log(np.random.default_rng(seed).uniform(1e-9, 1, 313)))


def sampled(p, g):
    """A color (…, 2) for distributions p (…, 313): the bin with the largest log p + g."""
    return CENTERS[(np.log(np.maximum(p, 1e-30)) + g).argmax(-1)]


# %% tags=["claim"]
palette = np.array(paintbox.palette("balloon"))
true_share, colors = palette[:, 0], palette[:, 1:]  # (4,), (4, 2)
luck = [gumbel(seed) for seed in range(2000)]
ways = {"T → 0": [sampled(exact, g) for g in luck]}
ways["T = 0.2"] = [bins.decode(exact * np.exp(g), T=0.2) for g in luck]
away = {k: np.linalg.norm(np.array(ab)[:, None] - colors, axis=-1) for k, ab in ways.items()}
found = np.bincount(away["T → 0"].argmin(1), minlength=4) / len(luck)
print("probabilities", true_share, "in 2,000 samples", found.round(2))
for name, distance in away.items():
    print(f"{name:8} at most {distance.min(1).max():.0f} ab units from the nearest balloon color")
assert np.abs(found - true_share).max() < 0.04
assert away["T → 0"].min(1).max() < 15 < 25 < away["T = 0.2"].min(1).max()

# %% [markdown]
# ## Where is the network unsure?
#
# The **entropy** of the distribution is a map: low where one color is probable, high where many are. Beside the picture it tells a
# restorer where to look twice.

# %% [markdown] deck="slide"
# ## Where your networks are unsure, and three samples

# %% [markdown] deck="notes"
# Second column: entropy in nats, bright where unsure. In the scene it is bright on balloons, roofs and edges, and there the samples
# differ. For the photograph it is worth as much as the distribution behind it, and this network saw 79 photographs.

# %% deck="figure"
shown, titles = [], []
for q, L in ((q_two[:1], L_two[:1]), (q_photos[[MANGOES]], L_photos[[MANGOES]])):
    doubt = full_size(doubt_of(q)[..., None])[0, ..., 0]
    samples = [color.with_ab(L, full_size(sampled(q, gumbel(seed)))) for seed in (1, 2, 5)]
    shown += [L[0, ..., 0] / 100, (doubt - doubt.min()) / np.ptp(doubt), *(x[0] for x in samples)]
    titles += ["L", f"{doubt.min():.1f} to {doubt.max():.1f} nats", *["a sample"] * 3]
ALT = "A scene and a photograph, their entropy maps, and three samples that differ where bright."
plots.pictures(shown, ALT, titles, columns=5)

# %% [markdown]
# ## The price of vividness
#
# What does a vivid picture cost? In paintbox we can compute it without a network. We look where the color is
# uncertain, and measure three things: how colorful the answer is (chroma), its expected squared error, and how far it is from the
# nearest color that such a thing can have. One curve needs no distribution: the **mean times k**.

# %% [markdown] deck="slide"
# ## The price of vividness, exactly
#
# The mean × k is the cheapest way to more chroma, and leads to nobody's color. Cooling costs more
# and leads to a possible one.

# %% [markdown] deck="notes"
# To the right: more colorful. Left panel: expected squared error. Every curve begins with the mean, at its left end. Right panel: distance
# to the nearest possible color. The mean times k is the cheapest way to more chroma, and leads to nobody's color. Cooling costs more and
# leads to a possible color, the same for all balloons. The star is a sample of the truth: possible, at twice the variance.

# %% tags=["claim"]
cooled, stretched = on_paintbox["native prices"], on_paintbox["stretched mean"]
prices = {"exact, T = 1 … 0.05": cooled, "learned, plain": arms["plain"]["prices"]}
prices |= {"learned with w": arms["rebalanced"]["prices"], "exact mean × 1 … 2": stretched}
prices["another truth"] = [on_paintbox["truth"]]
for name, row in {"mean": cooled[0], "T = 0.05": cooled[-1], "mean × 2": stretched[-1]}.items():
    print("{:9} chroma {:.0f}, error {:.0f}, {:.0f} from a possible color".format(name, *row))
assert stretched[-1][1] < cooled[-1][1] and cooled[-1][2] < stretched[-1][2] / 2

# %% deck="figure"
fig, axes = plots.grid(1, 2, width=12, height=4, sharex=True)
for column, ax in enumerate(axes, 1):
    for mark, (name, curve) in zip(("o-", "s-", "^--", "D:", "*"), prices.items()):
        ax.plot(*np.transpose(curve)[[0, column]], mark, label=name)
axes[0].set(xlabel="chroma where it is uncertain", ylabel="expected squared error")
axes[1].set(xlabel="chroma where it is uncertain", ylabel="distance to a possible color")
axes[1].legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=11)
ALT = "Error rises with chroma, least for the mean times k; only cooling nears possible colors."
plots.show(fig, ALT)

# %% [markdown]
# So colorfulness alone is a poor goal: a factor reaches it for less. What a distribution buys is a color
# *that such a thing can have*.
#
# ## The shipped colorizer: three choices
#
# S2 of this course goes on from lesson 04's colorizer: its encoder stays, its decoder learned on
# with the plain soft cross-entropy. `colorize(rgb, T=0.38, rebalance=1)` sets the temperature, and how much of log w is added to the
# logits, 0 to 1.

# %%
shipped = course.result("05/checkpoint")
s2 = Colorizer.load("05_quantized_classification")
CHOICES = {"mean": {"T": 1.0}, "annealed": {"T": 0.38}}
CHOICES["rebalanced"] = {"T": 0.38, "rebalance": 1.0}  # weights first, then the temperature


def gallery(names, alt):
    """Album photographs: gray, three choices from one distribution, and the truth."""
    rgb = [test_album[name].rgb for name in names]
    table = {"gray": [metrics.paint_gray(x) for x in rgb]}
    table |= {name: [s2.colorize(x, **how) for x in rgb] for name, how in CHOICES.items()}
    table["truth"] = rgb
    shown = [picture for row in zip(*table.values()) for picture in row]
    plots.pictures(shown, alt, [*table] * len(names), len(table))
    print("\n".join(test_album[name].credit for name in names))


# %% [markdown] deck="slide"
# ## Three choices from one distribution

# %% [markdown] deck="notes"
# One file, one distribution for each photograph, three rules. The mean is pale. The annealed mean prefers what is frequent, and that is often
# grayer. Rebalanced and then annealed, as Zhang and others do, is the most colorful: boats, mangoes and gourds have a color. Look at the wall behind the mangoes, too.

# %% deck="figure"
ALT = "Three photographs: gray, mean, annealed, rebalanced, truth; the rebalanced is most colorful."
gallery(["maya_beach", "mangoes", "gourds"], ALT)

# %% [markdown] deck="slide"
# ## Where vivid is wrong

# %% [markdown] deck="notes"
# Yellow flowers for pink ones, a yellow street under blue and red umbrellas, and a penguin without its orange. Where the network does not know, weights choose a rare color, and
# a bold mistake may be worse than a pale one. Say that colors are invented before you show such a picture of a person.

# %% deck="figure"
ALT = "Flowers, umbrellas, a penguin: gray, three choices, truth; vivid ones are boldly wrong."
gallery(["common_lantanas", "umbrellas", "king_penguin"], ALT)

# %% [markdown]
# What does it cost? We judge the choices on 600 diverse photographs. A fair table has two rows that need no
# training. One is the **mean times k**: the colors of S4 (lesson 04), which predicts the mean, times a factor k
# that gives it the PSNR of "rebalanced by half". The other is **log w added to the logits** of the plain network: *rebalanced* is that.

# %% tags=["claim"]
choices = shipped["choices"]
vivid = {name: np.array(row["colorfulness"]) for name, row in choices.items()}
gap = {name: np.abs(x - vivid["truth"]) for name, x in vivid.items()}
told = {}
for name in [name for name in choices if name != "truth"]:
    gain = np.mean(choices[name]["psnr"]) - np.mean(choices["gray"]["psnr"])
    told[name] = f"{gain:+.2f} | {vivid[name].mean():.1f} | {gap[name].mean():.1f}"
    print(f"{name:28} {told[name]}")
nearer = metrics.bootstrap(gap["S4 × k"] - gap["S2, rebalanced by half"])
print("rebalanced by half is nearer than S4 × k by {:.1f} [{:.1f}, {:.1f}]".format(*nearer))
assert nearer[1] > 0 and gap["S2, rebalanced"].mean() <= 15

# %% [markdown] deck="slide"
# ## What vividness costs on photographs
#
# | {{len(gap["gray"])}} photographs | PSNR over gray | colorful | off by |
# | --- | ---: | ---: | ---: |
# | S2, mean | {{told["S2, mean"]}} |
# | S2, annealed | {{told["S2, annealed"]}} |
# | S2, rebalanced by half | {{told["S2, rebalanced by half"]}} |
# | S2, rebalanced | {{told["S2, rebalanced"]}} |
# | rebalanced, annealed | {{told["S2, rebalanced and annealed"]}} |
# | S4 | {{told["S4"]}} |
# | S4 × {{choices["S4 × k"]["k"]:.2f}} | {{told["S4 × k"]}} |
# | truth | | {{vivid["truth"].mean():.1f}} | |

# %% [markdown] deck="notes"
# Decibels over gray, colorfulness, and its mean distance from the truth's. The row of S4 × k needs no training; most papers lack it. Ask what one has to show before "more vivid" counts as a result.

# %% [markdown]
# Cooling the plain network makes it *paler*: in photographs the most probable bin is often nearly gray. Weights make it vivid, for
# a decibel. At equal PSNR, *rebalanced by half* is nearer to the true colorfulness than S4 × k, though not by much.

# %% [markdown] tags=["optional"]
# ## A claim of the report (optional)
#
# The report sets T = 0.38 "for color rebalancing". A balloon has four colors of the probabilities .37, .29, .28 and .06. What becomes of
# the rare purple?

# %% tags=["claim"]
mine = np.square(CENTERS[:, None] - colors).sum(-1).argmin(1)  # the nearest balloon color
ways = {"as it is": exact, "T = 0.38": exact ** (1 / 0.38), "weights": best["inside"]}
rare = {name: np.bincount(mine, q, 4)[3] / q.sum() for name, q in ways.items()}
table = {row["name"]: row["colorfulness"][0] for row in course.result("05/photographs")["table"]}
steps = [f"{x} {table[f'{x}, T = 1']:.1f} to {table[x]:.1f}" for x in ("plain", "rebalanced")]
course.claim(
    "a temperature of 0.38 is set for color rebalancing (Liu)",
    "the rarest color of a balloon, exactly; colorfulness of two networks on photographs",
    ", ".join([*(f"{name} {value:.3f}" for name, value in rare.items()), *steps]),
    "in part: cooling favors what is frequent; after weights, as in Liu's network, that is vivid",
)
assert rare["T = 0.38"] < rare["as it is"] / 5 and rare["weights"] > 2 * rare["as it is"]
assert table["plain"] < table["plain, T = 1"] and table["rebalanced, T = 1"] < table["rebalanced"]

# %% [markdown]
# After weights, cooling leads to a vivid color. The report's network has weights, so its sentence describes what one sees; the
# weights are the cause.
#
# %% [markdown] deck="slide"
# ## A claim of the report
#
# "For color rebalancing, … the temperature is set to 0.38."
#
# | | T = 1 | as it is set |
# | --- | ---: | ---: |
# | the rarest color of a balloon | {{rare["as it is"]:.3f}} | {{rare["T = 0.38"]:.3f}} |
# | the same with weights instead | | {{rare["weights"]:.3f}} |
# | colorfulness, plain network | {{table["plain, T = 1"]:.1f}} | {{table["plain"]:.1f}} |
# | colorfulness, rebalanced network | {{table["rebalanced, T = 1"]:.1f}} | {{table["rebalanced"]:.1f}} |
#
# In part: weights choose where the top is, temperature how far to go there.

# %% [markdown] deck="notes"
# p to the power 2.6 favors what is frequent, and in photographs that is nearly gray. Liu's network has weights in its loss, so there cooling
# makes it more colorful. Photographs: 476 of Intel, one seed.

# %% [markdown] tags=["optional"]
# ## Leave gray out? (optional)
#
# ### Exercise 5: a mask for gray pixels (6 minutes)
#
# Zhang and others' code leaves gray pictures out of the loss. One can go further and leave out
# every gray *block*. A code tells its color: the mean of its bins' centers. Count only blocks whose color has a chroma (distance from gray) of
# `least` or more.


# %% exercise="colorful_only" minutes=6
def colorful_only(logits, near, z, centers, least):
    """The mean soft cross-entropy of blocks with a chroma of `least` or more; 0 without any."""
    ### BEGIN SOLUTION
    log_q = logits.log_softmax(dim=1).gather(1, near)
    loss = -(z * log_q).sum(dim=1)  # (N, h, w)
    ab = (z[..., None] * centers[near]).sum(dim=1)  # (N, h, w, 2)
    counts = ab.norm(dim=-1) >= least
    return (loss * counts).sum() / counts.sum().clamp(min=1)
    ### END SOLUTION


# %% check="colorful_only" points=2
my_colorful = colorful_only
checks.colorful_only(colorful_only)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `centers[near]` has the shape (N, k, h, w, 2). Weigh it by z and sum over the k bins: that is ab, and its norm is the chroma.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Multiply the loss of each block by whether it counts, and divide the sum by how many count. `clamp(min=1)` keeps the
# division from 0 / 0.
#
# </details>


# %% [markdown] deck="slide"
# ## Your mask: gray blocks do not count in the loss
#
# The second network no longer hears of gray. It answers which color, if any: look at clouds, walls
# and sails.

# %% [markdown] deck="notes"
# Columns: plain, trained on without gray blocks, one truth. The second network no longer hears of gray. It answers which color, if any:
# look at clouds, walls and sails. Its probabilities are no longer those of the scenes, and no division mends that.

# %% deck="figure" tags=["nbval-ignore-output"]
masked = chosen(checks.colorful_only, my_colorful, checks.of_colorful)
there = centers.to(session.device)
by_loss["no gray blocks"] = trained_on(lambda *block: masked(*block, there, 15))
two = {name: by_loss[name] for name in ("plain", "no gray blocks")}
rows_of(two, "Two scenes: plain, and with gray blocks left out of the loss, and one truth.")
# %% [markdown]
# ## The shipped colorizer on four test sets

# %% tags=["claim"]
sets = shipped["sets"]
s2_gain = {name: found["gain"]["S2"] for name, found in sets.items()}
for name, (mean, low, high) in s2_gain.items():
    print(f"{name:14} {sets[name]['n_test']} photographs {mean:+.2f} dB [{low:+.2f}, {high:+.2f}]")
assert s2_gain["diverse"][1] > 0 and s2_gain["Intel"][1] > 0

# %% [markdown] deck="slide"
# ## The shipped colorizer on four test sets
#
# | test set | N | S2 minus gray, dB |
# | --- | ---: | ---: |
# | diverse | {{sets["diverse"]["n_test"]}} | {{"%+.2f [%+.2f, %+.2f]" % tuple(s2_gain["diverse"])}} |
# | Intel | {{sets["Intel"]["n_test"]}} | {{"%+.2f [%+.2f, %+.2f]" % tuple(s2_gain["Intel"])}} |
# | album | {{sets["album"]["n_test"]}} | {{"%+.2f [%+.2f, %+.2f]" % tuple(s2_gain["album"])}} |
# | other cameras | {{sets["other cameras"]["n_test"]}} | {{"%+.2f [%+.2f, %+.2f]" % tuple(s2_gain["other cameras"])}} |
#
# The mean ($T = 1$), PSNR, 95 % intervals. {{shipped["n"]:,}} training photographs, one seed. Its probabilities on the diverse
# set: ECE {{shipped["calibration"]["ece"]:.3f}}, NLL {{shipped["calibration"]["nll"]:.2f}} nats, against the bin of each block's mean color.

# %% [markdown] deck="notes"
# The same sets as in lesson 04. The mean of a distribution is what the squared error asks for, so its PSNR is near that of S4. Other cameras
# are photographs of no training set.

# %% [markdown]
# **More than one GPU.** With two GPUs the training of S2 runs as two processes. Each has half of every batch, and
# their gradients are averaged: `torchrun --nproc-per-node 2 -m experiments 05/training`. In a notebook,
# `accelerate.notebook_launcher(function, num_processes=2)` starts such processes.
#
# ## Quiz
#
# **1. Somebody reports an unweighted soft cross-entropy of 0.7 nats with k = 5, on colorful photographs. What do you think?**
#
# <details><summary>A. A very good network.</summary>
#
# The soft code has an entropy of more than a nat, and no prediction gets below it.
#
# </details>
# <details><summary>B. There is a bug, or the loss is weighted.</summary>
#
# Right. Look for weights, for a sum over the wrong axis, or for targets that are single bins.
#
# </details>
# <details><summary>C. It has overfitted.</summary>
#
# Even a network that knows every training pixel by heart pays the entropy of the target.
#
# </details>
#
# **2. A network was trained with weights inside the sum. You want true probabilities. What do you do?**
#
# <details><summary>A. Divide its probabilities by w, and make them sum to 1.</summary>
#
# Right: its best answer is proportional to p times w.
#
# </details>
# <details><summary>B. Lower the temperature.</summary>
#
# That makes the frequent more frequent. It does not undo weights.
#
# </details>
# <details><summary>C. Nothing can be done: train again.</summary>
#
# That holds for the weight of a target's top bin, not for this one.
#
# </details>
#
# **3. What does T = 0.38 do to a color with a probability of .06 beside one with .37?**
#
# <details><summary>A. It makes it more frequent, so that rare colors are seen.</summary>
#
# A power above 1 widens ratios: 6 to 1 becomes about 120 to 1.
#
# </details>
# <details><summary>B. It makes it rarer.</summary>
#
# Right. The result is often more colorful because it is less of a mixture, not because rare colors gain.
#
# </details>
#
# **4. A method is more colorful than the plain mean and 0.5 dB worse. What should stand beside it in the table?**
#
# <details><summary>A. The mean times a factor, with the same PSNR.</summary>
#
# Right. If the factor is as colorful, the method has not shown anything yet.
#
# </details>
# <details><summary>B. Nothing: the trade is clear.</summary>
#
# A factor makes the same trade without any training, so the comparison is missing.
#
# </details>

# %% [markdown]
# ## What broke, and which lesson repairs it
#
# - **Every block chooses alone.** A distribution for each block does not say which blocks belong together. Lesson 06 lets a
#   discriminator look at whole patches.
# - **Vivid or right?** Which number should decide? Lessons 07 and 08.
# - **Small things** are lost at a quarter of the size. In lesson 11 each color asks for its places (color queries).
#
# ## Further reading
#
# - Zhang, Isola and Efros, *Colorful image colorization*, ECCV 2016: bins, soft code, weights, annealed mean.
# - Guo and others, *On calibration of modern neural networks*, ICML 2017: ECE and temperature.
# - Gumbel, *Statistical theory of extreme values and some practical applications*, 1954; Maddison, Tarlow and Minka, *A\* sampling*,
#   NeurIPS 2014: the Gumbel-max trick.
# - Lin and others, *Focal loss for dense object detection*, ICCV 2017: a head that begins with the prior.
# - The report: Yanbaihui Liu, *Grayscale image colorization*, EECS 605 project.

# %% [markdown] deck="slide"
# ## What broke, and who repairs it
#
# | what | where |
# | --- | --- |
# | every block chooses alone | lesson 06 |
# | vivid or right: which number decides? | lessons 07 and 08 |
# | small things at a quarter of the size | lesson 11 |
#
# **A distribution** leaves the choice to us. It does not make the choice.

# %% [markdown] deck="notes"
# End with the vote once more. The network no longer answers "brown"; it gives the list that the
# room voted on. Who chooses from the list, and how, is a question about people as much as about networks.
