"""Pretrained networks, as lessons use them.

`features` gives a whole network, `vgg_blocks` the first layers of one, `input_layer` what a network
takes as a Keras layer; each prints which weights it has. `small` holds the course's own two.
"""

from course_utils.networks.applications import APPLICATIONS, input_layer
from course_utils.networks.features import Features, features
from course_utils.networks.vgg import vgg_blocks

__all__ = ["APPLICATIONS", "Features", "features", "input_layer", "vgg_blocks"]
