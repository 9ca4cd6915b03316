"""THE weight table, and where the file of a weight name lies on this machine."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dwpose_annotator.errors import WeightsError
from dwpose_annotator.hub import download
from dwpose_annotator.network_input import POSE_INPUT, YOLOX_INPUT, NetworkInput
from dwpose_annotator.weight_files import check_weight_file

logger = logging.getLogger(__name__)

ASSETS = Path(__file__).parent / "assets"
Kind = Literal["pose", "detector"]


@dataclass(frozen=True)
class Weights:
    """One row of the table.

    Attributes:
        name: what users say.
        kind: which of the two networks it is.
        file: file name as published, ``.onnx`` or ``.pth``.
        repo: Hugging Face repository; None for the files inside this package.
        input_hw: network input height and width.
        network_input: colour order and normalisation.
        sha256: of ``file``; None where nobody could check it.
        size_bytes: of ``file``; None where nobody could check it.
        model_size: ``models.build_pose_model`` size, for the conversion of a ``.pth`` file.
        licence: of the weights, as their publisher states it.
    """

    name: str
    kind: Kind
    file: str
    repo: str | None
    input_hw: tuple[int, int]
    network_input: NetworkInput
    sha256: str | None = None
    size_bytes: int | None = None
    model_size: str | None = None
    licence: str = "Apache-2.0"

    @property
    def onnx_file(self) -> str:
        """Name of the ONNX file: ``file`` itself, or what it is converted to."""
        return str(Path(self.file).with_suffix(".onnx"))


_OFFICIAL = "yzd-v/DWPose"
# Official hashes are unknown here: nobody could check them against the files themselves.
_ROWS = (
    Weights(
        "dwpose-t",
        "pose",
        "dwpose-t.onnx",
        None,
        (256, 192),
        POSE_INPUT,
        model_size="t",
        sha256="003a3fe1f7c2f72c9c089382a668ac70da447205995e066799db6879a6570f80",
        size_bytes=11_087_994,
    ),
    Weights(
        "dwpose-s",
        "pose",
        "dwpose-s.onnx",
        None,
        (256, 192),
        POSE_INPUT,
        model_size="s",
        sha256="d2dd0f20f35ca48f57bdb3b98470e2bf9ffccc9d02c09853369a655ff48d4dae",
        size_bytes=16_822_114,
    ),
    Weights(
        "person-nano",
        "detector",
        "person-nano.onnx",
        None,
        (416, 416),
        YOLOX_INPUT,
        sha256="f9f956187ce4737dfbc3f17d53f21d4c1ab421b29dd6d06eb14fab944b2c5798",
        size_bytes=6_568_986,
    ),
    Weights(
        "dw-tt_ucoco", "pose", "dw-tt_ucoco.pth", _OFFICIAL, (256, 192), POSE_INPUT, model_size="t"
    ),
    Weights(
        "dw-ss_ucoco", "pose", "dw-ss_ucoco.pth", _OFFICIAL, (256, 192), POSE_INPUT, model_size="s"
    ),
    Weights(
        "dw-mm_ucoco", "pose", "dw-mm_ucoco.pth", _OFFICIAL, (256, 192), POSE_INPUT, model_size="m"
    ),
    Weights(
        "dw-ll_ucoco", "pose", "dw-ll_ucoco.pth", _OFFICIAL, (256, 192), POSE_INPUT, model_size="l"
    ),
    Weights(
        "dw-ll_ucoco_384",
        "pose",
        "dw-ll_ucoco_384.onnx",
        _OFFICIAL,
        (384, 288),
        POSE_INPUT,
        model_size="l-384",
    ),
    Weights(
        "yolox_l",
        "detector",
        "yolox_l.onnx",
        _OFFICIAL,
        (640, 640),
        YOLOX_INPUT,
    ),
)
WEIGHTS: dict[str, Weights] = {row.name: row for row in _ROWS}


def get_weights(name: str, kind: Kind | None = None) -> Weights:
    """The table row of a name.

    Raises:
        ValueError: unknown name, or weights of the other kind.
    """
    names = ", ".join(row.name for row in _ROWS if kind in (None, row.kind))
    if name not in WEIGHTS:
        raise ValueError(
            f"unknown weights {name!r}: expected a path to an ONNX file or one of {names}"
        )
    if kind not in (None, WEIGHTS[name].kind):
        raise ValueError(f"{name!r} is a {WEIGHTS[name].kind}, but a {kind} is needed: {names}")
    return WEIGHTS[name]


def resolve_weights(
    name_or_path: str | os.PathLike[str],
    kind: Kind,
    *,
    offline: bool = False,
    search_dirs: Sequence[str | os.PathLike[str]] = (),
) -> tuple[Path, NetworkInput]:
    """The ONNX file behind a weight name or a path, downloaded (and converted) if need be.

    A name is looked for in this package, in ``search_dirs``, in ``$DWPOSE_WEIGHTS_DIR``, in the
    ComfyUI folders below ``$COMFYUI_PATH``, in the Hugging Face cache, and then downloaded.

    Raises:
        ValueError: unknown name, or weights of the other kind.
        FileNotFoundError: no file at the path.
        WeightsError: damaged or wrong file, or none on this machine and no way to download.
    """
    text = os.fspath(name_or_path)
    if text not in WEIGHTS and (Path(text).suffix or os.sep in text or "/" in text):
        return _explicit_file(Path(text)), POSE_INPUT if kind == "pose" else YOLOX_INPUT
    row = get_weights(text, kind)
    path = find_weights(row, search_dirs=search_dirs) or download_weights(row, offline=offline)
    return path if path.suffix == ".onnx" else convert_once(row, path), row.network_input


def find_weights(
    row: Weights, *, search_dirs: Sequence[str | os.PathLike[str]] = ()
) -> Path | None:
    """A file of these weights in the package or in the folders that users already have.

    A damaged one is passed over with a warning, since a later folder or a download may be whole.
    """
    for folder in weight_folders(search_dirs):
        for file in dict.fromkeys((row.onnx_file, row.file)):
            path = folder / file
            if not path.is_file():
                continue
            try:
                check_weight_file(path, size_bytes=row.size_bytes if file == row.file else None)
            except WeightsError as error:
                logger.warning("passed over: %s", error)
                continue
            logger.debug("%s found at %s", row.name, path)
            return path
    return None


def locate_weights(row: Weights) -> Path | None:
    """The file of these weights that would be used now, without any download."""
    try:
        return find_weights(row) or download_weights(row, offline=True)
    except WeightsError:
        return None


def download_weights(row: Weights, *, offline: bool = False) -> Path:
    """The published file of these weights, from the Hugging Face cache or the network.

    Raises:
        WeightsError: no way to get it, or it is damaged.
    """
    if row.repo is None:
        raise WeightsError(
            f"{row.file} is missing from this installation of dwpose-annotator. Install the "
            "package again, or name other weights."
        )
    return download(
        row.repo, row.file, size_bytes=row.size_bytes, sha256=row.sha256, offline=offline
    )


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


def weight_folders(search_dirs: Sequence[str | os.PathLike[str]] = ()) -> Iterator[Path]:
    """Folders that may hold weight files, in the order in which they are searched.

    Source of the ComfyUI folders: Fannovel16/comfyui_controlnet_aux (``ckpts``) and the ``dwpose``
    models folder of this project's own nodes.
    """
    yield ASSETS
    yield from (Path(folder) for folder in search_dirs)
    if os.environ.get("DWPOSE_WEIGHTS_DIR"):
        yield Path(os.environ["DWPOSE_WEIGHTS_DIR"])
    if os.environ.get("COMFYUI_PATH"):
        comfy = Path(os.environ["COMFYUI_PATH"])
        yield comfy / "models" / "dwpose"
        yield comfy / "custom_nodes" / "comfyui_controlnet_aux" / "ckpts" / _OFFICIAL


def _explicit_file(path: Path) -> Path:
    if path.suffix != ".onnx":
        raise ValueError(
            f"{path}: expected an .onnx file. A .pth checkpoint is converted by: dwpose weights "
            f"convert {path} -o {path.with_suffix('.onnx')}"
        )
    if not path.is_file():
        raise FileNotFoundError(f"no weight file at {path}")
    check_weight_file(path)
    return path
