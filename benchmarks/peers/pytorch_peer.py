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

from peak_memory import peak_megabytes

# The first with a fused AdamW on the CPU, without which it would not be PyTorch's best that is timed.
OLDEST = (2, 4)


def main():
    # What libraries print must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    job = json.loads(sys.stdin.readline())
    device = job["device"]
    if version(torch.__version__) < OLDEST:
        answer(answers, error=f"PyTorch {torch.__version__} is too old to be compared with: {OLDEST[0]}.{OLDEST[1]} or newer is needed. "
               "Name another Python with --python, or leave PyTorch out with --no-pytorch.")
        return 1
    if device == "cuda" and not torch.cuda.is_available():
        answer(answers, error=f"PyTorch {torch.__version__} sees no GPU.")
        return 1
    if device == "cpu":
        torch.set_num_threads(job["threads"])
    torch.backends.cuda.matmul.allow_tf32 = job.get("tf32", False)
    work = create_work(job, device)
    answer(answers, **describe(device))
    for line in sys.stdin:
        answer(answers, results=work.measure(json.loads(line)["measure"]), peakMegabytes=peak(device))
    return 0


def version(text):
    """(2, 4) of 2.4.1+cpu."""
    return tuple(int(number) for number in re.match(r"(\d+)\.(\d+)", text).groups())


def create_work(job, device):
    # Only now that PyTorch is known to be new enough for what they import.
    from pytorch_gpt import StepWork
    from pytorch_optimizer import OptimizerWork
    from pytorch_timing import CpuClock, CudaClock

    return {"optimizer": OptimizerWork, "step": StepWork}[job["work"]](job, device, CudaClock() if device == "cuda" else CpuClock())


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


def peak(device):
    if device == "cuda":
        return torch.cuda.max_memory_reserved() / 1e6
    return peak_megabytes(resource.getrusage(resource.RUSAGE_SELF))


def answer(stream, **values):
    print(json.dumps(values), file=stream, flush=True)


if __name__ == "__main__":
    sys.exit(main())
