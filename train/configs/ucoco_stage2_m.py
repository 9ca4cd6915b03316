"""Stage 2 on COCO-WholeBody and UBody: the first stage's m teaches itself a new head.

    accelerate launch --num_processes 8 -m train ucoco_stage2_m --out runs/ucoco_stage2_m

Published: DWPose-m 256x192: whole AP 60.6, AR 69.5 on COCO-WholeBody v1.0 val (flip test).
"""

from train.configs._base import stage_2

config = stage_2("ucoco_stage2_m", "m", "runs/ucoco_stage1_l_m/model.pt")
