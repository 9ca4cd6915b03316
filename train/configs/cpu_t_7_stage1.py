"""dwpose-t on a CPU, step 7 with a teacher: as ``cpu_t_7_alone``, and what the s network says.

    python -m train cpu_t_7_stage1 --out RUNS/t7_stage1 --set init=RUNS/t6/model.pt \
        --set distill.teacher_checkpoint=RUNS/s2/model.pt \
        --set 'data=[["DATA/people_daily",0.45],["DATA/people_sport",0.4],["RUNS/synth",0.15]]'
"""

from dataclasses import replace

from train.config import Distillation
from train.configs.cpu_t_7_alone import config as alone

config = replace(
    alone,
    name="cpu_t_7_stage1",
    objective="stage1",
    epochs=24,  # the second stage takes the other six of the thirty
    optim=replace(alone.optim, cosine_epochs=(6, 24)),
    # Batches of 64 from a few sources are no base for the teacher's statistics.
    distill=Distillation(teacher="s", teacher_bn="eval"),
)
