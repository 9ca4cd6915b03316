"""Names: which photos are meant, and which file each gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from dwpose_annotator.inputs import expand_inputs, numbered_targets, plan_jobs


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.PNG", "notes.txt", "deep/c.webp"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "photos"


def test_a_folder_means_its_image_files(photos: Path) -> None:
    assert [p.name for p in expand_inputs([str(photos)])] == ["a.PNG", "b.jpg"]


def test_patterns_are_expanded_also_where_the_shell_does_not(photos: Path) -> None:
    found = expand_inputs([str(photos / "*.jpg"), str(photos / "**" / "*.webp")])
    assert [p.name for p in found] == ["b.jpg", "c.webp"]


def test_a_photo_named_twice_is_done_once(photos: Path) -> None:
    assert len(expand_inputs([str(photos / "b.jpg"), str(photos), str(photos / "b.*")])) == 2


def test_a_file_with_brackets_is_no_pattern(tmp_path: Path) -> None:
    path = tmp_path / "photo[1].jpg"
    path.touch()
    assert expand_inputs([str(path)]) == [path]


def test_a_missing_file_stays_in_the_list() -> None:
    assert expand_inputs(["missing.jpg"]) == [Path("missing.jpg")]


@pytest.mark.parametrize("text", ["empty", "*.jpg"])
def test_nothing_found_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no image files|nothing matches"):
        expand_inputs([str(tmp_path / text)])


def test_one_photo_to_one_file(tmp_path: Path) -> None:
    jobs = plan_jobs([Path("a.jpg")], tmp_path / "new" / "map.webp")
    assert [job.target for job in jobs] == [tmp_path / "new" / "map.webp"]
    assert (tmp_path / "new").is_dir()


def test_equal_names_get_numbers(tmp_path: Path) -> None:
    sources = [Path(name) for name in ("a.jpg", "x/a.png", "a_2.jpg", "A.jpg")]
    names = [job.target.name for job in plan_jobs(sources, tmp_path / "out")]
    assert names == ["a.png", "a_2.png", "a_2_2.png", "A_3.png"]


def test_several_photos_need_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name a folder"):
        plan_jobs([Path("a.jpg"), Path("b.jpg")], tmp_path / "map.png")


@pytest.mark.parametrize("output", ["photo.png", ".", "link.png"])
def test_an_input_is_never_a_target(tmp_path: Path, output: str) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"precious")
    (tmp_path / "link.png").symlink_to(photo)
    with pytest.raises(ValueError, match="would be overwritten"):
        plan_jobs([photo], tmp_path / output)


def test_the_boxes_file_is_no_target(tmp_path: Path) -> None:
    boxes = tmp_path / "photo.json"
    with pytest.raises(ValueError, match="would be overwritten"):
        plan_jobs([tmp_path / "photo.jpg"], tmp_path, keep=[boxes])


def test_numbered_targets(tmp_path: Path) -> None:
    assert numbered_targets("clip", 1, tmp_path / "x.png") == [tmp_path / "x.png"]
    many = numbered_targets("clip", 3, tmp_path / "out")
    assert [p.name for p in many] == ["clip_00000.png", "clip_00001.png", "clip_00002.png"]
    with pytest.raises(ValueError, match="no frames"):
        numbered_targets("clip", 0, tmp_path)
