"""dwpose-t on a CPU, step 8: a fresh head on stage 1's backbone learns from stage 1's head.

    python -m train cpu_t_8_stage2 --out RUNS/t8_stage2 \
        --set distill.teacher_checkpoint=RUNS/t7_stage1/model.pt \
        --set 'data=[["DATA/people_daily",0.45],["DATA/people_sport",0.4],["RUNS/synth",0.15]]'
"""

from dataclasses import replace

from train.config import Distillation
from train.configs.cpu_t_7_alone import config as alone

config = replace(
    alone,
    name="cpu_t_8_stage2",
    objective="stage2",
    init="",
    frozen=(),  # the whole backbone is
    epochs=6,
    optim=replace(alone.optim, warmup_steps=100, cosine_epochs=(1, 6)),
    distill=Distillation(
        teacher="t", teacher_bn="eval", feature_weight=0.0, logit_weight=1.0, decay=False
    ),
)
