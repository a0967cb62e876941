"""Name everything that was measured on what is no longer there: `make stale`.

Results: made with another configuration, other code, other photographs, or on a model file that is
no longer shipped. Pages (README, claims, cards): not what their results give. Lessons: built with
another source, another result or another model. Results from before these rules stand in
`provisional.txt`; nobody can vouch for them, and a name that is made again must leave the list.
"""

import json
import sys
from pathlib import Path
from typing import Any

from course_utils import files
from experiments import identity, pages
from experiments.data import shared
from experiments.runner import EXPERIMENTS, Experiment, register_all
from tools.lessons import stale_lessons

PROVISIONAL = Path(__file__).with_name("provisional.txt")


def provisional() -> list[str]:
    """The names of the results that carry no identity yet."""
    lines = PROVISIONAL.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def stored() -> list[str]:
    """The names of all stored results: "02/targets"."""
    found = sorted(files.RESULTS.glob("[0-9][0-9]/*.json"))
    return [path.relative_to(files.RESULTS).with_suffix("").as_posix() for path in found]


def stale_results() -> list[str]:
    """One sentence for each result that does not hold any more."""
    register_all()
    excused, found = provisional(), []
    for name in stored():
        result = json.loads((files.RESULTS / f"{name}.json").read_text(encoding="utf-8"))
        if "identity" not in result:
            if name not in excused:
                found.append(f"{name} carries no identity and is not in {PROVISIONAL.name}.")
        elif name in excused:
            found.append(f"{name} was made again: take it out of {PROVISIONAL.name}.")
        elif name not in EXPERIMENTS:
            found.append(f"{name} is made by no experiment any more: delete it.")
        else:
            found += changes(EXPERIMENTS[name], result["identity"])
    return found + [
        f"{name} is in {PROVISIONAL.name}, and no such result is stored."
        for name in excused
        if name not in stored()
    ]


def changes(experiment: Experiment, kept: dict[str, Any]) -> list[str]:
    """What has changed since a result of this experiment was made, a sentence for each."""
    name, found = experiment.name, []
    if kept["config"] != json.loads(json.dumps(identity.config(experiment.function))):
        found.append(f"{name} was made with another configuration.")
    if kept["code"] != identity.code(experiment.function):
        found.append(f"{name} was made by other code.")
    for folder in experiment.photographs:
        try:
            now = identity.manifests([shared(folder)])[folder]
        except FileNotFoundError:
            continue  # where the photographs are not, nobody can tell
        if kept["data"].get(folder) != now:
            found.append(f"{name} was measured on other photographs of {folder}.")
    for model, digest in identity.models(experiment.models).items():
        if kept["models"].get(model) != digest:
            found.append(f"{name} was measured on another file of {model}.")
    return found


def stale_pages() -> list[str]:
    """One sentence for each page that is not what its results give."""
    return [
        f"{path.relative_to(pages.ROOT).as_posix()} is not what its results give: "
        "`python -m experiments.pages` writes it."
        for path in pages.outdated()
    ]


def main() -> int:
    """Print what is stale; return 1 if anything is."""
    found = [*stale_results(), *stale_pages(), *stale_lessons(pages.ROOT)]
    print("\n".join(found) or "nothing is stale")
    print(f"{len(provisional())} results are provisional")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
