"""The checks of lesson 04."""

import numpy as np

from course_utils.checks.compare import Answer, compare


def see(answer: Answer) -> None:
    """Check the range of Inception-ResNet-v2, on gray pictures of three sizes."""
    rng = np.random.default_rng(41)
    inputs = []
    for shape in ((6, 5, 4), (1, 3, 7), (2, 6, 2)):
        gray = rng.integers(0, 256, shape, dtype=np.uint8)
        gray.flat[:2] = 0, 255
        inputs.append((gray,))

    def three(gray):
        return np.repeat(gray[..., None].astype(np.float64), 3, axis=-1)

    compare(
        "see",
        answer,
        inputs,
        lambda gray: three(gray) / 127.5 - 1,
        {
            "it sees black: white came out near -1; divide by 127.5, not by 255 as well.": (
                lambda gray: three(gray) / 255 / 127.5 - 1
            ),
            "this runs from 0 to 1; asked is -1 to 1.": lambda gray: three(gray) / 255,
            "this runs from -0.5 to 0.5; asked is -1 to 1.": lambda gray: three(gray) / 255 - 0.5,
            "white came out as -1 and black as 1: the sign is turned.": lambda gray: (
                1 - three(gray) / 127.5
            ),
            "uint8 has wrapped around: convert to float before you calculate.": lambda gray: (
                np.repeat((2 * gray)[..., None], 3, axis=-1) / 255 - 1
            ),
        },
        "black, 0, must become -1, and white, 255, must become 1; then repeat the channel.",
    )


def fuse(answer: Answer) -> None:
    """Check the fusion of maps and vectors, for four sizes of both."""
    rng = np.random.default_rng(42)
    sizes = (4, 3, 5, 6, 7), (1, 2, 3, 5, 2), (3, 4, 1, 2, 6), (2, 1, 1, 3, 3)
    inputs = [(rng.normal(0, 1, size[:4]), rng.normal(0, 1, (size[0], size[4]))) for size in sizes]

    def beside(local, everywhere):
        return np.concatenate([local, everywhere], axis=-1)

    def everywhere(local, vector):
        return np.broadcast_to(vector[:, None, None], (*local.shape[:3], vector.shape[1]))

    def once(local, vector):
        corner = np.zeros((*local.shape[:3], vector.shape[1]))
        corner[:, 0, 0] = vector
        return beside(local, corner)

    def tiled(local, vector):
        places = local.shape[1] * local.shape[2]
        return beside(local, np.tile(vector, (places, 1)).reshape(*local.shape[:3], -1))

    compare(
        "fuse",
        answer,
        inputs,
        lambda local, vector: beside(local, everywhere(local, vector)),
        {
            "the maps come first, the vector behind them.": lambda local, vector: beside(
                everywhere(local, vector), local
            ),
            "every picture got the vector of the first one.": lambda local, vector: beside(
                local, everywhere(local, np.broadcast_to(vector[:1], vector.shape))
            ),
            "the vector stands at one position only; every position needs it.": once,
            "the vectors of the pictures are mixed up: repeat each, not the list of them.": tiled,
            "the vectors are all there is; the maps are lost.": everywhere,
            "every picture got the mean of all vectors; each has its own.": lambda local, vector: (
                beside(local, everywhere(local, 0 * vector + vector.mean(0)))
            ),
        },
        "give the vector two axes of length 1, repeat it over them, and join on the last axis.",
    )


def accuracies(answer: Answer) -> None:
    """Check Keras's accuracy and the share within a distance, with ties and pixels on the border.

    Colors are whole numbers and differences are sides of right triangles, so that a distance is
    exact in float32 too.
    """
    rng = np.random.default_rng(43)
    steps = np.array(
        [[3, 4], [-4, 3], [6, -8], [5, 12], [0, -5], [9, 12], [1, 1], [5, 0], [-4, -4]]
    )
    inputs = []
    for shape, distance in (
        ((6, 9, 7), 10.0),
        ((1, 5, 4), 5.0),
        ((3, 2, 11), 13.0),
        ((2, 6, 6), 5),
    ):
        ab = rng.integers(-9, 10, (*shape, 2)).astype(float)
        ab[rng.uniform(size=shape) < 0.2] = 0  # gray: no channel is larger
        inputs.append((ab, ab + steps[rng.integers(0, len(steps), shape)], distance))

    def away(ab, ab_hat):
        return np.hypot(*np.moveaxis(ab - ab_hat, -1, 0))

    def one_bit(ab, ab_hat, bit=lambda x: x.argmax(-1)):
        return (bit(ab) == bit(ab_hat)).mean()

    def within(ab, ab_hat, d):
        return (away(ab, ab_hat) <= d).mean()

    def other(share):
        return lambda ab, hat, d: [one_bit(ab, hat), share(ab, hat, d)]

    compare(
        "accuracies",
        answer,
        inputs,
        other(within),
        {
            "the first number compares signs; Keras asks which channel is larger.": (
                lambda ab, hat, d: [
                    (np.sign(ab) == np.sign(hat)).all(-1).mean(),
                    within(ab, hat, d),
                ]
            ),
            "where a and b are equal, argmax names the first, a.": lambda ab, hat, d: [
                one_bit(ab, hat, lambda x: x[..., 1] >= x[..., 0]),
                within(ab, hat, d),
            ],
            "the first number asks which channel is larger, not which is farther from 0.": (
                lambda ab, hat, d: [
                    one_bit(ab, hat, lambda x: np.abs(x).argmax(-1)),
                    within(ab, hat, d),
                ]
            ),
            "a pixel at exactly `distance` is within it: compare with <=.": other(
                lambda ab, hat, d: (away(ab, hat) < d).mean()
            ),
            "a channel more than `distance` away is allowed only if the other makes up for it: "
            "take the Euclidean distance.": other(
                lambda ab, hat, d: (np.abs(ab - hat) <= d).all(-1).mean()
            ),
            "the differences of a and b are added; take the Euclidean distance.": other(
                lambda ab, hat, d: (np.abs(ab - hat).sum(-1) <= d).mean()
            ),
            "each channel was counted for itself; a pixel is right or wrong as a whole.": other(
                lambda ab, hat, d: (np.abs(ab - hat) <= d).mean()
            ),
            "the distance is not squared; take the root of the sum of squares.": other(
                lambda ab, hat, d: (away(ab, hat) ** 2 <= d).mean()
            ),
            "the two numbers are swapped: Keras's comes first.": lambda ab, hat, d: [
                within(ab, hat, d),
                one_bit(ab, hat),
            ],
            "the second number is the share *outside* the distance.": other(
                lambda ab, hat, d: 1 - within(ab, hat, d)
            ),
            "the second number is the mean distance; asked is the share within it.": other(
                lambda ab, hat, d: away(ab, hat).mean()
            ),
        },
        "first: compare argmax over the last axis of both. Second: the length of ab - ab_hat.",
    )


def to_ab(answer: Answer) -> None:
    """Check the last layer, on numbers of both signs, small and large."""
    rng = np.random.default_rng(44)
    shapes = (3, 2, 5, 2), (1, 4, 3, 2), (2, 1, 1, 2)
    inputs = [(rng.normal(0, 1.2, shape),) for shape in shapes] + [
        (rng.normal(0, 15, (2, 3, 3, 2)),)
    ]
    compare(
        "to_ab",
        answer,
        inputs,
        lambda x: 110 * np.tanh(x),
        {
            "nothing below 0 came out: there is still a ReLU beside the tanh.": lambda x: (
                110 * np.tanh(np.maximum(x, 0))
            ),
            "this is still divided by 110; asked are CIELAB units.": np.tanh,
            "a sigmoid gives no negative numbers either.": lambda x: 110 / (1 + np.exp(-x)),
            "this cuts off at 110 instead of bending toward it; keep the tanh.": lambda x: np.clip(
                110 * x, -110, 110
            ),
            "the tanh is gone: ab must stay within ±110.": lambda x: 110 * x,
            "the factor 110 belongs outside the tanh.": lambda x: np.tanh(110 * x),
            "the tanh takes x, not x / 110.": lambda x: 110 * np.tanh(x / 110),
        },
        "delete the line that has no business in a last layer.",
        absolute=1e-3,
    )


def shuffled(answer: Answer) -> None:
    """Check the order of an epoch, for four numbers and sizes of batches."""
    rng = np.random.default_rng(45)
    inputs = [(rng.uniform(0, 1, shape),) for shape in ((6, 8), (1, 5), (4, 3), (7, 1), (5, 5))]

    def in_folders(keys):
        return np.arange(keys.size).reshape(keys.shape)

    def order(keys):
        return np.argsort(keys, axis=None).reshape(keys.shape)

    compare(
        "shuffled",
        answer,
        inputs,
        order,
        {
            "the pictures come in the order of their folders: nothing is shuffled.": in_folders,
            "the batches are shuffled, and each still holds neighbors from one folder.": (
                lambda keys: in_folders(keys)[np.argsort(keys[:, 0])]
            ),
            "each batch is shuffled inside, and still holds neighbors from one folder.": (
                lambda keys: np.take_along_axis(in_folders(keys), keys.argsort(axis=1), axis=1)
            ),
            "these are places within each row; number the pictures through all rows.": (
                lambda keys: keys.argsort(axis=1)
            ),
            "these are places within each column; sort all keys at once.": (
                lambda keys: keys.argsort(axis=0)
            ),
            "this is each picture's rank; asked is which picture comes next.": lambda keys: (
                np.argsort(np.argsort(keys, axis=None)).reshape(keys.shape)
            ),
            "this begins with the largest number; begin with the smallest.": lambda keys: (
                np.argsort(-keys, axis=None).reshape(keys.shape)
            ),
            "the order is right; make B batches of it again.": lambda keys: np.argsort(
                keys, axis=None
            ),
            "these are the sorted numbers; asked is to which pictures they belong.": lambda keys: (
                np.sort(keys, axis=None).reshape(keys.shape)
            ),
            "the batches run down the columns; each is a row.": lambda keys: np.argsort(
                keys, axis=None
            ).reshape(keys.shape, order="F"),
        },
        "sort all keys at once, whatever row they stand in; then make rows of it again.",
    )
