"""dwpose-t on a CPU, step 5: on at 256x192 for as long as there is time, small people in mind.

    python -m train cpu_t_5_long --out RUNS/t5 --set init=RUNS/t4/model.pt \
        --set data='["DATA/people_daily","DATA/people_sport"]'
"""

from dataclasses import replace

from train.configs.cpu_t_3_full import LIGHT
from train.configs.cpu_t_3_full import config as full

config = replace(
    full,
    name="cpu_t_5_long",
    epochs=27,
    optim=replace(full.optim, lr=1e-3, warmup_steps=100, cosine_epochs=(6, 27), floor_ratio=0.02),
    phases=((0, replace(LIGHT, low_resolution=0.35)),),
)
