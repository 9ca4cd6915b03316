"""What a node shows: pictures are written to ComfyUI's temporary folder."""

from __future__ import annotations

import os

import folder_paths


class PreviewImage:
    def __init__(self, image, animated=False, cls=None):
        from PIL import Image

        assert cls is not None, "without cls the preview has no workflow in its metadata"
        self.animated, self.values = animated, []
        folder, stem, number, _, _ = folder_paths.get_save_image_path(
            "ComfyUI_temp_abcde", folder_paths.get_temp_directory()
        )
        for i, tensor in enumerate(image):
            name = f"{stem}_{number + i:05}_.png"
            pixels = (255.0 * tensor.cpu().numpy()).clip(0, 255).astype("uint8")
            Image.fromarray(pixels).save(os.path.join(folder, name))
            self.values.append({"filename": name, "subfolder": "", "type": "temp"})

    def as_dict(self):
        return {"images": self.values, "animated": (self.animated,)}
