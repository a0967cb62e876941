"""deploy/studio when its processes are killed, and under load; `benchmarks.studio` runs it."""

import sys

import pytest

pytest.importorskip("fastapi", reason="needs the extra `studio`")

from benchmarks import studio

pytestmark = pytest.mark.stress


def test_twenty_kills_lose_no_upload_and_no_result_and_repeat_nothing():
    """A kill is SIGKILL to server or worker, at moments that the seed chooses."""
    found = studio.kills()
    assert found.server >= 5 and found.worker >= 5 and found.accepted > studio.KILLS
    for name in ("lost", "unfinished", "changed", "doubled", "partial"):
        assert getattr(found, name) == [], name


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of a process from /proc")
def test_a_hundred_people_at_once_are_served_in_bounded_memory():
    """If each of the server's 40 threads kept the 19 MB of a hash, it would pass the bound."""
    found = studio.load()
    assert found.served == found.people == 100
    assert found.most_mb < 600


def test_one_photograph_waits_for_few_of_somebody_with_a_hundred():
    """The one in work, and one that a worker may take while the upload gets its row."""
    found = studio.fairness()
    assert found.many == 100 and found.before <= 2
