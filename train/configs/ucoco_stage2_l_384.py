"""Stage 2 on COCO-WholeBody and UBody: the first stage's l-384 teaches itself a new head.

    accelerate launch --num_processes 8 -m train ucoco_stage2_l_384 --out runs/ucoco_stage2_l_384

Published: DWPose-l 384x288: whole AP 66.5, AR 74.3 on COCO-WholeBody v1.0 val (flip test).
"""

from train.configs._base import stage_2

config = stage_2("ucoco_stage2_l_384", "l-384", "runs/ucoco_stage1_x_l_384/model.pt")
