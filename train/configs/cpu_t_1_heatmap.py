"""dwpose-t on a CPU, step 1 of 4: teach the backbone with heatmaps at 128x96.

    python -m train cpu_t_1_heatmap --out RUNS/t1 \
        --set data='["DATA/people_daily","DATA/people_sport"]'

Weak augmentation first (a fresh network with full rotation stays at the average pose), then more.
"""

from train.config import Optimisation, PartWeights, TrainConfig
from train.transforms import Augmentation

WEAK = Augmentation(half_body=0, rotate=0, scale_range=(0.8, 1.2), dropout=0, blur=0, median_blur=0)
MIDDLE = Augmentation(
    half_body=0.1, rotate=0.4, rotation_deg=30, scale_range=(0.75, 1.25), dropout=0.3
)

config = TrainConfig(
    name="cpu_t_1_heatmap",
    model="t",
    objective="heatmap",
    epochs=20,
    epoch_samples=8192,
    batch_size=64,
    input_scale=0.5,
    optim=Optimisation(
        lr=1.5e-3, warmup_steps=100, cosine_epochs=(12, 20), floor_ratio=0.1, clip_norm=5.0
    ),
    ema_momentum=2e-3,
    ema_gamma=200,
    phases=((0, WEAK), (8, MIDDLE)),
    part_weights=PartWeights(body=3.0, feet=2.0, face=0.5, hands=1.0),
    precision="bf16",
    workers=1,
)
