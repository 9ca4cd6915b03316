"""COCO-WholeBody results: the fields and lengths that its evaluation tools read."""

from __future__ import annotations

import json

import numpy as np

from dwpose_annotator import Poses
from dwpose_annotator.coco_json import COCO_FIELDS, to_coco_results


def test_fields():
    rng = np.random.default_rng(0)
    xy, score = rng.random((2, 133, 2)) * 100, rng.random((2, 133))
    poses = Poses(xy, score, [[10, 20, 40, 60], [0, 0, 1, 1]], [0.5, 1], (100, 100))
    results = json.loads(json.dumps(to_coco_results(poses, 42)))
    assert len(results) == 2
    for i, entry in enumerate(results):
        assert (entry["image_id"], entry["category_id"]) == (42, 1)
        triples = np.concatenate([np.reshape(entry[name], (-1, 3)) for name in COCO_FIELDS])
        np.testing.assert_array_equal(triples[:, :2].astype(np.float32), poses.xy[i])
        np.testing.assert_array_equal(triples[:, 2].astype(np.float32), poses.score[i])
        counted = poses.score[i][poses.score[i] > 0.2]
        np.testing.assert_allclose(entry["score"], counted.mean() * poses.box_score[i], rtol=1e-6)
    assert results[0]["bbox"] == [10, 20, 30, 40]


def test_nobody_and_nothing_seen():
    assert to_coco_results(Poses.empty((5, 5)), 1) == []
    unseen = Poses(np.zeros((1, 133, 2)), np.zeros((1, 133)), np.zeros((1, 4)), [1], (5, 5))
    assert to_coco_results(unseen, 1)[0]["score"] == 0
