"""The checks of lesson 06. torch is imported by the checks that need it, not with this module."""

from functools import partial
from typing import Any

import numpy as np

from course_utils.checks.compare import Answer, bugs_left, compare
from course_utils.checks.trial import tell


def stage(answer: Answer) -> None:
    """Check a stage of a U-Net on maps of three sizes: what comes out, and the gradient of x."""
    rng = np.random.default_rng(66)
    sizes = (2, 3, 8, 4, 5), (1, 5, 4, 6, 2), (3, 2, 6, 8, 3)  # N, outer, h, w, inner
    wrong = {  # what is joined, by the names of `_stage_class`
        "the skip connection is missing: x itself has to stand in front.": "up",
        "x is added; it has to stand in front, joined on the channels.": "added",
        "x comes first, then what `up` gives.": "up x",
        "hand over x as it came in, not after the leaky ReLU.": "leaky up",
        "the ReLU before `up` is missing.": "x bare",
        "the ReLU stands before `up`, not behind it.": "x behind",
        "before `up` stands a ReLU; the leaky one stands before `down`.": "x leaking",
        "no gradient goes through the skip connection: hand over x itself.": "cut up",
    }
    slopes = {
        "the leaky ReLU before `down` is missing.": 1.0,
        "before `down` stands a ReLU; asked is a leaky one, with a slope of 0.2.": 0.0,
        "the slope of the leaky ReLU is 0.2; torch takes 0.01 by itself.": 0.01,
    }
    mistakes = {told: _stage_class(parts) for told, parts in wrong.items()}
    compare(
        "stage",
        _of_class(answer),
        [(rng.normal(0, 1, size[:4]), size[4]) for size in sizes],
        _stage_class("x up"),
        mistakes | {told: _stage_class("x up", slope) for told, slope in slopes.items()},
        "torch.cat([x, self.up(F.relu(...))], 1), and inside it F.leaky_relu(x, 0.2).",
        measure=_staged,
    )


def _of_class(answer: Any) -> Any:
    """A class as a function: the harness looks at its forward for work."""
    if not isinstance(answer, type) or not hasattr(answer, "forward"):
        return answer

    def made(*sizes: Any) -> Any:
        return answer(*sizes)

    vars(made).update(__wrapped__=answer.forward)
    return made


def _stage_class(parts: str, slope: float = 0.2) -> Any:
    """A stage as the exercise gives it, whose forward joins these parts."""

    def make(outer: int, inner: int, inside: Any) -> Any:
        import torch
        from torch import nn
        from torch.nn.functional import leaky_relu, relu

        conv = nn.Conv2d(outer, inner, 4, 2, 1, bias=False)
        back = nn.ConvTranspose2d(2 * inner, outer, 4, 2, 1, bias=False)
        down = nn.Sequential(conv, nn.BatchNorm2d(inner))
        up = nn.Sequential(back, nn.BatchNorm2d(outer))

        def forward(x: Any) -> Any:
            y = inside(down(leaky_relu(x, slope)))
            made = {"x": x, "up": up(relu(y)), "leaky": leaky_relu(x, 0.2), "bare": up(y)}
            made |= {"behind": relu(up(y)), "leaking": up(leaky_relu(y, 0.2)), "cut": x.detach()}
            made["added"] = x + made["up"]
            return torch.cat([made[part] for part in parts.split()], 1)

        network = nn.ModuleList([down, inside, up])
        network.forward = forward  # pyright: ignore
        return network

    return make


def _staged(answer: Any, x: np.ndarray, inner: int) -> object:
    """What comes out of a stage with known weights, and a gradient of x."""
    import torch
    from torch import nn

    outer, given = x.shape[1], torch.tensor(x, dtype=torch.float32)
    built = answer(outer, inner, nn.Conv2d(inner, 2 * inner, 1))
    tell({"asked is the class, with __init__ and forward.": not isinstance(built, nn.Module)})
    _fill(built)
    before = given.clone().requires_grad_()
    out = built(before * 1.0)
    if out is None:
        return None
    kept = given.clone()
    built(kept)
    askew = out.numel() == 2 * x.size and out.shape[1] == outer
    tell({"your forward changes x itself: leave out `inplace`.": not torch.equal(kept, given)})
    tell({"it is joined on the wrong axis; channels are axis 1.": askew})
    wave = torch.linspace(-1, 1, out.numel()).reshape(out.shape)
    (out * wave).sum().backward()
    grad = torch.zeros_like(given) if before.grad is None else before.grad
    return np.concatenate([out.detach().numpy().ravel(), grad.numpy().ravel()])


def _fill(network: Any) -> None:
    """Weights that depend on nothing but their shape."""
    for weights in network.parameters():
        rng = np.random.default_rng([*weights.shape, 5])
        weights.data.copy_(weights.data.new_tensor(rng.normal(0.1, 0.4, weights.shape)))


def pays(answer: Answer) -> None:
    """Check what both players pay, with both losses, and who gets a gradient of it."""
    rng = np.random.default_rng(67)
    sizes = (2, 6, 5), (1, 4, 7), (3, 5, 5)
    planted = {
        "D's labels are exchanged: 1 is real, 0 is generated.": {"swapped": True},
        "D's loss still reaches G: detach ab_hat there.": {"attached": True},
        "G pays with the label of generated pictures; it wants to be called real.": {"loser": True},
    }
    single = {
        "D pays the mean of both, half of their sum.": {"half": 1.0},
        "G minimizes log(1 - D), flat where D is sure; take the label 1.": {"saturating": True},
        "no gradient comes back to G: it must not be cut off in G's own loss.": {"cut": True},
        "G pays for the real pictures too; they are not its work.": {"real_too": True},
        "the players are exchanged.": {"turned": True},
        "D sees L first, then ab.": {"order": -1},
    }
    compare(
        "pays",
        answer,
        [tuple(rng.normal(0.2, 0.6, (n, c, h, w)) for c in (1, 2, 2)) for n, h, w in sizes],
        _pays,
        {told: partial(_pays, **how) for told, how in (bugs_left(planted) | single).items()},
        "D: the mean of form(real, 1.0) and form(fake, 0.0), fake detached. G: form(fake, 1.0).",
        absolute=1e-5,
        measure=_paid,
    )


def _pays(player: str, D: Any, form: Any, L: Any, ab: Any, ab_hat: Any, **bugs: Any) -> Any:
    """What a player pays, and the usual mistakes."""
    import torch

    def seen(colors: Any) -> Any:
        return D(torch.cat([L, colors][:: bugs.get("order", 1)], 1))

    if (player == "G") != ("turned" in bugs):
        if "saturating" in bugs:
            return -form(seen(ab_hat), 0.0)
        paid = form(seen(ab_hat.detach() if "cut" in bugs else ab_hat), 1.0 - ("loser" in bugs))
        return paid + (form(seen(ab), 1.0) if "real_too" in bugs else 0.0)
    fake, swapped = seen(ab_hat if "attached" in bugs else ab_hat.detach()), "swapped" in bugs
    return bugs.get("half", 0.5) * (form(seen(ab), 1.0 - swapped) + form(fake, float(swapped)))


def _paid(answer: Any, L: np.ndarray, ab: np.ndarray, ab_hat: np.ndarray) -> object:
    """Of both losses and players: what is paid, and the gradients of D's weights and of ab_hat."""
    import torch
    from torch import nn

    def squares(logits: Any, label: Any) -> Any:
        return (logits - label).square().mean()

    found = []
    for form in (_bce, squares):
        for player in ("D", "G"):
            D = nn.Conv2d(3, 1, 3)
            _fill(D)
            light, real, fake = (torch.tensor(x, dtype=torch.float32) for x in (L, ab, ab_hat))
            fake.requires_grad_()
            paid = answer(player, D, form, light, real, fake)
            if paid is None:
                return None
            one = isinstance(paid, torch.Tensor) and paid.numel() == 1
            kind = f'for "{player}" comes a {type(paid).__name__}, not one number as a tensor.'
            still = f'what "{player}" pays has no gradient: leave out item() and no_grad.'
            tell({kind: not one, still: one and not paid.requires_grad})
            paid.backward()
            found.append(paid.detach().reshape(1))
            for like in (D.weight, fake) if player == "D" else (fake,):
                found.append((0 * like.detach() if like.grad is None else like.grad).reshape(-1))
    return torch.cat(found).detach().numpy()


def _bce(logits: Any, label: float) -> Any:
    from torch.nn.functional import binary_cross_entropy_with_logits

    return binary_cross_entropy_with_logits(logits, 0 * logits.detach() + float(label))


def choose_lambda(answer: Answer) -> None:
    """Check the choice of λ on three tables; rows exactly at the limit are among them.

    L1 and slacks are sums of halves and quarters, so that the limit is exact in float32 too.
    """
    rng = np.random.default_rng(68)
    inputs = []
    for slacks in ([0.5, 1.0, 0.25], [0.0], [1.5, 0.125, 3.0, 0.75, 0.0]):
        price = np.array([0.5, 0.5625, 0.625, 0.75, 0.875, 1.0, 1.25])
        chroma = rng.uniform(10, 60, 7)
        chroma[3] = chroma[:3].max() + 3  # at a limit, and the best up to there
        chroma[5] = chroma[:5].max() + 3
        rows = np.stack([rng.uniform(1, 300, 7), chroma, price], 1)
        inputs.append((rows[rng.permutation(7)], np.array(slacks)))

    def each(slack_of=lambda table, slack: slack, **how):
        return lambda t, slacks: [_best(t, slack_of(t, float(s)), **how) for s in slacks]

    wrong = {
        "this is the λ with the least L1; asked is the largest chroma.": {"by": 2, "sign": -1},
        "a row exactly at the limit is allowed: compare with <=.": {"strict": True},
        "argmax counts the rows that are kept; look λ up among these.": {"among_all": True},
        "this is a chroma, asked is its λ.": {"column": 1},
        "this is the largest λ that is allowed; asked is the largest chroma.": {"by": 0},
        "this is the largest L1 that is allowed; chroma is the second column.": {"by": 2},
    }
    mistakes = {told: each(**how) for told, how in wrong.items()} | {
        "the L1 is left out: this is the λ with the largest chroma.": each(lambda t, s: 1e9),
        "slack is a share of the least L1, not L1 units.": each(lambda t, s: s / t[:, 2].min()),
        "all got the answer of the first slack.": lambda t, x: [_best(t, x[0])] * len(x),
    }
    compare(
        "choose_lambda",
        answer,
        inputs,
        each(),
        mistakes,
        "keep the rows with L1 ≤ (1 + slack) · least L1; of these the λ of the largest chroma.",
    )


def _best(table, slack, column=0, by=1, sign=1, strict=False, among_all=False):
    """The λ of the largest chroma among the rows that are allowed, and the usual mistakes."""
    limit = (1 + slack) * table[:, 2].min()
    allowed = table[:, 2] < limit if strict and slack > 0 else table[:, 2] <= limit
    rows = table[allowed]
    return (table if among_all else rows)[(sign * rows[:, by]).argmax(), column]


def repair(answer: Answer) -> None:
    """Check one step of a game: all weights of both players after it, and what they paid."""
    rng = np.random.default_rng(69)
    inputs = [
        (rng.normal(0.5, 0.3, (n, 1, h, w)), rng.normal(0, 0.5, (n, 2, h, w)), lam)
        for n, h, w, lam in ((3, 8, 7, 4.0), (2, 6, 9, 0.5), (4, 7, 7, 9.0))
    ]
    planted = {
        "D is still in evaluation mode while it learns.": {"asleep": True},
        "D's labels are still exchanged: 1 is real, 0 is generated.": {"swapped": True},
        "D's loss still moves G: detach ab_hat there.": {"attached": True},
        "G's step still moves D: one step of each optimizer.": {"both": True},
    }
    single = {
        "λ is left out of G's loss.": {"weight": 0.0},
        "D's opinion is left out of G's loss.": {"opinion": 0.0},
        "G wants to be called real: its label is 1.": {"label": 0.0},
        "D pays the mean of both, half of their sum.": {"half": 1.0},
    }
    compare(
        "repair",
        answer,
        inputs,
        _step,
        {told: partial(_step, **how) for told, how in (bugs_left(planted) | single).items()},
        "D.train(); 1.0 for real; ab_hat.detach() for D; adam_D.step() once, before G's loss.",
        absolute=1e-5,
        measure=_stepped,
    )


def _step(G: Any, D: Any, of_G: Any, of_D: Any, L: Any, ab: Any, lam: float, **bugs: Any) -> Any:
    """One move of each player, and the usual mistakes."""
    import torch

    def pays(colors: Any, label: float) -> Any:
        return _bce(D(torch.cat([L, colors], 1)), label)

    D.train("asleep" not in bugs)
    ab_hat, swapped = G(L), "swapped" in bugs
    fake = ab_hat if "attached" in bugs else ab_hat.detach()
    paid_D = bugs.get("half", 0.5) * (pays(ab, 1.0 - swapped) + pays(fake, float(swapped)))
    of_D.zero_grad()
    of_G.zero_grad()
    paid_D.backward(retain_graph=True)
    of_D.step()
    paid_G = pays(ab_hat, bugs.get("label", 1.0))
    L1 = bugs.get("weight", 1.0) * lam * (ab_hat - ab).abs().mean()
    (L1 + bugs.get("opinion", 1.0) * paid_G).backward()
    of_G.step()
    if "both" in bugs:
        of_D.step()
    return paid_D.item(), paid_G.item()


def _stepped(answer: Any, L: np.ndarray, ab: np.ndarray, lam: float) -> object:
    """What both paid, and how far a step has moved all weights."""
    import torch
    from torch import nn

    G = nn.Conv2d(1, 2, 3, padding=1)
    D = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 3))
    _fill(G)
    _fill(D)
    D.eval()
    before = [x.detach().clone() for net in (G, D) for x in net.parameters()]
    steps = [torch.optim.SGD(net.parameters(), 0.1) for net in (G, D)]
    given = [torch.tensor(x, dtype=torch.float32) for x in (L, ab)]
    paid = answer(G, D, *steps, *given, lam)
    if paid is None:
        return None
    tell({"asked are two numbers: what D paid, and what G paid.": np.size(paid) != 2})
    after = [x.detach() for net in (G, D) for x in net.parameters()]
    moved = torch.cat([(b - a).reshape(-1) for a, b in zip(before, after)])
    return np.concatenate([[float(x) for x in paid], moved.numpy()])
