"""The whole way from a photo to a skeleton map: detect, estimate, draw."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dwpose_annotator import defaults
from dwpose_annotator.detect import NMS_IOU, SCORE_THRESHOLD, Detector, DetectorOptions
from dwpose_annotator.device import DeviceChoice, choose_device, cpu_instead, unused_gpu_hint
from dwpose_annotator.draw import DrawStyle, draw_poses
from dwpose_annotator.errors import DeviceError
from dwpose_annotator.estimate import MAX_BATCH, PoseEstimator
from dwpose_annotator.images import ImageLike, load_image
from dwpose_annotator.resize import output_size_hw
from dwpose_annotator.session import OnnxSession, SessionOptions, available_providers
from dwpose_annotator.types import Boxes, ImageArray, Poses
from dwpose_annotator.weights import Kind, resolve_weights

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Annotator:
    """Photo -> whole-body poses -> OpenPose-style map.

    Attributes:
        pose: the pose network.
        detector: finds the people; None poses every image as one person that fills it.
        whole_image_if_nobody: pose the whole image when the detector finds nobody, as the original
            annotator does; off by default, because it invents skeletons on empty scenes.
    """

    pose: PoseEstimator
    detector: Detector | None
    whole_image_if_nobody: bool = False

    @classmethod
    def from_pretrained(
        cls,
        pose: str | os.PathLike[str] = defaults.POSE,
        *,
        detector: str | os.PathLike[str] | None = defaults.DETECTOR,
        device: str = "auto",
        score_threshold: float = SCORE_THRESHOLD,
        nms_iou: float = NMS_IOU,
        max_people: int | None = None,
        whole_image_if_nobody: bool = False,
        max_batch: int = MAX_BATCH,
        flip_test: bool = False,
        threads: int | None = None,
        engine_cache_dir: str | os.PathLike[str] | None = None,
        offline: bool = False,
        search_dirs: Sequence[str | os.PathLike[str]] = (),
    ) -> Annotator:
        """Load networks by weight name (see ``weights.WEIGHTS``) or by path to an ONNX file.

        Args:
            pose: pose weights; the default ships inside the package and needs no network.
            detector: detector weights; None or ``"none"`` poses the whole image as one person.
            device: ``auto`` or a name of ``device.DEVICES``: ``cpu``, ``cuda``, ``cuda:1`` ...
            score_threshold: a person box must score above it.
            nms_iou: of two boxes that overlap more, the better one stays.
            max_people: pose only the best-scored boxes.
            whole_image_if_nobody: see the class.
            max_batch: most people per network run; bounds the memory.
            flip_test: average with the mirrored crop: a little better, twice as slow.
            threads: CPU threads per operator; None means all cores.
            engine_cache_dir: where TensorRT keeps built engines.
            offline: never download.
            search_dirs: more folders that may hold weight files.

        Raises:
            ValueError: unknown weight name or option out of range.
            WeightsError: a weight file is missing, damaged or of the wrong kind.
            DeviceError: the device cannot run here; names the package to install.
        """
        wanted: list[tuple[Kind, str | os.PathLike[str]]] = [("pose", pose)]
        if detector is not None and detector != "none":
            wanted.append(("detector", detector))
        files = [
            resolve_weights(name, kind, offline=offline, search_dirs=search_dirs)
            for kind, name in wanted
        ]
        options = SessionOptions(
            threads, None if engine_cache_dir is None else os.fspath(engine_cache_dir), max_batch
        )
        sessions = _open_sessions([path for path, _ in files], device, options)
        inputs = [network_input for _, network_input in files]
        estimator = PoseEstimator(
            sessions[0], network_input=inputs[0], max_batch=max_batch, flip_test=flip_test
        )
        people_options = DetectorOptions(score_threshold, nms_iou, max_people)
        finder = None
        if len(sessions) > 1:
            finder = Detector(
                sessions[1], network_input=inputs[1], options=people_options, max_batch=max_batch
            )
        return cls(estimator, finder, whole_image_if_nobody)

    @property
    def provider(self) -> str:
        """What really runs the pose network, e.g. ``CUDAExecutionProvider``."""
        return self.pose.session.provider

    def detect(self, image: ImageLike) -> Boxes:
        """People of one image, best first; boxes in its pixels."""
        return self.detect_batch([image])[0]

    def detect_batch(self, images: Sequence[ImageLike]) -> list[Boxes]:
        """People of several images, which share network batches."""
        arrays = [load_image(image) for image in images]
        whole = [Boxes.whole_image(image.shape[:2]) for image in arrays]
        if self.detector is None:
            return whole
        found = self.detector(arrays)
        if not self.whole_image_if_nobody:
            return found
        return [some if len(some) else full for some, full in zip(found, whole, strict=True)]

    def estimate(self, image: ImageLike, *, boxes: Boxes | None = None) -> Poses:
        """Poses of one image; ``boxes`` skips the detector."""
        return self.estimate_batch([image], boxes=None if boxes is None else [boxes])[0]

    def estimate_batch(
        self, images: Sequence[ImageLike], *, boxes: Sequence[Boxes] | None = None
    ) -> list[Poses]:
        """Poses of several images; their people share network batches.

        Args:
            images: paths, PIL images or arrays (see ``load_image``).
            boxes: the people of each image; None lets the detector find them.
        """
        arrays = [load_image(image) for image in images]
        return self.pose(arrays, self.detect_batch(arrays) if boxes is None else boxes)

    def draw(
        self,
        poses: Poses,
        *,
        style: str | DrawStyle = "openpose",
        size_hw: tuple[int, int] | None = None,
        body: bool = True,
        hands: bool = True,
        face: bool | None = None,
        feet: bool = False,
        threshold: float = 0.3,
    ) -> ImageArray:
        """Skeleton map (H, W, 3) uint8 RGB; see ``draw_poses``, which this calls."""
        return draw_poses(
            poses,
            style,
            size_hw,
            body=body,
            hands=hands,
            face=face,
            feet=feet,
            threshold=threshold,
        )

    def __call__(
        self,
        image: ImageLike,
        *,
        style: str | DrawStyle = "openpose",
        hands: bool = True,
        face: bool | None = None,
        body: bool = True,
        feet: bool = False,
        threshold: float = 0.3,
        resolution: int | None = None,
    ) -> ImageArray:
        """Skeleton map (H, W, 3) uint8 RGB of one image; black where nobody is found.

        Args:
            image: path, PIL image or array.
            style: a name in ``draw.STYLES``, or a style of your own.
            hands: draw the hands; likewise ``body`` and ``feet``.
            face: None follows the style: only musepose has no face.
            threshold: points with a lower score are missing.
            resolution: length of the map's short side, both sides rounded to multiples of 64 as in
                the original app; None keeps the image's size.
        """
        poses = self.estimate(image)
        return self.draw(
            poses,
            style=style,
            size_hw=None if resolution is None else output_size_hw(poses.size_hw, resolution),
            hands=hands,
            face=face,
            body=body,
            feet=feet,
            threshold=threshold,
        )


def _open_sessions(paths: list[Path], device: str, options: SessionOptions) -> list[OnnxSession]:
    """Sessions on one device, and one log line that says which and why.

    ``auto`` falls back to the CPU, loudly; a device that was asked for raises instead.
    """
    choice = choose_device(device, available_providers())
    try:
        sessions = [OnnxSession(path, choice, options=options) for path in paths]
    except DeviceError as error:
        if not choice.automatic or choice.name == "cpu":
            raise
        logger.warning("SLOW: running on the CPU, because %s", error)
        choice = cpu_instead(choice)
        sessions = [OnnxSession(path, choice, options=options) for path in paths]
    _log_choice(choice)
    return sessions


def _log_choice(choice: DeviceChoice) -> None:
    logger.info("device %s runs on %s: %s", choice.requested, choice.provider, choice.reason)
    hint = unused_gpu_hint(choice)
    if hint is not None:
        logger.warning("%s", hint)
