"""Colorize an archive.

    python -m deploy.batch ARCHIVE -o OUT                            all cores of this machine
    python -m deploy.batch ARCHIVE -o OUT --scheduler tcp://host:8786   a cluster's

A cluster's workers need this repository and see ARCHIVE and OUT under the same paths.
"""

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import Any

from course_utils.colorizer import BEST, Colorizer, batch
from deploy.batch import archive


def main(argv: list[str] | None = None) -> int:
    """Run the command; return 0 if all went well, 1 if a photograph failed, 2 for wrong usage."""
    from distributed import Client, LocalCluster

    parser = argparse.ArgumentParser(prog="python -m deploy.batch", description=__doc__)
    parser.add_argument("source", metavar="ARCHIVE", type=Path, help="a folder of photographs")
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True)
    parser.add_argument("--model", default=BEST, help="default: %(default)s")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="default: %(default)s")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a running cluster")
    arguments = parser.parse_args(argv)
    if not arguments.source.is_dir():
        parser.error(f"{arguments.source} is no folder: name the folder of the archive.")
    try:
        path = Colorizer.load(arguments.model).path
    except (OSError, ValueError) as error:
        parser.error(str(error))
    model = arguments.model if path.stem == arguments.model else str(path.resolve())
    if arguments.scheduler:
        cluster, client = None, Client(arguments.scheduler)
    else:
        quiet: Any = {"dashboard_address": None, "silence_logs": logging.CRITICAL}
        cluster = LocalCluster(n_workers=arguments.workers, threads_per_worker=1, **quiet)
        client = Client(cluster)
    try:
        ledger = archive.run(client, arguments.source, arguments.output, model)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: run the same command again, it goes on from here.", file=sys.stderr)
        return 130
    finally:
        client.close()
        if cluster:
            cluster.close()
    counts = ledger.counts()
    ways = (batch.DONE, batch.THERE, batch.OURS, batch.FAILED)
    print(", ".join(f"{counts[way]} {way}" for way in ways if counts[way]))
    return 1 if counts[batch.FAILED] else 0


if __name__ == "__main__":
    sys.exit(main())
