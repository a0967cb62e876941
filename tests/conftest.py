"""Fixtures and nbval settings shared by all tests."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real photographs beside the checkout; COURSE_SHARED_DATA names another."""
    folder = Path(os.environ.get("COURSE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs real photographs in {folder.name}/ beside the checkout")
    return folder


def pytest_collectstart(collector):
    """nbval compares stderr unless told not to; warnings of libraries are not a lesson's output."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)
