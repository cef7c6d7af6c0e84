"""The networks: `encoders` f, `decoders` g, and `networks`, which joins them to what a task needs.

Sources: "Are Nearby Neighbors Relatives?" (2019), section 2.2 and Table 1; where its table does not chain,
its released code (see `encoders`).

Conventions: a spectrogram is (batch, frames, bins). Inside the convolutions it is (batch, channels, frames,
bins), kept in memory with the channels innermost (torch's channels_last), which halves the time on a CPU.
"""

UNTRAINED = "untrained"
"""What stands in place of the task of a network that has learned nothing, and the name of its space."""
