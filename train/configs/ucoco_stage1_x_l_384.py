"""Stage 1 on COCO-WholeBody and UBody: RTMPose-x-384 teaches l-384.

    accelerate launch --num_processes 8 -m train ucoco_stage1_x_l_384 --out \
        runs/ucoco_stage1_x_l_384

Published: no figures for the first stage alone.
"""

from train.configs._base import stage_1

config = stage_1(
    "ucoco_stage1_x_l_384",
    student="l-384",
    teacher="x-384",
    checkpoint="pretrained/rtmpose-x_ucoco_384x288-f5b50679_20230822.pth",
)
