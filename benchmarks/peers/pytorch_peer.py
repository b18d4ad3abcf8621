#!/usr/bin/env python3
"""PyTorch's side of compare.py: sets a piece of work up once, then measures it as often as it is asked to.

Standard input, one JSON object a line: first the job, then {"measure": repetitions}, again and again. Answers likewise, first with versions.
"""
import json
import os
import re
import resource
import sys

import torch

from pytorch_gpt import StepWork
from pytorch_optimizer import OptimizerWork
from pytorch_timing import CpuClock, CudaClock


def main():
    # What libraries print must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    job = json.loads(sys.stdin.readline())
    device = job["device"]
    if device == "cuda" and not torch.cuda.is_available():
        answer(answers, error=f"PyTorch {torch.__version__} sees no GPU.")
        return 1
    if device == "cpu":
        torch.set_num_threads(job["threads"])
    torch.backends.cuda.matmul.allow_tf32 = job.get("tf32", False)
    work = {"optimizer": OptimizerWork, "step": StepWork}[job["work"]](job, device, CudaClock() if device == "cuda" else CpuClock())
    answer(answers, **describe(device))
    for line in sys.stdin:
        answer(answers, results=work.measure(json.loads(line)["measure"]), peakMegabytes=peak_megabytes(device))
    return 0


def describe(device):
    if device == "cuda":
        return {"version": f"PyTorch {torch.__version__}, CUDA {torch.version.cuda}", "device": torch.cuda.get_device_name()}
    return {"version": f"PyTorch {torch.__version__}, {blas()}", "device": f"CPU, {torch.get_num_threads()} threads"}


def blas():
    """What multiplies matrices, as far as the loaded libraries tell."""
    torch.ones(64, 64) @ torch.ones(64, 64)
    try:
        with open("/proc/self/maps", encoding="utf-8") as maps:
            names = set(re.findall(r"lib((?:openblas|mkl_rt|mkl_core|blis)[^/\s]*?)\.so", maps.read()))
    except OSError:
        names = set()
    return ", ".join(sorted(names)) or ("MKL" if torch.backends.mkl.is_available() else "BLAS unknown")


def peak_megabytes(device):
    if device == "cuda":
        return torch.cuda.max_memory_reserved() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def answer(stream, **values):
    print(json.dumps(values), file=stream, flush=True)


if __name__ == "__main__":
    sys.exit(main())
