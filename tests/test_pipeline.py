"""The pipeline itself, on its smoke preset."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from faults.judging import Files
from relatives import lineage, records
from smoke import REAL_AUDIO, Run

pytestmark = pytest.mark.pipeline


def test_the_end_of_the_output_names_the_report(run):
    assert "Done. The report: results/report.html" in run.output.splitlines()[-4:]
    page = (run.folder / "results" / "report.html").read_text()
    assert "<img" in page
    assert not re.findall(r"""(?:src|href)=["']https?:""", page)


@pytest.mark.parametrize(("preset", "tagging"), [("paper", "msd"), ("open", "fma")])
def test_the_full_study_is_planned_without_its_data(tmp_path, preset, tagging):
    run = Run(tmp_path, preset)
    output = run.snakemake("--dry-run")
    for corpus in (tagging, "irmas", "musdb"):
        assert f"data/raw/{corpus} is missing" in output
        assert f"Fetching data/raw/{corpus}. Licence: " in output
    assert re.search(r"^report +1$", output, flags=re.MULTILINE)
    assert not (tmp_path / "data").exists()


def test_what_cannot_be_downloaded_is_asked_for_when_it_is_run(tmp_path):
    output = Run(tmp_path, "paper").snakemake("data/corpora/msd/tracks.parquet", check=False)
    assert "Error: data/raw/msd: the folder is empty. Its previews are not given out. Put your own" in output
    assert "Traceback" not in output


def test_every_figure_is_there_twice(run):
    figures = run.folder / "results" / "consistency" / "figures"
    for figure in [*(f"fig{number:02}" for number in range(1, 15)), "mixed", "checks"]:
        assert (figures / f"{figure}.pdf").stat().st_size > 1000
        assert (figures / f"{figure}.png").stat().st_size > 1000


def test_a_finished_run_has_nothing_to_do(run):
    assert run.planned() == set()


def test_a_deleted_figure_is_made_again_alone(run):
    (run.folder / "results" / "consistency" / "figures" / "fig06.png").unlink()
    assert run.planned() == {"fig06", "report", "all"}
    assert run.planned("fig06") == {"fig06"}
    run.snakemake("fig06")
    # It is the same to the byte, so the report that shows it still holds
    assert run.planned() == set()


def test_a_plotting_setting_makes_only_its_figure(run):
    changed = "figures={fig10: {agreement: [dtw, cosine]}}"
    assert run.planned("--config", changed) == {"fig10", "report", "all"}


@pytest.mark.parametrize(
    ("module", "made", "kept"),
    [
        (
            "distances/warping.py",
            {"distances", "consistency", "additive_models", "claims", "fig06", "fig10", "fig11", "report"},
            {"transform", "train", "embed", "embed_networks", "perform", "fig04"},
        ),
        (
            "statistics/splines.py",
            {"additive_models", "claims", "fig05", "fig08", "fig11", "checks", "report"},
            {"consistency", "performance", "fig07", "fig10"},
        ),
        ("figures/fig04.py", {"fig04", "report"}, {"performance", "fig06", "table01"}),
        ("corpora/synthetic/voice.py", {"corpus", "spectrograms", "transform", "train", "fig14"}, {"fig03"}),
    ],
)
def test_changed_code_makes_again_what_it_made(run, module, made, kept):
    path = run.folder / "workflow" / "relatives" / module
    before = path.read_text()
    try:
        path.write_text(before + "\n# A comment makes nothing again\n")
        assert run.planned() == set()
        path.write_text(before + "\nCHANGED = True\n")
        planned = run.planned()
    finally:
        path.write_text(before)
    assert made <= planned
    assert not planned & kept


def test_every_output_is_the_same_bytes_in_another_order_on_one_core(run, tmp_path):
    other = Run(tmp_path)
    # Of the jobs that are ready one is drawn, each time; .snakemake/log has the order
    environment = {
        "OMP_NUM_THREADS": "3",
        "NUMBA_NUM_THREADS": "3",
        "PYTHONHASHSEED": "1",
        "TZ": "Asia/Tokyo",
    }
    other.snakemake("--scheduler-subsample", "1", cores=1, environment=environment)
    files = Files.of(run.folder)
    assert len(files.digests) > 180
    assert Files.of(other.folder).faults_at_end(files) == []


def test_every_output_tells_where_it_is_from(run, monkeypatch):
    monkeypatch.chdir(run.folder)
    recorded = {record["output"]: record["sha256"] for record in records.every()}
    assert recorded == {path: records.hash_of(path) for path in Files.of(run.folder).digests}
    text, holds = lineage.tell("results/report.html")
    assert holds, text
    steps = re.findall(r"^  (\w+) +[\d,]+ files? ", text, flags=re.MULTILINE)
    assert steps.index("corpus") < steps.index("transform") < steps.index("distances") < steps.index("fig06")
    assert steps[-1] == "report"
    record = records.read("results/report.html")
    page = (run.folder / "results" / "report.html").read_text()
    assert record["configuration"] in page and recorded["data/corpora/tagging/audio.i16"] in page


def test_the_original_is_its_own_nearest_in_every_space(run):
    within = pd.read_parquet(run.folder / "results" / "consistency" / "within.parquet")
    originals = within[within["transformation"] == "OG"]
    assert set(originals["space"]) == {"audio", "mfcc", "AE", "AT", "IR", "VS", "untrained"}
    assert originals["error"].sum() == 0


def test_every_model_is_fitted_and_every_finding_has_a_verdict(run):
    results = run.folder / "results" / "consistency"
    fit = pd.read_csv(results / "statistics" / "fit.csv")
    # The study's eleven, and all but that of performance once more without the untrained space
    assert len(fit) == 11 + 10
    assert fit["problem"].isna().all(), list(fit["problem"].dropna())
    claims = pd.read_csv(results / "claims.csv")
    assert list(claims["claim"]) == list(range(1, 18))
    assert set(claims["verdict"]) <= {"supported", "contradicted", "not decided by this run"}
    assert claims[["kind", "section", "statement", "quantity", "study", "rule"]].notna().all(axis=None)
    assert claims.loc[claims["verdict"] != "not decided by this run", "run"].notna().all()


def test_a_script_can_be_started_by_hand(run):
    name = "results/consistency/distances/dtw/PS.npy"
    output, record = run.folder / name, records.read(name, run.folder)
    before = output.read_bytes()
    output.unlink()
    result = subprocess.run(
        [sys.executable, "workflow/scripts/distances.py", "transformation=PS"],
        cwd=run.folder,
        env=os.environ
        | {"PYTHONPATH": str(run.folder / "workflow"), "RELATIVES_CONFIG": "workflow/presets/smoke.yaml"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert output.read_bytes() == before
    again = records.read(name, run.folder)
    assert again.pop("mtime_ns") != record.pop("mtime_ns")
    assert again == record


def test_snakemake_makes_its_own_report(run):
    run.snakemake("--report", "snakemake.html")
    assert "Figure 6" in (run.folder / "snakemake.html").read_text()


@pytest.mark.parametrize(
    ("setting", "left_out"),
    [
        ("encoders=[MFCC]", {"table01", "fig05", "fig08", "fig11", "mixed", "fig14", "songs"}),
        ("encoders=[VGG]", {"fig05"}),
        ("tasks=[AE]", {"fig05", "fig14", "songs"}),
        (
            "tasks=[]",
            {
                "train",
                "perform",
                "songs",
                "fig02",
                "fig04",
                "fig05",
                "fig08",
                "fig11",
                "fig12",
                "fig14",
                "mixed",
                "table01",
            },
        ),
    ],
)
def test_a_smaller_study_leaves_out_what_it_cannot_feed(run, setting, left_out):
    planned = run.planned("--forceall", "--config", setting)
    every = {
        "train",
        "perform",
        "songs",
        "table01",
        "mixed",
        "checks",
        "claims",
        *(f"fig{n:02}" for n in range(2, 15)),
    }
    every -= {"fig03", "fig09", "fig10", "fig13"}
    assert planned & every == every - left_out


def test_a_wrong_key_stops_before_the_first_job(run):
    output = run.snakemake("--config", "trails=3", check=False)
    assert "trails: there is no such setting; the nearest is 'trials'" in output
    assert "Traceback" not in output


def small_grid(folder):
    """The folder preset with few magnitudes and steps, as a preset of its own."""
    preset = (folder / "workflow" / "presets" / "folder.yaml").read_text()
    preset = preset.replace(
        "AE: {corpus: music}", "AE: {corpus: music, steps: {VGG: 3, MFCC: 3}}\n  width: 1\n  batch: 4"
    )
    preset = preset.replace("excerpts: 100", "excerpts: 12")
    grid = (
        "transformations: {PS: [-12, -0.25, 12], TS: [0.98, 1.5], PN: [-15, 30], EN: [-15, 30], MP: [8, 192]}"
    )
    (folder / "workflow" / "presets" / "mine.yaml").write_text(f"{preset}trials: 1\n{grid}\n")


def test_a_folder_of_text_files_is_refused_with_what_was_found(tmp_path):
    run = Run(tmp_path, "mine")
    small_grid(run.folder)
    (run.folder / "music").mkdir()
    (run.folder / "music" / "notes.txt").write_text("no music")
    output = run.snakemake(check=False)
    assert "music: 0 of its 1 files can be used" in output
    assert "notes.txt: not audio" in output
    assert "Traceback" not in output


def test_a_folder_of_real_music_gives_its_figures(tmp_path):
    if not REAL_AUDIO.is_dir():
        pytest.skip(f"there is no {REAL_AUDIO}")
    run = Run(tmp_path, "mine")
    small_grid(run.folder)
    (run.folder / "music").mkdir()
    shutil.copytree(REAL_AUDIO / "music", run.folder / "music" / "deep" / "down")
    soundfile.write(run.folder / "music" / "silence.wav", np.zeros(88200), 44100)
    (run.folder / "music" / "cover.jpg").write_bytes(b"no music")
    run.snakemake("--config", f"noise={{recording: {REAL_AUDIO / 'noise' / 'tavern.ogg'}}}")
    results = run.folder / "results" / "consistency"
    skipped = pd.read_csv(run.folder / "data" / "corpora" / "music" / "skipped.csv")
    assert {Path(file).name for file in skipped["file"]} == {"silence.wav", "cover.jpg"}
    assert (results / "figures" / "fig06.pdf").is_file()
    assert (results / "figures" / "fig07.pdf").is_file()
    assert not (results / "figures" / "fig14.pdf").exists()

    curves = pd.read_parquet(results / "within_curves.parquet")
    audio = curves[curves["space"] == "audio"].set_index(["distance", "transformation", "magnitude"])[
        "consistency"
    ]
    for distance in ("dtw", "simple"):
        assert audio[distance, "PS", 12.0] < audio[distance, "PS", -0.25]
        assert audio[distance, "PN", -15.0] < audio[distance, "PN", 30.0]


OWN_ENCODER = """
import numpy as np


def bands(audio):
    power = np.log(np.abs(np.fft.rfft(audio)) ** 2 + 1e-6)
    return power[:, 1:6401].reshape(len(audio), 64, -1).mean(axis=2)


def moving(audio):
    return bands(audio) + 0.1 * np.random.standard_normal((len(audio), 64))
"""


def test_encoders_of_ones_own_go_through_everything(tmp_path):
    run = Run(tmp_path, "mine")
    module = run.folder / "my_encoders.py"
    module.write_text(OWN_ENCODER + "\n\ndef broken(audio):\n    raise ValueError('nothing to hear')\n")
    smoke = (run.folder / "workflow" / "presets" / "smoke.yaml").read_text()
    smoke = re.sub(r"(?m)^  (TS|PN|EN): .*", r"  \1: null", smoke)
    mine = run.folder / "workflow" / "presets" / "mine.yaml"
    encoders = (
        "{name: my-bands, python: my_encoders:bands, batch: 5}, {name: away, embeddings: computed}, "
        "{name: moving, python: my_encoders:moving, deterministic: false}"
    )
    mine.write_text(f"{smoke}tasks: []\nencoders: [MFCC, {encoders}]\n")

    # What is computed elsewhere from the manifest is checked and taken
    run.snakemake("manifest")
    manifest = json.loads((run.folder / "data/transformed/tagging/manifest.json").read_text())
    (run.folder / "computed").mkdir()
    (run.folder / "computed" / "manifest.json").write_text(json.dumps(manifest))
    for entry in manifest["transformations"].values():
        audio = np.concatenate([np.load(run.folder / file["path"]) for file in entry["files"]], axis=1)
        points = np.abs(np.fft.rfft(audio))[..., 1:1001].reshape(*audio.shape[:2], 50, 20).mean(axis=-1)
        np.save(run.folder / "computed" / entry["embeddings"]["file"], points)
    run.snakemake()

    results = run.folder / "results" / "consistency"
    for table in ("within", "between", "projections/neighbourhoods"):
        assert {"mfcc", "my-bands", "away", "moving"} <= set(
            pd.read_parquet(results / f"{table}.parquet")["space"]
        )
    means = pd.read_csv(results / "statistics" / "means.csv")
    spaces = means[(means["model"] == "correlation_dtw_euclidean") & (means["term"] == "space")]
    assert set(spaces["space"]) == {"mfcc", "my-bands", "away", "moving"} and spaces["mean"].notna().all()
    for figure in ("fig01", "fig07", "fig08", "fig09", "fig10", "fig11", "fig13", "mixed"):
        assert (results / "figures" / f"{figure}.pdf").stat().st_size > 1000
    assert not (results / "performance.parquet").exists()
    report = (run.folder / "results" / "report.html").read_text()
    assert "my-bands" in report and "Encoder my-bands:" not in report
    assert "Encoder moving: The same audio gives other points" in report
    told = (run.folder / "results" / "logs" / "embedding" / "moving.log").read_text().splitlines()[0]
    assert told.startswith("The same audio gives other points, by up to")
    assert "As its settings say, this is meant." in told

    # Its code is followed; a broken one is named and costs nothing that is there
    assert run.planned() == set()
    before = module.read_text()
    module.write_text(before.replace("64, -1", "32, -1"))
    planned = run.planned()
    assert {"examine", "embed", "consistency", "fig07"} <= planned and not {"distances", "collect"} & planned
    module.write_text(before)
    settings = mine.read_text().replace("my_encoders:bands", "my_encoders:broken")
    mine.write_text(settings.replace(", deterministic: false", ""))
    (run.folder / "computed" / "manifest.json").write_text('{"digest": "another"}')
    output = run.snakemake("--keep-going", check=False)
    assert "encoder 'my-bands' (python: my_encoders:broken): it fails on" in output
    assert "encoder 'moving' (python: my_encoders:moving): The same audio gives other points" in output
    assert "If it is meant, say deterministic: false" in output
    assert "nothing to hear" in output
    assert "encoder 'away' (embeddings: computed)" in output and "belong to other excerpts" in output
    assert (results / "embeddings" / "mfcc" / "trial0" / "OG.npy").exists()
