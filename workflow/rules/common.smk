# What the rules of all stages share: the checked configuration, and the answers that they ask of it.
from pathlib import Path

from relatives import configuration, faults, own_encoders, running, transforms
from relatives.corpora import DATA_SETS
from relatives.errors import InputError
from relatives.models import UNTRAINED
from relatives.provenance import fingerprint
from relatives.tasks import MODULES, TASKS

try:
    if workflow.is_main_process:
        faults.check(".snakemake")  # before Snakemake stumbles over it
    configuration.read_command_line(config, workflow.config_settings.config)
    configuration.check(config)
except InputError as error:
    raise WorkflowError(error) from None

if workflow.is_main_process:
    running.enter_run()

# Of the jobs that can start, Snakemake takes those of the highest `priority` first. What others wait for and what takes
# longest has one: corpora, excerpts and spectrograms 4, training 3, transforms 2, tests of performance 1, all else 0. So
# the many short jobs are left for the end, and no core waits there for one long job.

WRITTEN = ("data", "results")  # the folders of all that the pipeline makes
SEED = config["seed"]
SAMPLE_RATE = config["audio"]["sample_rate"]
CONSISTENCY = "results/consistency"
POINTS = config["consistency"]["corpus"]  # the corpus whose test excerpts are the points of all spaces
MAGNITUDES = configuration.magnitudes(config)
SPACES = configuration.spaces(config)
OWN = configuration.own(config)  # encoders of the user's own
NETWORKS = configuration.networks(config)  # keyword lists for expand: task and encoder
TRIALS = range(config["trials"])
ARCHITECTURE = configuration.architecture(config)  # of every network
WITH_STEMS = [corpus for corpus in config["corpora"] if "stems" in configuration.provides(config, corpus)]


wildcard_constraints:
    corpus="|".join(config["corpora"]),
    transformation="|".join(MAGNITUDES),
    task="|".join(config["tasks"]) or "none",
    encoder="|".join(NETWORKS["encoder"]) or "none",
    space="|".join(SPACES) or "none",
    block=r"\d+",
    trial=r"\d+",


def transformed(corpus, transformation, part=""):
    """The files of all blocks of a corpus under a transformation; `part` is ".vocals" for the reference of VS."""
    blocks = configuration.blocks(config, corpus)
    return [f"data/transformed/{corpus}/{transformation}.{block}{part}.npy" for block in blocks]


def corpus_settings(wildcards):
    """The settings that make a corpus: not how many excerpts are drawn from it later; `shortest` is told apart."""
    settings = config["corpora"][wildcards.corpus]
    return {key: value for key, value in settings.items() if key not in ("excerpts", "shortest")}


def source_modules(wildcards):
    """The modules of a corpus' source, which are loaded by name."""
    settings = config["corpora"][wildcards.corpus]
    source = f"relatives.corpora.{settings['source']}"
    return [source, f"{source}.{settings['kind']}"] if "kind" in settings else [source]


def training_settings(wildcards):
    """The settings of one training: what all share, and the task's own steps.

    How often a checkpoint is written, and when a training is given up, do not change the network; the script reads
    them by itself.
    """
    apart = {"checkpoint_every", "explosion", *configuration.ARCHITECTURE, *TASKS}
    shared = {key: value for key, value in config["training"].items() if key not in apart}
    return {**shared, "steps": config["training"][wildcards.task]["steps"][wildcards.encoder]}


def training_files(wildcards):
    """The store and the cache of the corpus that a task is trained on."""
    return corpus_files(configuration.corpus_of(config, wildcards.task))


def corpus_files(corpus):
    """The store and the cache of a corpus."""
    folder = f"data/corpora/{corpus}"
    names = ["audio.i16", "stems.i16", "tracks.parquet", "labels.parquet", "stft.f16", "mel.f16", "scaler.npz"]
    return {name.split(".")[0]: f"{folder}/{name}" for name in names}


def own_code(wildcards):
    """What a space of the user's own is made by, as a digest."""
    return own_encoders.digest(OWN[wildcards.space]) if wildcards.space in OWN else None


def test_files(wildcards):
    """The test excerpts of a task's corpus under every transformation; for VS their vocals, which measure it, too."""
    corpus = configuration.corpus_of(config, wildcards.task)
    files = {name: transformed(corpus, name) for name in MAGNITUDES}
    if wildcards.task == "VS":
        files |= {f"{name}_vocals": transformed(corpus, name, ".vocals") for name in MAGNITUDES}
    return files | {
        "excerpts": f"data/excerpts/{corpus}.parquet",
        "audio": f"data/corpora/{corpus}/audio.i16",
        "tracks": f"data/corpora/{corpus}/tracks.parquet",
        "labels": f"data/corpora/{corpus}/labels.parquet",
    }


def prepare():
    """What a run needs of the machine before its first job: folders to write to, and times that can be trusted."""
    try:
        written = [file for job in workflow.dag.needrun_jobs() for file in (*job.output, *job.log)]
        faults.check(*(Path(file).parent for file in written))
        read = [str(path) for path in Path(workflow.basedir, "workflow", "scripts").glob("*.py")]
        read += [file for job in workflow.dag.jobs for file in job.input]
        if number := faults.settle_times(WRITTEN, read, apart="data/raw"):
            print(f"{number} files had times in the future, as if the clock had been set back. They are dated now.")
    except InputError as error:
        raise WorkflowError(error) from None
