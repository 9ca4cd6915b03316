"""Stage 1 on COCO-WholeBody and UBody: RTMPose-x teaches l.

    accelerate launch --num_processes 8 -m train ucoco_stage1_x_l --out runs/ucoco_stage1_x_l

Published: no figures for the first stage alone.
"""

from train.configs._base import stage_1

config = stage_1(
    "ucoco_stage1_x_l",
    student="l",
    teacher="x",
    checkpoint="pretrained/rtmpose-x_ucoco_256x192-05f5bcb7_20230822.pth",
)
