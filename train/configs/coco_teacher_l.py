"""Teacher RTMPose-l 256x192 on COCO-WholeBody alone.

    accelerate launch --num_processes 8 -m train coco_teacher_l --out runs/coco_teacher_l

Published: whole AP 61.1, AR 70.0 on COCO-WholeBody v1.0 val (flip test).
"""

from train.configs._base import COCO, supervised

config = supervised("coco_teacher_l", "l", data=(COCO,))
