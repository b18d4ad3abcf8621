"""Times what PyTorch does: by the wall clock on a CPU, by CUDA events on a GPU."""
import statistics
import time

import torch

WARMUP_CALLS, WARMUP_SECONDS = 3, 0.5
# On a GPU one measurement is the mean of a batch of calls without a wait in between, as a training loop issues them.
BATCH_MILLISECONDS, LARGEST_BATCH = 20.0, 1000
HOST_CALLS = 20


class CpuClock:
    """Every call is one measurement."""

    def warm_up(self, action):
        started, calls = time.perf_counter(), 0
        while calls < WARMUP_CALLS or time.perf_counter() - started < WARMUP_SECONDS:
            action()
            calls += 1

    def measure(self, action, repetitions):
        """Milliseconds of each repetition, after one that is not counted: others had the machine, and its caches, since the last turn."""
        action()
        return [self._once(action) for _ in range(repetitions)]

    def host(self, action):
        """Milliseconds until a call returns; None where nothing goes on after it."""
        return None

    def _once(self, action):
        started = time.perf_counter()
        action()
        return 1000 * (time.perf_counter() - started)


class CudaClock:
    """A batch of calls between two events is one measurement."""

    def warm_up(self, action):
        CpuClock().warm_up(lambda: (action(), torch.cuda.synchronize()))

    def measure(self, action, repetitions):
        batch = max(1, min(LARGEST_BATCH, int(BATCH_MILLISECONDS / max(1e-3, self._batch(action, 1)))))
        return [self._batch(action, batch) for _ in range(repetitions)]

    def host(self, action):
        """Milliseconds that a call keeps the host busy, from an idle GPU on."""
        times = []
        for _ in range(HOST_CALLS):
            torch.cuda.synchronize()
            times.append(CpuClock()._once(action))
        torch.cuda.synchronize()
        return statistics.median(times)

    def _batch(self, action, calls):
        first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        first.record()
        for _ in range(calls):
            action()
        last.record()
        last.synchronize()
        return first.elapsed_time(last) / calls


def result(name, milliseconds, **others):
    """One line of results, as `andrea bench --json` writes them. Others are left out where they are None."""
    line = {"name": name, "medianMs": statistics.median(milliseconds), "minMs": min(milliseconds), **others}
    return {key: value for key, value in line.items() if value is not None}


def bandwidth(count, milliseconds):
    """GB/s for a number of bytes and the median time."""
    return count / 1e6 / statistics.median(milliseconds)
