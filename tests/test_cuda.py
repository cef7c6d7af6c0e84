"""The kernels of the GPU: in numba's simulator, compiled for an H100, and on a GPU where there is one.

There, embeddings and trainings are held against those of the CPU, too.
"""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from numba import cuda as numba_cuda

import tiny_corpus
from relatives import embedding, training
from relatives.distances import cuda
from relatives.models import networks

KERNELS = Path(__file__).with_name("cuda_kernels.py")


def run_kernels(**environment):
    command = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", str(KERNELS)]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_kernels_in_the_simulator():
    run_kernels(NUMBA_ENABLE_CUDASIM="1")


@pytest.mark.skipif(not numba_cuda.is_available(), reason="numba finds no CUDA GPU here")
def test_kernels_on_the_gpu():
    run_kernels(NUMBA_ENABLE_CUDASIM="0")


CUT, FLAT, MATRIX, INTEGER = "float32[:,:,::1]", "float32[::1]", "float32[:,::1]", "int64"


@pytest.mark.skipif(sys.platform != "linux", reason="the compiler of numba-cuda is for Linux")
@pytest.mark.parametrize(
    ("kernel", "arguments"),
    [
        (cuda._warp, [CUT, INTEGER, FLAT, INTEGER, CUT, MATRIX]),
        (cuda._joins(True), [CUT, INTEGER, FLAT, INTEGER, INTEGER, MATRIX, MATRIX]),
        (cuda._joins(False), [CUT, INTEGER, FLAT, INTEGER, INTEGER, MATRIX, MATRIX]),
    ],
    ids=["dtw", "simple on the chip", "simple"],
)
def test_kernels_compile_for_an_h100(kernel, arguments, monkeypatch):
    # numba asks the GPU for its generation, with a kernel that calls others even if it is told
    monkeypatch.setattr(
        "numba.cuda.dispatcher.get_current_device", lambda: SimpleNamespace(compute_capability=(9, 0))
    )
    assembly, _ = numba_cuda.compile_ptx(kernel.py_func, f"void({','.join(arguments)})", cc=(9, 0))
    assert ".target sm_90" in assembly
    assert ".local" not in assembly, "sums are kept in memory, not in registers"
    assert "f64" not in assembly, "double precision, which most GPUs are slow at"
    assert assembly.count("ld.shared.v4.f32") >= 2, "a strip is not loaded by four floats at once"


gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA GPU here")


@pytest.fixture
def trained(tmp_path):
    """Train a tiny network on a device; its folder."""
    corpus, cache = tiny_corpus.make(tmp_path / "corpus", "IR")
    settings = {
        "steps": 10, "batch": 4, "rate": 1e-3, "amsgrad": False, "weight_decay": 0.0, "validate_every": 2,
        "validation_crops": 3, "patience": None, "explosion": None, "checkpoint_every": 4, "threads": 1,
    }  # fmt: skip

    def train(device, precision):
        network = networks.build(tiny_corpus.settings("IR"), cache.mean, cache.deviation, 0, 0)
        folder = tmp_path / f"{device} {precision}"
        where = {"device": device, "precision": precision}
        training.train(network, corpus, cache, settings | where, folder, 0, 0)
        return folder

    return train


@gpu
def test_points_of_the_gpu_are_those_of_the_cpu(trained):
    checkpoint = trained("cpu", "float32") / "checkpoint.pt"
    audio = tiny_corpus.excerpts(8)
    here, there = (
        embedding.embed(embedding.encoder(checkpoint, tiny_corpus.SAMPLE_RATE, device), audio)
        for device in ("cpu", "cuda")
    )
    # cuDNN convolves with 10 bits of mantissa (TF32): 5e-4 a product, over eight layers
    assert np.abs(there - here).max() < 1e-2 * np.abs(here).max()


@gpu
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 0.01), ("bfloat16", 0.05)])
def test_a_training_on_the_gpu_goes_as_on_the_cpu(precision, tolerance, trained):
    here, there = (
        pd.read_csv(trained(*place) / "history.csv") for place in (("cpu", "float32"), ("cuda", precision))
    )
    np.testing.assert_allclose(there["training_loss"], here["training_loss"], rtol=tolerance)
