#!/usr/bin/env python3
"""Tests compare.py with programs that print numbers made up: python3 -m unittest discover -s benchmarks/peers"""
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import unittest

import peak_memory

HERE = os.path.dirname(os.path.abspath(__file__))

# Every program writes its letter down when its turn comes, and has another time in every round. Minima would give other ratios than medians.
TURN = """
import json, os, sys
def turn(letter, times):
    with open(os.environ["TURNS"], "a+") as file:
        file.write(letter)
        file.seek(0)
        return times[file.read().count(letter) - 1]
"""
ANDREA = TURN + """
fused = turn("A", [2, 3, 10])
lines = [
    {"name": "clip and AdamW, fused", "medianMs": fused, "minMs": 1.5, "gigabytesPerSecond": 40},
    {"name": "clip, norm only", "medianMs": 1, "minMs": 1, "gigabytesPerSecond": 40},
    {"name": "AdamW", "medianMs": 2, "minMs": 2, "gigabytesPerSecond": 40}]
if "cuda" in sys.argv:
    lines.append({"name": "clip and AdamW, fused, as a graph", "medianMs": fused / 2, "minMs": 0.5, "gigabytesPerSecond": 80, "hostMs": 0.1})
if "step" in sys.argv:
    lines = [{"name": "step", "medianMs": 5, "minMs": 4, "tokensPerSecond": 100}, {"name": "linear forward", "medianMs": 1, "minMs": 1}]
print(json.dumps({"parameters": 7, "processor": "a processor", "device": "CPU, 2 threads", "andreaVersion": "0.1.0", "results": lines}))
"""
BENCHMARKS = """
import json, sys
presets = [{"name": "chars", "batchSize": 12, "contextLength": 64}]
bandwidth = {"results": [{"name": "triad", "medianMs": 1, "minMs": 1, "gigabytesPerSecond": 50}]}
print(json.dumps(presets if sys.argv[1] == "presets" else bandwidth))
"""
PYTORCH = TURN + """
if sys.argv[1] == "-c":
    sys.exit(0)
job = json.loads(sys.stdin.readline())
print(json.dumps({"version": "PyTorch 9", "device": "CPU"}), flush=True)
if job["work"] == "optimizer":
    whole = {"name": "clip and AdamW", "variant": "fused", "minMs": 1}
else:
    whole = {"name": "step", "variant": "torch.compile" if job["compile"] else "eager", "minMs": 1}
for line in sys.stdin:
    results = [{**whole, "medianMs": turn("P", [8, 6, 30])}]
    print(json.dumps({"results": results, "peakMegabytes": 1}), flush=True)
"""
MORTAL_PYTORCH = """
import json, sys
if sys.argv[1] == "-c":
    sys.exit(0)
json.loads(sys.stdin.readline())
print(json.dumps({"version": "PyTorch 9", "device": "CPU"}), flush=True)
sys.exit(7)
"""
PEER = TURN + """
results = [{"name": "clip and AdamW", "medianMs": turn("O", [6, 6]), "minMs": 6}, {"name": "something else", "medianMs": 1, "minMs": 1}]
print(json.dumps({"version": "Other 1", "results": results}))
"""
BROKEN = "import sys; sys.exit(4)"


class CompareTests(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.turns = os.path.join(self.folder.name, "turns")
        self.andrea, self.benchmarks, self.broken = self.program(ANDREA), self.program(BENCHMARKS), self.program(BROKEN)

    def test_pytorch_is_timed_by_turns_and_the_median_of_ratios_printed(self):
        process = self.compare("--python", self.program(PYTORCH), "--rounds", "3")
        self.assertEqual(0, process.returncode, process.stderr)
        with open(self.turns, encoding="utf-8") as file:
            self.assertEqual("APAPAP", file.read())
        # 8/2, 6/3, 30/10. The medians' ratio would be 8/3, that of the minima 1/1.5.
        self.assertIn("| clip and AdamW | PyTorch, fused | 8.000 | 1.000 |  | 3.00 (2.00 to 4.00) |", process.stdout)
        self.assertIn("PyTorch, fused: 3.00 times Andrea's time.\n", process.stdout)
        self.assertIn("| triad | 50.0 | 80% | 80% | 80% |", process.stdout)
        self.assertIn("move 32 bytes a parameter, one after the other 40", process.stdout)

    def test_the_graph_of_a_gpu_is_compared_beside_the_launches(self):
        process = self.compare("--python", self.program(PYTORCH), "--device", "cuda")
        self.assertEqual(0, process.returncode, process.stderr)
        self.assertIn("| clip and AdamW, fused, as a graph | Andrea | 1.250 | 0.500 | 80.0 | 0.100 |  |  |", process.stdout)
        self.assertIn("PyTorch, fused: 3.00 times Andrea's time; 6.00 times its graph's.", process.stdout)

    def test_steps_say_whether_pytorch_was_compiled(self):
        for arguments, variant, eagerly in [((), "eager", True), (("--compile",), "torch.compile", False)]:
            process = self.compare("--python", self.program(PYTORCH), *arguments, work="step")
            self.assertEqual(0, process.returncode, process.stderr)
            self.assertIn(f"| step | PyTorch, {variant} |", process.stdout)
            self.assertNotIn("linear forward", process.stdout)
            self.assertEqual(eagerly, "timed eagerly, not under torch.compile" in process.stdout)

    def test_without_torch_andrea_is_timed_and_the_reason_said(self):
        self.torch("raise ImportError('hides what is installed')")
        process = self.compare(PYTHONPATH=self.folder.name)
        self.assertEqual(3, process.returncode, process.stderr)
        self.assertIn("No Python with PyTorch was found", process.stderr)
        self.assertIn("| clip and AdamW, fused | Andrea | 2.500 | 1.500 | 40.0 |", process.stdout)

    def test_an_old_pytorch_is_refused(self):
        self.torch("__version__ = '2.3.1+cpu'")
        process = self.compare("--python", sys.executable, PYTHONPATH=self.folder.name)
        self.assertEqual(1, process.returncode, process.stderr)
        self.assertIn("PyTorch 2.3.1+cpu is too old to be compared with: 2.4 or newer is needed.", process.stderr)

    def test_other_programs_are_compared_in_the_rounds_asked_for(self):
        path = os.path.join(self.folder.name, "report.json")
        process = self.compare("--no-pytorch", "--peer", f"other={self.program(PEER)}", "--peer-rounds", "1", "--json", path)
        self.assertEqual(0, process.returncode, process.stderr)
        self.assertIn("other: 3.00 times Andrea's time.", process.stdout)
        # A name that nobody knows is shown, at the end, and compared with nothing.
        self.assertIn("| something else | other | 1.000 | 1.000 |  |  |\n\n", process.stdout)
        with open(path, encoding="utf-8") as file:
            rounds = {(line["who"], line["what"]): len(line["rounds"]) for line in json.load(file)["lines"]}
        self.assertEqual((2, 1), (rounds["Andrea", "clip and AdamW, fused"], rounds["other", "clip and AdamW"]))

    def test_peers_without_a_line_of_a_known_name_are_no_comparison(self):
        for results in ([], [{"name": "something else", "medianMs": 1, "minMs": 1}]):
            process = self.compare("--no-pytorch", "--peer", f"other={self.printing({'results': results})}", "--rounds", "1")
            self.assertEqual(3, process.returncode, process.stderr)
            self.assertIn("Nothing was compared", process.stderr)

    def test_failures_are_named(self):
        line = {"name": "AdamW", "medianMs": 1, "minMs": 1}
        for arguments, message in [
            (("--preset", "none"), "There is no preset 'none'. Choose one of chars."),
            (("--python", self.broken), "cannot import torch"),
            (("--python", self.program(MORTAL_PYTORCH)), "PyTorch's process ended with status 7"),
            (("--no-pytorch", "--peer", f"other={self.broken}"), "failed with status 4"),
            (("--no-pytorch", "--peer", "other=/nonexistent/peer"), "/nonexistent/peer could not be started: No such file"),
            (("--no-pytorch", "--peer", f"other={self.printing({})}"), "printed JSON without results"),
            (("--no-pytorch", "--peer", f"other={self.printing([])}"), "printed JSON without results"),
            (("--no-pytorch", "--peer", f"other={self.printing({'results': [{**line, 'minMs': 0}]})}"), "Expected is a name, medianMs"),
            (("--no-pytorch", "--peer", f"other={self.printing({'results': [{**line, 'hostMs': 'x'}]})}"), "Expected is a name, medianMs"),
            (("--no-pytorch", "--andrea", self.printing({"results": [line]})), "without parameters, processor, device, andreaVersion"),
            (("--benchmarks", "/nonexistent/benchmarks"), "/nonexistent/benchmarks presets could not be started"),
            (("--benchmarks", self.printing({"results": []})), "did not print a list of presets"),
        ]:
            process = self.compare(*arguments, "--rounds", "1")
            self.assertEqual(1, process.returncode, process.stderr)
            self.assertIn("error: ", process.stderr)
            self.assertIn(message, process.stderr)
            self.assertNotIn("Traceback", process.stderr)

    def test_wrong_usage_is_said_before_anything_is_measured(self):
        for arguments, message in [
            (("--peer", "other= "), "is not NAME=COMMAND"),
            (("--peer", "=command"), "is not NAME=COMMAND"),
            (("--peer", "memory=command"), "the name 'memory' is taken"),
            (("--json", "/nonexistent/report.json"), "cannot be written"),
            (("--json", self.folder.name), "cannot be written"),
            (("--tf32",), "--tf32 needs --device cuda"),
        ]:
            process = self.compare(*arguments)
            self.assertEqual(2, process.returncode, process.stderr)
            self.assertIn(message, process.stderr)
            self.assertFalse(os.path.exists(self.turns))

    def test_peak_memory_is_in_megabytes_on_every_system(self):
        megabytes = peak_memory.peak_megabytes(resource.getrusage(resource.RUSAGE_SELF))
        self.assertTrue(4 < megabytes < 1000, megabytes)

    def compare(self, *arguments, work="optimizer", **environment):
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.turns)
        command = [sys.executable, os.path.join(HERE, "compare.py"), work, "--rounds", "2"]
        return subprocess.run(
            [*command, "--andrea", self.andrea, "--benchmarks", self.benchmarks, *arguments],
            capture_output=True, text=True, check=False, env={**os.environ, "TURNS": self.turns, **environment})

    def printing(self, report):
        return self.program(f"print({json.dumps(report)!r})")

    def program(self, text):
        descriptor, path = tempfile.mkstemp(suffix=".py", dir=self.folder.name)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        return f"{sys.executable} {path}"

    def torch(self, text):
        """A module of that name, for a PYTHONPATH of the folder."""
        with open(os.path.join(self.folder.name, "torch.py"), "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    unittest.main()
