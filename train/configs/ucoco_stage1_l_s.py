"""Stage 1 on COCO-WholeBody and UBody: RTMPose-l teaches s.

    accelerate launch --num_processes 8 -m train ucoco_stage1_l_s --out runs/ucoco_stage1_l_s

Published: no figures for the first stage alone.
"""

from train.configs._base import stage_1

config = stage_1(
    "ucoco_stage1_l_s",
    student="s",
    teacher="l",
    checkpoint="pretrained/rtmpose-l_ucoco_256x192-95bb32f5_20230822.pth",
)
