"""How much of the token sequences that a model reads is padding."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from actdiag.records import Padding

if TYPE_CHECKING:
    from torch import Tensor

    from actdiag.capture.padding import Mask

_LEAST = 2  # two equal tokens at an end may be padding, one is just the last token


class PaddingMeter:
    """Counts positions of token ids that lie in a run of one id at the end, or at the start.

    Any split into batches gives the same; memory grows with the ids found at the ends alone.
    """

    def __init__(self) -> None:
        self._site: str | None = None
        self._runs: Counter[tuple[str, int]] = Counter()
        self._positions = 0
        self._masked = 0
        self._mask: str | None = None

    def add(self, site: str, tokens: Tensor, samples: int, mask: Mask | None) -> None:
        """Take in an input; of several inputs of ids only the first counts."""
        whole = not (tokens.is_floating_point() or tokens.is_complex())
        shaped = tokens.dim() == 2 and tokens.shape[0] == samples and tokens.shape[1] > 1  # noqa: PLR2004
        if not whole or not shaped or self._site not in (None, site):
            return
        self._site = site
        self._positions += tokens.numel()
        if mask is not None and mask.keep.shape == tokens.shape:
            self._mask = mask.name
            self._masked += int((~mask.keep).sum())
            return
        for side, ids in (("end", tokens.flip(1)), ("start", tokens)):
            lengths = (ids == ids[:, :1]).long().cumprod(1).sum(1)
            for token, length in zip(ids[:, 0].tolist(), lengths.tolist(), strict=True):
                if length >= _LEAST:
                    self._runs[side, int(token)] += length

    def state(self) -> dict[str, Any]:
        """What was counted, for :meth:`restore`."""
        runs = [[side, token, count] for (side, token), count in sorted(self._runs.items())]
        return {
            "site": self._site,
            "runs": runs,
            "positions": self._positions,
            "masked": self._masked,
            "mask": self._mask,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take in what another one had counted."""
        if state["site"] is None or self._site not in (None, state["site"]):
            return
        self._site = state["site"]
        self._mask = state["mask"] or self._mask
        self._positions += state["positions"]
        self._masked += state["masked"]
        for side, token, count in state["runs"]:
            self._runs[side, token] += count

    @property
    def masked(self) -> float:
        """The share of the positions that a mask left out."""
        return self._masked / self._positions if self._positions else 0.0

    @property
    def note(self) -> str:
        """What the report says of the mask."""
        share = f"{100 * self.masked:.0f} %"
        return f"{share} of the positions are padding by '{self._mask}', and left out."

    def to_record(self) -> Padding | None:
        """What was found, or None where the model reads no token ids."""
        if self._site is None:
            return None
        (side, token), count = max(
            sorted(self._runs.items()), key=lambda item: item[1], default=(("end", None), 0)
        )
        return Padding(
            input=self._site,
            share=count / self._positions,
            token=token,
            side=side,
            mask=self._mask,
            masked=self.masked,
        )
