"""Data for a module: given or made up, of the scan or of its training, tried on the module."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actdiag.capture import preserved
from actdiag.capture.wrappers import is_uninitialised, lazy_copy
from actdiag.errors import DataError, UsageError
from actdiag.feed import Batch, Feed, Placement, open_data, synthetic

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Supply:
    """Opens data for a module, with the options that the data and the training data share."""

    module: nn.Module
    labels: object
    batch_size: int | None
    transform: str | None
    seed: int
    fix_input: bool

    def scanned(
        self,
        data: object,
        input_shape: str | tuple[int, ...] | None,
        max_samples: int | None,
        train: Feed | None,
    ) -> Feed:
        """The data that is scanned: synthetic where none was given."""
        if data is None:
            return synthetic(
                self.module,
                input_shape=input_shape,
                samples=max_samples,
                batch_size=self.batch_size,
                seed=self.seed,
                probe=self._probe,
            )
        if input_shape is not None:
            raise UsageError(
                "--input-shape makes synthetic input, and data was given too.",
                hint="Leave one of the two out.",
            )
        return self._opened(data, labels=self.labels, max_samples=max_samples, scaled_like=train)

    def training(self, data: object) -> Feed | None:
        """The training data, its labels by the same name where it has that name too."""
        if data is None:
            return None
        if isinstance(self.labels, str) and not Path(self.labels).exists():
            with contextlib.suppress(DataError):
                return self._opened(data, labels=self.labels)
        return self._opened(data)

    def _opened(self, data: object, **options: Any) -> Feed:
        return open_data(
            data,
            batch_size=self.batch_size,
            transform=self.transform,
            fix_input=self.fix_input,
            seed=self.seed,
            module=self.module,
            probe=self._probe,
            **options,
        )

    def _probe(self, batch: Batch) -> Any:
        """What the model answers; raises what it raises, and leaves it as it was."""
        here = Placement().following(self.module).batch(batch)
        module = lazy_copy(self.module) if is_uninitialised(self.module) else self.module
        with preserved(module):
            return module(*here.inputs, **here.kwargs)
