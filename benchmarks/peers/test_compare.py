#!/usr/bin/env python3
"""Tests compare.py with programs that print numbers made up: python3 -m unittest discover benchmarks/peers"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))

ANDREA = """
import json
print(json.dumps({"parameters": 7, "processor": "a processor", "device": "CPU, 2 threads", "andreaVersion": "0.1.0", "results": [
    {"name": "clip, norm only", "medianMs": 1, "minMs": 1, "gigabytesPerSecond": 40},
    {"name": "AdamW", "medianMs": 2, "minMs": 2, "gigabytesPerSecond": 40},
    {"name": "clip and AdamW, fused", "medianMs": 3, "minMs": 2.5, "gigabytesPerSecond": 40}]}))
"""
BENCHMARKS = """
import json, sys
presets = [{"name": "chars", "batchSize": 12, "contextLength": 64}]
bandwidth = {"results": [{"name": "triad", "medianMs": 1, "minMs": 1, "gigabytesPerSecond": 50}]}
print(json.dumps(presets if sys.argv[1] == "presets" else bandwidth))
"""
PYTORCH = """
import json, sys
if sys.argv[1] == "-c":
    sys.exit(0)
json.loads(sys.stdin.readline())
print(json.dumps({"version": "PyTorch 9", "device": "CPU"}), flush=True)
for line in sys.stdin:
    results = [{"name": "clip and AdamW", "variant": "fused", "medianMs": 9, "minMs": 9}]
    print(json.dumps({"results": results, "peakMegabytes": 1}), flush=True)
"""
PEER = """
import json
print(json.dumps({"version": "Other 1", "results": [{"name": "clip and AdamW", "medianMs": 6, "minMs": 6}]}))
"""
BROKEN = "import sys; sys.exit(4)"


class CompareTests(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.andrea, self.benchmarks, self.broken = self.program(ANDREA), self.program(BENCHMARKS), self.program(BROKEN)

    def test_pytorch_is_timed_by_turns_and_its_ratio_printed(self):
        process = self.compare("--python", self.program(PYTORCH))
        self.assertEqual(0, process.returncode, process.stderr)
        self.assertIn("PyTorch, fused: 3.00 times Andrea's time.", process.stdout)
        self.assertIn("| triad | 50.0 | 80% | 80% | 80% |", process.stdout)

    def test_without_torch_andrea_is_timed_and_the_reason_said(self):
        with open(os.path.join(self.folder.name, "torch.py"), "w", encoding="utf-8") as file:
            file.write("raise ImportError('hides what is installed')")
        process = self.compare(PYTHONPATH=self.folder.name)
        self.assertEqual(3, process.returncode, process.stderr)
        self.assertIn("No Python with PyTorch was found", process.stderr)
        self.assertIn("| clip and AdamW, fused | Andrea | 3.000 | 2.500 | 40.0 |", process.stdout)

    def test_other_programs_are_compared_in_the_rounds_asked_for(self):
        path = os.path.join(self.folder.name, "report.json")
        process = self.compare("--no-pytorch", "--peer", f"other={self.program(PEER)}", "--peer-rounds", "1", "--json", path)
        self.assertEqual(0, process.returncode, process.stderr)
        self.assertIn("other: 2.00 times Andrea's time.", process.stdout)
        with open(path, encoding="utf-8") as file:
            rounds = {(line["who"], line["what"]): len(line["rounds"]) for line in json.load(file)["lines"]}
        self.assertEqual((2, 1), (rounds["Andrea", "clip and AdamW, fused"], rounds["other", "clip and AdamW"]))

    def test_failures_are_named(self):
        for arguments, message in [
            (("--preset", "none"), "There is no preset 'none'. Choose one of chars."),
            (("--python", self.broken), "cannot import torch"),
            (("--no-pytorch", "--peer", f"other={self.broken}"), "failed with status 4"),
        ]:
            process = self.compare(*arguments)
            self.assertEqual(1, process.returncode, process.stderr)
            self.assertIn(message, process.stderr)

    def compare(self, *arguments, **environment):
        command = [sys.executable, os.path.join(HERE, "compare.py"), "optimizer", "--rounds", "2"]
        return subprocess.run(
            [*command, "--andrea", self.andrea, "--benchmarks", self.benchmarks, *arguments],
            capture_output=True, text=True, check=False, env={**os.environ, **environment})

    def program(self, text):
        descriptor, path = tempfile.mkstemp(suffix=".py", dir=self.folder.name)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        return f"{sys.executable} {path}"


if __name__ == "__main__":
    unittest.main()
