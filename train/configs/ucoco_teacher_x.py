"""Teacher RTMPose-x 256x192 on COCO-WholeBody and UBody.

    accelerate launch --num_processes 8 -m train ucoco_teacher_x --out runs/ucoco_teacher_x

Published: the weights rtmpose-x_ucoco_256x192-05f5bcb7_20230822.pth, without figures.
"""

from train.configs._base import supervised

config = supervised("ucoco_teacher_x", "x")
