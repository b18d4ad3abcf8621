"""The format of the golden files, and the input values that Python and C# compute alike (C# side: GoldenFile.cs, GoldenFormula.cs).

A file is JSON: where it came from, and a list of cases. A case has numbers, series of numbers, lists of integers, inputs and
outputs. An input is a formula (seed, scale, offset), so that files stay small; an output is base64 of little-endian float32, every
n-th element of it.
"""
import base64
import json
import pathlib
import re
import zlib

import numpy
import torch

SEED = 20250611
FOLDER = pathlib.Path(__file__).parent


def random_bits(seed, count):
    """24 random bits for each index: SplitMix64 (Steele, Lea, Flood 2014), its state a function of seed and index."""
    with numpy.errstate(over="ignore"):
        z = numpy.uint64(seed) + (numpy.arange(count, dtype=numpy.uint64) + numpy.uint64(1)) * numpy.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        return (z ^ (z >> numpy.uint64(31))) >> numpy.uint64(40)


def uniform(seed, count, scale, offset):
    """float32 values in [offset - scale / 2, offset + scale / 2); computed in double, rounded once."""
    return ((random_bits(seed, count).astype(numpy.float64) / 2**24 - 0.5) * scale + offset).astype(numpy.float32)


class Case:
    """One named set of inputs with what PyTorch makes of them."""

    def __init__(self, name, **numbers):
        self.data = {"name": name, "numbers": numbers, "series": {}, "integers": {}, "inputs": {}, "outputs": {}}

    def seed_of(self, name):
        return SEED + zlib.crc32(f"{self.data['name']}/{name}".encode())

    def input(self, name, *shape, scale=2.0, offset=0.0):
        """A float64 leaf tensor whose values are exactly float32."""
        seed = self.seed_of(name)
        self.data["inputs"][name] = {"shape": list(shape), "seed": seed, "scale": scale, "offset": offset}
        values = uniform(seed, int(numpy.prod(shape)), scale, offset).astype(numpy.float64)
        return torch.from_numpy(values).reshape(shape).requires_grad_()

    def integers(self, name, *shape, bound):
        """Integers in [0, bound), stored as they are."""
        count = int(numpy.prod(shape))
        values = (random_bits(self.seed_of(name), count) % numpy.uint64(bound)).astype(numpy.int64)
        self.data["integers"][name] = values.tolist()
        return torch.from_numpy(values).reshape(shape)

    def numbers(self, **numbers):
        self.data["numbers"].update(numbers)

    def series(self, **series):
        self.data["series"].update(series)

    def outputs(self, every=1, **tensors):
        for name, tensor in tensors.items():
            values = tensor.detach().numpy().astype("<f4").reshape(-1)
            assert numpy.isfinite(values).all(), f"{self.data['name']}/{name} is not finite"
            encoded = base64.b64encode(values[::every].tobytes()).decode()
            self.data["outputs"][name] = {"shape": list(tensor.shape), "every": every, "float32": encoded}


def write(file_name, about, cases):
    """Writes one golden file, and says what it holds."""
    document = {
        "about": about,
        "script": "tests/Andrea.Tests/Golden/make_golden.py",
        "torch": torch.__version__,
        "seed": SEED,
        "formula": uniform(SEED, 8, 2.0, 0.25).astype(numpy.float64).tolist(),
        "cases": [case.data for case in cases],
    }
    names = [case["name"] for case in document["cases"]]
    assert len(set(names)) == len(names), "two cases have one name"
    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    text = re.sub(r"\[\n[^\[\]{}]*\]", lambda numbers: " ".join(numbers[0].split()), text)
    (FOLDER / file_name).write_text(text)
    print(f"{file_name}: {len(cases)} cases, {len(text) / 1024:.0f} KiB")
