"""Which dotted names in a pickle are harmless, and what inert thing stands for each."""

from __future__ import annotations

from functools import cache
from typing import Any

from torch import nn

from actdiag import arrays
from actdiag.load import plaindata
from actdiag.load.shells import FunctionShell, module_classes, shell_for

# Functions of one tensor that a layer keeps as an attribute (nn.TransformerEncoderLayer does).
ACTIVATIONS = (
    "celu",
    "elu",
    "gelu",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "logsigmoid",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
)
# Wrappers around one inner module, which is what matters here: name -> attribute.
WRAPPERS = {
    "torch.nn.parallel.data_parallel.DataParallel": "module",
    "torch.nn.parallel.distributed.DistributedDataParallel": "module",
}
# Names of older torch versions -> today's class.
LINEAR = "torch.nn.modules.linear"
RENAMED = {f"{LINEAR}._LinearWithBias": f"{LINEAR}.NonDynamicallyQuantizableLinear"}
# What a defaultdict makes its new entries with; a pickle can't call these stand-ins.
CONTAINERS = (list, dict, int, float, str, tuple, bool)
POINTS_IN_TIME = ("datetime", "date", "timedelta")
PATHS = ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath", "Path")


@cache
def stand_ins() -> dict[str, Any]:
    """Dotted name in a pickle -> what stands for it. None of it runs code of the name's module."""
    found: dict[str, Any] = {
        f"{cls.__module__}.{cls.__name__}": shell_for(cls) for cls in module_classes()
    }
    for old, new in RENAMED.items():
        found[old] = found[new]
    for name, inner in WRAPPERS.items():
        found[name] = shell_for(nn.Module, inner)
    for name in ACTIVATIONS:
        shell = FunctionShell(getattr(nn.functional, name))
        for home in ("torch.nn.functional", "torch", "torch._C._nn"):
            found[f"{home}.{name}"] = shell
    found |= arrays.stand_ins()
    for path in PATHS:
        found[f"pathlib.{path}"] = found[f"pathlib._local.{path}"] = plaindata.path_text
    found["argparse.Namespace"] = plaindata.NamespaceShell
    found["types.SimpleNamespace"] = plaindata.simple_namespace
    found["collections.defaultdict"] = plaindata.default_dict
    found |= {f"builtins.{kind.__name__}": FunctionShell(kind) for kind in CONTAINERS}
    found |= {f"datetime.{name}": plaindata.point_in_time for name in POINTS_IN_TIME}
    found["torch.torch_version.TorchVersion"] = plaindata.VersionText
    return found


def support() -> dict[str, Any]:
    """Classes whose instances stand-ins make: a pickle may set their state, but not name them."""
    return arrays.support(plaindata.NamespaceShell)
