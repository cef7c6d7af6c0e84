"""Layers for a network whose training is over: they give the same as those it was trained with, in less time.

`speed_up` puts them in. The identities are exact; only the last digits differ, as sums are taken in another
order. Times in the docstrings are of torch 2.11 on one core of a CPU, for the maps of 8 excerpts at width 4.
"""

import torch
from torch import nn

from relatives.models.decoders import Decoder, MaskDecoder
from relatives.models.encoders import Block, VGGEncoder


class FoldedBlock(nn.Module):
    """A `Block` whose normalisation is folded into its convolution; its ReLU writes over its input."""

    def __init__(self, block: Block):
        super().__init__()
        self.convolution = block.convolution

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(batch, incoming, frames, bins) -> (batch, outgoing, frames, bins)."""
        return torch.relu_(self.convolution(maps))


class MaxPooling(nn.Module):
    """The maximum of each 2 × 2 window, as `nn.MaxPool2d(2)`.

    That one also looks for the place of each maximum: 4.5 ms for 4 × 128 × 512, against 0.7 ms here.
    """

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(batch, channels, frames, bins) -> (batch, channels, frames // 2, bins // 2)."""
        frames, bins = (size // 2 * 2 for size in maps.shape[2:])
        rows = torch.maximum(maps[:, :, 0:frames:2], maps[:, :, 1:frames:2])
        return torch.maximum(rows[..., 0:bins:2], rows[..., 1:bins:2])


class JoinedLayer(nn.Module):
    """Unpooling to twice the size, concatenation with a skipped map, and a transposed convolution, in one.

    Each value repeated over 2 × 2, then a transposed 3 × 3 convolution, are together one transposed 4 × 4
    convolution with a step of 2; its kernel is the 3 × 3 kernel convolved with 2 × 2 ones. A convolution of
    concatenated maps is the sum of a convolution of each. For 4 and 4 channels at 128 × 512: 10 ms instead of
    20 ms.

    Parameters
    ----------
    convolution : nn.ConvTranspose2d
        The transposed 3 × 3 convolution.
    below : int
        How many of its input channels come from the layer before; the others are those of the skipped map.
    """

    def __init__(self, convolution: nn.ConvTranspose2d, below: int):
        super().__init__()
        outgoing, beside = convolution.out_channels, convolution.in_channels - below
        weight = convolution.weight.detach()
        self.below = nn.ConvTranspose2d(below, outgoing, 4, stride=2, padding=1)
        # Zeros around the kernel: (…, 3, 3) -> (…, 5, 5), whose four (…, 4, 4) parts are the four shifts
        wide = nn.functional.pad(weight[:below], (1, 1, 1, 1))
        kernel = sum(wide[..., row : row + 4, column : column + 4] for row in (0, 1) for column in (0, 1))
        self.below.weight = nn.Parameter(kernel)
        self.below.bias = convolution.bias
        self.beside = None
        if beside:
            self.beside = nn.ConvTranspose2d(beside, outgoing, 3, padding=1, bias=False)
            self.beside.weight = nn.Parameter(weight[below:].clone())

    def forward(self, maps: torch.Tensor, skip: torch.Tensor | None) -> torch.Tensor:
        """(batch, below, frames, bins), (batch, beside, 2 frames, 2 bins) -> (batch, …, 2 frames, 2 bins)."""
        found = self.below(maps)
        return found if self.beside is None else found.add_(self.beside(skip))


class SeparateLayer(nn.Module):
    """The same three steps one after the other, for an unpooling that does not just double the size."""

    def __init__(self, unpooling: nn.Module, convolution: nn.ConvTranspose2d):
        super().__init__()
        self.unpooling = unpooling
        self.convolution = convolution

    def forward(self, maps: torch.Tensor, skip: torch.Tensor | None) -> torch.Tensor:
        """As `JoinedLayer.forward`."""
        maps = self.unpooling(maps)
        return self.convolution(maps if skip is None else torch.cat([maps, skip], dim=1))


class JoinedDecoder(nn.Module):
    """A `Decoder` whose normalisations are folded away, with its layers joined where they can be.

    Parameters
    ----------
    decoder : Decoder
        Each of its blocks is a convolution and ReLU alone.
    """

    def __init__(self, decoder: Decoder):
        super().__init__()
        convolutions = [*(block.convolution for block in decoder.blocks), decoder.last]
        self.layers = nn.ModuleList()
        size, below = (1, 1), None
        for unpooling, convolution in zip(decoder.unpoolings, convolutions, strict=True):
            doubled = unpooling.size == (2 * size[0], 2 * size[1])
            # The first layer unpools z, a map of 1 × 1; nothing is gained there
            joined = doubled and below is not None
            self.layers.append(
                JoinedLayer(convolution, below) if joined else SeparateLayer(unpooling, convolution)
            )
            size, below = unpooling.size, convolution.out_channels
        self.is_mask = isinstance(decoder, MaskDecoder)

    def forward(self, z: torch.Tensor, skips: list[torch.Tensor] | None = None) -> torch.Tensor:
        """As `Decoder.forward`, or as `MaskDecoder.forward` where this was one."""
        # (batch, dimensions) -> (batch, dimensions, 1, 1)
        maps = z[:, :, None, None]
        for number, layer in enumerate(self.layers):
            maps = layer(maps, None if skips is None else skips[-1 - number])
            if number < len(self.layers) - 1:
                maps = torch.relu_(maps)
        # (batch, 1, frames, bins) -> (batch, frames, bins)
        return torch.sigmoid(maps[:, 0].float()) if self.is_mask else maps[:, 0]


def speed_up(network: nn.Module) -> None:
    """Put the faster layers into a network, in place of those it was trained with.

    Parameters
    ----------
    network : nn.Module
        A `networks.Network` with all of its normalisations of maps folded into the convolutions.
    """
    for parent in list(network.modules()):
        if isinstance(parent, VGGEncoder):
            parent.pooling = MaxPooling()
            parent.blocks = nn.ModuleList(map(FoldedBlock, parent.blocks))
        for name, child in list(parent.named_children()):
            if isinstance(child, Decoder):
                setattr(parent, name, JoinedDecoder(child))
