"""A U-Net whose encoder is Lite0, for torch: what lessons 05 and 06 train on photographs."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_utils import course
from course_utils.networks import lite0

WIDTHS = (192, 128, 96, 64)  # of the decoder, from stride 16 to stride 2


class Unet(nn.Module):
    """From L / 100 (N, 1, H, W) to `out` channels at the stride `finest`; H and W divide by 32.

    The deepest maps and their mean over the picture, which says what the whole picture is about,
    are mixed by a 1x1 convolution. Each level is then enlarged, joined to the encoder's maps of
    its size (the skip connection), and convolved twice.
    out: channels, for instance 313 logits. finest: the stride of the result, 2, 4, 8 or 16.
    weights, seed: of the encoder, see `lite0.torch_encoder`.
    """

    def __init__(
        self, out: int, finest: int = 2, weights: str = "imagenet", seed: int = course.SEED
    ) -> None:
        super().__init__()
        self.encoder = lite0.torch_encoder(weights, seed)
        *skips, deep = lite0.MAPS.items()  # (stride, channels) each
        self.mix, before = _block(2 * deep[1], WIDTHS[0], 1), WIDTHS[0]
        levels: list[nn.Module] = []
        for (stride, channels), width in zip(reversed(skips), WIDTHS):
            if stride >= finest:
                first = _block(before + channels, width)
                levels.append(nn.Sequential(first, _block(width, width)))
                before = width
        self.levels = nn.ModuleList(levels)
        self.head = nn.Conv2d(before, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.encoder(x)
        return self.decode(maps, maps[-1].mean((2, 3)))

    def decode(self, maps: Sequence[Tensor], vector: Tensor) -> Tensor:
        """The encoder's five maps, and a vector (N, 320) about the whole picture, to the result."""
        *skips, deep = maps
        everywhere = vector[..., None, None].expand_as(deep)
        x = self.mix(torch.cat([deep, everywhere], 1))  # (N, 192, H/32, W/32)
        for level, skip in zip(self.levels, reversed(skips)):
            x = level(torch.cat([enlarge(x), skip], 1))
        return self.head(x)  # (N, out, H/finest, W/finest)


def _block(channels: int, filters: int, kernel: int = 3) -> nn.Sequential:
    conv = nn.Conv2d(channels, filters, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(filters, 1e-3), nn.ReLU())


def enlarge(x: Tensor, factor: int = 2) -> Tensor:
    """Maps (N, C, h, w), `factor` times as high and wide, interpolated."""
    return functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def groups(network: Unet, rate: float, encoder_rate: float) -> Sequence[dict[str, object]]:
    """Parameter groups for an optimizer: the encoder learns at its own rate."""
    inside = {id(p) for p in network.encoder.parameters()}
    rest = [p for p in network.parameters() if id(p) not in inside]
    return [
        {"params": list(network.encoder.parameters()), "lr": encoder_rate},
        {"params": rest, "lr": rate},
    ]
