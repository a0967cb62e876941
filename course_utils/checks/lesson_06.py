"""The checks of lesson 06."""

from functools import partial

import numpy as np

from course_utils.checks.compare import Answer, bugs_left, compare


def patch(answer: Answer) -> None:
    """Check how many pixels one output sees, for stacks of one to eight layers."""
    rng = np.random.default_rng(66)
    inputs = []
    for count in (6, 1, 3, 8, 2, 4):
        layers = np.stack([rng.integers(2, 6, count), rng.integers(1, 4, count)], 1)
        layers[0] = 5, 3  # the first and the last differ, so that their order matters
        layers[-1, 1] = 2
        inputs.append((layers,))

    def size(layers, start=1):
        for kernel, stride in layers[::-1]:
            start = (start - 1) * stride + kernel
        return int(start)

    def own_stride(layers):
        steps = np.cumprod(layers[:, 1])
        return int(1 + ((layers[:, 0] - 1) * steps).sum())

    def output(layers, more=lambda kernel: kernel):
        side = 1
        for kernel, stride in layers[::-1]:
            side = side * stride + more(kernel)
        return int(side)

    compare(
        "patch",
        answer,
        inputs,
        size,
        {
            "the strides are left out: a step in a deep layer is many pixels.": (
                lambda x: int(1 + (x[:, 0] - 1).sum())
            ),
            "the layers are taken from the picture to the output; begin at the output.": (
                lambda x: size(x[::-1])
            ),
            "a layer's own stride moves its output, not its window; only later layers see it.": (
                own_stride
            ),
            "r places are r − 1 steps apart: (size − 1) · stride + kernel.": output,
            "the window has `kernel` places at its end, not kernel − 1.": (
                lambda x: output(x, lambda kernel: kernel - 1)
            ),
            "this is the stride of the whole stack, not the size of its window.": (
                lambda x: int(x[:, 1].prod())
            ),
            "begin with one output, size = 1.": lambda x: size(x, 0),
            "the last layer is left out.": lambda x: size(x[:-1]),
            "kernel and stride are exchanged: the kernel comes first in a row.": (
                lambda x: size(x[:, ::-1])
            ),
            "the kernels are all 4 in the lesson, not here.": (
                lambda x: size(np.stack([0 * x[:, 0] + 4, x[:, 1]], 1))
            ),
        },
        "size = 1; from the last layer to the first: size = (size − 1) · stride + kernel.",
    )


def game(answer: Answer) -> None:
    """Check both players' losses for 7, 1 and 2 patches, some of them with large logits."""
    rng = np.random.default_rng(67)
    inputs = [(rng.normal(1, 2, n), rng.normal(-1, 2, n)) for n in (7, 1, 2, 3)]
    inputs[0][0][0], inputs[0][1][3] = -760.0, 790.0

    def softplus(x):
        return np.logaddexp(0, x)

    def squares(real, fake, goal=1.0):
        return ((real - goal) ** 2 + (fake - 1 + goal) ** 2) / 2, (fake - goal) ** 2

    def truth(real, fake):
        return [((softplus(-real) + softplus(fake)) / 2, softplus(-fake)), squares(real, fake)]

    def summed(real, fake):
        (cross, g), (square, h) = truth(real, fake)
        return [(2 * cross, g), (2 * square, h)]

    def exchanged(real, fake):
        cross = (softplus(real) + softplus(-fake)) / 2, softplus(fake)
        return [cross, squares(real, fake, 0.0)]

    def saturating(real, fake):
        (cross, _), least = truth(real, fake)
        return [(cross, -softplus(fake)), least]

    def on_real_too(real, fake):
        (cross, g), (square, h) = truth(real, fake)
        return [(cross, g + softplus(-real)), (square, h + (real - 1) ** 2)]

    def squashed(real, fake):
        half = [(1 + np.tanh(x / 2)) / 2 for x in (real, fake)]
        return [truth(real, fake)[0], squares(*half)]

    def overflowing(real, fake):
        p, q = 1 / (1 + np.exp(-real)), 1 / (1 + np.exp(-fake))
        return [(-(np.log(p) + np.log(1 - q)) / 2, -np.log(q)), squares(real, fake)]

    compare(
        "game",
        answer,
        inputs,
        truth,
        {
            "D pays the mean of real and painted, half of their sum.": summed,
            "the labels are exchanged: 1 is real, 0 is painted.": exchanged,
            "G minimizes log(1 − D), which is flat where G is worst; take −log D.": saturating,
            "G pays for real pictures too; they are not its work.": on_real_too,
            "least squares takes the logits as they are, without a sigmoid.": squashed,
            "a sigmoid of large logits is 0 or 1, and its logarithm infinite; use logaddexp.": (
                overflowing
            ),
            "the two players are exchanged: D comes first.": lambda *x: [
                pair[::-1] for pair in truth(*x)
            ],
            "the two forms are exchanged: BCE comes first.": lambda *x: truth(*x)[::-1],
            "the arguments are exchanged: the real logits come first.": lambda r, f: truth(f, r),
            "these are means over the patches; asked is each patch's loss.": lambda *x: np.mean(
                truth(*x), axis=-1
            ),
        },
        "−log σ(x) is np.logaddexp(0, −x), −log(1 − σ(x)) is np.logaddexp(0, x).",
        absolute=1e-3,
    )


def choose_lambda(answer: Answer) -> None:
    """Check the choice of λ on three tables; rows exactly at the limit are among them.

    L1 and slacks are sums of halves and quarters, so that the limit is exact in float32 too.
    """
    rng = np.random.default_rng(68)
    inputs = []
    for slacks in ([0.5, 1.0, 0.25], [0.0], [1.5, 0.125, 3.0, 0.75, 0.0]):
        price = np.array([0.5, 0.5625, 0.625, 0.75, 0.875, 1.0, 1.25])
        near = rng.uniform(0.1, 0.6, 7)
        near[3] = near[:3].max() + 0.03  # at a limit, and the best up to there
        near[5] = near[:5].max() + 0.03
        rows = rng.uniform(1, 300, 7), near, rng.uniform(5, 25, 7), rng.uniform(0.1, 0.7, 7), price
        inputs.append((np.stack(rows, 1)[rng.permutation(7)], np.array(slacks)))

    def each(pick):
        return lambda table, slacks: [pick(table, float(slack)) for slack in slacks]

    def right(table, slack, column=0, limit=lambda x, most: x <= most, by=1):
        rows = table[limit(table[:, 4], (1 + slack) * table[:, 4].min())]
        return rows[rows[:, by].argmax(), column]

    def wrong_index(table, slack):
        rows = table[table[:, 4] <= (1 + slack) * table[:, 4].min()]
        return table[rows[:, 1].argmax(), 0]

    compare(
        "choose_lambda",
        answer,
        inputs,
        each(right),
        {
            "the L1 is left out: this is the λ with the largest share.": each(
                lambda t, s: t[t[:, 1].argmax(), 0]
            ),
            "this is the λ with the least L1; asked is the largest share near.": each(
                lambda t, s: t[t[:, 4].argmin(), 0]
            ),
            "slack is a share of the least L1, not L1 units.": each(
                lambda t, s: right(t, s / t[:, 4].min())
            ),
            "a row exactly at the limit is allowed: compare with <=.": each(
                lambda t, s: right(t, s, limit=lambda x, most: (x < most) | (x == x.min()))
            ),
            "argmax counts the rows that are kept; look λ up among these.": each(wrong_index),
            "this is a share, asked is its λ.": each(lambda t, s: right(t, s, column=1)),
            "this is the largest λ that is allowed; asked is the largest share near.": each(
                lambda t, s: right(t, s, by=0)
            ),
            "this is the largest spread; the share *near* is the second column.": each(
                lambda t, s: right(t, s, by=2)
            ),
            "this is the least share near; asked is the largest.": each(
                lambda t, s: right(t * [1, -1, 1, 1, 1], s)
            ),
            "all amounts of slack got the answer of the first.": lambda t, slacks: (
                [right(t, slacks[0])] * len(slacks)
            ),
        },
        "keep the rows with L1 ≤ (1 + slack) · least L1; of these the λ of the largest share.",
    )


def judge_gradient(answer: Answer) -> None:
    """Check what a judge learns from hidden features, and that the painter learns nothing."""
    rng = np.random.default_rng(69)
    inputs = [
        (rng.normal(1, 2, (n, f)), rng.normal(-0.5, 0.7, (n, f)), rng.normal(0, 1, f))
        for n, f in ((6, 4), (3, 1), (4, 7))
    ]
    planted = {
        "a sigmoid is left: the loss takes logits and applies its own.": {"squash": True},
        "real and painted still share a batch, and so a mean and a deviation.": {"mixed": True},
        "the gradient still reaches the painter: detach its features.": {"attached": True},
    }
    compare(
        "judge_gradient",
        answer,
        inputs,
        _gradient,
        {told: partial(_gradient, **how) for told, how in bugs_left(planted).items()},
        "normalize real and painted apart; logits as they are; fake.detach().",
        absolute=1e-5,
    )


def _gradient(real, fake, w, squash=False, mixed=False, attached=False):
    """The gradients of w (F,) and of fake (N, F), as (1 + N, F), and the usual mistakes."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as bce

    real, fake, w = (torch.tensor(x, requires_grad=True) for x in (real, fake, w))
    features = [real, fake if attached else fake.detach()]
    features = [torch.cat(features)] if mixed else features
    logits = torch.cat([(x - x.mean(0)) / x.std(0) @ w for x in features])
    labels = torch.ones_like(logits)
    labels[len(real) :] = 0
    bce(logits.sigmoid() if squash else logits, labels).backward()
    reaches = torch.zeros_like(fake) if fake.grad is None else fake.grad
    assert w.grad is not None
    return torch.cat([w.grad[None], reaches]).detach().numpy()
