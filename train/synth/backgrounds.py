"""What stands behind the people: crops of photos from a folder, or procedural pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.inputs import IMAGE_ENDINGS
from dwpose_annotator.types import ImageArray
from train.synth.textures import fractal_noise, random_colour


def list_photos(folder: Path, prefixes: tuple[str, ...] = ()) -> list[Path]:
    """Image files of a folder in name order, those whose name starts with one of ``prefixes``.

    Raises:
        FileNotFoundError: the folder does not exist or holds no such image.
    """
    photos = sorted(p for p in folder.glob("*") if p.suffix.lower() in IMAGE_ENDINGS)
    if prefixes:
        photos = [p for p in photos if p.name.startswith(prefixes)]
    if not photos:
        raise FileNotFoundError(
            f"{folder}: expected image files ({', '.join(sorted(IMAGE_ENDINGS))}) as backgrounds"
        )
    return photos


def procedural(rng: np.random.Generator, size_wh: tuple[int, int]) -> ImageArray:
    """Wall, floor, and random shapes in plain or noisy colours."""
    width, height = size_wh
    picture = np.empty((height, width, 3), np.float32)
    horizon = int(height * rng.uniform(0.2, 0.85))
    picture[:horizon], picture[horizon:] = random_colour(rng), random_colour(rng)
    for _ in range(rng.integers(0, 14)):
        colour = random_colour(rng).tolist()
        center = rng.uniform((0, 0), (width, height))
        extent = rng.uniform(0.03, 0.4, 2) * max(width, height)
        if rng.random() < 0.6:
            a, b = (
                np.round(center - extent / 2).astype(int),
                np.round(center + extent / 2).astype(int),
            )
            cv2.rectangle(picture, a.tolist(), b.tolist(), colour, -1)
        elif rng.random() < 0.5:
            cv2.ellipse(
                picture, (center.tolist(), extent.tolist(), float(rng.uniform(0, 180))), colour, -1
            )
        else:
            corners = center + rng.normal(0, extent.mean() / 2, (int(rng.integers(3, 7)), 2))
            cv2.fillPoly(picture, [corners.astype(np.int32)], colour)
    noise = fractal_noise(rng, 256, coarsest=int(rng.choice([2, 4, 16])))
    noise = cv2.resize(noise, size_wh, interpolation=cv2.INTER_CUBIC)
    picture *= (1 + rng.uniform(0.02, 0.35) * noise)[..., None]
    return np.clip(picture, 0, 255).astype(np.uint8)


def photo_crop(rng: np.random.Generator, photo: ImageArray, size_wh: tuple[int, int]) -> ImageArray:
    """A random part of a photo, of the wanted aspect, mirrored in half the cases."""
    height, width = photo.shape[:2]
    aspect = size_wh[0] / size_wh[1]
    full = min(width, height * aspect)
    w = full * rng.uniform(0.5, 1)
    h = w / aspect
    left, top = rng.uniform(0, width - w), rng.uniform(0, height - h)
    part = photo[int(top) : int(top + h) + 1, int(left) : int(left + w) + 1]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    return np.asarray(cv2.resize(part, size_wh, interpolation=cv2.INTER_LINEAR), np.uint8)


class Backgrounds:
    """Draws backgrounds from photos, or procedural ones where there are none (and now and then)."""

    def __init__(self, photos: list[Path]) -> None:
        self.photos = photos

    def photo(self, rng: np.random.Generator) -> ImageArray | None:
        """A whole random photo, RGB; None without a folder."""
        if not self.photos:
            return None
        path = self.photos[int(rng.integers(len(self.photos)))]
        image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR_RGB)
        if image is None:
            raise ValueError(f"{path}: not an image that OpenCV can decode")
        return np.asarray(image, np.uint8)

    def draw(self, rng: np.random.Generator, size_wh: tuple[int, int]) -> NDArray[np.uint8]:
        """(h, w, 3) uint8 RGB."""
        photo = self.photo(rng)
        if photo is None or rng.random() < 0.1:
            picture = procedural(rng, size_wh)
        else:
            picture = photo_crop(rng, photo, size_wh)
        if rng.random() < 0.4:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 4)), np.uint8)
        return picture
