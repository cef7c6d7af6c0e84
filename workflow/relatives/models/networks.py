"""A network is an encoder f and the head of one task: g, which decodes z, or h, a linear layer for classes.

Everything a network needs beside audio is in its settings and its weights, the scaler included, so a
checkpoint can be used anywhere. The settings of a network:

``task``, ``encoder``
    AE, AT, IR, VS, or `UNTRAINED`, which has an encoder and no head; VGG or MFCC.
``width``, ``frames``, ``fully_connected``, ``channels``
    Of the VGG encoder, see `encoders.VGGEncoder`, and of the decoder.
``top_db``
    How far below the excerpt's loudest cell its levels are clipped, in dB (`spectrogram.clip`), or None.
``samples``, ``sample_rate``
    Length in samples of the excerpts, and their rate in Hz.
``labels``
    The names of the classes of AT or IR, in their order; empty for the others.

Checkpoints older than ``channels`` and ``top_db`` lack these two, which is as good as None.

The STFT has 513 bins, the networks see the lower 512 (Table 1).
"""

import copy
import os
import pickle

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from relatives import seeds
from relatives.errors import InputError
from relatives.features import mfcc, spectrogram
from relatives.features.cache import Cache
from relatives.inputs import OF_THE_CONTENT, check_file
from relatives.models import UNTRAINED, inference
from relatives.models.decoders import Decoder, MaskDecoder, Unpooling
from relatives.models.encoders import BINS, Block, GlobalAveragePooling, MFCCEncoder, VGGEncoder

ENCODERS = ("VGG", "MFCC")

FRONT_END = ("encoder", "samples", "sample_rate", "frames", "top_db")
"""The settings by which a network computes from audio what its encoder sees."""


class Network(nn.Module):
    """An encoder and the head of a task; `build` makes one with weights drawn from a seed.

    Parameters
    ----------
    settings : dict
        See the module.
    mean, deviation : (513,) float32
        The training set's, of each bin in dB.

    Attributes
    ----------
    settings : dict
    encoder : VGGEncoder or MFCCEncoder
    head : nn.Module
        From z to the output. The MFCC statistics differ by orders of magnitude, so each is first brought to
        mean 0 and deviation 1 for the head; the latent space itself stays as it is.

    Raises
    ------
    InputError
        If a setting is not one of those possible.
    """

    def __init__(self, settings: dict, mean: np.ndarray, deviation: np.ndarray):
        super().__init__()
        self.settings = dict(settings)
        task, width, frames = settings["task"], settings["width"], settings["frames"]
        channels = settings.get("channels")
        self.top_db = settings.get("top_db")
        available = 1 + settings["samples"] // spectrogram.HOP
        if available < frames:
            raise InputError(
                f"frames is {frames}, but an excerpt has only {available}: make the excerpts longer"
            )
        if settings["encoder"] == "VGG":
            self.encoder = VGGEncoder(width, frames, settings["fully_connected"], channels)
        elif settings["encoder"] == "MFCC":
            self.encoder = MFCCEncoder()
        else:
            raise InputError(f"encoder is {settings['encoder']!r}; it can be {' or '.join(ENCODERS)}")
        self.has_skips = task == "VS" and settings["encoder"] == "VGG"

        if task == "AE":
            head = Decoder(self.encoder.dimensions, width, frames, channels=channels)
        elif task == "VS":
            head = MaskDecoder(self.encoder.dimensions, width, frames, self.has_skips, channels)
        elif task in ("AT", "IR"):
            head = nn.Linear(self.encoder.dimensions, len(settings["labels"]))
        elif task == UNTRAINED:
            head = nn.Identity()
        else:
            raise InputError(f"task is {task!r}; it can be AE, AT, IR, VS or {UNTRAINED}")
        if settings["encoder"] == "MFCC":
            head = nn.Sequential(nn.BatchNorm1d(self.encoder.dimensions, affine=False), head)
        self.head = head

        self.register_buffer("mean", torch.as_tensor(mean).clone())
        self.register_buffer("deviation", torch.as_tensor(deviation).clone())
        self.to(memory_format=torch.channels_last)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.mean.device

    @property
    def first_frame(self) -> int:
        """The first of the frames that the VGG encoder sees, in the middle of the excerpt's."""
        return (1 + self.settings["samples"] // spectrogram.HOP - self.settings["frames"]) // 2

    def middle(self, spectra: torch.Tensor) -> torch.Tensor:
        """The middle frames: (batch, an excerpt's frames, bins) -> (batch, frames, bins)."""
        return spectra[:, self.first_frame : self.first_frame + self.settings["frames"]]

    def clipped_middle(self, levels: torch.Tensor) -> torch.Tensor:
        """The middle frames of excerpts in dB, clipped below each excerpt's loudest cell.

        The loudest cell is that of all frames of the excerpt, not of the middle ones alone.

        Parameters
        ----------
        levels : (batch, an excerpt's frames, bins)

        Returns
        -------
        (batch, frames, bins)
        """
        return self.middle(spectrogram.clip(levels, self.top_db))

    def standardise(self, spectra: torch.Tensor) -> torch.Tensor:
        """Clipped decibels to deviations from the training set's mean: (…, 513) -> (…, 512) float32."""
        return (spectra[..., :BINS] - self.mean[:BINS]) / self.deviation[:BINS]

    def inputs(self, audio: np.ndarray) -> torch.Tensor:
        """What the encoder sees of excerpts.

        Parameters
        ----------
        audio : (batch, samples) float32

        Returns
        -------
        (batch, frames, 513) dB for VGG, of the excerpts' middle; (batch, 144) for MFCC, of all of it
        """
        if not isinstance(self.encoder, MFCCEncoder):
            return self.spectra(audio)
        statistics = mfcc.statistics(mfcc.sequences(audio, self.settings["sample_rate"]))
        return torch.from_numpy(statistics).to(self.device)

    def spectra(self, audio: np.ndarray) -> torch.Tensor:
        """The middle frames of excerpts in dB: (batch, samples) float32 -> (batch, frames, 513)."""
        if audio.shape[1] != self.settings["samples"]:
            raise InputError(
                f"the network takes excerpts of {self.settings['samples']} samples; got {audio.shape[1]}"
            )
        spectrum = spectrogram.stft(torch.from_numpy(audio).to(self.device))
        return self.clipped_middle(spectrogram.decibel(spectrum))

    def cached_inputs(self, cache: Cache, rows: np.ndarray, firsts: np.ndarray) -> torch.Tensor:
        """As `inputs`, of crops as long as an excerpt, out of the cache.

        Parameters
        ----------
        cache : Cache
        rows, firsts : (batch,) int
            The tracks, and the crops' first samples, multiples of 512.

        Returns
        -------
        On the CPU; float16 for VGG
        """
        if isinstance(self.encoder, MFCCEncoder):
            frames = 1 + self.settings["samples"] // mfcc.HOP
            mel = [cache.mel(row, first // mfcc.HOP, frames) for row, first in zip(rows, firsts, strict=True)]
            return torch.from_numpy(mfcc.statistics(mfcc.from_mel_db(np.stack(mel))))
        return self.cached_spectra(cache, rows, firsts)

    def cached_spectra(self, cache: Cache, rows: np.ndarray, firsts: np.ndarray) -> torch.Tensor:
        """As `spectra`, of crops out of the cache, on the CPU and in float16."""
        frames = 1 + self.settings["samples"] // spectrogram.HOP
        crops = [
            cache.stft(row, first // spectrogram.HOP, frames) for row, first in zip(rows, firsts, strict=True)
        ]
        return self.clipped_middle(torch.from_numpy(np.stack(crops)))

    def encode(self, inputs: torch.Tensor) -> torch.Tensor:
        """Points of the latent space: what `inputs` gives -> (batch, dimensions)."""
        return self.encoder(self._prepared(inputs))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """The output for what `inputs` gives.

        Returns
        -------
        AE: (batch, frames, 512), the standardised spectrogram. AT, IR: (batch, labels) logits. VS: (batch,
        frames, 512), the mask of the vocals, 0 to 1. All float32.
        """
        if self.has_skips:
            skips = []
            z = self.encoder(self._prepared(inputs), skips)
            return self.head(z, skips)
        return self.head(self.encode(inputs)).float()

    def _prepared(self, inputs: torch.Tensor) -> torch.Tensor:
        """The dB spectrograms standardised; the MFCC statistics as they are."""
        return inputs if isinstance(self.encoder, MFCCEncoder) else self.standardise(inputs)

    def decode(self, z: torch.Tensor, inputs: torch.Tensor | None = None) -> torch.Tensor:
        """The output for points of the latent space, as `forward` gives it.

        Parameters
        ----------
        z : (batch, dimensions)
        inputs
            What `inputs` gives, for a network with skip connections: these carry the maps of the inputs past
            z, whatever z is. Other networks need none.
        """
        if not self.has_skips:
            return self.head(z).float()
        skips = []
        self.encoder(self._prepared(inputs), skips)
        return self.head(z, skips)


def build(settings: dict, mean: np.ndarray, deviation: np.ndarray, seed: int, trial: int) -> Network:
    """A network as it is before training, its weights drawn for its task, encoder and trial.

    Parameters
    ----------
    settings, mean, deviation
        As `Network`.
    seed, trial : int
        The configured seed, and which of the trials this is.
    """
    draw = seeds.sequence(seed, "network", settings["task"], settings["encoder"], trial)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(draw.generate_state(1)[0]))
        return Network(settings, mean, deviation)


def for_inference(network: Network) -> Network:
    """A copy for use after training, which gives the same with less work.

    Every BatchNorm is folded into the convolution before it: on a CPU, that halves the time of an embedding.
    Pooling is that of `inference`.
    """
    network = copy.deepcopy(network).eval()
    for block in [module for module in network.modules() if isinstance(module, Block)]:
        transposed = isinstance(block.convolution, nn.ConvTranspose2d)
        block.convolution = fuse_conv_bn_eval(block.convolution, block.normalisation, transposed)
        block.normalisation = nn.Identity()
    inference.speed_up(network)
    return network.requires_grad_(False).to(memory_format=torch.channels_last)


def load(path: str | os.PathLike, device: str = "auto") -> Network:
    """The trained network of a checkpoint, ready for inference.

    Parameters
    ----------
    path
        ``checkpoint.pt`` as `training.train` writes it.
    device : {"auto", "cpu", "cuda"}
        "auto" takes CUDA where there is one.

    Raises
    ------
    InputError
        If there is no such file or it is no checkpoint.
    """
    if not os.path.exists(path):
        raise InputError(f"{path}: there is no such checkpoint; train the network first")
    check_file(path)
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        weights = checkpoint["weights"]
        network = Network(checkpoint["network"], weights["mean"], weights["deviation"])
        network.load_state_dict(weights)
    except pickle.UnpicklingError as error:  # torch's words would have one run it
        raise InputError(f"{path} is no checkpoint of this pipeline: it holds more than weights") from error
    except (*OF_THE_CONTENT, RuntimeError, OSError) as error:
        raise InputError(f"{path} is no checkpoint of this pipeline, or a damaged one: {error}") from error
    return for_inference(network.to(resolve(device)))


def resolve(device: str) -> torch.device:
    """The device of a setting: "auto" is CUDA where there is one, else the CPU.

    Raises
    ------
    InputError
        If CUDA is asked for and there is none.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise InputError(f"device is {device!r}, but torch finds no CUDA here; set it to auto or cpu")
    return torch.device(device)


def trace(network: Network) -> pd.DataFrame:
    """The layers in the order in which data pass them, and what they give: Table 1.

    They are those of the network in training, one by one, also where some are computed in one.

    Returns
    -------
    DataFrame
        ``part`` (encoder or head), ``layer``, ``output_shape`` (without the batch: "16×128×512").
    """
    names = {
        Block: "Conv 3×3, BN, ReLU",
        nn.MaxPool2d: "MaxPooling 2×2",
        GlobalAveragePooling: "GlobalAveragePooling",
        MFCCEncoder: "MFCC statistics",
        nn.BatchNorm1d: "BN",
        nn.ReLU: "ReLU",
        nn.Dropout: "Dropout",
        nn.Linear: "FC",
        Unpooling: "Unpooling 2×2",
        nn.ConvTranspose2d: "Transposed conv 3×3",
    }
    rows = []

    def follow(part: str, module: nn.Module, name: str) -> None:
        def note(module, inputs, output):
            rows.append((part, name, "×".join(map(str, output.shape[1:]))))

        module.register_forward_hook(note)

    network = Network(network.settings, network.mean.cpu(), network.deviation.cpu()).eval()
    for module in network.modules():
        if isinstance(module, Decoder):
            module.joins = False
    for part in ("encoder", "head"):
        waiting = [getattr(network, part)]
        while waiting:
            module = waiting.pop()
            if type(module) in names:
                name = names[type(module)]
                if isinstance(module, Block) and isinstance(module.convolution, nn.ConvTranspose2d):
                    name = "Transposed conv 3×3, BN, ReLU"
                follow(part, module, name)
            else:
                waiting.extend(module.children())
    with torch.inference_mode():
        network(network.inputs(np.zeros((1, network.settings["samples"]), dtype=np.float32)))
    shape = "144" if isinstance(network.encoder, MFCCEncoder) else f"1×{network.settings['frames']}×{BINS}"
    return pd.DataFrame([("encoder", "Input", shape), *rows], columns=["part", "layer", "output_shape"])
