"""Plain model checkpoints out of the original code's distillation checkpoints.

The original keeps teacher and student in one module, so its checkpoints need this step; checkpoints
written by this project do not.
Source: pth_transfer.py of IDEA-Research/DWPose and tools/misc/pth_transfer.py of open-mmlab/mmpose.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch

from dwpose_annotator.files import write_atomic
from dwpose_annotator.models.convert import load_checkpoint

Value = TypeVar("Value")
Variant = Literal["idea", "mmpose"]

# Key prefix -> what replaces it; every other key is dropped. Plain text: no dot need follow.
_STAGE_1 = {"student.": ""}
_STAGE_2 = {"teacher.backbone": "backbone", "student.head": "head"}
_STAGE_2_MMPOSE = {
    "teacher.backbone": "backbone",
    "teacher.neck": "neck",
    "student.head": "head",
    "distill_losses.loss_mgd.down": "head.down",
}


def transfer_state_dict(
    state_dict: Mapping[str, Value], *, two_dis: bool = False, variant: Variant = "mmpose"
) -> dict[str, Value]:
    """The entries of the model that a distillation run trained, renamed, in their order.

    Args:
        state_dict: keys ``teacher.*``, ``student.*``, ``distill_losses.*``.
        two_dis: second stage: the teacher's backbone with the student's head; else the student.
        variant: mmpose's script also moves a teacher's neck and a masked-distillation layer, which
            no DWPose model has.
    """
    stage_2 = _STAGE_2_MMPOSE if variant == "mmpose" else _STAGE_2
    renames = stage_2 if two_dis else _STAGE_1
    kept = {}
    for key, value in state_dict.items():
        for prefix, replacement in renames.items():
            if key.startswith(prefix):
                kept[replacement + key.removeprefix(prefix)] = value
    return kept


def transfer_checkpoint(
    checkpoint: Mapping[str, Any], *, two_dis: bool = False, variant: Variant = "mmpose"
) -> dict[str, Any]:
    """A whole checkpoint: ``meta`` and the model (mmpose), or all but the optimiser (IDEA).

    Raises:
        ValueError: not a distillation checkpoint of the original code.
    """
    if "state_dict" not in checkpoint:
        raise ValueError(
            f"expected a checkpoint with a state_dict, found {sorted(checkpoint) or 'nothing'}"
        )
    model = transfer_state_dict(checkpoint["state_dict"], two_dis=two_dis, variant=variant)
    if not model:
        first = next(iter(checkpoint["state_dict"]), "nothing")
        raise ValueError(
            "expected keys teacher.* and student.*, but the state_dict begins with "
            f"{first}; a plain model needs no transfer"
        )
    if variant == "mmpose":
        return {"meta": checkpoint.get("meta", {}), "state_dict": model}
    return {
        name: model if name == "state_dict" else value
        for name, value in checkpoint.items()
        if name != "optimizer"
    }


def transfer_file(source: Path, target: Path, *, two_dis: bool = False) -> int:
    """Write the model of a distillation checkpoint as a plain checkpoint; returns its entry count.

    Raises:
        FileNotFoundError: no such checkpoint.
        ValueError: unreadable, or not a distillation checkpoint of the original code.
    """
    checkpoint = load_checkpoint(source)
    if not isinstance(checkpoint, Mapping):
        raise ValueError(f"{source} holds a {type(checkpoint).__name__}, expected a dictionary")
    plain = transfer_checkpoint(checkpoint, two_dis=two_dis)
    write_atomic(target, lambda file: torch.save(plain, file))
    return len(plain["state_dict"])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train transfer``."""
    parser.add_argument(
        "checkpoint", type=Path, help="distillation checkpoint of the original code"
    )
    parser.add_argument("out", type=Path, help="plain checkpoint to write")
    parser.add_argument(
        "--two-dis",
        action="store_true",
        help="second stage: the teacher's backbone with the student's head",
    )


def run(arguments: argparse.Namespace) -> None:
    """``python -m train transfer CKPT OUT [--two-dis]``."""
    count = transfer_file(arguments.checkpoint, arguments.out, two_dis=arguments.two_dis)
    print(f"{arguments.out}: {count} entries")
