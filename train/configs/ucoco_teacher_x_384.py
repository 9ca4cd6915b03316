"""Teacher RTMPose-x 384x288 on COCO-WholeBody and UBody.

    accelerate launch --num_processes 8 -m train ucoco_teacher_x_384 --out runs/ucoco_teacher_x_384

Published: the weights rtmpose-x_ucoco_384x288-f5b50679_20230822.pth, without figures.
"""

from train.configs._base import supervised

config = supervised("ucoco_teacher_x_384", "x-384")
