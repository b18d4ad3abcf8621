"""How much memory a process took at most."""
import sys

# Linux counts in KB, macOS in bytes.
UNIT = 1 if sys.platform == "darwin" else 1024


def peak_megabytes(usage):
    """From what os.wait4 or resource.getrusage tell."""
    return usage.ru_maxrss * UNIT / 1e6
