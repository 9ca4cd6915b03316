"""The DWpose detector of Hugging Face's ``controlnet_aux``, without mmcv, mmdet and mmpose.

Change one import, and code written for that library goes on with the same arguments and sizes::

    from dwpose_annotator.integrations.controlnet_aux import DWposeDetector

    detector = DWposeDetector.from_pretrained("lllyasviel/Annotators").to("cpu")
    pose_map = detector(photo, detect_resolution=512, image_resolution=768)

or call ``register()`` once, and the library itself uses this class. Signatures, sizes and drawing
are those of controlnet_aux 0.0.10, which is why arguments here may be positional.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Literal, TypeAlias

import cv2
import numpy as np

from dwpose_annotator.annotator import Annotator
from dwpose_annotator.defaults import DETECTOR, POSE
from dwpose_annotator.images import ImageLike, load_image
from dwpose_annotator.resize import output_size_hw, resize_for_controlnet
from dwpose_annotator.types import ImageArray

if TYPE_CHECKING:
    from PIL.Image import Image

WeightsName: TypeAlias = "str | os.PathLike[str]"

# Repositories that code for controlnet_aux names -> (pose, detector) weights. The first two hold
# OpenPose's networks, which DWPose does not use.
REPOSITORIES: dict[str, tuple[str, str]] = {
    "lllyasviel/Annotators": (POSE, DETECTOR),
    "lllyasviel/ControlNet": (POSE, DETECTOR),
    "yzd-v/DWPose": ("dw-ll_ucoco_384", "yolox_l"),
}


class DWposeDetector:
    """Photo -> skeleton map, at the sizes and in the colours of ``controlnet_aux``.

    Unlike there, an image in which nobody is found gives a black map instead of an invented
    skeleton, and photos are turned upright first if their EXIF data say so.

    Attributes:
        annotator: detects and estimates. Put another ``Annotator`` here for other thresholds.
    """

    def __init__(
        self,
        det_config: None = None,
        det_ckpt: WeightsName | None = None,
        pose_config: None = None,
        pose_ckpt: WeightsName | None = None,
        device: object = "auto",
        *,
        local_files_only: bool = False,
    ) -> None:
        """Load networks.

        Args:
            det_config: only None: the weights here need no mmdet configuration.
            det_ckpt: detector weights, a name or the path of an ONNX file; None takes the bundled.
            pose_config: only None, likewise.
            pose_ckpt: pose weights, likewise.
            device: see ``to``.
            local_files_only: never download.

        Raises:
            ValueError: a configuration file, or unknown weights.
            WeightsError: a weight file is missing or damaged.
            DeviceError: the device cannot run here.
        """
        if det_config is not None or pose_config is not None:
            raise ValueError(
                "det_config and pose_config must be None: this detector runs ONNX files and needs "
                "no mmdet or mmpose configuration. Name the weights in det_ckpt and pose_ckpt, "
                'e.g. det_ckpt="yolox_l", pose_ckpt="dw-ll_ucoco_384"'
            )
        self._detector = DETECTOR if det_ckpt is None else det_ckpt
        self._pose = POSE if pose_ckpt is None else pose_ckpt
        self._local_files_only = local_files_only
        self.to(device)

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_or_path: WeightsName = POSE,
        *,
        detector: WeightsName = DETECTOR,
        device: object = "auto",
        local_files_only: bool = False,
    ) -> DWposeDetector:
        """Load networks by repository, weight name or path.

        Args:
            pretrained_model_or_path: a repository in ``REPOSITORIES``, which also names the
                detector; or pose weights, a name or the path of an ONNX file.
            detector: detector weights that go with pose weights, likewise.
            device: see ``to``.
            local_files_only: never download.

        Raises:
            ValueError: unknown weights or repository.
            WeightsError: a weight file is missing or damaged.
            DeviceError: the device cannot run here.
        """
        named = (pretrained_model_or_path, detector)
        pose, finder = REPOSITORIES.get(os.fspath(pretrained_model_or_path), named)
        return cls(None, finder, None, pose, device, local_files_only=local_files_only)

    def to(self, device: object) -> DWposeDetector:
        """Load the networks again, on that device.

        Args:
            device: ``auto`` or a name of ``dwpose_annotator.device.DEVICES``, or a
                ``torch.device``. On ``mps`` the networks run as with ``auto``: what ONNX Runtime
                has for Apple's GPU is slower than the CPU on networks of changing batch size.

        Raises:
            DeviceError: the device cannot run here; names the package to install.
        """
        name = str(device)
        self.annotator = Annotator.from_pretrained(
            self._pose,
            detector=self._detector,
            device="auto" if name.startswith("mps") else name,
            offline=self._local_files_only,
        )
        return self

    def __call__(
        self,
        input_image: ImageLike,
        detect_resolution: int = 512,
        image_resolution: int = 512,
        include_body: bool = True,
        include_hand: bool = True,
        include_face: bool = True,
        hand_and_face: bool | None = None,
        output_type: Literal["pil", "np"] = "pil",
    ) -> Image | ImageArray:
        """Skeleton map of one image.

        Args:
            input_image: PIL image, array or path.
            detect_resolution: length of the short side on which poses are estimated and drawn,
                rounded with the other side to multiples of 64.
            image_resolution: the same for the map, which is resized if the two differ.
            include_body: draw the body; likewise ``include_hand`` and ``include_face``.
            hand_and_face: the library's older name for both; None leaves it to the two others.
            output_type: ``"pil"`` for a PIL image, ``"np"`` for (H, W, 3) uint8 RGB.

        Raises:
            ValueError: not an image, a resolution below 1, or another output type.
        """
        if output_type not in ("pil", "np"):
            raise ValueError(f'output_type must be "pil" or "np", got {output_type!r}')
        image = resize_for_controlnet(load_image(input_image), detect_resolution)
        pose_map = self.annotator.draw(
            self.annotator.estimate(image),
            style="openpose",
            body=include_body,
            hands=include_hand if hand_and_face is None else hand_and_face,
            face=include_face if hand_and_face is None else hand_and_face,
        )
        size_hw = output_size_hw(image.shape[:2], image_resolution)
        if size_hw != image.shape[:2]:
            pose_map = np.asarray(cv2.resize(pose_map, size_hw[::-1]), dtype=np.uint8)
        if output_type == "np":
            return pose_map
        from PIL import Image

        return Image.fromarray(pose_map)


def register() -> None:
    """Let the installed controlnet_aux use this class in the place of its own.

    Afterwards its ``Processor("dwpose")`` works, which otherwise ends in an AttributeError, and
    ``controlnet_aux.DWposeDetector`` is ``DWposeDetector``.

    Raises:
        ImportError: controlnet_aux is not installed.
    """
    try:
        library = importlib.import_module("controlnet_aux")
        processor = importlib.import_module("controlnet_aux.processor")
    except ModuleNotFoundError as error:
        raise ImportError(
            f"controlnet_aux cannot be imported ({error}). Run: pip install controlnet-aux"
        ) from error
    vars(library)["DWposeDetector"] = DWposeDetector
    processor.MODELS["dwpose"] = {"class": DWposeDetector, "checkpoint": True}
