"""`python -m experiments [NAME] [--fresh]`: list the experiments, or run one."""

import argparse
import os
import sys

from experiments import pages, parallel
from experiments.runner import EXPERIMENTS, register_all, run


def main(argv: list[str] | None = None) -> int:
    """Run the command; return 0, or 2 with one sentence where it cannot run."""
    parser = argparse.ArgumentParser(prog="python -m experiments")
    parser.add_argument("name", nargs="?", help="lesson and experiment, for instance 02/targets")
    parser.add_argument("--fresh", action="store_true", help="start from nothing")
    arguments = parser.parse_args(argv)
    register_all()
    if arguments.name is None:
        for name, found in sorted(EXPERIMENTS.items()):
            print(f"{name:18} {(found.function.__doc__ or '').strip().splitlines()[0]}")
        return 0
    if arguments.name not in EXPERIMENTS:
        parser.error(
            f"There is no experiment {arguments.name!r}; there are "
            f"{', '.join(sorted(EXPERIMENTS))}."
        )
    os.environ["KERAS_BACKEND"] = EXPERIMENTS[arguments.name].backend  # Keras reads it once
    parallel.join()
    try:
        run(arguments.name, arguments.fresh)
        if parallel.first():
            pages.write()
    except (ValueError, FileNotFoundError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        print("Interrupted: the same command goes on from the last state.", file=sys.stderr)
        return 130
    finally:
        parallel.leave()
    return 0


if __name__ == "__main__":
    sys.exit(main())
