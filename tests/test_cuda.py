"""The kernels of the GPU: in numba's simulator, compiled for an H100, and on a GPU where there is one."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from numba import cuda as numba_cuda

from relatives.distances import cuda

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
