#!/usr/bin/env python3
"""Times Andrea and its peers by turns in one run, and prints how many times slower the peers are.

    compare.py optimizer --preset andrea120m
    compare.py step --preset andrea12m --batch 4 --context 256
    compare.py step --preset gpt2small --batch 4 --context 64 --peer 'llm.c=./bench_gpt2 3'

A round times Andrea, then PyTorch, then the other peers, then (optimizer, CPU) the memory's bandwidth, so that a disturbance of the machine
hits them alike; ratios are taken within rounds, and their median is printed. Needs Python 3.9, a built Andrea (dotnet build -c Release) and, to
have something to compare with, a Python with PyTorch, or a program for --peer that prints JSON as `andrea bench --json` does.

Exit status: 0 something was compared, 1 something failed, 2 wrong usage, 3 Andrea was timed but there was nothing to compare it with.
"""
import argparse
import json
import os
import platform
import re
import shlex
import shutil
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
ANDREA = os.path.join(ROOT, "src", "Andrea.Cli", "bin", "Release", "net10.0", "Andrea.Cli.dll")
BENCHMARKS = os.path.join(ROOT, "benchmarks", "Andrea.Benchmarks", "bin", "Release", "net10.0", "Andrea.Benchmarks.dll")

# What a peer's line is held against.
COUNTERPARTS = {"clip": "clip, norm and scaling", "AdamW": "AdamW", "clip and AdamW": "clip and AdamW, fused", "step": "step"}
WHOLE = {"optimizer": "clip and AdamW, fused", "step": "step"}
NOTHING_TO_COMPARE = 3


class Failure(Exception):
    """For people; the message says what to do."""


class Program:
    """A program that is started anew in every round and prints one JSON object."""

    def __init__(self, name, command):
        self.name, self.command = name, command
        self.version, self.peak_megabytes = name, None

    def measure(self):
        process = start(self.command, stdout=subprocess.PIPE)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise Failure(f"{shown(self.command)} failed with status {process.returncode}.")
        self.peak_megabytes = max(self.peak_megabytes or 0, usage.ru_maxrss * 1024 / 1e6)
        report = parse(output, self.command)
        self.version = report.get("version") or self.version
        return report

    def close(self):
        pass


class PyTorch:
    """PyTorch's process, which lives for the whole run: it sets up, warms up and compiles once."""

    def __init__(self, command, job, environment):
        self.name, self.command, self.peak_megabytes = "PyTorch", command, None
        self.process = start(
            command + [os.path.join(HERE, "pytorch_peer.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **environment})
        try:
            described = self._ask(job)
        except Failure:
            self.close()
            raise
        self.version, self.device = described["version"], described["device"]

    def measure(self, repetitions):
        report = self._ask({"measure": repetitions})
        self.peak_megabytes = report["peakMegabytes"]
        return report

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def _ask(self, question):
        try:
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f"PyTorch's process ended with status {self.process.wait()}; its last words stand above.")
        report = json.loads(line)
        if "error" in report:
            raise Failure(report["error"])
        return report


class Rounds:
    """What was measured, line by line and round by round."""

    def __init__(self):
        self.lines = {}

    def add(self, who, results):
        for line in results:
            key = (who if "variant" not in line else f"{who}, {line['variant']}", line["name"])
            self.lines.setdefault(key, []).append(line)

    def median(self, key, field="medianMs"):
        values = [line[field] for line in self.lines[key] if field in line]
        return statistics.median(values) if values else None

    def minimum(self, key):
        return min(line["minMs"] for line in self.lines[key])

    def ratios(self, key, andrea):
        """How many times slower than Andrea, round by round. A peer that has fewer rounds was timed in the first ones."""
        return [line["medianMs"] / own["medianMs"] for line, own in zip(self.lines[key], self.lines[andrea])]


def main(arguments=None):
    options = parse_options(arguments)
    try:
        return compare(options)
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1


def compare(options):
    andrea_command = options.andrea or built(ANDREA)
    benchmarks_command = options.benchmarks or built(BENCHMARKS)
    preset = find_preset(options.preset, benchmarks_command)
    batch, context = options.batch or preset["batchSize"], options.context or preset["contextLength"]
    andrea = Program("Andrea", andrea_command + andrea_arguments(options, batch, context))
    peers = [Program(name, command) for name, command in options.peer]
    ceiling = bandwidth_program(options, benchmarks_command)
    pytorch = start_pytorch(options, preset, batch, context)
    rounds = Rounds()
    try:
        for number in range(options.rounds):
            say(f"round {number + 1} of {options.rounds}")
            description = andrea.measure()
            rounds.add(andrea.name, [line for line in description["results"] if options.work == "optimizer" or line["name"] == "step"])
            if pytorch:
                rounds.add(pytorch.name, pytorch.measure(options.reps)["results"])
            for peer in peers if number < options.peer_rounds else []:
                rounds.add(peer.name, peer.measure()["results"])
            if ceiling:
                rounds.add("memory", ceiling.measure()["results"])
    finally:
        if pytorch:
            pytorch.close()
    andrea.version = f"Andrea {description['andreaVersion']}, .NET SDK {dotnet_version()}"
    report = {
        "work": title(options, description, batch, context),
        "machine": f"{description['processor']}, {platform.system()} {platform.release()}; Andrea on {description['device']}",
        "contestants": [contestant(each) for each in [andrea, pytorch, *peers] if each],
        "command": shown(["benchmarks/peers/compare.py", *options.given]),
        "lines": [
            {"who": who, "what": what, "rounds": rounds.lines[(who, what)], **summary(rounds, (who, what))} for who, what in rounds.lines],
    }
    print(markdown(report, options))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=2)
    return 0 if pytorch or peers else NOTHING_TO_COMPARE


def summary(rounds, key):
    """One line of the table: medians over rounds, and ratios with their range."""
    who, what = key
    line = {"medianMs": rounds.median(key), "minMs": rounds.minimum(key)}
    for field in ("gigabytesPerSecond", "tokensPerSecond", "hostMs"):
        line[field] = rounds.median(key, field)
    counterpart = ("Andrea", COUNTERPARTS.get(what, what))
    if who != "Andrea" and counterpart in rounds.lines:
        ratios = rounds.ratios(key, counterpart)
        line["ratio"], line["ratios"] = statistics.median(ratios), ratios
    return {field: value for field, value in line.items() if value is not None}


def markdown(report, options):
    """The tables that go into benchmarks/results."""
    lines = [f"## {report['work']}", "", f"{report['machine']}.", ""]
    for each in report["contestants"]:
        peak = f"; peak memory {each['peakMegabytes']:,.0f} MB" if options.work == "step" and "peakMegabytes" in each else ""
        lines.append(f"- {each['version']}: `{each['command']}`{peak}")
    measured = [line for line in report["lines"] if not is_ceiling(line)]
    order = ["clip, norm only", *COUNTERPARTS.values()]
    measured.sort(key=lambda line: order.index(COUNTERPARTS.get(line["what"], line["what"])))
    lines += ["", *table(measured)]
    lines += ceiling_table(report, options)
    ratios = [(line["ratio"], line["who"]) for line in measured if "ratio" in line and COUNTERPARTS.get(line["what"]) == WHOLE[options.work]]
    lines += ["", *(f"{who}: {ratio:.2f} times Andrea's time." for ratio, who in sorted(ratios))]
    return "\n".join(lines) + "\n"


def table(lines):
    """Columns in which there is nothing are left out."""
    cells = [
        {
            "work": line["what"],
            "who": line["who"],
            "median ms": number(line, "medianMs", 3 if line["medianMs"] < 10 else 1),
            "min ms": number(line, "minMs", 3 if line["medianMs"] < 10 else 1),
            "GB/s": number(line, "gigabytesPerSecond", 1),
            "tokens/s": number(line, "tokensPerSecond", 0),
            "host ms": number(line, "hostMs", 3),
            "times Andrea's (over rounds)": f"{line['ratio']:.2f} ({min(line['ratios']):.2f} to {max(line['ratios']):.2f})" if "ratio" in line else "",
        }
        for line in lines]
    columns = [column for column in cells[0] if any(row[column] for row in cells)]
    rows = [columns, *([row[column] for column in columns] for row in cells)]
    return framed(rows)


def framed(rows):
    """A markdown table whose first row is the heading."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [lines[0], "|---" * len(rows[0]) + "|", *lines[1:]]


def number(line, field, digits):
    return f"{line[field]:,.{digits}f}" if field in line else ""


def is_ceiling(line):
    return line["who"] == "memory" or line["who"].endswith(", memory")


def ceiling_table(report, options):
    """What the memory gives at all, and which share of it Andrea's optimizer takes."""
    ceilings = [line for line in report["lines"] if is_ceiling(line)]
    own = {line["what"]: line["gigabytesPerSecond"] for line in report["lines"] if line["who"] == "Andrea" and "gigabytesPerSecond" in line}
    if not ceilings or WHOLE["optimizer"] not in own:
        return []
    parts = ("clip, norm only", "AdamW", WHOLE["optimizer"])
    rows = [["memory", "GB/s", *(f"Andrea: {part}" for part in parts)]]
    for line in ceilings:
        shares = [f"{own[part] / line['gigabytesPerSecond']:.0%}" for part in parts]
        rows.append([line["what"], number(line, "gigabytesPerSecond", 1), *shares])
    return ["", *framed(rows)]


def parse_options(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", choices=["optimizer", "step"])
    parser.add_argument("--preset", default="chars", metavar="NAME")
    parser.add_argument("--batch", type=positive, metavar="N", help="sequences in a batch (default: the preset's)")
    parser.add_argument("--context", type=positive, metavar="N", help="tokens in a sequence (default: the preset's)")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=positive, default=processors(), metavar="N", help="CPU threads (default: %(default)s)")
    parser.add_argument("--rounds", type=positive, default=5, metavar="N", help="how often everyone takes a turn (default: %(default)s)")
    parser.add_argument("--reps", type=positive, default=5, metavar="N", help="measurements in a turn (default: %(default)s)")
    parser.add_argument("--tf32", action="store_true", help="matrix products in TF32, for both (cuda only)")
    parser.add_argument("--no-compile", action="store_true", help="leaves torch.compile out (it is timed on cuda only)")
    parser.add_argument("--no-pytorch", action="store_true")
    parser.add_argument("--peer", type=named_command, action="append", default=[], metavar="NAME=COMMAND", help="another program; may be repeated")
    parser.add_argument("--peer-rounds", type=positive, default=1 << 30, metavar="N", help="in how many rounds those take part (default: all)")
    parser.add_argument("--andrea", type=shlex.split, metavar="COMMAND", help="the andrea command (default: this repository's Release build)")
    parser.add_argument("--benchmarks", type=shlex.split, metavar="COMMAND", help="the Andrea.Benchmarks program (default likewise)")
    parser.add_argument("--python", type=shlex.split, metavar="COMMAND", help="a Python with PyTorch (default: the first that is found)")
    parser.add_argument("--json", metavar="FILE", help="also writes everything that was measured")
    options = parser.parse_args(arguments)
    options.given = list(sys.argv[1:] if arguments is None else arguments)
    if options.tf32 and options.device != "cuda":
        parser.error("--tf32 needs --device cuda")
    return options


def positive(text):
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def named_command(text):
    name, separator, command = text.partition("=")
    if not (name and separator and command):
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=COMMAND")
    return name, shlex.split(command)


def andrea_arguments(options, batch, context):
    arguments = ["bench", options.work, "--json", "--preset", options.preset, "--reps", str(options.reps), "--device", options.device]
    if options.work == "step":
        arguments += ["--batch", str(batch), "--context", str(context)]
    if options.device == "cpu":
        arguments += ["--threads", str(options.threads)]
    return arguments + (["--tf32"] if options.tf32 else [])


def bandwidth_program(options, benchmarks_command):
    if options.work != "optimizer" or options.device != "cpu":
        return None
    return Program("memory", benchmarks_command + ["bandwidth", "--threads", str(options.threads), "--reps", str(options.reps)])


def start_pytorch(options, preset, batch, context):
    """PyTorch, ready to measure, or None with a note on standard error."""
    if options.no_pytorch:
        return None
    command = find_python(options.python)
    if command is None:
        return None
    job = {
        "work": options.work, "preset": preset, "batch": batch, "context": context, "device": options.device, "threads": options.threads,
        "tf32": options.tf32, "compile": options.device == "cuda" and not options.no_compile,
    }
    say("PyTorch warms up")
    return PyTorch(command, job, {"OMP_NUM_THREADS": str(options.threads)} if options.device == "cpu" else {})


def find_python(given):
    """The first interpreter that can import torch."""
    candidates = [given] if given else [[sys.executable], ["python3"], ["python"], ["/usr/bin/python3"]]
    for candidate in candidates:
        if shutil.which(candidate[0]) and run([*candidate, "-c", "import torch"]).returncode == 0:
            return candidate
    if given:
        raise Failure(f"{shown(given)} cannot import torch. Name a Python that can, or leave --python out.")
    tried = ", ".join(shown(candidate) for candidate in candidates)
    say(f"No Python with PyTorch was found, so Andrea is not compared with it. Tried: {tried}. Install PyTorch, or name its Python with --python.")
    return None


def find_preset(name, benchmarks_command):
    """Sizes and shapes, as Andrea itself gives them."""
    command = benchmarks_command + ["presets"]
    process = run(command)
    if process.returncode != 0:
        raise Failure(f"{shown(command)} failed: {process.stderr.strip()}")
    presets = parse(process.stdout, command)
    for preset in presets:
        if preset["name"] == name:
            return preset
    raise Failure(f"There is no preset '{name}'. Choose one of {', '.join(preset['name'] for preset in presets)}.")


def built(dll):
    if not os.path.exists(dll):
        raise Failure(f"{os.path.relpath(dll, ROOT)} does not exist. Build it first: dotnet build -c Release")
    return ["dotnet", dll]


def title(options, description, batch, context):
    size = f"{options.preset}, {description['parameters']:,} parameters"
    where = "CUDA" if options.device == "cuda" else f"CPU, {options.threads} threads"
    if options.work == "optimizer":
        return f"Clip and AdamW: {size}; {where}"
    return f"Training step: {size}, batch {batch} x {context} tokens; {where}{', TF32' if options.tf32 else ''}"


def contestant(each):
    described = {"name": each.name, "version": each.version, "command": shown(each.command)}
    # On a GPU the process's memory says nothing, and only PyTorch tells of the GPU's.
    return {**described, "peakMegabytes": each.peak_megabytes} if each.peak_megabytes else described


def dotnet_version():
    try:
        return run(["dotnet", "--version"], cwd=ROOT).stdout.strip() or "unknown"
    except OSError:
        return "unknown"


def processors():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start(command, **options):
    try:
        return subprocess.Popen(command, text=True, encoding="utf-8", **options)
    except OSError as error:
        raise Failure(f"{shown(command)} could not be started: {error.strerror}.") from error


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, **options)


def parse(output, command):
    try:
        return json.loads(output)
    except ValueError as error:
        raise Failure(f"{shown(command)} did not print JSON, but: {output[:200]!r}") from error


def shown(command):
    """A command as one would type it, with this repository's files relative to it."""
    return re.sub(re.escape(ROOT + os.sep), "", " ".join(shlex.quote(part) for part in command))


def say(message):
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
