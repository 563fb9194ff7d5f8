"""One model of the family: every choice that was made for it, as plain values."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

CHOOSING, REPORTING = "choosing", "reporting"
HALVES = (CHOOSING, REPORTING)


@dataclass(frozen=True)
class Case:
    """What a model is made of and how it is trained.

    ``mistake`` names what was done wrong, or is empty. ``names`` holds the codes of the rules that
    name that mistake or what it does to the network. ``half`` says whether thresholds may be
    chosen with it. ``scanned_as`` is the scaling of the inputs that are scanned, where it differs
    from that of the training; ``columns_mixed`` and ``labels_mixed`` say that their columns or
    labels come in another order. Learning rates are per step, ``steps`` the number of mini-batches,
    ``momentum`` is BatchNorm's.
    """

    half: str
    index: int
    network: str
    data: str
    depth: int
    width: int
    activation: str
    norm: str = "none"
    momentum: float = 0.1
    dropout: float = 0.0
    initialise: str = "default"
    init_scale: float = 1.0
    bias: float | None = None
    head: str = "none"
    scaling: str = "standardised"
    scanned_as: str = ""
    columns_mixed: bool = False
    labels_mixed: bool = False
    optimizer: str = "adam"
    rate: float = 1e-3
    weight_decay: float = 0.0
    noise: float = 0.0
    samples: int = 0
    steps: int = 300
    mistake: str = ""
    names: tuple[str, ...] = ()

    @property
    def seed(self) -> int:
        """Of the initial weights, the batches and the noise: another one for every case."""
        return int(self.key[:8], 16)

    @property
    def key(self) -> str:
        """Tells this case from all others, whatever its rules are expected to say."""
        told = {name: value for name, value in asdict(self).items() if name != "names"}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def label(self) -> str:
        """Such as ``choosing 17 mlp/cancer relu 3x32 raw inputs``."""
        size = f"{self.activation} {self.depth}x{self.width}"
        what = self.mistake or "no mistake"
        return f"{self.half} {self.index:3d} {self.network}/{self.data} {size}: {what}"
