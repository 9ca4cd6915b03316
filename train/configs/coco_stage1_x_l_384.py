"""Stage 1 on COCO-WholeBody alone: RTMPose-x-384 teaches l-384.

    accelerate launch --num_processes 8 -m train coco_stage1_x_l_384 --out runs/coco_stage1_x_l_384

Published: no figures for the first stage alone.
"""

from train.configs._base import COCO, stage_1

config = stage_1(
    "coco_stage1_x_l_384",
    student="l-384",
    teacher="x-384",
    checkpoint="pretrained/rtmpose-x_simcc-coco-wholebody_pt-body7_270e-384x288-401dfc90_20230629.pth",
    data=(COCO,),
)
