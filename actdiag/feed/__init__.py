"""Data files, folders, loaders and synthetic inputs as batches with optional labels."""

from actdiag.feed.batch import Batch
from actdiag.feed.feed import Feed
from actdiag.feed.opening import open_data
from actdiag.feed.placing import Placement, placement
from actdiag.feed.synthetic import shape_candidates, synthetic

__all__ = [
    "Batch",
    "Feed",
    "Placement",
    "open_data",
    "placement",
    "shape_candidates",
    "synthetic",
]
