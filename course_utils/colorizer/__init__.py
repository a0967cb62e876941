"""The colorizer contract: one ONNX file from L to ab, and everything that is done with it.

`model` loads and uses such files, `export` makes them of a trained network, `graph` is the frame of
ONNX around every network. `model` describes the contract.
"""

from course_utils.colorizer.export import save_keras, save_torch
from course_utils.colorizer.model import LABEL, METADATA, Colorizer, label, names

__all__ = ["LABEL", "METADATA", "Colorizer", "label", "names", "save_keras", "save_torch"]
