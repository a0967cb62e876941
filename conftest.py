"""What pytest needs to know before it collects tests and notebooks."""

try:  # TensorFlow and torch each bring LLVM; unless torch's comes first, the process aborts
    import torch._dynamo  # noqa: F401
except ModuleNotFoundError:
    pass


def pytest_collectstart(collector):
    """nbval compares stderr unless told not to; warnings of libraries are not a lesson's output."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)
