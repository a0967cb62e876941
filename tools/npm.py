"""Files of JavaScript packages that the course's pages load, fetched through npm once."""

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

PATIENCE = 300  # seconds that npm may take: with a network it needs ten


def vendor(folder: Path, packages: dict[str, str], files: list[str], what: str) -> Path:
    """`files` of npm's `packages` ({name: exact version}) in folder/vendor, fetched if missing.

    files: paths that begin with a package's name. What lies in folder/vendor already stays. Raises
    OSError with the remedy, which calls the asker `what`, where npm is missing or cannot fetch.
    """
    target, wanted = Path(folder) / "vendor", [f"{name}@{v}" for name, v in packages.items()]
    if all((target / file).is_file() for file in files):
        return target
    npm = shutil.which("npm")
    if npm is None:
        raise OSError(
            f"This needs {' and '.join(packages)}, which npm fetches once: install Node.js "
            f"(on Debian: sudo apt-get install npm), then call {what} again"
        )
    Path(folder).mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as temporary:
        options = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
        call = [npm, "install", "--prefix", temporary, *options, *wanted]
        try:
            failed = subprocess.run(call, capture_output=True, timeout=PATIENCE).returncode
        except subprocess.TimeoutExpired:
            failed = True
        if failed:
            raise OSError(
                f"npm could not fetch {' and '.join(wanted)}: connect to the network and call "
                f"{what} again; it needs the network only once"
            )
        for file in files:  # nothing is there before npm has fetched all
            kept = target / file
            kept.parent.mkdir(parents=True, exist_ok=True)
            os.replace(Path(temporary) / "node_modules" / file, kept)
    return target
