"""Stage 2 on COCO-WholeBody alone: the plain RTMPose-l teaches itself a new head.

    accelerate launch --num_processes 8 -m train coco_stage2_l --out runs/coco_stage2_l

The teacher is the plain RTMPose-l, not a first stage.

Published: a configuration without figures.
"""

from train.configs._base import COCO, stage_2

config = stage_2(
    "coco_stage2_l",
    "l",
    "pretrained/rtmpose-l_simcc-coco-wholebody_pt-aic-coco_270e-256x192-6f206314_20230124.pth",
    data=(COCO,),
)
