"""Fetch a file from the Hugging Face Hub, or a mirror of it, and verify it."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

from dwpose_annotator.errors import WeightsError
from dwpose_annotator.weight_files import check_weight_file

logger = logging.getLogger(__name__)

_SHA256 = re.compile(r"[0-9a-f]{64}")


def download(
    repo: str,
    file: str,
    *,
    size_bytes: int | None = None,
    sha256: str | None = None,
    offline: bool = False,
) -> Path:
    """A weight file in the Hugging Face cache, downloaded if need be.

    ``HF_ENDPOINT`` names a mirror, ``HF_HOME`` the cache, ``HF_HUB_OFFLINE=1`` forbids the network.
    After a dropped connection the rest is asked for.

    Args:
        repo: owner/name.
        file: file name in the repository.
        size_bytes: right size, if known.
        sha256: right digest of a new file; None takes the one that the hub states.
        offline: never ask the network.

    Raises:
        WeightsError: not in the cache and no way to download, or the file is damaged.
    """
    cached = _cached(repo, file)
    if cached is not None:
        check_weight_file(cached, size_bytes=size_bytes)
        return cached
    if offline or os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        raise WeightsError(
            f"{file} is not on this machine and downloads are off. {_by_hand(repo, file)}"
        )
    path = _fetch(repo, file)
    try:
        check_weight_file(path, size_bytes=size_bytes, sha256=sha256 or _stated_sha256(path))
    except WeightsError:
        _forget(path)  # or the next run would find the damaged file in the cache
        raise
    return path


def _cached(repo: str, file: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repo, file)
    return Path(found) if isinstance(found, str) else None


def _fetch(repo: str, file: str) -> Path:
    from huggingface_hub import errors, hf_hub_download

    # The base of its transport errors: those of httpx, or of requests (an OSError) before 1.0.
    transport: type[Exception] = getattr(errors, "HTTPError", OSError)
    endpoint = os.environ.get("HF_ENDPOINT") or None
    logger.info("downloading %s from %s", file, repo)
    try:
        return Path(hf_hub_download(repo, file, endpoint=endpoint))
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, transport, OSError) as error:
        reason = " ".join(str(error).split())
        raise WeightsError(f"could not download {file}: {reason} {_by_hand(repo, file)}") from error


def _stated_sha256(path: Path) -> str | None:
    """The digest that the hub stated for a large file: its cache names the content after it."""
    name = path.resolve().name
    return name if _SHA256.fullmatch(name) else None


def _forget(path: Path) -> None:
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def _by_hand(repo: str, file: str) -> str:
    return (
        f"Either set HF_ENDPOINT to a mirror, or fetch {file} from the repository {repo} elsewhere "
        "and put it into a folder that $DWPOSE_WEIGHTS_DIR names."
    )
