"""UBody conversion on a made-up copy of its layout, and frame extraction on a made-up video."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dwpose_annotator.skeleton import NUM_KEYPOINTS
from train.config import annotation_and_images
from train.data import PARTS, load_people
from train.ubody import convert, extract_scene, extract_video, frames_at

PEOPLE_OF = {10: 1, 20: 2, 25: 1, 30: 1, 40: 1}  # source image id -> people


def write_scene(root: Path, scene: str, videos: dict[int, str], *, slash: str) -> None:
    """Annotations and frames of one scene; ``videos`` names the folder of each image."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, video in videos.items():
        file = f"{video}/{image_id:06d}.png"
        images.append(
            {"id": image_id, "file_name": f"{slash}{file}", "width": 64, "height": 48}
        )  # fmt: skip
        path = root / "images" / scene / file
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), np.full((48, 64, 3), image_id, np.uint8))
        for person in range(PEOPLE_OF[image_id]):
            annotation: dict[str, Any] = {
                "id": 100 * image_id + person,
                "image_id": image_id,
                "bbox": [5 + person, 5, 40, 40],
                "num_keypoints": 17,
                "iscrowd": 0,
                "valid_label": 2,
            }
            for name, count in PARTS:
                annotation[name] = [10 + person, 20, 1] * count
            annotations.append(annotation)
    folder = root / "annotations" / scene
    folder.mkdir(parents=True)
    content = {"images": images, "annotations": annotations}
    (folder / "keypoint_annotation.json").write_text(json.dumps(content))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    train_and_test = {10: "alpha", 20: "alpha", 25: "alpha", 30: "beta_Trim2", 40: "gamma"}
    write_scene(tmp_path, "Movie", train_and_test, slash="/")
    write_scene(tmp_path, "Speech", {10: "delta", 20: "delta"}, slash="")
    (tmp_path / "splits").mkdir()
    np.save(tmp_path / "splits" / "intra_scene_test_list.npy", np.array(["beta", "omega"]))
    return tmp_path


def test_split_interval_paths_and_people(root: Path) -> None:
    convert(root, ("Movie", "Speech"))
    train, val = (json.loads((root / f"{name}.json").read_text()) for name in ("train", "val"))
    assert [image["file_name"] for image in train["images"]] == [
        "Movie/alpha/000010.png",
        "Movie/alpha/000020.png",
        "Movie/gamma/000040.png",
        "Speech/delta/000010.png",
        "Speech/delta/000020.png",
    ]
    assert [image["file_name"] for image in val["images"]] == ["Movie/beta_Trim2/000030.png"]
    for kind in ("images", "annotations"):
        ids = [entry["id"] for content in (train, val) for entry in content[kind]]
        assert len(set(ids)) == len(ids)
    assert {category["name"] for category in train["categories"]} == {"person"}
    assert not list(root.glob("*_missing.txt"))

    people = load_people(*annotation_and_images(str(root)))
    assert len(people) == 1 + 2 + 1 + 1 + 2  # the second person of a frame is not lost
    assert people.skipped == ()
    assert people.xy.shape == (7, NUM_KEYPOINTS, 2)
    for path, person in zip(people.image, people.xy, strict=True):
        assert path.is_file()
        assert person[0, 0] in (10, 11)
    second = [i for i, path in enumerate(people.image) if path.name == "000020.png"]
    assert sorted(people.box[second, 0].tolist()) == [5, 5, 6, 6]


def test_missing_frames_are_left_out_and_listed(root: Path) -> None:
    (root / "images" / "Movie" / "alpha" / "000020.png").unlink()
    splits = convert(root, ("Movie",), every=5)
    assert splits["train"].missing == ["Movie/alpha/000020.png"]
    assert (root / "train_missing.txt").read_text() == "Movie/alpha/000020.png\n"
    assert [image["source_id"] for image in splits["train"].images] == [10, 25, 40]
    assert len(splits["train"].annotations) == 3


def test_what_is_not_there(root: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no annotations"):
        convert(root, ("Olympic",))
    with pytest.raises(ValueError, match="extract"):
        convert(root, ("Movie",), every=1000)
    with pytest.raises(FileNotFoundError, match="split list"):
        convert(tmp_path / "elsewhere", ("Movie",))


def write_video(path: Path, rate: float, greys: list[int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), rate, (64, 48))
    for grey in greys:
        writer.write(np.full((48, 64, 3), grey, np.uint8))
    writer.release()


@pytest.mark.parametrize(
    ("rate", "greys", "expected"),
    [
        (30, [0, 50, 100], [0, 50, 100]),
        (15, [0, 50, 100], [0, 0, 50, 50, 100, 100]),
        (90, [0, 20, 40, 60, 80, 100, 120, 140, 160], [20, 80, 140]),
        (10, [0, 200], [0, 0, 0, 200, 200, 200]),
    ],
)
def test_thirty_frames_a_second(
    tmp_path: Path, rate: float, greys: list[int], expected: list[int]
) -> None:
    write_video(tmp_path / "clip.avi", rate, greys)
    found = [int(frame.mean().round()) for frame in frames_at(tmp_path / "clip.avi")]
    assert len(found) == len(expected)
    assert np.abs(np.subtract(found, expected)).max() <= 4


def test_extraction_numbers_frames_and_resumes(tmp_path: Path) -> None:
    write_video(tmp_path / "videos" / "Movie" / "one.part.avi", 30, [0, 90, 180])
    (tmp_path / "videos" / "Movie" / "two.mp4").write_bytes(b"no video")
    (broken,) = extract_scene(tmp_path, "Movie")
    assert "two.mp4" in broken
    folder = tmp_path / "images" / "Movie" / "one"
    assert sorted(path.name for path in folder.iterdir()) == [f"{i:06d}.png" for i in (1, 2, 3)]
    assert not (folder.parent / "two").exists()
    assert extract_video(tmp_path / "videos" / "Movie" / "one.part.avi", folder) == 0
