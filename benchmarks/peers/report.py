"""What was measured, and the tables that go into benchmarks/results."""
import statistics

# What a peer's line is held against, and, where Andrea prints it, against the same as a graph.
COUNTERPARTS = {"clip": "clip, norm and scaling", "AdamW": "AdamW", "clip and AdamW": "clip and AdamW, fused", "step": "step"}
AS_A_GRAPH = ", as a graph"
WHOLE = {"optimizer": "clip and AdamW, fused", "step": "step"}
ORDER = ["clip, norm only", *(name for own in COUNTERPARTS.values() for name in (own, own + AS_A_GRAPH))]


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


def summary(rounds, key):
    """One line of the table: medians over rounds, and ratios with their range."""
    who, what = key
    line = {"medianMs": rounds.median(key), "minMs": rounds.minimum(key)}
    for field in ("gigabytesPerSecond", "tokensPerSecond", "hostMs"):
        line[field] = rounds.median(key, field)
    for name, suffix in (("ratio", ""), ("graphRatio", AS_A_GRAPH)):
        counterpart = ("Andrea", COUNTERPARTS.get(what, what) + suffix)
        if who != "Andrea" and counterpart in rounds.lines:
            ratios = rounds.ratios(key, counterpart)
            line[name], line[name + "s"] = statistics.median(ratios), ratios
    return {field: value for field, value in line.items() if value is not None}


def markdown(report, work, notes):
    """All tables, with versions and commands above them, and with what one must know and the ratios of the whole work below."""
    lines = [f"## {report['work']}", "", f"{report['machine']}.", ""]
    for each in report["contestants"]:
        peak = f"; peak memory {each['peakMegabytes']:,.0f} MB" if work == "step" and "peakMegabytes" in each else ""
        lines.append(f"- {each['version']}: `{each['command']}`{peak}")
    measured = sorted((line for line in report["lines"] if not is_ceiling(line)), key=place)
    lines += ["", *table(measured)]
    lines += ceiling_table(report)
    if any("gigabytesPerSecond" in line for line in measured):
        notes = [
            "GB/s counts what each way of working has to move: fused, clip and AdamW move 32 bytes a parameter, one after the other 40. "
            "Compare times.", *notes]
    lines += ["", *notes] if notes else []
    whole = [line for line in measured if "ratio" in line and COUNTERPARTS.get(line["what"], line["what"]) == WHOLE[work]]
    lines += ["", *(closing(line) for line in sorted(whole, key=lambda line: line["ratio"]))] if whole else []
    return "\n".join(lines) + "\n"


def place(line):
    """Where a line stands in the table; what nobody here knows stands at the end."""
    name = COUNTERPARTS.get(line["what"], line["what"])
    return ORDER.index(name) if name in ORDER else len(ORDER)


def closing(line):
    graph = f"; {line['graphRatio']:.2f} times its graph's" if "graphRatio" in line else ""
    return f"{line['who']}: {line['ratio']:.2f} times Andrea's time{graph}."


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
            "times Andrea's (over rounds)": spread(line, "ratio"),
            "times its graph's (over rounds)": spread(line, "graphRatio"),
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


def spread(line, field):
    return f"{line[field]:.2f} ({min(line[field + 's']):.2f} to {max(line[field + 's']):.2f})" if field in line else ""


def is_ceiling(line):
    return line["who"] == "memory" or line["who"].endswith(", memory")


def ceiling_table(report):
    """What the memory gives at all, and which share of it Andrea's optimizer takes."""
    ceilings = [line for line in report["lines"] if is_ceiling(line)]
    own = {line["what"]: line["gigabytesPerSecond"] for line in report["lines"] if line["who"] == "Andrea" and "gigabytesPerSecond" in line}
    parts = [part for part in ("clip, norm only", "AdamW", WHOLE["optimizer"], WHOLE["optimizer"] + AS_A_GRAPH) if part in own]
    if not ceilings or not parts:
        return []
    rows = [["memory", "GB/s", *(f"Andrea: {part}" for part in parts)]]
    for line in ceilings:
        shares = [f"{own[part] / line['gigabytesPerSecond']:.0%}" for part in parts]
        rows.append([line["what"], number(line, "gigabytesPerSecond", 1), *shares])
    return ["", *framed(rows)]
