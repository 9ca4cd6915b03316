"""Random outfits: what a person wears from the neck down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from train.synth.clothing import Cut, Mask, Wardrobe
from train.synth.surface import Fitting, Surface
from train.synth.textures import Texture, cloth

Fabric = tuple[Texture, float]
STYLES = ("trousers", "shorts", "skirt", "dress", "swimwear", "tight")
FEMININE_CHANCE = (0.48, 0.17, 0.1, 0.1, 0.05, 0.1)
MASCULINE_CHANCE = (0.66, 0.23, 0.0, 0.0, 0.05, 0.06)
TIGHT = Cut(3, 0.006, 0.001)
TIGHT_TOP = Cut(3, 0.009, 0.001)  # over what is tight below


@dataclass(frozen=True)
class Dresser:
    """One person's fitting; ``photo`` is what prints on cloth are taken from."""

    wardrobe: Wardrobe
    rng: np.random.Generator
    fitting: Fitting
    person: int
    photo: Texture | None

    def outfit(self, *, feminine: bool) -> list[Surface]:
        """Bottom, top, jacket and shoes, or some of them."""
        rng = self.rng
        bottom, top = cloth(rng, self.photo), cloth(rng, self.photo)
        style = str(rng.choice(STYLES, p=FEMININE_CHANCE if feminine else MASCULINE_CHANCE))
        loose = rng.uniform(0, 1)
        wide = Cut(
            10 if loose < 0.6 else 28, 0.009 + 0.012 * loose, 0.007 * loose, rng.uniform(0, 0.03)
        )
        waist = rng.uniform(0.12, 0.32)
        worn = [self.lower(style, wide, waist, bottom)]
        if style == "dress":
            top = bottom
        hem = rng.uniform(-0.12, 0.2) if style != "dress" else 0.1
        hem = min(hem, waist - 0.06) if rng.random() < 0.9 else rng.uniform(0.3, 0.5)
        bare = 0.05 if not (feminine and style == "swimwear") else 0.0
        if style != "swimwear" and rng.random() > bare:
            worn += self.upper(style, loose, hem, top)
        elif feminine:
            chest = self.wardrobe.top(rng, sleeve=-0.1, hem=rng.choice([0.0, 0.55]))
            worn.append(self.fit(chest, TIGHT, bottom))
        if rng.random() < 0.82:
            worn.append(self.shoes())
        return [garment for garment in worn if garment is not None]

    def fit(self, mask: Mask, cut: Cut, fabric: Fabric, *, gloss: float = 0.03) -> Surface | None:
        """A garment on this person."""
        return self.wardrobe.fit(
            self.rng, self.fitting, mask, cut, self.person, fabric, gloss=gloss
        )

    def lower(self, style: str, wide: Cut, waist: float, fabric: Fabric) -> Surface | None:
        """Trousers, shorts, swimwear, leggings, or a skirt."""
        rng = self.rng
        if style in ("skirt", "dress"):
            length = rng.uniform(0.5, 1.9)
            return self.wardrobe.skirt(
                rng, self.fitting.body, self.person, waist=waist, length=length, dress=fabric
            )
        length = {
            "trousers": rng.uniform(1.75, 2.04),
            "shorts": rng.uniform(0.3, 1.1),
            "tight": rng.uniform(1.2, 2.0),
            "swimwear": rng.uniform(0.0, 0.35),
        }[style]
        cut = wide if style in ("trousers", "shorts") else TIGHT
        return self.fit(self.wardrobe.trousers(length=length, waist=waist), cut, fabric)

    def upper(self, style: str, loose: float, hem: float, fabric: Fabric) -> list[Surface | None]:
        """A shirt, and in one case of five an open or closed jacket over it."""
        rng, wardrobe = self.rng, self.wardrobe
        sleeves = [rng.uniform(-0.2, 0.1), rng.uniform(0.35, 0.9), rng.uniform(1.5, 2.04)]
        sleeve = float(rng.choice(sleeves, p=[0.15, 0.4, 0.45]))
        room = rng.uniform(0, 1)
        over_trousers = 0.02 + 0.012 * loose if style in ("trousers", "shorts") else 0.014
        cut = Cut(28, over_trousers + 0.014 * room, 0.009 * room, rng.uniform(0, 0.012))
        if style == "tight":
            cut = TIGHT_TOP
        worn = [self.fit(wardrobe.top(rng, sleeve=sleeve, hem=hem), cut, fabric)]
        if rng.random() < 0.22:
            jacket = Cut(28, cut.offset + 0.016, 0.008, 0.01)
            mask = wardrobe.top(rng, sleeve=rng.uniform(1.7, 2.04), hem=hem - 0.1)
            at = wardrobe.model.template
            mask &= (np.abs(at[:, 0]) > rng.uniform(-0.01, 0.09)) | (at[:, 1] > 0)
            worn.append(self.fit(mask, jacket, cloth(rng, self.photo)))
        return worn

    def shoes(self) -> Surface | None:
        """Low shoes, ankle boots or boots."""
        rng = self.rng
        shafts = [2.1, rng.uniform(1.9, 2.0), rng.uniform(1.2, 1.8)]
        shaft = float(rng.choice(shafts, p=[0.5, 0.4, 0.1]))
        sole = Cut(10, rng.uniform(0.008, 0.014), 0.0)
        leather = cloth(rng, None)
        gloss = float(rng.uniform(0.02, 0.2))
        return self.fit(self.wardrobe.shoes(shaft=shaft), sole, leather, gloss=gloss)
