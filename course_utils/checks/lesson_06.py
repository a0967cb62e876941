"""The checks of lesson 06."""

import numpy as np

from course_utils.checks.compare import compare


def patch(answer):
    """Check how many pixels one output sees, for a hidden stack of layers."""
    rng = np.random.default_rng(66)
    layers = np.stack([rng.integers(2, 6, 6), rng.integers(1, 4, 6)], 1)
    layers[0] = 5, 3  # the first and the last differ, so that their order matters
    layers[-1] = 2, 1

    def size(layers):
        side = 1
        for kernel, stride in layers[::-1]:
            side = (side - 1) * stride + kernel
        return side

    def own_stride(layers):
        steps = np.cumprod(layers[:, 1])
        return 1 + ((layers[:, 0] - 1) * steps).sum()

    def output(layers):
        side = 1
        for kernel, stride in layers[::-1]:
            side = side * stride + kernel
        return side

    compare(
        "patch",
        answer,
        [layers],
        size,
        {
            "the strides are left out: a step in a deep layer is many pixels.": (
                lambda x: 1 + (x[:, 0] - 1).sum()
            ),
            "the layers are taken from the picture to the output; begin at the output.": (
                lambda x: size(x[::-1])
            ),
            "a layer's own stride moves its output, not its window; only later layers see it.": (
                own_stride
            ),
            "r places are r − 1 steps apart: (size − 1) · stride + kernel.": output,
            "this is the stride of the whole stack, not the size of its window.": (
                lambda x: x[:, 1].prod()
            ),
        },
        "size = 1; from the last layer to the first: size = (size − 1) · stride + kernel.",
    )


def game(answer):
    """Check both players' losses for hidden patches, two of them with large logits."""
    rng = np.random.default_rng(67)
    real, fake = rng.normal(1, 2, 7), rng.normal(-1, 2, 7)
    real[0], fake[3] = -760.0, 790.0

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

    compare(
        "game",
        answer,
        [real, fake],
        truth,
        {
            "D pays the mean of real and painted, half of their sum.": summed,
            "the labels are exchanged: 1 is real, 0 is painted.": exchanged,
            "G minimizes log(1 − D), which is flat where G is worst; take −log D.": saturating,
            "G pays for real pictures too; they are not its work.": on_real_too,
            "least squares takes the logits as they are, without a sigmoid.": squashed,
        },
        "−log σ(x) is np.logaddexp(0, −x), −log(1 − σ(x)) is np.logaddexp(0, x).",
        tolerance=1e-3,
    )


def choose_lambda(answer):
    """Check the choice of λ on a hidden table, for three amounts of L1 to give away."""
    rng = np.random.default_rng(68)
    table = np.column_stack(
        [
            [0, 1, 3, 10, 30, 100, 300],
            [0.71, 0.64, 0.66, 0.52, 0.55, 0.31, 0.12],  # near
            rng.uniform(5, 25, 7),
            rng.uniform(0.1, 0.7, 7),
            [1.4, 1.1, 0.9, 0.74, 0.7, 0.61, 0.5],  # L1
        ]
    )[rng.permutation(7)]

    def each(pick):
        return lambda table, slacks: [pick(table, slack) for slack in slacks]

    def allowed(table, limit):
        return table[table[:, 4] <= limit]

    def right(table, slack, column=0):
        rows = allowed(table, (1 + slack) * table[:, 4].min())
        return rows[rows[:, 1].argmax(), column]

    def wrong_index(table, slack):
        rows = allowed(table, (1 + slack) * table[:, 4].min())
        return table[rows[:, 1].argmax(), 0]

    def units(table, slack):
        return right(table, slack / table[:, 4].min())

    compare(
        "choose_lambda",
        answer,
        [table, np.array([0.45, 0.9, 0.25])],
        each(right),
        {
            "the L1 is left out: this is the λ with the largest share.": each(
                lambda t, s: t[t[:, 1].argmax(), 0]
            ),
            "this is the λ with the least L1; asked is the largest share near.": each(
                lambda t, s: t[t[:, 4].argmin(), 0]
            ),
            "slack is a share of the least L1, not L1 units.": each(units),
            "argmax counts the rows that are kept; look λ up among these.": each(wrong_index),
            "this is a share, asked is its λ.": each(lambda t, s: right(t, s, column=1)),
        },
        "keep the rows with L1 ≤ (1 + slack) · least L1; of these the λ of the largest share.",
    )


def judge_gradient(answer):
    """Check what a judge learns from hidden features, and that the painter learns nothing."""
    rng = np.random.default_rng(69)
    real, fake = rng.normal(1, 2, (6, 4)), rng.normal(-0.5, 0.7, (6, 4))
    compare(
        "judge_gradient",
        answer,
        [real, fake, rng.normal(0, 1, 4)],
        _gradient,
        {
            "a sigmoid is left: the loss takes logits and applies its own.": (
                lambda *x: _gradient(*x, squash=True)
            ),
            "real and painted still share a batch, and so a mean and a deviation.": (
                lambda *x: _gradient(*x, mixed=True)
            ),
            "the gradient still reaches the painter: detach its features.": (
                lambda *x: _gradient(*x, attached=True)
            ),
            "nothing is repaired yet: all three bugs are there.": (
                lambda *x: _gradient(*x, squash=True, mixed=True, attached=True)
            ),
            "the labels are exchanged: 1 is real, 0 is painted.": (
                lambda *x: _gradient(*x, real_is=0.0)
            ),
        },
        "normalize real and painted apart; logits as they are; fake.detach().",
        tolerance=1e-6,
    )


def _gradient(real, fake, w, squash=False, mixed=False, attached=False, real_is=1.0):
    """The gradients of w (F,) and of fake (N, F), as (1 + N, F), and the usual mistakes."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as bce

    real, fake, w = (torch.tensor(x, requires_grad=True) for x in (real, fake, w))
    features = [real, fake if attached else fake.detach()]
    features = [torch.cat(features)] if mixed else features
    logits = torch.cat([(x - x.mean(0)) / x.std(0) @ w for x in features])
    labels = torch.full_like(logits, real_is)
    labels[len(real) :] = 1 - real_is
    bce(logits.sigmoid() if squash else logits, labels).backward()
    reaches = torch.zeros_like(fake) if fake.grad is None else fake.grad
    return torch.cat([w.grad[None], reaches]).detach().numpy()
