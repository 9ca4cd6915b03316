"""ComfyUI's own nodes that the example workflows use, reduced to what flows between them."""

from __future__ import annotations

import os

import folder_paths
from comfy_api.latest import io

Video = io.Custom("VIDEO")


def _schema(node_id, inputs=(), outputs=(), output_node=False) -> io.Schema:
    return io.Schema(
        node_id=node_id, inputs=list(inputs), outputs=list(outputs), is_output_node=output_node
    )


class LoadImage(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        files = sorted(os.listdir(folder_paths.get_input_directory()))
        return _schema(
            "LoadImage",
            [io.Combo.Input("image", options=files)],
            [io.Image.Output(), io.Mask.Output()],
        )

    @classmethod
    def execute(cls, image):
        import numpy as np
        import torch
        from PIL import Image

        pixels = np.asarray(Image.open(folder_paths.get_annotated_filepath(image)).convert("RGB"))
        mask = torch.zeros((1, 64, 64))  # a picture without transparency gives this
        return io.NodeOutput(torch.from_numpy(pixels.astype("float32") / 255)[None], mask)


class SaveImage(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        inputs = [io.Image.Input("images"), io.String.Input("filename_prefix", default="ComfyUI")]
        return _schema("SaveImage", inputs, output_node=True)

    @classmethod
    def execute(cls, images, filename_prefix):
        from PIL import Image

        folder, stem, number, _, _ = folder_paths.get_save_image_path(
            filename_prefix, folder_paths.get_output_directory()
        )
        for i, tensor in enumerate(images):
            pixels = (255.0 * tensor.cpu().numpy()).clip(0, 255).astype("uint8")
            Image.fromarray(pixels).save(os.path.join(folder, f"{stem}_{number + i:05}_.png"))
        return io.NodeOutput()


class LoadVideo(io.ComfyNode):
    """Thirty-two times the picture that stands in for the clip."""

    @classmethod
    def define_schema(cls):
        files = sorted(os.listdir(folder_paths.get_input_directory()))
        return _schema("LoadVideo", [io.Combo.Input("file", options=files)], [Video.Output()])

    @classmethod
    def execute(cls, file):
        return io.NodeOutput(LoadImage.execute(file)[0].expand(32, -1, -1, -1))


class GetVideoComponents(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        outputs = [io.Image.Output(), io.Custom("AUDIO").Output(), io.Float.Output()]
        return _schema("GetVideoComponents", [Video.Input("video")], outputs)

    @classmethod
    def execute(cls, video):
        return io.NodeOutput(video, None, 24.0)


class CreateVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        inputs = [
            io.Image.Input("images"),
            io.Float.Input("fps", default=30.0),
            io.Custom("AUDIO").Input("audio", optional=True),
        ]
        return _schema("CreateVideo", inputs, [Video.Output()])

    @classmethod
    def execute(cls, images, fps, audio=None):
        assert fps == 24.0
        assert audio is None
        return io.NodeOutput(images)


class SaveVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        inputs = [
            Video.Input("video"),
            io.String.Input("filename_prefix", default="video/ComfyUI"),
            io.Combo.Input("format", options=["auto", "mp4"], default="auto"),
            io.Combo.Input("codec", options=["auto", "h264"], default="auto"),
        ]
        return _schema("SaveVideo", inputs, output_node=True)

    @classmethod
    def execute(cls, video, filename_prefix, format, codec):  # noqa: A002
        del format, codec
        return SaveImage.execute(video, filename_prefix)


CORE_NODES: list[type[io.ComfyNode]] = [
    LoadImage,
    SaveImage,
    LoadVideo,
    GetVideoComponents,
    CreateVideo,
    SaveVideo,
]
