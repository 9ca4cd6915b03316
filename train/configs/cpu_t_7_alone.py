"""dwpose-t on a CPU, step 7 without a teacher: photos made harder, rendered people, seen points.

    python -m train cpu_t_7_alone --out RUNS/t7_alone --set init=RUNS/t6/model.pt \
        --set 'data=[["DATA/people_daily",0.45],["DATA/people_sport",0.4],["RUNS/synth",0.15]]'
"""

from dataclasses import replace

from train.configs.cpu_s_1_full import COMPANY
from train.configs.cpu_t_6_upper import config as upper

config = replace(
    upper,
    name="cpu_t_7_alone",
    hidden_points=False,
    epochs=30,
    optim=replace(upper.optim, cosine_epochs=(6, 30)),
    phases=((0, COMPANY),),
)
