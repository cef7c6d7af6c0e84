"""Decoders g: what turns a point z of the latent space back into a spectrogram.

A decoder is the encoder reversed (Table 1): where the encoder pooled, a value is repeated over the window,
and the convolutions are transposed. The authors' released code instead puts each value back where the
encoder's pooling had found it. That would leak the input past z, so we do not offer it: without skip
connections, what comes out depends on z alone.

For separation the decoder is that of a U-Net. Here, as in the U-Nets that the study cites (Ronneberger et
al. 2015, Jansson et al. 2017), the map of each block of the encoder before its pooling is concatenated with
the unpooled map from below. The released code adds the map after its pooling to the map from below, then
unpools the sum by the encoder's indices.
"""

import torch
from torch import nn

from relatives.models.encoders import BINS, Block, block_channels


class Unpooling(nn.Module):
    """Each value repeated over its window, so that the map has the size it had before the pooling."""

    def __init__(self, frames: int, bins: int):
        super().__init__()
        self.size = (frames, bins)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(batch, channels, some frames, some bins) -> (batch, channels, frames, bins)."""
        return nn.functional.interpolate(maps, size=self.size, mode="nearest")


def joined(
    convolution: nn.ConvTranspose2d, maps: torch.Tensor, skip: torch.Tensor | None = None
) -> torch.Tensor:
    """Unpooling to twice the size, concatenation with a skipped map, and a transposed convolution, in one.

    Each value repeated over 2 × 2, then a transposed 3 × 3 convolution, are together one transposed 4 × 4
    convolution with a step of 2; its kernel is the 3 × 3 kernel convolved with 2 × 2 ones. A convolution of
    concatenated maps is the sum of a convolution of each. The identity is exact, only the last digits differ.
    For 8 excerpts with 4 + 4 channels at 128 × 512, torch 2.11 takes 10 ms instead of 20 ms on a core.

    Parameters
    ----------
    convolution : nn.ConvTranspose2d
        The transposed 3 × 3 convolution, of `below` and then `beside` incoming channels.
    maps : (batch, below, frames, bins)
        From the layer before.
    skip : (batch, beside, 2 frames, 2 bins), optional

    Returns
    -------
    (batch, outgoing, 2 frames, 2 bins)
    """
    weight, below = convolution.weight, maps.shape[1]
    # Zeros around the kernel: (…, 3, 3) -> (…, 5, 5), whose four (…, 4, 4) parts are the four shifts
    wide = nn.functional.pad(weight[:below], (1, 1, 1, 1))
    kernel = sum(wide[..., row : row + 4, column : column + 4] for row in (0, 1) for column in (0, 1))
    found = nn.functional.conv_transpose2d(maps, kernel, convolution.bias, stride=2, padding=1)
    return found if skip is None else found + nn.functional.conv_transpose2d(skip, weight[below:], padding=1)


class Decoder(nn.Module):
    """The encoder's layers reversed.

    Parameters
    ----------
    dimensions : int
        Of z.
    width, frames, channels
        As given to the `VGGEncoder` whose layers are reversed.
    skips : bool
        Whether each layer also sees the map of the encoder's block that it reverses, as in a U-Net: beside
        its own input, concatenated (released code: added, see the module).

    Attributes
    ----------
    joins : bool
        Whether unpooling and convolution are computed in one (`joined`) where the size doubles. False
        computes the layers one after the other.
    """

    joins = True

    def __init__(
        self,
        dimensions: int,
        width: int = 16,
        frames: int = 128,
        skips: bool = False,
        channels: list[int] | None = None,
    ):
        super().__init__()
        blocks = block_channels(width, frames, channels)
        sizes = [(frames >> block, BINS >> block) for block in range(len(blocks))]
        self.unpoolings = nn.ModuleList(Unpooling(*size) for size in reversed(sizes))
        # From below come z in the first layer, then the layer before; beside them, the skipped maps
        below = [dimensions, *reversed(blocks[:-1])]
        beside = list(reversed(blocks)) if skips else [0] * len(blocks)
        incoming = [first + second for first, second in zip(below, beside, strict=True)]
        self.blocks = nn.ModuleList(
            Block(before, after, transposed=True)
            for before, after in zip(incoming[:-1], reversed(blocks[:-1]), strict=True)
        )
        self.last = nn.ConvTranspose2d(incoming[-1], 1, 3, padding=1)

    def forward(self, z: torch.Tensor, skips: list[torch.Tensor] | None = None) -> torch.Tensor:
        """Decode.

        Parameters
        ----------
        z : (batch, dimensions)
        skips : list of (batch, channels, frames, bins)
            As the encoder filled it, if this decoder has skip connections.

        Returns
        -------
        (batch, frames, 512)
            Unbounded.
        """
        # (batch, dimensions) -> (batch, dimensions, 1, 1); the average pooling is undone by repeating as well
        maps = z[:, :, None, None]
        for number, (unpooling, layer) in enumerate(
            zip(self.unpoolings, [*self.blocks, self.last], strict=True)
        ):
            skip = None if skips is None else skips[-1 - number]
            doubles = unpooling.size == (2 * maps.shape[2], 2 * maps.shape[3])
            # The first layer unpools z, a map of 1 × 1; nothing is gained there
            if not (self.joins and doubles and number):
                maps = unpooling(maps)
                maps = layer(maps if skip is None else torch.cat([maps, skip], dim=1))
            elif layer is self.last:
                maps = joined(layer, maps, skip)
            else:
                maps = layer.activate(joined(layer.convolution, maps, skip))
        # (batch, 1, frames, bins) -> (batch, frames, bins)
        return maps[:, 0]


class MaskDecoder(Decoder):
    """A decoder whose output is a mask, for separation (eq. 7)."""

    def forward(self, z: torch.Tensor, skips: list[torch.Tensor] | None = None) -> torch.Tensor:
        """As `Decoder.forward`, every value between 0 and 1."""
        return torch.sigmoid(super().forward(z, skips).float())
