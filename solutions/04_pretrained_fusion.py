# ---
# jupyter:
#   course:
#     title: Borrowed features
#     question: What do borrowed features buy?
#     objectives:
#       - take the layers of a trained classifier as the eyes of a colorizer, frozen or fine-tuned
#       - measure what its training bought, against the same layers with random weights
#       - fuse a vector about the whole picture into a map, and count what that costs
#       - show that a published accuracy means nothing, and choose one that means something
#       - find three bugs that train without a complaint
#     prerequisites: lesson 02 (the squared error, the gray row); lesson 03 helps, for its fusion.
#     running: 3
#     data: painted scenes, drawn here, and installed photographs; stored numbers come from
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
# **For the instructor.** Two lessons in one. The first is about transfer: what do weights that were
# learned elsewhere buy, once everything else is equal? Let the room bet on the four arms before you
# show the figure. The second is about numbers: a report's headline accuracy is rebuilt and a single
# yellow beats it on forests. Exercise 3 is the heart of it; plan a discussion after it ("which
# number would you have printed?"). If time is short, drop the section on cached embeddings and
# exercise 5. No machine of yours needs ImageNet weights: everything runs on what is shipped, and
# the lesson says which weights it has.

# %% tags=["export"]
import keras
import numpy as np

from course_utils import batches, color, course, networks, training

# %%
training.keras_on(session.device)  # before anything is built

# %%
from course_utils import metrics, paintbox, photos, plots
from course_utils.checks import lesson_04 as checks
from course_utils.colorizer import Colorizer

# %% [markdown]
# ## Eyes that somebody else trained
#
# Lesson 02 ended with a network that had seen some 6,000 photographs and knew little of things. A
# classifier trained on ImageNet has seen 1.2 million, each with the name of what it shows. To tell a
# meadow from a lake it had to learn edges, textures and parts, and those are what a colorizer needs
# as well. So borrow them: that is **transfer learning**. There are two ways, and the report of this
# lesson, a graduation project at Ain Shams University (2021), builds a system on each:
#
# 1. **as maps**: the first layers of VGG-16 are the encoder; a new decoder paints from what they see;
# 2. **as a vector**: Inception-ResNet-v2 says what the whole picture shows, in a thousand numbers,
#    and they are fused into a network that is trained from scratch.
#
# Both leave one question open, and the report does not ask it: would the same layers with *random*
# weights have done as well?
#
# Borrowing has a price that is easily forgotten: the weights must be had. `networks.features("VGG16")`
# takes ImageNet's where Keras's loader finds them; without network it takes a small substitute that
# ships with the course, and says so in the line it prints. It is never silently random. In this
# lesson we ask for the substitute by name: `course_L`, a classifier of Intel's six classes that sees
# **L alone**. It learned from Intel's training photographs, and so, mostly, do this lesson's colorizers.

# %%
look = networks.features("course_L")
right, low, high = look.about["accuracy"]
print(f"classes: {', '.join(look.classes)}")
print(
    f"names {right:.0%} [{low:.0%}, {high:.0%}] of {look.about['n_test']} test photographs", end=""
)
print(f" rightly, the commonest class {look.about['majority'][0]:.0%}")
print(f"{look.width} numbers describe a picture")

# %% [markdown] deck="slide"
# ## Borrow the eyes
#
# - Lesson 02: 6,000 photographs, and it knows little of things
# - A classifier of ImageNet: more than a million, each with a name
# - To name things it learned edges, textures, parts
#
# **As maps:** VGG-16's layers are the encoder. **As a vector:** Inception-ResNet-v2 says what the
# whole picture shows.
#
# What does their training buy? Random weights would be cheaper.

# %% [markdown] deck="notes"
# The report is a graduation project of 2021: two colorizers and an application around them. It takes
# the benefit of pretraining for granted. Ask for bets: on 240 photographs, four arms (frozen or not,
# borrowed or random), which order?

# %%
ALBUM = [
    photo for photo in photos.bundled() if photo.name in ("china", "flower", "coffee", "rocket")
]
album = [photo.rgb for photo in ALBUM]
for photo, p in zip(ALBUM, look.classify(album)):  # p: (6,)
    print(f"{photo.name:7} looks like {look.classes[p.argmax()]}")

# %% [markdown]
# Six classes are few: whatever you show it, it answers with one of them. (Song and Liu wished for
# just this: a classifier that picks one model for each class. Exercise 5 of lesson 02 was the
# picking; `look.classify` is the classifier.) What we borrow is the layer before its answer: 128
# numbers about the whole picture.
#
# ## The first model: VGG-16 looks, a decoder paints
#
# VGG-16 without its last, fully connected layers is thirteen 3×3 convolutions in five blocks, each
# block ended by a pooling that halves the size. It was trained on color photographs in 0…255, in
# the order blue, green, red, less ImageNet's mean color. A gray picture enters as three equal
# channels; `input_layer` does the conversion from L.

# %% tags=["export"]
VGG16 = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]  # filters and convolutions of each block


def conv(filters):
    return keras.layers.Conv2D(filters, 3, padding="same", activation="relu")


def vgg(blocks=VGG16, thin=1):
    """VGG-16's blocks on L / 100; `thin` divides the filters."""
    inputs = keras.Input((None, None, 1))  # (N, H, W, 1)
    x = networks.input_layer("VGG16")(inputs)  # (N, H, W, 3), three equal channels, about ±120
    for filters, count in blocks:
        for _ in range(count):
            x = conv(filters // thin)(x)
        x = keras.layers.MaxPooling2D()(x)  # half the size; after five (N, H/32, W/32, 512)
    return keras.Model(inputs, x)


# %% [markdown]
# The decoder goes back up: a convolution, an upsampling, and so on. The report says that there are 19
# layers with ReLU, that the last has a tanh, and shows the widths only in a figure. We read it as
# thirteen convolutions of VGG-16 and six of a decoder that halves the filters from one to the next.
# Two more choices are ours: upsampling interpolates (lesson 02's blocks), and the features are
# divided by one number, because VGG's run into the hundreds and would push a tanh to its ends.


# %% tags=["export"]
def up(x):
    return keras.layers.UpSampling2D(interpolation="bilinear", dtype="float32")(x)


def first_model(encoder, wide=(256,), rising=(128, 64, 32, 16), scale=1.0):
    """A decoder behind an encoder of L / 100: `wide` at its size, then one upsampling each."""
    x = keras.layers.Rescaling(1 / scale)(encoder.output)  # (N, h, w, C), about 1
    for filters in wide:
        x = conv(filters)(x)  # (N, h, w, 256)
    for filters in rising:
        x = conv(filters)(up(x))  # at last (N, H/2, W/2, 16)
    x = keras.layers.Conv2D(2, 3, padding="same", activation="tanh", dtype="float32")(x)
    return keras.Model(encoder.input, up(x))  # (N, H, W, 2), ab / 110


# %% tags=["claim"]
eyes, shape = vgg(), (None, None, 3)
official = keras.applications.VGG16(include_top=False, weights=None, input_shape=shape)
published = first_model(eyes)
kinds = [type(layer).__name__ for layer in published.layers]
print(f"encoder {eyes.count_params():10,}   as in Keras Applications {official.count_params():,}")
print(f"decoder {published.count_params() - eyes.count_params():10,}")
print(
    f"{kinds.count('Conv2D')} convolutions; a picture of 224 × 224 enters the decoder as", end=" "
)
print("×".join(map(str, eyes.compute_output_shape((1, 224, 224, 1))[1:])))
assert eyes.count_params() == official.count_params() == 14_714_688
assert published.count_params() == 16_286_802 and kinds.count("Conv2D") == 19

# %% [markdown] deck="slide"
# ## The first model
#
# | part | layers | size | parameters |
# | --- | --- | --- | ---: |
# | VGG-16, borrowed | 13 convolutions, 5 poolings | 1/32 | {{eyes.count_params():,}} |
# | decoder, new | 256, 128, 64, 32, 16, 2 | back to full | {{published.count_params() - eyes.count_params():,}} |
#
# ReLU inside, tanh at the end, mean squared error, Adam.
#
# At 224 × 224 the decoder starts from 7 × 7 positions.

# %% [markdown] deck="notes"
# The report says 19 layers and gives the widths in a figure only; this is our reading. Nine tenths of
# the parameters are borrowed. Ask what 7 by 7 positions can still say about where a color belongs.

# %% [markdown]
# ### Exercise 1: find the bug in its eyes (6 minutes)
#
# Networks are borrowed together with the range of numbers that they were trained on.
# Inception-ResNet-v2 wants three channels from −1 to 1. This code is in a public repository, in
# other words. It trains, the loss falls, and every picture of the world gets nearly the same
# embedding:
#
# ```python
# def see(gray):                     # uint8 (N, H, W)
#     x = gray[..., None] / 255      # "networks want 0 to 1"
#     x = np.repeat(x, 3, axis=-1)   # (N, H, W, 3)
#     return x / 127.5 - 1           # Keras's official preprocessing
# ```
#
# What does the network see? Write it right.


# %% exercise="see" minutes=6
def see(gray):
    """Gray pictures uint8 (N, H, W), 0…255, to what Inception-ResNet-v2 takes: (N, H, W, 3)."""
    ### BEGIN SOLUTION
    x = np.repeat(gray[..., None].astype(np.float32), 3, axis=-1)
    return x / 127.5 - 1
    ### END SOLUTION


# %% check="see" points=1
checks.see(see)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Put white, 255, through the four lines by hand. Then black.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The official preprocessing divides by 127.5 because it expects 0…255. Whoever divides before it
# divides twice, and everything lands within a hundredth of −1, which is black.
#
# </details>
#
# How bad is it? Feed our own classifier a picture 255 times too dark and look at how much its
# description still depends on the picture:

# %% tags=["claim"]
L_album = look.prepare(album)  # (4, 96, 96, 1), L / 100
seen, black = (np.asarray(look.model(x)) for x in (L_album, L_album / 255))  # (4, 128)
spread = seen.std(axis=0).mean(), black.std(axis=0).mean()
print(f"between four photographs the {look.width} numbers differ by {spread[0]:.2f} on average")
print(f"fed 0…1/255 for 0…1, by less than a tenth of that: {spread[1] < spread[0] / 10}")
assert spread[1] < spread[0] / 10

# %% [markdown] deck="slide"
# ## A bug that trains: the eye that sees black
#
# ```python
# x = gray[..., None] / 255      # 0 … 1
# x = np.repeat(x, 3, axis=-1)
# return x / 127.5 - 1           # wants 0 … 255
# ```
#
# White lands within a hundredth of black, −1. The loss falls all the same: the rest of the network
# learns to do without the eye.

# %% [markdown] deck="notes"
# It is in a public repository, and in reports built on it. Nothing complains. The test is cheap: give
# the network two different pictures and compare what comes out. Exercise 1 repairs it.

# %% [markdown]
# ## What borrowed features buy
#
# Now the question. The same network four times on the same photographs, for the same number of
# epochs, with the same optimizer and rate: encoder weights **borrowed** or **random**, and **frozen** or
# **trained** with the rest. The decoder is new in all four. Borrowed are the first three blocks of VGG
# (VGG-19's, from ImageNet, without the fourth layer of the third block: then the shapes are VGG-16's),
# and the decoder gets their maps before the last pooling, at a quarter of the size. These weights do
# not come with the course, so this is a stored experiment.

# %%
borrowed = course.result("04/borrowed")
for name, arm in borrowed["arms"].items():
    seeds = ", ".join(f"{x:.2f}" for x in arm["by_seed"])
    print(f"{name:17} {np.mean(arm['psnr']):6.2f} dB   (seeds {seeds})")
print(f"{'gray':17} {np.mean(borrowed['gray']):6.2f} dB")
print(f"{borrowed['n']} photographs, {borrowed['epochs']} epochs, tested on {borrowed['n_test']}")

# %%
arm_psnr = {name: np.array(arm["psnr"]) for name, arm in borrowed["arms"].items()}
pairs = {
    "frozen: borrowed minus random": ("borrowed, frozen", "random, frozen"),
    "trained: borrowed minus random": ("borrowed, trained", "random, trained"),
    "borrowed: trained minus frozen": ("borrowed, trained", "borrowed, frozen"),
    "random: trained minus frozen": ("random, trained", "random, frozen"),
}

# %%
buys = {k: metrics.bootstrap(arm_psnr[one] - arm_psnr[other]) for k, (one, other) in pairs.items()}
by_seed = {name: arm["by_seed"] for name, arm in borrowed["arms"].items()}
above = {k: min(by_seed[one]) > max(by_seed[other]) for k, (one, other) in pairs.items()}
decided = {}
for k, (mean, low, high) in buys.items():
    decided[k] = low > 0 and above[k]
    verdict = "decided" if decided[k] else "undecided"
    print(f"{k:31} {mean:+.2f} dB [{low:+.2f}, {high:+.2f}]   {verdict}")

# %% tags=["claim"]
print(
    "decided: the interval excludes 0, and every seed of the one lies above every seed of the other"
)
print(f"borrowed weights, trained on: {decided['trained: borrowed minus random']}")
print(f"borrowed weights, frozen: {decided['frozen: borrowed minus random']}")
print(f"training the encoder: {decided['borrowed: trained minus frozen']}")
assert decided["trained: borrowed minus random"] and decided["borrowed: trained minus frozen"]
assert buys["borrowed: trained minus frozen"][0] > buys["trained: borrowed minus random"][0]

# %%
frozen, trained, of_borrowed, of_random = buys.values()  # (mean, low, high) each, in dB
agree = ["yes" if above[k] else "no" for k in pairs]  # do the seeds, in this order?

# %% [markdown] deck="slide"
# ## Four arms, epoch by epoch

# %% [markdown] deck="notes"
# Full lines: borrowed weights; broken lines: random ones. Thin lines are single seeds. Where does
# training the encoder help, where does it not? Compare with the bets of the first slide.

# %% deck="figure"
fig, (ax,) = plots.grid(1, 1, width=9, height=4)
for i, (name, arm) in enumerate(borrowed["arms"].items()):
    seen, style = 1 + np.arange(borrowed["epochs"]), "-" if name.startswith("borrowed") else "--"
    for row in arm["rows"]:
        ax.plot(seen, row, style, color=plots.LINES[i], linewidth=0.8, alpha=0.5)
    marked = style + plots.MARKERS[i]
    ax.plot(seen, np.mean(arm["rows"], axis=0), marked, color=plots.LINES[i], label=name)
ax.set(xlabel="epoch", ylabel="PSNR on 50 held-out photographs, dB")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(
    fig,
    "PSNR by epoch of four arms, two seeds each: both arms whose encoder is trained rise quickly "
    "and stay close together, both frozen arms stay lower and their seeds differ widely.",
)

# %% [markdown]
# The answer is sobering, and that is why one asks. **Trained on**, borrowed weights end 0.18 dB above
# random ones, in both seeds. **Frozen**, their lead of 0.70 dB is undecided: two starts of the same decoder
# differ by more than that. (The intervals cover the choice of photographs; the luck of a start shows
# in the seeds only, and two of them agree by chance one time in six.) And both frozen arms end *below
# gray*: six epochs of 24 steps are not enough for a decoder that must make do with eyes it cannot adjust.
# To let the encoder learn was worth 1.30 dB and more, whichever weights it began with.
#
# Mind the conditions: 240 photographs of 64 × 64, mostly landscapes, six epochs, one rate for all arms, and
# three blocks of VGG. Those hold edges and textures, and edges and textures can be learned from a few
# hundred photographs. What cannot is what the *last* layers know: what a picture is about. The second
# model borrows that.

# %% [markdown] deck="slide"
# ## What borrowed maps bought
#
# | difference in PSNR | dB | 95 % interval | seeds agree |
# | --- | ---: | --- | --- |
# | trained: borrowed minus random | {{trained[0]:+.2f}} | {{trained[1]:+.2f}} to {{trained[2]:+.2f}} | {{agree[1]}} |
# | frozen: borrowed minus random | {{frozen[0]:+.2f}} | {{frozen[1]:+.2f}} to {{frozen[2]:+.2f}} | {{agree[0]}} |
# | borrowed: trained minus frozen | {{of_borrowed[0]:+.2f}} | {{of_borrowed[1]:+.2f}} to {{of_borrowed[2]:+.2f}} | {{agree[2]}} |
# | random: trained minus frozen | {{of_random[0]:+.2f}} | {{of_random[1]:+.2f}} to {{of_random[2]:+.2f}} | {{agree[3]}} |
#
# {{borrowed["n"]}} photographs, {{borrowed["epochs"]}} epochs, three blocks of VGG. Both frozen arms end
# below gray.

# %% [markdown] deck="notes"
# The intervals cover the choice of photographs. Two starts of the same frozen arm differ by a decibel, so
# the second row is undecided although its interval excludes zero. First layers are edges and textures; a
# few hundred photographs teach them. The second model borrows what they cannot teach.

# %% [markdown]
# ## The second model: a vector about the whole picture
#
# Maps say what is where. The second model adds *what it is all about*. Its encoder, eight
# convolutions trained from scratch, works at an eighth of the size. Beside it a classifier,
# Inception-ResNet-v2, looks at the whole picture and answers with one vector, the **embedding**. The
# vector is copied to every position, laid beside the encoder's channels, and a 1×1 convolution
# mixes the two; then a decoder paints. (The design is Deep Koalarization, Baldassarre et al. 2017;
# lesson 03 fused a vector in the same way, but learned it itself.)
#
# ### Exercise 2: write the fusion (7 minutes)
#
# Lay the vector of each picture beside every position of its map.


# %% exercise="fuse" minutes=7
def fuse(local, vector):
    """Maps (N, h, w, C) and embeddings (N, E) to (N, h, w, C + E), maps first."""
    ### BEGIN SOLUTION
    n, h, w, _ = local.shape
    everywhere = np.broadcast_to(vector[:, None, None, :], (n, h, w, vector.shape[1]))
    return np.concatenate([local, everywhere], axis=-1)
    ### END SOLUTION


# %% check="fuse" points=2
checks.fuse(fuse)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `vector[:, None, None, :]` has shape (N, 1, 1, E).
#
# </details>
# <details><summary>Hint 2</summary>
#
# `np.broadcast_to` repeats it to (N, h, w, E) without copying; then `np.concatenate` on the last axis.
#
# </details>
#
# In Keras the same is a layer, so that it can be saved and exported:


# %% tags=["export"]
class Beside(keras.layers.Layer):
    """Maps (N, h, w, C) and vectors (N, E) to (N, h, w, C + E): the vector at every position."""

    def call(self, local, vector):
        everywhere = keras.ops.zeros_like(local[..., :1]) + vector[:, None, None, :]
        return keras.ops.concatenate([local, everywhere], -1)


# %% tags=["export"]
KOALA = [(64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1), (512, 1), (256, 1)]


def layer(x, filters, stride=1, normal=False):
    """A 3×3 convolution and ReLU; `normal` puts batch normalization between them."""
    x = keras.layers.Conv2D(filters, 3, stride, "same", use_bias=not normal)(x)
    if normal:
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
    return keras.layers.ReLU()(x)


# %% tags=["export"]
def paint(L, vector, thin=1, normal=False):
    """From L / 100 (N, H, W, 1) and embeddings (N, E) to ab / 110; `thin` divides the filters."""
    x = L
    for filters, stride in KOALA:
        x = layer(x, filters // thin, stride, normal)  # at last (N, H/8, W/8, 256)
    x = Beside()(x, vector)  # (N, H/8, W/8, 256 + E)
    x = keras.layers.Conv2D(256 // thin, 1, activation="relu")(x)  # mixes them, (N, H/8, W/8, 256)
    x = up(layer(x, 128 // thin, 1, normal))  # (N, H/4, W/4, 128)
    for _ in range(2):
        x = layer(x, 64 // thin, 1, normal)  # (N, H/4, W/4, 64)
    x = layer(up(x), 32 // thin, 1, normal)  # (N, H/2, W/2, 32)
    x = keras.layers.Conv2D(2, 3, padding="same", activation="tanh", dtype="float32")(x)
    return up(x)  # (N, H, W, 2)


# %% tags=["export"]
def second_model(width, thin=1, normal=False):
    """The network with the embedding as its second input."""
    L, vector = keras.Input((None, None, 1)), keras.Input((width,))
    return keras.Model([L, vector], paint(L, vector, thin, normal))


# %% tags=["claim"]
PARTS = {"encoder": 5_827_200, "fusion": 322_048, "decoder": 424_802}  # as published
published_second = second_model(1001)
counts = [layer.count_params() for layer in published_second.layers if layer.count_params()]
counted = [sum(counts[:8]), counts[8], sum(counts[9:])]
for name, number in zip(PARTS, counted):
    print(f"{name:8} {number:9,}")
of_keras = second_model(1000).count_params()
print(f"with 1,001 numbers {sum(counts):,}; with Keras's 1,000 {of_keras:,}")
assert counted == list(PARTS.values()) and sum(counts) == 6_574_050
assert of_keras == 6_573_794

# %% [markdown] deck="slide"
# ## The second model
#
# | part | | parameters |
# | --- | --- | ---: |
# | encoder | eight 3×3 convolutions, to 1/8 | {{counted[0]:,}} |
# | embedding | Inception-ResNet-v2, frozen, 1,001 numbers | 0 trained |
# | fusion | 1×1 over 256 + 1,001 channels | {{counted[1]:,}} |
# | decoder | 128, ↑, 64, 64, ↑, 32, 2, ↑ | {{counted[2]:,}} |
#
# {{sum(counts):,}} are trained. Keras's own Inception-ResNet-v2 has 1,000 classes: {{of_keras:,}}.

# %% [markdown] deck="notes"
# Ask where the difference of 256 comes from: one weight for each output channel of the fusion. The
# 1,001st class of the original weights is "background". Exercise 2 writes the fusion in numpy.

# %% [markdown]
# ## An embedding is computed once
#
# The classifier is frozen, so its answer for a photograph never changes, and it costs far more than
# the network that we train. So
# compute the embeddings **once**, before training, and keep them. Three things make such a cache
# safe. Its name says what is in it: which network, which pictures. A file is there whole or not
# at all. And it is kept in parts, so that a run that was killed goes on instead of starting over.


# %% tags=["export"]
import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory


def cache_folder(name, pictures, folder):
    """A folder whose name says what lies in it: which network looked at which pictures."""
    digest = hashlib.sha256(np.ascontiguousarray(pictures)).hexdigest()[:16]
    return Path(folder) / f"{name}_{len(pictures)}_{digest}"


# %% tags=["export"]
def cached(embed, name, pictures, folder, part=500):
    """embed(pictures), (N, E), kept in parts; a run that was killed goes on after the last.

    embed: of the network called `name`. pictures: uint8 (N, H, W, 3).
    """
    place = cache_folder(f"{name}_{part}", pictures, folder)
    place.mkdir(parents=True, exist_ok=True)
    files = [place / f"{start:06}.npy" for start in range(0, len(pictures), part)]
    for number, file in enumerate(files):
        if not file.is_file():
            with open(file.with_suffix(".part"), "wb") as half:
                np.save(half, embed(pictures[number * part : (number + 1) * part]))
            Path(half.name).replace(file)  # in one step: it is there whole or not at all
    return np.concatenate([np.load(file) for file in files])


# %% [markdown] deck="slide"
# ## An embedding is computed once
#
# The eye is frozen: its answer for a photograph never changes. So keep it. A safe cache
#
# - says in its **name** what is in it: which network, which pictures
# - has files that are there **whole or not at all**
# - is kept in **parts**: a run that was killed goes on
#
# Given up: pictures that are turned or cut by chance.

# %% [markdown] deck="notes"
# Inception-ResNet-v2 costs far more than the network that is trained, and in every epoch it would look at
# the same pictures again. The notebook's cache is killed and continued in a test.

# %% tags=["claim"]
looked = []


def counting(pictures):
    looked.append(len(pictures))
    return look.embed(pictures)  # (n, 128)


views = np.stack([rgb[:400:4, :400:4] for rgb in album])  # (4, 100, 100, 3)
with TemporaryDirectory() as folder:
    first, second = (cached(counting, look.name, views, folder, part=3) for _ in range(2))
print(f"asked twice for {len(views)} pictures in parts of 3, the eye looked at {looked}")
assert looked == [3, 1] and np.array_equal(first, second)

# %% [markdown]
# One thing is given up: a picture that is flipped or turned by chance would need a new embedding. The
# report trains without augmentation, so it gives up nothing.

# %% [markdown]
# ## The 82 % that means nothing
#
# The report's headline is an accuracy: 82 % on its samples, 84.73 % at best. Accuracy of what? Its
# networks answer with two real numbers for every pixel, and nowhere does it say when such an answer
# counts as right. But it was made with Keras, and in Keras one writes `metrics=["accuracy"]`. What
# that word means, Keras decides by looking at shapes:

# %%
tiny = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 1, activation="tanh")])
tiny.compile("adam", "mse", metrics=["accuracy"])
noise = np.random.default_rng(3).uniform(-1, 1, (50, 4, 4, 3)).astype(np.float32)
x, y = noise[..., :1], noise[..., 1:]  # (50, 4, 4, 1), (50, 4, 4, 2)


# %% tags=["export"]
def keras_accuracy(ab, ab_hat):
    """What Keras calls accuracy where the answer has two channels."""
    metric = keras.metrics.CategoricalAccuracy()
    metric.update_state(ab, ab_hat)
    return float(metric.result())


# %% tags=["claim"]
_, reported = tiny.evaluate(x, y, verbose=0)
same = np.isclose(reported, keras_accuracy(y, tiny.predict(x, verbose=0)))
print(f'metrics=["accuracy"] on two channels is categorical accuracy: {same}')
assert same

# %% [markdown]
# Two channels, so it must be two classes. **Categorical accuracy** asks whether the larger of the
# two numbers stands at the same place in answer and truth. For a and b that means: is b greater than a,
# yes or no. Not how large, not which sign; of a color it keeps one bit, on which side of a diagonal of
# the ab plane it lies. Blue, purple and red count as one color; yellow, green and teal as the other.
#
# So we can make pictures to order:

# %% [markdown] deck="slide"
# ## What "accuracy" counts here
#
# ```python
# model.compile("adam", "mse", metrics=["accuracy"])
# ```
#
# Two channels come out, so Keras takes them for two classes: **is the larger number at the same place?**
#
# - b > a in the truth, b > a in the answer: right
# - no distance, no saturation, no hue: one bit
#
# Yellow is green is teal, and blue is purple is red.

# %% [markdown] deck="notes"
# Keras decides by shapes. The notebook asserts that the reported number and categorical accuracy agree.
# Ask: which picture scores 100 % and looks gray? The next slide shows one.

# %%
flower = next(photo.rgb for photo in photos.bundled() if photo.name == "flower")[::2, ::2]
L_flower, ab_flower = color.L(flower), color.ab(flower)  # (H, W, 1), (H, W, 2)
larger_b = ab_flower[..., 1:] > ab_flower[..., :1]  # (H, W, 1), the one bit that counts
middle = ab_flower.mean(-1, keepdims=True)  # (H, W, 1), on the diagonal a = b
MADE = {
    "nearly gray": ab_flower / 1000,
    "two loud colors": np.where(larger_b, [-60, 60], [60, -60]).astype(np.float32),
    "on the diagonal": middle + np.where(larger_b, [0.01, -0.01], [-0.01, 0.01]),
    "one yellow": np.broadcast_to(np.float32([0, 20]), ab_flower.shape),
}


# %%
def both_numbers(L, ab, ab_hat):
    """Keras's accuracy of an answer for one picture, and its mean ΔE00 from the truth."""
    truth, hat = (color.with_ab(L, x.astype(np.float32)) for x in (ab, ab_hat))
    return keras_accuracy(ab, ab_hat), metrics.delta_e(truth, hat)


# %% tags=["claim"]
made = {name: both_numbers(L_flower, ab_flower, ab_hat) for name, ab_hat in MADE.items()}
gray_delta = both_numbers(L_flower, ab_flower, np.zeros_like(ab_flower))[1]
for name, (accuracy, delta) in made.items():
    print(f"{name:16} accuracy {accuracy:6.1%}   ΔE {delta:5.1f}")
print(f"{'gray':16} {'':17}   ΔE {gray_delta:5.1f}")
assert made["nearly gray"][0] > 0.999 and made["two loud colors"][0] > 0.999
assert made["two loud colors"][1] > gray_delta > made["on the diagonal"][1]
assert made["on the diagonal"][0] < 0.001

# %% [markdown] deck="slide"
# ## Pictures made to order

# %% [markdown] deck="notes"
# Read the accuracy above each picture and ask which the room would have chosen. Gray to the eye:
# 100 %. Two loud colors: 100 %. The last one is closer to the truth than gray is, and scores zero.

# %% deck="figure"
shown = {"truth": ab_flower, "gray": np.zeros_like(ab_flower)} | MADE
plots.pictures(
    [color.with_ab(L_flower, np.float32(ab_hat)) for ab_hat in shown.values()],
    alt="A flower, and five versions: one that looks gray and one in two loud colors, both with an "
    "accuracy of 100 percent; one close in color with 0 percent; gray with 9; one all yellow.",
    titles=[f"{k}: {keras_accuracy(ab_flower, ab_hat):.0%}" for k, ab_hat in shown.items()],
    columns=3,
)

# %% [markdown]
# ### Exercise 3: the misleading number, and an honest one (9 minutes)
#
# Write both: Keras's accuracy, and the share of pixels whose color lies within a `distance` of the
# truth in the ab plane.


# %% exercise="accuracies" minutes=9
def accuracies(ab, ab_hat, distance):
    """Truth and answer (N, H, W, 2) in CIELAB units to two shares: [Keras's, within distance]."""
    ### BEGIN SOLUTION
    one_bit = (ab.argmax(axis=-1) == ab_hat.argmax(axis=-1)).mean()
    away = np.hypot(*np.moveaxis(ab - ab_hat, -1, 0))  # (N, H, W)
    return [one_bit, (away <= distance).mean()]
    ### END SOLUTION


# %% check="accuracies" points=2
checks.accuracies(accuracies)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `argmax(axis=-1)` gives 0 where a is larger and 1 where b is. Compare two of those, and take the mean.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The distance of two colors in the ab plane is Euclidean: the root of the sum of the two squares. A
# pixel is right when that is at most `distance`.
#
# </details>
#
# ## What a constant scores
#
# If one bit is asked for, answer with one bit: paint every pixel of every picture the same yellow
# (b > a), or give each picture one bit of its own, yellow or magenta. No training at all:

# %%
constants = course.result("04/constants")
print(f"{'Keras accuracy of':18} {'n':>4} {'one yellow':>11} {'one bit each':>13}")
for name, row in constants["rows"].items():
    print(f"{name:18} {row['n']:4.0f} {row['yellow']:11.1%} {row['one bit']:13.1%}")

# %% tags=["claim"]
rows = constants["rows"]
course.claim(
    "54.73 % after 100 epochs, and 55.7 % for the second model (Ain Shams)",
    f"one yellow for every pixel, {rows['COCO']['n']:.0f} COCO photographs",
    f"{rows['COCO']['yellow']:.1%} by the same accuracy",
    "a constant needs no epoch to do better",
)
assert rows["COCO"]["yellow"] > 0.557

# %% tags=["claim"]
course.claim(
    "82 % on samples, 79.05 % on animals (Ain Shams)",
    f"one yellow on {rows['Intel, forest']['n']:.0f} forests; one bit for each of "
    f"{rows['birds']['n']:.0f} birds",
    f"{rows['Intel, forest']['yellow']:.1%} and {rows['birds']['one bit']:.1%}",
    "the number depends on the subject more than on the method",
)
assert rows["Intel, forest"]["yellow"] > 0.82 and rows["birds"]["one bit"] > 0.7905
assert rows["Intel, forest"]["yellow"] - rows["Intel, glacier"]["yellow"] > 0.3

# %% [markdown] deck="slide"
# ## What a constant scores

# %% [markdown] deck="notes"
# Dots: one yellow for every pixel of every photograph. Squares: the better of two constants, chosen for each photograph. Vertical
# lines: what the report prints. No training at all. On forests yellow has {{100 * rows["Intel, forest"]["yellow"]:.1f}} %.

# %%
least, most = (rows[f"Intel, {name}"]["yellow"] for name in ("glacier", "forest"))
CONSTANT_ALT = (
    f"Accuracy of constant answers on ten sets of photographs: from {100 * least:.0f} percent on "
    f"glaciers to {100 * most:.0f} on forests for one yellow, more for one bit per picture; the "
    "reported values lie among them."
)

# %% deck="figure"
fig, (ax,) = plots.grid(1, 1, width=9, height=4)
labels = {"yellow": "one yellow for all", "one bit": "one bit for each picture"}
for i, (key, label) in enumerate(labels.items()):
    values = [100 * row[key] for row in rows.values()]
    ax.plot(values, list(rows), plots.MARKERS[i], color=plots.LINES[i], markersize=9, label=label)
for number in (54.73, 69.01, 79.05, 84.73):
    ax.axvline(number, color=plots.INK, linewidth=1, linestyle=":")
    above = 1.01 + 0.06 * (number == 79.05)
    ax.annotate(f"{number:g}", (number, above), xycoords=("data", "axes fraction"), ha="center")
ax.invert_yaxis()
ax.set(xlabel="Keras accuracy, % (dotted: as reported)", xlim=(25, 100))
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(fig, CONSTANT_ALT)

# %% [markdown]
# ## More epochs, more accuracy?
#
# The report trains its first model for 100, 400 and 1,000 epochs, prints 54.73, 69.01 and 84.73 %,
# and concludes that accuracy grows with the epochs. It does not say on which photographs it was
# measured. That matters more than the epochs. Here is the first model in small (three borrowed blocks,
# trained on), on 64 photographs again and again, and after every epoch both numbers on these 64
# and on 64 others:

# %%
by_epoch = course.result("04/epochs")
for n in (1, 5, 20, 40):
    (one, _, own), (two, _, other) = (by_epoch["rows"][n - 1][k] for k in ("train", "others"))
    print(f"epoch {n:2}   accuracy {one:.1%} learned, {two:.1%} others", end="   ")
    print(f"PSNR {own:.2f} dB learned, {other:.2f} dB others")

# %% tags=["claim"]
first, last = by_epoch["rows"][0], by_epoch["rows"][-1]
gains = [100 * (last[part][0] - first[part][0]) for part in ("train", "others")]
gaps = [row["train"][2] - row["others"][2] for row in (first, last)]
constant = max(by_epoch["yellow"], 1 - by_epoch["yellow"])
course.claim(
    "the more epochs, the better the accuracy (Ain Shams)",
    f"{by_epoch['n']} photographs of 64 × 64, {last['epoch']} epochs; {by_epoch['n_test']} others",
    f"{gains[0]:+.1f} points on what it learns, {gains[1]:+.1f} on others, at last "
    f"{last['others'][0]:.1%} where one color for all has {constant:.1%}; "
    f"the gap in PSNR grows from {gaps[0]:.2f} to {gaps[1]:.2f} dB",
    "holds on the photographs that it learns; on others the number hardly moves",
)
assert gains[0] > 10 and gains[1] < gains[0] / 2 and gaps[1] > gaps[0]

# %% [markdown]
# On the photographs that it learns, the number climbs much as the report's did. On others it ends where one
# single color would have been from the start, and goes up and down by several points on the way. So
# a column of rising accuracies says that a network trained for longer; whether it paints better, it does
# not say.

# %% [markdown] deck="slide"
# ## More epochs, on which photographs?

# %% [markdown] deck="notes"
# Left: Keras's accuracy, right: PSNR. Circles: the 64 photographs that it learns; squares: 64 others.
# Look at the circles only, and the report's conclusion is right. The dotted line is one color for all
# of the others. A number without its photographs is no number.

# %%
HEART_ALT = (
    "By epoch: on the photographs that are learned accuracy and PSNR keep rising; on others "
    "accuracy goes up and down around what one color scores, and PSNR stays one to two dB behind."
)

# %% deck="figure"
seen = [row["epoch"] for row in by_epoch["rows"]]
fig, axes = plots.grid(1, 2, height=3.6)
for i, (part, label) in enumerate({"train": "learned", "others": "others"}.items()):
    style = dict(color=plots.LINES[i], marker=plots.MARKERS[i], markevery=5, label=label)
    for ax, k, unit in zip(axes, (0, 2), (100, 1)):
        ax.plot(seen, [unit * row[part][k] for row in by_epoch["rows"]], **style)
axes[0].axhline(100 * constant, color=plots.INK, linestyle=":", label="one color for others")
for ax, label in zip(axes, ("Keras accuracy, %", "PSNR, dB")):
    ax.set(xlabel="epoch", ylabel=label)
handles = axes[0].get_legend_handles_labels()
axes[1].legend(*handles, loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(fig, HEART_ALT)

# %% [markdown]
# ## Live: a world whose best answer is known
#
# Does the number at least rank answers? Train the first model in small yourself, on painted scenes,
# where we know what the best possible answer would score.

# %% tags=["nbval-ignore-output"]
AMOUNT = {"ci": (20, 1), "cpu": (400, 12), "gpu": (4000, 40)}  # scenes, epochs
scenes, epochs = AMOUNT[course.profile()]
source = paintbox.sample(scenes, size=64, seed=course.SEED)
print(f"{len(source)} scenes, {epochs} epochs")

# %%
test = paintbox.sample(60, size=64, seed=2)  # scenes no network sees in training
best, yellow, magenta = test.expected_ab(), np.zeros_like(test.ab), np.zeros_like(test.ab)
yellow[..., 1], magenta[..., 0] = 1, 1  # (60, 64, 64, 2), hardly more than gray


def scene_row(ab_hat):
    """Keras's accuracy, share within 10 of ab, and regret of answers for the test scenes."""
    within = metrics.accuracy_curve(test.ab, ab_hat)[0][10]
    return keras_accuracy(test.ab, ab_hat), within, paintbox.regret(test, ab_hat).mean()


# %% tags=["claim"]
known = {"best answer": best, "its mirror": best[..., ::-1], "all magenta": magenta}
known |= {"all yellow": yellow, "best / 100": best / 100}
table = {name: scene_row(ab_hat) for name, ab_hat in known.items()}
print(f"{'':12} {'accuracy':>9} {'within 10':>10} {'regret':>8}")
for name, (accuracy, within, regret) in table.items():
    print(f"{name:12} {accuracy:9.1%} {within:10.1%} {regret:8.1f}")
assert table["best / 100"][0] == table["best answer"][0]
assert table["best / 100"][2] > 400 and table["best answer"][2] == 0
assert table["all magenta"][0] > 0.6 and table["best answer"][1] > 2 * table["best / 100"][1]


# %% tags=["export"]
def learn(model, source, epochs, rate, folder=None, measure=None, augmented=True):
    """Squared error, Adam, batches of 10; `rate` is a function of the epoch."""
    model.compile(keras.optimizers.Adam(), "mse")
    batch = min(10, batches.count(source))

    def epoch(number):
        return batches.keras_dataset(source, batch, course.SEED, number, augmented)

    return training.fit_keras(model, epoch, epochs, rate, folder, measure)


def cosine(first, epochs):
    """A rate that falls from `first` along a cosine, toward zero after the last epoch."""
    return lambda number: first * (1 + np.cos(np.pi * number / epochs)) / 2


def answers(model, L):
    """ab in CIELAB units, (N, H, W, 2), of a Keras model for L (N, H, W, 1) in 0…100."""
    return color.AB_SCALE * model.predict(L / 100, batch_size=20, verbose=0)


# %% tags=["nbval-ignore-output"]
keras.utils.set_random_seed(course.SEED)
small = first_model(vgg(VGG16[:3], thin=4), wide=(64,), rising=(32, 16), scale=10.0)


def watch(model):
    return dict(zip(("accuracy", "within", "regret"), scene_row(answers(model, test.L))))


history = learn(small, source, epochs, cosine(1e-3, epochs), None, watch)
print(", ".join(f"{key} {history[-1][key]:.2f}" for key in ("accuracy", "within", "regret")))

# %% [markdown] deck="slide"
# ## The bit is learned in an epoch, the color is not

# %% [markdown] deck="notes"
# Left: Keras's accuracy of a small VGG on painted scenes, with a constant and the best answer as lines.
# Right: the share of pixels within 10 of ab, for the same network. By the left number it is nearly done
# after an epoch; by the right one it has hardly begun.

# %% deck="figure"
fig, axes = plots.grid(1, 2, height=3.4)
seen = [row["epoch"] for row in history]
for ax, key, k in zip(axes, ("accuracy", "within"), (0, 1)):
    ax.plot(seen, [100 * row[key] for row in history], "o-", label="the first model, small")
    for name, style in (("best answer", "-"), ("all magenta", ":")):
        ax.axhline(100 * table[name][k], color=plots.INK, linestyle=style, label=name)
    ax.set(xlabel="epoch", ylabel=("Keras accuracy, %", "within 10 of ab, %")[k], ylim=(0, 101))
    ax.xaxis.get_major_locator().set_params(integer=True)
axes[1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(
    fig,
    "By epoch, for a small network on scenes: Keras's accuracy is close to that of the best answer "
    "from the start, the share of pixels within ten of ab stays far below it.",
)

# %% [markdown]
# By the left number the network is nearly done after one epoch; by the right one it has hardly begun. And
# the best answer divided by a hundred, which looks gray, has the accuracy of the best answer, to the
# last digit. The share of pixels within a distance tells the two apart, and still wants a row of gray
# beside it: on photographs many pixels *are* nearly gray, so gray scores well there too. Whatever you
# print, print it for gray and for a constant first.
#
# ## Bugs that train
#
# A program that stops with an error has one bug less. These three do not stop. You have repaired the
# first, the eye that sees black. Here are the other two.
#
# ### Exercise 4: find the bug in the last layer (5 minutes)
#
# A colorizer never paints a blue sky, nor any grass that is really green. Its loss falls, more slowly
# than others'. These are its last lines:
#
# ```python
# x = np.maximum(x, 0)               # "ReLU in all layers"
# return 110 * np.tanh(x)            # ab in CIELAB units
# ```


# %% exercise="to_ab" minutes=5
def to_ab(x):
    """The last convolution's output (N, H, W, 2), any real number, to ab in CIELAB units."""
    ### BEGIN SOLUTION
    return 110 * np.tanh(x)
    ### END SOLUTION


# %% check="to_ab" points=1
checks.to_ab(to_ab)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Which colors have a negative a, which a negative b? What can come out of the two lines when x is
# −1?
#
# </details>
#
# What such a network could paint at best is the truth with every negative a and b cut off. (The report
# says that ReLU squashes numbers into 0…1. It does not: it cuts off below zero and leaves alone what
# is above.)

# %% [markdown] deck="slide"
# ## A bug that trains: ReLU before tanh
#
# ```python
# x = np.maximum(x, 0)       # "ReLU in all layers"
# return 110 * np.tanh(x)
# ```
#
# a and b have signs. After a ReLU they have none: no blue, no green, no cyan.
#
# ReLU belongs in *hidden* layers. The convolution before tanh is not one of them.

# %% [markdown] deck="notes"
# Exercise 4. Ask what such a network could paint at best, before you show the next slide. A sigmoid for
# ab is another matter: lesson 03 shifts ab to 0…1 first.

# %% [markdown] deck="slide"
# ## What is left when a and b cannot be negative

# %% [markdown] deck="notes"
# Above the truth, below the best that the network with the bug could do. Blue and green are gone; the
# coffee hardly changes, so whoever tests on interiors never finds the bug.

# %% deck="figure"
cut = []
for rgb in album:
    cut.append(color.with_ab(color.L(rgb), np.maximum(color.ab(rgb), 0)))  # (H, W, 3)
plots.pictures(
    [*[rgb[::2, ::2] / np.float32(255) for rgb in album], *[image[::2, ::2] for image in cut]],
    alt="Four photographs, and the same with negative a and b cut off: blue skies turn gray or "
    "pink, green leaves turn yellow or gray.",
    titles=["truth"] * len(album) + ["no a < 0, no b < 0"] * len(album),
    columns=len(album),
)

# %% tags=["claim"]
negative = [(color.ab(rgb) < -5).any(-1).mean() for rgb in album]
for photo, share in zip(ALBUM, negative):
    print(f"{photo.name:7} {share:4.0%} of the pixels have an a or b below −5")
assert np.mean(negative) > 0.25

# %% [markdown]
# ### Exercise 5: find the bug in the loader (7 minutes)
#
# Photographs lie in folders, one for each class, and are read in that order. The loss of this training
# goes up and down like a saw, and in the end the network paints everything in the colors of the last
# folder:
#
# ```python
# def batches(keys):                            # random numbers (B, size)
#     return np.arange(keys.size).reshape(keys.shape)   # picture numbers (B, size)
# ```
#
# Each epoch draws one random number for each picture. Visit the pictures in the order of these numbers,
# so that two calls with the same numbers give the same batches, and a batch holds pictures from
# anywhere.


# %% exercise="shuffled" minutes=7
def shuffled(keys):
    """A random number for each of B × size pictures (B, size) to B batches of picture numbers."""
    ### BEGIN SOLUTION
    return np.argsort(keys, axis=None).reshape(keys.shape)
    ### END SOLUTION


# %% check="shuffled" points=1
checks.shuffled(shuffled)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Sorting each row alone leaves a batch with the pictures it had: a folder's. All numbers must be
# sorted together.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `np.argsort` with `axis=None` flattens first and gives the places of the smallest, the next, and so
# on. Give the result the shape of `keys`.
#
# </details>

# %% [markdown] deck="slide"
# ## A bug that trains: the loader that never shuffles
#
# - files are read folder by folder: a batch holds one class
# - the loss goes up and down like a saw
# - at the end the network paints everything like the last folder
#
# Two repairs that repair nothing: shuffle the *order of the batches*, or shuffle *inside* each batch.

# %% [markdown] deck="notes"
# Exercise 5. The second false repair is common: a shuffle buffer that is smaller than a folder. The
# check tells all of them apart.

# %% [markdown]
# ## The shipped colorizer
#
# Now the second model as one file. Its embedding comes from `course_L`, which sees L, so the whole
# system, eye and all, is one graph from L to ab. Half the filters and batch normalization, so that two
# cores can train it; photographs as in lesson 02, the first 200 held out. The eye stays frozen. Because
# it is small it looks anew in every step, at what augmentation made of the picture, and no cache is
# needed.


# %% tags=["export"]
def whole(eye, thin=2):
    """The second model with its eye: L / 100 (N, H, W, 1) to ab / 110 (N, H, W, 2)."""
    eye.trainable = False
    L = keras.Input((None, None, 1))
    hand = second_model(eye.output_shape[-1], thin, normal=True)
    hand.name = "hand"
    return keras.Model(L, hand([L, eye(L)]))  # eye(L): (N, 128)


# %%
on_photographs = course.result("04/checkpoint")
print(metrics.table(on_photographs["table"]))

# %% tags=["claim"]
both = [np.array(on_photographs["psnr"][name]) for name in ("S4", "S0")]
ahead = metrics.bootstrap(both[0] - both[1])
for name in ("S0", "S4"):
    gain, low, high = on_photographs["gain"][name]
    print(f"{name} minus gray  {gain:+.2f} dB [{low:+.2f}, {high:+.2f}]")
print(f"S4 minus S0    {ahead[0]:+.2f} dB [{ahead[1]:+.2f}, {ahead[2]:+.2f}]")
assert on_photographs["gain"]["S4"][1] > 0

# %% tags=["claim"]
print(f"{'':11} {'Keras accuracy':>15} {'within 10':>10} {'area':>7}")
for name, (accuracy, within, area) in on_photographs["accuracy"].items():
    print(f"{name:11} {accuracy:15.1%} {within:10.1%} {area:7.1%}")
score = on_photographs["accuracy"]
measured = {row["name"]: row for row in on_photographs["table"]}
assert score["S4"][1] > score["gray"][1] and score["S4"][2] > score["gray"][2]

# %% [markdown] deck="slide"
# ## The shipped colorizer, on {{on_photographs["n_test"]}} test photographs
#
# | | PSNR, dB | ΔE00 | Keras accuracy | within 10 of ab |
# | --- | ---: | ---: | ---: | ---: |
# | gray | {{measured["gray"]["psnr"][0]:.2f}} | {{measured["gray"]["delta_e"][0]:.2f}} | {{100 * score["gray"][0]:.1f}} % | {{100 * score["gray"][1]:.1f}} % |
# | one yellow | | | {{100 * score["one yellow"][0]:.1f}} % | {{100 * score["one yellow"][1]:.1f}} % |
# | S0, lesson 02 | {{measured["S0"]["psnr"][0]:.2f}} | {{measured["S0"]["delta_e"][0]:.2f}} | {{100 * score["S0"][0]:.1f}} % | {{100 * score["S0"][1]:.1f}} % |
# | S4, this lesson | {{measured["S4"]["psnr"][0]:.2f}} | {{measured["S4"]["delta_e"][0]:.2f}} | {{100 * score["S4"][0]:.1f}} % | {{100 * score["S4"][1]:.1f}} % |
#
# S4 minus S0: {{ahead[0]:+.2f}} dB, interval {{ahead[1]:+.2f}} to {{ahead[2]:+.2f}}. Undecided.

# %% [markdown] deck="notes"
# S4 has half of S0's parameters and had half its epochs; size, optimizer and normalization differ as
# well, so the table does not say what the embedding is worth. The next slide does. Ask for the row that is
# missing under Keras accuracy: one bit for each picture has more than both.

# %% [markdown]
# S4 is far better than gray, and level with S0: the interval of their difference contains zero. It has
# half of S0's parameters and saw the photographs for half as many epochs, at other sizes, with another
# optimizer; so this table does not say what the embedding is worth. Note the last table too: by Keras's
# accuracy both fall short of *one bit for each picture*, which scores 75.7 % on these photographs.

# %% [markdown]
# Does it use the vector at all? A network may learn to do without an input. Let the trained network
# paint every test photograph three times: with its own embedding, with that of *another
# photograph*, and with zeros.

# %% tags=["claim"]
swapped = {name: np.array(psnr) for name, psnr in on_photographs["embedding"].items()}
lost = {k: metrics.bootstrap(psnr - swapped["its own"]) for k, psnr in swapped.items()}
for name, (mean, low, high) in lost.items():
    print(f"{name:10} {swapped[name].mean():6.2f} dB", end="")
    print("" if name == "its own" else f"   minus its own {mean:+.2f} dB [{low:+.2f}, {high:+.2f}]")
assert metrics.bootstrap(swapped["its own"] - swapped["another's"])[1] > 0

# %% [markdown]
# It does. With another photograph's embedding it loses nearly as much as it had gained over gray: the
# vector tells it which colors to expect, and it paints a glacier with what it was told about a
# forest. So when the classifier is wrong, the colors are wrong everywhere. This shows that the network
# *relies* on its vector, not that it is better for having one: none was trained without it.

# %% [markdown] deck="slide"
# ## Does it use the vector?
#
# | embedding | PSNR, dB | minus its own |
# | --- | ---: | ---: |
# | its own | {{swapped["its own"].mean():.2f}} | |
# | another photograph's | {{swapped["another's"].mean():.2f}} | {{lost["another's"][0]:+.2f}} |
# | zeros | {{swapped["zeros"].mean():.2f}} | {{lost["zeros"][0]:+.2f}} |
#
# Same network, same photographs, only the vector is exchanged. With its own it gains
# {{on_photographs["gain"]["S4"][0]:.1f}} dB over gray, and the wrong vector costs about as much.

# %% [markdown] deck="notes"
# A network may learn to ignore an input; this is how one finds out. Compare the eye that sees black: there
# every picture had the same vector, and this table would show three equal rows.

# %% [markdown] deck="slide"
# ## What it paints

# %% [markdown] deck="notes"
# Four photographs that come with the software, none of them like the training set. Rows: truth, S0 of
# lesson 02, S4 of this lesson. Its eye knows landscapes, streets and buildings; a cup of coffee is
# none of them. No photograph of a person should be shown colorized without saying that the color is
# invented.

# %%
s4_file = Colorizer.load("04_pretrained_fusion")
painters = {"truth": lambda rgb: rgb, "S0": Colorizer.load("02_mse_regression").colorize}
painters["S4"] = s4_file.colorize
small_album = [rgb[::2, ::2] for rgb in album]
print(f"{s4_file.name}: {s4_file.metadata['parameters']:,} parameters, works at {s4_file.size} px")
assert s4_file.metadata["parameters"] == whole(look.model).count_params()

# %% deck="figure"
plots.pictures(
    [paint_one(rgb) for paint_one in painters.values() for rgb in small_album],
    alt="Four photographs in truth and as S0 and S4 paint them: S0 lays a pale blue over all four, "
    "S4 a little brown on the pagoda; flower and coffee are nearly gray in both.",
    titles=[name for name in painters for _ in album],
    columns=len(album),
)

# %% [markdown]
# ## Claims on trial
#
# Three were tried above: the accuracy that grows with the epochs, the headline, and the animals. Two
# are left. The report says that pretrained weights *guarantee faster convergence*. And its
# conclusion says that it used "the cross-entropy loss function", while its chapter on the model
# trains the mean squared error.

# %% tags=["claim"]
early = {name: np.mean(arm["rows"], axis=0) for name, arm in borrowed["arms"].items()}  # (epochs,)
ours, other = early["borrowed, trained"], early["random, trained"]
passes = next((i for i, psnr in enumerate(ours, 1) if psnr > other[-1]), len(ours) + 1)
course.claim(
    "borrowed weights guarantee faster convergence (Ain Shams)",
    f"three VGG blocks trained on {borrowed['n']} photographs, {len(ours)} epochs, two seeds",
    f"after epoch 2 {ours[1]:.2f} dB borrowed, {other[1]:.2f} dB random; the borrowed pass the "
    f"last of the random ({other[-1]:.2f} dB) in epoch {passes}",
    "fails at this budget: no guarantee, no lead at first; they end a little higher",
)
assert passes > len(ours) / 2 and ours[-1] > other[-1]

# %%
TEAL = np.float32([[-0.3, -0.2]])  # a and b divided by 110, (1, 2)
TRIED = {"the truth": TEAL, "its opposite": -TEAL, "nearly gray": TEAL / 100}
TRIED["almost no b"] = np.float32([[-0.9, -0.001]])
entropies = {
    name: float(keras.losses.categorical_crossentropy(TEAL, y_hat)[0])
    for name, y_hat in TRIED.items()
}

# %% tags=["claim"]
for name, value in entropies.items():
    print(f"cross-entropy of {name:13} {value:6.3f}")
course.claim(
    "trained with the cross-entropy loss (Ain Shams, conclusion)",
    "Keras's categorical cross-entropy on a and b of a teal pixel",
    "the opposite color costs as much as the truth, another one less",
    "cannot be: the chapter on the model is right, it is the squared error",
)
assert np.isclose(entropies["the truth"], entropies["its opposite"], atol=1e-4)
assert np.isclose(entropies["the truth"], entropies["nearly gray"], atol=1e-4)
assert entropies["almost no b"] < entropies["the truth"] - 0.5

# %% [markdown] deck="slide"
# ## Claims on trial
#
# | claim | verdict |
# | --- | --- |
# | "82 % accuracy" | one yellow has more on forests |
# | "79.05 %" on animals | one bit for each bird has more |
# | more epochs, more accuracy | on the photographs that it learns |
# | borrowed weights guarantee faster convergence | not here; they end a little higher |
# | trained with cross-entropy | it is the squared error |

# %% [markdown] deck="notes"
# Each has its condition and number in the notebook. The fourth depends on budget and layers: with a deeper
# encoder and fewer photographs it may turn out otherwise, and now you know how to test it.

# %% [markdown]
# A cross-entropy compares *distributions*: numbers that are positive and sum to one. Given a and b it
# divides by their sum, and the sign of the color is gone. It is a fine loss for color once the answer
# is a distribution over colors; that is lesson 05.
#
# ## Quiz
#
# **1. A colorizer prints 84 % accuracy on forests, from Keras with two output channels. What does a
# picture score that is painted in one yellow?**
#
# <details><summary>A. About half, like a coin.</summary>
#
# A coin scores half only where b > a in half of the pixels. In forests it is so in most of them.
#
# </details>
# <details><summary>B. About the same.</summary>
#
# Right: in forests b exceeds a in more than four pixels of five, and nothing else is asked.
#
# </details>
# <details><summary>C. Zero, because no pixel has exactly this yellow.</summary>
#
# The color itself is never compared, only which of its two numbers is larger.
#
# </details>
#
# **2. Which comparison tells what the *training* of borrowed weights buys?**
#
# <details><summary>A. Borrowed weights against the network of lesson 02.</summary>
#
# Those differ in layers, size and photographs too. Whatever comes out has five explanations.
#
# </details>
# <details><summary>B. Borrowed against random weights in the same layers, everything else equal.</summary>
#
# Right: only the weights differ, so the difference is theirs.
#
# </details>
# <details><summary>C. Frozen against trained.</summary>
#
# That asks whether the eye should go on learning, not what it had learned before.
#
# </details>
#
# **3. The fusion's 1×1 convolution gets embeddings of 1,000 numbers in place of 1,001. How many
# parameters go?**
#
# <details><summary>A. 1.</summary>
#
# One number of the vector enters every output channel, and there are 256 of those.
#
# </details>
# <details><summary>B. 256.</summary>
#
# Right: one weight for each output channel. The biases stay.
#
# </details>
# <details><summary>C. It depends on the size of the picture.</summary>
#
# A convolution's weights are the same at every position, so the size does not matter.
#
# </details>
#
# **4. Embeddings were computed once and kept. What would make them wrong?**
#
# <details><summary>A. Training the encoder beside them.</summary>
#
# The embeddings come from another network, which is frozen; the encoder does not touch them.
#
# </details>
# <details><summary>B. Pictures that are flipped and turned by chance in training.</summary>
#
# Right: the kept vector describes the original. For a flip it hardly matters, for a crop it may.
#
# </details>
# <details><summary>C. Another order of the pictures in every epoch.</summary>
#
# A picture takes its vector along, wherever it comes in the order.
#
# </details>

# %% [markdown]
# ## What broke, and which lesson repairs it
#
# - **Pale colors, still.** Better eyes bring an answer closer to the mean, and the mean of possible
#   colors is pale. Lesson 05 asks for a distribution.
# - **A vector knows no place.** It says "street" to every pixel of the sky above it. Lesson 10 lets
#   every pixel ask for what it needs (attention).
# - **No number in this lesson says that a picture looks right.** Distances compare with one truth,
#   where many would do. Lesson 06 lets a network judge, lesson 07 compares the judges.
# - **The eye is heavy.** Inception-ResNet-v2 has eight times the parameters of the network it helps. Lesson 08 makes
#   such systems small enough to ship.

# %% [markdown] deck="slide"
# ## What broke, and who repairs it
#
# | what | where |
# | --- | --- |
# | pale colors: better eyes, same mean | lesson 05 |
# | one vector for every pixel | lesson 10 |
# | no number says that it looks right | lessons 06 and 07 |
# | the eye is heavier than the hand | lesson 08 |

# %% [markdown] deck="notes"
# Come back to the bets of the first slide. Then ask each student for one number that they will print
# beside their next model, and for the row of gray that stands above it.
