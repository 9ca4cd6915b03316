"""Stage 2 on COCO-WholeBody and UBody: the first stage's t teaches itself a new head.

    accelerate launch --num_processes 8 -m train ucoco_stage2_t --out runs/ucoco_stage2_t

Published: DWPose-t 256x192: whole AP 48.5, AR 58.4 on COCO-WholeBody v1.0 val (flip test).
"""

from train.configs._base import stage_2

config = stage_2("ucoco_stage2_t", "t", "runs/ucoco_stage1_l_t/model.pt")
