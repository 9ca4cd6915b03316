"""Stage 1 on COCO-WholeBody alone: RTMPose-l teaches m.

    accelerate launch --num_processes 8 -m train coco_stage1_l_m --out runs/coco_stage1_l_m

Published: no figures for the first stage alone.
"""

from train.configs._base import COCO, stage_1

config = stage_1(
    "coco_stage1_l_m",
    student="m",
    teacher="l",
    checkpoint="pretrained/rtmpose-l_simcc-coco-wholebody_pt-aic-coco_270e-256x192-6f206314_20230124.pth",
    data=(COCO,),
)
