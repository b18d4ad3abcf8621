#!/usr/bin/env python3
"""Writes the golden files of this folder with PyTorch. See README.md before you run it."""
import itertools

import torch

import golden_gpt
import golden_ops
import golden_optim
from golden_files import write


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for file_name, about, cases in itertools.chain(golden_ops.cases(), golden_optim.cases(), golden_gpt.cases()):
        write(file_name, about, cases)


if __name__ == "__main__":
    main()
