"""Every configuration resolves to the published hyper-parameters, against one table."""

from __future__ import annotations

import pytest

from dwpose_annotator.models import POSE_CONFIGS
from train.config import TrainConfig
from train.config_files import CONFIG_DIR, config_names, load_config
from train.run import build_schedule

# (objective, model, teacher, data sets, epochs, batch of one GPU, clip norm, augmentation family)
PUBLISHED = {
    "ucoco_teacher_l": ("supervised", "l", "", 2, 270, 64, None, "l"),
    "ucoco_teacher_x": ("supervised", "x", "", 2, 270, 64, 35.0, "x"),
    "ucoco_teacher_x_384": ("supervised", "x-384", "", 2, 270, 32, 35.0, "x"),
    "ucoco_stage1_l_t": ("stage1", "t", "l", 2, 270, 64, 1.0, "l"),
    "ucoco_stage1_l_s": ("stage1", "s", "l", 2, 270, 64, 1.0, "l"),
    "ucoco_stage1_l_m": ("stage1", "m", "l", 2, 270, 64, 1.0, "l"),
    "ucoco_stage1_x_l": ("stage1", "l", "x", 2, 270, 64, 1.0, "l"),
    "ucoco_stage1_x_l_384": ("stage1", "l-384", "x-384", 2, 270, 32, 1.0, "l"),
    "ucoco_stage2_t": ("stage2", "t", "t", 2, 60, 64, 1.0, "l"),
    "ucoco_stage2_s": ("stage2", "s", "s", 2, 60, 64, 1.0, "l"),
    "ucoco_stage2_m": ("stage2", "m", "m", 2, 60, 64, 1.0, "l"),
    "ucoco_stage2_l": ("stage2", "l", "l", 2, 60, 64, 1.0, "l"),
    "ucoco_stage2_l_384": ("stage2", "l-384", "l-384", 2, 60, 32, 1.0, "l"),
    "coco_teacher_l": ("supervised", "l", "", 1, 270, 64, None, "l"),
    "coco_teacher_x_384": ("supervised", "x-384", "", 1, 270, 32, 35.0, "x"),
    "coco_stage1_l_m": ("stage1", "m", "l", 1, 270, 64, 1.0, "l"),
    "coco_stage1_x_l_384": ("stage1", "l-384", "x-384", 1, 270, 32, 1.0, "l"),
    "coco_stage2_m": ("stage2", "m", "m", 1, 60, 64, 1.0, "l"),
    "coco_stage2_l": ("stage2", "l", "l", 1, 60, 64, 1.0, "l"),
    "coco_stage2_l_384": ("stage2", "l-384", "l-384", 1, 60, 32, 1.0, "l"),
}
# (scale range, degrees, shift probability, hole probability) of epochs 0-239 and 240-269
RANGES = {
    "l": (((0.6, 1.4), 80, 0.3, 1.0), ((0.75, 1.25), 60, 0, 0.5)),
    "x": (((0.5, 1.5), 90, 0.3, 1.0), ((0.5, 1.5), 90, 0, 0.5)),
}
GPUS = 8


def test_the_table_names_every_published_configuration():
    assert set(config_names()) - set(PUBLISHED) == {
        name for name in config_names() if name.startswith("cpu_")
    }
    assert set(PUBLISHED) <= set(config_names())


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_hyper_parameters(name):
    objective, model, teacher, data_sets, epochs, batch, clip_norm, family = PUBLISHED[name]
    config = load_config(name)

    assert config.name == name
    assert (config.objective, config.model) == (objective, model)
    assert (config.distill.teacher, len(config.data)) == (teacher, data_sets)
    assert (config.epochs, config.epoch_samples) == (epochs, None)
    assert config.batch_size == config.loss_batch == batch
    assert (config.seed, config.workers, config.precision) == (21, 10, "no")
    assert config.input_scale == 1 and set(vars(config.part_weights).values()) == {1.0}

    optim = config.optim
    assert (optim.lr, optim.weight_decay, optim.clip_norm) == (4e-3, 0.05, clip_norm)
    assert not optim.scale_lr_with_batch
    assert (config.ema_momentum, config.ema_gamma) == (2e-4, 2000)

    (first, strong), (switch, light) = config.phases
    assert (first, switch) == (0, 240)
    for augmentation, expected in zip((strong, light), RANGES[family], strict=True):
        found = augmentation.scale_range, augmentation.rotation_deg, augmentation.shift
        assert (*found, augmentation.dropout) == expected
        assert (augmentation.flip, augmentation.half_body, augmentation.rotate) == (0.5, 0.3, 0.6)
        assert (augmentation.blur, augmentation.median_blur, augmentation.hsv) == (0.1, 0.1, True)
        assert augmentation.shift_factor == 0.16


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_losses(name):
    config = load_config(name)
    distill = config.distill
    if config.objective == "stage1":
        assert (distill.feature_weight, distill.logit_weight, distill.decay) == (7e-5, 0.1, True)
    if config.objective == "stage2":
        assert (distill.feature_weight, distill.logit_weight, distill.decay) == (0, 1, False)
        assert not config.init  # a fresh head
    if config.objective != "supervised":
        assert distill.teacher_bn == "train" and distill.teacher_checkpoint
        assert (distill.feature_reduction, distill.logit_reduction) == ("sum", "mean")


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_schedule(name):
    config = load_config(name)
    steps = 500  # per epoch
    schedule = build_schedule(config, steps, GPUS * config.batch_size)

    assert schedule.lr(0) == pytest.approx(4e-3 * 1e-5)
    assert schedule.lr(999) == schedule.lr(135 * steps) == pytest.approx(4e-3)
    last = schedule.lr(config.epochs * steps - 1)
    assert last == pytest.approx(4e-3 if config.epochs == 60 else 2e-4, rel=1e-3)


@pytest.mark.parametrize("name", PUBLISHED)
def test_validation_keeps_the_best_every_ten_epochs(name):
    validation = load_config(name).validation
    assert validation.every_epochs == 10 and validation.flip_test
    assert "val" in validation.data and "AP_H_56" in validation.boxes


def test_second_stages_start_from_their_first_stage():
    for name, (objective, model, *_) in PUBLISHED.items():
        checkpoint = load_config(name).distill.teacher_checkpoint
        if objective == "stage2" and checkpoint.startswith("runs/"):
            first = load_config(checkpoint.split("/")[1])
            assert (first.objective, first.model) == ("stage1", model)
            assert first.data == load_config(name).data


@pytest.mark.parametrize("name", config_names())
def test_every_configuration_is_sound_and_says_how_to_run_it(name):
    config = load_config(name)
    assert isinstance(config, TrainConfig) and config.name == name
    assert config.model in POSE_CONFIGS
    starts = [start for start, _ in config.phases]
    assert starts[0] == 0 and starts == sorted(starts)
    text = (CONFIG_DIR / f"{name}.py").read_text()
    assert f"-m train {name} --out" in text
