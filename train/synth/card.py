"""The data card that is written beside a synthetic data set."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from train.data import keypoints_of

PARTS = {
    "body": (0, 17),
    "feet": (17, 23),
    "face": (23, 91),
    "left hand": (91, 112),
    "right hand": (112, 133),
}

PHOTOS = "; backgrounds and some prints on cloth are photos of the folder named in synth.json"
TEXT = """# Synthetic people

{images} pictures with {people} labelled people, rendered by `python -m train.synth`
(generator version {version}, seed {seed}). No photo of a person and no human label went into
it{backgrounds}.

- `train.json.gz`: COCO-WholeBody v1.0 fields; `images/`: JPEG. Both are {megabytes:.1f} MB.
- One subject per picture fills about a 256x192 network input; up to three more people are labelled
  where at least 80 pixels and 4 keypoints of them are seen.
- Keypoints are exact projections in pixels, (0, 0) being the centre of the top-left pixel.
  v = 2: seen (for a joint: the limb around it is seen). v = 1: hidden by the body itself, clothes,
  another person or an object, or outside the frame; x and y are the true ones then, so they may be
  negative or beyond the picture. Nothing is v = 0.
- `bbox`, `area` and `segmentation` (uncompressed RLE) are of the visible pixels, clothes and hair
  included. `*_valid`: at least one point of the part is seen; `face_box` and the hand boxes
  then surround all its points within the frame, else they are zeros.

| part | points seen (v = 2) | people with the part seen |
|---|---|---|
{table}

Body model: anny (NAVER, Apache-2.0; MakeHuman data, CC0). Ray caster: Embree by embreex. Skin
tones: Monk Skin Tone scale (CC BY 4.0). Adults only. What still looks wrong: docs/synth/README.md.
"""


def write_card(out: Path, content: dict[str, Any]) -> None:
    """Write README.md from the content of train.json."""
    state = np.stack([keypoints_of(annotation)[:, 2] for annotation in content["annotations"]]) == 2
    rows = [
        f"| {name} | {state[:, a:b].mean():.0%} | {state[:, a:b].any(axis=1).mean():.0%} |"
        for name, (a, b) in PARTS.items()
    ]
    files = [out / "train.json.gz", *(out / "images" / i["file_name"] for i in content["images"])]
    with_photos = '"backgrounds": ""' not in (out / "synth.json").read_text()
    text = TEXT.format(
        images=len(content["images"]),
        people=len(content["annotations"]),
        version=content["info"]["version"],
        seed=content["info"]["seed"],
        backgrounds=PHOTOS if with_photos else "",
        megabytes=sum(f.stat().st_size for f in files) / 1e6,
        table="\n".join(rows),
    )
    temporary = out / f".README.{os.getpid()}.tmp"
    temporary.write_text(text)
    os.replace(temporary, out / "README.md")
