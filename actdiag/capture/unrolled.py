"""A recurrent call, layer by layer, with the hidden states that each layer's steps started from."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FEWEST, MOST, ONE_IN = 2, 16, 32


def steps_measured(length: int) -> list[int]:
    """The steps of a sequence whose gates are computed: one in 32, but 2 at least and 16 at most.

    They are evenly spread and depend on nothing but the length, so that batches don't matter. Our
    choice: the gates' products are then a thirty-second of the layer's own where that matters.
    """
    many = min(length, max(FEWEST, min(MOST, length // ONE_IN)))
    return [(2 * place + 1) * length // (2 * many) for place in range(many)]


class Part(NamedTuple):
    """One layer in one direction: inputs of the measured steps, and the hidden state before each.

    Shape ``(samples, steps, width)``, or ``(steps of all samples, width)`` of packed sequences.
    """

    suffix: str
    x: Tensor
    hidden: Tensor
    weights: list[Tensor | None]


class Unrolled:
    """One call of ``lstm``, ``gru``, ``rnn_tanh`` or ``rnn_relu``; ``args`` as torch takes them.

    Layers are run one after the other, as torch itself runs them in eval mode, so that the states
    between them are seen at no cost; the numbers are the same bit for bit on the CPU.
    """

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.function, self.args = function, args
        self.packed = isinstance(args[3], list | tuple)
        self.x: Tensor = args[0]
        state, weights = args[2:4] if self.packed else args[1:3]
        self.states: tuple[Tensor, ...] = (state,) if isinstance(state, Tensor) else tuple(state)
        settings = args[4:] if self.packed else args[3:]
        self.has_bias, self.layers, self.dropout, self.training, self.both = settings[:5]
        self.batch_first = not self.packed and bool(args[-1])
        self.directions = 2 if self.both else 1
        each = len(weights) // self.layers
        self.weights = [
            list(weights[start : start + each]) for start in range(0, len(weights), each)
        ]
        self.outputs: list[Tensor] = []

    @property
    def sequences(self) -> int:
        """How many run beside each other."""
        return self.states[0].shape[1]

    def run(self, *_args: Any, **_kwargs: Any) -> Any:
        """The call's own result; the output of every layer is kept."""
        if self.layers > 1 and self.training and self.dropout:
            return self.function(*self.args)  # dropout between the layers: not to be seen
        if self.layers == 1:
            result = self.function(*self.args)
            self.outputs.append(result[0])
            return result
        ends = []
        for place in range(self.layers):
            output, *end = self._layer(place)
            self.outputs.append(output)
            ends.append(end)
        return (self.outputs[-1], *(torch.cat(states) for states in zip(*ends, strict=True)))

    def _layer(self, place: int) -> Any:
        x = self.outputs[-1] if self.outputs else self.x
        start = place * self.directions
        states = [state[start : start + self.directions] for state in self.states]
        packing = self.args[1:2] if self.packed else ()
        ordering = () if self.packed else (self.batch_first,)
        with warnings.catch_warnings():
            # cuDNN would rather have the weights of all layers in one piece, and says so.
            warnings.filterwarnings("ignore", message=".*single contiguous chunk")
            return self.function(
                x,
                *packing,
                states[0] if len(states) == 1 else tuple(states),
                self.weights[place],
                self.has_bias,
                1,
                0.0,
                self.training,
                self.both,
                *ordering,
            )

    def parts(self, chosen: slice = slice(None)) -> Iterator[Part]:
        """Every layer and direction whose states are known, for the chosen of the sequences.

        Packed sequences lie in the order of their lengths: of them it is always all.
        """
        for place, output in enumerate(self.outputs):
            x = self.outputs[place - 1] if place else self.x
            each = len(self.weights[place]) // self.directions
            halves = output.chunk(self.directions, dim=-1)
            for direction, own in enumerate(halves):
                weights = self.weights[place][direction * each : (direction + 1) * each]
                biases = weights[2:4] if self.has_bias else [None, None]
                start = self.states[0][place * self.directions + direction]
                step = 1 if direction else -1
                if self.packed:
                    found = self._of_packed(x, own, start, step)
                else:
                    first, after = (t if self.batch_first else t.transpose(0, 1) for t in (x, own))
                    found = _of_batch(first[chosen], after[chosen], start[chosen], step)
                suffix = f".l{place}" + ("_reverse" if direction else "")
                yield Part(suffix, *found, [*weights[:2], *biases])

    def _of_packed(
        self, x: Tensor, output: Tensor, start: Tensor, back: int
    ) -> tuple[Tensor, Tensor]:
        sizes = self.args[1].tolist()
        picked = list(_packed_steps(sizes, back))
        rows, previous, first, sample = (
            torch.tensor(column, device=x.device) for column in zip(*picked, strict=True)
        )
        return x[rows], torch.where(first.unsqueeze(1), start[sample], output[previous])


def _of_batch(x: Tensor, output: Tensor, start: Tensor, back: int) -> tuple[Tensor, Tensor]:
    """Inputs and states before the measured steps; ``back`` leads to the step before.

    Shapes ``(samples, steps, width)`` and ``(samples, width)``.
    """
    length = x.shape[1]
    steps = steps_measured(length)
    before = [step + back for step in steps]
    hidden = [output[:, step] if 0 <= step < length else start for step in before]
    return torch.stack([x[:, step] for step in steps], 1), torch.stack(hidden, 1)


def _packed_steps(sizes: Sequence[int], back: int) -> Iterator[tuple[int, int, bool, int]]:
    """Row, row of the step before, whether there is none, and sample, of the measured steps."""
    offsets = [sum(sizes[:step]) for step in range(len(sizes))]
    for sample in range(sizes[0]):
        length = sum(size > sample for size in sizes)
        for step in steps_measured(length):
            first = not 0 <= step + back < length
            previous = 0 if first else offsets[step + back] + sample
            yield offsets[step] + sample, previous, first, sample
