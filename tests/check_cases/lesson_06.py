"""Lesson 06. torch takes its time: answers that need it are made when they are tried."""

import numpy as np

from check_cases import GENERIC, Cases, Later, Made, forgets

torch, nn, F = Later("torch"), Later("torch.nn"), Later("torch.nn.functional")


# A stage.


def stage(forward):
    """The class of the exercise with this forward."""

    def make():
        class Stage(nn.Module):
            def __init__(self, outer, inner, inside):
                super().__init__()
                conv = nn.Conv2d(outer, inner, 4, 2, 1, bias=False)
                back = nn.ConvTranspose2d(2 * inner, outer, 4, 2, 1, bias=False)
                self.down = nn.Sequential(conv, nn.BatchNorm2d(inner))
                self.inside = inside
                self.up = nn.Sequential(back, nn.BatchNorm2d(outer))

        Stage.forward = forward
        return Stage

    return Made(make)


def in_steps(self, x):
    y = torch.where(x > 0, x, 0.2 * x)
    y = self.down(y)
    y = self.inside(y)
    y = self.up(y.clamp(min=0))
    return torch.concat((x, y), dim=1)


def with_modules(self, x):
    path = nn.Sequential(nn.LeakyReLU(0.2), self.down, self.inside, nn.ReLU(), self.up)
    out = x.new_empty(x.shape[0], 2 * x.shape[1], *x.shape[2:])
    out[:, : x.shape[1]], out[:, x.shape[1] :] = x, path(x)
    return out


def deep(self, x, slope=0.2):
    return self.inside(self.down(F.leaky_relu(x, slope)))


def own_layers():
    """Written anew, with the layers in another order."""

    class Mine(nn.Module):
        def __init__(self, outer, inner, inside):
            super().__init__()
            self.norm = nn.BatchNorm2d(outer)
            self.back = nn.ConvTranspose2d(2 * inner, outer, 4, 2, 1, bias=False)
            self.middle = inside
            self.first = nn.BatchNorm2d(inner)
            self.conv = nn.Conv2d(outer, inner, 4, 2, 1, bias=False)

        def forward(self, x):
            y = self.middle(self.first(self.conv(F.leaky_relu(x, 0.2))))
            return torch.cat([x, self.norm(self.back(F.relu(y)))], 1)

    return Mine


def inplace(self, x):
    y = self.inside(self.down(F.leaky_relu(x, 0.2, inplace=True)))
    return torch.cat([x, self.up(F.relu(y))], 1)


def one_picture(self, x):
    return in_steps(self, x)[:1]


# What the players pay.


def pays(player, D, form, L, ab, ab_hat):
    seen = {"real": ab, "fake": ab_hat.detach() if player == "D" else ab_hat}
    logits = {name: D(torch.cat((L, y), dim=1)) for name, y in seen.items()}
    if player == "D":
        return torch.stack([form(logits["real"], 1.0), form(logits["fake"], 0.0)]).mean()
    return form(logits["fake"], 1.0)


def in_one_batch(player, D, form, L, ab, ab_hat):
    if player == "D":
        with torch.no_grad():
            fake = ab_hat.clone()
        both = D(torch.cat([torch.cat([L, L]), torch.cat([ab, fake])], 1))
        real, fake = both.chunk(2)
        return 0.5 * form(real, 1) + 0.5 * form(fake, 0)
    return form(D(torch.cat([L, ab_hat], 1)), 1)


def paying(D_pays=None, G_pays=None):
    """The right answer with one player's part replaced by a function of D, form, L, ab, ab_hat."""

    def answer(player, *rest):
        own = {"D": D_pays, "G": G_pays}[player]
        return own(*rest) if own else pays(player, *rest)

    return answer


def both(D, form, L, ab, fake, one=1.0, zero=0.0):
    return (form(D(torch.cat([L, ab], 1)), one) + form(D(torch.cat([L, fake], 1)), zero)) / 2


def swapped(D, form, L, ab, y):
    return both(D, form, L, ab, y.detach(), 0.0, 1.0)


# The choice.


def for_each(pick):
    return lambda table, slacks: np.array([pick(table, slack) for slack in slacks])


def choose_lambda(table, slack):
    limit = np.min(table[:, 2]) * (slack + 1)
    return table[np.where(table[:, 2] > limit, -1, table[:, 1]).argmax()][0]


def among_all(table, slack):
    kept = [row for row in table if row[2] <= (1 + slack) * min(table[:, 2])]
    return table[int(np.argmax([row[1] for row in kept]))][0]


def dearest(table, slack):
    allowed = table[table[:, 2] <= (1 + slack) * table[:, 2].min()]
    return allowed[np.lexsort([allowed[:, 2]])[-1], 0]


def by_frame(table, slacks):
    """With pandas; the rows sorted by what is wanted."""
    import pandas as pd

    frame = pd.DataFrame(table, columns=["lam", "chroma", "L1"])
    frame = frame.sort_values("chroma", ascending=False)
    kept = [frame[frame.L1 <= (1 + slack) * frame.L1.min()] for slack in slacks]
    return pd.Series([rows.lam.iloc[0] for rows in kept])


def row_of(table, slack):
    return table[table[:, 0] == choose_lambda(table, slack)][0]


def below(table, slack):
    """The limit itself is left out, unless nothing is below it."""
    return choose_lambda(table, slack - 1e-6 * (slack > 0))


# The step.


def step(
    G,
    D,
    of_G,
    of_D,
    L,
    ab,
    lam=10.0,
    mode=True,
    labels=(1.0, 0.0),
    cut=True,
    again=False,
    of=lambda l1, opinion, lam: lam * l1 + opinion,
    half=2,
    want=1.0,
):
    """Written with concatenated logits; the keywords are bugs."""
    D.train(mode)
    y = G(L)
    of_G.zero_grad()
    of_D.zero_grad()
    both = D(torch.cat([L, ab], 1)), D(torch.cat([L, y.detach() if cut else y], 1))
    paid_D = sum(_bce(x, label) for x, label in zip(both, labels)) / half
    paid_D.backward(retain_graph=True)
    of_D.step()
    paid_G = _bce(D(torch.cat([L, y], 1)), want)
    of((y - ab).abs().mean(), paid_G, lam).backward()
    of_G.step()
    if again:
        of_D.step()
    return paid_D.detach(), paid_G.detach()


def _bce(logits, label):
    """-log of the probability of the label."""
    return -(F.logsigmoid(logits) if label else F.logsigmoid(-logits)).mean()


def with_frozen_D(G, D, of_G, of_D, L, ab, lam=10.0):
    D.train()
    with torch.no_grad():
        fake = G(L)
    of_D.zero_grad()
    paid_D = 0.5 * (_bce(D(torch.cat([L, ab], 1)), 1) + _bce(D(torch.cat([L, fake], 1)), 0))
    paid_D.backward()
    of_D.step()
    D.requires_grad_(False)
    y = G(L)
    paid_G = _bce(D(torch.cat([L, y], 1)), 1)
    of_G.zero_grad()
    (paid_G + lam * F.l1_loss(y, ab)).backward()
    of_G.step()
    D.requires_grad_(True)
    return [paid_D.item(), paid_G.item()]


def bugs(**how):
    return lambda *x: step(*x, **how)


CASES = {
    "stage": Cases(
        right={
            "in steps": stage(in_steps),
            "modules": stage(with_modules),
            "own layers": Made(own_layers),
        },
        wrong={
            "no skip": (stage(lambda s, x: s.up(F.relu(deep(s, x)))), "skip connection is missing"),
            "added": (stage(lambda s, x: x + s.up(F.relu(deep(s, x)))), "x is added"),
            "behind": (
                stage(lambda s, x: torch.cat([s.up(F.relu(deep(s, x))), x], 1)),
                "x comes first",
            ),
            "activated": (
                stage(lambda s, x: torch.cat([F.leaky_relu(x, 0.2), s.up(F.relu(deep(s, x)))], 1)),
                "as it came in",
            ),
            "twice": (stage(lambda s, x: torch.cat([x, x], 1)), GENERIC),
            "no ReLU": (stage(lambda s, x: torch.cat([x, s.up(deep(s, x))], 1)), "before `up`"),
            "ReLU behind": (
                stage(lambda s, x: torch.cat([x, F.relu(s.up(deep(s, x)))], 1)),
                "not behind it",
            ),
            "leaky twice": (
                stage(lambda s, x: torch.cat([x, s.up(F.leaky_relu(deep(s, x), 0.2))], 1)),
                "leaky one stands before `down`",
            ),
            "default slope": (
                stage(lambda s, x: torch.cat([x, s.up(F.relu(deep(s, x, 0.01)))], 1)),
                "torch takes 0.01",
            ),
            "plain ReLU": (
                stage(lambda s, x: torch.cat([x, s.up(F.relu(deep(s, x, 0.0)))], 1)),
                "asked is a leaky one",
            ),
            "no leaky": (
                stage(lambda s, x: torch.cat([x, s.up(F.relu(deep(s, x, 1.0)))], 1)),
                "leaky ReLU before `down` is missing",
            ),
            "detached": (
                stage(lambda s, x: torch.cat([x.detach(), s.up(F.relu(deep(s, x)))], 1)),
                "no gradient goes through",
            ),
            "in place": (stage(inplace), "changes x itself"),
            "on the pictures": (
                stage(lambda s, x: torch.cat([x, s.up(F.relu(deep(s, x)))], 0)),
                "wrong axis",
            ),
            "on the width": (
                stage(lambda s, x: torch.cat([x, s.up(F.relu(deep(s, x)))], -1)),
                "wrong axis",
            ),
            "inside left out": (
                stage(lambda s, x: torch.cat([x, s.up(F.relu(s.down(x)))], 1)),
                "stopped with",
            ),
            "doubled": (stage(lambda s, x: 2 * in_steps(s, x)), "2 times what it must be"),
            "one picture": (stage(one_picture), "has shape"),
            "forgotten return": (stage(forgets(in_steps)), "returns None"),
            "a function": (lambda outer, inner, inside: inside, "stopped with"),
            "nothing": (None, "this is a NoneType"),
        },
    ),
    "pays": Cases(
        right={"a dictionary": pays, "one batch": in_one_batch},
        wrong={
            "labels": (paying(swapped), "labels are exchanged"),
            "attached": (paying(both), "still reaches G"),
            "labels and attached": (
                paying(lambda *x: both(*x, 0.0, 1.0)),
                "two bugs are left: D's labels",
            ),
            "G called generated": (
                paying(G_pays=lambda D, form, L, ab, y: form(D(torch.cat([L, y], 1)), 0.0)),
                "label of generated",
            ),
            "saturating": (
                paying(G_pays=lambda D, form, L, ab, y: -form(D(torch.cat([L, y], 1)), 0.0)),
                "flat where D is sure",
            ),
            "G cut off": (
                paying(
                    G_pays=lambda D, form, L, ab, y: form(D(torch.cat([L, y.detach()], 1)), 1.0)
                ),
                "no gradient comes back to G",
            ),
            "G pays for real": (
                paying(
                    G_pays=lambda D, form, L, ab, y: (
                        form(D(torch.cat([L, y], 1)), 1.0) + form(D(torch.cat([L, ab], 1)), 1.0)
                    )
                ),
                "real pictures too",
            ),
            "the sum": (
                paying(lambda D, form, L, ab, y: 2 * both(D, form, L, ab, y.detach())),
                "half of their sum",
            ),
            "players exchanged": (
                lambda player, *x: pays("DG"[player == "D"], *x),
                "players are exchanged",
            ),
            "ab first": (
                lambda player, D, form, L, ab, y: pays(
                    player, lambda x: D(torch.cat([x[:, 1:], x[:, :1]], 1)), form, L, ab, y
                ),
                "L first",
            ),
            "no L": (
                paying(G_pays=lambda D, form, L, ab, y: form(D(y), 1.0)),
                "stopped with",
            ),
            "a number": (lambda *x: pays(*x).item(), "not one number as a tensor"),
            "no gradient": (lambda *x: pays(*x).detach(), "has no gradient"),
            "both players": (
                lambda player, *x: torch.stack([pays(p, *x) for p in "DG"]),
                "not one number",
            ),
            "bce only": (
                lambda player, D, form, L, ab, y: pays(
                    player, D, lambda x, one: _bce(x, one), L, ab, y
                ),
                GENERIC,
            ),
            "a penalty": (lambda *x: pays(*x) + 0.1, GENERIC),
            "G is D": (paying(G_pays=lambda D, form, L, ab, y: both(D, form, L, ab, y)), GENERIC),
            "forgotten return": (forgets(pays), "returns None"),
            "one player": (
                lambda player, *x: pays(player, *x) if player == "D" else None,
                "returns None",
            ),
        },
    ),
    "choose_lambda": Cases(
        right={
            "masked": for_each(choose_lambda),
            "pandas": by_frame,
            "float32": lambda table, slacks: np.float32(
                [choose_lambda(np.float32(table), np.float32(s)) for s in slacks]
            ),
        },
        wrong={
            "no limit": (for_each(lambda t, s: t[np.argsort(t[:, 1])[-1], 0]), "L1 is left out"),
            "least L1": (for_each(lambda t, s: t[np.argsort(t[:, 2])[0], 0]), "least L1"),
            "units": (
                for_each(lambda t, s: choose_lambda(t, s / t[:, 2].min())),
                "share of the least L1",
            ),
            "index": (for_each(among_all), "look λ up"),
            "limit": (for_each(below), "exactly at"),
            "chroma": (for_each(lambda t, s: row_of(t, s)[1]), "a chroma, asked is its λ"),
            "largest λ": (
                for_each(lambda t, s: max(r[0] for r in t if r[2] <= (1 + s) * min(t[:, 2]))),
                "largest λ that is allowed",
            ),
            "largest L1": (for_each(dearest), "largest L1 that is allowed"),
            "first slack": (lambda t, s: [choose_lambda(t, s[0]) for _ in s], "of the first slack"),
            "three slacks": (
                lambda t, s: [choose_lambda(t, s[i]) for i in range(3)],
                "one size only",
            ),
            "no 1": (for_each(lambda t, s: choose_lambda(t, max(s - 1, 0))), GENERIC),
            "rows": (for_each(row_of), "has shape"),
            "one λ": (lambda t, s: choose_lambda(t, s[0]), "is one number"),
            "forgotten return": (forgets(for_each(choose_lambda)), "returns None"),
        },
    ),
    "repair": Cases(
        right={"logsigmoid": step, "frozen D": with_frozen_D},
        wrong={
            "asleep": (bugs(mode=False), "evaluation mode"),
            "labels": (bugs(labels=(0.0, 1.0)), "labels are still exchanged"),
            "attached": (bugs(cut=False), "still moves G"),
            "again": (bugs(again=True), "still moves D"),
            "two left": (bugs(cut=False, again=True), "two bugs are left: D's loss"),
            "three left": (
                bugs(mode=False, labels=(0.0, 1.0), cut=False),
                "three bugs are left",
            ),
            "all": (
                bugs(mode=False, labels=(0.0, 1.0), cut=False, again=True),
                "four bugs are left",
            ),
            "no λ": (bugs(of=lambda l1, opinion, lam: opinion), "λ is left out"),
            "no opinion": (bugs(of=lambda l1, opinion, lam: lam * l1), "opinion is left out"),
            "G called generated": (bugs(want=0.0), "its label is 1"),
            "the sum": (bugs(half=1), "half of their sum"),
            "λ of 10": (lambda *x: step(*x[:6], 10.0), GENERIC),
            "λ beside D": (bugs(of=lambda l1, opinion, lam: l1 + lam * opinion), GENERIC),
            "one number": (lambda *x: step(*x)[0], "asked are two numbers"),
            "forgotten return": (forgets(step), "returns None"),
        },
    ),
}
