"""Device choice and interruption."""

from __future__ import annotations

torch_device = "cpu"  # what --cpu gives
_interrupted: list[bool] = []


class InterruptProcessingException(Exception):  # noqa: N818  # ComfyUI's name
    pass


def get_torch_device():
    import torch

    return torch.device(torch_device)


def intermediate_device():
    return get_torch_device()


def interrupt_current_processing(value=True) -> None:
    _interrupted[:] = [True] if value else []


def throw_exception_if_processing_interrupted() -> None:
    if _interrupted:
        interrupt_current_processing(False)
        raise InterruptProcessingException
