# ---
# jupyter:
#   course:
#     title: Frontier
#     question: Where did the field go?
#     objectives:
#       - train a network that takes a user's hints, and hold it against the exact best answer
#       - write cross-attention between color queries and a picture, and look at its maps
#       - find out whether a network uses a part of it, by taking that part away
#       - train by flow matching, and draw several colorings of a scene and of a photograph
#       - place a new paper on the map of the field
#     prerequisites: lesson 02 (the conditional mean, regret), lesson 05 (distributions over colors), PyTorch.
#     running: 9
#     data: painted scenes, made here, and the course's album of photographs, each under its own
#       licence (CREDITS.md in the album).
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
# **For the instructor.** Three answers to the question that lesson 02 left: a gray picture has many colorings. Ask
# the user (hints), ask the picture (queries and attention), or take one of many (flow matching). In each section
# ask first what the best answer would be, then look at the network. The widget with the balloon wakes every
# room. The audit of the queries surprises: let the room bet whether zeroed queries change the picture. When
# time is short, leave out the section on queries.

# %% tags=["export"]
from functools import partial

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from torch import nn
from torch.nn import functional as F

from course_utils import bins, color, paintbox, progress
from course_utils.colorizer.model import resize

DRAWN = [n + 32 * copy for copy in (0, 1)
         for n in map(paintbox.NAMES.index, ("balloon", "field", "roof", "sail"))]  # fmt: skip

# %%
from course_utils import colorizer, course, files, photos, plots, widgets
from course_utils.checks import chosen
from course_utils.checks import lesson_11 as checks
from course_utils.colorizer import graph

# %% [markdown]
# ## What is left
#
# A gray picture has many colorings, and a network that gives one must choose. The five systems of this course
# choose by the mean, by the most probable color, or by what a discriminator accepts. Where did research go from
# there? Three ideas, each in a network that you train in three minutes:
#
# 1. **Hints.** The user says which color is meant.
# 2. **Color queries.** Each color looks for its places in the picture, by attention.
# 3. **Flow matching.** Noise becomes one coloring of many.
#
# In paintbox each idea has an exact yardstick: we know what the best answer would be. First the **U-Net** that all
# three use. It begins with blocks of 2 × 2 pixels, which saves most of the time, and it is normalized within each
# picture.

# %% [markdown] deck="slide"
# ## One gray picture, many colorings
#
# Who chooses?
#
# 1. **hints**: the user
# 2. **color queries**: each color looks for its places
# 3. **flow matching**: chance, by the right odds
#
# Each is a small network, trained here in three minutes, and each has an exact yardstick.

# %% [markdown] deck="notes"
# Ask who chose in the lessons before: the mean (02 to 04), the rule that reads a distribution (05), the
# discriminator (06). Nobody asked the user.


# %% tags=["export"]
def conv(channels, filters):
    """A 3 x 3 convolution, normalized within a picture, and SiLU."""
    layer = nn.Conv2d(channels, filters, 3, padding=1)
    return nn.Sequential(layer, nn.GroupNorm(8, filters), nn.SiLU())


class Down(nn.Module):
    """Maps (N, inputs, h, w) to a list of maps, the finest first; each is half as large."""

    def __init__(self, inputs, widths):
        super().__init__()
        pairs = zip((inputs, *widths), widths)
        self.levels = nn.ModuleList(nn.Sequential(conv(a, b), conv(b, b)) for a, b in pairs)

    def forward(self, x):
        maps = []
        for level in self.levels:
            maps.append(level(F.avg_pool2d(maps[-1], 2) if maps else x))
        return maps


# %% tags=["export"]
class Up(nn.Module):
    """Such a list to maps (N, widths[0], h, w), by skip connections."""

    def __init__(self, *widths):
        super().__init__()
        self.everywhere = nn.Linear(widths[-1], widths[-1])  # what the whole picture is about
        narrow = map(partial(nn.Conv2d, kernel_size=1), widths[:0:-1], widths[-2::-1])
        self.narrow = nn.ModuleList(narrow)
        self.levels = nn.ModuleList(nn.Sequential(conv(b, b), conv(b, b)) for b in widths[-2::-1])

    def forward(self, maps):
        x = maps[-1] + self.everywhere(maps[-1].mean((2, 3)))[..., None, None]
        for narrow, level, skip in zip(self.narrow, self.levels, maps[-2::-1]):
            x = F.interpolate(narrow(x), scale_factor=2) + skip
            x = x + level(x)
        return x


# %% tags=["export"]
class UNet(nn.Module):
    """Maps (N, inputs, H, W) to (N, outputs, H, W); H and W divide by 8."""

    def __init__(self, inputs, outputs, widths=(64, 96, 128), thin=16):
        super().__init__()
        self.first = conv(inputs, thin)  # few channels at the full size
        back = nn.Conv2d(widths[0], 4 * thin, 1)
        self.middle = nn.Sequential(Down(4 * thin, widths), Up(*widths), back)
        self.last = nn.Sequential(conv(2 * thin, thin), nn.Conv2d(thin, outputs, 1))

    def forward(self, x):
        fine = self.first(x)
        wide = F.pixel_shuffle(self.middle(F.pixel_unshuffle(fine, 2)), 2)
        return self.last(torch.cat([wide, fine], 1))


# %% [markdown]
# L is one number, and small differences of it matter. We give the network eight **gray levels** instead, each near 1
# where L is near it, and the pixel's place.


# %% tags=["export"]
def to_maps(x):
    """An array (N, H, W, C) as a tensor (N, C, H, W)."""
    return torch.from_numpy(np.moveaxis(x, -1, 1).copy())


def look(L):
    """L (N, 1, H, W) in 0..100 as 10 channels that are easy to read: 8 gray levels, y and x."""
    levels = 100 * torch.arange(1, 9).view(-1, 1, 1) / 9
    gray = 2 * torch.exp(-(((L - levels) / 15) ** 2)) - 1  # near 1 where L is near the level
    sides = (torch.linspace(-1, 1, side) for side in L.shape[2:])
    place = torch.stack(torch.meshgrid(*sides, indexing="ij"))
    return torch.cat([gray, place.expand(len(L), -1, -1, -1)], 1)


# %% [markdown]
# One loop trains every network of this lesson.


# %% tags=["export"]
def learn(net, loss, arrays, steps, batch=16, rate=3e-3, seed=0):
    """Minimize loss(net, *rows of the arrays, generator); the mean loss of each 20th part of it."""
    generator = torch.Generator().manual_seed(seed)
    adam = torch.optim.AdamW(net.parameters(), rate, weight_decay=0.01)
    cycle = torch.optim.lr_scheduler.OneCycleLR(adam, rate, steps)
    losses = []
    for _ in progress.bar(range(steps), "steps"):
        rows = torch.randint(len(arrays[0]), (batch,), generator=generator)
        value = loss(net, *(x[rows] for x in arrays), generator)
        adam.zero_grad()
        value.backward()
        adam.step()
        cycle.step()
        losses.append(value.item())
    return [float(np.mean(part)) for part in np.array_split(losses, min(20, steps))]


# %% [markdown]
# ## User hints: ask the one who knows
#
# No network can know whether a balloon was red or green. A user may know. Zhang et al. (2017) let the user click:
# a **hint** is a pixel and its color. The network gets it in extra input channels: a, b, and a **mask** that says
# where something was told. In training nobody clicks. Hints are simulated: some pixels of a photograph tell
# their true color.
#
# In paintbox the best answer to hints is exact. A hint says which color its object drew, and nothing about
# any other object. `Scenes.hinted_ab` gives this answer.

# %% [markdown] deck="slide"
# ## User hints
#
# - a **hint**: one pixel and its color, clicked by a user
# - the network sees L, the told a and b, and where they were told
# - in training, hints are simulated from the truth
# - paintbox knows the **best answer** to hints

# %% [markdown] deck="notes"
# Zhang et al. 2017. Ask what a perfect network does with a hint on the left balloon: it colors the left balloon, to
# its border, and leaves the right one as it is.

# %% [markdown]
# ### Where do hints help?
#
# Hints at places that are spread evenly mostly fall on sky and meadow, whose colors are known anyway. From them,
# a network hardly learns to listen. So we hint **by object**. Each object that drew its color gets
# a hint with a probability that is new for each scene: sometimes none is hinted, sometimes all are.


# %% tags=["export"]
def by_object(parts, share, place, seed=0):
    """Which pixels are told, (N, H, W): place(scene, chosen objects, luck) says it of each."""
    rng, told = np.random.default_rng(seed), []
    for scene, probability in zip(parts, np.broadcast_to(share, len(parts))):
        objects = np.intersect1d(scene, DRAWN)
        chosen = objects[rng.random(len(objects)) < probability]
        told.append(place(scene, chosen, rng.random(scene.shape)))
    return np.stack(told)


# %%
judged = paintbox.sample({"ci": 12}.get(session.profile, 200), 32, seed=2)  # nobody trains on these
evenly = 100 * np.isin(judged.parts, DRAWN).mean()
print(f"evenly spread, {evenly:.0f} of 100 hints fall on an object whose color is drawn")

# %% [markdown] deck="slide"
# ## Hints by object
#
# - spread evenly, {{evenly:.0f}} of 100 hints fall on balloons, fields, roofs and sails
# - the others tell what is known anyway
# - so: **one pixel of each chosen object**

# %% [markdown] deck="notes"
# Training that never shows a use of hints gives a network that ignores them. Zhang et al. spread hints over
# photographs by chance; there, color is uncertain in more places than here.

# %% [markdown]
# ### Exercise: a user is simulated (6 minutes)
#
# `parts` (H, W) holds the number of the object at each pixel. `chosen` lists the objects that get a hint; some may
# be missing in the picture. `luck` (H, W) holds random numbers from 0 to 1. In each chosen object that is there,
# tell the pixel with the largest luck.


# %% exercise="hint_places" minutes=6
def hint_places(parts, chosen, luck):
    """Which pixels are told, (H, W) booleans: one in each chosen object."""
    ### BEGIN SOLUTION
    told = np.zeros(parts.shape, bool)
    for part in np.intersect1d(parts, chosen):
        told.flat[np.where(parts == part, luck, -1).argmax()] = True
    return told
    ### END SOLUTION


# %% check="hint_places" points=2
my_places = hint_places
checks.hint_places(hint_places)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `np.where(parts == part, luck, -1)` hides all other objects. `argmax` gives a place in the flat array, and
# `told.flat[place] = True` marks it.
#
# </details>
#
# ### Hint channels
#
# A single pixel is a small signal: many convolutions have to carry it to the border of its object. We help. Each
# pixel sees the color of its **nearest hint**, and how near that is. What is left to learn is where a hint ends.
# So the network gives its own color and a **gate**, for each pixel:
#
# $$ab = (1 - g) \cdot \text{own} + g \cdot \text{told}, \qquad 0 < g < 1.$$


# %% tags=["export"]
def nearest(ab, told):
    """Hint channels (N, 3, H, W): ab of the nearest pixel that is told, and how near it is."""
    hints = torch.zeros(len(ab), 3, *ab.shape[2:])
    for channels, colors, here in zip(hints, ab, told):
        if here.any():
            far, (y, x) = distance_transform_edt(~here, return_indices=True)
            channels[:2] = colors[:, y, x]
            channels[2] = torch.from_numpy(np.exp(-8 * far / len(far)))
    return hints


# %% tags=["export"]
class Listener(nn.Module):
    """From L (N, 1, H, W) and hint channels to ab: the told color where a gate is open."""

    def __init__(self):
        super().__init__()
        self.net = UNet(13, 3)

    def forward(self, L, hints):
        scaled = torch.cat([hints[:, :2] / 40, hints[:, 2:]], 1)
        own, gate = self.net(torch.cat([look(L), scaled], 1)).float().split([2, 1], 1)
        gate = torch.sigmoid(4 * gate - 2)  # nearly closed before training
        return (1 - gate) * 40 * own + gate * hints[:, :2]


# %% tags=["export"]
def hint_loss(net, L, ab, parts, generator, place):
    """The squared error, with hints for none, some or all objects of each scene."""
    seed = torch.randint(2**31, (1,), generator=generator).item()
    share = np.random.default_rng(seed).random(len(parts))
    told = by_object(parts.numpy(), share, place, seed)
    return F.mse_loss(net(L, nearest(ab, told)), ab)


# %% tags=["export"]
def answered(net, L, ab, told):
    """The network's ab (N, H, W, 2); L and ab have channels last, told is (N, H, W)."""
    with torch.inference_mode():
        return net(to_maps(L), nearest(to_maps(ab), told)).movedim(1, -1).numpy()


def hint_scores(net, scenes, told):
    """{"regret"}, and mean distances to the truth in hinted objects: {"error", "exact"}."""
    hat, best = answered(net, scenes.L, scenes.ab, told), scenes.hinted_ab(told)
    inside = np.stack([np.isin(part, part[here]) for part, here in zip(scenes.parts, told)])
    off, least = (np.linalg.norm(x - scenes.ab, axis=-1) for x in (hat, best))
    scores = {"regret": (hat - best) ** 2, "error": off[inside], "exact": least[inside]}
    return {name: float(x.mean()) for name, x in scores.items() if x.size}


# %% [markdown] deck="slide"
# ## Where does a hint end?
#
# - each pixel sees L, the color of its **nearest hint**, and how near it is
# - the network gives its own color and a **gate**
#
# $$ab = (1 - g) \cdot \text{own} + g \cdot \text{told}$$

# %% [markdown] deck="notes"
# The color of a hint is copied and not calculated, so it arrives unchanged. The network decides where. Zhang et
# al. give the clicked pixels alone, and train on a million photographs.

# %% tags=["nbval-ignore-output"]
SCENES, STEPS = {"ci": (16, 20), "cpu": (8000, 1200), "gpu": (16000, 4000)}[session.profile]
painted = paintbox.sample(SCENES, 32, session.seed)
arrays = [to_maps(painted.L), to_maps(painted.ab), torch.from_numpy(painted.parts)]
user = chosen(checks.hint_places, my_places, checks.luckiest)
torch.manual_seed(session.seed)
listener = Listener()
losses = learn(listener, partial(hint_loss, place=user), arrays, STEPS, seed=session.seed)
print(f"loss {losses[0]:.0f} at first, {losses[-1]:.0f} at last")

# %% [markdown]
# Your reward: the network has learned from your simulated user, if the check accepts it. (After a change of your code, run
# this training again.) The loss stays far above 0, because nobody can know the color of an object that is not hinted.
#
# ### It spreads, and it stops


# %%
def first(count):
    """Which pixels of the test scenes are told: one in each of the first `count` objects."""
    return by_object(judged.parts, 1, lambda s, objects, u: checks.luckiest(s, objects[:count], u))


BALLOON = paintbox.NAMES.index("balloon")
two = np.array([np.isin([BALLOON, BALLOON + 32], parts).all() for parts in judged.parts])
SHOWN = int((judged.variance().mean((1, 2)) * (two & ~judged.mirrored)).argmax())  # much in doubt

# %% [markdown] deck="slide"
# ## It spreads to the border, and stops
#
# A hint is one pixel. It colors its object, and no other.

# %% [markdown] deck="notes"
# The first hint lies on a balloon: one pixel colors it to its border. The other balloon keeps its brown, until it gets a
# hint itself. The second hint lies on the field.

# %% deck="figure"
light, true = judged.L[SHOWN], judged.ab[SHOWN]
given = np.stack([first(k)[SHOWN] for k in (0, 1, 2, 9)])  # (4, 32, 32)
shown = answered(listener, *(np.stack(4 * [x]) for x in (light, true)), given)
seen = [color.with_ab(light, ab).clip(0, 1) for ab in (0 * true, *shown, true)]
titles = ["gray", "no hint", "one hint", "two hints", "all hints", "truth"]
plots.pictures(seen, "no hint, one, two, all: each colors its object to the border", titles)

# %% tags=["nbval-ignore-output"]
NOISE = float(np.mean(np.hypot(*paintbox.AB_NOISE.T) ** 2) ** 0.5)  # of a pixel, 2.2 units of ab
counts = {"no hint": 0, "one hint": 1, "all hints": 9}
found = {name: hint_scores(listener, judged, first(k)) for name, k in counts.items()}
for name, scores in found.items():
    print(f"{name:9}", *(f"  {key} {value:4.1f}" for key, value in scores.items()))
assert session.profile == "ci" or found["all hints"]["error"] <= 3 * NOISE

# %% [markdown]
# **Regret** is the mean squared error against the best answer to the same hints. In hinted objects even the best answer
# has an error ("exact"), the noise of each pixel. A copied hint carries noise of its own.
#
# ### A user who is wrong
#
# What if somebody tells a color that nobody has there?


# %% tags=["export"]
def repainted(net, L, hints):
    """A picture (H, W, 3) after hints (y, x, (a, b)), y and x in 0..1; L is (H, W, 1)."""
    ab, told = np.zeros((*L.shape[:2], 2), np.float32), np.zeros(L.shape[:2], bool)
    for y, x, wish in hints:
        place = int(y * L.shape[0]), int(x * L.shape[1])
        ab[place], told[place] = wish, True
    ab = answered(net, L[None], ab[None], told[None])[0]
    return color.with_ab(L, color.within_gamut(L, ab))


# %% [markdown] deck="slide"
# ## A user who is wrong
#
# A balloon obeys any color. The sky listens to none.

# %% [markdown] deck="notes"
# A balloon obeys each color, also one that no balloon has. The sky does not listen: its color was never in doubt. Two
# hints in one balloon share it, each with the pixels nearest to it. Ask which of these a user would want.

# %% deck="figure"
spots = (np.argwhere(judged.parts[SHOWN] == BALLOON) + 0.5) / 32
tricks = {"a yellow balloon": [(*spots[5], (0, 70))], "green sky": [(0.08, 0.8, (-40, 40))],
          "red above, blue below": [(*spots[0], (60, 40)), (*spots[-1], (10, -40))]}  # fmt: skip
seen = [repainted(listener, light, hints) for hints in ([], *tricks.values())]
plots.pictures(seen, "a yellow balloon; blue sky; a balloon in two colors", ["no hint", *tricks])

# %% [markdown]
# A balloon obeys, even where no balloon has such a color. The sky does not: its color was never in doubt, and in training
# no hint fell on it. The network has learned a user's habits. The maintainers trained two networks of 64 px with two kinds
# of users.

# %%
stored = course.result("11/hints")
taught, spread = (row["hints"]["all"]["error"] for row in stored["arms"].values())
print(f"error in hinted objects: taught by object {taught:.1f}, evenly {spread:.1f}")
for wish, share in stored["arms"]["by object"]["obedience"].items():
    print(f"{wish:27} goes {max(0, 100 * share):3.0f} % of the way to its hint")
assert taught <= 3 * stored["noise"] and taught < spread

# %% [markdown] deck="slide"
# ## Who is hinted in training decides
#
# | {{stored["size"]}} px | error in hinted objects |
# | --- | ---: |
# | noise of a pixel | {{stored["noise"]:.1f}} |
# | trained with hints by object | {{taught:.1f}} |
# | trained with hints spread evenly | {{spread:.1f}} |

# %% [markdown] deck="notes"
# Both networks are judged with the same hints, by object. Evenly spread hints taught the second one to listen half-heartedly:
# a balloon goes less than half of the way to the color that it is told. Neither makes the sky green.

# %% [markdown]
# ### Your own hints
#
# Choose a color, then click into the gray picture. More clicks add more hints.


# %%
COLORS = {"red": (60, 40), "orange": (40, 65), "yellow": (0, 70),
          "green": (-45, 35), "blue": (10, -50), "purple": (45, -45)}  # a and b  # fmt: skip
_ = widgets.brush(np.uint8(255 * seen[0]), COLORS, partial(repainted, listener, light))

# %% [markdown]
# ## Hints on photographs
#
# A photograph's objects have no numbers. How far does a hint reach? The network for photographs gives every place
# **features** $f$, from L and from the answer of S4, lesson 04's colorizer. Places with like features **belong
# together**. At place $p$, each hint $i$ counts $\exp(-\lVert f(p) - f(p_i) \rVert^2 / 2)$, S4's answer counts
# $\exp(d(p))$, its **doubt** in hints, and the color is their weighted mean. This is attention.
#
# No color of a hint enters the features. So a hint may have any color.


# %% tags=["export"]
def features(net, seen):
    """(N, HW, 20): doubt, and what tells places apart, from L / 100 and ab / AB_SCALE."""
    steps = [torch.arange(n) / min(seen.shape[2:]) for n in seen.shape[2:]]
    place = torch.stack(torch.meshgrid(*steps, indexing="ij")).expand(len(seen), -1, -1, -1)
    known = torch.cat([3 * place, 10 * seen[:, :1]], 1)  # row, column, L
    return torch.cat([net(seen), known], 1).flatten(2).mT


def with_hints(places, ab, at, wish):
    """ab (N, P, 2) of pixels with features `places`, after colors `wish` told at features `at`."""
    near = -torch.cdist(places[..., 1:], at[..., 1:]).square() / 2  # (N, P, hints)
    share = torch.cat([places[..., :1], near], 2).softmax(2)
    return share[..., :1] * ab + share[..., 1:] @ wish


# %% tags=["export"]
def hinted(net, L, ab, hints, side=96):
    """ab (H, W, 2) of a photograph after hints (y, x, (a, b)), y and x in 0..1."""
    height, width = (16 * max(1, round(n * side / min(L.shape[:2]) / 16)) for n in L.shape[:2])
    small = resize(np.concatenate([L / 100, ab / color.AB_SCALE], -1), height, width)
    seen = torch.from_numpy(small)[None]
    where = [int(y * height) * width + int(x * width) for y, x, _ in hints]
    wish = np.array([wish for _, _, wish in hints], np.float32).reshape(1, -1, 2) / color.AB_SCALE
    with torch.no_grad():
        places, own = features(net, seen.movedim(-1, 1)), seen[..., 1:].flatten(1, 2)
        change = with_hints(places, own, places[:, where], torch.from_numpy(wish)) - own
    change = color.AB_SCALE * change.view(height, width, 2).numpy()
    return ab + resize(change, *L.shape[:2])


# %%
hinter, s4 = UNet(3, 17).eval(), colorizer.Colorizer.load("04_pretrained_fusion")
with np.load(files.CHECKPOINTS / "11_hints.npz") as kept:
    hinter.load_state_dict({k: torch.from_numpy(np.float32(kept[k])) for k in kept.files})


def recolored(rgb, hints=()):
    """A photograph with S4's colors and hints (y, x, (a, b)), y and x in 0..1."""
    L = color.L(rgb)
    return color.with_ab(L, color.within_gamut(L, hinted(hinter, L, s4.ab_for(L), hints)))


# %% [markdown] deck="slide"
# ## Hints on photographs
#
# White rings are hints; S4 is lesson 04's colorizer.

# %% [markdown] deck="notes"
# Above S4's answer, below the same with the hints of the white rings. Ask where each hint stopped, and where
# it should have stopped: green runs on to the next car. The green sky is a hint that no photograph of the training gave.

# %% deck="figure"
CLICKS = {
    "maya_beach": [(0.15, 0.5, COLORS["green"])],
    "vintage_cars": [(0.33, 0.25, COLORS["green"]), (0.5, 0.9, COLORS["red"])],
    "mangoes": [(0.5, 0.75, COLORS["yellow"]), (0.5, 0.25, COLORS["red"])],
}
picked = [photo for photo in photos.album("test") if photo.name in CLICKS]
seen = [recolored(p.rgb, said.get(p.name, ())) for said in ({}, CLICKS) for p in picked]
fig = plots.album(seen, ["S4"] * 3 + ["with hints"] * 3, columns=3)
for ax, photo in zip(fig.axes[3:], picked):
    for y, x, _ in CLICKS[photo.name]:
        ax.plot(x * photo.rgb.shape[1], y * photo.rgb.shape[0], "o", mfc="none", mec="white", ms=9)
plots.show(fig, "hints color cars and mangoes; green runs on to a next car, but to no cloud")
print(*(photo.credit for photo in picked), sep="\n")

# %% tags=["claim"]
found = course.result("11/photographs")["sets"]
for name, rows in found.items():
    gains = {way: f"{rows[way]['gain'][3][0]:+.2f} dB" for way in ("network", "rule")}
    print(f"{name}, {rows['n']} photographs, 10 true hints, beside S4:", gains)
assert all(rows["ahead"][3][1] > 0 for rows in found.values())

# %% [markdown]
# The **rule** learns nothing: it spreads a hint by Gaussians in place and in L. The network is better on both sets. Its
# hints reach farther than the rule's, also to wrong places.
#
# Choose a color and click on the small picture. Try what nobody has seen: blue grass, a green face.

# %%
_ = widgets.brush(picked[1].rgb, COLORS, partial(recolored, picked[1].rgb))

# %% [markdown]
# ## Color queries and attention
#
# A convolution looks at neighbors. **Attention** looks anywhere. CT² (Weng et al. 2022) and DDColor (Kang et
# al. 2023) give a network some learned vectors, the **color queries**. They are the same for every picture. Each
# query looks at the whole picture, collects what it needs, and helps to color. DDColor has 100 queries,
# CT² one **color token** for each of 313 bins. We take 16.
#
# ### Cross-attention
#
# A U-Net makes two vectors for each pixel: a **key**, with which it is found, and a **value**, which it tells. Every
# query is compared with every key:
#
# $$\text{attend}(Q, K, V) = \text{softmax}\Big(\frac{Q K^\top}{\sqrt d}\Big)\, V$$
#
# The softmax runs over the keys. So each query has weights that sum to 1: drawn as a **map**, they show where it
# looks. Its result is the mean of the values with these weights. Products of two vectors of $d$ numbers
# grow like $\sqrt d$; without the division, each query would see its best key alone.

# %% [markdown] deck="slide"
# ## Color queries look at a picture
#
# - a **query**: a learned vector, the same for every picture
# - a **key** and a **value** for each pixel, made by a U-Net
#
# $$\text{attend}(Q, K, V) = \text{softmax}\Big(\frac{Q K^\top}{\sqrt d}\Big)\, V$$
#
# DDColor: 100 queries. CT²: one for each of 313 bins. Here: 16.

# %% [markdown] deck="notes"
# Read the formula from the inside: compare, divide, turn into weights, take the mean. Ask over which axis
# the softmax runs, and what would happen over the other one. The answer comes back two slides later.

# %% [markdown]
# ### Exercise: attention (6 minutes)
#
# Write `attend` in torch. `x.mT` exchanges the last two axes, and `@` works for all pictures at once.


# %% exercise="attend" minutes=6
def attend(queries, keys, values):
    """(..., K, d), (..., P, d) and (..., P, c) to (..., K, c): what each query reads."""
    ### BEGIN SOLUTION
    scores = queries @ keys.mT / keys.shape[-1] ** 0.5
    return scores.softmax(-1) @ values
    ### END SOLUTION


# %% check="attend" points=2
my_attend = attend
checks.attend(attend)

# %% [markdown]
# <details><summary>Hint</summary>`queries @ keys.mT` holds a row of scores for each query. The length d is
# `keys.shape[-1]`. End with `.softmax(-1) @ values`.</details>
#
# ### Two ways for color
#
# In DDColor, the product of each query with each pixel is a map, and a 1 × 1 convolution turns these maps *and the
# gray picture* into ab. A reader put random queries into the published network: "the results are almost
# unchanged" (issue 53 of its repository). We build a network in which that may happen. Beside the
# products, its last layer sees the pixels' own vectors. So there are two ways for color. Which one will it take?


# %% tags=["export"]
class Pixels(nn.Module):
    """L (N, 1, H, W) in 0..100 to maps (N, outputs, H, W)."""

    def __init__(self, outputs):
        super().__init__()
        self.net = UNet(10, outputs)

    def forward(self, L):
        return self.net(look(L))


# %% tags=["export"]
class Bypass(nn.Module):
    """Color from products of queries and pixels, and past them from pixels or from L alone."""

    def __init__(self, attend, past="pixels", start=0.02, count=16, d=32):
        super().__init__()
        self.attend, self.past, self.see = attend, past, Pixels(2 * d)
        self.queries = nn.Parameter(start * torch.randn(count, d))
        self.ab = nn.Linear(count + (d if past == "pixels" else 1), 2)

    def forward(self, L, change=lambda read: read):
        keys, values = self.see(L).flatten(2).mT.chunk(2, -1)  # (N, P, d)
        queries = self.queries + change(self.attend(self.queries, keys, values))  # (N, count, d)
        products = keys @ queries.mT / keys.shape[-1] ** 0.5
        past = keys if self.past == "pixels" else L.flatten(2).mT / 100
        return self.ab(torch.cat([products, past], -1)).mT.unflatten(2, L.shape[2:])


# %% [markdown]
# ### The audit
#
# After training we change the queries, and nothing else, and measure the regret:
#
# - **zeroed**, or **random** of the same size;
# - **permuted**: each query gets what its neighbor has read;
# - **other picture**: each query gets what it has read in another picture.


# %% tags=["export"]
def answer(net, L, queries=None, **change):
    """ab (N, H, W, 2) in CIELAB units, of L (N, 1, H, W); queries replace the net's own."""
    other = {} if queries is None else {"queries": queries}
    with torch.inference_mode():
        parts = [torch.func.functional_call(net, other, (x,), change) for x in L.split(50)]
    return color.AB_SCALE * torch.cat(parts).movedim(1, -1).numpy()


def audit(net, L):
    """{what is done to the queries: ab (N, H, W, 2)}, one entry for each of CHANGES."""
    queries, rng = net.queries.detach(), torch.Generator().manual_seed(0)
    noise = queries.std() * torch.randn(queries.shape, generator=rng)
    found = [answer(net, L, other) for other in (queries, 0 * queries, noise)]
    found += [answer(net, L, change=lambda read, axis=axis: read.roll(1, axis)) for axis in (1, 0)]
    return dict(zip(CHANGES, found))


# %% tags=["export"]
CHANGES = ("as trained", "zeroed", "random", "permuted", "other picture")


def squared(net, L, ab, generator):
    return F.mse_loss(net(L), ab / color.AB_SCALE)


# %%
gray = paintbox.regret(judged, 0 * judged.ab).mean()
asked = chosen(checks.attend, my_attend, checks.attended)


def trained(make, steps):
    """A network that learned from scenes, and its audit: {change: mean regret}."""
    torch.manual_seed(session.seed)
    net = make(asked)
    learn(net, squared, arrays[:2], steps, seed=session.seed)
    answers = audit(net, to_maps(judged.L))
    return net, {name: paintbox.regret(judged, ab).mean() for name, ab in answers.items()}


# %% tags=["nbval-ignore-output"]
bypass, bypassed = trained(Bypass, STEPS // 2)
print({name: f"{regret:.0f}" for name, regret in bypassed.items()}, f"gray {gray:.0f}")
assert session.profile == "ci" or max(bypassed.values()) < bypassed["as trained"] + gray / 20

# %% [markdown] deck="slide"
# ## Does it need its queries?
#
# | | regret |
# | --- | ---: |
# | as trained | {{bypassed["as trained"]:.0f}} |
# | queries zeroed | {{bypassed["zeroed"]:.0f}} |
# | random queries | {{bypassed["random"]:.0f}} |
# | permuted | {{bypassed["permuted"]:.0f}} |
# | what they read in another picture | {{bypassed["other picture"]:.0f}} |
# | all gray | {{gray:.0f}} |

# %% [markdown] deck="notes"
# Collect guesses first. The U-Net can color alone, and the last layer sees its vectors: gradient descent
# takes the short way. A part that a network can do without, it may not use. An audit costs four lines.

# %% [markdown]
# Hardly anything changes: color goes past the queries, and their maps would explain nothing.
#
# ### One way only
#
# To make queries matter, leave them as the **only way for color**:
#
# 1. each query reads the picture, and a linear layer turns what it read into **one color** $c_k$;
# 2. each pixel asks the queries: $ab(x) = \sum_k \text{softmax}_k\big(f(x) \cdot q_k / \sqrt d\big)\, c_k$.
#
# Step 2 is `attend` again, with the roles exchanged: pixels ask, queries are the keys, and colors are the values. The same
# scores serve twice. Their softmax over pixels says where a query looks, and over queries who paints a pixel.


# %% tags=["export"]
class Palette(nn.Module):
    """Queries read the picture and mix one color each; pixels choose among these colors."""

    def __init__(self, attend, count=16, d=32):
        super().__init__()
        self.attend, self.see, self.color = attend, Pixels(2 * d), nn.Linear(d, 2)
        self.queries = nn.Parameter(3 * torch.randn(count, d))  # they begin far apart

    def mix(self, L, change=lambda read: read):
        keys, values = self.see(L).flatten(2).mT.chunk(2, -1)  # (N, P, d)
        return keys, self.color(change(self.attend(self.queries, keys, values)))

    def forward(self, L, **change):
        keys, colors = self.mix(L, **change)  # (N, P, d) and (N, count, 2)
        return self.attend(keys, self.queries, colors).mT.unflatten(2, L.shape[2:])


# %% [markdown] deck="slide"
# ## Leave one way for color
#
# 1. **queries ask pixels**: each reads the picture and mixes one color, $c_k$
# 2. **pixels ask queries**: who paints me?
#
# $$ab(x) = \sum_k \text{softmax}_k\Big(\frac{f(x) \cdot q_k}{\sqrt d}\Big)\, c_k$$
#
# The same `attend` twice, with exchanged roles.

# %% [markdown] deck="notes"
# Here is the other axis of the softmax. Ask what happens when all queries are zero: every pixel asks all of
# them equally, and the whole picture gets one color.

# %% tags=["nbval-ignore-output"]
palette, costs = trained(Palette, STEPS)
print({name: f"{regret:.0f}" for name, regret in costs.items()})
assert session.profile == "ci" or sorted(costs.values())[1] > costs["as trained"] + gray / 20

# %% [markdown]
# Now each change costs.
#
# ### Look: who looks where, who paints what


# %% tags=["export"]
def inside(net, L):
    """Where queries look and what they paint, (N, count, P), and their colors (N, count, 2)."""
    with torch.inference_mode():
        keys, colors = net.mix(L)
        looks = net.attend(net.queries, keys, torch.eye(keys.shape[1]))
        paints = net.attend(keys, net.queries, torch.eye(len(net.queries))).mT
    return looks.numpy(), paints.numpy(), color.AB_SCALE * colors.numpy()


# %% [markdown] deck="slide"
# ## Who looks where, who paints what
#
# Five of 16 queries: above, where each looks; below, what it paints.

# %% [markdown] deck="notes"
# Above: the truth, and where each of the five busiest queries looks. Below: the network, and what each of the
# five paints, in its color. The lake's query looks where the evening sun would stand. At
# noon it finds free sky there; at dusk it looks elsewhere.

# %% deck="figure"
looks, paints, colors = inside(palette, to_maps(judged.L))
shape, busy = judged.ab.shape, paints[0].mean(1).argsort()[:-6:-1]
hats = [paints[0].T @ colors[0], *(paints[0, k, :, None] * colors[0, k] for k in busy)]
network, *strokes = [color.with_ab(judged.L[0], ab.reshape(shape[1:])) for ab in hats]
seen = [(looks[0, k] / looks[0, k].max()).reshape(shape[1:3]) for k in busy]
titles = ["truth", *(f"{k} looks" for k in busy), "network", *(f"{k} paints" for k in busy)]
ALT = "a scene and its coloring; where five queries look, and the parts that they paint"
plots.pictures([judged.rgb[0], *seen, network, *strokes], ALT, titles, columns=6)

# %% [markdown]
# ### Four networks
#
# The maintainers trained four networks of one size on scenes of 64 pixels, and audited them. One has DDColor's form: the
# gray picture alone stands beside the products.

# %% tags=["claim"]
stored = course.result("11/queries")
plain, past, form, only = stored["rows"]
highest = max(x[2] for x in past["added"].values())
lowest = min(x[1] for x in only["added"].values())
course.claim(
    "color queries are what colors the picture",
    f"{stored['n_test']} scenes of {stored['size']} px; zeroed, random, permuted, other picture",
    f"regret grows by at most {highest:.0f} with a bypass, by at least {lowest:.0f} without",
    "only where color has no other way",
)
print({f"DDColor's form, {k}": f"{x[0]:+.1f}" for k, x in form["added"].items()})
assert highest < lowest
assert form["added"]["other picture"][2] < 0.05 * form["added"]["zeroed"][1]

# %% [markdown] deck="slide"
# ## Four networks of one size
#
# | {{stored["size"]}} px | regret | zeroed | other picture |
# | --- | ---: | ---: | ---: |
# | no queries | {{plain["regret"][0]:.1f}} | | |
# | past them, pixels | {{past["regret"][0]:.1f}} | {{past["added"]["zeroed"][0]:+.0f}} | {{past["added"]["other picture"][0]:+.1f}} |
# | past them, gray (DDColor's form) | {{form["regret"][0]:.1f}} | {{form["added"]["zeroed"][0]:+.0f}} | {{form["added"]["other picture"][0]:+.1f}} |
# | queries only | {{only["regret"][0]:.1f}} | {{only["added"]["zeroed"][0]:+.0f}} | {{only["added"]["other picture"][0]:+.1f}} |

# %% [markdown] deck="notes"
# In the third row queries matter, but not what they read: they serve as a fixed last layer. Two questions, two
# changes. The first column is one training each: small differences in it mean nothing.

# %% [markdown]
# In DDColor's form zeroing is expensive, and another picture's readings cost little: there the queries are a fixed
# last layer, and the attention is almost idle. So an audit needs more than one change. Where
# queries are the only way, what they read is what colors the picture.

# %% [markdown]
# ## Flow matching: one coloring of many
#
# A mean is nobody's balloon. Lesson 05 drew a color for **every pixel by itself**, and balloons came out
# speckled. A **sample** is a whole picture, drawn from all that the gray one may have been. Each balloon has
# one color in it, and the next sample may have another.

# %% [markdown]
# ### A path from noise to color
#
# How can a network draw? Its input gets the randomness. **Flow matching** (Lipman et al. 2023; Liu et al. 2023) takes
# noise $x_0$ and a true picture $x_1$, and goes along the straight line between them:
#
# $$x_t = (1 - t)\, x_0 + t\, x_1, \qquad \hat v = \frac{\hat x_1 - x_t}{1 - t}.$$
#
# A network sees L, $x_t$ and $t$, and tells what it expects at the end, $\hat x_1 = E[x_1 \mid L, x_t]$. It cannot know:
# many lines cross at $x_t$. Yet who starts with noise and follows the **velocity** $\hat v$ from $t = 0$ to $1$ ends
# at a sample: at each time the walkers are spread as the $x_t$ are.
#
# ### A network that can decide
#
# One pixel of $x_t$ is mostly noise. The mean over an object has less. So each pixel also gets $\bar x$, the mean
# of $x_t$ over the places of **like L** around it. The answer is a softmax over colors, as in lesson 05. By Bayes' rule
# its logits are a prior, and evidence for each color $c_k$ from the walk:
#
# $$\text{logit}_k = u_k(L, x_t, t) + w \, \frac{t}{(1 - t)^2} \Big( \bar x \cdot c_k - \frac{t}{2} \lVert c_k \rVert^2 \Big).$$
#
# The U-Net gives the prior $u_k$ and the weight $w$ of the evidence. $\hat x_1$ is the mean of the colors. A network that
# gives ab straight away needs far longer: it must learn to decide between colors, and it learns to mix them first.

# %% [markdown] deck="slide"
# ## From noise to color
#
# $$x_t = (1 - t)\, x_0 + t\, x_1 \qquad\qquad \hat v = \frac{\hat x_1 - x_t}{1 - t}$$
#
# - the network expects an end: $\hat x_1 = E[x_1 \mid L, x_t]$, by a **softmax over colors**
# - who follows the velocity $\hat v$ arrives at a **sample**
# - another noise, another sample

# %% [markdown] deck="notes"
# Draw two lines that cross: at the crossing, the network answers with the mean of both ends. At t = 0 all lines cross,
# and the answer is the mean of lesson 02. Near t = 1 a single end is left.


# %% tags=["export"]
AB_UNIT = 40  # ab / 40 has a variance near 1


def mean_alike(L, x):
    """The mean of x (N, C, H, W) over 9 x 9 places around, weighted by how alike L is."""
    side = L.shape[-1] // 32  # the places lie wider apart in larger pictures
    x = F.avg_pool2d(x, 2 * side - 1, 1, side - 1, count_include_pad=False)
    shape, window = (len(L), -1, 81, *L.shape[2:]), {"kernel_size": 9, "dilation": side}
    around, values = (F.unfold(F.pad(y, [4 * side] * 4, value=edge), **window).view(shape)
                      for y, edge in ((L, 1e3), (x, 0.0)))  # fmt: skip
    weights = torch.exp(-(((around - L[:, :, None]) / 5) ** 2))
    return (weights * values).sum(2) / weights.sum(2)


# %% tags=["export"]
class Flow(nn.Module):
    """From L, x and t to the clean x that is expected, (N, 2, H, W), by a softmax over colors."""

    def __init__(self, ab):
        super().__init__()  # the colors: all cells of 10 x 10 units that occur in ab
        cells = np.unique(np.round(ab.reshape(-1, 2) / 10), axis=0)
        self.register_buffer("colors", torch.tensor(10 * cells / AB_UNIT, dtype=torch.float32))
        self.net = UNet(15, len(cells) + 1)

    def logits(self, L, x, t):
        t, near = torch.zeros_like(L) + t, mean_alike(L, x)
        seen = self.net(torch.cat([look(L), x, 3 * near, t], 1)).float()
        told = torch.einsum("nchw,kc->nkhw", near, self.colors)
        told = told - t / 2 * (self.colors**2).sum(1)[:, None, None]
        return seen[:, :-1] + 4 * F.softplus(seen[:, -1:]) * t / ((1 - t) ** 2 + 0.01) * told

    def forward(self, L, x, t):
        return torch.einsum("nkhw,kc->nchw", self.logits(L, x, t).softmax(1), self.colors)


# %% [markdown]
# The loss is the cross-entropy between the softmax and the true color's cell (Eijkelboom et al. 2024). The distribution
# that it asks for has the mean that we need.


# %% tags=["export"]
def flow_loss(net, L, ab, generator):
    """The cross-entropy of the true colors, on the way at times that are drawn for each picture."""
    x1, luck = ab / AB_UNIT, torch.rand(len(L), 1, 1, 1, generator=generator)
    t = luck**2  # objects decide early
    xt = (1 - t) * torch.randn(x1.shape, generator=generator) + t * x1
    cells = torch.cdist(x1.flatten(2).mT, net.colors).argmin(-1)
    return F.cross_entropy(net.logits(L, xt, t), cells.unflatten(1, L.shape[2:]))


# %% tags=["nbval-ignore-output"]
torch.manual_seed(session.seed)
flow = Flow(painted.ab)
losses = learn(flow, flow_loss, arrays[:2], STEPS * 4 // 3, seed=session.seed)
print(f"{len(flow.colors)} colors; loss {losses[0]:.2f} at first, {losses[-1]:.2f} at last")

# %% [markdown]
# ### Exercise: the walk (8 minutes)
#
# Start at x, take `steps` equal steps from t = 0 to 1, and return where you arrive (**Euler's method**).
# `guess(x, t)` is $\hat x_1$. The velocity of a step is the one at its beginning.


# %% exercise="euler_steps" minutes=8
def euler_steps(guess, x, steps):
    """Walk from the noise x at t = 0 to a sample at t = 1; guess(x, t) is the clean x."""
    ### BEGIN SOLUTION
    for k in range(steps):
        t = k / steps
        velocity = (guess(x, t) - x) / (1 - t)
        x = x + velocity / steps
    return x
    ### END SOLUTION


# %% check="euler_steps" points=2
my_walk = euler_steps
checks.euler_steps(euler_steps)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Step k begins at t = k / steps. Do not write `x +=`: it would change the caller's noise.
#
# </details>
#
# Your reward: three scenes, four walks each.


# %% tags=["export"]
def colorings(net, L, count, steps, walk, seed=0):
    """`count` samples of ab, (count, N, H, W, 2), for L (N, 1, H, W) in 0..100."""
    generator, ends = torch.Generator().manual_seed(seed), []
    with torch.inference_mode():
        for _ in range(count):
            x = torch.randn(len(L), 2, *L.shape[2:], generator=generator)
            ends.append(walk(lambda x, t: net(L, x, t), x, steps))
    return AB_UNIT * torch.stack(ends).movedim(2, -1).numpy()


# %% tags=["nbval-ignore-output"]
walk = chosen(checks.euler_steps, my_walk, checks.euler)
open_L = judged.L[judged.variance().mean((1, 2)).argsort()[-3:]]  # the scenes with most in doubt
sampled = colorings(flow, to_maps(open_L), 4, 16, walk)

# %% [markdown] deck="slide"
# ## One gray picture, many colorings

# %% [markdown] deck="notes"
# Each row is one scene. On the left one step, which gives the mean. Then four walks of 16 steps, each from another noise.
# Balloons, fields, roofs and sails change. Sky, lake and grove do not: the picture says what they are.

# %% deck="figure"
one_step = colorings(flow, to_maps(open_L), 1, 1, walk)
seen = [color.with_ab(L, ab) for L, *five in zip(open_L, *one_step, *sampled) for ab in five]
ALT = "three scenes, in one step and in four samples: samples change the color of objects alone"
plots.pictures(seen, ALT, ["one step", *(f"sample {k}" for k in (1, 2, 3, 4))] * 3, columns=5)

# %% [markdown]
# ### One step is the mean
#
# At $t = 0$ the network sees noise only, and noise says nothing about $x_1$. Its best guess is $E[x_1 \mid L]$, the
# answer of lesson 02. One step goes all the way there: whatever the noise, the balloon is brown. With more steps,
# each one goes only a part of the way, looks again, and a small lead of one color grows.

# %% [markdown]
# ### Are they right?
#
# Paintbox knows the true distribution, so the maintainers counted. For each balloon, field, roof and sail, all of its pixels:
#
# - **near**: the share of objects whose mean ab is within 10 of a color of their palette
# - **frequencies**: how often each color comes, against its probability (total variation, mean of the four kinds)
# - **spread**: the root mean square distance of an object's pixels to their mean
# - **mean**: the squared error of the mean of all samples to the exact mean; exact samples do not have 0 either


# %% tags=["claim"]
stored = course.result("11/flow")
exact, walks = stored["half"]["exact"], stored["half"]["steps"]
best, single, large = walks["16"], walks["1"], stored["steps"]["16"]
course.claim(
    "samples of a flow follow the distribution of colors",
    f"{stored['n_test']} scenes of {stored['size'] // 2} px, {stored['samples']} samples of each",
    f"{best['near']:.0%} near a palette color, total variation {best['frequencies']:.3f}",
    "at 32 px; at 64 px some colors come too often",
)
for name, row in {"exact": exact, **walks, f"16, at {stored['size']} px": large}.items():
    print(f"{name:12}", ", ".join(f"{score} {value:.2f}" for score, value in row.items()))
assert best["near"] > 0.9 and best["frequencies"] <= 0.08 and best["mean"] <= 1.1 * exact["mean"]

# %% [markdown]
# With more steps, more objects have a color of their palette, and the mean is hardly farther off than that of exact
# samples. At 64 px some colors come too often, and the mean is farther off.

# %% [markdown] deck="slide"
# ## Steps against quality
#
# | | exact | 1 step | 4 steps | 16 steps | 16, {{stored["size"]}} px |
# | --- | ---: | ---: | ---: | ---: | ---: |
# | near a palette color | {{exact["near"]:.0%}} | {{single["near"]:.0%}} | {{walks["4"]["near"]:.0%}} | {{best["near"]:.0%}} | {{large["near"]:.0%}} |
# | frequencies, total variation | {{exact["frequencies"]:.3f}} | {{single["frequencies"]:.3f}} | {{walks["4"]["frequencies"]:.3f}} | {{best["frequencies"]:.3f}} | {{large["frequencies"]:.3f}} |
# | spread inside an object | {{exact["spread"]:.1f}} | {{single["spread"]:.1f}} | {{walks["4"]["spread"]:.1f}} | {{best["spread"]:.1f}} | {{large["spread"]:.1f}} |
# | mean of 16 samples, error | {{exact["mean"]:.1f}} | {{single["mean"]:.1f}} | {{walks["4"]["mean"]:.1f}} | {{best["mean"]:.1f}} | {{large["mean"]:.1f}} |

# %% [markdown] deck="notes"
# Scenes of 32 px; the last column has 64 px. Near: the mean color of the object is within 10 units of a color of its
# palette. Exact samples show what chance alone gives. One step gives the mean: the best in the last row, and near no
# palette color. Objects decide early in the walk.

# %% [markdown]
# ## Several colorings of a photograph
#
# Two networks of this course can draw together. S2, lesson 05's colorizer, expects a distribution over 313 bins at each
# place. It **plays the user**:
#
# 1. choose a place by chance, most often where S2 is in doubt;
# 2. draw a color from S2's distribution there;
# 3. tell it as a hint, which spreads by the features;
# 4. begin again, at a place that no hint has reached.
#
# One thing is new. A red for a car should not run into the lawn, and S2 knows that lawns are not red. So where S2 finds
# the color of a hint less probable than at the hint's own place, the hint counts less, in proportion.
#
# S2's file answers with ab. But an ONNX file is a graph of named steps: we ask for an earlier one, the softmax.


# %% tags=["export"]
def distribution(s2, L, side=96):
    """p (h, w, 313): what S2 expects at each place of a photograph; it sees twice as many."""
    h, w = (16 * max(1, round(n * side / min(L.shape[:2]) / 16)) for n in L.shape[:2])
    seen = resize(L, 2 * h, 2 * w).clip(0, 100)[None, None, ..., 0]
    p = resize(np.moveaxis(s2.run(None, {"L": seen})[0][0], 0, -1), h, w).clip(1e-6)
    return p / p.sum(-1, keepdims=True)


# %% tags=["export"]
BINS = bins.ab_bins()  # (313, 2)


def influence(places, p, at, told):
    """What the answer, first, and hints of the bins `told` at `at` count: (P, 1 + hints)."""
    near = -torch.cdist(places[:, 1:], places[at, 1:]).square() / 2
    possible = torch.from_numpy(p[:, told] / p[at, told]).log().clamp(max=0)
    return torch.cat([places[:, :1], near + possible], 1).softmax(1).numpy()


# %% tags=["export"]
def drawn(net, L, ab, p, influence, count=5, seed=0):
    """ab (H, W, 2) of a photograph after `count` hints that are drawn from p (h, w, 313)."""
    small = resize(np.concatenate([L / 100, ab / color.AB_SCALE], -1), *p.shape[:2])
    with torch.no_grad():
        places = features(net, torch.from_numpy(small[None]).movedim(-1, 1))[0]
    rng, p, at, told = np.random.default_rng(seed), p.reshape(-1, 313), [], []
    doubt = p @ (BINS**2).sum(1) - ((p @ BINS) ** 2).sum(1)  # the variance
    for _ in range(count):
        left = doubt * influence(places, p, at, told)[:, 0] ** 2  # hardly a place of former hints
        at.append(rng.choice(len(p), p=left / left.sum()))
        told.append(rng.choice(313, p=p[at[-1]]))
    share = influence(places, p, at, told)
    own = color.AB_SCALE * small[..., 1:].reshape(-1, 2)
    change = share[:, 1:] @ BINS[told] - (1 - share[:, :1]) * own
    return ab + resize(change.reshape(small[..., 1:].shape), *L.shape[:2])


# %%
s2 = graph.softmax_inside(files.shipped("05_quantized_classification.onnx"))


def redrawn(rgb, seed):
    """A photograph with S4's colors and hints that S2 draws."""
    L = color.L(rgb)
    ab = drawn(hinter, L, s4.ab_for(L), distribution(s2, L), influence, seed=seed)
    return color.with_ab(L, color.within_gamut(L, ab))


# %% [markdown] deck="slide"
# ## One photograph, several colorings
#
# S2 draws five hints, and features spread them. The last row is the truth.

# %% [markdown] deck="notes"
# Cover the last row and let the room vote which drawing is the nearest. Then ask where a color stopped at a border, and
# where it should have stopped and did not.

# %% deck="figure"
OPEN = ("wooden_toys", "umbrellas", "vintage_cars", "mangoes")
ways = {"S4": recolored} | {f"drawing {k}": partial(redrawn, seed=k) for k in (1, 2, 3)}
open_ones = [photo for photo in photos.album("test") if photo.name in OPEN]
plots.gallery(open_ones, ways, "S4's answers, three drawings of each photograph, and the truth")

# %% [markdown]
# ### Are they plausible?
#
# Of each test photograph, 56 of the album and 400 of diverse, eight colorings were drawn: as here (**drawn**), with hints
# that also go where S2 finds their color improbable (**anywhere**), and from the distributions of **another's**
# photograph. In dB of PSNR, minus that of S4's answer; below, the Fréchet distance to true photographs (lesson 07), of
# one drawing each.

# %%
for name, rows in course.result("11/several")["sets"].items():
    for w in ("drawn", "anywhere", "another's"):
        print(f"{name} {w:9} {rows[w]['single'][0]:+.2f}, best of 8 {rows[w]['best'][0]:+.2f} dB")
print({way: round(x[0], 2) for way, x in rows["frechet"].items() if "-" not in way})
assert rows["frechet"]["drawn - S4"][2] < 0 < rows["another's"]["behind"]["best"][1]

# %% [markdown]
# One drawing is farther from the truth than S4's answer: a wrong bet costs more than the mean. But of eight bets one
# comes nearer than the mean, and bets for another photograph do not. So the drawings fit what they color.
# As a set they look more like photographs than S4's answers do.

# %% [markdown] deck="slide"
# ## Are they plausible?
#
# | {{rows["n"]}} photographs | PSNR − S4's | best of 8 | Fréchet distance |
# | --- | ---: | ---: | ---: |
# | S4, the mean | | | {{rows["frechet"]["S4"][0]:.2f}} |
# | drawn | {{rows["drawn"]["single"][0]:+.2f}} dB | {{rows["drawn"]["best"][0]:+.2f}} dB | {{rows["frechet"]["drawn"][0]:.2f}} |
# | hints go anywhere | {{rows["anywhere"]["single"][0]:+.2f}} dB | {{rows["anywhere"]["best"][0]:+.2f}} dB | {{rows["frechet"]["anywhere"][0]:.2f}} |
# | another photograph's colors | {{rows["another's"]["single"][0]:+.2f}} dB | {{rows["another's"]["best"][0]:+.2f}} dB | {{rows["frechet"]["another's"][0]:.2f}} |

# %% [markdown] deck="notes"
# Ask why the first column is negative, and whether that is a fault. The mean wins each single bet (lesson 02); no mean
# looks like a photograph (lesson 07).

# %% [markdown]
# ## A map of the field
#
# Ten papers, and what each would take here.
#
# | idea | paper | trained on | what is trained | here |
# | --- | --- | --- | --- | --- |
# | hints | Zhang et al. 2017 | ImageNet | one network | this lesson |
# | an example picture | He et al. 2018 | ImageNet, in pairs | matching, then color | match the features of lesson 04 |
# | objects first | Su et al. 2020 | COCO-Stuff | two networks and their fusion, behind a detector | a detector before lesson 04 |
# | pixel after pixel | Kumar et al. 2021, ColTran | ImageNet | three transformers | lesson 05's bins, in a row |
# | a GAN's knowledge | Wu et al. 2021 | ImageNet | an encoder for a trained BigGAN | a generator that we do not have |
# | color tokens | Weng et al. 2022, CT² | ImageNet | a transformer over 313 bins | queries with the loss of lesson 05 |
# | diffusion | Saharia et al. 2022, Palette | ImageNet | one large U-Net | this lesson's flow, on an accelerator |
# | color queries | Kang et al. 2023, DDColor | ImageNet | two decoders | this lesson |
# | words | Chang et al. 2023, L-CAD | captions | what steers a text-to-image network | a text encoder |
# | words, strokes, examples | Liang et al. 2024, Control Color | starts from Stable Diffusion | the same, more ways to steer | all of this lesson's, at once |
#
# If you have the weights of DDColor or DeOldify as ONNX, `python -m deploy.adapt` in a clone makes a colorizer of them.

# %% [markdown] deck="slide"
# ## A map of the field
#
# | idea | paper |
# | --- | --- |
# | hints | Zhang et al. 2017 |
# | an example picture | He et al. 2018 |
# | objects first | Su et al. 2020 |
# | pixel after pixel | Kumar et al. 2021 |
# | a GAN's knowledge | Wu et al. 2021 |
# | color tokens, color queries | Weng et al. 2022, Kang et al. 2023 |
# | diffusion | Saharia et al. 2022 |
# | words | Chang et al. 2023, Liang et al. 2024 |

# %% [markdown] deck="notes"
# Let each table take a paper and say which lesson it continues. The lesson's own table says what each would take.

# %% [markdown] deck="slide"
# ## Exercises
#
# 1. simulate a user: one hint in each chosen object
# 2. write attention: compare, weigh, take the mean
# 3. walk from noise to a sample, in Euler's steps

# %% [markdown] deck="notes"
# The second one is where people lose their way: over which axis does the softmax run? Draw the table of scores, one row
# for each query.

# %% [markdown]
# ## Quiz
#
# **1. A network was trained with hints in objects only. A user clicks green onto the sky. What happens?**
#
# <details><summary>A. The sky turns green.</summary>Only if training had shown that hints on a sky count.</details>
# <details><summary>B. The sky stays blue.</summary>Right: its color was never in doubt, and no loss ever asked to listen
# there.</details>
# <details><summary>C. All balloons turn green.</summary>A hint says nothing about other objects.</details>
#
# **2. A network with color queries gives the same picture when its queries are zeroed. What follows?**
#
# <details><summary>A. Its attention maps still show how it chooses.</summary>What can be removed explains nothing.</details>
# <details><summary>B. Color has another way through the network.</summary>Right: the last layer reads the pixels too.</details>
# <details><summary>C. It was trained for too short a time.</summary>More training does not close the other way.</details>
#
# **3. A flow walks in one step. What comes out?**
#
# <details><summary>A. The conditional mean.</summary>Right: at t = 0 the network sees noise only.</details>
# <details><summary>B. A sample, but a coarse one.</summary>In a sample a balloon has one color; this one is brown.</details>
# <details><summary>C. Noise.</summary>The step goes all the way to the guess, and the noise is gone.</details>

# %% [markdown] deck="slide"
# ## Question
#
# A flow walks from noise to color in one step. What comes out?

# %% [markdown] deck="notes"
# The conditional mean, a brown balloon: at t = 0 the network sees noise only, and its best guess is the mean.

# %% [markdown]
# ## What broke
#
# - **The user must click.** A hint does not tell where its thing ends. On photographs colors spill over.
# - **A handle is not quality.** Queries showed who paints what; they promised no better colors.
# - **Sampling costs.** A sample takes 16 runs of the network, where the mean takes one. And a sample is plausible, not
#   true: whoever shows it should say so.
#
# ## Further reading
#
# - Zhang et al. 2017, "Real-Time User-Guided Image Colorization with Learned Deep Priors": hints in input channels.
# - Levin, Lischinski and Weiss 2004, "Colorization using Optimization": scribbles spread where L is alike; nothing is
#   learned.
# - Vaswani et al. 2017, "Attention Is All You Need".
# - Weng et al. 2022, "CT²: Colorization Transformer via Color Tokens".
# - Kang et al. 2023, "DDColor: Towards Photo-Realistic Image Colorization via Dual Decoders".
# - Lipman et al. 2023, "Flow Matching for Generative Modeling": the loss, and why it is enough.
# - Liu et al. 2023, "Flow Straight and Fast: Learning to Generate and Transfer Data with Rectified Flow".
# - Eijkelboom et al. 2024, "Variational Flow Matching for Graph Generation": a cross-entropy in place of the square.

# %% [markdown] deck="slide"
# ## What broke
#
# - the user must click, and colors spill over edges
# - queries are a handle, not a better picture
# - a sample takes 16 runs, and is plausible, not true

# %% [markdown] deck="notes"
# Come back to the first slide: who chooses? End with a paper of the map that the room finds promising, and ask what
# audit it would need.
