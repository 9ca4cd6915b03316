"""dwpose-t on a CPU, step 6: as step 5, the first layers frozen, down to a low rate.

    python -m train cpu_t_6_upper --out RUNS/t6 --set init=RUNS/t5/model.pt \
        --set data='["DATA/people_daily","DATA/people_sport"]'
"""

from dataclasses import replace

from train.configs.cpu_t_5_long import config as long

config = replace(
    long,
    name="cpu_t_6_upper",
    epochs=20,
    optim=replace(long.optim, warmup_steps=40, cosine_epochs=(3, 20)),
    frozen=("stem", "stage1"),
)
