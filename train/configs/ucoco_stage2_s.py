"""Stage 2 on COCO-WholeBody and UBody: the first stage's s teaches itself a new head.

    accelerate launch --num_processes 8 -m train ucoco_stage2_s --out runs/ucoco_stage2_s

Published: DWPose-s 256x192: whole AP 53.8, AR 63.2 on COCO-WholeBody v1.0 val (flip test).
"""

from train.configs._base import stage_2

config = stage_2("ucoco_stage2_s", "s", "runs/ucoco_stage1_l_s/model.pt")
