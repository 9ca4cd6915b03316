"""Poses of given people: crops through the pose network in batches, logits back to image pixels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

import numpy as np

from dwpose_annotator.crop import batch_slices, crop_people, crop_to_image
from dwpose_annotator.errors import WeightsError
from dwpose_annotator.network_input import POSE_INPUT, NetworkInput
from dwpose_annotator.session import Session, batch_limit, run_padded
from dwpose_annotator.simcc import SPLIT_RATIO, decode, merge_flip
from dwpose_annotator.skeleton import FLIP_INDEX, NUM_KEYPOINTS
from dwpose_annotator.types import Boxes, Crops, FloatArray, ImageArray, Poses, SimCC

MAX_BATCH = 16


class PoseEstimator:
    """A top-down SimCC pose network.

    Args:
        session: input (N, 3, H, W); outputs ``simcc_x`` (N, 133, 2W) and ``simcc_y`` (N, 133, 2H).
        network_input: colour order and normalisation of the weights.
        max_batch: most people per network run; bounds the memory.
        flip_test: also run the mirrored crops and average: a little better, twice as slow.

    Raises:
        WeightsError: the network has other inputs or outputs.
    """

    def __init__(
        self,
        session: Session,
        *,
        network_input: NetworkInput = POSE_INPUT,
        max_batch: int = MAX_BATCH,
        flip_test: bool = False,
    ) -> None:
        self.session = session
        self.network_input = network_input
        self.flip_test = flip_test
        self.crop_wh = _check_contract(session)
        self.max_batch = batch_limit(session, max_batch)

    def __call__(self, images: Sequence[ImageArray], boxes: Sequence[Boxes]) -> list[Poses]:
        """Poses of the people of several images; all of them share network batches.

        Args:
            images: RGB images (H, W, 3) uint8.
            boxes: the people of each image, in its pixels.

        Returns:
            One ``Poses`` per image, people in the order of their boxes.
        """
        if len(images) != len(boxes):
            raise ValueError(f"{len(images)} images but {len(boxes)} sets of boxes")
        people = [(i, row) for i, found in enumerate(boxes) for row in range(len(found))]
        xy = np.zeros((len(people), NUM_KEYPOINTS, 2), np.float32)
        score = np.zeros((len(people), NUM_KEYPOINTS), np.float32)
        for batch in batch_slices(len(people), self.max_batch):
            crops = _cut(images, boxes, people[batch], self.crop_wh)
            xy_crop, score[batch] = decode(self.infer(crops))
            xy[batch] = crop_to_image(xy_crop, crops.image_to_crop)
        owner = np.array([i for i, _ in people], dtype=np.intp)
        return [
            Poses(xy[owner == i], score[owner == i], found.xyxy, found.score, image.shape[:2])
            for i, (image, found) in enumerate(zip(images, boxes, strict=True))
        ]

    def infer(self, crops: Crops) -> SimCC:
        """Raw logits of at most ``max_batch`` crops."""
        batch = self.network_input.to_batch(crops.pixels)
        logits = self._run(batch)
        if not self.flip_test:
            return logits
        return merge_flip(logits, self._run(np.ascontiguousarray(batch[..., ::-1])), FLIP_INDEX)

    def _run(self, batch: FloatArray) -> SimCC:
        x, y = run_padded(self.session, batch)
        return SimCC(x, y, SPLIT_RATIO)


def _cut(
    images: Sequence[ImageArray],
    boxes: Sequence[Boxes],
    people: Sequence[tuple[int, int]],
    crop_wh: tuple[int, int],
) -> Crops:
    """Crops of ``people``: pairs of an image number and a row of its boxes, images in order."""
    parts = [
        crop_people(images[i], boxes[i].select([row for _, row in group]), crop_wh)
        for i, group in groupby(people, key=itemgetter(0))
    ]
    return Crops(
        np.concatenate([part.pixels for part in parts]),
        np.concatenate([part.image_to_crop for part in parts]),
    )


def _check_contract(session: Session) -> tuple[int, int]:
    """Crop (w, h) of a session that keeps the SimCC contract."""
    _, channels, height, width = session.input_shape
    expected = (
        "a whole-body SimCC network has one input (N, 3, H, W) of fixed H and W and two outputs "
        f"(N, {NUM_KEYPOINTS}, 2W) and (N, {NUM_KEYPOINTS}, 2H)"
    )
    if channels != 3 or not height or not width:
        raise WeightsError(f"{session.name}: {expected}; this input is {session.input_shape}")
    bins = (int(width * SPLIT_RATIO), int(height * SPLIT_RATIO))
    shapes = session.output_shapes
    fits = len(shapes) == 2 and all(
        len(shape) == 3 and shape[1] in (NUM_KEYPOINTS, None) and shape[2] in (size, None)
        for shape, size in zip(shapes, bins, strict=True)
    )
    if not fits:
        raise WeightsError(f"{session.name}: {expected}; this one gives {shapes}")
    return width, height
