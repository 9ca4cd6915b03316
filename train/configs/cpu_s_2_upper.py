"""dwpose-s on a CPU, step 2: stem and first stage frozen, down to a low rate.

    python -m train cpu_s_2_upper --out RUNS/s2 --set init=RUNS/s1/model.pt \
        --set 'data=[["DATA/people_daily",0.45],["DATA/people_sport",0.4],["RUNS/synth",0.15]]'
"""

from dataclasses import replace

from train.configs.cpu_s_1_full import config as full

config = replace(
    full,
    name="cpu_s_2_upper",
    epochs=28,
    optim=replace(full.optim, warmup_steps=40, cosine_epochs=(6, 28)),
    frozen=("stem", "stage1"),
)
