"""The small package that every lesson of Color from Gray imports.

Importing it, or any of its modules, imports no deep-learning framework: TensorFlow, torch and
their like are imported inside the functions that need them.
"""

from importlib.metadata import version

__version__ = version("color-from-gray")
