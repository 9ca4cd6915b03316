"""dwpose-s on a CPU, grown from a trained t (``python -m train grow``): the whole network.

    python -m train cpu_s_1_full --out RUNS/s1 --set init=RUNS/s0.pt \
        --set 'data=[["DATA/people_daily",0.45],["DATA/people_sport",0.4],["RUNS/synth",0.15]]'
"""

from dataclasses import replace

from train.configs.cpu_t_3_full import LIGHT
from train.configs.cpu_t_5_long import config as long

COMPANY = replace(LIGHT, low_resolution=0.35, neighbour=0.35, frame=0.3)

config = replace(
    long,
    name="cpu_s_1_full",
    model="s",
    hidden_points=False,
    phases=((0, COMPANY),),
)
