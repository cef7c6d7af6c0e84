"""The locked requirements as a conda environment: python envs/export.py > envs/environment.yaml.

`make lock` does it. Conda brings Python and pip brings the rest, as many of the versions are not on any conda
channel; conda's pip section takes no hashes.
"""

import re
from pathlib import Path

HEADER = """\
# Made by `make lock` from requirements.txt; change that. A conda environment, and then the package itself:
#   conda env create -f envs/environment.yaml && conda activate relatives
#   pip install --no-build-isolation --no-deps --editable .
name: relatives
channels: [conda-forge]
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def main():
    """Print the environment."""
    lock = Path(__file__).with_name("requirements.txt").read_text()
    # A requirement starts a line, some with a marker (a==1 ; sys_platform == 'linux'), and its hashes follow
    requirements = re.findall(r"^([\w.-]+(?:\[.*\])?==.*?) *\\?$", lock, flags=re.MULTILINE)
    print(HEADER + "\n".join(f'      - "{requirement}"' for requirement in requirements))


if __name__ == "__main__":
    main()
