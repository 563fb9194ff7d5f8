"""What was measured where: sites, their units, modules and gated groups."""

from __future__ import annotations

from dataclasses import dataclass, field

from actdiag.records.words import Measured, Role


@dataclass(frozen=True, slots=True)
class UnitStats:
    """One number per unit, all of the same length. Counts are of observations of the unit.

    ``saturated_low`` and ``saturated_high`` count inputs where the function's slope is below 5 %
    of its maximum; ``linear`` counts inputs where the function is (nearly) a straight line. They
    are empty where the function has no such region. Of the sigmoid gates of a recurrent layer they
    count outputs below 0.01 and above 0.99. ``input_min``/``input_max`` are the range of
    the pre-activation. ``input_bound`` is the largest pre-activation that the weights of the layer
    before allow for inputs of that layer within the range observed, and ``input_bias`` what the
    bias adds to it; both empty where they are not known. ``shut`` counts outputs of a gate that
    are nearer to 0 than 0.01; empty for what is no gate.
    """

    count: tuple[int, ...]
    mean: tuple[float | None, ...]
    std: tuple[float | None, ...]
    mean_abs: tuple[float | None, ...]
    min: tuple[float | None, ...]
    max: tuple[float | None, ...]
    zeros: tuple[int, ...]
    positive: tuple[int, ...]
    nonfinite: tuple[int, ...]
    saturated_low: tuple[int, ...] = ()
    saturated_high: tuple[int, ...] = ()
    linear: tuple[int, ...] = ()
    input_min: tuple[float | None, ...] = ()
    input_max: tuple[float | None, ...] = ()
    input_bound: tuple[float | None, ...] = ()
    input_bias: tuple[float | None, ...] = ()
    shut: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SiteStats:
    """The numbers of one site over the whole data.

    ``observations`` is the number of values of one unit (the largest, if they differ).
    ``between_sample`` is the variance of the per-sample means of the units, summed, over the
    variance of all elements: 0 means the layer answers the same whatever the sample.
    ``*_units`` count units; null where the notion does not apply to the function.
    Over ``sampled_rows`` rows, each the units at one position of one sample, ``effective_rank`` is
    the exponential of the entropy of the singular values of the centred rows (Roy and Vetterli
    2007), null where the rows do not differ, and ``token_cosine`` the mean cosine between positions
    of the same sample, each unit divided by its rms; null where a sample has one position.
    """

    elements: int = 0
    observations: int = 0
    mean: float | None = None
    std: float | None = None
    rms: float | None = None
    min: float | None = None
    max: float | None = None
    zero_fraction: float | None = None
    saturated_fraction: float | None = None
    linear_fraction: float | None = None
    nonfinite: int = 0
    nan: int = 0
    input_nonfinite: int | None = None
    quantiles: dict[str, float | None] = field(default_factory=dict)
    dead_units: int | None = None
    constant_units: int | None = None
    dormant_units: int | None = None
    always_on_units: int | None = None
    saturated_units: int | None = None
    mean_slope: float | None = None
    between_sample: float | None = None
    effective_rank: float | None = None
    token_cosine: float | None = None
    sampled_rows: int | None = None


@dataclass(frozen=True, slots=True)
class AttentionStats:
    """The attention of one site, head by head, over evenly spread queries of some samples.

    Attributes:
        heads: number of heads.
        entropy: mean entropy of each head's weights over the log of the number of keys that the
            query may see; queries that see fewer than two are left out. Null where none is left.
        max_logit: largest logit of each head as it enters the softmax, after scale and bias;
            masked keys are left out. Null where none is finite.
        queries: number of rows measured, over all heads and the samples looked at.
        masked_rows: rows among them with every key masked, which are looked for in all samples.
    """

    heads: int
    entropy: tuple[float | None, ...]
    max_logit: tuple[float | None, ...]
    queries: int
    masked_rows: int


@dataclass(frozen=True, slots=True)
class GradientStats:
    """The gradient of the loss at one place: a site's output, or a parameter.

    At a site every sample counts with its own loss, so that batches don't matter; of a parameter it
    is the gradient of the mean loss. ``elements`` is 0 where none arrives at all. ``max`` is the
    largest size, ``nonfinite`` the number of NaN and infinities, which are left out of the others.
    """

    elements: int = 0
    rms: float | None = None
    max: float | None = None
    zero_fraction: float | None = None
    nonfinite: int = 0


@dataclass(frozen=True, slots=True)
class Site:
    """One place in the forward pass where a tensor is observed.

    Attributes:
        name: the module's qualified name; ``module/function`` for a function called inside a
            module's forward; ``#2``, ``#3`` for later calls of the same one.
        module: qualified name of the module, ``""`` for the root.
        module_class: class name of that module.
        function: name in the catalogue of activation functions, else the operation's own name.
        call: 1 for the first call in a forward pass, 2 for the second, and so on.
        source: ``file:line`` of the call in the user's own code, or null.
        shape: shape of the tensor in the first batch, the sample axis included.
        unit_axis: axis of the units in ``shape``, or null when it is not known.
        inputs: names of the sites this tensor was computed from.
        straight: whether nothing but single-input linear operations (views, dropout in eval
            mode, scaling) lies between the one site in ``inputs`` and this one.
        verbatim: whether not even a scaling does: the values are those of that site, moved or
            reshaped at most.
        returned: whether the model returns it, as its answer or beside that.
        dtype: dtype of the tensor, such as ``float32``.
        attention: what the heads attend to, where the site is an attention that could be measured.
        gradient: of the loss by this tensor, where a backward pass was made and reached it.
    """

    name: str
    module: str
    module_class: str
    function: str | None
    role: Role
    call: int
    source: str | None
    shape: tuple[int, ...]
    unit_axis: int | None
    units: int | None
    dtype: str
    inputs: tuple[str, ...] = ()
    straight: bool = False
    verbatim: bool = False
    returned: bool = False
    is_final: bool = False
    stats: SiteStats = field(default_factory=SiteStats, metadata={"flatten": True})
    per_unit: UnitStats | None = None
    attention: AttentionStats | None = None
    gradient: GradientStats | None = None


@dataclass(frozen=True, slots=True)
class ModuleInfo:
    """One module of the model, whether it was called or not.

    ``settings`` holds the scalar constructor settings that matter to a diagnosis, such as
    ``p`` of a dropout or ``bias``.
    """

    name: str
    class_name: str
    leaf: bool
    calls: int
    parameters: int
    settings: Measured = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GatedUnit:
    """A gated feed-forward network as it ran: ``act(x W_gate) * (x W_up)``, and ``W_down`` behind.

    Attributes:
        name: the innermost module that holds its layers.
        kind: ``swiglu``, ``geglu``, ``glu``, ``reglu``, ``bilinear``, or the gate's function with
            ``-gated``.
        gate: name of the gate's site; null for bilinear ones.
        value: name of the site of the layer that the other branch comes from.
        product: name of the product's site.
        fused: whether both branches are halves of what one layer gives.
        layers: names of the modules in front of the branches, the gate's first.
        down: name of the module that reads the product, or null.
        hidden: width of each branch.
        parameters: of all its layers; null where a layer is not known as a module, or missing.
        two_matrix_parameters: of the same network without its value branch.
    """

    name: str
    kind: str
    gate: str | None
    value: str
    product: str
    fused: bool
    layers: tuple[str, ...]
    down: str | None
    hidden: int
    parameters: int | None = None
    two_matrix_parameters: int | None = None
