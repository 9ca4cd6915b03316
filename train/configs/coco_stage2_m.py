"""Stage 2 on COCO-WholeBody alone: the first stage's m teaches itself a new head.

    accelerate launch --num_processes 8 -m train coco_stage2_m --out runs/coco_stage2_m

Published: a configuration without figures.
"""

from train.configs._base import COCO, stage_2

config = stage_2(
    "coco_stage2_m",
    "m",
    "runs/coco_stage1_l_m/model.pt",
    data=(COCO,),
)
