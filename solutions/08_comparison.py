# ---
# jupyter:
#   course:
#     title: Comparison
#     question: Which is best, by which measure, and says who?
#     objectives:
#       - read a table of results as a protocol first and as numbers second
#       - compare colorizers in pairs on the same photographs, and correct for all tests that you show
#       - find where each one wins, and which customer would buy it
#       - say what a study with people can show, and what it cannot
#       - put a colorizer of your own on the leaderboard
#     prerequisites: lessons 02 to 07; the mean, the standard error, the bootstrap interval.
#     running: 3
#     data: the course's album of photographs, each under its own licence (CREDITS.md in the album),
#       and painted scenes; stored numbers come from photographs that are not redistributed.
#     licence: text CC BY 4.0, code MIT.
#     extras: [onnx]
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
# **For the instructor.** One question carries this lesson, and it needs another one first: best for
# whom? Begin with the vote, write the counts on the board, and come back to them after the leaderboard and
# after the customers. Students go wrong at two places. They take overlapping intervals for "no
# difference", and they correct for the tests that they report, not for those that they looked at. When time is
# short, leave out the sections on people and on claims, and give exercise 4 as homework. Keep exercise 3: the customers are the
# lesson in ten minutes. Somebody will ask for one final number. Let them write down whom it is for.

# %%
import tempfile
from pathlib import Path

import numpy as np
import onnx
from PIL import Image, ImageOps
from skimage import data

from course_utils import color, course, leaderboard, metrics, photos, plots
from course_utils import old_photographs as old
from course_utils.checks import chosen
from course_utils.checks import lesson_08 as checks
from course_utils.colorizer import METADATA
from course_utils.leaderboard import short
from course_utils.metrics.report import cell

# %% [markdown] deck="slide"
# ## Which is best?
#
# Lessons 02 to 06 each ended with one file from L to ab. Now the five files meet.
#
# - The same photographs and the same code. Nothing is known of a colorizer but its file.
# - First you vote. Then we measure.
#
# Before you can say which is best, you must say **for whom**.

# %% [markdown] deck="notes"
# Do not say which letter is which colorizer. Let the room vote by hand on the next slide, one vote each, and
# write the counts on the board. You need them after the leaderboard and after the customers.

# %% [markdown]
# ## Vote first
#
# Lessons 02 to 06 each ended with a *colorizer*: one ONNX file from L to ab. This lesson knows nothing of
# them but that file. Six columns follow, in an order drawn by chance: the five files, and S2 a second time,
# rebalanced (lesson 05). You do not see the true colors, as for an old photograph. Which column would you hand
# in? Decide before you read on, and write down why.

# %%
MODELS = leaderboard.shipped()  # {name: Colorizer}
SYSTEMS = {short(name): model for name, model in MODELS.items()}  # S0, S1, S4, S2, S3
ALBUM = {photo.name: photo for photo in photos.album("test")}  # no colorizer has seen these


def fitted(name, size=(240, 160), top=0.3):
    """A photograph of the album's test split, cropped to one size: uint8 (H, W, 3)."""
    picture = Image.fromarray(ALBUM[name].rgb)
    return np.asarray(ImageOps.fit(picture, size, Image.Resampling.LANCZOS, centering=(0.5, top)))


def credits(names):
    print("\n".join(ALBUM[name].credit for name in names))


# %%
def annealed(rgb):
    """S2 at a low temperature."""
    return SYSTEMS["S2"].colorize(rgb, T=0.38)


def rebalanced(rgb):
    """S2, its distribution divided by how common each color is."""
    return SYSTEMS["S2"].colorize(rgb, T=1.0, rebalance=1.0)


CANDIDATES = {name: model.colorize for name, model in SYSTEMS.items()}
CANDIDATES["S2 rebalanced"] = rebalanced
# The letters in an order drawn by chance; do not look.
LETTERS = dict(zip("ABCDEF", np.random.default_rng(11).permutation(list(CANDIDATES)).tolist()))


# %%
def in_columns(photographs, columns, alt, width=9):
    """Photographs (H, W, 3) below each other, in a column for each way to color, under its name."""
    line = np.full((4, photographs[0].shape[1], 3), 255, np.uint8)  # white, between two pictures
    drawn = [[x for rgb in photographs for x in (paint(rgb), line)] for paint in columns.values()]
    plots.pictures([np.concatenate(x) for x in drawn], alt, list(columns), width=width)


# %% [markdown] deck="slide"
# ## Vote: which column would you hand in?

# %% [markdown] deck="notes"
# The first column is what the colorizers get. Ask three who voted differently what they judged by: lively
# colors, no blunders, or what must be right, like grass and sky. The leaderboard has a column for each of
# these. For you only: {{", ".join(f"{letter} is {name}" for letter, name in LETTERS.items())}}.

# %% deck="figure"
VOTED = "prokudin_00889", "fruits", "siberian_tiger"
columns = {"gray": metrics.paint_gray} | {key: CANDIDATES[LETTERS[key]] for key in LETTERS}
ALT = "A church, fruit and a tiger, in gray and in color, a column for each of the letters A to F."
in_columns([fitted(name) for name in VOTED], columns, ALT, 12)
credits(VOTED)

# %%
VOTE = ""  # write your letter here, "A" to "F"
print(f"You voted for {VOTE}." if VOTE in LETTERS else "No vote yet. Write a letter above.")

# %% [markdown]
# ## Six ways to color
#
# Lessons 04 to 06 gave four different answers to the same question. Here they stand side by side, with the gray
# photograph and the truth. The **mean** is the squared error's answer. **Annealed** (T = 0.38) lies between the
# mean and the most probable color. **Rebalanced** gives rare colors more weight. The **GAN** was also trained against a
# discriminator.

# %%
WAYS = {
    "gray": metrics.paint_gray,
    "mean (S4)": CANDIDATES["S4"],
    "annealed (S2)": annealed,
    "rebalanced (S2)": rebalanced,
    "GAN (S3)": CANDIDATES["S3"],
    "truth": np.asarray,
}

# %% [markdown] deck="slide"
# ## Six ways to color

# %% [markdown] deck="notes"
# All four find the face and the suit, and the color grows from left to right. Annealed colors come in patches. Rebalanced color is livelier
# and spills over edges, as on the wall behind the mangoes. The last two rows fail in every column: nothing in a gray photograph
# tells the colors of a balloon or of a coat. Ask for each column: which mistake would you rather explain to a customer?

# %% deck="figure" picture="six_ways"
SIX = "astronaut", "mangoes", "cruise_ship", "german_hot_air_balloon", "outwear_00002"
ALT = "Five photographs in six columns: livelier from the mean to the GAN; balloon and coat fail."
credits(SIX)
in_columns([fitted(name, top=0.1) for name in SIX], WAYS, ALT, 11.5)

# %% [markdown]
# All four know skin, suit and sky. Annealed color comes in patches. Rebalanced color is livelier everywhere, also where it is wrong: the wall behind the mangoes turns red.
# Balloon and coat fail in every column: nothing in a gray photograph tells their colors, and none of the four says that it does not know.
#
# ## The leaderboard
#
# Each set of photographs has a board of its own, because a score means nothing on other photographs. Here is Intel's, with the
# value of every photograph. Lesson 07 says what each score compares. Four rows are no
# competitors. **Gray** has the true L and no color. **Own mean ab** gives every pixel the true mean color of its
# photograph, so it uses the answer. Two **ceilings** show what is lost before any network errs. The last lines say what each file learned from.

# %%
boards = leaderboard.unpacked(course.result("08/leaderboard"))  # {set of photographs: board}
board = boards["Intel"]
print(leaderboard.table(board))

# %% [markdown] deck="slide"
# ## The leaderboard, with intervals
#
# Crosses are no competitors: gray, and one flat color taken from the answer.

# %% [markdown] deck="notes"
# Five measures on the same {{board["n"]}} photographs, with 95 % intervals. Circles are colorizers. Crosses are no competitors: gray,
# and one flat color for each picture that was taken from the answer. Ask for each panel: who wins? Then ask why a flat color is
# so good in three of them. The ceilings are not drawn; they lie far to the right.

# %%
systems = list(board["cost"])
MEASURES = {key: metrics.METRICS[key] for key in ("psnr", "ssim", "delta_e", "gap", "area")}
means = board["rows"]  # {name: {measure: [mean, low, high]}}
DRAWN = [name for name in leaderboard.ordered(board) if name in means and "ceiling" not in name]


def whiskers(ax, key):
    """One measure: a mean and a 95 % interval for every row."""
    for place, name in enumerate(reversed(DRAWN)):
        mean, low, high = means[name][key]
        mark, tone = ("o", plots.LINES[0]) if name in board["cost"] else ("x", plots.INK)
        ax.plot([low, high], [place, place], color=tone, linewidth=2)
        ax.plot(mean, place, mark, color=tone, markersize=9, markeredgewidth=2)
    ax.set(title=MEASURES[key].title)
    ax.set_xlabel("more is better" if MEASURES[key].better > 0 else "less is better")
    ax.xaxis.set_major_locator(plots.plt.MaxNLocator(3))


# %% deck="figure"
fig, axes = plots.grid(1, len(MEASURES), width=12.5, height=4, sharey=True)
for ax, key in zip(axes, MEASURES):
    whiskers(ax, key)
labels = [short(name).split(" (")[0] for name in reversed(DRAWN)]
axes[0].set_yticks(range(len(DRAWN)), labels)
plots.show(fig, "S2 leads in four of five measures, S3 in the gap; own mean is ahead in three.")


# %% tags=["claim"]
def over_gray(board, name):
    """PSNR minus that of gray, photograph by photograph: (N,), in dB."""
    return leaderboard.values(board, name, "psnr") - leaderboard.values(board, "gray", "psnr")


for name in systems:
    over = metrics.bootstrap(over_gray(board, name))
    behind = metrics.bootstrap(over_gray(board, leaderboard.MEAN) - over_gray(board, name))
    print(f"{short(name)}: {cell(over, 2)} dB over gray; own mean is ahead by {cell(behind, 2)}")
    assert behind[1] > 0

# %% tags=["claim"]
places = {}  # {measure: the colorizers from the first to the last, by the mean}
for key, measure in MEASURES.items():
    ordered = sorted(systems, key=lambda name: -measure.better * means[name][key][0])
    places[key] = [short(name) for name in ordered]
    print(f"{measure.title:17}", " ".join(places[key]))
assert places["gap"][0] == places["ssim"][-1] == "S3"
assert all(places[key][0] == "S2" for key in MEASURES if key != "gap")

# %% [markdown]
# S2 is first in PSNR, SSIM, ΔE00 and the accuracy area. S3 is first in the colorfulness gap, and last in SSIM, behind gray: a discriminator asked it to look real.
#
# All five beat gray in PSNR. And **a flat color that was taken from the answer beats all five**. Two right numbers for each picture are worth more decibels than millions of
# weights that must guess. It says what a decibel of PSNR mostly measures: whether the picture is warm or cool on the whole.
#
# Now look up your vote.

# %%
print(f"{VOTE} is {LETTERS[VOTE]}." if VOTE in LETTERS else "Vote first, then run this cell again.")

# %% [markdown]
# ### On other photographs
#
# The same files on four test sets that no colorizer learned from:


# %%
def beside(found, labels, xlabel, alt, height=4, size=9):
    """A row for each label, with an interval of every system; found: {system: its intervals}."""
    fig, (ax,) = plots.grid(1, 1, width=9, height=height)
    for i, (name, rows) in enumerate(found.items()):
        mean, low, high = np.transpose(rows)
        look = {"fmt": plots.MARKERS[i], "markersize": size, "label": name}
        y = np.arange(len(labels)) + 0.14 * (i - 2)
        ax.errorbar(mean, y, xerr=(mean - low, high - mean), **look)
    ax.axvline(0, color=plots.INK, linewidth=1)
    ax.set(yticks=range(len(labels)), yticklabels=labels, xlabel=xlabel)
    ax.invert_yaxis()
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    plots.show(fig, alt)


# %% [markdown] deck="slide"
# ## The same files on four sets of photographs

# %% [markdown] deck="notes"
# Gain in PSNR over gray, 95 % intervals. In brackets the number of photographs. The first three sets come from the same sources as the training
# photographs. "Other cameras" does not, and there most intervals contain 0. Ask which row tells you most about your own photographs.

# %% deck="figure"
gains = {}  # {set: {system: (mean, low, high)}}, in dB over gray
for key, one in boards.items():
    gains[key] = {short(name): metrics.bootstrap(over_gray(one, name)) for name in systems}
by_system = {name: [gains[key][name] for key in boards] for name in SYSTEMS}
labels = [f"{key} ({one['n']})" for key, one in boards.items()]
ALT = "S2 and S4 lead on three sets; on other cameras only S4's interval excludes zero."
beside(by_system, labels, "PSNR over gray, dB", ALT)

# %% tags=["claim"]
for key in boards:
    best = max(gains[key], key=lambda name: gains[key][name][0])
    sure = [name for name, (_, low, _) in gains[key].items() if low > 0]
    print(f"{key:14} {best} has the largest gain; above gray beyond doubt: {', '.join(sure)}")
assert all(low > 0 for _, low, _ in gains["diverse"].values())
assert [name for name, (_, low, _) in gains["other cameras"].items() if low > 0] == ["S4"]

# %% [markdown]
# On three sets S2 and S4 are ahead and everybody beats gray. These sets come from the sources that the colorizers learned from. On **other
# cameras** only S4 is shown to beat gray.
#
# ### Three surprising rows
#
# Three photographs of the album show why lively colors can lose to gray, and a flat tint beats all five:

# %% [markdown] deck="slide"
# ## Three surprising rows, as pictures
#
# Above each picture: its PSNR, minus that of gray.

# %% [markdown] deck="notes"
# Above each picture: its PSNR on the board, minus that of gray. First S3 behind gray: lively flowers of wrong colors.
# Then the flat tint, which loses least on this sky. Then S0's brown, ahead of S2 and S3. Ask which picture of each row a customer would take.

# %% deck="figure"
SURPRISES = "common_lantanas", "cruise_ship", "fruits"
ways = {leaderboard.MEAN: metrics.paint_mean}
ways |= {systems[i]: MODELS[systems[i]].colorize for i in (0, 3, 4)}  # S0, S2, S3
shown, titles = [], []
for name in SURPRISES:
    rgb, place = fitted(name), list(ALBUM).index(name)
    shown += [metrics.paint_gray(rgb), *(paint(rgb) for paint in ways.values()), rgb]
    gain = [(short(key).split(" (")[0], over_gray(boards["album"], key)[place]) for key in ways]
    titles += ["gray", *(f"{who} {x:+.1f} dB" for who, x in gain), "truth"]
ALT = "Lively wrong flowers by S3; a flat tint on a ship; brown fruit by S0, colored by S3."
plots.pictures(shown, ALT, titles, columns=6, width=10)
credits(SURPRISES)

# %% [markdown]
# S3's flowers are lively, and two decibels behind gray: a **wrong color costs more than none**. S3's mean on other cameras is below gray's, yet it is
# first in colorfulness gap and Fréchet distance. Those ask how real pictures look, not which color is true. In the ship's sky
# orange and blue cancel, so **the flat tint is nearly gray and loses least**. On the fruit S0's safe brown is two decibels ahead of S2.
#
# ## In pairs
#
# The intervals of many colorizers overlap. Is there no difference, then? That does not follow. A hard photograph is hard for
# all colorizers. This share of the luck cancels when two are compared on the same photographs: take the difference photograph by
# photograph, and the interval of *that*.
#
# ### Exercise 1: a verdict that can say three things (5 minutes)
#
# Each row holds the differences of one pair, in dB, on N photographs. Give 1 where the first is better, -1 where it is
# worse, and 0 where the photographs do not decide. Use the interval $\bar d \pm 1.96 \, s / \sqrt N$ of the mean difference, where
# $s$ is the standard deviation of the differences.


# %% exercise="verdicts" minutes=5
def verdicts(differences):
    """Paired differences (K, N) to K verdicts (K,): 1 better, -1 worse, 0 undecided."""
    ### BEGIN SOLUTION
    mean = differences.mean(axis=1)
    half = 1.96 * differences.std(axis=1, ddof=1) / np.sqrt(differences.shape[1])
    return 1 * (mean - half > 0) - 1 * (mean + half < 0)
    ### END SOLUTION


# %% check="verdicts" points=2
my_verdicts = verdicts
checks.verdicts(verdicts)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Mean and standard deviation over the photographs, `axis=1`. The mean of N differences is surer than a
# single one, by the root of N.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Better: the lower end is above 0. Worse: the upper end is below 0. A comparison gives True or False, and
# `1 * True` is 1. What is left is 0 by itself.
#
# </details>
#
# The matrix below is made by your function where the check accepts it:


# %%
def by_bootstrap(differences):
    """The course's own: the sign that both ends of the bootstrap interval share."""
    ends = np.sign([metrics.bootstrap(row)[1:] for row in differences])  # (K, 2)
    return np.where(ends[:, 0] == ends[:, 1], ends[:, 0], 0)


# %%
decide = chosen(checks.verdicts, my_verdicts, by_bootstrap)
NAMES = ["gray", *systems]
beats = {}  # {measure: (6, 6)}, is the row better than the column?
for key in ("psnr", "gap"):
    x = np.stack([MEASURES[key].better * leaderboard.values(board, name, key) for name in NAMES])
    pairs = (x[:, None] - x[None]).reshape(-1, x.shape[1])  # (36, N)
    beats[key] = np.reshape(decide(pairs), (len(NAMES), len(NAMES)))

# %% [markdown] deck="slide"
# ## Who is better than whom?
#
# **+** the row is better than the column, **−** worse, **?** undecided.

# %% [markdown] deck="notes"
# Read along a row: + means that it is better than the column's colorizer on these photographs, − worse, ? undecided.
# Left PSNR, right the colorfulness gap. Compare the last row in both. Each cell is one test at 5 %, and nobody has
# corrected for their number yet.

# %% deck="figure"
fig, axes = plots.grid(1, 2, width=11, height=4.2)
for ax, (key, found) in zip(axes, beats.items()):
    ax.imshow(found, cmap="RdBu", vmin=-2, vmax=2)
    for (i, j), sign in np.ndenumerate(found):
        ax.text(j, i, "" if i == j else "?+−"[int(sign)], ha="center", va="center", fontsize=18)
    ax.set_xticks(range(len(NAMES)), map(short, NAMES))
    ax.set_yticks(range(len(NAMES)), map(short, NAMES))
    ax.set(title=f"{MEASURES[key].title}: is the row better?")
    ax.grid(False)
plots.show(fig, "By PSNR S2 is better than all others; by the gap S3 is better than all others.")

# %% [markdown]
# ### Many tests at once
#
# Each interval errs in one case of twenty, also where there is no difference. Of thirty, one or two exclude 0 by chance. **Holm's** correction (1979) keeps the chance of even *one* such error at 5 %. Sort the k p-values. Hold the smallest
# against level / k, the next against level / (k − 1), up to the largest against the level itself. The first that is larger than its
# bound falls, and so do all after it. The number k counts **all tests that you show**, on all measures together.
#
# ### Exercise 2: Holm's correction (6 minutes)


# %% exercise="stays" minutes=6
def stays(p, level):
    """p-values (k,) and a level to booleans (k,), in the given order: which stay after Holm?"""
    ### BEGIN SOLUTION
    keep = np.zeros(len(p), bool)
    for place, which in enumerate(np.argsort(p)):
        if p[which] > level / (len(p) - place):
            break
        keep[which] = True
    return keep
    ### END SOLUTION


# %% check="stays" points=2
my_stays = stays
checks.stays(stays)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `np.argsort(p)` names the p-values from the smallest to the largest; walk along it.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Stop at the first that fails: a later one may pass its own bound and falls all the same.
#
# </details>
#
# Two measures with fifteen pairs each are thirty tests, and all thirty are corrected together:

# %% tags=["claim"]
tests = [(key, pair) for key in beats for pair in leaderboard.pairs(board, key)]  # 30
p = np.array([pair["p"] for _, pair in tests])
kept = np.asarray(chosen(checks.stays, my_stays, metrics.holm)(p, 0.05), bool)
alone = np.array([pair["lead"][1] > 0 for _, pair in tests])
print(f"{len(tests)} tests: {alone.sum()} intervals exclude 0, {kept.sum()} stay after Holm")
assert (kept <= alone).all() and kept.sum() < alone.sum()
s4, s2 = (means[name]["psnr"] for name in systems[2:4])  # their single intervals overlap
assert s2[0] > s4[0] and s2[1] < s4[2]

# %% [markdown] deck="slide"
# ## In pairs, with all {{len(tests)}} tests corrected together

# %% [markdown] deck="notes"
# Each line is one pair: by how much the better one leads, and the interval of the difference. Filled: it stays when all
# {{len(tests)}} tests are corrected together. Hollow: it falls. A hollow mark does not mean that the two are equal. It means that these
# photographs do not tell them apart.

# %% deck="figure"
fig, axes = plots.grid(1, 2, width=11, height=5)
for ax, key in zip(axes, beats):
    found = [(pair, sure) for (k, pair), sure in zip(tests, kept) if k == key][::-1]
    for y, (pair, sure) in enumerate(found):
        mean, low, high = pair["lead"]
        ax.plot([low, high], [y, y], color=plots.LINES[0], linewidth=2)
        fill = plots.LINES[0] if sure else "white"
        ax.plot(mean, y, "o", color=plots.LINES[0], markerfacecolor=fill, markersize=9)
    names = [f"{short(pair['first'])} over {short(pair['second'])}" for pair, _ in found]
    ax.axvline(0, color=plots.INK, linewidth=1)
    ax.set(yticks=range(len(found)), yticklabels=names, xlabel="lead of the better one")
    ax.set(title=MEASURES[key].title)
plots.show(fig, "Nearly all leads in PSNR are filled; in the gap the six shortest are hollow.")

# %% [markdown]
# S2 leads S4 by less than a fifth of a decibel, and their single intervals overlap almost entirely. The lead stays all the same, because S2 is ahead on most
# photographs. In the gap, S3's three short leads exclude 0 one by one, and fall when all tests are corrected together.
#
# Pairing does not cover the luck of training: every file here was trained once. A lead that stays is a lead of one *file*, not of one idea.
#
# ## Where does each one win?
#
# A mean hides where it comes from. Sort the photographs by how colorful the truth is, cut them into five equal parts,
# and ask for the gain over gray in each.

# %%
true_color = leaderboard.values(board, "gray", "colorfulness_truth")  # (N,), the same in each row
order = np.argsort(true_color, kind="stable")
fifths = {}  # {name: five times (mean, low, high)}
for name in systems:
    gain = np.array_split(over_gray(board, name)[order], 5)
    fifths[name] = [metrics.bootstrap(part) for part in gain]
parts = [true_color[part] for part in np.array_split(order, 5)]
ranges = [f"{part[0]:.0f} to {part[-1]:.0f}" for part in parts]

# %% [markdown] deck="slide"
# ## Gain over gray, by how colorful the truth is

# %% [markdown] deck="notes"
# Left end: nearly gray photographs, fog, snow, stone. There every color is a risk. Right end: sunsets, autumn. The mean of
# the leaderboard is a mixture of the five, so it depends on how many pale photographs a test set has. Ask what happens to the
# ranking on a test set of postcards.

# %% deck="figure"
fig, (ax,) = plots.grid(1, 1, width=9, height=3.8)
for i, (mark, name) in enumerate(zip(plots.MARKERS, systems)):
    mean, low, high = np.transpose(fifths[name])
    x = np.arange(5) + 0.06 * (i - 2)
    ax.errorbar(x, mean, [mean - low, high - mean], marker=mark, label=short(name), markersize=8)
ax.axhline(0, color=plots.INK, linewidth=1)
ax.set(xticks=range(5), xticklabels=ranges, ylabel="PSNR over gray, dB")
ax.set(xlabel="colorfulness of the truth, fifths of the photographs")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(fig, "All are below zero on the palest fifth and gain 3 or 4 dB on the most colorful.")

# %% tags=["claim"]
for name, found in fifths.items():
    texts = [cell(part, 1) for part in (found[0], found[-1])]
    print(f"{short(name)} over gray: palest fifth {texts[0]} dB, most colorful {texts[1]} dB")
    assert found[0][0] < 0 < found[-1][1]
worse = [short(name) for name in systems if fifths[name][0][2] < 0]
print(f"worse than gray on the palest fifth, beyond doubt: {', '.join(worse)}")
assert len(worse) == len(systems)

# %% [markdown]
# On the palest fifth **every colorizer is worse than the picture left gray**. On the most colorful fifth all gain three decibels or more. S3 pays most on the
# pale photographs. So the leaderboard's mean depends on how many pale photographs the test set holds.
#
# And by **what the photograph shows**? For most photographs a folder or a list names it. We take each group of eight or more.
# No set has a group "skin": the nearest is "people or dogs", which has no finer labels.

# %%
GROUPS = {}  # {label: (set, which of its photographs)}
for key in ("diverse", "Intel", "album"):
    kinds = np.array(boards[key]["kinds"])
    for kind in sorted({*kinds.tolist()} - {"other"}):
        if (kinds == kind).sum() >= 8:
            GROUPS[f"{kind}, {key} ({(kinds == kind).sum()})"] = boards[key], kinds == kind
won = {}  # {system: its intervals, group by group}
for n in systems:
    won[short(n)] = [metrics.bootstrap(over_gray(one, n)[here]) for one, here in GROUPS.values()]

# %% [markdown] deck="slide"
# ## Where does each one win?
#
# In brackets: the number of photographs. Groups of eight to ten decide little.

# %% [markdown] deck="notes"
# Gain over gray by what the photograph shows, with the set and the number of photographs. Read N first: the album's groups have eight to ten, and
# their intervals decide little. Sky and glaciers: S4 and S2 gain over three decibels. Food: the first four are alike. Ask what a network can see in a gray sky, and what in gray food.

# %% deck="figure"
ALT = "S4 and S2 are far ahead on sky and glaciers; on food all but S3 gain about the same."
beside(won, list(GROUPS), "PSNR over gray, dB", ALT, height=9, size=6)

# %% tags=["claim"]
tests_of = {}  # {group: S4 against S0}
for group, (one, here) in GROUPS.items():
    part = {n: {"psnr": leaderboard.values(one, n, "psnr")[here]} for n in systems[:3:2]}
    (tests_of[group],) = leaderboard.pairs({"photographs": part}, "psnr", list(part))
sure = metrics.holm([pair["p"] for pair in tests_of.values()])
print(f"PSNR of S4 and S0, {len(tests_of)} tests corrected together")
for (group, pair), stay in zip(tests_of.items(), sure):
    who = f"{short(pair['first'])} leads by {cell(pair['lead'], 1)} dB"
    print(f"{group:32} {who:32} {'stays' if stay else 'undecided'}")
decided = {group.split(",")[0] for group, stay in zip(tests_of, sure) if stay}
assert {"sky", "glacier"} <= decided and not {"food", "animal"} & decided

# %% [markdown]
# Pretrained features win most on **sky** and glaciers, then on flowers, houses and rooms: there, knowing the thing tells the color. On **fur** and on people or dogs the lead is half a
# decibel. On **food** it is undecided on both sets, and on the album's ten animals too. S3 wins nowhere by PSNR.
#
# ## What a customer wants
#
# ### Exercise 3: three customers (10 minutes)
#
# Nobody buys decibels. Write what each of these customers pays for a colorizer, for true and predicted colors of the
# same pictures. Each bill is one number, and less is better.
#
# 1. **The restorer** goes over every picture by hand. Whatever lies more than 10 ab units from the truth
#    is painted anew. The bill: the share of all pixels that are.
# 2. **The newspaper archive** gets a complaint for every picture that is worse than gray. The bill: the share of pictures whose mean squared ab error is larger than gray's.
# 3. **The game studio** needs textures as lively as the originals, on the whole; which one is which color
#    does not matter. The bill: how far the mean chroma of all pixels is from the true one, in either
#    direction. (Chroma is the length of ab.)


# %% exercise="bills" minutes=10
def bills(ab, ab_hat):
    """True and predicted ab, both (N, H, W, 2), to three numbers: restorer, archive, studio."""
    ### BEGIN SOLUTION
    distance = np.linalg.norm(ab - ab_hat, axis=-1)  # (N, H, W)
    chroma, chroma_hat = np.linalg.norm(ab, axis=-1), np.linalg.norm(ab_hat, axis=-1)
    worse = (distance**2).mean((1, 2)) > (chroma**2).mean((1, 2))  # (N,): gray's distance is chroma
    return (distance > 10).mean(), worse.mean(), abs(chroma_hat.mean() - chroma.mean())
    ### END SOLUTION


# %% check="bills" points=3
my_bills = bills
checks.bills(bills)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Gray has ab = 0, so its squared error at a pixel is the squared chroma of the truth.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The archive counts pictures: mean over height and width first, compare, then the mean over N. The studio takes the mean first and the
# absolute value last.
#
# </details>
#
# Your function, where the check accepts it, writes the bills of all six candidates for photographs of the album:


# %%
def course_bills(ab, ab_hat):
    """The course's own, by squares."""
    wrong, square, square_hat = (np.square(x).sum(-1) for x in (ab - ab_hat, ab, ab_hat))
    off = np.sqrt(square_hat).mean() - np.sqrt(square).mean()
    return (wrong > 100).mean(), (wrong.mean((1, 2)) > square.mean((1, 2))).mean(), abs(off)


billing = chosen(checks.bills, my_bills, course_bills)
billed = np.stack([fitted(name, (96, 64)) for name in list(ALBUM)[::2]])  # (28, 64, 96, 3)
true_ab = color.ab(billed)
asked = {"gray": billing(true_ab, 0 * true_ab)}
for name, paint in CANDIDATES.items():
    asked[name] = billing(true_ab, color.ab(np.stack([paint(rgb) for rgb in billed])))

# %% [markdown] deck="slide"
# ## Three customers, and what they pay
#
# Short bars win. The restorer counts wrong pixels, the archive pictures that are worse than gray,
# the studio how far chroma is off.

# %% [markdown] deck="notes"
# Left, the restorer: every pixel more than 10 ab from the truth. Middle, the newspaper archive: every picture that is worse than gray. Right, the
# game studio: how far the mean chroma is off, whatever the colors. Short bars win. The archive buys gray, which makes the room laugh and
# should: a measure that gray wins is incomplete. Ask for a fourth customer and let the room write the bill.

# %% deck="figure"
CUSTOMERS = {"restorer": "share of pixels", "archive": "share of pictures", "studio": "chroma off"}
fig, axes = plots.grid(1, 3, width=11, height=3.2, sharey=True)
for i, (ax, (who, unit)) in enumerate(zip(axes, CUSTOMERS.items())):
    paid = [float(bill[i]) for bill in asked.values()]
    least = [plots.LINES[2] if x == min(paid) else plots.LINES[5] for x in paid]
    ax.barh(range(len(paid)), paid, color=least)
    for y, x in enumerate(paid):
        ax.text(x, y, f" {x:.2f}" if i < 2 else f" {x:.1f}", va="center")
    ax.set(title=f"the {who}", xlabel=unit, xlim=(0, 1.25 * max(paid)))
axes[0].set_yticks(range(len(asked)), list(asked))
axes[0].invert_yaxis()
plots.show(fig, "The archive pays nothing for gray, the studio least for the rebalanced S2.")


# %% tags=["claim"]
def stored_bills(name):
    """The bills of all the leaderboard's photographs; by PSNR and colorfulness."""
    near, lively = (leaderboard.values(board, name, k) for k in ("near", "colorfulness"))
    worse = leaderboard.values(board, name, "psnr") < leaderboard.values(board, "gray", "psnr")
    return 1 - near.mean(), worse.mean(), abs(lively.mean() - true_color.mean())


stored = {name: stored_bills(name) for name in ["gray", *systems]}
print(f"{board['n']} photographs  repaint  complaints  colorfulness off by")
for name, (repaint, complaints, off) in stored.items():
    print(f"{short(name):15} {repaint:8.1%}  {complaints:10.1%}  {off:19.1f}")
buys = {who: short(min(stored, key=lambda n: stored[n][i])) for i, who in enumerate(CUSTOMERS)}
print(", ".join(f"the {who} buys {name}" for who, name in buys.items()))
on_album = min(asked, key=lambda name: asked[name][2])
print(f"on the album the studio would rather have {on_album}")
assert buys == {"restorer": "S2", "archive": "gray", "studio": "S3"}
assert on_album == "S2 rebalanced"

# %% [markdown]
# Three customers, three answers. The archive buys **gray**: who pays for blunders alone buys nothing at all. The
# studio buys S3, which is last by SSIM; on the far livelier album it would rather have the rebalanced S2. Every single measure has an absurd winner: the studio's
# bill is won by any mess of the right saturation, PSNR by a flat color, if one only knew it. Take two measures that pull in opposite directions, and say whom they are for.
#
# ## Where they fail
#
# A mean over hundreds of photographs hides what a visitor sees first. Here are four pictures that are hard for every colorizer.

# %%
EXHIBITS = {
    "red": fitted("coffee"),
    "night": np.round(255 * old.darken(fitted("prokudin_00889"), 4)).astype(np.uint8),
    "text": data.page()[:160, :240, None].repeat(3, -1),
    "tiny": fitted("kingfisher", (24, 16)),
}

# %% [markdown] deck="slide"
# ## Where they fail

# %% [markdown] deck="notes"
# The cup is red in no column: a cup may have any color, and S3
# adds a little red at random places. At night L is lower than in most training photographs. A page has no color and is given one. Of the kingfisher 24 × 16 pixels are
# left; the known bird becomes a brown one.

# %% deck="figure" picture="failures"
credits(["coffee", "prokudin_00889", "kingfisher"])
shown = []
for rgb in EXHIBITS.values():
    row = [rgb, *(model.colorize(rgb) for model in SYSTEMS.values())]
    shown += [x.repeat(240 // x.shape[1], 0).repeat(240 // x.shape[1], 1) for x in row]
titles = [title for what in EXHIBITS for title in (what, *SYSTEMS)]
ALT = "A red cup turns gray, a dark church brown or blue, a page gets a tint, a tiny bird is brown."
plots.pictures(shown, ALT, titles, columns=6, width=9)

# %% tags=["claim"]
gallery = course.result("08/gallery")
hard = {name: rows["hard"] for name, rows in gallery["systems"].items()}
print(f"share of gray's error removed; {gallery['n']} photographs")
for condition in ("as they are", "four stops darker", "32 pixels", "16 pixels"):
    shares = {key: 100 * row[condition][0] for key, row in hard.items()}
    print(f"{condition:18}", *(f"{key} {share:+4.0f} %  " for key, share in shares.items()))
assert all(row["four stops darker"][2] < 0 < row["as they are"][1] for row in hard.values())
assert all(row["16 pixels"][2] < 0 for row in hard.values())

# %% [markdown]
# The cup is red in no column. Four stops darker, a sixteenth of the light, **every colorizer is worse than gray**:
# it paints daylight into the night. A colorizer knows the L that it was trained on, and nothing tells it when another L comes. So bring L to
# where the training was, or do not colorize.

# %% [markdown] tags=["optional"]
# ## Old photographs (optional)
#
# The pictures that people want in color are old. Film, print and a hundred years have changed their **L**, and L is all that
# a colorizer gets. We cannot know the true colors of an old photograph. But we can make a modern one old, and compare only the
# colors: the predicted ab is put on the undamaged L.

# %% [markdown] deck="slide"
# ## The same photograph, made old
#
# Above: what the scanner gives. Below: what S4 makes of it.

# %% [markdown] deck="notes"
# Upper row: what the scanner gives. Lower row: what S4 makes of the scan. Red-blind film (until the 1920s) sees no red. Faded
# prints have lost their black. A newspaper prints dots. Sepia hardly matters, because a brown scan is first turned into L.

# %% deck="figure"
meadow = fitted("prokudin_00889", (160, 160))
scans = {kind: old.scan(meadow, kind) for kind in old.KINDS}
shown = [*scans.values(), *(SYSTEMS["S4"].colorize(scan) for scan in scans.values())]
titles = [*scans, *[""] * len(scans)]
ALT = "A church as eight scans, and colored by S4: sepia as the clean one, fading pale, dots gray."
plots.pictures(shown, ALT, titles, len(scans), 10)

# %% [markdown] deck="slide"
# ## What age costs

# %% [markdown] deck="notes"
# Zero is the undamaged photograph. Each mark is one colorizer, with a 95 % interval, paired by photograph. The last row is fading again, but with L
# stretched over its range before colorizing. Grain costs most: it is texture, and colorizers judge by texture. Stretching takes most of the cost of fading back.

# %% deck="figure"
KINDS = [kind for kind in gallery["systems"]["S1"]["old"] if kind != "clean"]
costs = {n: [x["old"][kind]["more ab"] for kind in KINDS] for n, x in gallery["systems"].items()}
ALT = "Grain and dots cost 2 to 7 units, fading 1 to 3, sepia nothing; stretching helps."
more = f"ab error, more than from the undamaged L ({gallery['n']} photographs)"
beside(costs, KINDS, more, ALT, 4.6, 7)

# %% tags=["claim"]
olds = {name: rows["old"] for name, rows in gallery["systems"].items()}
beat_gray = {}  # {kind: who is shown to have a smaller ab error than gray}
for kind in ("clean", "red-blind film", "sepia", "grain", "faded", "faded, stretched"):
    cost = [f"{name} {cell(rows[kind]['more ab'], 1)}" for name, rows in olds.items()]
    beat_gray[kind] = [name for name, rows in olds.items() if rows[kind]["over gray"][2] < 0]
    print(f"{kind:17}", "  ".join(cost), "  better than gray:", " ".join(beat_gray[kind]) or "none")
assert beat_gray["clean"] == beat_gray["faded, stretched"] == list(olds)
assert beat_gray["faded"] == ["S4", "S2"] and not beat_gray["grain"]
assert all(
    rows["sepia"]["more ab"][2] < rows["red-blind film"]["more ab"][0] for rows in olds.values()
)

# %% [markdown]
# **Grain** costs most. It is texture, and colorizers judge by texture: on grainy photographs none is shown to beat gray. **Red-blind film** is famous, and costs
# about half a unit. **Sepia** costs nothing, as long as the scan is turned into L. On **faded** prints only S4 and S2 are shown to beat gray. The remedy is older
# than any network: stretch L over its range before you colorize (`old_photographs.stretch`). Then all five beat gray again.
#
# A few old photographs do have a reference. Around 1910 Prokudin-Gorskii exposed three plates of each scene, through a blue, a green and
# a red filter. Together they hold the color. A colorizer may get **one plate** and be compared with all three. One plate is not L*: L* is a
# weighted sum of all three. On the blue plate the sky is white and red things are black. We do not know the filters, nor how the
# archive balanced the plates. So every answer gets one gain for each of R, G and B, so that their means are those of the truth, before it is compared.

# %%
PLATES = [name for name in ALBUM if name.startswith("prokudin")]


def from_gray(rgb, gray):
    """S4's color for a gray picture, on the true L, balanced to the truth; all (H, W, 3)."""
    ab = SYSTEMS["S4"].ab_for(color.L(gray))
    hat = color.with_ab(color.L(rgb), ab).clip(0, 1)
    hat = (hat * (rgb / 255).mean((0, 1)) / hat.mean((0, 1))).clip(0, 1)
    return np.round(255 * hat).astype(np.uint8)


# %% tags=["claim"]
errors = {"no color": [], "from L*": [], "red plate": [], "green plate": [], "blue plate": []}
for name in PLATES:
    rgb = fitted(name, (150, 150))
    grays = [0 * rgb, metrics.paint_gray(rgb)]  # S4 gives no color to black
    grays += [rgb[..., [channel] * 3] for channel in range(3)]
    for found, gray in zip(errors.values(), grays):
        found.append(float(metrics.ab_error(rgb, from_gray(rgb, gray))))
more = {}
for key, found in errors.items():
    more[key] = metrics.bootstrap(np.subtract(found, errors["from L*"]))
    print(f"{key:12} ab error {np.mean(found):.1f}, more than from L*: {cell(more[key], 1)}")
assert more["no color"][1] > 0 and more["blue plate"][1] > 0 > more["green plate"][1]

# %% [markdown] deck="slide"
# ## One plate of three, about 1910

# %% [markdown] deck="notes"
# Plates of about 1910. First the blue plate alone, which is what ordinary film of that time saw. Then S4's color for it, S4's color for L*, and the three plates
# together. The blue plate has a white sky and black reds. Every answer got one gain for each channel, because nobody knows the filters.

# %% deck="figure"
BLUE = {"blue plate": lambda rgb: rgb[..., [2, 2, 2]]}
BLUE["colored from it"] = lambda rgb: from_gray(rgb, rgb[..., [2, 2, 2]])
BLUE["from L*"] = lambda rgb: from_gray(rgb, metrics.paint_gray(rgb))
BLUE["three plates"] = np.asarray
ALT = (
    "Three plates of about 1910: colored from the blue plate, from L*, and as all plates hold them."
)
in_columns([fitted(name) for name in PLATES[:3]], BLUE, ALT)
credits(PLATES[:3])

# %% [markdown]
# From L*, S4 comes nearer to the plates' color than one tint does. From the **blue plate** it does worse than from L*: a white sky gets less blue. So ask what film a photograph was taken on before you colorize it.

# %% [markdown] tags=["optional"]
# ## Who judges? People (optional)
#
# Every measure so far compares with *the* truth. A red balloon that was blue is an error for all of them, and none for anybody who looks at it.
# So ask people. **S1** showed pictures of 224 × 224 pixels and asked whether each looks natural: 20 people, nearly 100 pictures of each kind, median 89.6 %.
# How often the same people call a *true* photograph natural is not told. Zhang and others (2016) show the truth and a colorization,
# and ask which is fake. There 50 % means that nobody can tell.
#
# How sure is a share of 20 people and 100 pictures? They give 2,000 answers, but the answers are not independent. Some people
# find everything natural, and some pictures fool everybody. **People and pictures are both samples**, so an interval must draw whole
# people and whole pictures anew. We simulate rooms whose true share is known, and count how often a 95 % interval holds it:

# %% tags=["claim"]
rooms = course.result("08/study_power")
print(f"{rooms['n']} rooms, {rooms['data']}")
held = {crowd: {way: x[0] for way, x in ways.items()} for crowd, ways in rooms["coverage"].items()}
for crowd, ways in held.items():
    print(f"{crowd:14}", ", ".join(f"{way} {share:.1%}" for way, share in ways.items()))
assert held["both differ"]["Wilson, as if independent"] < 0.6
assert max(held["both differ"], key=held["both differ"].get) == "both drawn"

# %% [markdown] deck="slide"
# ## Twenty people are not two thousand answers
#
# Simulated rooms of 20 people: how often does a 95 % interval hold the truth?

# %% [markdown] deck="notes"
# Simulated rooms: 20 people, 100 pictures, a true share of {{rooms["rate"]:.1%}}. Each mark says how often a 95 % interval held it.
# Wilson's interval is right where all are alike, and holds the truth in less than half of the rooms where people differ. Ask of every
# study: how many people, how many pictures, and what did they say of true photographs?

# %% deck="figure"
fig, (ax,) = plots.grid(1, 1, width=9, height=3.4)
ways = list(held["all alike"])[::-1]
for i, (crowd, found) in enumerate(held.items()):
    ax.plot([found[way] for way in ways], range(4), plots.MARKERS[i], label=crowd, markersize=11)
ax.axvline(0.95, color=plots.INK, linestyle="--")
ax.annotate("promised: 95 %", (0.94, 3.4), ha="right")
ax.set(yticks=range(4), yticklabels=ways, ylim=(-0.5, 3.8), xlim=(0.35, 1.02))
ax.set(xlabel="share of rooms whose interval holds the truth")
ax.legend(loc="lower left")
plots.show(
    fig,
    "Share of rooms whose 95 % interval holds the truth: Wilson's is at 94 % where all are alike "
    "and below 50 % where people differ; drawing both people and pictures stays above 93 %.",
)

# %% [markdown]
# As independent answers, 89.6 % would exclude 85 %. With people and pictures that differ as in these rooms, a study of this size may not.
# How much S1's people differed is not known, so this is no refutation. The report would have had to print **the 20 shares of its 20
# people**, and the share of true photographs that they call natural.
#
# ## Bring your own model
#
# ### Exercise 4: the simplest colorizer after gray (9 minutes)
#
# It looks at nothing but a pixel's own L. Learn it: for each whole
# number L from 0 to 100, the mean ab of all pixels whose L rounds to it, and 0 where there is none.


# %% exercise="lookup" minutes=9
def lookup(L, ab):
    """L (P,) in 0…100 and ab (P, 2) of many pixels to a table (101, 2) of mean ab."""
    ### BEGIN SOLUTION
    level = np.round(L).astype(int)
    count = np.bincount(level, minlength=101)  # (101,)
    sums = [np.bincount(level, channel, 101) for channel in ab.T]
    return np.stack(sums, -1) / np.maximum(count, 1)[:, None]
    ### END SOLUTION


# %% check="lookup" points=2
my_lookup = lookup
checks.lookup(lookup)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `np.round(L).astype(int)` is the level of each pixel; `np.bincount(level, values, 101)` sums values by level.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Sum a and b apart, divide by how often each level occurs, and by 1 where it does not.
#
# </details>
#
# Such a table is a colorizer. It needs a graph of five steps, and the metadata that the contract asks for. No
# framework is involved: ONNX graphs can be written as text.

# %%
GRAPH = """
<ir_version: 8, opset_import: ["" : 17]>
lookup (float[N,1,H,W] L) => (float[N,2,H,W] ab) <int64[1] channel = {1}> {
  rounded = Round (L)
  level = Cast <to = 7> (rounded)
  plane = Squeeze (level, channel)
  colors = Gather <axis = 0> (table, plane)
  ab = Transpose <perm = [0, 3, 1, 2]> (colors)
}
"""
ABOUT = dict.fromkeys(METADATA, "none") | {"metrics": "[]", "seed": "1", "size": "64"}


# %%
def write_table(path, table, graph=GRAPH):
    """A colorizer that looks up ab (101, 2) by L, as an ONNX file that keeps the contract."""
    model = onnx.parser.parse_model(graph)
    weights = np.asarray(table, np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(weights, "table"))
    onnx.helper.set_model_props(model, ABOUT | {"parameters": str(weights.size)})
    onnx.save(model, path)
    return str(path)


def course_lookup(L, ab):
    """The course's own, by level."""
    level = np.round(L)
    return np.array([ab[level == k].mean(0) if (level == k).any() else (0, 0) for k in range(101)])


# %% [markdown]
# Your table learns from the training photographs of the album. Then it is exported, loaded and used like the other files:

# %%
FOLDER = Path(tempfile.mkdtemp())
lab = color.rgb_to_lab(photos.load("album", "train", 64)).reshape(-1, 3)  # of all pixels
my_table = chosen(checks.lookup, my_lookup, course_lookup)(lab[:, 0], lab[:, 1:])  # (101, 2)
mine, _ = leaderboard.contestants([write_table(FOLDER / "mine.onnx", my_table)])

# %% [markdown] deck="slide"
# ## A model of 202 numbers, beside one of millions

# %% [markdown] deck="notes"
# The second column knows nothing but each pixel's own L, so the forest is brown: the mean color of everything dark. The picture is made by the student's own
# table where the check accepts it. Ask what such a model must get wrong in a red-blind film.

# %% deck="figure"
OWN = "maya_beach", "forest_path", "king_penguin"
ways = {"gray": metrics.paint_gray, "yours": mine["mine"].colorize}
ways |= {"S4": CANDIDATES["S4"], "truth": np.asarray}
ALT = (
    "Three photographs: the table makes the dark brown and the light cream; S4 finds sky and grass."
)
in_columns([fitted(name) for name in OWN], ways, ALT)
credits(OWN)

# %%
own_board = leaderboard.on_album(mine)  # beside the stored rows of the album's test photographs

# %% tags=["nbval-ignore-output"]
print(leaderboard.pairs_text(own_board, "psnr"))

# %% [markdown]
# From a terminal, `python -m course_utils.leaderboard mine.onnx` prints the whole table, and `--photographs FOLDER` takes photographs of yours.
# Two things are refused: a file that breaks the contract, and rows of two sets in one table.

# %% tags=["claim"]
renamed = GRAPH.replace(" L)", " gray)").replace("(L)", "(gray)")
files = [
    write_table(FOLDER / "wrong name.onnx", my_table, renamed),
    write_table(FOLDER / "not in ab units.onnx", np.tile([0.1, -0.3], (101, 1))),
]
accepted, refused = leaderboard.contestants(files)
for file, why in refused.items():
    print(f"{Path(file).stem}: {why.replace(str(FOLDER), '…')}")
assert not accepted and len(set(refused.values())) == len(files)
try:
    leaderboard.joined(boards["Intel"], own_board)
except ValueError as why:
    print(f"two sets: {why}")


# %% [markdown] tags=["optional"]
# ## Claims on trial (optional)
#
# [docs/claims.md](../docs/claims.md) lists the claims of the five reports, what was measured, and a verdict. Quote the sentence. Say on which data it is tested, and
# **before** you measure, at which number it holds and at which it fails. Between the two it is *undecided*: "not shown" is not "shown to be wrong". Three in full:

# %% tags=["claim"]
PICTURES = 2.3e6  # that S1's report trained on
epochs = 100_000 * 256 / PICTURES
print(f"S1: 100,000 batches of 256 from 2.3 million pictures are {epochs:.1f} epochs")
found = {key: np.array(values) for key, values in course.result("02/red")["pixels"].items()}
with_red = found["truth"] >= 100  # photographs with so many red pixels
red_share = metrics.bootstrap(found["S0"][with_red] / found["truth"][with_red])
print(f"S0: {cell(red_share, 3)} of red pixels become red; {with_red.sum()} photographs")
BASELINE = 17.325  # PSNR of the squared-error network in S2's report, a mean of three pictures
gray_psnr = {key: one["rows"]["gray"]["psnr"][0] for key, one in boards.items()}
print("S2: PSNR of gray:", ", ".join(f"{key} {value:.1f}" for key, value in gray_psnr.items()))
assert epochs < 12 and red_share[2] < 0.05
assert min(gray_psnr.values()) < BASELINE < max(gray_psnr.values())

# %% [markdown] deck="slide"
# ## Three claims, three kinds of verdict
#
# | the report says | tested | verdict |
# | --- | --- | --- |
# | S1: 100,000 batches of 256 are "about 20 epochs" of {{PICTURES / 1e6}} million | one division: {{epochs:.1f}} | inconsistent with itself |
# | S0: it never paints red | {{with_red.sum()}} photographs with red: {{red_share[0]:.1%}} of red pixels become red | holds |
# | S2: the squared-error network has {{BASELINE}} dB | gray has {{gray_psnr["album"]:.1f}} on one set, {{gray_psnr["Intel"]:.1f}} on another | cannot be tested |

# %% [markdown] deck="notes"
# None of the three breaks its report. Ask for a claim that everybody believes, for instance that more data is better, and let the room say
# what would have to be measured for it to fail. A sentence that no measurement can contradict is not a claim.

# %% [markdown]
# - **S1, section IV**, "about 20 epochs": one division says 11. *Inconsistent with itself.*
# - **S0, section 5.1**, it never paints red where the photograph is red. The rule: it holds if the interval ends below 5 % of the red
#   pixels. It does, for our copy of the network, although its training photographs hold red. *Holds.*
# - **S2, its table**, the squared-error network that it beats has 17.325 dB. Is that rival worse than gray? On the album gray has about as
#   much, on Intel's photographs six decibels more. The report's number is a mean of three pictures that are not known, without a row of gray. *Cannot be tested here.*
#
# ## Quiz
#
# **1. Two systems have PSNR 25.5 [25.1, 25.8] and 25.2 [24.8, 25.6] on the same photographs. What follows?**
#
# <details><summary>A. The intervals overlap, so there is no difference.</summary>
#
# Single intervals move together, because hard photographs are hard for both. They cannot say.
#
# </details>
# <details><summary>B. Nothing yet: take the differences photograph by photograph.</summary>
#
# Right. The interval of the differences may exclude 0 while the single ones overlap, and here it did.
#
# </details>
# **2. You compare six systems in all pairs. Three of 15 intervals exclude 0, none stays after Holm. You write:**
#
# <details><summary>A. Three pairs differ significantly.</summary>
#
# With fifteen tries, one interval in twenty errs by itself; picking those three afterwards hides twelve tries.
#
# </details>
# <details><summary>B. All six are equally good.</summary>
#
# Not shown is not the same as equal. Give the intervals: they say how large a difference may have escaped.
#
# </details>
# <details><summary>C. No pair is told apart at 5 % over all 15 tests; here are the intervals.</summary>
#
# Right: the number of tests belongs to the result, and so does what could have been missed.
#
# </details>
#
# **3. Which measure is best?**
#
# <details><summary>A. The one that people agree with.</summary>
#
# People who are asked whether a picture looks natural do not see that a red bus was blue.
#
# </details>
# <details><summary>B. The one whose errors cost your customer what they cost.</summary>
#
# Right. Take a second one that pulls in the other direction, because every single measure has an absurd winner.
#
# </details>
# **4. A museum wants 500 faded prints colorized. What do you do first?**
#
# <details><summary>A. Take the colorizer with the best PSNR on modern photographs.</summary>
#
# Its order on modern photographs says little about faded ones: their L is another.
#
# </details>
# <details><summary>B. Stretch L over its range, then colorize, and look at the result beside gray.</summary>
#
# Right. Fading cost every colorizer color accuracy, and stretching takes most of the cost back.
#
# </details>

# %% [markdown]
# ## What broke, and which lesson repairs it
#
# - **Files, not people.** The best file has still to reach somebody. Lesson 09 makes it small and puts it behind an address.
# - **One picture at a time.** None of these measures sees that two frames of a film flicker. Lesson 10 does.
# - **One answer for a question with many.** Every row is compared with the one color that was there. Lesson 11 lets a
#   person give hints, and draws several answers.
# - **One training each.** No column tells an idea from the luck of its training. Train it several times, as in lesson 04.
#
# ## Further reading
#
# - Holm, *A simple sequentially rejective multiple test procedure*, Scandinavian Journal of Statistics, 1979.
# - Owen, *The pigeonhole bootstrap*, Annals of Applied Statistics, 2007: people and pictures drawn together.
# - Zhang, Isola and Efros, *Colorful Image Colorization*, ECCV 2016: the fooling rate.
# - The reports, with their claims: [docs/claims.md](../docs/claims.md).

# %% [markdown] deck="slide"
# ## What broke, and who repairs it
#
# | what | where |
# | --- | --- |
# | a file is not yet in anybody's hands | lesson 09 |
# | no measure sees two frames flicker | lesson 10 |
# | compared with one truth, where many are possible | lesson 11 |
# | one training each: files are compared, not ideas | train again, as in lesson 04 |

# %% [markdown] deck="notes"
# Come back to the vote. Did the room's favorite win a column? Which customer would have bought it? Then ask
# what the room would print in a paper now: the table, its protocol, the pairs, and whom it is for.
