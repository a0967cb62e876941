"""Pretrained networks, as lessons use them.

`features` gives a whole network and prints which weights it has; `input_layer` is what a network
takes, as a Keras layer. `lite0` gives maps to train a decoder on, `unet` has one, and `small` holds
the course's own two.
"""

from course_utils.networks.applications import APPLICATIONS, input_layer
from course_utils.networks.features import Features, features

__all__ = ["APPLICATIONS", "Features", "features", "input_layer"]
