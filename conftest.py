"""What pytest needs to know before it collects tests and notebooks."""

import os
from pathlib import Path

# Decoded photographs of a test run stay with the checkout, not in the user's cache.
os.environ.setdefault("COURSE_CACHE", str(Path(__file__).parent / "build" / "cache"))

try:  # TensorFlow and torch each bring LLVM; unless torch's comes first, the process aborts
    import torch._dynamo  # noqa: F401
except ModuleNotFoundError:
    pass


def pytest_collectstart(collector):
    """nbval compares stderr unless told not to; warnings of libraries are not a lesson's output."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)
