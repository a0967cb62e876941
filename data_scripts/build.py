"""From candidates to a data set: fetch, clean, split, resize, and say what was done."""

import argparse
import hashlib
import json
import shutil
import sys
from collections import Counter
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np

from course_utils import photos
from data_scripts import card, clean, download
from data_scripts.files import DataError, need, write_whole


def parser(about, train, test, size):
    """The arguments that all data sets share, with their defaults for this one."""
    args = argparse.ArgumentParser(
        prog=f"python -m data_scripts.{about.name}", description=f"Prepare {about.title}."
    )
    home = photos.data_home() / about.name
    args.add_argument("--out", type=Path, default=home, help=f"folder (default: {home})")
    args.add_argument(
        "--train", type=_count, default=train, metavar="N", help=_words("training", train)
    )
    args.add_argument(
        "--test", type=_count, default=test, metavar="N", help=_words("testing", test)
    )
    args.add_argument(
        "--size", type=_count, default=size, help=f"pixels of the shorter side (default: {size})"
    )
    return args


def add_from(args, required=False):
    """Let the user name a folder or an archive instead of fetching: options.local."""
    words = "a folder or archive that you have, instead of fetching"
    args.add_argument(
        "--from", dest="local", type=Path, metavar="PATH", required=required, help=words
    )


def _count(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 1")
    return int(text)


def _words(purpose, n):
    return f"photographs for {purpose} (default: {f'{n:,}' if n else 'all'})"


def main(about, candidates, args, argv=None):
    """Parse the arguments and build; a failure is one sentence on stderr and exit status 1.

    candidates: function of the options and the folder for downloads, gives {split: iterator of
        `Picture`} with the splits "test" and "train", or "" where the publisher has none.
    """
    options = args.parse_args(argv)
    try:
        build(about, candidates, options)
    except (DataError, OSError) as error:  # OSError: a folder that may not be written, for example
        sys.exit(f"{about.name}: {str(error).rstrip('.')}.")
    except KeyboardInterrupt:
        sys.exit(f"{about.name}: interrupted; {download.AGAIN}.")


def build(about, candidates, options):
    """Make the folder options.out hold what the options ask for. Does nothing if it does."""
    out = options.out.expanduser()
    asked = {name: str(value) for name, value in sorted(vars(options).items()) if name != "out"}
    made, manifest = out / ".made.json", out / "manifest.csv"
    before = json.loads(made.read_text()) if made.exists() else {}
    if manifest.exists() and before.get("asked") == asked:
        print(f"{out} is complete; {card.use(about, out)}")
        return
    if not before and any((out / split).exists() for split in ("train", "test")):
        raise DataError(f"{out} has a folder train or test of another origin: choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    with _alone(out):
        chosen, counts = choose(candidates(options, out / ".downloads"), options)
        if not chosen["train"] or not chosen["test"]:
            raise DataError(f"no photographs are left of {counts['candidates']:,} candidates")
        # From here on `out` changes. A kill leaves no manifest, and the next run goes on.
        content = [options.size] + [
            (split, p.id, row["seen"]["sha256"].decode())
            for split in chosen
            for p, row in chosen[split]
        ]
        now = {"asked": asked, "content": hashlib.sha256(json.dumps(content).encode()).hexdigest()}
        if now != before:
            manifest.unlink(missing_ok=True)
            if now["content"] != before.get("content"):
                for split in chosen:
                    shutil.rmtree(out / split, ignore_errors=True)
            write_whole(made, json.dumps(now).encode())
        rows = _write(chosen, out, options.size)
        write_whole(out / "CARD.md", card.card(about, options, rows, counts).encode())
        write_whole(manifest, card.table(rows).encode())
    print(f"{card.sentence(counts, options)}\n{card.use(about, out)}")


def choose(candidates, options):
    """The photographs to keep, {"train": [(Picture, ROW)], "test": ...}, and a Counter.

    Candidates are fetched and looked at in rounds until enough of them are left.
    """
    wanted = {"train": options.train, "test": options.test}
    if "" in candidates:
        wanted = {"": options.train + options.test}
    else:  # of near duplicates the first stays: a test photograph rather than one for training
        candidates = {split: candidates[split] for split in ("test", "train")}
    found = {split: [] for split in candidates}  # pictures
    looked = {split: [clean.survey([])] for split in candidates}  # a ROW for each, by rounds
    kept = {split: [] for split in candidates}
    counts, why = Counter(), []
    while True:
        batches = {}
        for split in candidates:
            some = None  # all there are
            if wanted[split] is not None:
                missing = wanted[split] - len(kept[split])
                some = max(20, round(1.1 * missing)) if missing > 0 else 0
            batches[split] = list(islice(candidates[split], some))
        news = [p for batch in batches.values() for p in batch]
        if not news:
            break
        failed = download.fetch_all([(p.fetch, p.path) for p in news if p.fetch])
        counts += Counter({"candidates": len(news), "not to be had": len(failed)})
        for split, batch in batches.items():
            batch = [p for p in batch if p.path not in failed]
            found[split] += batch
            looked[split].append(clean.survey([p.path for p in batch]))
        rows = np.concatenate([part for split in found for part in looked[split]])
        why = clean.reasons(rows)
        every = zip([(s, p) for s in found for p in found[s]], rows, why, strict=True)
        kept = {split: [] for split in candidates}
        for (split, picture), row, reason in every:
            if not reason:
                kept[split].append((picture, row))
    counts += Counter(list(why))
    kept = {split: kept[split][: wanted[split]] for split in kept}
    if "" in kept:
        kept = _split(kept[""], options)
    return kept, counts | Counter({split: len(kept[split]) for split in kept})


def _split(kept, options):
    """Contents decide what is for testing; where photographs lack, both splits shrink alike."""
    kept = sorted(kept, key=lambda pair: pair[1]["seen"]["sha256"])
    n_test = round(len(kept) * options.test / (options.train + options.test))
    return {"test": kept[:n_test], "train": kept[n_test:]}


def _write(chosen, out, size):
    """The photographs of both splits as rows of the manifest."""
    jobs, rows = [], []
    for split in ("train", "test"):
        for picture, row in sorted(chosen[split], key=lambda pair: pair[0].id):
            suffix = picture.path.suffix.lower()
            if suffix not in (".jpg", ".jpeg", ".png") or min(row["width"], row["height"]) > size:
                suffix = ".jpg"
            name = picture.id.replace("/", "-").removesuffix(picture.path.suffix) + suffix
            jobs.append((picture.path, out / split / name, size))
            facts = {"id": picture.id, "file": f"{split}/{name}", "url": picture.url}
            facts |= {"licence": picture.licence, "author": picture.author, "split": split}
            facts["source_sha256"] = row["seen"]["sha256"].decode()
            rows.append(facts | {"chroma": f"{row['seen']['chroma']:.2f}"})
    if len({target for _, target, _ in jobs}) < len(jobs):
        raise DataError("two photographs would get the same name: rename one of them")
    need(out, sum(min(source.stat().st_size, size * size * 2) for source, _, _ in jobs))
    for row, facts in zip(rows, clean.write(jobs), strict=True):
        row |= dict(zip(("width", "height", "bytes", "sha256"), facts, strict=True))
    return rows


@contextmanager
def _alone(out):
    """Keep a second run out of the folder, where the system can; a kill releases the lock."""
    with open(out / ".lock", "w") as lock:
        try:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ModuleNotFoundError:  # Windows
            pass
        except BlockingIOError:
            raise DataError(f"another run is at work in {out}: wait until it is done") from None
        yield
