"""The simulated tables that stand beside the project, in ``../shared/oracle``."""

from pathlib import Path

import pandas as pd
import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "oracle"


def oracle_table(name: str) -> pd.DataFrame:
    """Read one of the tables; skip the test that asks for it where they are not."""
    path = FOLDER / f"{name}.csv"
    if not path.is_file():
        pytest.skip(f"needs ../shared/oracle/{path.name}")
    return pd.read_csv(path)
