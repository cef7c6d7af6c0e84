"""The script that measures performance: what it hands on from the original to every magnitude."""

import runpy
from types import SimpleNamespace

import numpy as np
import pandas as pd

import tiny_corpus
from relatives import jobs
from relatives.models import networks
from relatives.tasks import separation
from relatives.training import save_checkpoint
from smoke import ROOT

SECOND = tiny_corpus.SAMPLES // 2  # two windows of a second in an excerpt


class Files(dict):
    """Named files, as a rule's input and output are."""

    __getattr__ = dict.__getitem__


def test_the_windows_that_count_in_the_original_count_at_every_magnitude(tmp_path, monkeypatch):
    corpus, cache = tiny_corpus.make(tmp_path / "corpus", "VS")
    network = networks.build(
        tiny_corpus.settings("VS", sample_rate=SECOND), cache.mean, cache.deviation, 0, 0
    )
    save_checkpoint(network, tmp_path / "checkpoint.pt", {}, 0, 0, step=0)
    track = corpus.tracks["track_id"].iloc[0]
    pd.DataFrame({"excerpt_id": ["a", "b"], "track_id": track, "first": 0}).to_parquet(tmp_path / "excerpts")

    vocals, noise = tiny_corpus.excerpts(2), tiny_corpus.excerpts(2, seed=1)
    vocals[:, SECOND:] = 0  # nobody sings in the second window
    moved = vocals.copy()
    moved[:, SECOND:] = 1e-4 * noise[:, :SECOND]  # what a transformation leaves there
    for name, sung in {"OG": vocals, "TS": moved}.items():
        np.save(tmp_path / f"{name}.npy", (sung + noise)[None])
        np.save(tmp_path / f"{name}.vocals.npy", sung[None])
    files = {name: [tmp_path / f"{name}.npy"] for name in ("OG", "TS")}
    files |= {f"{name}_vocals": [tmp_path / f"{name}.vocals.npy"] for name in ("OG", "TS")}
    job = SimpleNamespace(
        threads=1,
        wildcards=SimpleNamespace(task="VS", encoder="VGG"),
        input=Files(
            files,
            audio=tmp_path / "corpus" / "audio.i16",
            excerpts=tmp_path / "excerpts",
            checkpoints=[tmp_path / "checkpoint.pt"],
        ),
        output=Files(performance=tmp_path / "performance", scores=tmp_path / "scores"),
        params=SimpleNamespace(
            device="cpu",
            magnitudes={"OG": [0.0], "TS": [1.02]},
            bootstrap={"draws": 20, "level": 0.95},
            seed=0,
        ),
    )
    mains = []
    monkeypatch.setattr(jobs, "run", mains.append)
    runpy.run_path(str(ROOT / "workflow" / "scripts" / "perform.py"))
    mains[0](job)

    found = pd.read_parquet(tmp_path / "performance").set_index("transformation")["performance"]
    trained = [networks.load(tmp_path / "checkpoint.pt", "cpu")]
    first = np.array([[True, False]] * 2)
    wanted = separation.performance(trained, moved + noise, moved, counts=first)[0]
    np.testing.assert_allclose(found["TS"], wanted, rtol=1e-5)
    all_windows = separation.performance(trained, moved + noise, moved)[0]
    assert (np.abs(all_windows - wanted) > 3).all()
