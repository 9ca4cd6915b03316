"""Teacher RTMPose-x 384x288 on COCO-WholeBody alone.

    accelerate launch --num_processes 8 -m train coco_teacher_x_384 --out runs/coco_teacher_x_384

Published: whole AP 65.3, AR 73.3 on COCO-WholeBody v1.0 val (flip test).
"""

from train.configs._base import COCO, supervised

config = supervised("coco_teacher_x_384", "x-384", data=(COCO,))
