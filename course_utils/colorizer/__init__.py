"""The colorizer contract: one ONNX file from L to ab, and everything that is done with it.

`model` loads and uses such files and describes the contract, `saving` writes what they colored,
`export` makes them of a trained network, `graph` is the frame of ONNX around every network.
"""

from course_utils.colorizer.export import save_keras, save_torch
from course_utils.colorizer.model import METADATA, Colorizer, names
from course_utils.colorizer.saving import LABEL, label

BEST = "04_pretrained_fusion"  # of the shipped ones, the one whose pictures look best

__all__ = ["BEST", "LABEL", "METADATA", "Colorizer", "label", "names", "save_keras", "save_torch"]
