# ---
# jupyter:
#   course:
#     title: Video
#     question: How does color stay steady in time?
#     objectives:
#       - see flicker in a slice through time, and measure it
#       - say why no measure of steadiness may stand alone
#       - write a warp, a confidence mask and a test for cuts
#       - compare a moving average, one along the flow, and a first frame that is carried on
#       - say what memory is worth, exactly, in a painted world
#     prerequisites: lesson 02 (the conditional mean), lesson 04 (the colorizer that is used here).
#     running: 1
#     data: paintbox; the course's album of photographs, each under its own licence (CREDITS.md in
#       the album); a clip, CC0.
#     licence: text CC BY 4.0, code MIT.
#     extras: [onnx, video]
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
# **For the instructor.** Begin with the slice through time, and let the room say which of its rows is
# the truth. The table of warping errors surprises: gray wins. Wait for somebody to object before you show
# the second column. Students go wrong at one place: they warp in the wrong direction. Draw two frames on the
# board, and ask from which one the colors are taken. When time is short, leave out memory.

# %% tags=["export"]
import numpy as np

from course_utils import color
from course_utils.video import steady

FLICKER, GRAIN = 0.04, 1.0  # of a frame's brightness, and of L at a pixel

# %%
from course_utils import colorizer, course, files, old_photographs, paintbox, photos, plots
from course_utils.checks import chosen
from course_utils.checks import lesson_10 as checks
from course_utils.video import measures, streams

# %% [markdown]
# ## A film is more than its frames
#
# A colorizer sees one picture. A film has 25 a second, and each of them is a little different: grain lies
# elsewhere, the light of the projector trembles, the camera moves. The colorizer answers each frame anew,
# and its answers tremble too. The eye forgives a wrong color; it does not forgive one that **flickers**.
#
# The report of Kaushik et al., "Colorizing Images using CNN in Machine Learning", says that its method "can
# even be used to render video files". The report of Ain Shams University names video as future work: it
# "would require adapting the network architecture to accommodate temporal coherence between subsequent
# frames". We ask what coherence costs, and whether the architecture has to change at all.

# %% [markdown] deck="slide"
# ## A film is more than its frames
#
# - a colorizer sees **one** picture
# - between two frames, grain, light and camera change
# - every answer is a little different: color **flickers**
#
# Kaushik et al.: the method "can even be used to render video files".

# %% [markdown] deck="notes"
# Ask who has seen a colorized film on the web, and what disturbed them. Most people name flicker before they
# name a wrong color.

# %% [markdown]
# ## A clip of known motion
#
# No old film with a clear licence is at hand. We make one: a window moves over a photograph, two pixels to
# the right and one down in each frame. Then the frames get what old film has: brightness that **flickers**,
# and **grain** that is new in every frame. The true colors are known, and so is the motion.


# %% tags=["export"]
def pan(rgb, frames=24, size=160):
    """(T, size, size, 3): a window that moves over a photograph."""
    return np.stack([rgb[t : t + size, 2 * t : 2 * t + size] for t in range(frames)])


def film(rgb, seed=1):
    """L (T, H, W, 1) of a clip on old film."""
    rng = np.random.default_rng(seed)
    bright = 1 + FLICKER * rng.standard_normal((len(rgb), 1, 1, 1))
    L = np.stack([color.L(frame) for frame in rgb])
    return (L * bright + GRAIN * rng.standard_normal(L.shape)).clip(0, 100).astype(np.float32)


# %%
photo = photos.album("test")[14]
album = photos.load("album", "test", 220)
clip = pan(album[14])
L, truth = film(clip), np.stack([color.ab(frame) for frame in clip])
print(f"L {L.shape}, ab {truth.shape}")
print(photo.credit)

# %%
model = colorizer.Colorizer.load(colorizer.BEST)
frames = np.stack([model.ab(frame) for frame in L])  # frame by frame


def rgb(ab):
    """A clip in color, with its L on film."""
    return np.stack([color.with_ab(x, color.within_gamut(x, y)) for x, y in zip(L, ab)])


# %% [markdown] deck="slide"
# ## Frame by frame
#
# A window moves over a photograph; brightness flickers, and grain is new in every frame.

# %% [markdown] deck="notes"
# The upper row is the truth, the lower one the colorizer, which never saw two frames together. One frame
# after the other looks acceptable. Ask what a viewer would see at 25 frames a second.

# %% deck="figure"
shown = range(0, 24, 6)
plots.pictures(
    [*rgb(truth)[shown], *rgb(frames)[shown]],
    "four frames of a pan; the colorizer's hues change from frame to frame, the true ones do not",
    [*(f"truth, frame {t}" for t in shown), *(f"colorizer, {t}" for t in shown)],
    columns=4,
)

# %% [markdown]
# ### A slice through time
#
# Frames side by side hide flicker. Take one row of pixels out of each frame, and put these rows under each
# other: x runs to the right, time runs down. What moves steadily draws slanted lines. What flickers draws
# **horizontal bars**.


# %%
def slice_of(ab, row=80):
    """One row of each frame, (4 · T, W, 3), four pixels high: color alone, and twice as strong."""
    flat = np.full((*ab[:, row].shape[:2], 1), 65, np.float32)
    return color.with_ab(flat, color.within_gamut(flat, 2 * ab[:, row])).repeat(4, 0)


# %% [markdown] deck="slide"
# ## A slice through time
#
# One row of pixels out of each frame; time runs down. Slanted lines are motion, horizontal bars are
# flicker.

# %% [markdown] deck="notes"
# One row of pixels out of each frame, time runs down. L is the same everywhere and color twice as strong.
# Slanted lines are motion, horizontal bars are flicker.

# %% deck="figure"
plots.pictures(
    [slice_of(truth), slice_of(frames)],
    "slices through time: the truth has slanted lines only, the colorizer has horizontal bars too",
    ["truth", "frame by frame"],
)

# %% [markdown]
# ## Motion: the optical flow
#
# To compare a pixel with itself a frame ago, we have to know where it was. The **optical flow** says so, for
# every pixel of this frame: how far to the right and how far down its place in the frame before lies. It is
# estimated from L alone, which is known. We use dense inverse search (Kroeger et al. 2016), which takes some
# milliseconds.
#
# With a flow we can **warp** the frame before: every pixel of the new frame looks up its color at its old
# place. Where that place lies between pixels, the four around it are mixed.

# %%
flow = steady.flow(L[1], L[0])  # (H, W, 2), right and down
print(f"found {flow[20:-20, 20:-20].mean((0, 1)).round(1)}, and the window moved by [2 1]")

# %% [markdown] deck="slide"
# ## Where was this pixel a frame ago?
#
# - the **optical flow** tells it for each pixel: (right, down)
# - estimated from L, which is known
# - **warp**: each pixel looks up the color at its old place

# %% [markdown] deck="notes"
# Stress the direction: the flow belongs to the new frame and leads back. The other direction leaves holes.

# %% [markdown]
# ## How steady? How true?
#
# **Warping error**: the mean distance in ab between a frame and the warped frame before it, over the pixels
# that the flow is sure of. 0 is perfectly steady.
#
# **Error**: the mean distance in ab to the truth.
#
# We find the flow once and measure all clips with it. Look at the row of gray.

# %%
motion, sure = measures.flows(L)


def score(name, ab):
    """The two measures of a clip, printed."""
    unsteady = measures.warping_error(ab, motion, sure).mean()
    wrong = measures.error(ab, truth).mean()
    print(f"{name:32} warping error {unsteady:5.2f}   error {wrong:5.1f}")
    return unsteady, wrong


# %% tags=["nbval-ignore-output"]
gray = np.zeros_like(truth)
scores = {name: score(name, ab) for name, ab in
          (("truth", truth), ("gray", gray), ("frame by frame", frames))}  # fmt: skip

# %% tags=["claim"]
course.claim(
    "a low warping error says that a clip is well colored",
    "one pan, one flow for all clips",
    f"gray: warping error {scores['gray'][0]:.0f}, and its error is not 0",
    f"fails: {scores['gray'][0] == 0 and scores['gray'][1] > 1}",
)
assert scores["gray"][0] == 0 and scores["gray"][1] > 1
assert scores["frame by frame"][0] > scores["truth"][0] > 0

# %% [markdown] deck="slide"
# ## The steadiest clip is gray
#
# | | warping error | error to the truth |
# | --- | ---: | ---: |
# | truth | {{scores["truth"][0]:.2f}} | {{scores["truth"][1]:.1f}} |
# | gray | {{scores["gray"][0]:.2f}} | {{scores["gray"][1]:.1f}} |
# | frame by frame | {{scores["frame by frame"][0]:.2f}} | {{scores["frame by frame"][1]:.1f}} |
#
# Never one column without the other.

# %% [markdown] deck="notes"
# The truth does not score 0, because the flow is an estimate. Gray does, and so does any single color. A
# paper that prints one of these columns alone says nothing.

# %% [markdown]
# The truth has a warping error too, because the flow is only estimated: nobody should ask for less than that.
#
# ## Three ways to be steady
#
# 1. **Moving average.** Each pixel keeps most of its old color: $\bar{ab}_t = s\,\bar{ab}_{t-1} + (1-s)\,ab_t$.
#    It forgets that things move: colors lag behind.
# 2. **Moving average along the flow.** The same, with the old colors warped first, and with a **confidence**
#    $c$ for every pixel: $\bar{ab}_t = ab_t + s\,c\,(\mathrm{warp}(\bar{ab}_{t-1}) - ab_t)$. Where L does not look like
#    the warped L, something was hidden: there the new color counts. At a cut, everything is new.
# 3. **Propagation.** Color the first frame, and carry it on along the flow. It is as steady as can be. But what
#    comes into view has no color of its own, and errors of the flow add up.


# %% tags=["export"]
def average(ab, strength=0.9):
    """The moving average of every pixel."""
    kept = ab.copy()
    for t in range(1, len(ab)):
        kept[t] = strength * kept[t - 1] + (1 - strength) * ab[t]
    return kept


def carried(ab, motion):
    """The first frame's colors, carried along the flow."""
    kept = [ab[0]]
    for flow in motion[1:]:
        kept.append(steady.warp(kept[-1], flow))
    return np.stack(kept)


# %%
def along(ab, strength=0.9, warp=steady.warp, confidence=steady.confidence):
    """The moving average along the flow."""
    kept = [ab[0]]
    for t in range(1, len(ab)):
        c = confidence(L[t], L[t - 1], motion[t])
        kept.append(ab[t] + strength * c * (warp(kept[-1], motion[t]) - ab[t]))
    return np.stack(kept)


# %% tags=["nbval-ignore-output"]
ways = {
    "frame by frame": frames,
    "moving average": average(frames),
    "moving average along the flow": along(frames),
    "first frame carried on": carried(frames, motion),
}
scores |= {name: score(name, ab) for name, ab in ways.items()}

# %% [markdown] deck="slide"
# ## Three ways to be steady
#
# *Average*: edges smear along time. *Along the flow*: they stay sharp. *Carried on*: what came into
# view has colors from elsewhere.

# %% [markdown] deck="notes"
# Slices of the same row. The plain average smears along time: slanted lines lose their edges. Along the flow
# they stay sharp. Carried on, the right border has colors that belong elsewhere.

# %% deck="figure"
plots.pictures(
    [slice_of(ab) for ab in ways.values()],
    "slices through time: only the average along the flow has neither bars nor smeared edges",
    ["frame by frame", "average", "along the flow", "carried on"],
)

# %% [markdown] deck="slide"
# ## The filter, in one line
#
# $$\bar{ab}_t = ab_t + s\,c\,(\mathrm{warp}(\bar{ab}_{t-1}) - ab_t)$$
#
# - $s$: how much of the old color is kept
# - $c$: how sure it is that this is the same thing, for each pixel
# - at a cut: $\bar{ab}_t = ab_t$

# %% [markdown] deck="notes"
# Ask what happens for c = 0 and for s = 0: both give the frame's own color.

# %% [markdown]
# One clip proves little. The maintainers measured eight pans, with two colorizers of this course.

# %%
stored = course.result("10/pan")
for system, rows in stored["models"].items():
    print(f"{system}, {stored['n']} pans of {stored['size']} px, {stored['frames']} frames each")
    for row in rows:
        unsteady, wrong = row["warping"], row["error"]
        print(f"  {row['name']:30} {unsteady[0]:5.2f}  {wrong[0]:5.1f}")

# %%
pans = {row["name"]: row for row in stored["models"]["S4"]}
calm, single = pans["moving average along the flow"], pans["frame by frame"]

# %% tags=["claim"]
for system, rows in stored["models"].items():
    row = {r["name"]: r for r in rows}
    flowing, alone = row["moving average along the flow"], row["frame by frame"]
    course.claim(
        'video "would require adapting the network architecture"',
        f"{system}, {stored['n']} pans on old film; the filter runs behind the network",
        f"warping error {alone['warping'][0]:.2f} becomes {flowing['warping'][0]:.2f}, "
        f"the truth has {row['truth']['warping'][0]:.2f}",
        "not against flicker: a filter behind the network is enough",
    )
    assert flowing["warping"][0] <= row["truth"]["warping"][0] < alone["warping"][1]
    assert flowing["error"][0] <= alone["error"][0]

# %% [markdown] deck="slide"
# ## Steadier than the truth, and no less true
#
# | S4, {{stored["n"]}} pans | warping error | error |
# | --- | ---: | ---: |
# | truth | {{pans["truth"]["warping"][0]:.2f}} | {{pans["truth"]["error"][0]:.1f}} |
# | frame by frame | {{single["warping"][0]:.2f}} | {{single["error"][0]:.1f}} |
# | moving average | {{pans["moving average"]["warping"][0]:.2f}} | {{pans["moving average"]["error"][0]:.1f}} |
# | along the flow | {{calm["warping"][0]:.2f}} | {{calm["error"][0]:.1f}} |

# %% [markdown] deck="notes"
# The network did not change. The filter behind it removes flicker and leaves the error where it was: a steady
# wrong color is still wrong.

# %% [markdown]
# ### Real clips
#
# Water runs over stones, filmed by a camera; the clip is in the public domain (CC0). We take its color away and
# make it old: flicker and grain as above, and **scratches**, which stay for one frame only. `flower.mp4` is a
# second clip to try.


# %%
def old(rgb):
    """L of a clip on film that flickers, is grainy, and is scratched anew in every frame."""
    L = film(rgb)
    return np.stack([old_photographs.scratches(x, 0.5, seed=t) for t, x in enumerate(L)])


path = files.PACKAGE / "clips" / "stream-of-water.mp4"
water = np.stack([frame.rgb for _, frame in zip(range(16), streams.frames(path))])
scratched = old(water)
print((path.parent / "CREDITS.md").read_text(encoding="utf-8").splitlines()[3])

# %%
filter = steady.Steady()  # the average along the flow, as the command line uses it
each = np.stack([model.ab(frame) for frame in scratched])
calmed = np.stack([filter(*frame) for frame in zip(scratched, each)])

# %% [markdown] deck="slide"
# ## A real clip, made old
#
# Above: each frame alone. Below: with the filter. It calms colors; scratches are in L, and stay.

# %% [markdown] deck="notes"
# Flicker, grain, and scratches that stay for one frame. The scratch is no color's fault: the filter does not mend
# L. Where a scratch lies, the old frame is not recognized, and the color is new.


# %% deck="figure"
def with_light(ab, t):
    """A frame of the clip in color."""
    return color.with_ab(scratched[t], color.within_gamut(scratched[t], ab[t]))


pairs = [with_light(ab, t) for ab in (each, calmed) for t in (0, 5, 10, 15)]
plots.pictures(
    pairs,
    "frames of a scratched stream, frame by frame and with the filter: alike at a glance",
    [f"{name}, {t}" for name in ("frame by frame", "filter") for t in (0, 5, 10, 15)],
    columns=4,
)

# %% tags=["claim"]
clips = course.result("10/clips")
print(f"S4, {clips['frames']} frames, {clips['size']} px")
for clip in ("flower", "stream-of-water"):
    found = clips["models"]["S4"][clip]
    calm, single = found["moving average along the flow"], found["frame by frame"]
    for name, row in (("truth", found["truth"]), ("frame by frame", single), ("filter", calm)):
        print(f"{clip:15} {name:14} warping error {row['warping']:.2f}, error {row['error']:5.2f}")
    assert calm["warping"] < single["warping"] / 3 and calm["error"] <= single["error"]

# %% [markdown]
# On both clips the filter removes more than two thirds of the flicker, and the error does not rise. On the
# stream it stays above the true clip's.

# %% [markdown]
# ## What memory is worth (optional)
#
# Is steadiness all that time can give? In paintbox the question has an exact answer. A scene's lake is blue at
# noon and pink at dusk, and only the sun's height tells which. We pan over the scene: the sun leaves the
# view, the lake stays. A predictor that sees **one frame** must answer with the mixture, a mud of blue and
# pink. A predictor that **remembers** the sun knows the color. Both floors are exact.

# %%
painted = paintbox.clip(8, 128, 3, width=64, time="dusk")
guesses = {memory: painted.expected_ab(memory) for memory in (False, True)}

# %% [markdown] deck="slide"
# ## The sun has left the view
#
# The best answer from one frame, and from all frames so far. Without memory the lake changes when
# the sun leaves.

# %% [markdown] deck="notes"
# The best that anybody can answer from one frame, and from all frames up to it. The lake changes its color when
# the sun leaves: a perfect predictor without memory is not steady.

# %% deck="figure"
seen = (0, 2, 3, 4, 5, 7)
plots.pictures(
    [color.with_ab(painted.L[t], ab[t]).clip(0, 1) for ab in guesses.values() for t in seen],
    "a pan: without memory the lake turns from pink to a mixture when the sun leaves the view",
    [f"{name}, {t}" for name in ("one frame", "memory") for t in seen],
    columns=6,
)

# %%
memory = course.result("10/memory")
worth, n = memory["worth"], memory["n"]

# %%
print(f"{n} pans, at the end: memory is worth {worth[0]:.0f} ({worth[1]:.0f} to {worth[2]:.0f})")
assert worth[1] > 0

# %% [markdown] deck="slide"
# ## What memory is worth
#
# At the end of {{n}} pans: {{worth[0]:.0f}} squared units, of {{memory["last"]["frame"][0]:.0f}}.

# %% [markdown] deck="notes"
# Both curves are floors: nobody can be below them. They part when the sun and the tree have left the view.

# %% deck="figure"
fig, axes = plots.grid(1, 1, width=7, height=3)
for (name, label), style in zip((("frame", "one frame"), ("memory", "memory")), ("-", "--")):
    axes[0].plot(memory["mean"][name], style, label=label)
axes[0].set(xlabel="frame", ylabel="least squared error", ylim=(0, None))
axes[0].legend()
plots.show(
    fig, "the floor without memory jumps when the sun leaves; with memory it falls to the end"
)

# %% [markdown]
# A recursive filter has a little of this memory: it carries a color as long as the thing stays in view. It
# cannot use the sun to color a lake that comes into view later. That needs a network with a memory, trained on
# clips.
#
# ## The price
#
# Kaushik et al. time their network on pictures of four sizes. They conclude that it is "good enough for
# real-time usage and can even be used to render video files". Their own table answers: 25 frames a second
# leave 0.04 seconds for each.

# %%
budget = 1 / 25  # seconds
reported = {224: (0.153, 0.459), 512: (0.644, 1.869), 1024: (1.867, 5.974), 2048: (8.534, 23.896)}
price = course.result("10/price")
for (size, (gpu, cpu)), s1, s4 in zip(reported.items(), price["rows"]["S1"], price["rows"]["S4"]):
    print(f"{size:4} px  reported: GPU {gpu:6.3f} s, CPU {cpu:6.3f} s   "
          f"here: S1 {s1['frame']:.3f} s, S4 {s4['frame']:.3f} s")  # fmt: skip

# %% tags=["claim"]
fastest = min(min(pair) for pair in reported.values())
course.claim(
    'the approach is "good enough for real-time usage"',
    "their Table 4, section IV.D; 25 frames a second leave 0.04 s",
    f"the smallest size on the GPU takes {fastest} s: {1 / fastest:.1f} frames a second",
    "fails by its own table; rendering without haste it allows",
)
assert fastest > budget
costs = price["filter"]
assert all(cost["filter"] < cost["network"] for cost in costs.values())

# %% [markdown] deck="slide"
# ## "Good enough for real-time usage"
#
# | side | reported, GPU | reported, CPU | S4 here, one thread |
# | ---: | ---: | ---: | ---: |
# | 224 | {{reported[224][0]}} s | {{reported[224][1]}} s | {{price["rows"]["S4"][0]["frame"]:.3f}} s |
# | 512 | {{reported[512][0]}} s | {{reported[512][1]}} s | {{price["rows"]["S4"][1]["frame"]:.3f}} s |
# | 1024 | {{reported[1024][0]}} s | {{reported[1024][1]}} s | {{price["rows"]["S4"][2]["frame"]:.3f}} s |
#
# 25 frames a second leave {{budget}} s.

# %% [markdown] deck="notes"
# By their own table no size reaches real time. The course is faster because the network works at its own size, and
# only L has the size of the picture. The filter adds less than the network takes.

# %% [markdown]
# The filter costs less than the network: it does not decide whether a film is colored in real time.
#
# ## Your own clip
#
# `python -m course_utils video in.mp4 -o out.mp4` colors a film from beginning to end, with this filter. It
# holds a few frames in memory, copies the sound, finds cuts, and goes on after an interruption.

# %% [markdown]
# ## Exercises
#
# ### Exercise 1: the warp
#
# Look up, for each pixel of the new frame, the values at its old place. Round the place to whole pixels.
# Beyond the border, take the nearest pixel of the frame. `before` is (H, W, C); `flow` is (H, W, 2), to the
# right and down, from the new frame to the one before.


# %% exercise="warp_back" minutes=8
def warp_back(before, flow):
    """The frame before, moved to where its pixels are now, (H, W, C)."""
    ### BEGIN SOLUTION
    height, width = flow.shape[:2]
    rows, columns = np.indices((height, width))
    y = np.round(rows + flow[..., 1]).astype(int).clip(0, height - 1)
    x = np.round(columns + flow[..., 0]).astype(int).clip(0, width - 1)
    return before[y, x]
    ### END SOLUTION


# %% check="warp_back" points=2
checks.warp_back(warp_back)
my_warp = warp_back

# %% [markdown]
# <details><summary>Hint</summary>`np.indices` gives the row and the column of each pixel. Add the flow to them, and
# use both as an index.</details>
#
# Your reward: the slice through time of the filter, with your warp in it.

# %%
mine = chosen(checks.warp_back, my_warp, steady.warp)
plots.pictures(
    [slice_of(frames), slice_of(along(frames, warp=mine))],
    "slices through time: the filter has removed the horizontal bars of the left one",
    ["frame by frame", "along the flow"],
)

# %% [markdown]
# ### Exercise 2: the confidence mask
#
# How sure is it that a pixel shows the same thing? Take the difference between L and the warped L before. What
# flickers alike everywhere is no doubt: subtract the **median** of the difference. Then let confidence fall as
# $\exp(-(d / \mathrm{doubt})^2)$.


# %% exercise="confidence_mask" minutes=6
def confidence_mask(L, warped, doubt):
    """How sure each pixel is, (H, W, 1) in 0..1."""
    ### BEGIN SOLUTION
    difference = L - warped
    difference = difference - np.median(difference)
    return np.exp(-((difference / doubt) ** 2))
    ### END SOLUTION


# %% check="confidence_mask" points=2
checks.confidence_mask(confidence_mask)
my_mask = confidence_mask

# %% [markdown]
# <details><summary>Hint</summary>One median for the whole frame; `np.exp` and `** 2` work pixel by pixel.</details>
#
# Your reward: where a painted clip is recognized, and where something was hidden.


# %%
def course_mask(L, warped, doubt):
    return np.exp(-(((L - warped) / doubt) ** 2))


scene = paintbox.clip(8, 128, 5)
sees = chosen(checks.confidence_mask, my_mask, course_mask)
warped = steady.warp(scene.L[3], scene.flow[4])
found = sees(scene.L[4], warped, 6.0)[..., 0]
plots.pictures(
    [scene.rgb[4], found, 1.0 - scene.fresh[4]],
    "a painted scene; confidence is low in thin crescents, where moving things hid the ground",
    ["frame", "your confidence", "truly seen before"],
)

# %% [markdown]
# ### Exercise 3: find the cut
#
# A film has cuts, and no color may be carried over one. Compare each frame with the one before: where the
# **correlation** of their values of L is below `alike`, a new shot begins. A change of brightness leaves the
# correlation as it is. Return one boolean for each frame; the first is False.


# %% exercise="find_cuts" minutes=6
def find_cuts(L, alike):
    """Whether a shot begins at each frame of L (T, H, W, 1): (T,) booleans."""
    ### BEGIN SOLUTION
    flat = L.reshape(len(L), -1)
    pairs = zip(flat[1:], flat[:-1])
    return np.array([False] + [np.corrcoef(now, old)[0, 1] < alike for now, old in pairs])
    ### END SOLUTION


# %% check="find_cuts" points=2
checks.find_cuts(find_cuts)
my_cuts = find_cuts

# %% [markdown]
# <details><summary>Hint</summary>`np.corrcoef(x, y)[0, 1]` is the correlation of two flat arrays.</details>
#
# Your reward: a film of three shots, each of which begins where your code says.


# %%
def course_cuts(L, alike):
    return np.array([False] + [steady.is_cut(*pair) for pair in zip(L[1:], L)])


shots = np.concatenate([film(pan(album[i], 6)) for i in (14, 7, 20)])
begins = np.flatnonzero(chosen(checks.find_cuts, my_cuts, course_cuts)(shots, 0.6))
plots.pictures(
    [shots[t, ..., 0] / 100 for t in (0, *begins)],
    "the first frame of each shot that was found in a film of three shots",
    [f"frame {t}" for t in (0, *begins)],
)

# %% [markdown] deck="slide"
# ## Exercises
#
# 1. the warp: look up each color at its old place
# 2. the confidence mask: is it still the same thing?
# 3. find the cut: where must the filter forget?

# %% [markdown] deck="notes"
# The first one is where people lose their way: flow has the columns first, arrays have the rows first.

# %% [markdown]
# ## Quiz
#
# **1. A method halves the warping error. What do you ask?**
#
# <details><summary>A. By how much its error to the truth changed.</summary>Right: gray has a warping error of 0.</details>
# <details><summary>B. Nothing, it is better.</summary>A clip in one color would be the best of all.</details>
# <details><summary>C. Whether it is below the truth's.</summary>Worth asking, but gray is below it too.</details>
#
# **2. Why does the filter look at L to know what moved?**
#
# <details><summary>A. L is known and does not depend on the colorizer.</summary>Right: colors that flicker would
# disturb the flow that should calm them.</details>
# <details><summary>B. L has more pixels.</summary>ab has as many here; it is what we do not trust.</details>
# <details><summary>C. Flow needs three channels.</summary>One channel is enough: flow compares values, not hues.</details>
#
# **3. A balloon comes out from behind another. Which color does it get?**
#
# <details><summary>A. That of this frame.</summary>Right: L differs from the warped L, so confidence is low.</details>
# <details><summary>B. That of the balloon in front.</summary>That is what happens without the mask.</details>
# <details><summary>C. None.</summary>Every frame has been colored anyway.</details>

# %% [markdown] deck="slide"
# ## Is it better?
#
# A paper halves the warping error, and prints no other number.
#
# **Name two numbers that you want to see before you believe that its films are better.**

# %% [markdown] deck="notes"
# By how much its error to the truth changed. Gray has a warping error of 0.

# %% [markdown]
# ## What broke
#
# - A steady wrong color is still wrong: the error to the truth hardly moved.
# - Things that leave the view are forgotten, whatever they said about the rest. A network with memory repairs
#   that, if it is trained on clips.
# - The user cannot say that the coat was green. Hints come in lesson 11.

# %% [markdown] deck="slide"
# ## What broke, and who repairs it
#
# | what | where |
# | --- | --- |
# | a steady wrong color is still wrong | lesson 11: hints |
# | what leaves the view is forgotten | a network with memory, trained on clips |
# | nobody asked the person who knows | lesson 11: hints |

# %% [markdown] deck="notes"
# The filter is an average, no knowledge.

# %% [markdown]
# ## Further reading
#
# - Kaushik et al., "Colorizing Images using CNN in Machine Learning", section IV.D: the times, and the claim.
# - Kroeger et al. 2016, "Fast Optical Flow using Dense Inverse Search": the flow of this lesson.
# - Lai et al. 2018, "Learning Blind Video Temporal Consistency": a network in place of the filter, and the
#   warping error.
# - Lei, Xing and Chen 2020, "Blind Video Temporal Consistency via Deep Video Prior": a network that is trained on
#   one clip, and stopped early.
# - Liu et al. 2021, "Temporally Consistent Video Colorization with Deep Feature Propagation and
#   Self-Regularization Learning": color distribution consistency.

# %% [markdown] deck="slide"
# ## Where the field went
#
# - Lai et al. 2018: a network in place of the filter
# - Lei et al. 2020: deep video prior, trained on one clip
# - Liu et al. 2021: features are carried along, not colors

# %% [markdown] deck="notes"
# All three are judged by warping error, beside an error to the truth or to the frames.
