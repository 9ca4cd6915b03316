"""The body model: anny (Apache-2.0, MakeHuman CC0 data), its 133 keypoints and body regions.

World frame: metres, x to the person's left, -y to the front, z up. A rest pose stands in a loose A.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[np.float32]
IntArray = NDArray[np.int64]

LANDMARKS = json.loads((Path(__file__).parent / "face68.json").read_text())
FACE68 = LANDMARKS["face68"]
# anny's regressors, in COCO-WholeBody order: 17 body points, then 6 foot points.
BODY_LABELS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee",
    "right_knee", "left_ankle", "right_ankle", "left_big_toe", "left_small_toe", "left_heel",
    "right_big_toe", "right_small_toe", "right_heel",
)  # fmt: skip
PARTS = (
    "torso", "head", "upper_arm_l", "lower_arm_l", "hand_l", "upper_leg_l", "lower_leg_l", "foot_l",
    "upper_arm_r", "lower_arm_r", "hand_r", "upper_leg_r", "lower_leg_r", "foot_r",
)  # fmt: skip
PART_OF_BONE = (
    ("upperarm", "upper_arm"), ("lowerarm", "lower_arm"), ("wrist", "hand"), ("finger", "hand"),
    ("metacarpal", "hand"), ("upperleg", "upper_leg"), ("lowerleg", "lower_leg"), ("foot", "foot"),
    ("toe", "foot"), ("neck", "head"), ("head", "head"), ("eye", "head"),
)  # fmt: skip


@dataclass(frozen=True)
class BodyParameters:
    """Shape, face and pose of one person: phenotypes and facial actions by anny's names."""

    phenotypes: Mapping[str, float]
    facial_actions: Mapping[str, float]
    pose: Array  # (J, 4, 4) rotations in world axes of the rest pose (anny's "local-ref")


@dataclass(frozen=True)
class Body:
    """One posed person.

    Attributes:
        rest, vertices: (V, 3) before and after posing.
        blend: (V, 3, 4) the matrix that posed each vertex (for whatever is worn on it).
        bones: (J, 3, 4) rest-to-posed transform of each bone.
        keypoints: (133, 3) COCO-WholeBody order, in the posed frame.
    """

    rest: Array
    vertices: Array
    blend: Array
    bones: Array
    keypoints: Array


def apply_blend(blend: Array, points: Array) -> Array:
    """Move (..., 3) points by (..., 3, 4) matrices."""
    return np.einsum("...ij,...j->...i", blend[..., :3], points) + blend[..., 3]


class BodyModel:
    """anny with everything that does not depend on the person worked out once.

    The first construction on a machine lets anny build its cache (about a minute, ~/.cache/anny or
    ANNY_CACHE_DIR); nothing is downloaded.
    """

    def __init__(self) -> None:
        try:
            import anny
            from anny.keypoints import KeypointsRegressor
        except ImportError as error:
            raise ImportError(
                "synthetic people need the body model: pip install 'dwpose-annotator[synth]'"
            ) from error
        self.model: Any = anny.Anny(
            facial_actions="all",
            phenotypes="all",
            skinning_method="lbs",
            phenotype_blendshapes="original",
        ).to(torch.float32)
        found = len(self.model.template_vertices)
        if found != LANDMARKS["vertex_count"]:
            raise ValueError(
                f"the face landmarks are vertices of {LANDMARKS['model']}, which has "
                f"{LANDMARKS['vertex_count']}; the installed anny has {found}: install anny 0.6.2"
            )
        self.bone_names: list[str] = list(self.model.bone_labels)
        self.bone_parents = np.asarray(self.model.bone_parents)
        self.faces: IntArray = self.model.faces.numpy().astype(np.int64)
        self.weights: Array = self.model.dense_vertex_bone_weights.numpy()
        regressor = KeypointsRegressor.coco(self.model, labels=list(BODY_LABELS))
        self.regressor: Array = regressor.regression_weights.numpy()
        self.uv: Array = self.model.texture_coordinates.numpy()
        self.face_uv: IntArray = self.model.face_texture_coordinate_indices.numpy()
        with torch.no_grad():
            rest = self.model()
        self.template: Array = rest["rest_vertices"][0].numpy()
        self.template_heads: Array = rest["rest_bone_heads"][0].numpy()
        self.part_of_vertex = self._vertex_parts()
        self.part_of_face = self.part_of_vertex[self.faces[:, 0]]
        self.vertex_uv = np.zeros((len(self.template), 2), np.float32)
        self.vertex_uv[self.faces] = self.uv[self.face_uv]
        self.fingertips = {side: self._fingertips(side) for side in "LR"}
        self.surface = self._surface_masks()

    def bone(self, name: str) -> int:
        """Index of a bone."""
        return self.bone_names.index(name)

    def head_of(self, name: str) -> Array:
        """(3,) rest position of a bone's head on the average body."""
        return self.template_heads[self.bone(name)]

    def _vertex_parts(self) -> IntArray:
        """(V,) index into PARTS by the bone that moves the vertex most."""
        of_bone = []
        for name in self.bone_names:
            part = next((p for prefix, p in PART_OF_BONE if name.startswith(prefix)), "torso")
            if part not in ("torso", "head"):
                part += f"_{name[-1].lower()}"
            of_bone.append(PARTS.index(part))
        return np.asarray(of_bone)[self.weights.argmax(axis=1)]

    def _fingertips(self, side: str) -> list[int]:
        """Vertex of each finger tip, thumb first: the last bone's farthest vertex."""
        tips = []
        owner = self.weights.argmax(axis=1)
        for finger in range(1, 6):
            last, middle = (self.bone(f"finger{finger}-{joint}.{side}") for joint in (3, 2))
            direction = self.template_heads[last] - self.template_heads[middle]
            members = np.flatnonzero(owner == last)
            tips.append(int(members[(self.template[members] @ direction).argmax()]))
        return tips

    def _surface_masks(self) -> dict[str, NDArray[np.bool_]]:
        """(F,) masks of anny's own mesh regions (eyes, mouth cavity...)."""
        from anny.face_segmentation import get_face_segmentation_mask

        regions = {
            "eyes": ("eye_front.L", "eye_front.R", "eye_back.L", "eye_back.R"),
            "mouth": ("mouth_cavity",),
            "tongue": ("tongue",),
            "head": ("head",),
        }
        return {
            name: get_face_segmentation_mask(self.model, list(labels)).numpy()
            for name, labels in regions.items()
        }

    def keypoints(self, vertices: Array, bone_heads: Array) -> Array:
        """(133, 3) COCO-WholeBody points of posed (V, 3) vertices and (J, 3) bone heads."""
        hands = []
        for side in "LR":
            hands.append(bone_heads[self.bone(f"wrist.{side}")][None])
            for finger in range(1, 6):
                joints = [self.bone(f"finger{finger}-{joint}.{side}") for joint in (1, 2, 3)]
                hands += [bone_heads[joints], vertices[[self.fingertips[side][finger - 1]]]]
        body = self.regressor @ vertices
        for point, lids in ((1, FACE68[42:48]), (2, FACE68[36:42])):
            body[point] = vertices[lids].mean(axis=0)  # anny's eye points lie on the upper lid
        return np.concatenate([body, vertices[FACE68], *hands]).astype(np.float32)

    def __call__(self, people: Sequence[BodyParameters]) -> list[Body]:
        """Pose several people at once."""
        with torch.no_grad():
            out = self.model(
                pose_parameters=torch.from_numpy(np.stack([p.pose for p in people])),
                phenotype_kwargs=_columns([p.phenotypes for p in people]),
                facial_actions=_columns([p.facial_actions for p in people]),
            )
        posed, rest = out["bone_poses"].numpy(), out["rest_bone_poses"].numpy()
        bodies = []
        for i in range(len(people)):
            bones = (posed[i] @ np.linalg.inv(rest[min(i, len(rest) - 1)]))[:, :3]
            blend = (self.weights @ bones.reshape(len(bones), 12)).reshape(-1, 3, 4)
            vertices = out["vertices"][i].numpy()
            rest_vertices = out["rest_vertices"][i].numpy()
            keypoints = self.keypoints(vertices, posed[i, :, :3, 3])
            bodies.append(Body(rest_vertices, vertices, blend, bones, keypoints))
        return bodies


def _columns(rows: Sequence[Mapping[str, float]]) -> dict[str, torch.Tensor]:
    """One tensor per name; a person who does not name it gets 0."""
    names = sorted({name for row in rows for name in row})
    return {n: torch.tensor([row.get(n, 0.0) for row in rows], dtype=torch.float32) for n in names}
