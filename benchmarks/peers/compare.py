#!/usr/bin/env python3
"""Times Andrea and its peers by turns in one run, and prints how many times slower the peers are.

    compare.py optimizer --preset andrea120m
    compare.py step --preset andrea12m --batch 4 --context 256
    compare.py step --preset gpt2small --batch 4 --context 64 --peer 'llm.c=./bench_gpt2 3'

A round times Andrea, then PyTorch, then the other peers, then (optimizer, CPU) the memory's bandwidth, so that a disturbance of the machine
hits them alike; ratios are taken within rounds, and their median is printed. Needs Python 3.9, a built Andrea (dotnet build -c Release) and, to
have something to compare with, a Python with PyTorch 2.4 or newer, or a program for --peer that prints JSON as `andrea bench --json` does.

Exit status: 0 something was compared, 1 something failed, 2 wrong usage, 3 Andrea was timed but there was nothing to compare it with.
"""
import argparse
import json
import os
import platform
import shlex
import shutil
import sys

from contestants import Failure, Program, PyTorch, ROOT, parse, run, say, shown
from report import Rounds, markdown, summary

ANDREA = os.path.join(ROOT, "src", "Andrea.Cli", "bin", "Release", "net10.0", "Andrea.Cli.dll")
BENCHMARKS = os.path.join(ROOT, "benchmarks", "Andrea.Benchmarks", "bin", "Release", "net10.0", "Andrea.Benchmarks.dll")
NOTHING_TO_COMPARE = 3


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
    andrea = Program(
        "Andrea", andrea_command + andrea_arguments(options, batch, context), ["parameters", "processor", "device", "andreaVersion"])
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
    try:
        write(report, options.json)
    finally:
        print(markdown(report, options.work, notes(options, report)))
    if any("ratio" in line for line in report["lines"]):
        return 0
    if pytorch or peers:
        say("Nothing was compared: no peer printed a line of a name that Andrea's lines have. benchmarks/README.md names them.")
    return NOTHING_TO_COMPARE


def write(report, path):
    """Before anything else is made of it, so that no measurement is lost."""
    if not path:
        return
    try:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=2)
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}.") from error


def notes(options, report):
    """What the table does not say itself."""
    variants = [line["who"] for line in report["lines"] if line["who"].startswith("PyTorch")]
    if options.work == "step" and variants and not any("torch.compile" in who for who in variants):
        return ["PyTorch was timed eagerly, not under torch.compile."]
    return []


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
    parser.add_argument(
        "--compile", action=argparse.BooleanOptionalAction, default=None, help="times PyTorch's step under torch.compile, too (default: on cuda)")
    parser.add_argument("--no-pytorch", action="store_true")
    parser.add_argument("--peer", type=named_command, action="append", default=[], metavar="NAME=COMMAND", help="another program; may be repeated")
    parser.add_argument("--peer-rounds", type=positive, default=1 << 30, metavar="N", help="in how many rounds those take part (default: all)")
    parser.add_argument("--andrea", type=shlex.split, metavar="COMMAND", help="the andrea command (default: this repository's Release build)")
    parser.add_argument("--benchmarks", type=shlex.split, metavar="COMMAND", help="the Andrea.Benchmarks program (default likewise)")
    parser.add_argument("--python", type=shlex.split, metavar="COMMAND", help="a Python with PyTorch (default: the first that is found)")
    parser.add_argument("--json", metavar="FILE", type=writable, help="also writes everything that was measured")
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
    name, _, command = text.partition("=")
    if not (name and command.strip()):
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=COMMAND")
    if name in ("Andrea", "PyTorch", "memory"):
        raise argparse.ArgumentTypeError(f"the name '{name}' is taken")
    return name, shlex.split(command)


def writable(path):
    """Checked before minutes of measuring, not after them."""
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path) or not os.access(path if os.path.exists(path) else folder, os.W_OK):
        raise argparse.ArgumentTypeError(f"'{path}' cannot be written")
    return path


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
        "tf32": options.tf32, "compile": options.device == "cuda" if options.compile is None else options.compile,
    }
    say("PyTorch warms up")
    return PyTorch(command, job, {"OMP_NUM_THREADS": str(options.threads)} if options.device == "cpu" else {})


def find_python(given):
    """The first interpreter that can import torch."""
    candidates = [given] if given else [[sys.executable], ["python3"], ["python"], ["/usr/bin/python3"]]
    for candidate in candidates:
        if shutil.which(candidate[0]) and imports_torch(candidate):
            return candidate
    if given:
        raise Failure(f"{shown(given)} cannot import torch. Name a Python that can, or leave --python out.")
    tried = ", ".join(shown(candidate) for candidate in candidates)
    say(f"No Python with PyTorch was found, so Andrea is not compared with it. Tried: {tried}. Install PyTorch, or name its Python with --python.")
    return None


def imports_torch(python):
    try:
        return run([*python, "-c", "import torch"]).returncode == 0
    except Failure:
        return False


def find_preset(name, benchmarks_command):
    """Sizes and shapes, as Andrea itself gives them."""
    command = benchmarks_command + ["presets"]
    process = run(command)
    if process.returncode != 0:
        raise Failure(f"{shown(command)} failed: {process.stderr.strip()}")
    presets = parse(process.stdout, command)
    if not (isinstance(presets, list) and all(isinstance(preset, dict) and "name" in preset for preset in presets)):
        raise Failure(f"{shown(command)} did not print a list of presets.")
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
    except Failure:
        return "unknown"


def processors():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main())
