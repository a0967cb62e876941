"""The small package that every lesson of Color from Gray imports.

Importing it, or any of its modules, imports no deep-learning framework: TensorFlow, torch and
their like are imported inside the functions that need them.
"""


def __getattr__(name: str) -> str:
    """`__version__`, looked up when it is asked for: a Ctrl-C meanwhile would be a traceback."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("color-from-gray")
