"""`python -m benchmarks` runs and writes its page; the ratios say what they should."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def bench():
    """The module, without what it sets for its own process."""
    before = dict(os.environ)
    from benchmarks import __main__ as bench

    os.environ.clear()
    os.environ.update(before)
    return bench


def test_a_ratio_is_ours_divided_by_the_peer(bench):
    def work(n):
        return lambda: sum(range(n))

    rows = list(bench.beside("adding", 5, work(400_000), {"half": (work(200_000), 1.0)}, per=2))
    assert len(rows) == 1 and 1.5 < rows[0].ratio < 2.7  # twice the work
    assert rows[0].peer.endswith(" ms (half)")
    table = bench.table([*rows, rows[0]._replace(goal=None), rows[0]._replace(goal=99.0)])
    last = [line.split("|")[-2].strip() for line in table.splitlines()[2:]]
    assert last == ["**missed**", "", "met"]


def test_the_network_of_2016_has_the_size_that_its_paper_gives(bench):
    network = bench.eccv16()
    weights = sum(p.numel() for p in network.parameters())
    assert 30e6 < weights < 35e6  # 32.2 million are stated
    assert network(bench.torch.zeros(1, 1, 64, 64)).shape == (1, 313, 16, 16)


def test_everything_is_measured_in_small(tmp_path):
    page = tmp_path / "performance.md"
    command = [sys.executable, "-m", "benchmarks", "--small", "-o", str(page)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=400)
    rows = [line for line in page.read_text("utf-8").splitlines() if line.startswith("| ")][2:]
    assert len(rows) >= 30
    for row in rows:
        work, ours, peer, ratio, *_ = row.strip("|").split("|")
        assert re.match(r"[0-9.e+-]+ (ms|s|bytes)", ours.strip()), row
        assert float(ratio) > 0, row
    for word in (
        "OpenCV",
        "scikit-image",
        "`bins.encode`",
        "scene",
        "colorize",
        "--jobs",
        "memory",
    ):
        assert word in page.read_text("utf-8")
    assert len({row.split("|")[1] for row in rows if "photos.load" in row}) == 3
