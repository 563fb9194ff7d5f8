"""A device that computes on the CPU and is told apart from it, as a graphics card is.

Of PyTorch's key for devices of others (PrivateUse1) every operation comes here. What would make
the CPU wait for a real device is written down, and how many kernels it would have been given. A
process that imports this can't get rid of it: tests do so in one of their own.
"""

from __future__ import annotations

from collections import Counter
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "simulated"
_META = torch._C.DispatchKeySet(torch._C.DispatchKey.Meta)
_HERE = torch.device("cpu")

# The CPU waits: for a number, or for how many values there are.
_WAITS = {"_local_scalar_dense", "equal", "nonzero", "masked_select", "bincount", "histc"}
_WAITS |= {"_unique2", "unique_dim", "unique_consecutive", "_linalg_svd", "_linalg_eigh"}
# Nothing is computed.
_VIEWS = {"as_strided", "view", "_unsafe_view", "_reshape_alias", "transpose", "select", "slice"}
_VIEWS |= {"detach", "alias", "expand", "permute", "unsqueeze", "squeeze", "t", "unfold", "split"}
_VIEWS |= {"empty", "empty_strided", "split_with_sizes", "unbind", "diagonal", "movedim"}
_MIXES = {"index", "index_put_", "_index_put_impl_", "_to_copy"}  # may be given tensors of the CPU


class Seen:
    """What the device was asked for since :meth:`clear`.

    Attributes:
        kernels: operations that compute something.
        waits: by name, what the CPU waited for.
    """

    def __init__(self) -> None:
        self.kernels = 0
        self.waits: Counter[str] = Counter()

    def clear(self) -> None:
        """Nothing yet."""
        self.kernels = 0
        self.waits.clear()


SEEN = Seen()
_MEMORY: dict[int, Tensor] = {}  # by storage there, the one here


class _Module:
    """What torch asks of a device."""

    is_available = staticmethod(lambda: True)
    device_count = staticmethod(lambda: 1)
    current_device = staticmethod(lambda: 0)
    _is_in_bad_fork = staticmethod(lambda: False)
    get_rng_state = staticmethod(lambda _device=0: torch.zeros(1, dtype=torch.uint8))
    set_rng_state = staticmethod(lambda _state, _device=0: None)
    manual_seed_all = staticmethod(lambda _seed: None)
    get_amp_supported_dtype = staticmethod(lambda: [torch.float16, torch.bfloat16])


def is_there(value: object) -> bool:
    """Whether it is a tensor of the device."""
    return isinstance(value, Tensor) and value.device.type == NAME


def here(tensor: Tensor) -> Tensor:
    """The same values, and the same memory, as a tensor of the CPU."""
    memory = _MEMORY[tensor.untyped_storage()._cdata].view(tensor.dtype)
    return memory.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())


def _in(holder: Tensor, like: Tensor) -> Tensor:
    """A view of the holder's memory there that lies as a tensor here does."""
    as_strided = torch.ops.aten.as_strided.default
    lies = like.shape, like.stride(), like.storage_offset()
    return as_strided.redispatch(_META, holder, *lies)


def _whole(tensor: Tensor) -> Tensor:
    size = tensor.untyped_storage().nbytes() // tensor.itemsize
    return tensor.detach().as_strided((size,), (1,), 0)


def there(tensor: Tensor) -> Tensor:
    """A tensor of the device with the memory of one of the CPU."""
    whole = _whole(tensor)
    holder = torch._C._acc.create_empty_tensor(whole.shape, whole.dtype)
    _lies_anew(holder, whole)
    return _in(holder, tensor)


def _lies_anew(tensor: Tensor, like: Tensor) -> None:
    """A tensor there whose memory becomes that of one here."""
    _MEMORY[tensor.untyped_storage()._cdata] = _whole(like)
    set_ = torch.ops.aten.set_.source_Storage_storage_offset
    lies = like.storage_offset(), like.shape, like.stride()
    set_.redispatch(_META, tensor, tensor.untyped_storage(), *lies)


def _copy(source: Tensor, to: Tensor, waits: bool) -> Tensor:
    if waits and is_there(source) != is_there(to):
        SEEN.waits["copy to the CPU" if is_there(source) else "copy from the CPU"] += 1
    SEEN.kernels += 1
    values = here(source) if is_there(source) else source
    (here(to) if is_there(to) else to).copy_(values)
    return to


def _written(op, args, kwargs):
    """The arguments that an operation writes to."""
    for place, argument in enumerate(op._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            value = args[place] if place < len(args) else kwargs.get(argument.name)
            yield from () if value is None else tree_leaves(value)


def _compute(op, *args, **kwargs):
    """What the device does when it is asked for an operation."""
    name = op._schema.name.removeprefix("aten::")
    if name in ("_copy_from", "_copy_from_and_resize"):
        return _copy(args[0], args[1], waits=len(args) < 3 or not args[2])
    if name == "resize_":
        _lies_anew(args[0], torch.empty(args[1], dtype=args[0].dtype))
        return args[0]
    _note(op, name, tree_leaves((args, kwargs)))
    to = kwargs.get("device")
    if to is not None:
        kwargs = {**kwargs, "device": _HERE}
    inner = tree_map(lambda one: here(one) if is_there(one) else one, (args, kwargs))
    found = _KERNELS.get(name, op)(*inner[0], **inner[1])
    written = [*_written(op, args, kwargs)]
    if written:
        for outer, own in zip(written, _written(op, *inner), strict=True):
            if outer.shape != own.shape:
                _lies_anew(outer, own)
        many = len(op._schema.returns)
        return None if not many else written[0] if many == 1 else tuple(written)
    if to is not None and to.type != NAME:
        SEEN.waits["copy to the CPU"] += 1
        return found
    return _brought(found, [one for one in tree_leaves((args, kwargs)) if is_there(one)])


def _note(op, name, given):
    """Write down what the operation costs; an error where a device would give one."""
    theirs = [one for one in given if is_there(one)]
    ours = [one for one in given if isinstance(one, Tensor) and one.ndim and not is_there(one)]
    if theirs and ours and name not in _MIXES:
        message = f"{op}: Expected all tensors to be on the same device"
        raise RuntimeError(message)
    picks = name.startswith("index") and any(one.dtype is torch.bool for one in theirs[1:])
    if name in _WAITS or picks:
        SEEN.waits[name] += 1
    SEEN.kernels += name not in _VIEWS


def _brought(found, given):
    """What was computed, there; views of what was given as views."""
    owners = {here(one).untyped_storage().data_ptr(): one for one in given}

    def bring(one):
        if not isinstance(one, Tensor):
            return one
        owner = owners.get(one.untyped_storage().data_ptr()) if one.numel() else None
        return there(one) if owner is None else _in(owner, one)

    return tree_map(bring, found)


def _convolution_backward(gradient, x, weight, *how):
    made = weight.shape[1] if how[3] else weight.shape[0]
    return torch.ops.aten.convolution_backward.default(gradient, x, weight, [made], *how)


def _lstm_cell(ours, theirs, memory, *biases):
    gates = sum((bias for bias in biases if bias is not None), ours + theirs)
    enter, forget, new, leave = gates.chunk(4, 1)
    parts = enter.sigmoid(), forget.sigmoid(), new.tanh(), leave.sigmoid()
    kept = parts[1] * memory + parts[0] * parts[2]
    return parts[3] * kept.tanh(), kept, torch.cat(parts, 1)


def _gru_cell(ours, theirs, state, *biases):
    ours, theirs = (
        gates if bias is None else gates + bias
        for gates, bias in zip((ours, theirs), biases or (None, None), strict=True)
    )
    (reset, update, new), (again, kept, old) = ours.chunk(3, 1), theirs.chunk(3, 1)
    reset, update = (reset + again).sigmoid(), (update + kept).sigmoid()
    new = (new + reset * old).tanh()
    return (1 - update) * new + update * state, torch.cat((reset, update, new, state, old), 1)


# Operations that each device has in a form of its own.
_KERNELS = {
    "convolution_overrideable": torch.ops.aten.convolution.default,
    "convolution_backward_overrideable": _convolution_backward,
    "_thnn_fused_lstm_cell": _lstm_cell,
    "_thnn_fused_gru_cell": _gru_cell,
}


def _deepcopy(tensor: Tensor, memo: dict[int, object]) -> object:
    if not is_there(tensor):
        return _COPY(tensor, memo)
    if id(tensor) not in memo:
        new = there(here(tensor.detach()).clone())
        kind = partial(nn.Parameter, requires_grad=tensor.requires_grad)
        is_weight = isinstance(tensor, nn.Parameter)
        memo[id(tensor)] = kind(new) if is_weight else new.requires_grad_(tensor.requires_grad)
    return memo[id(tensor)]


_COPY, _ADDRESS = Tensor.__deepcopy__, Tensor.data_ptr
Tensor.__deepcopy__ = _deepcopy  # which would look into the storage
Tensor.data_ptr = lambda tensor: _ADDRESS(here(tensor) if is_there(tensor) else tensor)
_setup_privateuseone_for_python_backend(NAME, backend_module=_Module())
DEVICE = torch.device(f"{NAME}:0")
_FALLBACK, _OWN = torch.library.Library("_", "IMPL"), torch.library.Library("aten", "IMPL")
_FALLBACK.fallback(_compute, dispatch_key="PrivateUse1")
for _name in ("convolution_overrideable", "convolution_backward_overrideable"):
    _OWN.impl(_name, partial(_compute, getattr(torch.ops.aten, _name).default), "PrivateUse1")
