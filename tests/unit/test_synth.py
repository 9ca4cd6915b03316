"""Synthetic people: labels are where the pixels are, and depend on the seed alone."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from dwpose_annotator.images import load_image
from dwpose_annotator.skeleton import FACE, LEFT_HAND, RIGHT_HAND
from train.config import annotation_and_images
from train.data import load_people
from train.synth import shot
from train.synth.backgrounds import Backgrounds
from train.synth.body import FACE68, PARTS, Body, BodyModel, BodyParameters
from train.synth.camera import Camera, look_at
from train.synth.dataset import Settings, check_settings, generate, make_chunk
from train.synth.labels import HIDDEN, VISIBLE, annotate, run_lengths, visibility
from train.synth.picture import draw_sample
from train.synth.render import Geometry, Light, render
from train.synth.scene import Studio
from train.synth.surface import SCENERY, Surface, box_mesh, vertex_normals

NONE, FULL = np.zeros(3, np.float32), np.ones(3, np.float32)
FLAT = Light(NONE, NONE, FULL, FULL, 0.0, 0.0)  # no sun, the same light from all sides


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """As ``make_chunks`` renders: the number of threads decides the order of torch's sums."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(Backgrounds([]))


@pytest.fixture(scope="module")
def body(studio: Studio) -> Body:
    """The average adult in the rest pose, looking towards -y."""
    pose = np.tile(np.eye(4, dtype=np.float32), (len(studio.model.bone_names), 1, 1))
    average = dict.fromkeys(studio.model.model.phenotype_labels, 0.5) | {"age": 0.67}
    return studio.model([BodyParameters(average, {}, pose)])[0]


def camera_from(
    direction: tuple[float, float, float], target: NDArray[np.float32], *, focal: float
) -> Camera:
    position = (target + 3 * np.array(direction)).astype(np.float32)
    return Camera(position, look_at(position, target, 0.0), focal, (119.5, 159.5), (240, 320))


def skin(model: BodyModel, body: Body, texture: NDArray[np.uint8] | None = None) -> Surface:
    grey = np.full((2, 2, 3), 90, np.uint8) if texture is None else texture
    uv = np.zeros((*model.faces.shape, 2), np.float32)
    return Surface(body.vertices, model.faces, uv, grey, 0, model.part_of_face, gloss=0.0)


PAINTED = (
    *(FACE.start + landmark for landmark in (8, 30, 37, 44, 51)),
    LEFT_HAND.start + 8,
    RIGHT_HAND.start + 20,
)


@pytest.mark.parametrize("index", PAINTED)
def test_a_painted_vertex_appears_at_its_keypoint(studio: Studio, body: Body, index: int) -> None:
    model = studio.model
    distance = np.linalg.norm(body.vertices - body.keypoints[index], axis=1)
    vertex = int(distance.argmin())
    assert distance[vertex] < 1e-6  # face points and finger tips are vertices
    texture = np.tile(np.arange(256, dtype=np.uint8)[None, :, None], (2, 1, 3))
    surface = skin(model, body, texture)
    uv = np.full((*model.faces.shape, 2), 1 / 512, np.float32)
    uv[model.faces == vertex, 0] = 511 / 512  # bright at the vertex, black at its neighbours
    towards = vertex_normals(body.vertices, model.faces)[vertex]
    camera = camera_from(tuple(towards), body.keypoints[index], focal=2500)
    camera = replace(camera, center_xy=(83.0, 201.0))
    geometry = Geometry([replace(surface, corner_uv=uv)])
    black = np.zeros((320, 240, 3), np.uint8)
    image = render(np.random.default_rng(0), geometry, camera, FLAT, black).image[..., 0]
    brightest = np.unravel_index(image.argmax(), image.shape)[::-1]
    xy, _ = camera.project(body.keypoints)
    assert image.max() > 100
    assert np.abs(xy[index] - brightest).max() <= 1.5
    assert np.allclose(xy[index], (83, 201), atol=0.01)


def test_left_is_the_persons_left(studio: Studio, body: Body) -> None:
    middle = body.keypoints[[5, 6, 11, 12]].mean(axis=0)
    front, depth = camera_from((0, -1, 0), middle, focal=300).project(body.keypoints)
    back, _ = camera_from((0, 1, 0), middle, focal=300).project(body.keypoints)
    left = [*range(1, 17, 2), 17, 18, 19, FACE.start + 45, *range(LEFT_HAND.start, LEFT_HAND.stop)]
    right = [
        *range(2, 17, 2),
        20,
        21,
        22,
        FACE.start + 36,
        *range(RIGHT_HAND.start, RIGHT_HAND.stop),
    ]
    assert (front[left, 0] > front[right, 0]).all()  # facing the camera: left is on the right
    assert (back[left, 0] < back[right, 0]).all()
    assert depth[0] < depth[[3, 4]].min()  # the nose is in front of the ears
    assert (np.diff(front[[0, 5, 11, 13, 15, 17], 1]) > 0).all()  # head to toe
    surface = skin(studio.model, body)
    from_behind = visibility(
        Geometry([surface]), camera_from((0, 1, 0), middle, focal=300), body, 0
    )
    assert (from_behind[[0, 1, 2]] == HIDDEN).all() and (from_behind[FACE][27:68] == HIDDEN).all()
    assert (from_behind[5:17] == VISIBLE).all()


def test_fingers_and_face_lie_in_order(body: Body) -> None:
    for hand in (LEFT_HAND, RIGHT_HAND):
        points = body.keypoints[hand]
        wrist = body.keypoints[9 if hand is LEFT_HAND else 10]
        assert np.linalg.norm(points[0] - wrist) < 0.04
        for finger in range(5):
            joints = points[1 + 4 * finger : 5 + 4 * finger]
            reach = np.linalg.norm(joints - points[0], axis=1)
            assert (np.diff(reach) > 0.005).all()
    face = body.keypoints[FACE]
    assert face[0, 0] < face[4, 0] < face[8, 0] < face[12, 0] < face[16, 0]  # right ear to left ear
    assert (np.diff(face[:9, 2]) < 0).all() and (np.diff(face[8:17, 2]) > 0).all()
    for corner, upper, lower in ((36, 37, 41), (39, 38, 40), (42, 43, 47), (45, 44, 46)):
        assert face[lower, 2] < face[corner, 2] < face[upper, 2]
        assert np.linalg.norm(face[upper] - face[corner]) < 0.016  # on the lid, not behind the eye
    assert face[8, 2] < face[57, 2] < face[33, 2] < face[27, 2] < face[19, 2]


def test_an_occluder_hides_points_but_keeps_their_places(studio: Studio, body: Body) -> None:
    camera = camera_from((0, -1, 0), body.keypoints[0], focal=300)
    surface = skin(studio.model, body)
    free = visibility(Geometry([surface]), camera, body, 0)
    assert (free[[0, 1, 2, *range(FACE.start + 17, FACE.stop)]] == VISIBLE).all()
    vertices, faces = box_mesh(
        body.keypoints[0] + np.array([0, -0.5, 0]), np.array([0.3, 0.05, 0.3]), 0.0
    )
    board = Surface(
        vertices, faces, np.zeros((12, 3, 2), np.float32), surface.texture, SCENERY, np.full(12, -1)
    )
    behind = Geometry([surface, board])
    hidden = visibility(behind, camera, body, 0)
    assert (hidden[:5] == HIDDEN).all() and (hidden[FACE] == HIDDEN).all()
    pane = Geometry([surface, replace(board, see_through=True)])
    assert (visibility(pane, camera, body, 0) == free).all()
    seen = render(
        np.random.default_rng(0), behind, camera, FLAT, np.zeros((320, 240, 3), np.uint8)
    ).person
    label = annotate(behind, camera, body, 0, seen)
    assert label is not None and not label["face_valid"] and label["face_box"] == [0, 0, 0, 0]
    xy, _ = camera.project(body.keypoints)
    assert np.allclose(np.reshape(label["keypoints"], (17, 3))[:, :2], xy[:17], atol=0.006)
    outside = (xy < 0).any(axis=1) | (xy[:, 0] > 239) | (xy[:, 1] > 319)
    assert outside.any() and (hidden[outside] == HIDDEN).all()


@pytest.mark.parametrize("height", [1.27, 1.7, 2.1])
def test_portraits_frame_the_head_of_people_of_any_height(
    studio: Studio, body: Body, height: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = height / float(np.ptp(body.rest[:, 2]))
    feet = body.rest[:, 2].min()  # which stay on the ground
    person = replace(
        body,
        rest=(body.rest - [0, 0, feet]) * np.float32(size) + [0, 0, feet],
        vertices=body.vertices * np.float32(size),
    )
    monkeypatch.setattr(shot, "FRAME_CHANCE", (0, 0, 0, 1, 0))
    camera = shot.draw_camera(np.random.default_rng(0), studio.model, [person])
    head = studio.model.part_of_vertex == PARTS.index("head")
    xy, _ = camera.project(person.vertices[head])
    assert ((xy > -20) & (xy < np.array(camera.size_wh) + 20)).all()
    assert np.ptp(xy[:, 1]) > 0.3 * camera.size_wh[1]


def test_masks_are_coco_run_lengths() -> None:
    mask = np.random.default_rng(0).random((7, 5)) < 0.5
    for case in (mask, ~mask, np.ones((3, 2), bool), np.zeros((3, 2), bool)):
        counts = run_lengths(case)["counts"]
        values = np.repeat(np.arange(len(counts)) % 2, counts).astype(bool)
        assert (case == values.reshape(case.shape[::-1]).T).all()


def test_the_same_seed_gives_the_same_picture_and_labels(studio: Studio) -> None:
    first, again, other = (draw_sample(studio, np.random.default_rng((3, n))) for n in (0, 0, 1))
    assert first == again
    assert first.jpeg != other.jpeg


def test_eyelids_follow_a_blink(studio: Studio) -> None:
    pose = np.tile(np.eye(4, dtype=np.float32), (len(studio.model.bone_names), 1, 1))
    blink = {"eyeBlinkLeft": 1.0}
    awake, asleep = studio.model([BodyParameters({}, {}, pose), BodyParameters({}, blink, pose)])
    drop = (awake.keypoints - asleep.keypoints)[FACE, 2]
    assert (drop[[43, 44]] > 0.005).all()  # the left eye's upper lid
    assert np.abs(np.delete(drop, [42, 43, 44, 45])).max() < 0.004
    assert len(set(FACE68)) == 68


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def test_data_sets_do_not_depend_on_processes_and_resume(studio: Studio, tmp_path: Path) -> None:
    settings = Settings(seed=11)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    command = [
        sys.executable,
        "-m",
        "train.synth",
        str(whole),
        "--count",
        "3",
        "--seed",
        "11",
        "--workers",
        "2",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    check_settings(broken, settings)
    for number in (2, 0):  # single chunks, backwards, in this process
        make_chunk(studio, broken, 11, range(number, number + 1))
    kept = broken / "images" / "000002.jpg"
    written = kept.stat().st_mtime_ns
    generate(broken, settings, count=3, chunk_size=1)
    assert kept.stat().st_mtime_ns == written  # resumed, not rendered again
    a, b = files_of(whole), files_of(broken)
    assert {n: d for n, d in a.items() if "parts" not in n} == {
        n: d for n, d in b.items() if "parts" not in n
    }
    assert not [name for name in a if name.endswith(".tmp")]

    people = load_people(*annotation_and_images(str(whole)))
    assert len(people) >= 3 and not people.skipped and people.visible.all()
    content = json.loads(gzip.decompress((whole / "train.json.gz").read_bytes()))
    assert len({label["id"] for label in content["annotations"]}) == len(people)
    for image in content["images"]:
        pixels = load_image(whole / "images" / image["file_name"])
        assert pixels.shape == (image["height"], image["width"], 3)
    for label in content["annotations"]:
        assert label["area"] == sum(label["segmentation"]["counts"][1::2])
        _, _, w, h = label["bbox"]
        assert 0 < label["area"] <= w * h
    with pytest.raises(ValueError, match="other settings"):
        generate(whole, Settings(seed=12), count=3)


def test_missing_backgrounds_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="backgrounds"):
        generate(tmp_path / "out", Settings(seed=0, backgrounds=str(tmp_path)), count=1)
    with pytest.raises(ValueError, match="at least 1"):
        generate(tmp_path / "out", Settings(seed=0), count=0)
