"""What pytest needs to know before it collects tests and notebooks."""

import os
import sys
from contextlib import suppress
from importlib.abc import MetaPathFinder
from pathlib import Path

# Decoded photographs of a test run stay with the checkout, not in the user's cache.
os.environ.setdefault("COURSE_CACHE", str(Path(__file__).parent / "build" / "cache"))

# Files run side by side, one process for each core. Every process then takes one thread: torch is
# several times slower where threads of two processes share a core, and no slower alone.
for threads in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(threads, "1")


class TorchFirst(MetaPathFinder):
    """Import torch's compiler before TensorFlow, in a process that imports TensorFlow.

    Each brings its own LLVM. Unless torch's comes first, the process aborts when a later test
    imports torch's. Doing it here and not always spares five seconds where neither is needed.
    """

    def find_spec(self, name, path=None, target=None):
        """Find nothing; `sys.meta_path` asks here before it looks for a module."""
        if name == "tensorflow":
            sys.meta_path.remove(self)
            with suppress(ModuleNotFoundError):
                import torch._dynamo  # noqa: F401


sys.meta_path.insert(0, TorchFirst())


def pytest_collectstart(collector):
    """nbval compares stderr unless told not to; warnings of libraries are not a lesson's output."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)
