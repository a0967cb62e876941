"""From candidates to a data set: fetch, clean, split, resize, and say what was done."""

import argparse
import hashlib
import json
import sys
from collections import Counter
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np

from course_utils import photos
from data_scripts import card, clean, many, names, owned
from data_scripts.files import DataError, disk_error, need, write_whole
from data_scripts.web import AGAIN, Gone

PASSING = ("out", "again")  # options that do not say what the data set holds


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


def add_again(args):
    """Let the user forget what the server had no more: options.again."""
    words = "ask again for photographs that were gone (404, 410)"
    args.add_argument("--again", action="store_true", help=words)


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
    with suppress(AttributeError):  # a terminal may know fewer letters than paths have
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        build(about, candidates, options)
    except OSError as error:  # a folder that may not be written, for example
        at = error.filename if isinstance(error.filename, str) else options.out
        error = disk_error(error, Path(at))
        sys.exit(f"{about.name}: {str(error).rstrip('.')}.")
    except DataError as error:
        sys.exit(f"{about.name}: {str(error).rstrip('.')}.")
    except BrokenProcessPool:
        sys.exit(f"{about.name}: the system ended a process, perhaps for lack of memory; {AGAIN}.")
    except KeyboardInterrupt:
        sys.exit(f"{about.name}: interrupted; {AGAIN}.")


def build(about, candidates, options):
    """Make the folder options.out hold what the options ask for. Does nothing if it does."""
    out = options.out.expanduser()
    if local := getattr(options, "local", None):
        owned.apart(local, out)
    again = getattr(options, "again", False)
    lasting = {name: value for name, value in vars(options).items() if name not in PASSING}
    asked = {name: str(value) for name, value in sorted(lasting.items())}
    manifest = out / "manifest.csv"
    made = owned.recorded(out)
    whole = manifest.exists() and made.get("asked") == asked and not made.get("later")
    if whole and not again:
        print(f"{out} is complete; {card.use(about, out)}")
        return
    lock = out / owned.LOCK
    if lock.is_symlink() or not lock.is_file():  # not ours yet: before anything is put there
        owned.check(out, made)
    out.mkdir(parents=True, exist_ok=True)
    with owned.alone(out):
        made = owned.recorded(out)
        owned.check(out, made)
        downloads = out / owned.DOWNLOADS
        if again:
            many.forget(downloads)
        chosen, counts = choose(candidates(options, downloads), options)
        if not chosen["train"] or not chosen["test"]:
            raise DataError(f"no photographs are left of {counts['candidates']:,} candidates")
        jobs, rows = _planned(chosen, out, options.size)
        owned.check(out, made)  # fetching may have taken hours
        # From here on `out` changes. A kill leaves no manifest, and the next run goes on.
        content = [options.size] + [[row["file"], row["id"], row["source_sha256"]] for row in rows]
        now = {
            "asked": asked,
            "content": hashlib.sha256(json.dumps(content).encode()).hexdigest(),
            "files": [row["file"] for row in rows],
            "later": counts["later"],
        }
        if now != made:
            if now["content"] != made.get("content"):
                owned.clear(out, made)
            manifest.unlink(missing_ok=True)
            owned.record(out, now)
        _write(jobs, rows, out, options.size)
        write_whole(out / "CARD.md", card.card(about, options, rows, counts).encode())
        write_whole(manifest, card.table(rows).encode())
    print(f"{card.sentence(counts, options)}\n{card.missing(counts)}{card.use(about, out)}")


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
        failed = many.fetch_all([(p.fetch, p.path) for p in news if p.fetch])
        gone = sum(isinstance(error, Gone) for error in failed.values())
        counts += Counter({"candidates": len(news), "not to be had": len(failed)})
        counts += Counter({"gone": gone, "later": len(failed) - gone})
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


def _planned(chosen, out, size):
    """What is to be written, for `clean.write`, and the rows of the manifest so far."""
    jobs, rows = [], []
    for split in ("train", "test"):
        pairs = sorted(chosen[split], key=lambda pair: pair[0].id)
        suffixes = []
        for picture, row in pairs:
            suffix = picture.path.suffix.lower()
            kept = suffix in (".jpg", ".jpeg", ".png") and min(row["width"], row["height"]) <= size
            suffixes.append(suffix if kept else ".jpg")
        ids = [picture.id for picture, _ in pairs]
        for name, (picture, row) in zip(names.targets([*zip(ids, suffixes)]), pairs, strict=True):
            jobs.append((picture.path, out / split / name, size))
            facts = {"id": picture.id, "file": f"{split}/{name}", "url": picture.url}
            facts |= {"licence": picture.licence, "author": picture.author, "split": split}
            facts["source_sha256"] = row["seen"]["sha256"].decode()
            rows.append(facts | {"chroma": f"{row['seen']['chroma']:.2f}"})
    return jobs, rows


def _write(jobs, rows, out, size):
    """Write the photographs, and into the rows what came of them."""
    need(out, sum(min(source.stat().st_size, size * size * 2) for source, _, _ in jobs))
    for row, facts in zip(rows, clean.write(jobs), strict=True):
        row |= dict(zip(("width", "height", "bytes", "sha256"), facts, strict=True))
