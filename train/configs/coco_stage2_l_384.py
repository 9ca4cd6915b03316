"""Stage 2 on COCO-WholeBody alone: the first stage's l-384 teaches itself a new head.

    accelerate launch --num_processes 8 -m train coco_stage2_l_384 --out runs/coco_stage2_l_384

Published: a configuration without figures.
"""

from train.configs._base import COCO, stage_2

config = stage_2(
    "coco_stage2_l_384",
    "l-384",
    "runs/coco_stage1_x_l_384/model.pt",
    data=(COCO,),
)
