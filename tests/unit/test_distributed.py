"""Two processes compute the gradients of one process with the whole batch (gloo, CPU)."""

from __future__ import annotations

import copy
import os
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.nn.parallel import DistributedDataParallel

from dwpose_annotator.models import build_pose_model
from train.config import Distillation
from train.distill import Stage1
from train.distributed import share_batch_norm
from train.objectives import HeatmapPretraining, Objective, part_weights

BATCH = 4
OBJECTIVES = ("stage1", "heatmap")


def build(name: str) -> Objective:
    torch.manual_seed(0)
    student = build_pose_model("t")
    if name == "heatmap":
        return HeatmapPretraining(student, part_weights(body=2, feet=1, face=1, hands=1)).train()
    # A student with ordinary weights: a fresh head's logits are all but constant.
    torch.nn.init.normal_(student.head.final_layer.weight, std=0.02)
    return Stage1(student, build_pose_model("t"), Distillation(), loss_batch=BATCH).train()


def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    crops = torch.randint(0, 256, (BATCH, 64, 64, 3), dtype=torch.uint8)
    labels = torch.cat([torch.rand(BATCH, 133, 2) * 190, torch.ones(BATCH, 133, 1)], dim=-1)
    labels[0, ::2, 2] = 0  # the halves of the batch have different numbers of labels
    return crops, labels


def backward(objective: torch.nn.Module, crops: torch.Tensor, labels: torch.Tensor) -> None:
    torch.stack(list(objective(crops, labels, 0, 2).values())).sum().backward()


def one_of_two(rank: int, port: int, folder: str) -> None:
    """One process: gradients of its half of the batch, averaged by DistributedDataParallel."""
    torch.set_num_threads(1)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    dist.init_process_group("gloo", rank=rank, world_size=2)
    for name in OBJECTIVES:
        objective = build(name)
        for module in (objective, *objective.companions()):
            share_batch_norm(module, torch.device("cpu"))
        parallel = DistributedDataParallel(objective)
        backward(parallel, *(tensor[rank::2] for tensor in inputs()))
        gradients = {key: p.grad for key, p in objective.named_parameters()}
        buffers = dict(objective.model.named_buffers())
        torch.save((gradients, buffers), Path(folder) / f"{name}-{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, free_port):
    folder = tmp_path_factory.mktemp("gradients")
    mp.start_processes(one_of_two, args=(free_port, str(folder)), nprocs=2, start_method="spawn")
    return folder


@pytest.fixture(scope="module")
def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("name", OBJECTIVES)
def test_two_processes_equal_one(name, folder):
    alone = build(name)
    backward(alone, *inputs())
    largest = max(float(p.grad.norm()) for p in alone.parameters() if p.grad is not None)
    for rank in range(2):
        gradients, buffers = torch.load(folder / f"{name}-{rank}.pt", weights_only=True)
        for key, parameter in alone.named_parameters():
            if parameter.grad is None:
                assert gradients[key] is None
                continue
            difference = float((gradients[key] - parameter.grad).norm())
            # Measured: 5e-5, as much as another order of the same batch gives.
            assert difference <= 3e-4 * float(parameter.grad.norm()) + 1e-6 * largest, key
        for key, buffer in alone.model.named_buffers():
            torch.testing.assert_close(buffers[key], buffer, rtol=1e-4, atol=1e-5)


def test_one_process_keeps_the_ordinary_layers():
    objective = build("heatmap")
    before = copy.deepcopy(objective)
    share_batch_norm(objective, torch.device("cpu"))
    assert [type(m) for m in objective.modules()] == [type(m) for m in before.modules()]
