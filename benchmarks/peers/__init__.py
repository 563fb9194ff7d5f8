"""Other collectors of activation statistics, measured on the same networks in the same way."""

from __future__ import annotations

from typing import NamedTuple


class Peer(NamedTuple):
    """A collector: the distribution that pip installs for it (empty if none), and what it does."""

    distribution: str
    about: str


PEERS = {
    "fastai": Peer("fastai", "`ActivationStats(with_hist=True)`, its hook on every leaf"),
    "TorchLens": Peer("torchlens", "`trace`, mean and deviation of every tensor that it keeps"),
    "Hugging Face": Peer("transformers", "`DebugUnderflowOverflow`"),
    "wandb-style": Peer(
        "", "a histogram of 64 bins of every leaf's output, as `wandb.watch` makes"
    ),
    "delve": Peer("delve", "`SaturationTracker`: intrinsic dimensionality and saturation"),
}
