"""The SimCC codec: keypoints to 1-D Gaussian labels (training) and logits to keypoints (inference).

Source: SimCCLabel of open-mmlab/mmpose as the DWPose configs use it (split ratio 2, Gaussian
smoothing, labels not normalised).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.types import FloatArray, SimCC

SPLIT_RATIO = 2.0
# Label width (x, y) in bins per crop (w, h). Source: the DWPose configs.
SIGMA_XY: dict[tuple[int, int], tuple[float, float]] = {
    (192, 256): (4.9, 5.66),
    (288, 384): (6.0, 6.93),
}


def encode(
    xy: NDArray[np.floating],
    visible: NDArray[np.floating],
    crop_wh: tuple[int, int],
    sigma_xy: tuple[float, float] | None = None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Gaussian label rows of keypoints.

    Args:
        xy: (N, K, 2) crop pixels.
        visible: (N, K) visibility; a point takes part from 0.5 on.
        crop_wh: crop width and height in pixels.
        sigma_xy: label widths in bins; taken from ``SIGMA_XY`` if None.

    Returns:
        label_x (N, K, 2w), label_y (N, K, 2h), weight (N, K), all float32. A point whose 3-sigma
        window misses the crop gets zero labels and weight 0; one just outside keeps its tail.
    """
    bins = (int(crop_wh[0] * SPLIT_RATIO), int(crop_wh[1] * SPLIT_RATIO))
    sigma = np.asarray(sigma_xy or SIGMA_XY[crop_wh], dtype=np.float64)
    mu = np.rint(np.asarray(xy) * SPLIT_RATIO)  # half to even, as the reference rounds
    radius = 3 * sigma
    inside = ((mu - radius < bins) & (mu + radius + 1 >= 0)).all(axis=-1)
    weight = np.array(visible, dtype=np.float32)
    labelled = weight >= 0.5
    weight[labelled & ~inside] = 0
    shown = (labelled & inside)[..., None]
    labels = [
        np.exp(-((np.arange(size) - mu[..., axis, None]) ** 2) / (2 * sigma[axis] ** 2)) * shown
        for axis, size in enumerate(bins)
    ]
    return labels[0].astype(np.float32), labels[1].astype(np.float32), weight


def decode(logits: SimCC) -> tuple[FloatArray, FloatArray]:
    """Keypoints of raw logits: (N, K, 2) float32 crop pixels and (N, K) float32 scores.

    The score is the smaller of the two row maxima, not a probability (about 1 for a good point).
    Where it is <= 0 the point is (-1, -1) / split_ratio, as in the reference.
    """
    bins = np.stack([logits.x.argmax(axis=-1), logits.y.argmax(axis=-1)], axis=-1)
    score = np.minimum(logits.x.max(axis=-1), logits.y.max(axis=-1))
    xy = bins.astype(np.float32)
    xy[score <= 0] = -1
    return xy / np.float32(logits.split_ratio), score


def merge_flip(logits: SimCC, mirrored: SimCC, flip_index: NDArray[np.int64]) -> SimCC:
    """Average the logits of crops with those of their mirror images (the flip test)."""
    x = (logits.x + mirrored.x[:, flip_index, ::-1]) * np.float32(0.5)
    y = (logits.y + mirrored.y[:, flip_index]) * np.float32(0.5)
    return SimCC(x, y, logits.split_ratio)
