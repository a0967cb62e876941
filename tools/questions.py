"""Questions with numbers, for sheets on which neighbours differ.

Each function takes a random generator and gives a Question: its text, its answer, and how one gets
there. The numbers are drawn, so that every student has others. `tools.kit` makes the sheets.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from course_utils import color


class Question(NamedTuple):
    """A question whose answer is one number.

    answer: the exact one. digits: how many a student gives after the point. why: the way to it.
    """

    lesson: str
    text: str
    answer: float
    digits: int
    why: str


Rng = np.random.Generator


def light_of_a_value(rng: Rng) -> Question:
    """Lesson 01: decode."""
    value = int(rng.integers(60, 230))
    light = float(color.decode_srgb(np.float64(value / 255)))
    return Question(
        "01",
        f"A pixel of an sRGB file has the value {value} of 255. Which share of the light of white "
        "is that?",
        light,
        3,
        f"(({value}/255 + 0.055)/1.055)^2.4 = {light:.3f}. The value is a code, not the light.",
    )


def one_stop(rng: Rng) -> Question:
    """Lesson 01: double the light."""
    value = int(rng.integers(40, 170))
    light = float(color.decode_srgb(np.float64(value / 255)))
    answer = 255 * float(color.encode_srgb(np.float64(2 * light)))
    return Question(
        "01",
        f"A gray pixel has the value {value} of 255 in sRGB. Which value has a pixel with twice "
        "its light?",
        answer,
        0,
        f"Decode to the light {light:.4f}, double it, encode: {answer:.1f}. Doubling the value "
        f"would give {2 * value}.",
    )


def distance_in_lab(rng: Rng) -> Question:
    """Lesson 01: ΔE of 1976."""
    first, second = (rng.integers([30, -50, -50], [80, 50, 50]) for _ in range(2))
    answer = float(np.linalg.norm(first - second))
    return Question(
        "01",
        f"How far apart are the CIELAB colors ({', '.join(map(str, first))}) and "
        f"({', '.join(map(str, second))}) by the formula of 1976?",
        answer,
        1,
        "The root of the sum of the three squared differences; the difference of L* counts too.",
    )


def loss_at_another_scale(rng: Rng) -> Question:
    """Lesson 01: a loss means nothing without its scale."""
    error, scale = int(rng.integers(8, 20)), int(rng.choice([100, 110, 128]))
    answer = (error / scale) ** 2
    return Question(
        "01",
        f"A network errs by {error} CIELAB units in a and in b (root mean square). Its targets "
        f"were divided by {scale}. Which mean squared error does training print?",
        answer,
        4,
        f"({error}/{scale})^2 = {answer:.4f}.",
    )


def mean_color(rng: Rng) -> Question:
    """Lesson 02: what the squared error asks for."""
    a = rng.choice(np.arange(-60, 70, 10), 3, replace=False)
    p = rng.multinomial(7, [1 / 3] * 3) / 10 + 0.1
    answer = float(p @ a)
    cases = "; ".join(f"a = {x} with probability {q:.1f}" for x, q in zip(a, p))
    return Question(
        "02",
        f"For one gray pixel these colors are possible: {cases}. Which a has the smallest expected "
        "squared error?",
        answer,
        1,
        f"The mean, {answer:.1f}. The pixel need not have that color.",
    )


def floor_of_the_squared_error(rng: Rng) -> Question:
    """Lesson 02: the Bayes risk."""
    a, share = int(rng.integers(20, 60)), int(rng.integers(2, 9)) / 10
    answer = (2 * a) ** 2 * share * (1 - share)
    return Question(
        "02",
        f"An object has a = {a} with probability {share:.1f}, and a = {-a} otherwise. Gray does "
        "not tell which. What is the smallest expected squared error on a that any network can "
        "have?",
        answer,
        1,
        f"The variance: (2 · {a})^2 · {share:.1f} · {1 - share:.1f} = {answer:.1f}.",
    )


def weights_of_a_convolution(rng: Rng) -> Question:
    """Lesson 02: count the parameters."""
    size = int(rng.choice([1, 3, 5]))
    before, after = (int(2 ** rng.integers(4, 9)) for _ in range(2))
    answer = size * size * before * after + after
    return Question(
        "02",
        f"A convolution of {size} × {size} turns {before} channels into {after}, with biases. How "
        "many parameters does it have?",
        answer,
        0,
        f"{size} · {size} · {before} · {after} + {after} = {answer:,}.",
    )


def psnr_of_an_error(rng: Rng) -> Question:
    """Lesson 02: decibels."""
    mse = int(rng.integers(10, 90)) / 10000
    answer = -10 * math.log10(mse)
    return Question(
        "02",
        f"The mean squared error of a picture with values in 0…1 is {mse:.4f}. What is its PSNR in "
        "dB?",
        answer,
        1,
        f"10 · log10(1/{mse:.4f}) = {answer:.1f}.",
    )


def receptive_field(rng: Rng) -> Question:
    """Lesson 03: how far a stack of convolutions sees."""
    strides = [int(s) for s in rng.choice([1, 2], int(rng.integers(3, 6)))]
    seen, step = 1, 1
    for stride in strides:
        seen, step = seen + 2 * step, step * stride
    return Question(
        "03",
        f"Convolutions of 3 × 3 follow each other with strides {', '.join(map(str, strides))}. How "
        "many pixels wide is the receptive field of one value at the end?",
        seen,
        0,
        "Each layer adds 2 times the product of the strides before it.",
    )


def epochs(rng: Rng) -> Question:
    """Lesson 03: iterations, batches and pictures."""
    batch = int(2 ** rng.integers(4, 9))
    steps, pictures = int(rng.integers(5, 60)) * 1000, int(rng.integers(3, 90)) * 10_000
    answer = steps * batch / pictures
    return Question(
        "03",
        f"A report trains {steps:,} iterations with batches of {batch} on {pictures:,} "
        "photographs. How many epochs are that?",
        answer,
        1,
        f"{steps:,} · {batch} / {pictures:,} = {answer:.1f}.",
    )


def fusion_layer(rng: Rng) -> Question:
    """Lesson 03: fusion counted."""
    local, vector, out = (int(2 ** rng.integers(5, 9)) for _ in range(3))
    answer = (local + vector) * out + out
    return Question(
        "03",
        f"A fusion layer joins {local} local channels with a vector of {vector} numbers at every "
        f"place, and a convolution of 1 × 1 makes {out} channels of them, with biases. How many "
        "parameters has that convolution?",
        answer,
        0,
        f"({local} + {vector}) · {out} + {out} = {answer:,}.",
    )


def separable(rng: Rng) -> Question:
    """Lesson 04: what a light encoder saves."""
    channels = int(2 ** rng.integers(5, 10))
    full, light = 9 * channels**2, 9 * channels + channels**2
    return Question(
        "04",
        f"A convolution of 3 × 3 from {channels} to {channels} channels is replaced by a depthwise "
        "one of 3 × 3 and one of 1 × 1, all without biases. By which factor does the number of "
        "weights shrink?",
        full / light,
        1,
        f"{full:,} / {light:,}: 9 · C^2 against 9 · C + C^2.",
    )


def frozen(rng: Rng) -> Question:
    """Lesson 04: what an optimizer holds."""
    encoder, decoder = int(rng.integers(20, 60)) / 10, int(rng.integers(5, 20)) / 10
    answer = 4 * (encoder + decoder) + 8 * decoder
    return Question(
        "04",
        f"A frozen encoder has {encoder:.1f} million weights, the decoder {decoder:.1f} million. "
        "All are float32; Adam keeps two more numbers for each trained weight. How many megabytes "
        "do weights and Adam's numbers take?",
        answer,
        1,
        f"4 · ({encoder:.1f} + {decoder:.1f}) + 8 · {decoder:.1f} = {answer:.1f}.",
    )


def annealed(rng: Rng) -> Question:
    """Lesson 05: a temperature."""
    p = rng.multinomial(14, [0.5, 0.3, 0.2]) / 20 + 0.1
    T = float(rng.choice([0.25, 0.5, 2.0]))
    sharp = p ** (1 / T) / (p ** (1 / T)).sum()
    answer = float(sharp[-1])
    return Question(
        "05",
        f"A network gives three bins the probabilities {', '.join(f'{x:.2f}' for x in p)}. Which "
        f"probability has the last one at temperature {T:g}?",
        answer,
        3,
        f"Raise each to the power 1/{T:g} and divide by their sum: {answer:.3f}.",
    )


def entropy(rng: Rng) -> Question:
    """Lesson 05: the floor of the cross-entropy."""
    p = int(rng.integers(55, 95)) / 100
    answer = -(p * math.log(p) + (1 - p) * math.log(1 - p))
    return Question(
        "05",
        f"A color is in one bin with probability {p:.2f} and in another one otherwise. Which "
        "cross-entropy, in nats, has the best possible prediction?",
        answer,
        3,
        f"The entropy: −{p:.2f} · ln {p:.2f} − {1 - p:.2f} · ln {1 - p:.2f} = {answer:.3f}.",
    )


def calibration_error(rng: Rng) -> Question:
    """Lesson 05: ECE."""
    shares = rng.multinomial(7, [1 / 3] * 3) / 10 + 0.1
    said, right = np.array([0.3, 0.6, 0.9]), rng.integers(10, 96, 3) / 100
    answer = float(shares @ abs(said - right))
    groups = "; ".join(
        f"{share:.0%} of the pixels say {s:.1f} and are right in {r:.0%}"
        for share, s, r in zip(shares, said, right)
    )
    return Question(
        "05",
        f"{groups}. What is the expected calibration error?",
        answer,
        3,
        "The mean gap, weighted by the shares.",
    )


def best_discriminator(rng: Rng) -> Question:
    """Lesson 06: what the best D answers."""
    p, q = (int(x) / 10 for x in rng.choice(np.arange(1, 10), 2, replace=False))
    return Question(
        "06",
        f"A picture has the probability density {p:.1f} among the true ones and {q:.1f} among the "
        "generated ones. Both kinds are shown equally often. What does the best discriminator "
        "answer?",
        p / (p + q),
        3,
        f"{p:.1f} / ({p:.1f} + {q:.1f}) = {p / (p + q):.3f}.",
    )


def patch(rng: Rng) -> Question:
    """Lesson 06: a PatchGAN's receptive field."""
    strided, size = int(rng.integers(2, 6)), int(rng.integers(3, 6))
    seen, step = 1, 1
    for stride in [2] * strided + [1, 1]:
        seen, step = seen + (size - 1) * step, step * stride
    return Question(
        "06",
        f"A discriminator has {strided} convolutions of {size} × {size} with stride 2, and then "
        "two of the same size with stride 1. How many pixels wide is the patch that one of its "
        "answers sees?",
        seen,
        0,
        f"Each layer adds {size - 1} times the product of the strides before it.",
    )


def generator_pays(rng: Rng) -> Question:
    """Lesson 06: two terms."""
    d, l1, weight = (
        int(rng.integers(10, 80)) / 100,
        int(rng.integers(40, 99)) / 1000,
        int(rng.choice([10, 30, 100])),
    )
    answer = -math.log(d) + weight * l1
    return Question(
        "06",
        f"D says {d:.2f} of a generated picture, the absolute error is {l1:.3f}, and λ is "
        f"{weight}. What does the generator pay, with −log D and natural logarithms?",
        answer,
        2,
        f"−ln {d:.2f} + {weight} · {l1:.3f} = {answer:.2f}.",
    )


def score_of_classes(rng: Rng) -> Question:
    """Lesson 07: the Inception Score of sure answers."""
    p = rng.multinomial(7, [1 / 3] * 3) / 10 + 0.1
    answer = math.exp(-float(p @ np.log(p)))
    return Question(
        "07",
        "A network is sure of every picture's class. "
        f"The shares of its three classes are {', '.join(f'{x:.1f}' for x in p)}. What is the "
        "Inception Score?",
        answer,
        2,
        f"The exponential of the entropy of the shares: {answer:.2f}. Three equal shares give 3.",
    )


def frechet_in_one_dimension(rng: Rng) -> Question:
    """Lesson 07: means and deviations."""
    (m, n), (s, t) = rng.integers(0, 9, 2), rng.integers(1, 6, 2)
    return Question(
        "07",
        f"One feature has mean {m} and standard deviation {s} on true pictures, {n} and {t} on "
        "predicted ones. What is their Fréchet distance?",
        float((m - n) ** 2 + (s - t) ** 2),
        0,
        f"({m} − {n})^2 + ({s} − {t})^2.",
    )


def interval_of_a_mean(rng: Rng) -> Question:
    """Lesson 07: how many photographs."""
    deviation, half = int(rng.integers(20, 50)) / 10, int(rng.integers(1, 5)) / 10
    answer = (1.96 * deviation / half) ** 2
    return Question(
        "07",
        f"PSNR varies by {deviation:.1f} dB from photograph to photograph (standard deviation). "
        f"How many photographs does a mean need so that its 95 % interval is ±{half:.1f} dB?",
        math.ceil(answer),
        0,
        f"(1.96 · {deviation:.1f} / {half:.1f})^2 = {answer:.1f}, rounded up.",
    )


def holm(rng: Rng) -> Question:
    """Lesson 08: several tests at once."""
    p = np.sort(rng.choice(np.arange(1, 60), 5, replace=False)) / 1000
    limits = [0.05 / (5 - i) for i in range(5)]
    stays = next((i for i, (x, limit) in enumerate(zip(p, limits)) if x > limit), 5)
    return Question(
        "08",
        f"Five tests have p = {', '.join(f'{x:.3f}' for x in rng.permutation(p))}. How many stay "
        "after Holm's correction at 5 %?",
        stays,
        0,
        "Sorted, the smallest must be at most 0.05/5, the next 0.05/4, and so on; stop at the "
        "first that is not.",
    )


def own_share(rng: Rng) -> Question:
    """Lesson 08: people and pictures both vary."""
    people, pictures = int(rng.integers(5, 40)), int(rng.integers(10, 60))
    alike = int(rng.integers(5, 30)) / 100
    answer = people * pictures / (1 + (pictures - 1) * alike)
    return Question(
        "08",
        f"{people} people judge {pictures} pictures each. Answers of one person are alike with a "
        f"correlation of {alike:.2f}. How many independent answers is that worth?",
        answer,
        0,
        f"{people} · {pictures} / (1 + ({pictures} − 1) · {alike:.2f}) = {answer:.0f}.",
    )


def megabytes(rng: Rng) -> Question:
    """Lesson 09: the size of a file."""
    million = int(rng.integers(10, 90)) / 10
    name, size = (("float16", 2), ("float32", 4), ("int8", 1))[rng.integers(3)]
    return Question(
        "09",
        f"A network has {million:.1f} million parameters, stored as {name}. How many megabytes is "
        "its file, without the graph?",
        million * size,
        1,
        f"{million:.1f} · {size} = {million * size:.1f}.",
    )


def cold_starts(rng: Rng) -> Question:
    """Lesson 09: the mean hides the wait."""
    cold, warm = int(rng.integers(10, 40)) * 100, int(rng.integers(10, 60)) * 10
    share = int(rng.integers(1, 20))
    answer = (share * cold + (100 - share) * warm) / 100
    return Question(
        "09",
        f"A function answers in {warm} ms when it is warm and in {cold} ms when it starts cold, "
        f"which happens in {share} of 100 calls. What is the mean time in ms?",
        answer,
        0,
        f"0.{share:02d} · {cold} + {1 - share / 100:.2f} · {warm} = {answer:.0f}. "
        f"{share} in 100 visitors wait {cold} ms all the same.",
    )


def weight_of_the_past(rng: Rng) -> Question:
    """Lesson 10: a recursive filter."""
    keep, frames = int(rng.integers(5, 10)) / 10, int(rng.integers(2, 8))
    return Question(
        "10",
        f"Each frame's color is {keep:.1f} of the filtered color before it plus {1 - keep:.1f} of "
        f"its own. Which weight has a frame {frames} frames later?",
        (1 - keep) * keep**frames,
        3,
        f"{1 - keep:.1f} · {keep:.1f}^{frames}.",
    )


def attention_weight(rng: Rng) -> Question:
    """Lesson 11: a softmax over the scores of two keys."""
    ahead = int(rng.integers(20, 300)) / 100
    answer = 1 / (1 + math.exp(-ahead))
    return Question(
        "11",
        f"A query has two keys. The score of the first is {ahead} larger than that of the second. "
        "Which weight does the first value get?",
        answer,
        3,
        f"1 / (1 + exp(-{ahead})) = {answer:.3f}.",
    )


def on_the_line(rng: Rng) -> Question:
    """Lesson 11: where the line from noise to color is at a time."""
    noise, color, t = int(rng.integers(-90, 0)) / 100, int(rng.integers(1, 130)) / 100, 0.25
    answer = (1 - t) * noise + t * color
    return Question(
        "11",
        f"A flow leads the noise {noise} along a straight line to {color}. Where is it at t = {t}?",
        answer,
        3,
        f"0.75 · {noise} + 0.25 · {color} = {answer:.3f}; the velocity is {color - noise:.2f} "
        "everywhere on the line.",
    )


QUESTIONS: tuple[Callable[[Rng], Question], ...] = (
    light_of_a_value,
    one_stop,
    distance_in_lab,
    loss_at_another_scale,
    mean_color,
    floor_of_the_squared_error,
    weights_of_a_convolution,
    psnr_of_an_error,
    receptive_field,
    epochs,
    fusion_layer,
    separable,
    frozen,
    annealed,
    entropy,
    calibration_error,
    best_discriminator,
    patch,
    generator_pays,
    score_of_classes,
    frechet_in_one_dimension,
    interval_of_a_mean,
    holm,
    own_share,
    megabytes,
    cold_starts,
    weight_of_the_past,
    attention_weight,
    on_the_line,
)


def sheet(student: int, seed: int, lessons: tuple[str, ...] = ()) -> list[Question]:
    """The questions of one student, of these lessons or of all; the numbers are his or her own."""
    asked = [
        make(np.random.default_rng([seed, student, place])) for place, make in enumerate(QUESTIONS)
    ]
    return [question for question in asked if not lessons or question.lesson in lessons]
