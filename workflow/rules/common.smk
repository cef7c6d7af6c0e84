# What the rules of all stages share: the checked configuration, and the answers that they ask of it.
import functools

from relatives import configuration
from relatives.errors import InputError
from relatives.provenance import fingerprint

try:
    configuration.check(config)
except InputError as error:
    raise WorkflowError(error) from None

SEED = config["seed"]
SAMPLE_RATE = config["audio"]["sample_rate"]
CONSISTENCY = "results/consistency"
POINTS = config["consistency"]["corpus"]  # the corpus whose test excerpts are the points of all spaces
MAGNITUDES = configuration.magnitudes(config)
SPACES = configuration.spaces(config)
TRIALS = range(config["trials"])
WITH_STEMS = [corpus for corpus in config["corpora"] if "stems" in configuration.provides(config, corpus)]


wildcard_constraints:
    corpus="|".join(config["corpora"]),
    transformation="|".join(MAGNITUDES),
    task="|".join(config["tasks"]) or "none",
    encoder="|".join(config["encoders"]),
    space="|".join(SPACES) or "none",
    block=r"\d+",
    trial=r"\d+",


def transformed(corpus, transformation, part=""):
    """The files of all blocks of a corpus under a transformation; `part` is ".vocals" for the reference of VS."""
    blocks = configuration.blocks(config, corpus)
    return [f"data/transformed/{corpus}/{transformation}.{block}{part}.npy" for block in blocks]


def networks():
    """Task and encoder of every network of this run, as keyword lists for expand."""
    return {"task": config["tasks"], "encoder": config["encoders"]}
