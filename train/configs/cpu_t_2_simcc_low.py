"""dwpose-t on a CPU, step 2 of 4: the SimCC head on the heatmap-trained backbone, still at 128x96.

    python -m train cpu_t_2_simcc_low --out RUNS/t2 --set init=RUNS/t1/model.pt \
        --set data='["DATA/people_daily","DATA/people_sport"]'

A low rate: at 2e-3 the backbone forgets what the heatmaps taught it.
"""

from train.config import Optimisation, PartWeights, TrainConfig
from train.transforms import Augmentation

MIDDLE = Augmentation(
    half_body=0.1, rotate=0.4, rotation_deg=30, scale_range=(0.75, 1.25), dropout=0.3
)

config = TrainConfig(
    name="cpu_t_2_simcc_low",
    model="t",
    objective="supervised",
    epochs=6,
    epoch_samples=8192,
    batch_size=64,
    input_scale=0.5,
    optim=Optimisation(lr=6e-4, warmup_steps=100, cosine_epochs=(6, 6), clip_norm=5.0),
    ema_momentum=2e-3,
    ema_gamma=200,
    phases=((0, MIDDLE),),
    part_weights=PartWeights(body=3.0, feet=2.0, face=0.5, hands=1.0),
    precision="bf16",
    workers=1,
)
