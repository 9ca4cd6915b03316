"""dwpose-t on a CPU, step 3 of 4: the whole network gets used to 256x192.

    python -m train cpu_t_3_full --out RUNS/t3 --set init=RUNS/t2/model.pt \
        --set data='["DATA/people_daily","DATA/people_sport"]'
"""

from train.config import Optimisation, PartWeights, TrainConfig
from train.transforms import Augmentation

STRONG = Augmentation(
    half_body=0.2, rotate=0.5, rotation_deg=40, scale_range=(0.7, 1.3), dropout=0.5
)
LIGHT = Augmentation(
    half_body=0.1, rotate=0.4, rotation_deg=30, scale_range=(0.75, 1.25), shift=0, dropout=0.2
)

config = TrainConfig(
    name="cpu_t_3_full",
    model="t",
    objective="supervised",
    epochs=3,
    epoch_samples=8192,
    batch_size=64,
    optim=Optimisation(lr=8e-4, warmup_steps=100, cosine_epochs=(3, 3), clip_norm=5.0),
    ema_momentum=1e-3,
    ema_gamma=200,
    phases=((0, STRONG), (12, LIGHT)),
    part_weights=PartWeights(body=3.0, feet=2.0, face=0.5, hands=1.0),
    precision="bf16",
    workers=1,
)
