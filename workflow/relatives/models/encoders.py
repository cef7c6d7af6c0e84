"""Encoders f: what turns an excerpt into a point z of the latent space.

`VGGEncoder` is the study's network (Table 1): blocks of Conv 3×3, BatchNorm, ReLU and MaxPool 2×2, then
global average pooling. The rows of the table do not chain: between 32×32×128 and 64×16×64 a halving is
missing, and its six blocks would end at 2×8. As in the authors' released code, blocks follow until the map is
one frame wide, and the channels double up to sixteen times the first block's: 16 32 64 128 256 256 256 for
128 frames, which does end at the table's 256×1×4. Held against the table's own rows, one block is added and
two are wider (128×16×64 and 256×8×32, where the table has 64×16×64 and 128×8×32). 16 32 64 64 128 256 256
keeps the table's widths and adds one block of 64: a setting (`channels`).

`MFCCEncoder` is the study's baseline (section 4.2), statistics of the MFCC without anything to learn.
"""

import math

import torch
from torch import nn

from relatives.errors import InputError

BINS = (
    512  # of the STFT's 513: seven halvings need an even number, and the highest bin (Nyquist) is the least
)
GROWTH = 16  # channels of the widest block, in multiples of the first block's


def block_channels(width: int, frames: int, channels: list[int] | None = None) -> list[int]:
    """Channels of each block of an encoder.

    Parameters
    ----------
    width : int
        Channels of the first block; 16 in the study.
    frames : int
        Frames of the input. There is a block for every time they can be halved.
    channels : list of int, optional
        The channels of every block instead, whatever the width.

    Raises
    ------
    InputError
        If there are too few frames for a block or too many for the 512 bins, or if `channels` names another
        number of blocks.

    Examples
    --------
    >>> block_channels(16, 128)
    [16, 32, 64, 128, 256, 256, 256]
    """
    blocks = int(math.log2(frames)) if frames > 0 else 0
    if not 0 < blocks <= math.log2(BINS):
        raise InputError(
            f"frames is {frames}; a network can take 2 to {2 * BINS - 1}, and the study takes 128"
        )
    if channels is None:
        return [width * min(2**block, GROWTH) for block in range(blocks)]
    if len(channels) != blocks:
        raise InputError(
            f"channels (training.channels) names {len(channels)} blocks; {frames} frames make {blocks}"
        )
    return list(channels)


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation of maps, without the slow path that torch 2.11 takes for few channels.

    With the channels innermost, the CPU's kernel runs over the channels: for fewer than eight of them in
    float32, as at width 4, training took sixteen times as long as with the planes innermost.
    """

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(batch, channels, frames, bins), normalised."""
        if self.num_features < 8 and self.training and maps.dtype == torch.float32 and not maps.is_cuda:
            return super().forward(maps.contiguous()).contiguous(memory_format=torch.channels_last)
        return super().forward(maps)


class Block(nn.Module):
    """A 3×3 convolution, or its transpose, with batch normalisation and ReLU; the size of the map stays."""

    def __init__(self, incoming: int, outgoing: int, transposed: bool = False):
        super().__init__()
        convolution = nn.ConvTranspose2d if transposed else nn.Conv2d
        # No bias: the normalisation would take it away again
        self.convolution = convolution(incoming, outgoing, 3, padding=1, bias=False)
        self.normalisation = BatchNorm(outgoing)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(batch, incoming, frames, bins) -> (batch, outgoing, frames, bins)."""
        return self.activate(self.convolution(maps))

    def activate(self, maps: torch.Tensor) -> torch.Tensor:
        """Batch normalisation and ReLU of what the convolution gives; any shape of maps."""
        return torch.relu_(self.normalisation(maps))


class GlobalAveragePooling(nn.Module):
    """The mean of each channel's map."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(batch, channels, frames, bins) -> (batch, channels)."""
        return maps.mean(dim=(2, 3))


class VGGEncoder(nn.Module):
    """The study's convolutional encoder.

    Parameters
    ----------
    width : int
        Channels of the first block; 16 in the study.
    frames : int
        Frames of the input: 128 in the study's text, 173 (all of the 2 s) in its released code.
    fully_connected : bool
        The released code's further layer (fully connected, BatchNorm, ReLU, dropout 0.5) between the pooled
        vector and z. The text is unclear: section 2.3 speaks of fully connected layers with BatchNorm, Table
        1 shows none before z.
    channels : list of int, optional
        Of every block, instead of `width`; see `block_channels`.

    Attributes
    ----------
    dimensions : int
        Of z; 256 in the study.
    """

    def __init__(
        self,
        width: int = 16,
        frames: int = 128,
        fully_connected: bool = False,
        channels: list[int] | None = None,
    ):
        super().__init__()
        outgoing = block_channels(width, frames, channels)
        self.dimensions = outgoing[-1]
        self.blocks = nn.ModuleList(
            Block(before, after) for before, after in zip([1, *outgoing], outgoing, strict=False)
        )
        self.pooling = nn.MaxPool2d(2)
        self.average = GlobalAveragePooling()
        self.fully_connected = nn.Identity()
        if fully_connected:
            self.fully_connected = nn.Sequential(
                nn.Linear(self.dimensions, self.dimensions, bias=False),
                nn.BatchNorm1d(self.dimensions),
                nn.ReLU(),
                nn.Dropout(0.5),
            )

    def forward(self, spectra: torch.Tensor, skips: list[torch.Tensor] | None = None) -> torch.Tensor:
        """Encode standardised dB spectrograms.

        Parameters
        ----------
        spectra : (batch, frames, 512)
        skips : list, optional
            Receives the map of each block before its pooling, for a decoder with skip connections.

        Returns
        -------
        (batch, dimensions)
        """
        # (batch, frames, bins) -> (batch, 1, frames, bins)
        maps = spectra[:, None]
        for block in self.blocks:
            maps = block(maps)
            if skips is not None:
                skips.append(maps)
            maps = self.pooling(maps)
        return self.fully_connected(self.average(maps))


class MFCCEncoder(nn.Module):
    """The statistics of the MFCC as they are: z is what `features.mfcc.statistics` gives."""

    dimensions = 144

    def forward(self, statistics: torch.Tensor) -> torch.Tensor:
        """(batch, 144) -> (batch, 144)."""
        return statistics
