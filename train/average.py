"""The mean of several checkpoints of one network (``python -m train average A.pt B.pt -o OUT.pt``).

Checkpoints of one run at a constant rate, or of runs that began at the same weights, lie around one
minimum; their mean is often nearer to it than any of them.
Source: Averaging Weights Leads to Wider Optima and Better Generalization (Izmailov et al., 2018),
Model soups (Wortsman et al., 2022).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from dwpose_annotator.files import write_atomic
from dwpose_annotator.models.convert import load_state_dict


def averaged(checkpoints: Sequence[Path]) -> dict[str, Tensor]:
    """The weights in the middle of several checkpoints, BatchNorm statistics included.

    Args:
        checkpoints: of the same network, ours or the original's; the averaged weights of a run
            (its ``model.pt``) are meant.

    Returns:
        State dictionary; integers are those of the first checkpoint.

    Raises:
        FileNotFoundError: no such file.
        WeightsError: a file is damaged.
        ValueError: fewer than two files, or they hold different networks; names the first entry
            that differs.
    """
    if len(checkpoints) < 2:
        raise ValueError(f"expected two or more checkpoints to average, got {len(checkpoints)}")
    first = load_state_dict(checkpoints[0])
    sums = {
        name: value.to(torch.float64, copy=True)
        for name, value in first.items()
        if value.is_floating_point()
    }
    for path in checkpoints[1:]:
        state = load_state_dict(path)
        _check_same_network(first, state, names=(checkpoints[0], path))
        for name, total in sums.items():
            total += state[name]
    means = {name: (total / len(checkpoints)).to(first[name].dtype) for name, total in sums.items()}
    return {**first, **means}


def _check_same_network(
    first: dict[str, Tensor], other: dict[str, Tensor], *, names: tuple[Path, Path]
) -> None:
    for entry in [*first, *other]:
        shapes = [tuple(state[entry].shape) if entry in state else None for state in (first, other)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"only checkpoints of one network can be averaged: {entry} is {shapes[0]} in "
                f"{names[0]} and {shapes[1]} in {names[1]} (None: not there)"
            )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train average``."""
    parser.add_argument("checkpoints", type=Path, nargs="+", help="of one network (.pt, .pth)")
    parser.add_argument("-o", "--output", type=Path, required=True, help="checkpoint to write")


def run(arguments: argparse.Namespace) -> None:
    """``python -m train average CKPT CKPT... -o OUT``."""
    state = averaged(arguments.checkpoints)
    write_atomic(arguments.output, lambda file: torch.save({"model": state}, file))
    print(f"{arguments.output}: mean of {len(arguments.checkpoints)} checkpoints")
