"""The conda file and the container have the versions of the lock.

No container engine is where these tests run: the recipe is read here, not built.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
ENVS = ROOT / "envs"


def exported(folder):
    """What the command of `make lock` writes for the lock in a folder."""
    return subprocess.run(
        [sys.executable, folder / "export.py"], check=True, capture_output=True
    ).stdout.decode()


def test_the_conda_file_is_the_export_of_the_lock():
    assert (ENVS / "environment.yaml").read_text() == exported(ENVS)


def test_every_locked_version_is_in_it():
    lock = (ENVS / "requirements.txt").read_text()
    pinned = yaml.safe_load((ENVS / "environment.yaml").read_text())["dependencies"][-1]["pip"]
    names = re.findall(r"^[\w.-]+", lock, flags=re.MULTILINE)
    assert [re.match(r"[\w.-]+", requirement)[0] for requirement in pinned] == names
    assert all(requirement in lock for requirement in pinned)


def test_another_lock_gives_another_file(tmp_path):
    shutil.copy(ENVS / "export.py", tmp_path)
    (tmp_path / "requirements.txt").write_text(
        "one==1.0 \\\n    --hash=sha256:00\n    # via two\n"
        "two[extra]==2.0 ; sys_platform == 'linux' \\\n    --hash=sha256:11\n"
    )
    pip = yaml.safe_load(exported(tmp_path))["dependencies"][-1]["pip"]
    assert pip == ["one==1.0", "two[extra]==2.0 ; sys_platform == 'linux'"]


def test_the_container_installs_the_lock_for_its_python():
    recipe = (ENVS / "Containerfile").read_text()
    [python] = re.findall(r"^FROM \S+/python:([\d.]+)", recipe, flags=re.MULTILINE)
    assert f"python={python}" in yaml.safe_load((ENVS / "environment.yaml").read_text())["dependencies"]
    assert f"--python-version {python}" in (ROOT / "Makefile").read_text()
    installs = re.findall(r"pip install (.*?)(?: &&|$)", recipe, flags=re.MULTILINE)
    assert all("--require-hashes -r envs/requirements.txt" in i or "--no-deps" in i for i in installs)
    assert len(installs) == 2
