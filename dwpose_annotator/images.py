"""Image files, PIL images and arrays to the one image type, (H, W, 3) uint8 RGB, and back.

Pillow decodes because OpenCV drops palette transparency and returns truncated files half grey
without an error.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.files import write_atomic
from dwpose_annotator.types import ImageArray

if TYPE_CHECKING:
    from PIL.Image import Image

ImageLike: TypeAlias = "str | os.PathLike[str] | Image | NDArray[Any]"

# Files with more pixels are refused before decoding; Pillow's own limit for "decompression bombs".
MAX_PIXELS = 178_956_970
# Fast compression of unfiltered rows; formats other than PNG ignore it. 19 and 8 are
# IMWRITE_PNG_FILTER and its NONE, which OpenCV names since 4.11 and passed over before.
_FLAT_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1, 19, 8)
_EXIF_ORIENTATION = 0x0112  # source: the EXIF 2.3 tag table
_ALPHA_MODES = ("RGBA", "LA", "PA", "RGBa", "La")


def load_image(source: ImageLike) -> ImageArray:
    """Any usual image as (H, W, 3) uint8 RGB.

    Transparency is composited on white, EXIF orientation is applied, 16-bit is brought to 8, and of
    an animation the first frame is taken.

    Args:
        source: path, PIL image, or array (H, W), (H, W, 1|2|3|4) in RGB order: uint8, bool, uint16
            (full range) or floating point in [0, 1].

    Raises:
        FileNotFoundError: no such file.
        ValueError: not an image, damaged, truncated or larger than ``MAX_PIXELS``; names the file.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, str | os.PathLike):
        return _from_file(Path(source))
    from PIL.Image import Image

    if isinstance(source, Image):
        return _from_pil(source)
    raise ValueError(
        f"an image must be a path, a PIL image or a NumPy array, but got {type(source).__name__}"
    )


def save_image(path: str | os.PathLike[str], rgb: ImageArray, *, flat: bool = False) -> None:
    """Write an (H, W, 3) uint8 RGB image in the format that the file's ending names.

    The file appears complete or not at all: it is written beside its place and renamed.

    Args:
        path: the file; its folder must exist.
        rgb: the image.
        flat: it has large areas of one colour, as skeleton maps do. A PNG file is then written
            without row filters: smaller, and in three quarters of the time.

    Raises:
        ValueError: an ending that cannot be written, or an array of another kind.
        OSError: the folder does not exist or cannot be written.
    """
    target = Path(path)
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
        raise ValueError(f"expected (H, W, 3) uint8 RGB to save, got {rgb.shape} {rgb.dtype}")
    try:
        bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        done, encoded = cv2.imencode(target.suffix or "?", bgr, _FLAT_PNG if flat else ())
    except cv2.error as error:
        raise ValueError(
            f"{target}: cannot write images with the ending {target.suffix!r}"
        ) from error
    if not done:
        raise ValueError(f"{target}: this {target.suffix} file cannot hold {rgb.shape[:2]} pixels")
    write_atomic(target, lambda file: file.write(encoded.data))


def composite_on_white(rgb: NDArray[Any], alpha: NDArray[Any]) -> ImageArray:
    """(H, W, 3) and (H, W) uint8 -> (H, W, 3) uint8 over white, fractions cut off.

    Source: HWC3 of IDEA-Research/DWPose, ControlNet annotator.
    """
    opacity = alpha[..., None].astype(np.float32) / 255.0
    mixed = rgb.astype(np.float32) * opacity + 255.0 * (1.0 - opacity)
    return np.asarray(mixed.clip(0, 255), dtype=np.uint8)


def _from_file(path: Path) -> ImageArray:
    from PIL import Image, UnidentifiedImageError

    if not path.exists():
        raise FileNotFoundError(f"no image file at {path}")
    if path.is_dir():
        raise ValueError(f"{path}: a folder, not an image file")
    data = path.read_bytes()
    if not data:
        raise ValueError(f"{path}: the file is empty")
    try:
        with Image.open(io.BytesIO(data)) as image:
            plain = image.format == "JPEG" and image.mode in ("L", "RGB")
            pixels = _decode_whole_jpeg(data) if plain else None
            return _from_pil(image) if pixels is None else pixels
    except UnidentifiedImageError as error:
        raise ValueError(f"{path}: not an image in a known format") from error
    except Image.DecompressionBombError as error:
        raise ValueError(f"{path}: more than {MAX_PIXELS} pixels; make it smaller first") from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError) as error:
        raise ValueError(f"{path}: damaged or truncated image ({error})") from error


def _decode_whole_jpeg(data: bytes) -> ImageArray | None:
    """The same pixels as Pillow's, sooner, and turned upright; None without the end marker."""
    if not data.endswith(b"\xff\xd9"):
        return None
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return None if bgr is None else np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB, dst=bgr))


def _from_pil(image: Image) -> ImageArray:
    from PIL import ImageOps

    if image.width * image.height > MAX_PIXELS:
        raise ValueError(f"{image.width}x{image.height} is more than {MAX_PIXELS} pixels")
    if getattr(image, "is_animated", False):
        image.seek(0)
    if image.getexif().get(_EXIF_ORIENTATION, 1) != 1:  # transposing copies even if nothing turns
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        return _from_array(_deep_grey(np.asarray(image)))
    if image.mode in _ALPHA_MODES or "transparency" in image.info:
        rgba = np.asarray(image.convert("RGBA"))
        return composite_on_white(rgba[..., :3], rgba[..., 3])
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _deep_grey(pixels: NDArray[Any]) -> NDArray[Any]:
    """Pillow's 16-bit, 32-bit and float grey as uint8 or uint16, by the range that is used."""
    pixels = np.nan_to_num(pixels)
    if pixels.dtype.kind == "f" and pixels.max(initial=0) <= 1:
        pixels = pixels * 65535
    wide = pixels.dtype == np.uint16 or pixels.max(initial=0) > 255
    top, kind = (65535, np.uint16) if wide else (255, np.uint8)
    return np.asarray(pixels.clip(0, top), dtype=kind)


def _from_array(array: NDArray[Any]) -> ImageArray:
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 2, 3, 4) or 0 in array.shape:
        raise ValueError(
            f"an image array must be (H, W) or (H, W, 1|2|3|4) with H, W > 0, got {array.shape}"
        )
    pixels = _to_uint8(array)
    colour = pixels[..., :3] if pixels.shape[2] >= 3 else np.repeat(pixels[..., :1], 3, axis=2)
    if pixels.shape[2] in (2, 4):
        return composite_on_white(colour, pixels[..., -1])
    return np.ascontiguousarray(colour)


def _to_uint8(array: NDArray[Any]) -> ImageArray:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return np.where(array, np.uint8(255), np.uint8(0))
    if array.dtype == np.uint16:
        return np.asarray(np.rint(array / np.float32(257)), dtype=np.uint8)
    if array.dtype.kind == "f":
        if np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1:
            return np.asarray(np.rint(array * 255), dtype=np.uint8)
        raise ValueError("a floating-point image must hold finite values from 0 to 1")
    raise ValueError(f"an image array must be uint8, uint16 or float in [0, 1], got {array.dtype}")
