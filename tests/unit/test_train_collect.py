"""Public data sets become folders that detector training reads."""

from __future__ import annotations

import json
import sys

import cv2
import numpy as np
import pytest

from train.detector import __main__ as command_line
from train.detector.data import load_photos


def collect(monkeypatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["train.detector", "collect", *map(str, arguments)])
    command_line.main()


def photos_of(folder):
    return load_photos(folder / "train.json", folder / "images")


def photo(path, size_hw=(60, 80)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((*size_hw, 3), 90, np.uint8))


def test_coco_people_are_scaled_with_their_photo_and_crowds_left_out(tmp_path, monkeypatch, capsys):
    coco, out = tmp_path / "coco", tmp_path / "out"
    images = [{"id": i, "file_name": f"{i:012d}.jpg"} for i in (7, 8, 9, 10)]
    person = {"category_id": 1, "iscrowd": 0, "bbox": [100, 200, 300, 400]}
    annotations = [
        {"image_id": 7, **person},
        {"image_id": 7, **person, "category_id": 18},  # a dog
        {"image_id": 8, **person},
        {"image_id": 8, **person, "iscrowd": 1},
        {"image_id": 10, **person},
    ]
    (coco / "annotations").mkdir(parents=True)
    (coco / "annotations" / "instances_train2017.json").write_text(
        json.dumps({"images": images, "annotations": annotations})
    )
    for image in images[:3]:  # the fourth was not downloaded
        photo(coco / "train2017" / image["file_name"], (960, 1280))
    collect(monkeypatch, "coco", coco, out)
    assert "2 photos, 1 people" in capsys.readouterr().out
    found = photos_of(out)
    assert [path.stem for path in found.image] == ["000000000007", "000000000009"]
    assert cv2.imread(str(found.image[0])).shape == (480, 640, 3)
    np.testing.assert_allclose(found.boxes[0], [[50, 100, 200, 300]])
    assert len(found.boxes[1]) == 0
    (tmp_path / "ids.txt").write_text("000000000009\n")
    collect(monkeypatch, "coco", coco, tmp_path / "one", "--only", tmp_path / "ids.txt")
    assert [path.stem for path in photos_of(tmp_path / "one").image] == ["000000000009"]


def test_boxes_follow_masks(tmp_path, monkeypatch):
    source = tmp_path / "PennFudanPed"
    photo(source / "PNGImages" / "street.png")
    mask = np.zeros((60, 80), np.uint8)
    mask[10:50, 5:20], mask[12:40, 30:44] = 1, 2
    (source / "PedMasks").mkdir()
    cv2.imwrite(str(source / "PedMasks" / "street_mask.png"), mask)
    collect(monkeypatch, "masks", source, tmp_path / "out")
    (boxes,) = photos_of(tmp_path / "out").boxes
    np.testing.assert_array_equal(boxes, [[5, 10, 20, 50], [30, 12, 44, 40]])
    (source / "PedMasks" / "street_mask.png").unlink()
    with pytest.raises(SystemExit, match=r"street\.png: no mask in"):
        collect(monkeypatch, "masks", source, tmp_path / "out")


def test_photos_of_nobody(tmp_path, monkeypatch, caplog):
    source = tmp_path / "things"
    for name in ("cat.jpg", "dog.JPEG", "rider.jpg"):
        photo(source / name)
    (source / "broken.jpg").write_bytes(b"no image")
    (source / "readme.md").write_text("no image either")
    (tmp_path / "people.txt").write_text("rider\n")
    out = tmp_path / "out"
    collect(monkeypatch, "nobody", source, out, "--without", tmp_path / "people.txt")
    found = photos_of(out)
    assert [path.stem for path in found.image] == ["cat", "dog"]
    assert not any(len(boxes) for boxes in found.boxes)
    assert "broken.jpg" in caplog.text


def test_an_empty_folder_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "nothing").mkdir()
    with pytest.raises(SystemExit, match="no photo was found"):
        collect(monkeypatch, "nobody", tmp_path / "nothing", tmp_path / "out")


def test_voc_people_who_are_hard_to_tell_are_doubtful(tmp_path, monkeypatch):
    voc = tmp_path / "VOC2007"
    person = "<object><name>person</name><difficult>{}</difficult><bndbox>{}</bndbox></object>"
    box = "<xmin>11</xmin><ymin>6</ymin><xmax>30</xmax><ymax>55</ymax>"
    (voc / "Annotations").mkdir(parents=True)
    for name, database, objects in (
        ("000001", "The VOC2007 Database", person.format(0, box) + person.format(1, box)),
        ("000002", "The VOC2007 Database", "<object><name>dog</name></object>"),
        ("000003", "Unknown", person.format(0, box)),
    ):
        text = f"<annotation><source><database>{database}</database></source>{objects}</annotation>"
        (voc / "Annotations" / f"{name}.xml").write_text(text)
        photo(voc / "JPEGImages" / f"{name}.jpg")
    collect(monkeypatch, "voc", voc, tmp_path / "out")
    found = photos_of(tmp_path / "out")
    assert [path.stem for path in found.image] == ["000001", "000002"]
    np.testing.assert_array_equal(found.boxes[0], [[10, 5, 30, 55]])
    np.testing.assert_array_equal(found.doubtful[0], [[10, 5, 30, 55]])
    assert len(found.boxes[1]) == len(found.doubtful[1]) == 0


def test_art_comes_from_a_list_with_and_without_people(tmp_path, monkeypatch):
    box = "<bndbox><xmin>11</xmin><ymin>6</ymin><xmax>30</xmax><ymax>55</ymax></bndbox>"
    person = f"<object><name>person</name><difficult>0</difficult>{box}</object>"
    labels = tmp_path / "art" / "Annotations"
    (labels / "Cubism").mkdir(parents=True)
    (labels / "list.txt").write_text("Cubism/a_woman-in-hat.jpg 1\nPopArt/soup.jpg -1\n")
    (labels / "Cubism" / "a_woman-in-hat.jpg.xml").write_text(f"<annotation>{person}</annotation>")
    for name in ("Cubism/a_woman-in-hat", "PopArt/soup", "PopArt/not-listed"):
        photo(tmp_path / "art" / "JPEGImages" / f"{name}.jpg")
    collect(monkeypatch, "art", labels / "list.txt", tmp_path / "out")
    found = photos_of(tmp_path / "out")
    assert [path.stem for path in found.image] == ["a_woman-in-hat", "soup"]
    np.testing.assert_array_equal(found.boxes[0], [[10, 5, 30, 55]])
    assert len(found.boxes[1]) == 0
