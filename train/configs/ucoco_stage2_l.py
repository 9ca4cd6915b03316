"""Stage 2 on COCO-WholeBody and UBody: the first stage's l teaches itself a new head.

    accelerate launch --num_processes 8 -m train ucoco_stage2_l --out runs/ucoco_stage2_l

Published: DWPose-l 256x192: whole AP 63.1, AR 71.7 on COCO-WholeBody v1.0 val (flip test).
"""

from train.configs._base import stage_2

config = stage_2("ucoco_stage2_l", "l", "runs/ucoco_stage1_x_l/model.pt")
