"""Fetch official weights from the Hugging Face Hub (or a mirror), verify and convert them."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

from dwpose_annotator.errors import WeightsError
from dwpose_annotator.weight_files import check_weight_file
from dwpose_annotator.weights import Weights

logger = logging.getLogger(__name__)

_SHA256 = re.compile(r"[0-9a-f]{64}")


def download(row: Weights, *, offline: bool = False) -> Path:
    """The published file of these weights in the Hugging Face cache, downloaded if need be.

    ``HF_ENDPOINT`` names a mirror, ``HF_HOME`` the cache, ``HF_HUB_OFFLINE=1`` forbids the network.
    After a dropped connection the rest is asked for. A new file is checked against the sha256 of
    the table, or, where that is unknown, against the one that the hub states.

    Raises:
        WeightsError: not in the cache and no way to download, or the file is damaged.
    """
    if row.repo is None:
        raise WeightsError(
            f"{row.file} is missing from this installation of dwpose-annotator. Install the "
            "package again, or name another weight."
        )
    cached = _cached(row)
    if cached is not None:
        check_weight_file(cached, size_bytes=row.size_bytes)
        return cached
    if offline or os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        raise WeightsError(
            f"{row.name} is not on this machine and downloads are off. {_by_hand(row)}"
        )
    path = _fetch(row)
    try:
        check_weight_file(
            path, size_bytes=row.size_bytes, sha256=row.sha256 or _stated_sha256(path)
        )
    except WeightsError:
        _forget(path)  # or the next run would find the damaged file in the cache
        raise
    return path


def converted_path(row: Weights) -> Path:
    """Where the ONNX file made from a ``.pth`` is kept: ``$DWPOSE_CACHE`` or the user's cache."""
    base = os.environ.get("DWPOSE_CACHE") or os.environ.get("XDG_CACHE_HOME")
    folder = Path(base) if base else Path.home() / ".cache"
    return folder / "dwpose-annotator" / row.onnx_file


def convert_once(row: Weights, checkpoint: Path) -> Path:
    """The ONNX file of an official ``.pth``, converted at its first use.

    Raises:
        WeightsError: torch is not installed, or the checkpoint is not these weights.
    """
    target = converted_path(row)
    if target.is_file() and target.stat().st_mtime >= checkpoint.stat().st_mtime:
        check_weight_file(target)
        return target
    assert row.model_size is not None, "every .pth row of the table names its model size"
    try:
        from dwpose_annotator.models.convert import convert_checkpoint
    except ImportError as error:
        raise WeightsError(
            f"{row.name} is published as {row.file} only, and converting it needs torch. Run: pip "
            f'install "dwpose-annotator[torch]" && dwpose weights convert {checkpoint} -o '
            f"{row.onnx_file}; the ONNX file then works on machines without torch."
        ) from error
    logger.info("converting %s to %s, once", checkpoint.name, target)
    target.parent.mkdir(parents=True, exist_ok=True)
    convert_checkpoint(checkpoint, target, size=row.model_size)
    return target


def _cached(row: Weights) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    assert row.repo is not None
    found = try_to_load_from_cache(row.repo, row.file)
    return Path(found) if isinstance(found, str) else None


def _fetch(row: Weights) -> Path:
    from huggingface_hub import errors, hf_hub_download

    assert row.repo is not None
    # The base of its transport errors: those of httpx, or of requests (an OSError) before 1.0.
    transport: type[Exception] = getattr(errors, "HTTPError", OSError)
    logger.info("downloading %s from %s", row.file, row.repo)
    try:
        return Path(
            hf_hub_download(row.repo, row.file, endpoint=os.environ.get("HF_ENDPOINT") or None)
        )
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, transport, OSError) as error:
        reason = " ".join(str(error).split())
        raise WeightsError(f"could not download {row.name}: {reason} {_by_hand(row)}") from error


def _stated_sha256(path: Path) -> str | None:
    """The digest that the hub stated for a large file: its cache names the content after it."""
    name = path.resolve().name
    return name if _SHA256.fullmatch(name) else None


def _forget(path: Path) -> None:
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def _by_hand(row: Weights) -> str:
    return (
        f"Either set HF_ENDPOINT to a mirror, or fetch {row.file} from the repository {row.repo} "
        "elsewhere and put it into a folder that $DWPOSE_WEIGHTS_DIR names."
    )
