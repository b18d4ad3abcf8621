"""Andrea and her peers as processes that measure when it is their turn."""
import json
import os
import re
import shlex
import subprocess
import sys

from peak_memory import peak_megabytes

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

OPTIONAL = ("gigabytesPerSecond", "tokensPerSecond", "hostMs")


class Failure(Exception):
    """For people; the message says what to do."""


class Program:
    """A program that is started anew in every round and prints one JSON object."""

    def __init__(self, name, command, described=()):
        """What it prints is checked to have results, and texts or numbers under the names in described."""
        self.name, self.command, self.described = name, command, described
        self.version, self.peak_megabytes = name, None

    def measure(self):
        process = start(self.command, stdout=subprocess.PIPE)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise Failure(f"{shown(self.command)} failed with status {process.returncode}.")
        self.peak_megabytes = max(self.peak_megabytes or 0, peak_megabytes(usage))
        report = checked(parse(output, self.command), self.command, self.described)
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
        report = checked(self._ask({"measure": repetitions}), self.command, ["peakMegabytes"])
        self.peak_megabytes = report["peakMegabytes"]
        return report

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            # It died with a question unread. That was said, or will be, where its answer was missed.
            pass
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
        report = parse(line, self.command)
        if "error" in report:
            raise Failure(report["error"])
        return report


def start(command, **options):
    try:
        return subprocess.Popen(command, text=True, encoding="utf-8", **options)
    except OSError as error:
        raise unstarted(command, error) from error


def run(command, **options):
    try:
        return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, **options)
    except OSError as error:
        raise unstarted(command, error) from error


def unstarted(command, error):
    return Failure(f"{shown(command)} could not be started: {error.strerror}.")


def parse(output, command):
    try:
        return json.loads(output)
    except ValueError as error:
        raise Failure(f"{shown(command)} did not print JSON, but: {output[:200]!r}") from error


def checked(report, command, described):
    """A report, if it is one; where something is missing that is needed later, it is better said at once."""
    if not isinstance(report, dict) or not isinstance(report.get("results"), list):
        raise Failure(f"{shown(command)} printed JSON without results. Expected is an object with results, as `andrea bench --json` prints it.")
    missing = [name for name in described if not isinstance(report.get(name), (str, int, float))]
    if missing:
        raise Failure(f"{shown(command)} printed JSON without {', '.join(missing)}.")
    for line in report["results"]:
        if not is_result(line):
            raise Failure(
                f"{shown(command)} printed the result {json.dumps(line)}. Expected is a name, medianMs and minMs above 0, and whatever else "
                f"of {', '.join(OPTIONAL)} there is, above 0, too.")
    return report


def is_result(line):
    return (
        isinstance(line, dict) and isinstance(line.get("name"), str) and is_positive(line.get("medianMs")) and is_positive(line.get("minMs"))
        and all(is_positive(line[field]) for field in OPTIONAL if field in line))


def is_positive(value):
    return isinstance(value, (int, float)) and value > 0


def shown(command):
    """A command as one would type it, with this repository's files relative to it."""
    return re.sub(re.escape(ROOT + os.sep), "", " ".join(shlex.quote(part) for part in command))


def say(message):
    print(message, file=sys.stderr, flush=True)
