"""Options from the command line, data entries, and their errors."""

from __future__ import annotations

import pytest

from train.config import TrainConfig, annotation_and_images, data_shares, set_option
from train.config_files import load_config

CONFIG = TrainConfig(name="c", model="t", objective="supervised")


def test_options_reach_into_groups():
    changed = set_option(CONFIG, "optim.lr=1e-3")
    assert changed.optim.lr == 1e-3 and CONFIG.optim.lr == 4e-3
    assert set_option(CONFIG, "init=runs/a b.pt").init == "runs/a b.pt"
    assert set_option(CONFIG, 'data=["a","b"]').data == ("a", "b")
    assert set_option(CONFIG, 'data=[["a",0.7],["b",0.3]]').data == (("a", 0.7), ("b", 0.3))
    assert set_option(CONFIG, "optim.cosine_epochs=[1,2]").optim.cosine_epochs == (1, 2)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [("optim.rate=1", "lr"), ("nothing=1", "epochs"), ("epochs", "key=value")],
)
def test_wrong_options_say_what_there_is(assignment, message):
    with pytest.raises(ValueError, match=message):
        set_option(CONFIG, assignment)


def test_shares_of_data_entries():
    assert data_shares(("a", "b")) == (["a", "b"], None)
    assert data_shares((("a", 3), ("b", 1))) == (["a", "b"], [0.75, 0.25])
    for entries in ((), ("a", ("b", 0.3)), (("a", 0.0), ("b", 1.0))):
        with pytest.raises(ValueError, match=r"data|share"):
            data_shares(entries)


def test_data_entries(tmp_path):
    (tmp_path / "train.json").write_text("{}")
    (tmp_path / "other.json").write_text("{}")
    images = tmp_path / "images"
    assert annotation_and_images(str(tmp_path)) == (tmp_path / "train.json", images)
    other = tmp_path / "other.json"
    assert annotation_and_images(str(other)) == (other, images)
    assert annotation_and_images(f"{other}@{tmp_path / 'photos'}") == (other, tmp_path / "photos")
    (tmp_path / "train.json.gz").write_bytes(b"")
    assert annotation_and_images(str(tmp_path))[0].name == "train.json.gz"
    with pytest.raises(FileNotFoundError, match="ANNOTATIONS@IMAGES"):
        annotation_and_images(str(tmp_path / "missing"))


def test_unknown_configuration_lists_the_known_ones(tmp_path):
    with pytest.raises(FileNotFoundError, match="ucoco_stage1_l_t"):
        load_config("nothing")
    (tmp_path / "mine.py").write_text("x = 1")
    with pytest.raises(ValueError, match="config = TrainConfig"):
        load_config(str(tmp_path / "mine.py"))
