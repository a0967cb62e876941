"""Lesson 09."""

import fnmatch
import io

import numpy as np
from PIL import Image

from check_cases import Cases, forgets


def worst_first(groups, ab, ab_with):
    """Hypotenuses, and a list of pairs that is sorted."""
    pairs = []
    for name in groups:
        a, b = np.moveaxis(ab_with(groups[name]) - ab, -1, 0)
        pairs.append((np.hypot(a, b).sum(), name))
    return [name for _, name in sorted(pairs)][::-1]


def repeatedly(groups, ab, ab_with):
    """Take the worst of what is left, again and again."""
    far = {g: np.sqrt(np.square(ab_with(x) - ab).sum(-1)).mean() for g, x in groups.items()}
    order = []
    while far:
        order.append(max(far, key=far.get))
        del far[order[-1]]
    return tuple(order)


def ranked(damage):
    def answer(groups, ab, ab_with):
        return sorted(groups, key=lambda g: damage(ab_with(groups[g]) - ab), reverse=True)

    return answer


def all_but(groups, ab, ab_with):
    far = {}
    for group in groups:
        rest = sum((layers for other, layers in groups.items() if other != group), [])
        far[group] = np.linalg.norm(ab_with(rest) - ab, axis=-1).mean()
    return sorted(far, key=far.get)


def package_of(path):
    for place, letter in enumerate(path):
        if letter in ".-/":
            return path[:place]
    return path


def weigh(entries, packages, patterns):
    """Package by package, with lists of sizes."""
    table = []
    for package in packages:
        mine = [(p, n) for p, n in entries if package_of(p) == package]
        goes = sum(n for p, n in mine if useless(p, patterns))
        table.append((sum(n for _, n in mine) - goes, goes))
    return table


def useless(path, patterns):
    return bool(sum(len(fnmatch.filter(path.split("/"), pattern)) for pattern in patterns))


def in_array(entries, packages, patterns):
    sums, places = np.zeros((2, len(packages)), int), {p: i for i, p in enumerate(packages)}
    for path, size in entries:
        if package_of(path) in places:
            sums[int(useless(path, patterns)), places[package_of(path)]] += size
    return sums.T


def weighed(owns=lambda p, k: package_of(p) == k, gone=useless, size=lambda n: n):
    def answer(entries, packages, patterns):
        def total(package, which):
            return sum(
                size(n) for p, n in entries if owns(p, package) and gone(p, patterns) == which
            )

        return [[total(package, False), total(package, True)] for package in packages]

    return answer


def shape_of(data):
    """(kind, pixels) that a header tells, or None."""
    try:
        image = Image.open(io.BytesIO(data))
    except Image.DecompressionBombError:
        return "PNG", 10**10
    except Exception:
        return None
    return (image.format, image.size[0] * image.size[1]) if image.format in KNOWN else None


KNOWN = "JPEG", "PNG"


def whole(data):
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
        return True
    except Exception:
        return False


def refusing(codes=(400, 413, 415, 413, 422), order=(0, 1, 2, 3, 4), more=0, words=None):
    """Questions in an order; `more`: what is taken off the limits."""

    def answer(data, model, limits):
        told = shape_of(data)
        bad = [
            lambda: model not in limits.models,
            lambda: len(data) > limits.most_bytes - more,
            lambda: told is None,
            lambda: told is not None and told[1] > limits.most_pixels - more,
            lambda: not whole(data),
        ]
        for which in order:
            if bad[which]():
                return codes[which], "Send another picture, please." if words is None else words
        return 200, ""

    return answer


def by_exceptions(data, model, limits):
    """Nested, with early results in variables."""
    status, said = 200, ""
    if model in limits.models:
        if len(data) <= limits.most_bytes:
            told = shape_of(data)
            if told is None:
                status, said = 415, "Only JPEG and PNG are accepted here."
            elif told[1] > limits.most_pixels:
                status, said = 413, "Make the picture smaller and send it again."
            elif not whole(data):
                status, said = 422, "The picture is damaged, copy it again."
        else:
            status, said = 413, "Make the file smaller and send it again."
    else:
        status, said = 400, "There is no model of this name."
    return [status, said]


def only_status(data, model, limits):
    return refusing()(data, model, limits)[0]


def worker(jobs, paint):
    """The next name is asked for at the end."""
    jobs.requeue()
    name = jobs.claim()
    while name is not None:
        picture = paint(name)
        jobs.store(name, picture)
        jobs.done(name)
        name = jobs.claim()


def by_iter(jobs, paint):
    jobs.requeue()
    for name in iter(jobs.claim, None):
        jobs.store(name, paint(name))
        jobs.done(name)
    return True


def working(steps="psd", requeue=True, once=False):
    """claim, then these steps: paint, store, done."""

    def answer(jobs, paint):
        if requeue:
            jobs.requeue()
        while (name := jobs.claim()) is not None:
            for step in steps:
                if step == "p":
                    picture = paint(name)
                elif step == "s":
                    jobs.store(name, picture)
                elif step == "d":
                    jobs.done(name)
            if once:
                break

    return answer


def inside(jobs, paint):
    """requeue after each claim: the same job comes again."""
    while name := jobs.claim():
        jobs.requeue()
        jobs.store(name, paint(name))


def at_the_end(jobs, paint):
    working(requeue=False)(jobs, paint)
    jobs.requeue()


def stores_first(jobs, paint):
    jobs.requeue()
    while name := jobs.claim():
        jobs.store(name, b"")
        jobs.done(name)


def names_it(jobs, paint):
    jobs.requeue()
    while name := jobs.claim():
        jobs.store(name, paint(name))
        jobs.done(f"{name}.jpg")


CASES = {
    "worst_first": Cases(
        right={"hypotenuses": worst_first, "again and again": repeatedly},
        wrong={
            "best first": (lambda *x: worst_first(*x)[::-1], "best group comes first"),
            "a and b apart": (ranked(lambda d: np.abs(d).sum()), "is a length"),
            "signed": (ranked(np.mean), "signed differences are"),
            "worst pixel": (
                ranked(lambda d: np.hypot(d[..., 0], d[..., 1]).max()),
                "worst pixel",
            ),
            "squares": (ranked(lambda d: np.square(d).sum()), "these are squares"),
            "number of layers": (
                lambda groups, ab, ab_with: sorted(
                    groups, key=lambda g: len(groups[g]), reverse=True
                ),
                "by the number of layers",
            ),
            "all but": (all_but, "one group alone"),
            "unsorted": (lambda groups, ab, ab_with: list(groups), "as they came"),
            "numbers": (
                lambda groups, ab, ab_with: [ab_with(x).mean() for x in groups.values()],
                "list of the groups' names",
            ),
            "worst alone": (lambda *x: worst_first(*x)[:1], "is missing"),
            "one name": (lambda *x: worst_first(*x)[0], "is missing"),
            "layers": (lambda groups, ab, ab_with: groups[max(groups)], "no group"),
            "forgotten return": (forgets(worst_first), "returns None"),
        },
    ),
    "weigh": Cases(
        right={"lists": weigh, "array": in_array},
        wrong={
            "exchanged": (lambda *x: np.array(weigh(*x))[:, ::-1], "exchanged"),
            "all and gone": (
                lambda *x: [(stays + goes, goes) for stays, goes in weigh(*x)],
                "column is all",
            ),
            "counts": (weighed(size=lambda n: 1), "numbers of files"),
            "without .libs": (
                weighed(owns=lambda p, k: p.partition("/")[0] == k),
                "belongs to numpy",
            ),
            "prefix": (weighed(owns=lambda p, k: p.find(k) == 0), "onnx is not onnxruntime"),
            "any folder": (weighed(owns=lambda p, k: k in set(p.split("/"))), "first part names"),
            "substring": (
                weighed(gone=lambda p, ps: any(x.replace("*", "") in p for x in ps)),
                "not a piece",
            ),
            "file name": (
                weighed(gone=lambda p, ps: useless(p.rpartition("/")[2], ps)),
                "only file names",
            ),
            "folders": (
                weighed(gone=lambda p, ps: useless(p.rpartition("/")[0], ps)),
                "only folders",
            ),
            "no patterns": (
                weighed(gone=lambda p, ps: any(x in p.split("/") for x in ps)),
                "needs fnmatch",
            ),
            "kilobytes": (weighed(size=lambda n: n / 1000), "1/1000"),
            "transposed": (lambda *x: np.transpose(weigh(*x)), "axes are swapped"),
            "forgotten return": (forgets(weigh), "returns None"),
        },
    ),
    "refusal": Cases(
        right={"questions": refusing(), "nested": by_exceptions},
        wrong={
            "decodes first": (refusing(order=(0, 1, 2, 4, 3)), "before you decode"),
            "always 400": (refusing((400,) * 5), "tell the cases apart"),
            "damaged is a type": (refusing((400, 413, 415, 413, 415)), "a damaged JPEG or PNG"),
            "type is damaged": (refusing((400, 413, 422, 413, 422)), "is 415, not 422"),
            "model unasked": (refusing(order=(1, 2, 3, 4)), "whether the model exists"),
            "bytes unasked": (refusing(order=(0, 2, 3, 4)), "too many bytes"),
            "never decodes": (refusing(order=(0, 1, 2, 3)), "damaged ones pass"),
            "at the limit": (refusing(more=1), "exactly as large"),
            "no model is 404": (refusing((404, 413, 415, 413, 422)), "404"),
            "status alone": (only_status, "two things"),
            "no sentence": (refusing(words=""), "say in a sentence"),
            "a word": (refusing(words="bad."), "with a period"),
            "two sentences": (
                refusing(words="This is bad. Please send another picture."),
                "one sentence is enough",
            ),
            "an exception": (
                refusing(words="OSError: image file is truncated here."),
                "no exception",
            ),
            "fine has words": (
                lambda *x: (refusing()(*x)[0], "This is a fine picture."),
                "gets no sentence",
            ),
            "forgotten return": (forgets(refusing()), "returns None"),
        },
    ),
    "worker": Cases(
        right={"next at the end": worker, "iter": by_iter},
        wrong={
            "careless": (working("dps", requeue=False), "done before paint, and no"),
            "done, then paint": (working("dps"), "done comes before paint"),
            "done, then store": (working("pds"), "done comes before store"),
            "done, then store, no requeue": (
                working("pds", requeue=False),
                "done before store, and no",
            ),
            "no requeue": (working(requeue=False), "requeue at the start"),
            "requeue at the end": (at_the_end, " is right"),
            "one job": (working(once=True), "go on while claim"),
            "never stored": (working("pd"), "never stored"),
            "never done": (working("ps"), "never done"),
            "requeue inside": (inside, "never ends"),
            "nothing painted": (stores_first, "what paint made"),
            "another name": (names_it, "there is no job"),
        },
    ),
}
