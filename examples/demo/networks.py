"""The networks that the demo keeps loaded."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from pathlib import Path

from dwpose_annotator import Annotator, Poses, defaults
from dwpose_annotator.detect import Detector
from dwpose_annotator.types import ImageArray
from dwpose_annotator.weights import WEIGHTS, Kind, locate_weights

NO_DETECTOR = "none"
# Pairs of networks in memory; the large pair takes 350 MB, and few visitors compare more.
KEPT = 2


@dataclass(frozen=True)
class Found:
    """The people of one photo and what finding them took.

    Attributes:
        poses: the people, best box first.
        device: what really ran the networks.
        detect_s: seconds in the detector, 0 without one.
        pose_s: seconds in the pose network.
    """

    poses: Poses
    device: str
    detect_s: float
    pose_s: float


@dataclass
class _Slot:
    """One pair of networks, loaded or being loaded; a slow download holds up no other pair."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    annotator: Annotator | None = None


class Networks:
    """Loads networks when they are first asked for and keeps the latest pairs.

    Args:
        device: as ``Annotator.from_pretrained`` takes it.
        pose: default pose weights, a name or a file.
        detector: default detector weights, a name, a file or ``none``.
        offline: never download.
        threads: CPU threads; None means all cores.
    """

    def __init__(
        self,
        device: str = "auto",
        *,
        pose: str = defaults.POSE,
        detector: str = defaults.DETECTOR,
        offline: bool = False,
        threads: int | None = None,
    ) -> None:
        self.device = device
        self.pose = pose
        self.detector = detector
        self._offline = offline
        self._threads = threads
        self._slots: OrderedDict[tuple[str, str], _Slot] = OrderedDict()
        self._lock = threading.Lock()

    def names(self, kind: Kind) -> list[str]:
        """The weights that a visitor may choose; no other files on this machine."""
        default = self.pose if kind == "pose" else self.detector
        names = [row.name for row in WEIGHTS.values() if row.kind == kind]
        none = [NO_DETECTOR] if kind == "detector" else []
        return list(dict.fromkeys([*names, *none, default]))

    def choices(self, kind: Kind) -> list[tuple[str, str]]:
        """(label, name) of these weights; the label says where they are."""
        return [(_label(name), name) for name in self.names(kind)]

    def get(self, pose: str, detector: str, *, person_threshold: float) -> Annotator:
        """The annotator with these weights, loaded at most once while it is in use.

        Raises:
            ValueError: the weights are not on offer.
            WeightsError: they are not on this machine and cannot be downloaded.
            DeviceError: the device cannot run here.
        """
        wanted: tuple[tuple[Kind, str], ...] = (("pose", pose), ("detector", detector))
        for kind, name in wanted:
            if name not in self.names(kind):
                offered = ", ".join(self.names(kind))
                raise ValueError(f"{kind} weights {name!r} are not on offer here; choose {offered}")
        annotator = self._load(pose, detector)
        finder = annotator.detector
        if finder is None:
            return annotator
        options = replace(finder.options, score_threshold=person_threshold)
        finder = Detector(
            finder.session,
            network_input=finder.network_input,
            options=options,
            max_batch=finder.max_batch,
        )
        return replace(annotator, detector=finder)

    def find(
        self, image: ImageArray, pose: str, *, detector: str, person_threshold: float
    ) -> Found:
        """The people of one photo."""
        annotator = self.get(pose, detector, person_threshold=person_threshold)
        start = time.perf_counter()
        boxes = annotator.detect(image)
        middle = time.perf_counter()
        poses = annotator.estimate(image, boxes=boxes)
        detect_s = 0.0 if annotator.detector is None else middle - start
        return Found(poses, providers(annotator), detect_s, time.perf_counter() - middle)

    def _load(self, pose: str, detector: str) -> Annotator:
        with self._lock:
            slot = self._slots.setdefault((pose, detector), _Slot())
            self._slots.move_to_end((pose, detector))
            while len(self._slots) > KEPT:
                self._slots.popitem(last=False)
        with slot.lock:  # a second visitor with the same wish waits instead of loading again
            if slot.annotator is None:
                slot.annotator = Annotator.from_pretrained(
                    pose,
                    detector=detector,
                    device=self.device,
                    threads=self._threads,
                    offline=self._offline,
                )
            return slot.annotator


def providers(annotator: Annotator) -> str:
    """What really runs the networks, e.g. ``CPUExecutionProvider``."""
    names = [annotator.provider]
    if annotator.detector is not None:
        names.append(annotator.detector.session.provider)
    return " + ".join(dict.fromkeys(names))


def _label(name: str) -> str:
    if name == NO_DETECTOR:
        return "none: the whole photo is one person"
    if name not in WEIGHTS:
        return Path(name).name
    row = WEIGHTS[name]
    if row.repo is None:
        return f"{name} (included)"
    where = "on this machine" if locate_weights(row) is not None else "download at first use"
    return f"{name} ({where})"
