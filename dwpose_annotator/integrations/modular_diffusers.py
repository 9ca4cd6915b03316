"""The annotator as a step of a Modular Diffusers pipeline; needs the ``diffusers`` extra.

Put the step in front of blocks that read ``control_image``, and the pipeline takes a photo::

    from diffusers import StableDiffusionXLAutoBlocks
    from dwpose_annotator.integrations.modular_diffusers import PoseMapStep

    blocks = StableDiffusionXLAutoBlocks().get_workflow("controlnet_text2image")
    blocks.sub_blocks.insert("pose_map", PoseMapStep(), 0)
    pipeline = blocks.init_pipeline("stabilityai/stable-diffusion-xl-base-1.0")

``examples/diffusers_modular.py`` goes on from there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from diffusers import ConfigMixin, ModularPipelineBlocks
from diffusers.configuration_utils import register_to_config
from diffusers.modular_pipelines import ComponentSpec, InputParam, OutputParam, PipelineState
from PIL import Image

from dwpose_annotator import defaults
from dwpose_annotator.annotator import Annotator
from dwpose_annotator.draw import DrawStyle
from dwpose_annotator.images import ImageLike, load_image
from dwpose_annotator.resize import resize_for_controlnet
from dwpose_annotator.types import Poses


class PoseMapper(ConfigMixin):  # type: ignore[misc]  # diffusers is not typed
    """Photo -> map in the size that is generated. The networks load at the first photo.

    A pipeline makes one with the defaults; for another detector, pose network or device::

        pipeline.update_components(pose_mapper=PoseMapper(pose="dw-ll_ucoco_384"))
    """

    config_name = "pose_mapper.json"

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        pose: str = defaults.POSE,
        detector: str = defaults.DETECTOR,
        device: str = "auto",
    ) -> None:
        self._pose, self._detector, self._device = pose, detector, device
        self._annotator: Annotator | None = None

    def __call__(
        self, photo: ImageLike, *, resolution: int, style: str | DrawStyle
    ) -> tuple[Image.Image, Poses]:
        """Map and keypoints of the photo at ``resize_for_controlnet``'s size.

        Args:
            photo: RGB (H, W, 3) uint8, a PIL image or a file.
            resolution: short side in pixels, a multiple of 64.
            style: see ``draw_poses``.

        Raises:
            ValueError: nobody is on the photo; without a pose there is nothing to follow.
        """
        if self._annotator is None:
            self._annotator = Annotator.from_pretrained(
                self._pose, detector=self._detector, device=self._device
            )
        poses = self._annotator.estimate(resize_for_controlnet(load_image(photo), resolution))
        if not len(poses):
            raise ValueError(
                "nobody was found on the photo, so there is no pose to follow: choose another "
                "photo, or give pose_mapper a larger detector"
            )
        pose_map = self._annotator.draw(poses, style=style)
        return Image.fromarray(np.ascontiguousarray(pose_map)), poses


class PoseMapStep(ModularPipelineBlocks):  # type: ignore[misc]
    """Block: ``photo`` in; ``control_image``, its ``height`` and ``width``, and ``poses`` out.

    ``pose_map`` is the same picture again: blocks turn their ``control_image`` into a tensor.
    """

    model_name = None  # fits before blocks of any model

    @property
    def description(self) -> str:
        """One sentence for the documentation that diffusers composes."""
        return "Step that draws the DWPose map of a photo as the image of the ControlNet"

    @property
    def expected_components(self) -> list[Any]:
        """The mapper, made from its defaults."""
        return [ComponentSpec("pose_mapper", PoseMapper, default_creation_method="from_config")]

    @property
    def inputs(self) -> list[Any]:
        """What the pipeline's call takes for this step."""
        return [
            InputParam("photo", required=True, description="RGB array, PIL image or file"),
            InputParam("resolution", default=1024, description="Short side, a multiple of 64"),
            InputParam("pose_style", default="openpose", description="How the map is drawn"),
        ]

    @property
    def intermediate_outputs(self) -> list[Any]:
        """What later steps read."""
        return [
            OutputParam("control_image", type_hint=Image.Image, description="For the ControlNet"),
            OutputParam("pose_map", type_hint=Image.Image, description="The pose map"),
            OutputParam("height", type_hint=int, description="Of the map and of the result"),
            OutputParam("width", type_hint=int, description="Of the map and of the result"),
            OutputParam("poses", type_hint=Poses, description="Keypoints in pixels of the map"),
        ]

    def __call__(self, components: Any, state: PipelineState) -> tuple[Any, PipelineState]:
        """Draw the map; called by the pipeline."""
        block = self.get_block_state(state)
        block.pose_map, block.poses = components.pose_mapper(
            block.photo, resolution=block.resolution, style=block.pose_style
        )
        block.control_image = block.pose_map
        block.width, block.height = block.pose_map.size
        self.set_block_state(state, block)
        return components, state
