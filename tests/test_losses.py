"""The picture of the losses: of trainings finished and under way, in `relatives losses`."""

import pandas as pd
import pytest

from relatives import cli
from relatives.errors import InputError
from relatives.figures import losses


def write(folder, name, training_losses):
    folder.mkdir(parents=True, exist_ok=True)
    rows = [(50.0 * n, loss, 1.1 * loss, 20.0) for n, loss in enumerate(training_losses, 1)]
    columns = ["step", "training_loss", "validation_loss", "examples_per_second"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / name, index=False)


@pytest.fixture
def models(tmp_path):
    write(tmp_path / "AE" / "VGG" / "trial0", "history.csv", [0.9, 0.7, 0.6])
    write(tmp_path / "AE" / "MFCC" / "trial0", "progress.csv", [0.8, 0.7])
    write(tmp_path / "IR" / "VGG" / "trial0", "history.csv", [2.0])
    write(tmp_path / "IR" / "VGG" / "trial1", "progress.csv", [])
    # Made again with other settings
    write(tmp_path / "IR" / "VGG" / "trial2", "history.csv", [9.0, 9.0])
    write(tmp_path / "IR" / "VGG" / "trial2", "progress.csv", [3.0])
    return tmp_path


def test_every_training_is_drawn_finished_or_under_way(models, capsys):
    table = losses.read(models)
    assert dict(table.groupby("training")["under_way"].first()) == {
        "AE/MFCC/trial0": True,
        "AE/VGG/trial0": False,
        "IR/VGG/trial0": False,
        "IR/VGG/trial2": True,
    }
    assert table.loc[table["training"] == "IR/VGG/trial2", "training_loss"].tolist() == [3.0]
    figure = losses.draw(table)
    drawn = {
        pane.get_title("left"): [line.get_ydata().tolist() for line in pane.lines]
        for pane in figure.axes
        if pane.lines
    }
    assert drawn["AE VGG"][0] == [0.9, 0.7, 0.6]
    assert len(drawn["AE VGG"]) == 2 and len(drawn["IR VGG"]) == 4
    assert "not begun" in [text.get_text() for pane in figure.axes for text in pane.texts]

    picture = models / "losses.png"
    assert cli.main(["losses", str(models), "--output", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "AE/MFCC/trial0: under way, step 100, training loss 0.7," in capsys.readouterr().out


def test_what_cannot_be_drawn_is_told(models, tmp_path_factory, capsys):
    with pytest.raises(InputError, match="no training below it has been validated yet"):
        losses.read(tmp_path_factory.mktemp("empty"))
    assert cli.main(["losses", str(models), "--output", str(models / "losses.doc")]) == 2
    assert "losses.doc: name a file that ends in .png" in capsys.readouterr().err
    (models / "AE" / "VGG" / "trial0" / "history.csv").write_text("step,training_loss\n1,many\n")
    with pytest.raises(InputError, match=r"history\.csv is no table of losses"):
        losses.read(models)
