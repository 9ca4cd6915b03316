"""Write files so that they appear complete or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


def write_atomic(path: str | os.PathLike[str], write: Callable[[BinaryIO], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then rename it over ``path``.

    Raises:
        OSError: the folder does not exist or cannot be written; names ``path``.
    """
    target = Path(path)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        file = draft.open("xb")
    except OSError as error:
        raise type(error)(f"cannot write {target}: {error.strerror or error}") from error
    try:
        with file:
            write(file)
        _rename(draft, target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _rename(draft: Path, target: Path) -> None:
    try:
        os.replace(draft, target)
    except OSError as error:
        raise type(error)(f"cannot write {target}: {error.strerror or error}") from error
