"""The slurm profile on a real SLURM: its requests, its arrays, a training that is killed and goes on."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import torch
import yaml

from relatives import lineage
from smoke import ROOT, Run

pytestmark = pytest.mark.pipeline

CLUSTER = ROOT / "tests" / "slurm" / "cluster.sh"
CHECKPOINT = "results/consistency/models/AE/VGG/trial0/checkpoint.pt"
# The smoke preset with one task and two transformations, 14 jobs: on a cluster each starts Snakemake twice
SMALL = {
    "tasks": ["AE"],
    "transformations": {"PS": [-12, 0.25], "MP": [8], "TS": None, "PN": None, "EN": None},
    "excerpts": {"block": 6},
    "training": {"checkpoint_every": 10, "AE": {"steps": {"VGG": 250}}},
}


class Cluster(Run):
    """A copy of the workflow, its profile filled in for the cluster of the test."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.profile = folder / "workflow" / "profiles" / "slurm" / "config.yaml"
        (folder / "small.yaml").write_text(yaml.safe_dump(SMALL))
        self.configfiles.append("small.yaml")

    def fill_in(self, line: str, value: str):
        """Do with a line of the profile what its comment says, and put the site's value."""
        text = self.profile.read_text()
        assert f"# {line}" in text
        self.profile.write_text(text.replace(f"# {line}", value))


def jobs():
    """Every job that the controller knows: id, comment, partition, state."""
    command = ["squeue", "--noheader", "--states=all", "--format=%i|%k|%P|%T"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line.split("|") for line in output.splitlines()]


def wait_for(condition, process, seconds=600):
    """What `condition` gives as soon as it gives something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        if result := condition():
            return result
        time.sleep(0.2)
    process.kill()
    raise AssertionError(process.communicate()[0][-8000:])


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    missing = [name for name in ("slurmctld", "slurmd", "munged", "srun") if not shutil.which(name)]
    if missing:
        pytest.skip(f"there is no {', '.join(missing)} (Debian: slurm-wlm and munge)")
    if os.geteuid() != 0:
        pytest.skip("SLURM's daemons are started as root")
    if Path("/etc/slurm/slurm.conf").exists():
        pytest.skip("this machine has a SLURM of its own")
    state = tmp_path_factory.mktemp("slurm")
    subprocess.run([CLUSTER, "start", state], check=True)
    try:
        yield Cluster(tmp_path_factory.mktemp("run"))
    finally:
        subprocess.run([CLUSTER, "stop", state], check=True)


def test_every_rule_asks_for_what_snakemake_needs_around_it(tmp_path):
    site = Cluster(tmp_path)
    site.fill_in("- slurm_account=your_account", "- slurm_account=music")
    site.fill_in("gpu_model: a100", "gpu_model: h100")
    command = ["--workflow-profile", "workflow/profiles/slurm", "--executor", "dryrun", "--dry-run"]
    plan = site.snakemake(*command, "--config", "tasks=[AE,AT,IR,VS]", cores=None)
    requests = re.findall(r"rule (\w+):\n(?:    .*\n)*?    resources: (.*)", plan)
    assert {"corpus", "train", "transform_with_vocals", "fig14", "report"} <= dict(requests).keys()
    for rule, request in requests:
        assert int(re.search(r"mem_mb=(\d+)", request)[1]) >= 1500, rule
        assert "runtime=" in request
        assert ("gpu=1" in request) == (rule in {"train", "embed", "embed_networks", "perform"})
        assert "slurm_account=music" in request
    assert "mem_mb=8000" in dict(requests)["train"]
    assert "gpu_model=h100" in dict(requests)["train"]


def test_a_killed_training_goes_on_and_everything_finishes(cluster):
    cluster.fill_in("slurm_partition: your_gpu_partition", "slurm_partition: gpu")
    process = cluster.start(
        *("--workflow-profile", "workflow/profiles/slurm", "--latency-wait", "5", "fig07"),
        *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"),
        cores=None,
    )
    progress = cluster.folder / Path(CHECKPOINT).with_name("progress.pt")
    wait_for(progress.exists, process)
    [killed] = [job for job in jobs() if "rule_train" in job[1] and job[3] == "RUNNING"]
    subprocess.run(["scancel", killed[0]], check=True)
    output, _ = process.communicate()
    assert process.returncode == 0, output[-8000:]

    trainings = [job for job in jobs() if "rule_train" in job[1]]
    assert [job[2] for job in trainings] == ["gpu", "gpu"]
    assert sorted(job[3] for job in trainings) == ["CANCELLED", "COMPLETED"]
    for job in trainings:
        shown = subprocess.run(["scontrol", "show", "job", job[0]], capture_output=True, text=True)
        assert "TresPerJob=gres:gpu:1" in shown.stdout
    # The second attempt asked for twice the memory; the first's own log stands between
    requests = re.findall(r"rule train:\n(?:    .*\n)*?    resources: .*?mem_mb=(\d+)", output)
    assert (requests[0], requests[-1]) == ("8000", "16000")
    # The second began where the first had written its state
    log = (cluster.folder / "results" / "logs" / "training" / "AE.VGG.0.log").read_text()
    assert int(re.search(r"\| (\d+)/1000", log)[1]) >= 40
    # A stage's shards are the tasks of one array
    shards = [job[0].split("_") for job in jobs() if "rule_transform" in job[1]]
    assert len(shards) == 3
    assert len({array for array, _ in shards}) == 1
    assert (cluster.folder / "results" / "consistency" / "figures" / "fig07.pdf").stat().st_size > 1000
    # What the nodes made has its records, of one configuration, back to the corpus
    made = lineage.chain(["results/consistency/figures/fig07.pdf"], cluster.folder)
    assert all(made.values()) and "data/corpora/tagging/audio.i16" in made
    assert len({record["configuration"] for record in made.values()}) == 1
    # What SLURM said around the job that was killed is kept where the profile says
    kept = cluster.folder / "results" / "logs" / "slurm"
    assert list(kept.rglob(f"{killed[0]}.log"))

    weights = torch.load(cluster.folder / CHECKPOINT, weights_only=True)["weights"]
    cluster.snakemake("--force", CHECKPOINT, cores=1)
    alone = torch.load(cluster.folder / CHECKPOINT, weights_only=True)["weights"]
    assert all(torch.equal(weights[name], alone[name]) for name in alone)
