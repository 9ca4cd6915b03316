"""dwpose-t on a CPU, step 4 of 4: 256x192 with the first layers frozen, half as fast again.

    python -m train cpu_t_4_upper --out RUNS/t4 --set init=RUNS/t3/model.pt \
        --set data='["DATA/people_daily","DATA/people_sport"]'
"""

from dataclasses import replace

from train.configs.cpu_t_3_full import config as full

config = replace(
    full,
    name="cpu_t_4_upper",
    epochs=14,
    optim=replace(full.optim, warmup_steps=40, cosine_epochs=(3, 14)),
    frozen=("stem", "stage1"),
)
