"""The pipeline in a copy of the workflow, so that its code can be changed, on its smoke preset."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
REAL_AUDIO = ROOT.parent / "shared" / "real_audio"


class Run:
    """A copy of the workflow and a folder in which it runs."""

    def __init__(self, folder: Path, preset: str = "smoke"):
        self.folder = folder
        self.configfiles = [f"workflow/presets/{preset}.yaml"]
        shutil.copytree(ROOT / "workflow", folder / "workflow", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("Snakefile", "config.yaml", "profiles"):
            shutil.copy(ROOT / name, folder / name, follow_symlinks=False)

    def start(self, *arguments, cores=2, environment=()):
        """Snakemake at work: a process whose output is to be read; on a cluster with `cores` None."""
        command = [sys.executable, "-m", "snakemake", *arguments]
        command += [] if cores is None else ["--cores", str(cores)]
        return subprocess.Popen(
            [*command, "--configfile", *self.configfiles],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(self.folder / "workflow")} | dict(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def snakemake(self, *arguments, cores=2, check=True, environment=()):
        """What Snakemake prints."""
        process = self.start(*arguments, cores=cores, environment=environment)
        output, _ = process.communicate()
        assert not check or process.returncode == 0, output[-8000:]
        return output

    def planned(self, *arguments):
        """The names of the rules that a dry run would run."""
        output = self.snakemake("--dry-run", *arguments)
        return set(re.findall(r"^(?:local)?rule (\w+):", output, flags=re.MULTILINE))
