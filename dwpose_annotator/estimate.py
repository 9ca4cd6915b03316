"""Poses of given people: crops through the pose network in batches, logits back to image pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from dwpose_annotator.crop import batch_slices, crop_people, crop_to_image
from dwpose_annotator.errors import WeightsError
from dwpose_annotator.network_input import POSE_INPUT, NetworkInput
from dwpose_annotator.session import Session
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
        self.max_batch = min(session.input_shape[0] or max_batch, max_batch)

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
        owner = np.repeat(np.arange(len(images)), [len(people) for people in boxes])
        xy = np.zeros((len(owner), NUM_KEYPOINTS, 2), np.float32)
        score = np.zeros((len(owner), NUM_KEYPOINTS), np.float32)
        first = np.searchsorted(owner, np.arange(len(images)))
        for batch in batch_slices(len(owner), self.max_batch):
            parts = list(_cut(images, boxes, owner, first, batch, self.crop_wh))
            crops = Crops(
                np.concatenate([part.pixels for part in parts]),
                np.concatenate([part.image_to_crop for part in parts]),
            )
            xy_crop, score[batch] = decode(self.infer(crops))
            xy[batch] = crop_to_image(xy_crop, crops.image_to_crop)
        return [
            Poses(xy[owner == i], score[owner == i], people.xyxy, people.score, image.shape[:2])
            for i, (image, people) in enumerate(zip(images, boxes, strict=True))
        ]

    def infer(self, crops: Crops) -> SimCC:
        """Raw logits of at most ``max_batch`` crops."""
        batch = self.network_input.to_batch(crops.pixels)
        logits = self._run(batch)
        if not self.flip_test:
            return logits
        return merge_flip(logits, self._run(np.ascontiguousarray(batch[..., ::-1])), FLIP_INDEX)

    def _run(self, batch: FloatArray) -> SimCC:
        count = len(batch)
        missing = (self.session.input_shape[0] or 0) - count
        if missing > 0:  # a graph with a fixed batch size wants exactly that many
            batch = np.concatenate([batch, np.zeros((missing, *batch.shape[1:]), np.float32)])
        x, y = self.session.run(batch)
        return SimCC(x[:count], y[:count], SPLIT_RATIO)


def _cut(
    images: Sequence[ImageArray],
    boxes: Sequence[Boxes],
    owner: np.ndarray,
    first: np.ndarray,
    batch: slice,
    crop_wh: tuple[int, int],
) -> Iterator[Crops]:
    """Crops of people ``batch`` (counted over all images), image by image."""
    for i in np.unique(owner[batch]):
        start = max(batch.start - first[i], 0)
        stop = min(batch.stop - first[i], len(boxes[i]))
        yield crop_people(images[i], boxes[i].select(range(start, stop)), crop_wh)


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
