"""The checks of lesson 04."""

import numpy as np

from course_utils.checks.compare import compare


def see(answer):
    """Check the range of Inception-ResNet-v2, on six hidden gray pictures of 5×4 pixels."""
    gray = np.random.default_rng(41).integers(0, 256, (6, 5, 4), dtype=np.uint8)

    def three(gray):
        return np.repeat(gray[..., None].astype(np.float64), 3, axis=-1)

    compare(
        "see",
        answer,
        [gray],
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
        },
        "black, 0, must become -1, and white, 255, must become 1; then repeat the channel.",
    )


def fuse(answer):
    """Check the fusion of maps and vectors, on four hidden pictures of 3×5 positions."""
    rng = np.random.default_rng(42)
    local, vector = rng.normal(0, 1, (4, 3, 5, 6)), rng.normal(0, 1, (4, 7))

    def beside(local, everywhere):
        return np.concatenate([local, everywhere], axis=-1)

    def everywhere(local, vector):
        return np.broadcast_to(vector[:, None, None], (*local.shape[:3], vector.shape[1]))

    def once(local, vector):
        corner = np.zeros((*local.shape[:3], vector.shape[1]))
        corner[:, 0, 0] = vector
        return beside(local, corner)

    compare(
        "fuse",
        answer,
        [local, vector],
        lambda local, vector: beside(local, everywhere(local, vector)),
        {
            "the maps come first, the vector behind them.": lambda local, vector: beside(
                everywhere(local, vector), local
            ),
            "every picture got the vector of the first one.": lambda local, vector: beside(
                local, everywhere(local, np.broadcast_to(vector[:1], vector.shape))
            ),
            "the vector stands at one position only; every position needs it.": once,
            "the vectors of the pictures are mixed up: repeat each, not the list of them.": (
                lambda local, vector: beside(
                    local, np.tile(vector, (15, 1)).reshape(*local.shape[:3], -1)
                )
            ),
        },
        "give the vector two axes of length 1, repeat it over them, and join on the last axis.",
    )


def accuracies(answer):
    """Check Keras's accuracy and the share within a distance, on six hidden pictures."""
    rng = np.random.default_rng(43)
    ab = rng.normal(0, 25, (6, 9, 7, 2))
    ab_hat, distance = ab + rng.normal(0, 15, ab.shape), 12.0

    def away(ab, ab_hat):
        return np.hypot(*np.moveaxis(ab - ab_hat, -1, 0))

    def one_bit(ab, ab_hat):
        return (ab.argmax(-1) == ab_hat.argmax(-1)).mean()

    compare(
        "accuracies",
        answer,
        [ab, ab_hat, distance],
        lambda ab, hat, d: [one_bit(ab, hat), (away(ab, hat) <= d).mean()],
        {
            "the first number compares signs; Keras asks which channel is larger.": (
                lambda ab, hat, d: [
                    (np.sign(ab) == np.sign(hat)).all(-1).mean(),
                    (away(ab, hat) <= d).mean(),
                ]
            ),
            "a channel more than `distance` away is allowed only if the other makes up for it: "
            "take the Euclidean distance.": lambda ab, hat, d: [
                one_bit(ab, hat),
                (np.abs(ab - hat) <= d).all(-1).mean(),
            ],
            "each channel was counted for itself; a pixel is right or wrong as a whole.": (
                lambda ab, hat, d: [one_bit(ab, hat), (np.abs(ab - hat) <= d).mean()]
            ),
            "the distance is not squared; take the root of the sum of squares.": (
                lambda ab, hat, d: [one_bit(ab, hat), (away(ab, hat) ** 2 <= d).mean()]
            ),
            "the second number is the share *outside* the distance.": lambda ab, hat, d: [
                one_bit(ab, hat),
                (away(ab, hat) > d).mean(),
            ],
            "the two numbers are swapped: Keras's comes first.": lambda ab, hat, d: [
                (away(ab, hat) <= d).mean(),
                one_bit(ab, hat),
            ],
            "these are percentages; asked are shares from 0 to 1.": lambda ab, hat, d: [
                100 * one_bit(ab, hat),
                100 * (away(ab, hat) <= d).mean(),
            ],
        },
        "first: compare argmax over the last axis of both. Second: the length of ab - ab_hat.",
    )


def to_ab(answer):
    """Check the last layer, on 60 hidden numbers of both signs."""
    x = np.random.default_rng(44).normal(0, 1.2, (3, 2, 5, 2))
    compare(
        "to_ab",
        answer,
        [x],
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
            "the signs are gone: green became red and blue became yellow.": lambda x: np.abs(
                110 * np.tanh(x)
            ),
        },
        "delete the line that has no business in a last layer.",
        tolerance=1e-3,
    )


def shuffled(answer):
    """Check the order of an epoch, on hidden numbers for six batches of eight pictures."""
    keys = np.random.default_rng(45).uniform(0, 1, (6, 8))

    def in_folders(keys):
        return np.arange(keys.size).reshape(keys.shape)

    compare(
        "shuffled",
        answer,
        [keys],
        lambda keys: np.argsort(keys, axis=None).reshape(keys.shape),
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
            "this is each picture's rank; asked is which picture comes next.": lambda keys: (
                np.argsort(np.argsort(keys, axis=None)).reshape(keys.shape)
            ),
            "this begins with the largest number; begin with the smallest.": lambda keys: (
                np.argsort(-keys, axis=None).reshape(keys.shape)
            ),
        },
        "sort all keys at once, whatever row they stand in; then make rows of it again.",
        tolerance=0.5,
    )
