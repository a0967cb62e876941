# ---
# jupyter:
#   course:
#     title: Pretrained features
#     question: What do pretrained features buy?
#     objectives:
#       - ask a pretrained network what it sees in a gray picture, and find a bug by its answers
#       - take its layers as the encoder of a colorizer, frozen or fine-tuned
#       - measure what pretraining buys, against the same layers with random weights
#       - write a fusion layer and a skip connection, and see what each is good for
#       - tell what an accuracy counts before you believe it
#     prerequisites: lesson 02 (the squared error, the gray row); lesson 03 helps, for its fusion.
#     running: 3
#     data: the course's album of photographs, each under its own licence (CREDITS.md in the album);
#       stored numbers come from photographs that are not redistributed.
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
# **For the instructor.** One comparison carries this lesson: the same decoder, trained for the same
# steps on the same photographs, once on random and once on pretrained features. Let the room bet
# before the live training starts, and talk about the diagram while it runs. Three minutes separate
# random from pretrained features. They do not separate frozen from fine-tuned, and the stored result
# hardly does: most rooms bet on fine-tuned, and at equal steps it is not ahead. The sections on the report's models and on its accuracy may be left out in one class; the
# accuracy makes a good discussion ("which number would you have printed?"). The photographs of the
# album are very colorful, so that gray scores low there: compare gains, not levels.

# %% tags=["export"]
import keras
import numpy as np

# %%
import tensorflow as tf

from course_utils import training

training.keras_on(session.device)  # before anything is built
tf.config.run_functions_eagerly(session.profile == "ci")  # few steps do not pay for compiling
tf.get_logger().setLevel("ERROR")

# %%

from course_utils import color, course, metrics, networks, photos, plots
from course_utils.checks import chosen
from course_utils.checks import lesson_04 as checks
from course_utils.colorizer import Colorizer

# %% [markdown]
# ## What a trained network sees in a gray picture
#
# To color a photograph, a network must know what it shows. Grass is green and skin is not. The
# networks of lessons 02 and 03 had to learn this from a few thousand photographs. A network trained
# on ImageNet has seen 1.2 million, each with one of 1,000 names.
#
# ImageNet's photographs are in color. Does such a network still know things in gray? We ask
# **EfficientNet-Lite0** (Tan and Le, 2019), which ships with the course: 4.65 million parameters,
# trained on ImageNet.

# %%
look = networks.features("Lite0")
lite0 = course.result("04/lite0")  # what was measured of it
test_album = {photo.name: photo for photo in photos.album("test")}
SHOWN = [test_album[name] for name in ("coffee", "king_penguin", "mangoes", "sun_parakeet")]
in_color = [photo.rgb for photo in SHOWN]
in_gray = [metrics.paint_gray(rgb) for rgb in in_color]


# %%
def told(pictures):
    """Each picture's likeliest class among 1,000, and its probability."""
    return [f"{name}, {p:.0%}" for seen in look.see(pictures, 1) for name, p in seen.items()]


def credits(chosen):
    print("\n".join(photo.credit for photo in chosen))


# %% [markdown] deck="slide"
# ## What does it see: in color, and in gray?
#
# Above each picture: the likeliest of 1,000 classes. In gray, fruit and parakeet get another name.

# %% [markdown] deck="notes"
# Above each picture stands the likeliest of 1,000 classes with its probability. The coffee and the
# penguin are named in gray too. The mangoes become apples and the parakeet becomes a kite: there
# color was part of the answer.

# %% deck="figure"
ALT = "Four pictures in color and in gray with the class that the network names for each of them."
shown = [*in_color, *in_gray]
plots.pictures(shown, ALT, told(shown), columns=4)
credits(SHOWN)

# %% [markdown]
# Where the shape is enough, it needs no color. Where color told two things apart, it is lost. On
# many photographs, with 95 % intervals:

# %% tags=["claim"]
seen_in = {name: lite0["answers"][name]["top1"] for name in ("color", "gray")}
print(f"right class first, of 1,000, on {lite0['n']} photographs of ten classes")
for name, (share, low, high) in seen_in.items():
    print(f"{name:6} {share:.1%} [{low:.1%}, {high:.1%}]")
assert 0.1 < seen_in["gray"][1] and seen_in["gray"][2] < seen_in["color"][1]

# %% [markdown]
# It loses, but it still sees. A colorizer can use that, and it needs more than the name: it needs to
# know *where* things are. The layers before the answer tell. Each gives **maps**: one number for each
# channel at each position. Deeper maps are coarser and mean more. Below, the first row has ImageNet's
# weights, the second row random ones. Of each level we draw the channel that varies most. With trained
# weights the fine maps answer to edges and textures, and the deepest one is bright where the frog is.


# %%
def strongest(maps):
    """Of maps (1, h, w, C) the channel that varies most, (h, w), from 0 to 1."""
    x = maps[0, ..., maps.std((0, 1, 2)).argmax()]
    return (x - x.min()) / (x.max() - x.min())


L_frog = color.L(test_album["red_eyed_tree_frog"].rgb)[None]  # (1, 256, 384, 1)
frog_maps = {}
for weights in ("imagenet", "random"):
    encoder = networks.lite0.keras_encoder(weights, session.seed)  # five maps, strides 2 to 32
    frog_maps[weights] = [np.asarray(x) for x in encoder(L_frog / 100)]

# %% [markdown] deck="slide"
# ## Maps: what the layers pass on
#
# Trained maps show edges, then textures; the deepest is bright where the frog is. Random maps blur.

# %% [markdown] deck="notes"
# First row: weights learned on ImageNet. Second row: random weights. Columns: the gray photograph, then
# the channel that varies most at strides 2, 4, 8, 16 and 32. Trained maps answer to edges first, then to
# textures; the deepest one is bright where the frog is. Random maps are blurred copies, then noise.

# %% deck="figure"
rows = [[L_frog[0, ..., 0] / 100, *map(strongest, maps)] for maps in frog_maps.values()]
ALT = "A frog and five maps: trained ones show edges, textures, then the frog; random ones blur."
titles = [f"{kind}{s}" for kind in ("trained, 1/", "random, 1/") for s in (1, 2, 4, 8, 16, 32)]
titles[0] = titles[6] = "L"
plots.pictures([picture for row in rows for picture in row], ALT, titles, columns=6)
credits([test_album["red_eyed_tree_frog"]])

# %% [markdown]
# ### Exercise 1: find the bug by what it says it sees (6 minutes)
#
# A pretrained network wants its numbers as it had them in training. Lite0 takes $(x - 127) / 128$ of
# values in 0…255. Nothing stops you from giving it something else. Here is code like that of a public
# repository. Training on it works, and the loss falls.


# %%
def careless(gray):
    """Gray pictures uint8 (N, H, W) to (N, H, W, 3). It has a bug."""
    x = gray / np.float32(255)  # "networks want 0 to 1"
    x = np.repeat(x[..., None], 3, axis=-1)
    return (x - 127) / 128  # as the network's card says


def what_it_sees(prepared, titled):
    """Undo the right preparation: the pictures that the network believes it gets, and names."""
    x = [np.asarray(prepared(rgb[None, ..., 0]))[0] for rgb in in_gray]  # (H, W, 3) each
    believed = [np.uint8(np.clip(128 * each + 127, 0, 255).round()) for each in x]
    alt = f"Four pictures as the network gets them {titled}, and the class it names for each."
    plots.pictures(believed, alt, told(believed))


# %%
what_it_sees(careless, "from the code with the bug")

# %% [markdown]
# It says the same of every picture. Find the bug, and write `prepare` right.


# %% exercise="prepare" minutes=6
def prepare(gray):
    """Gray pictures uint8 (N, H, W), 0…255, to what Lite0 takes: float32 (N, H, W, 3)."""
    ### BEGIN SOLUTION
    x = np.repeat(gray[..., None].astype(np.float32), 3, axis=-1)
    return (x - 127) / 128
    ### END SOLUTION


# %% check="prepare" points=1
my_prepare = prepare
checks.prepare(prepare)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Put white, 255, through the three lines by hand. Then black, 0. How far apart do they come out?
#
# </details>
# <details><summary>Hint 2</summary>
#
# The card's formula expects 0…255. Whoever divides by 255 first divides twice. Mind also that uint8
# cannot hold negative numbers: convert before you subtract.
#
# </details>
#
# The next cell looks through your `prepare` where the check accepts it, and through the code with the
# bug where it does not.


# %%
what_it_sees(chosen(checks.prepare, my_prepare, careless), "from the code chosen here")

# %% [markdown]
# Not every wrong range is that easy to notice. The same photographs in color, prepared in four ways:

# %% tags=["claim"]
for name, row in lite0["inputs"].items():
    share, low, high = row["top1"]
    print(f"{name:50} {share:.1%} [{low:.1%}, {high:.1%}]")
fed = {name: row["top1"] for name, row in lite0["inputs"].items()}
right_range, blind = fed["(RGB - 127) / 128"], fed["RGB in 0..255"]
assert all(right_range[0] >= other[0] for other in fed.values()) and blind[2] < right_range[1] / 5

# %% [markdown] deck="slide"
# ## A bug that does not stop the program
#
# | the network is fed | right class first |
# | --- | ---: |
# | (RGB − 127) / 128, as in its training | {{right_range[0]:.0%}} |
# | RGB / 255 | {{fed["RGB / 255"][0]:.0%}} |
# | RGB in 0…255 | {{blind[0]:.0%}} |
#
# No error, no warning, and a decoder trained on such maps still lowers its loss.
#
# **Test:** ask the network what it sees before you train on it.

# %% [markdown] deck="notes"
# The second row is the dangerous one: it still looks plausible. Exercise 1 shows what the network gets from
# code that divides twice: black pictures that all have the same name.

# %% [markdown]
# ## Transfer learning
#
# **Transfer learning** takes layers that were trained for one task as the start of a network for
# another. The layers that turn the picture into maps are the **encoder**. A new part, the **decoder**,
# turns the maps into color. There are two ways to train the two together:
#
# - **frozen**: the encoder stays as it is, and only the decoder learns;
# - **fine-tuned**: the encoder learns too, usually at a lower rate, because it already knows something.
#
# The report of this lesson, a graduation project at Ain Shams University (2021), builds a colorizer in
# each of two ways: on the maps of VGG-16, and on a vector from Inception-ResNet-v2. It does not ask
# whether the same layers with random weights would do as well. We do.


# %% [markdown] deck="slide"
# ## Transfer learning

# %% [markdown] deck="notes"
# Above: training on ImageNet, done by others. Below: our network. The encoder's weights are copied, its
# last layers, which name classes, are dropped. Ask: what would be lost if the copied weights were random?
# That is the comparison of this lesson.


# %% deck="figure"
LINES = "ImageNet|encoder|classifier|1,000 classes", "L|encoder|decoder, new|ab"
fig, (ax,) = plots.grid(1, 1, width=10, height=3)
ax.set_axis_off()
ax.set(xlim=(0, 10), ylim=(0, 3))
for y, texts in zip((2.4, 0.6), LINES):
    for x, text in zip((1, 4, 6.6, 9), texts.split("|")):
        fill = "#cfe3f2" if "encoder" in text else "white"
        ax.text(x, y, text, ha="center", va="center", bbox={"boxstyle": "round", "fc": fill})
    for start, end in ((1.8, 3.3), (4.7, 5.7), (7.5, 8.2)):
        ax.annotate("", (end, y), (start, y), arrowprops={"arrowstyle": "->"})
ax.annotate("", (4, 1.05), (4, 2.1), arrowprops={"arrowstyle": "->"})
ax.text(4.1, 1.6, "copy the weights, then freeze or fine-tune them", va="center")
plots.show(fig, "Diagram: the encoder of a classifier of ImageNet is copied before a new decoder.")

# %% [markdown]
# ## A decoder of two ideas
#
# The coarse maps know what is where, but at 160 × 160 pixels the deepest has 5 × 5 positions. Two ideas
# make a picture of them. **Fusion:** a vector about the whole picture stands beside the maps at every
# position. **Skip connections:** finer maps of the encoder join on the way up.
#
# ### Exercise 2: a fusion layer (7 minutes)
#
# Write the fusion as a Keras layer. It has no weights. It must work for any number of pictures and
# any size, also where Keras builds a network and does not know them yet.


# %% exercise="fuse" minutes=7
class Fuse(keras.layers.Layer):
    """Maps (N, h, w, C) and vectors (N, E) to (N, h, w, C + E), maps first."""

    def call(self, maps, vector):
        ### BEGIN SOLUTION
        shape = keras.ops.shape(maps)
        places = keras.ops.reshape(vector, (-1, 1, 1, vector.shape[-1]))
        everywhere = keras.ops.tile(places, (1, shape[1], shape[2], 1))
        return keras.ops.concatenate([maps, everywhere], axis=-1)
        ### END SOLUTION


# %% check="fuse" points=2
my_fuse = Fuse
checks.fuse(Fuse)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `vector[:, None, None, :]` has the shape (N, 1, 1, E). It has to be repeated h times and w times.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `keras.ops.tile` repeats, and `keras.ops.shape(maps)` knows h and w when the network runs. Or add
# the vector to zeros of the right shape: broadcasting repeats it for you. `keras.ops.concatenate`
# joins on the last axis.
#
# </details>
#
# Another way to write it, which the shipped colorizer uses:


# %% tags=["export"]
class Beside(keras.layers.Layer):
    """Maps (N, h, w, C) and vectors (N, E) to (N, h, w, C + E): the vector at every position."""

    def call(self, local, vector):
        everywhere = keras.ops.zeros_like(local[..., :1]) + vector[:, None, None, :]
        return keras.ops.concatenate([local, everywhere], -1)


# %% tags=["export"]
def up(x):
    return keras.layers.UpSampling2D(interpolation="bilinear", dtype="float32")(x)


# %% [markdown]
# ### Exercise 3: a skip connection (7 minutes)
#
# Maps of half the size are enlarged, joined with the encoder's maps of that size, and mixed by a 3 × 3
# convolution with ReLU that gives `filters` channels. `up` above enlarges. What goes in are tensors of
# a network that is being built, and what comes out is one too.


# %% exercise="with_skip" minutes=7
def with_skip(deep, skip, filters):
    """Deep maps (N, h, w, C) and finer ones (N, 2h, 2w, D) to (N, 2h, 2w, filters)."""
    ### BEGIN SOLUTION
    x = keras.layers.Concatenate()([up(deep), skip])
    return keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    ### END SOLUTION


# %% check="with_skip" points=2
my_skip = with_skip
checks.with_skip(with_skip)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Three steps, each one layer: enlarge `deep`, `keras.layers.Concatenate()` on the channels, and
# `keras.layers.Conv2D`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `Concatenate()` takes a list of two tensors. The convolution needs `padding="same"`, so that the size
# stays, and `activation="relu"`.
#
# </details>
#
# Where a check accepts your layer, the decoder below is built with it:


# %%
def joined(deep, skip, filters):
    """The course's own skip connection."""
    both = keras.layers.Concatenate()([up(deep), skip])
    return keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(both)


def no_skip(deep, skip, filters):
    """The same without the finer maps."""
    return keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(up(deep))


fusion = chosen(checks.fuse, my_fuse, Beside)
skip_connection = chosen(checks.with_skip, my_skip, joined)


# %%
def decoder(maps, join):
    """From maps at strides 4, 8, 16 and 32 to ab / 110: a small network of its own."""
    inputs = [keras.Input((None, None, x.shape[-1])) for x in maps]
    *skips, deep = [keras.layers.LayerNormalization()(x) for x in inputs]  # of one spread
    vector = keras.layers.GlobalAveragePooling2D()(deep)  # (N, 320), about the whole picture
    x = fusion()(deep, keras.layers.Dropout(0.5)(vector))  # (N, 5, 5, 640)
    x = keras.layers.Conv2D(64, 1, activation="relu")(x)
    for skip, filters in zip(reversed(skips), (64, 48, 32)):
        x = join(x, skip, filters)  # 10 × 10, then 20 × 20, then 40 × 40
    ab = keras.layers.Conv2D(2, 1, kernel_initializer="zeros")(x)  # it begins with gray
    return keras.Model(inputs, up(up(ab)))  # (N, 160, 160, 2)


# %% [markdown] deck="slide"
# ## The decoder
#
# | step | size | what joins |
# | --- | --- | --- |
# | deepest maps, 320 channels | 5 × 5 | their mean, at every position (**fusion**) |
# | enlarge, 64 filters | 10 × 10 | maps at stride 16 (**skip connection**) |
# | enlarge, 48 filters | 20 × 20 | maps at stride 8 |
# | enlarge, 32 filters | 40 × 40 | maps at stride 4 |
# | 2 channels, enlarge | 160 × 160 | |
#
# {{decoder(encoder.outputs[1:], skip_connection).count_params():,}} weights; the encoder has
# {{encoder.count_params():,}}.

# %% [markdown] deck="notes"
# Exercises 2 and 3 write the two words in bold. Without skip connections all edges would have to come
# out of 5 by 5 positions. The last layer begins with zeros, so that training begins with gray pictures.

# %% [markdown]
# ## Live: random against pretrained features
#
# Now the question of this lesson. **The same decoder twice**: the same photographs, steps, rate and
# first weights. Only the encoder differs: random weights or ImageNet's. Both encoders are frozen. So their
# maps of a photograph never change, and we compute them **once**. A third training has pretrained maps,
# but no skip connections.
#
# The photographs are the album's. Every fifth of its training split is for **validation**, and its
# test split is for the end. Each training photograph is seen whole and enlarged in its middle, and
# both also mirrored. Bet before you run it: what will the curves look like?

# %% tags=["nbval-ignore-output"]
SIZE, LARGE = 160, 240
COUNT, EPOCHS = {"ci": (10, 1), "cpu": (None, 5), "gpu": (None, 5)}[session.profile]
whole, large = (photos.load("album", "train", n, COUNT, color_only=True) for n in (SIZE, LARGE))
test = photos.load("album", "test", SIZE, COUNT, color_only=True)
held = np.arange(len(whole)) % 5 == 0
train = np.concatenate([whole[~held], large[~held, 40:-40, 40:-40]])
train = np.concatenate([train, train[:, :, ::-1]])
validation = whole[held]
print(f"{len(train)} pictures of {(~held).sum()} photographs; {held.sum()} others for validation")


# %%
def maps_of(encoder, rgb):
    """Maps at strides 4 to 32 of photographs (N, H, W, 3), a list of arrays (N, h, w, C)."""
    return encoder.predict(color.L(rgb) / 100, batch_size=32, verbose=0)[1:]


def scaled_ab(rgb):
    return color.ab(rgb) / color.AB_SCALE  # (N, H, W, 2)


def fit(model, x, rgb, x_validation, epochs=EPOCHS):
    """Train on inputs x of photographs; the losses by epoch, also on the validation."""
    held_out = x_validation, scaled_ab(validation)
    return model.fit(x, scaled_ab(rgb), 16, epochs, verbose=0, validation_data=held_out).history


# %%
def live_training(weights, join):
    """Train a new decoder on stored maps: the network, and its losses by epoch."""
    keras.utils.set_random_seed(session.seed)
    net = decoder(maps[weights][0], join)
    falling = keras.optimizers.schedules.CosineDecay(1e-3, EPOCHS * -(-len(train) // 16))
    net.compile(keras.optimizers.AdamW(falling, weight_decay=0.1), "mse")
    return net, fit(net, maps[weights][0], train, maps[weights][1])


# %% tags=["nbval-ignore-output"]
kinds = ("random", "imagenet")
encoders = {name: networks.lite0.keras_encoder(name, session.seed) for name in kinds}
pictures = (train, validation, test)
maps = {name: [maps_of(each, x) for x in pictures] for name, each in encoders.items()}
trained = {name: live_training(name, skip_connection) for name in kinds}
trained["imagenet, no skips"] = live_training("imagenet", no_skip)
for name, (_, curve) in trained.items():
    print(f"{name:20} validation {curve['val_loss'][-1]:.4f}")

# %% [markdown] deck="slide"
# ## Live: the curves

# %% [markdown] deck="notes"
# Full lines: validation. Broken lines: training. The dotted line is a gray answer on the validation photographs.
# Random features lower the training loss too; what counts is how far the validation loss follows. Where the
# two lines of one color part, the decoder learns its photographs by heart: overfitting.

# %% deck="figure"
zero = (scaled_ab(validation) ** 2).mean()
fig, (ax,) = plots.grid(1, 1, width=9, height=4)
for i, name in enumerate(kinds):
    for key, style in (("loss", "--"), ("val_loss", "-")):
        losses = trained[name][1][key]
        label = f"{name}, {'training' if key == 'loss' else 'validation'}"
        marked = style + plots.MARKERS[i]
        ax.plot(1 + np.arange(len(losses)), losses, marked, color=plots.LINES[i], label=label)
ax.axhline(zero, color=plots.INK, linestyle=":", label="gray, validation")
ax.set(xlabel="epoch", ylabel="squared error of ab / 110", ylim=(0.5 * zero, 1.6 * zero))
ax.xaxis.get_major_locator().set_params(integer=True)
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(fig, "Training and validation loss by epoch, on random and on pretrained features.")


# %% tags=["nbval-ignore-output"]
def colored(name):
    """Test photographs (N, 160, 160, 3) as uint8, colored by a live network."""
    ab = color.AB_SCALE * trained[name][0].predict(maps[name.split(",")[0]][2], verbose=0)
    return np.uint8(255 * color.with_ab(color.L(test), ab) + 0.5)


versions = {"gray": np.array([metrics.paint_gray(rgb) for rgb in test])}
versions |= {name: colored(name) for name in trained} | {"truth": test}
psnr = {name: metrics.psnr(test, hats) for name, hats in versions.items() if name != "truth"}
bought = metrics.bootstrap(psnr["imagenet"] - psnr["random"])
gains = {name: metrics.bootstrap(psnr[name] - psnr["gray"]) for name in trained}
for name, (mean, low, high) in (gains | {"imagenet minus random": bought}).items():
    print(f"{name:22} {mean:+.2f} dB [{low:+.2f}, {high:+.2f}]")
assert session.profile == "ci" or bought[0] > 0

# %% [markdown] deck="slide"
# ## Live: {{bought[0]:+.1f}} dB, and this is what it looks like

# %% [markdown] deck="notes"
# Rows: the gray photograph, the decoder on random features, the decoder on pretrained ones, the truth.
# Photographs of the test split. Ask for the difference in words: where is there one color over all,
# where do things have their own? The interval of the difference is printed in the notebook.

# %% deck="figure"
LOOKED_AT = ["forest_path", "maya_beach", "king_penguin", "mangoes", "prokudin_01788"]
places = [list(test_album).index(name) % len(test) for name in LOOKED_AT]
rows = ("gray", "random", "imagenet", "truth")
shown = [versions[name][i] for name in rows for i in places]
ALT = "Five photographs in gray, colored on random and on pretrained features, and in truth."
plots.pictures(shown, ALT, [name for name in rows for _ in places], len(places))
credits(test_album[name] for name in LOOKED_AT)

# %% [markdown]
# On random features nearly everything gets the same brown: the mean color of the photographs, varied a
# little with lightness. On pretrained features the sky turns bluish, grass greenish and mangoes yellow, and
# the validation loss ends lower. Mind its curve: it soon rises again while the training loss falls. With
# 79 photographs the decoder **overfits** after two epochs. More photographs would help, more epochs not.
# (Size and epochs were chosen among five settings by a look at these test photographs, so the numbers are
# a little too good. The stored results below had no such choice.)
#
# Now the skip connections. Below are the predicted colors alone, at the same lightness and made twice
# as strong. The gain of both decoders stands in the list above.

# %% [markdown] deck="slide"
# ## Skip connections bring the edges back
#
# Predicted ab at L = 65, twice as strong, so that edges of L cannot help.

# %% [markdown] deck="notes"
# Predicted ab, doubled, at L = 65, so that edges of L cannot help. Without skip connections colors are
# spots that pass over edges. With them horizon, beak and fruit appear. Exercise 3 is this line of the network.


# %% deck="figure"
def color_alone(hats):
    """Pictures (N, H, W, 3) with twice their ab and L = 65 everywhere."""
    ab = color.ab(hats)
    return color.with_ab(np.full_like(ab[..., :1], 65), 2 * ab)


rows = ("imagenet, no skips", "imagenet")
shown = [image for name in rows for image in color_alone(versions[name][places])]
shown, rows = [*shown, *test[places]], (*rows, "truth")
ALT = "The predicted colors alone: soft spots without skip connections, with outlines with them."
plots.pictures(shown, ALT, [name for name in rows for _ in places], len(places))

# %% [markdown]
# ## Frozen or fine-tuned?
#
# Three minutes do not tell whether the encoder should go on learning. So this is a stored experiment,
# with the network of the shipped colorizer on more photographs. It adds a network **from nothing**: random
# weights, and all of them learn.

# %%
features = course.result("04/features")
arms = features["arms"]
print(f"{features['n']} photographs, {features['steps']} steps for each arm")
tests = {
    name: {arm: np.mean(arms[arm]["psnr"][name], axis=0) for arm in arms}
    for name in features["gray"]
}
PAIRS = {
    "frozen: pretrained minus random": ("pretrained, frozen", "random, frozen"),
    "learning: pretrained minus random": ("pretrained, fine-tuned", "from nothing"),
    "pretrained: fine-tuned minus frozen": ("pretrained, fine-tuned", "pretrained, frozen"),
}

# %% tags=["claim"]
buys, told_gain = {}, {}
for name, psnr in tests.items():
    for pair, (one, other) in PAIRS.items():
        buys[name, pair] = mean, low, high = metrics.bootstrap(psnr[one] - psnr[other])
        told_gain[name, pair] = f"{mean:+.2f} [{low:+.2f}, {high:+.2f}]"
        print(f"{name:8} {pair:36} {told_gain[name, pair]} dB")
starts = len(features["seeds"])
print(f"starts of each arm: {starts}; test photographs: {features['n_test']}")
frozen, learning, tuning = (buys["diverse", pair] for pair in PAIRS)
assert min(frozen[1], learning[1]) > 0 and abs(tuning[0]) < min(frozen[0], learning[0])

# %% [markdown] deck="slide"
# ## Frozen or fine-tuned: validation, step by step

# %% [markdown] deck="notes"
# Gain over gray on photographs that no arm learns from. Each arm has the same steps, photographs and
# decoder; points below -4 dB are not drawn. The early jumps come from batch normalization, whose running
# statistics are still far off. Come back to the bets: who thought that fine-tuned would lead?

# %% deck="figure"
fig, (ax,) = plots.grid(1, 1, width=9, height=4)
for i, (name, arm) in enumerate(arms.items()):
    steps = [row["step"] for row in arm["rows"][0]]
    by_start = [[row["gain"] for row in rows] for rows in arm["rows"]]  # (starts, rows)
    marked = {"color": plots.LINES[i], "marker": plots.MARKERS[i]}
    ax.plot(steps, np.mean(by_start, axis=0), label=name, **marked)
ax.axhline(0, color=plots.INK, linestyle=":", label="gray")
ax.set(xlabel="step", ylabel="dB over gray (from −4 up)", ylim=(-4, None))
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(
    fig, "Gain over gray by step: the two pretrained arms lead, the frozen random one is last."
)

# %% [markdown] deck="slide"
# ## What pretrained features buy
#
# | difference in PSNR, dB | diverse test | Intel test |
# | --- | ---: | ---: |
# | frozen: pretrained minus random | {{told_gain["diverse", [*PAIRS][0]]}} | {{told_gain["Intel", [*PAIRS][0]]}} |
# | learning: pretrained minus random | {{told_gain["diverse", [*PAIRS][1]]}} | {{told_gain["Intel", [*PAIRS][1]]}} |
# | pretrained: fine-tuned minus frozen | {{told_gain["diverse", [*PAIRS][2]]}} | {{told_gain["Intel", [*PAIRS][2]]}} |
#
# {{features["n"]:,}} photographs, {{features["steps"]}} steps for every arm. Intervals are over
# photographs, not over starts.

# %% [markdown] deck="notes"
# Equal steps for all. With many more steps a network from nothing would come closer: pretraining saves
# steps and photographs. The third row decides nothing with so few starts. Ask what one would have to do.


# %% [markdown]
# **Pretraining** pays in both rows. It pays most where the encoder is frozen, because random layers
# cannot improve then. On Intel's photographs the two arms without it even end below gray.
# **Fine-tuning** bought nothing in these steps: it is level with the frozen encoder, or a little below.
# The intervals cover the choice of photographs, not the luck of a start, and with so few starts such a
# small difference decides nothing. The shipped colorizer was fine-tuned for longer.
#
# ### Exercise 4: unfreeze it (7 minutes)
#
# Let the pretrained encoder of your live network learn too. Two things go wrong easily. A rate that
# suited the new decoder destroys in a few steps what ImageNet taught. And batch normalization in
# training mode replaces the statistics of 1.2 million photographs by those of 16.


# %% exercise="unfreeze" minutes=7
def unfreeze(model, encoder, rate):
    """Let the encoder inside `model` learn, but keep its batch normalization in inference mode.

    Recompile with Adam at `rate` and the squared error ("mse"). No weight changes; returns model.
    """
    ### BEGIN SOLUTION
    encoder.trainable = True
    for layer in encoder.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    model.compile(keras.optimizers.Adam(rate), "mse")
    return model
    ### END SOLUTION


# %% check="unfreeze" points=2
my_unfreeze = unfreeze
checks.unfreeze(unfreeze)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `encoder.trainable = True` lets all of its layers learn. Compile afterwards: what is trainable is
# read when the model is compiled.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Go through `encoder.layers`, and set `trainable = False` for those that are
# `keras.layers.BatchNormalization`. In Keras such a layer then runs in inference mode.
#
# </details>
#
# Two rates, from the same trained decoder:


# %%
def tuned(model, encoder, rate):
    """The course's own."""
    encoder.trainable = True
    for layer in encoder.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    model.compile(keras.optimizers.Adam(rate), "mse")
    return model


# %% tags=["nbval-ignore-output"]
unfrozen = chosen(checks.unfreeze, my_unfreeze, tuned)
encoder = encoders["imagenet"]
full = keras.Model(encoder.inputs, trained["imagenet"][0](encoder.outputs[1:]))
L_held = color.L(validation) / 100
half = train[: len(train) // 2]  # not the mirrored ones, because an encoder that learns is slow
before, by_rate = full.get_weights(), {}
for rate in (1e-4, 1e-2):
    full.set_weights(before)
    kept = fit(unfrozen(full, encoder, rate), color.L(half) / 100, half, L_held, min(EPOCHS, 2))
    by_rate[rate] = [trained["imagenet"][1]["val_loss"][-1], *kept["val_loss"]]
    print(f"rate {rate:g}: validation", ", ".join(f"{loss:.4f}" for loss in by_rate[rate]))

# %% [markdown] deck="slide"
# ## Fine-tuning: the rate decides

# %% [markdown] deck="notes"
# Both lines begin at the frozen network. At the low rate little changes in two epochs. At the high rate most
# of what the features gave is lost at once. In the stored experiment the encoder learned at 0.3 of the decoder's rate.

# %% deck="figure"
fig, (ax,) = plots.grid(1, 1, width=7, height=3.4)
for i, (rate, losses) in enumerate(by_rate.items()):
    marked = {"color": plots.LINES[i], "marker": plots.MARKERS[i]}
    ax.plot(losses, label=f"rate {rate:g}", **marked)
ax.axhline(zero, color=plots.INK, linestyle=":", label="gray")
ax.set(xlabel="epoch of fine-tuning", ylabel="validation loss", xticks=range(len(losses)))
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(
    fig, "Validation loss in fine-tuning: steady at the low rate, up to gray's at the high one."
)

# %% [markdown] tags=["optional"]
# ## The report's two models (optional)
#
# The first model's encoder is VGG-16 (Simonyan and Zisserman, 2014) without its classifier: thirteen
# 3 × 3 convolutions in five blocks, each ended by a pooling. The report says that there are 19 layers
# with ReLU and a tanh at the end, and shows the widths in a figure only. We read it as thirteen
# convolutions of VGG-16 and six of a decoder that halves its filters from one to the next.


# %%
def conv(filters, stride=1):
    return keras.layers.Conv2D(filters, 3, stride, "same", activation="relu")


def last(x):
    """Two channels, and the last enlargement: (N, H/2, W/2, C) to ab / 110 (N, H, W, 2)."""
    return up(keras.layers.Conv2D(2, 3, padding="same", activation="tanh")(x))


def first_model(vgg):
    """From L / 100 to ab / 110; no skip connections."""
    inputs = keras.Input((None, None, 1))
    x = conv(256)(vgg(networks.input_layer("VGG16")(inputs)))  # (N, H/32, W/32, 256)
    for filters in (128, 64, 32, 16):
        x = conv(filters)(up(x))  # at last (N, H/2, W/2, 16)
    return keras.Model(inputs, last(x))


# %% tags=["claim"]
shape = (None, None, 3)
vgg = keras.applications.VGG16(include_top=False, weights=None, input_shape=shape)
published = first_model(vgg)
new_weights = published.count_params() - vgg.count_params()
print(f"VGG-16 encoder {vgg.count_params():10,}\ndecoder        {new_weights:10,}")
assert vgg.count_params() == 14_714_688 and published.count_params() == 16_286_802

# %% [markdown]
# The official weights come over the network, 59 MB. `networks.features` fetches them where it can. Where
# it cannot, it takes Lite0 and says so in the line that it prints. It never takes random weights unasked.

# %% tags=["nbval-ignore-output"]
given = networks.features("VGG16", "random" if session.profile == "ci" else "auto")
print(f"a picture as {given.width:,} numbers of {given.name}")

# %% [markdown]
# The second model follows Deep Koalarization (Baldassarre and others, 2017). Its own encoder, eight
# convolutions, is trained from nothing. Beside it, Inception-ResNet-v2 looks at the whole picture and gives
# one vector, the **embedding**: its 1,001 class scores. A fusion layer puts it beside every position.

# %%
KOALA = [(64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1), (512, 1), (256, 1)]


def second_model(width):
    """From L / 100 and embeddings (N, width) to ab / 110."""
    L, vector = keras.Input((None, None, 1)), keras.Input((width,))
    x = L
    for filters, stride in KOALA:
        x = conv(filters, stride)(x)  # at last (N, H/8, W/8, 256)
    x = keras.layers.Conv2D(256, 1, activation="relu")(Beside()(x, vector))
    x = up(conv(128)(x))
    x = up(conv(64)(conv(64)(x)))  # (N, H/2, W/2, 64)
    return keras.Model([L, vector], last(conv(32)(x)))


# %% tags=["claim"]
of_layers = [layer.count_params() for layer in second_model(1001).layers if layer.count_params()]
parts = {"encoder": of_layers[:8], "fusion": of_layers[8:9], "decoder": of_layers[9:]}
parts = {name: sum(counts) for name, counts in parts.items()}
of_keras = second_model(1000).count_params()  # Keras's network has 1,000 classes
for name, count in (parts | {"all": sum(of_layers), "all, 1,000 classes": of_keras}).items():
    print(f"{name:18} {count:9,}")
assert list(parts.values()) == [5_827_200, 322_048, 424_802]
assert sum(of_layers) == 6_574_050 and of_keras == 6_573_794

# %% [markdown] deck="slide"
# ## The report's two models, counted
#
# | model | pretrained part | trained part |
# | --- | ---: | ---: |
# | 1: VGG-16 maps, decoder | {{vgg.count_params():,}} | {{new_weights:,}} and the encoder |
# | 2: encoder, Inception-ResNet-v2 vector, decoder | 55 million, frozen | {{sum(of_layers):,}} |
#
# Model 2: encoder {{parts["encoder"]:,}}, fusion {{parts["fusion"]:,}}, decoder {{parts["decoder"]:,}}.
#
# With Keras's 1,000 classes for 1,001: {{of_keras:,}}, that is {{sum(of_layers) - of_keras}} fewer.

# %% [markdown] deck="notes"
# Ask where the difference of 256 comes from: one weight for each of the 256 outputs of the fusion's
# 1 by 1 convolution. The numbers agree with the published ones.

# %% [markdown]
# ## Does a fused vector help?
#
# A vector about the whole picture cannot say where a color belongs. It can say which colors to expect. How
# much does it know? We predict the **mean color** of a photograph with ridge regression, in closed form,
# from Lite0's 1,000 logits of the gray photograph. Four arms: no embedding (the mean of the training
# photographs), a random one, the photograph's own, and at the test that of another photograph.


# %%
shipped = course.result("04/checkpoint")


def of_album(split):
    """Logits (N, 1000) of the gray photographs of a split, and their mean ab (N, 2)."""
    rgb = [photo.rgb for photo in photos.album(split)]
    logits = np.log(look.classify([metrics.paint_gray(x) for x in rgb]) + 1e-9)
    return logits, np.stack([color.ab(x).mean((0, 1)) for x in rgb])


def ridge(x, y, x_test, strength=3.0):
    """Predict y from x (N, E) with the squared error and a penalty on large weights."""
    x, x_test = ((each - x.mean(0)) / (x.std(0) + 1e-6) for each in (x, x_test))
    kernel = x @ x.T / x.shape[1] + strength * np.eye(len(x))
    return y.mean(0) + x_test @ x.T / x.shape[1] @ np.linalg.solve(kernel, y - y.mean(0))


# %% tags=["claim"]
(x, y), (x_test, y_test) = of_album("train"), of_album("test")
chance = np.random.default_rng(session.seed)
noise, noise_test = (chance.normal(size=each.shape) for each in (x, x_test))
predicted = {"no embedding": y.mean(0) + 0 * y_test, "random": ridge(noise, y, noise_test)}
predicted |= {"own": ridge(x, y, x_test), "another's": ridge(x, y, np.roll(x_test, 1, 0))}
errors = {name: ((each - y_test) ** 2).sum(1) for name, each in predicted.items()}
helps = {name: metrics.bootstrap(errors["no embedding"] - each) for name, each in errors.items()}
for name, (mean, low, high) in helps.items():
    print(
        f"{name:13} error {errors[name].mean():4.0f}, less by {mean:3.0f} [{low:.0f}, {high:.0f}]"
    )
assert helps["own"][1] > 0 and helps["random"][1] < 0 < helps["own"][0] - helps["another's"][0]

# %% [markdown]
# Its own embedding helps, and the other two do not: a random vector has nothing to tell, and another
# photograph's tells the wrong thing. Does a *trained colorizer* use its vector? The shipped one (below)
# colored the diverse test set three times, with only the fused vector exchanged:

# %% tags=["claim"]
swapped = {name: np.array(psnr) for name, psnr in shipped["embedding"].items()}
lost = {name: metrics.bootstrap(psnr - swapped["its own"]) for name, psnr in swapped.items()}
for name in ("another's", "zeros"):
    mean, low, high = lost[name]
    print(f"{name:10} minus its own {mean:+.2f} dB [{low:+.2f}, {high:+.2f}]")
assert lost["another's"][2] < 0

# %% [markdown] deck="slide"
# ## Does a fused vector help?
#
# | vector | error of the mean color | shipped colorizer, PSNR |
# | --- | ---: | ---: |
# | none, or zeros | {{errors["no embedding"].mean():.0f}} | {{lost["zeros"][0]:+.2f}} dB |
# | random | {{errors["random"].mean():.0f}} | |
# | another photograph's | {{errors["another's"].mean():.0f}} | {{lost["another's"][0]:+.2f}} dB |
# | its own | {{errors["own"].mean():.0f}} | {{swapped["its own"].mean():.1f}} dB |
#
# Left: ridge regression from 1,000 logits, {{len(y_test)}} photographs. Right: only the vector is
# exchanged. That shows that the network **relies** on it, not that it is better for having one.

# %% [markdown] deck="notes"
# Reliance is not benefit. To show benefit, a network must be trained without the vector; lesson 03 did
# that on painted scenes. Here the maps below the vector know the whole picture already.

# %% [markdown] tags=["optional"]
# ## What an accuracy counts (optional)
#
# The report's headline is an accuracy of 82 %, and 84.73 % at best. Its networks give two real numbers for
# each pixel, and it does not say when such an answer counts as right. But it used Keras, and
# `metrics=["accuracy"]` on two channels means **categorical accuracy** there: is the larger number at the
# same place? For a and b: is b larger than a, yes or no? Of a color that keeps one bit.


# %% tags=["export"]
def keras_accuracy(ab, ab_hat):
    """What Keras calls accuracy where the answer has two channels."""
    metric = keras.metrics.CategoricalAccuracy()
    metric.update_state(ab, ab_hat)
    return float(metric.result())


# %% tags=["claim"]
tiny = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 1, activation="tanh")])
tiny.compile("adam", "mse", metrics=["accuracy"])
some = np.random.default_rng(3).uniform(-1, 1, (50, 4, 4, 3)).astype(np.float32)
reported = tiny.evaluate(some[..., :1], some[..., 1:], verbose=0)[1]
same = np.isclose(reported, keras_accuracy(some[..., 1:], tiny.predict(some[..., :1], verbose=0)))
print(f'metrics=["accuracy"] on two channels is categorical accuracy: {same}')
assert same

# %% [markdown]
# So we can make pictures to order:

# %%
bird = test_album["kingfisher"].rgb
L_bird, ab_bird = color.L(bird), color.ab(bird)  # (H, W, 1), (H, W, 2)
larger_b = ab_bird[..., 1:] > ab_bird[..., :1]  # (H, W, 1), the one bit that counts
middle = ab_bird.mean(-1, keepdims=True)  # (H, W, 1), on the diagonal a = b
MADE = {
    "nearly gray": ab_bird / 1000,
    "two loud colors": np.where(larger_b, [-60, 60], [60, -60]),
    "on the diagonal": middle + np.where(larger_b, [0.01, -0.01], [-0.01, 0.01]),
    "one yellow": np.broadcast_to([0, 20], ab_bird.shape),
}
made = {name: color.with_ab(L_bird, np.float32(ab_hat)) for name, ab_hat in MADE.items()}
constants = course.result("04/constants")["rows"]

# %% tags=["claim"]
scores = {name: keras_accuracy(ab_bird, np.float32(ab_hat)) for name, ab_hat in MADE.items()}
away = {name: metrics.delta_e(bird / np.float32(255), rgb) for name, rgb in made.items()}
for name, accuracy in scores.items():
    print(f"{name:16} accuracy {accuracy:6.1%}   ΔE00 {away[name]:5.1f}")
assert scores["nearly gray"] > 0.999 and scores["two loud colors"] > 0.999
assert away["two loud colors"] > away["nearly gray"] > away["on the diagonal"]
assert scores["on the diagonal"] < 0.001

# %% [markdown] deck="slide"
# ## Pictures made to order
#
# Above each picture: Keras's "accuracy", the share of pixels where the larger of a and b is the right
# one. The colors that are closest to the truth get 0%.

# %% [markdown] deck="notes"
# Keras's accuracy stands above each picture. Nearly gray: 100 %. Two loud colors: 100 %. The one whose
# colors are closest to the truth has none. Ask the room for its favorite before you read the numbers.

# %% deck="figure"
ALT = "A kingfisher; nearly gray and in two loud colors with 100 percent; closer in color with 0."
titles = ["truth", *(f"{name}\n{accuracy:.0%}" for name, accuracy in scores.items())]
plots.pictures([bird, *made.values()], ALT, titles, columns=5)
credits([test_album["kingfisher"]])

# %% [markdown]
# Does that make the report's numbers wrong? Compare them with answers that need no training: one yellow
# for all pixels, and the better of two colors for each photograph.

# %% tags=["claim"]
SAID = {"first model, 100 epochs": 54.73, "second model": 55.7, "animals": 79.05, "best": 84.73}
mixed = [constants[name] for name in ("COCO", "Intel, all six")]
course.claim(
    "accuracy 54.73 % to 84.73 % on ImageNet's photographs (Ain Shams)",
    f"constant answers for {mixed[0]['n']:.0f} COCO photographs and {mixed[1]['n']:.0f} of Intel",
    " and ".join(
        f"{row['yellow']:.1%} one yellow, {row['one bit']:.1%} one color each" for row in mixed
    ),
    "the lower numbers need no training; the highest no constant reaches on mixed photographs",
)
assert 100 * constants["COCO"]["yellow"] > SAID["second model"]
assert 100 * max(row["one bit"] for row in mixed) < SAID["best"]

# %% [markdown] deck="slide"
# ## 82 % of what?
#
# | Keras's accuracy | mixed (COCO) | six classes (Intel) | forests only |
# | --- | ---: | ---: | ---: |
# | one yellow for all | {{constants["COCO"]["yellow"]:.1%}} | {{constants["Intel, all six"]["yellow"]:.1%}} | {{constants["Intel, forest"]["yellow"]:.1%}} |
# | one color for each photograph | {{constants["COCO"]["one bit"]:.1%}} | {{constants["Intel, all six"]["one bit"]:.1%}} | {{constants["Intel, forest"]["one bit"]:.1%}} |
#
# The report, on ImageNet: {{SAID["first model, 100 epochs"]}} to {{SAID["best"]}} %. The high end is
# more than a constant reaches on mixed photographs: the network did learn. **How well it colors, this
# number cannot say.**

# %% [markdown] deck="notes"
# Be fair: the report does not say on which photographs it measured, and its photographs are not ours. The
# point is the measure. Nearly gray has 100 percent, and subjects move it by thirty points.

# %% [markdown]
# Print what a distance says instead, and print gray's number beside it. (The report's conclusion also names
# a cross-entropy loss. Its chapter on the model trains the squared error, and that must be right: a and b
# are no probabilities, they can be negative.)
#
# ## The shipped colorizer
#
# S4 of this course has Lite0 as its encoder, fine-tuned, the mean of the deepest maps as fused vector, and
# skip connections at every level: your decoder, wider and with batch normalization.


# %% tags=["export"]
def block(x, filters, kernel=3):
    """A convolution without bias, normalized, and ReLU."""
    x = keras.layers.Conv2D(filters, kernel, padding="same", use_bias=False)(x)
    return keras.layers.ReLU()(keras.layers.BatchNormalization()(x))


def colorizer(encoder, widths=(192, 128, 96, 64)):
    """A decoder on an encoder's five maps, its mean vector fused: L / 100 to ab / 110."""
    *skips, deep = encoder.outputs  # at strides 2, 4, 8, 16, and 32: (N, H/32, W/32, 320)
    vector = keras.layers.GlobalAveragePooling2D()(deep)  # (N, 320)
    x = block(Beside()(deep, vector), widths[0], 1)  # (N, H/32, W/32, 192)
    for skip, filters in zip(reversed(skips), widths):
        x = keras.layers.Concatenate()([up(x), skip])
        x = block(block(x, filters), filters)  # at last (N, H/2, W/2, 64)
    x = keras.layers.Conv2D(2, 1, dtype="float32")(x)
    return keras.Model(encoder.inputs, up(x))  # (N, H, W, 2)


# %% tags=["claim"]
s4_file, sets = Colorizer.load("04_pretrained_fusion"), shipped["sets"]
parameters = colorizer(networks.lite0.keras_encoder()).count_params()
print(f"{parameters:,} parameters, learned from {shipped['n']:,} photographs")
s4, own_mean = {}, {}
for name, found in sets.items():
    gray_row, mean_row, s4_row = found["table"]
    own_mean[name] = mean_row["psnr"][0] - gray_row["psnr"][0]
    s4[name] = mean, low, high = found["gain"]["S4"]
    print(f"{name:14} {mean:+.2f} dB [{low:+.2f}, {high:+.2f}]   own mean {own_mean[name]:+.2f}")
assert s4["diverse"][1] > 0 and s4["Intel"][1] > 0 and s4["other cameras"][2] > 0

# %% [markdown]
# *Own mean* gives every pixel the true mean color of its photograph. No colorizer knows that color, so it is
# a mark to compare with, not a rival.

# %% [markdown] deck="slide"
# ## The shipped colorizer on four test sets
#
# | test set | N | S4 minus gray, dB | own mean |
# | --- | ---: | ---: | ---: |
# | diverse | {{sets["diverse"]["n_test"]}} | {{"%+.2f [%+.2f, %+.2f]" % tuple(s4["diverse"])}} | {{own_mean["diverse"]:+.2f}} |
# | Intel | {{sets["Intel"]["n_test"]}} | {{"%+.2f [%+.2f, %+.2f]" % tuple(s4["Intel"])}} | {{own_mean["Intel"]:+.2f}} |
# | album | {{sets["album"]["n_test"]}} | {{"%+.2f [%+.2f, %+.2f]" % tuple(s4["album"])}} | {{own_mean["album"]:+.2f}} |
# | other cameras | {{sets["other cameras"]["n_test"]}} | {{"%+.2f [%+.2f, %+.2f]" % tuple(s4["other cameras"])}} | {{own_mean["other cameras"]:+.2f}} |
#
# PSNR, 95 % intervals. *Own mean* uses the answer.

# %% [markdown] deck="notes"
# Own mean uses the answer, so it is a mark and no rival. The album is far more colorful than what S4
# learned from; other cameras are photographs of no training set. Some photographs of the diverse set come
# from ImageNet folders, which the encoder may have seen; the result holds the number without them too.


# %%
def gallery(names, alt):
    """Gray, S4 and truth of album photographs, and who made them."""
    rows = {"gray": metrics.paint_gray, "S4": s4_file.colorize}
    plots.gallery([test_album[name] for name in names], rows, alt)


# %% [markdown] deck="slide"
# ## What it colors well

# %% [markdown] deck="notes"
# Test photographs of the album, seen by no training. Leaves, sky, fruit and roses come out in plausible
# colors, paler than the truth: all fruit is a little orange, all roses are a little red. Paler, because the squared error asks for the mean of what is possible.

# %% deck="figure"
gallery(
    ["forest_path", "maya_beach", "fruits", "rose_bouquet", "prokudin_00889"],
    "Five photographs in gray, as S4 colors them, and in truth: the right colors, but paler.",
)

# %% [markdown] deck="slide"
# ## What it gets wrong

# %% [markdown] deck="notes"
# Painted toys and houses, a frog on a leaf seen from too near, a costume on a dark stage, a face: things
# whose color does not follow from their shape, or that were rare in training. Say that these colors are
# invented before you show such a picture of a person to anybody.

# %% deck="figure"
gallery(
    ["wooden_toys", "venetian_lagoon", "red_eyed_tree_frog", "balinese_dancer", "prokudin_00106"],
    "Toys, houses, a frog, a dancer and a man in a coat as S4 colors them: brown or gray.",
)

# %% [markdown]
# Three kinds of failure. **Faces and clothes:** skin is often too gray or too red, and cloth may have any
# color. **The dark:** there is little to see, and there was little of it in training. **Things that never
# had a color of their own:** toys, houses, cars. There the mean of what is possible is brown or gray, and
# no feature helps. And where the network does not know what it sees, as with the frog's leaf, it takes the
# same brown. Never show a colored portrait as if it were a document.
#
# ## Quiz
#
# **1. Which comparison tells what the *pretraining* of an encoder buys?**
#
# <details><summary>A. The new network against that of lesson 02.</summary>
#
# Those differ in layers, size and photographs too, so the difference has many explanations.
#
# </details>
# <details><summary>B. The same layers with pretrained and with random weights, all else equal.</summary>
#
# Right: only the weights differ, so the difference is theirs.
#
# </details>
# <details><summary>C. The frozen against the fine-tuned encoder.</summary>
#
# That tells what further learning buys, not what the encoder knew before.
#
# </details>
#
# **2. A decoder on pretrained maps trains well, and its loss falls. Is the preprocessing right?**
#
# <details><summary>A. Yes: with wrong numbers the loss would not fall.</summary>
#
# It falls with wrong numbers too, because the decoder learns what it can.
#
# </details>
# <details><summary>B. Nobody knows: ask the network what it sees in a few pictures.</summary>
#
# Right: its class answers show at once whether it sees what you see.
#
# </details>
#
# **3. The encoder is unfrozen at the decoder's rate, and the validation loss jumps up. What happened?**
#
# <details><summary>A. Large steps destroyed what the encoder had learned.</summary>
#
# Right: pretrained weights are good already. They need small steps.
#
# </details>
# <details><summary>B. The network has too few parameters.</summary>
#
# The number of parameters did not change when the layers were unfrozen.
#
# </details>
#
# **4. A colorizer has 84 % of Keras's accuracy on forests. What has a picture in one single yellow?**
#
# <details><summary>A. About half, like a coin.</summary>
#
# Only where b is larger than a in half of the pixels. In forests it is larger in most.
#
# </details>
# <details><summary>B. About the same.</summary>
#
# Right: in forests b is larger than a in five pixels of six, and nothing else is asked.
#
# </details>

# %% [markdown]
# ## What broke, and which lesson repairs it
#
# - **Pale colors.** Better features bring the answer closer to the mean, and a mean is pale. Lesson 05
#   predicts a distribution.
# - **Painted things turn brown.** No feature knows their color. Lesson 06 asks a discriminator whether the
#   picture looks real, lesson 11 asks you for a hint.
# - **One vector for every pixel.** Lesson 11 lets each pixel ask for what it needs (attention).
#
# ## Further reading
#
# - Tan and Le, *EfficientNet*, ICML 2019. Simonyan and Zisserman, *Very deep convolutional networks for
#   large-scale image recognition*, ICLR 2015.
# - Yosinski and others, *How transferable are features in deep neural networks?*, NeurIPS 2014.
# - Baldassarre and others, *Deep Koalarization*, arXiv:1712.03400, 2017.
# - Ronneberger and others, *U-Net*, MICCAI 2015: the skip connections.
# - The report: *Automatic Colorization Using Convolution Neural Networks*, graduation project, Ain Shams
#   University, 2021.

# %% [markdown] deck="slide"
# ## What broke, and who repairs it
#
# | what | where |
# | --- | --- |
# | pale colors: better features, same mean | lesson 05 |
# | painted things turn brown | lessons 06 and 11 |
# | one vector for every pixel | lesson 11 |
#
# **Pretrained features** bought the right color in the right place. They did not make colors vivid.

# %% [markdown] deck="notes"
# Come back to the bets of the live training. Then ask each student for the number that they will print
# beside their next model, and for the row of gray that stands above it.
