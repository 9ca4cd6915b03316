"""Teacher RTMPose-l 256x192 on COCO-WholeBody and UBody.

    accelerate launch --num_processes 8 -m train ucoco_teacher_l --out runs/ucoco_teacher_l

Published: the weights rtmpose-l_ucoco_256x192-95bb32f5_20230822.pth, without figures.
"""

from train.configs._base import supervised

config = supervised("ucoco_teacher_l", "l")
