"""Draw the pictures of README and MODEL_CARD with the shipped weights: ``make pictures``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from dwpose_annotator import Annotator, draw_poses, load_image
from dwpose_annotator.draw_styles import STYLES
from dwpose_annotator.images import save_image
from dwpose_annotator.types import ImageArray

DOCS = Path(__file__).parent
PHOTOS = DOCS.parent / "examples" / "images"
SHOWN = ("star_jump", "arm_circles", "skating")
FAILURES = ("lunge", "two_people", "astronaut")  # MODEL_CARD says what is wrong
STYLES_PHOTO = "star_jump"
HEIGHT = 320
STYLE_HW = (480, 720)


def shrink(image: ImageArray, height: int) -> ImageArray:
    """The same picture, ``height`` pixels tall."""
    width = round(image.shape[1] * height / image.shape[0])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))


def annotated(annotator: Annotator, names: Sequence[str]) -> ImageArray:
    """Photos in one row, their maps below."""
    photos = [load_image(PHOTOS / f"{name}.jpg") for name in names]
    rows = (photos, [annotator(photo) for photo in photos])
    return np.vstack([np.hstack([shrink(image, HEIGHT) for image in row]) for row in rows])


def styles(annotator: Annotator) -> ImageArray:
    """One photo in every style, four in a row, each with its name."""
    poses = annotator.estimate(PHOTOS / f"{STYLES_PHOTO}.jpg")
    tiles = []
    for name in STYLES:
        tile = shrink(draw_poses(poses, name, STYLE_HW), STYLE_HW[0] // 2)
        cv2.putText(tile, name, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
        tiles.append(tile)
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % 4)
    return np.vstack([np.hstack(tiles[row : row + 4]) for row in range(0, len(tiles), 4)])


def main() -> None:
    annotator = Annotator.from_pretrained(device="cpu")
    save_image(DOCS / "images" / "annotated.png", annotated(annotator, SHOWN))
    save_image(DOCS / "images" / "failures.png", annotated(annotator, FAILURES))
    save_image(DOCS / "images" / "styles.png", styles(annotator), flat=True)


if __name__ == "__main__":
    main()
