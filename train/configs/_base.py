"""The published recipe, from which one file per row and stage of the results table derives.

Every figure: the DWPose configs of IDEA-Research/DWPose and the RTMPose configs of
open-mmlab/mmpose. "ucoco" is COCO-WholeBody plus UBody, concatenated. Run from the folder that
holds ``data/`` and ``pretrained/``; where a file comes from is in docs/training.md.
"""

from dataclasses import replace

from train.config import Distillation, Optimisation, TrainConfig, Validation
from train.transforms import Augmentation

COCO = "data/coco/annotations/coco_wholebody_train_v1.0.json@data/coco/train2017"
UBODY = "data/UBody"  # train.json and images/, made by `python -m train ubody`
VALIDATION = Validation(
    data="data/coco/annotations/coco_wholebody_val_v1.0.json@data/coco/val2017",
    boxes="data/coco/person_detection_results/COCO_val2017_detections_AP_H_56_person.json",
)

# From this epoch on (the last 30 of 270) the light augmentation.
SWITCH_EPOCH = 240
STRONG = Augmentation(scale_range=(0.6, 1.4), rotation_deg=80)
LIGHT = replace(STRONG, scale_range=(0.75, 1.25), rotation_deg=60, shift=0, dropout=0.5)
# The x networks keep the wide ranges to the end.
STRONG_X = Augmentation(scale_range=(0.5, 1.5), rotation_deg=90)
LIGHT_X = replace(STRONG_X, shift=0, dropout=0.5)

PHASES = ((0, STRONG), (SWITCH_EPOCH, LIGHT))
PHASES_X = ((0, STRONG_X), (SWITCH_EPOCH, LIGHT_X))

# Backbones pre-trained with heatmaps on AI Challenger and COCO (x: on seven body data sets).
BACKBONES = {
    "t": "pretrained/cspnext-tiny_udp-aic-coco_210e-256x192-cbed682d_20230130.pth",
    "s": "pretrained/cspnext-s_udp-aic-coco_210e-256x192-92f5a029_20230130.pth",
    "m": "pretrained/cspnext-m_udp-aic-coco_210e-256x192-f2f7d6f6_20230130.pth",
    "l": "pretrained/cspnext-l_udp-aic-coco_210e-256x192-273b7631_20230130.pth",
    "x": "pretrained/cspnext-x_udp-body7_210e-384x288-d28b58e6_20230529.pth",
}
BACKBONES |= {"l-384": BACKBONES["l"], "x-384": BACKBONES["x"]}


def supervised(name: str, model: str, *, data: tuple[str, ...] = (COCO, UBODY)) -> TrainConfig:
    """A network trained on labels alone: the teachers."""
    is_x, is_384 = model.startswith("x"), model.endswith("384")
    batch = 32 if is_384 else 64
    return TrainConfig(
        name=name,
        model=model,
        objective="supervised",
        data=data,
        init=BACKBONES[model],
        epochs=270,
        batch_size=batch,
        loss_batch=batch,
        phases=PHASES_X if is_x else PHASES,
        optim=Optimisation(clip_norm=35.0 if is_x else None),
        validation=VALIDATION,
        cache_images=False,
    )


def stage_1(
    name: str,
    student: str,
    teacher: str,
    checkpoint: str,
    *,
    data: tuple[str, ...] = (COCO, UBODY),
) -> TrainConfig:
    """The first stage: labels, and the teacher's features and logits with decaying weight."""
    base = supervised(name, student, data=data)
    return replace(
        base,
        objective="stage1",
        optim=replace(base.optim, clip_norm=1.0),
        distill=Distillation(teacher=teacher, teacher_checkpoint=checkpoint),
    )


def stage_2(
    name: str, model: str, checkpoint: str, *, data: tuple[str, ...] = (COCO, UBODY)
) -> TrainConfig:
    """The second stage: 60 epochs of a fresh head on the first stage's frozen backbone.

    The schedule stays that of 270 epochs, so neither its cosine nor the light augmentation begins.
    """
    base = stage_1(name, model, model, checkpoint, data=data)
    return replace(
        base,
        objective="stage2",
        init="",
        epochs=60,
        distill=replace(base.distill, feature_weight=0.0, logit_weight=1.0, decay=False),
    )
