"""The frozen records that travel between rooms, and their JSON form (schema version 1).

Plain numbers, strings and tuples only: importing this module imports neither torch nor numpy.
Every fraction lies in [0, 1]. Every float is finite or ``None``: :func:`to_json` writes a
non-finite one as null, so NaN and Infinity never appear in a report.
"""

from __future__ import annotations

import dataclasses
import importlib
import math
import types
import typing
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, Self

from actdiag.errors import UsageError

SCHEMA_VERSION = 1

_NESTED = ("per_unit", "quantiles", "attention", "gradient", "inputs")
Number = int | float | None
Measured = dict[str, Any]


class Role(StrEnum):
    """What a site is in the network."""

    INPUT = "input"
    ACTIVATION = "activation"
    GATE = "gate"
    GATED_PRODUCT = "gated-product"
    ATTENTION = "attention"
    LINEAR = "linear"
    CONV = "conv"
    NORM = "norm"
    RECURRENT = "recurrent"
    BLOCK = "block"
    OUTPUT = "output"


class Severity(StrEnum):
    """Harm: ``error`` is broken or won't train, ``warning`` likely harm, ``info`` worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst, so that sorting by rank puts the worst first."""
        return list(Severity).index(self)

    def lowered(self) -> Severity:
        """One step less severe; ``info`` stays."""
        return list(Severity)[min(self.rank + 1, len(Severity) - 1)]


class Confidence(StrEnum):
    """How sure a finding is, apart from how harmful it would be."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class CauseVerdict(StrEnum):
    """What the measurement says of a documented cause."""

    CONFIRMED = "confirmed"
    RULED_OUT = "ruled-out"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """What came out of a documented debug step."""

    DONE = "done"
    HELPS = "helps"
    NO_EFFECT = "no-effect"
    NOT_APPLICABLE = "not-applicable"
    NEEDS_INPUT = "needs-input"


class ReportVerdict(StrEnum):
    """The report in one word. Nothing captured is never healthy."""

    HEALTHY = "healthy"
    FINDINGS = "findings"
    NOT_CHECKED = "not-checked"


@dataclass(frozen=True, slots=True)
class ToolInfo:
    """Which program measured."""

    name: str = "actdiag"
    version: str = ""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The model as loaded. ``sha256`` is of the file, or null when there is none.

    ``training`` holds what the checkpoint says of its training: optimizer, learning rate, weight
    decay, step, epoch; only keys that were found. ``proposal`` is code of a factory that fits the
    weights of a file without a class, where names and shapes prove a plain network.
    """

    path: str | None
    format: str
    class_name: str
    sha256: str | None = None
    parameters: int = 0
    trainable_parameters: int = 0
    dtype: str | None = None
    training: Measured = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    proposal: str = ""


@dataclass(frozen=True, slots=True)
class Padding:
    """How much of an input of token ids is padding.

    Attributes:
        input: name of the input's site.
        share: of the positions, that lie in a run of ``token`` at that end of their sequence;
            0 where a mask said which positions are data.
        token: the id that most positions at an end hold; null where no sequence ends in a run.
        side: ``end`` or ``start``.
        mask: name of the argument that said which positions are data, or null.
        masked: share of the positions that it left out of the statistics.
    """

    input: str
    share: float
    token: int | None
    side: str
    mask: str | None = None
    masked: float = 0.0


@dataclass(frozen=True, slots=True)
class DataInfo:
    """What flowed through the model. ``labels`` counts the labelled samples."""

    source: str
    synthetic: bool = False
    samples: int = 0
    batches: int = 0
    labels: int = 0
    sample_shape: tuple[int, ...] | None = None
    notes: tuple[str, ...] = ()
    padding: Padding | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """The model's forward raised: where, what it said, and what may mend it."""

    module: str | None
    source: str | None
    exception: str
    message: str
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was seen and what was not. ``modules`` counts leaf modules.

    ``parameters_seen`` is the share of the parameters that took part in an output that was
    measured; null for a model without parameters, and where nothing ran.
    """

    sites: int = 0
    modules: int = 0
    modules_not_called: tuple[str, ...] = ()
    functions_not_captured: tuple[str, ...] = ()
    note: str = ""
    failure: Failure | None = None
    parameters_seen: float | None = None


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
    """The attention of one site, head by head, over an evenly spread sample of its queries.

    Attributes:
        heads: number of heads.
        entropy: mean entropy of each head's weights over the log of the number of keys that the
            query may see; queries that see fewer than two are left out. Null where none is left.
        max_logit: largest logit of each head as it enters the softmax, after scale and bias;
            masked keys are left out. Null where none is finite.
        queries: number of rows measured, over all samples and heads.
        masked_rows: rows among them with every key masked.
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
class UpdateStats:
    """The step that a checkpoint's own optimizer state makes of a parameter.

    ``ratio`` is the norm of the step over the norm of the weight, ``rule`` adam or sgd, ``lr`` the
    learning rate of the step; ``initial_lr`` that which its schedule began with, where one did.
    """

    ratio: float
    rule: str
    lr: float
    initial_lr: float | None = None


@dataclass(frozen=True, slots=True)
class Gradients:
    """The backward pass: what was differentiated, and over how much data.

    ``loss`` names it, ``assumed`` says that nobody did, so that it was read off the labels and the
    output. ``value`` is its mean. ``thawed`` says that every parameter was frozen and that they
    were measured as if they were not.
    """

    loss: str
    assumed: bool
    samples: int
    batches: int
    value: float | None = None
    thawed: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class TrainEval:
    """The model's answers to one batch with batch statistics and with running statistics.

    ``correlation`` is Pearson's, over all values of the answer; null where one does not vary.
    ``layers`` counts the layers that keep running statistics.
    """

    samples: int
    layers: int
    correlation: float | None


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What is known of the data the model was trained on, beside the data of the scan.

    Attributes:
        samples: number of its samples.
        accuracy: of the model on it; null without labels.
        nll: mean negative log-likelihood of its labels; null without.
        mean_confidence: of the model on it.
        judged: samples of the data that were looked up in it.
        shared: how many of them stand in it, value for value.
        label_conflicts: how many of those stand there under another label.
        repeated: how many of the judged ones repeat an earlier one of them.
    """

    samples: int
    accuracy: float | None = None
    nll: float | None = None
    mean_confidence: float | None = None
    judged: int = 0
    shared: int = 0
    label_conflicts: int = 0
    repeated: int = 0


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
class WeightStats:
    """One parameter or floating-point buffer. Ratios are of the measured std to the scheme's std.

    ``he_ratio`` is std / sqrt(2 / fan_in) (He et al. 2015), ``xavier_ratio`` is
    std / sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio 2010); null where no fan is defined.
    ``identical_rows`` counts rows (slices along the output axis) that equal an earlier row.
    ``gradient`` is known of trainable parameters after a backward pass, ``update`` where the
    checkpoint holds the optimizer's state.
    """

    name: str
    module: str
    kind: str
    shape: tuple[int, ...]
    elements: int
    trainable: bool
    mean: float | None
    std: float | None
    min: float | None
    max: float | None
    rms: float | None
    nonfinite: int
    fan_in: int | None = None
    fan_out: int | None = None
    he_ratio: float | None = None
    xavier_ratio: float | None = None
    identical_rows: int | None = None
    source: str | None = None
    gradient: GradientStats | None = None
    update: UpdateStats | None = None


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """One confidence bin of the reliability diagram."""

    low: float
    high: float
    samples: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Mistake:
    """One wrong prediction; ``sample`` is its index in the data as it was fed."""

    sample: int
    label: int
    predicted: int
    confidence: float


@dataclass(frozen=True, slots=True)
class TemperatureFit:
    """A temperature fitted by NLL on one half of the data, judged on the other half."""

    temperature: float
    samples_fitted: int
    samples_judged: int
    nll_before: float
    nll_after: float
    ece_before: float
    ece_after: float


@dataclass(frozen=True, slots=True)
class OutputStats:
    """What the model answered.

    ``kind`` is one of logits, probabilities, log-probabilities, binary-logit,
    binary-probability, values (regression) and unknown. ``assumed`` says that no labels and no
    final activation told, so the kind was read off the shape. ``classes`` is K.

    Attributes:
        predictions: number of answers judged (samples, or positions of sequences).
        accuracy: share of correct predictions; null without labels.
        majority: share of the most frequent label: what always answering it would reach.
        confident_wrong: share of predictions that are wrong with confidence at least 0.9.
        ece: expected calibration error, 15 equal-width bins (Guo et al. 2017).
        nll: mean negative log-likelihood of the labels, in nats.
        brier: mean squared distance between probabilities and one-hot labels.
        extreme: share of predictions with a largest probability of at least 0.999.
        entropy_fraction: mean entropy of the predictions over log K.
        logit_gap: mean difference between the largest and the second largest logit.
        between_sample_std: rms over outputs of the std between samples.
        scale: rms of the outputs.
        r2: coefficient of determination for regression; null otherwise.
        label_min: least label given, -100 left out; of a regression the least target.
        label_max: greatest one.
        labels_misfit: answers whose labels do not fit the output in number or kind.
        labels_foreign: labels that are no class of the output.
    """

    kind: str
    classes: int | None = None
    assumed: bool = False
    shape: tuple[int, ...] | None = None
    predictions: int = 0
    accuracy: float | None = None
    majority: float | None = None
    predicted_classes: int | None = None
    label_classes: int | None = None
    mean_confidence: float | None = None
    confident_wrong: float | None = None
    ece: float | None = None
    nll: float | None = None
    brier: float | None = None
    extreme: float | None = None
    entropy_fraction: float | None = None
    logit_min: float | None = None
    logit_max: float | None = None
    logit_gap: float | None = None
    between_sample_std: float | None = None
    scale: float | None = None
    r2: float | None = None
    label_min: float | None = None
    label_max: float | None = None
    labels_misfit: int = 0
    labels_foreign: int = 0
    temperature: TemperatureFit | None = None
    reliability: tuple[ReliabilityBin, ...] = ()
    worst: tuple[Mistake, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Timings:
    """Wall-clock seconds; the only part of a report that differs between equal runs."""

    load_s: float = 0.0
    forward_s: float = 0.0
    total_s: float = 0.0


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


@dataclass(frozen=True, slots=True)
class Scan:
    """Everything measured. Rules run on this alone, so a saved one can be judged again."""

    tool: ToolInfo
    model: ModelInfo
    data: DataInfo
    coverage: Coverage
    sites: tuple[Site, ...] = ()
    modules: tuple[ModuleInfo, ...] = ()
    output: OutputStats | None = None
    weights: tuple[WeightStats, ...] = ()
    gradients: Gradients | None = None
    train_eval: TrainEval | None = None
    training_data: TrainingData | None = None
    gated: tuple[GatedUnit, ...] = ()

    def site(self, name: str) -> Site:
        """The site of that name; raises KeyError when there is none."""
        for site in self.sites:
            if site.name == name:
                return site
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that fired at one place.

    ``units`` are the first twenty unit indices concerned. ``follows_from`` holds fingerprints of
    the findings that explain this one. ``remedy`` says in one sentence what to do.
    """

    code: str
    name: str
    severity: Severity
    confidence: Confidence
    site: str | None
    module: str | None
    source: str | None
    message: str
    remedy: str = ""
    measured: Measured = field(default_factory=dict)
    threshold: Measured = field(default_factory=dict)
    units: tuple[int, ...] = ()
    follows_from: tuple[str, ...] = ()
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Skip:
    """A rule that could not run, and what it needs."""

    code: str
    needs: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Findings that the settings say to leave out.

    ``rule`` is a code, the beginning of codes or a name, ``modules`` a pattern of module or site
    names as for files. ``findings`` counts what was left out.
    """

    rule: str
    modules: str
    reason: str
    findings: int = 0


@dataclass(frozen=True, slots=True)
class Cause:
    """A documented cause and what the measurement says of it."""

    name: str
    verdict: CauseVerdict
    evidence: str


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """A documented debug step and what came out when it was carried out."""

    id: str
    text: str
    outcome: Outcome
    result: str
    measured: Measured = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A symptom with its numbers, a verdict on each documented cause, each debug step's outcome.

    ``where`` names the site that the diagnosis points at, ``advice`` what to do first.
    ``findings`` holds fingerprints of the findings it rests on, so that a report tells each
    of them once.
    """

    symptom: str
    title: str
    statement: str
    measured: Measured = field(default_factory=dict)
    causes: tuple[Cause, ...] = ()
    steps: tuple[StepOutcome, ...] = ()
    where: str | None = None
    source: str | None = None
    advice: str = ""
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A scan, what the rules found in it, and the diagnoses.

    ``known`` holds the fingerprints of findings that a baseline has too, no milder than here.
    ``ignored`` counts the findings that the settings say to leave out, and holds the reasons.
    """

    scan: Scan = field(metadata={"flatten": True})
    findings: tuple[Finding, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    skipped: tuple[Skip, ...] = ()
    verdict: ReportVerdict = ReportVerdict.NOT_CHECKED
    timings: Timings = field(default_factory=Timings)
    known: tuple[str, ...] = ()
    ignored: tuple[Ignored, ...] = ()

    @property
    def ok(self) -> bool:
        """True when something was checked and nothing at or above ``warning`` was found."""
        worst = min((finding.severity.rank for finding in self.findings), default=99)
        return self.verdict is not ReportVerdict.NOT_CHECKED and worst >= Severity.INFO.rank

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values, in the order and with the names of schema version 1."""
        return {"schema_version": SCHEMA_VERSION, **to_json(self)}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Read a saved report.

        Raises:
            UsageError: the document is no report, or of a schema version newer than this one.
        """
        version = document.get("schema_version") if isinstance(document, dict) else None
        if version != SCHEMA_VERSION:
            message = f"not an actdiag report of schema version {SCHEMA_VERSION}"
            raise UsageError(message, hint="Save one with: actdiag scan ... --report json=PATH")
        return typing.cast("Self", from_json(cls, document))

    def to_frame(self) -> Any:
        """The sites as a pandas DataFrame: a row per site, its quantiles as ``q0.5`` and so on."""
        pandas = importlib.import_module("pandas")
        rows = []
        for site in self.scan.sites:
            row = {key: value for key, value in to_json(site).items() if key not in _NESTED}
            rows.append(row | {f"q{level}": at for level, at in site.stats.quantiles.items()})
        return pandas.DataFrame(rows)

    def __rich__(self) -> Any:
        return importlib.import_module("rich.text").Text.from_ansi(self._told(color=True))

    def __str__(self) -> str:
        return self._told(color=False)

    def _repr_html_(self) -> str:
        page: str = importlib.import_module("actdiag.render.html").render(self)
        return page

    def _told(self, *, color: bool) -> str:
        """The report as the terminal shows it; the renderer is looked up by name, being above."""
        told: str = importlib.import_module("actdiag.render.text").render(self, color=color)
        return told


@dataclass(frozen=True, slots=True)
class TensorFacts:
    """One parameter or buffer of a layer, by what the file declares; no value of it is read.

    ``shape`` and ``dtype`` are null where the file doesn't declare them. ``shared`` says that an
    earlier layer holds the same tensor, so that it is not counted again.
    """

    name: str
    shape: tuple[int, ...] | None
    dtype: str | None
    trainable: bool = True
    buffer: bool = False
    shared: bool = False

    @property
    def elements(self) -> int:
        """Number of values; 0 where the shape is not known."""
        return math.prod(self.shape) if self.shape is not None else 0


@dataclass(frozen=True, slots=True)
class Layer:
    """One node of the tree of layers, in the order of the file.

    Attributes:
        name: qualified name, ``""`` for the root.
        depth: how far below the root.
        class_path: qualified name of its class; null where only the names of weights are known.
        tensors: its own parameters and buffers.
        parameters: number of parameters in it and below.
        function: activation function that its class is, by its name in the catalogue.
        functions: activation functions that it keeps as attributes or calls, by attribute or call.
        settings: scalar settings of the layer.
    """

    name: str
    depth: int
    class_path: str | None = None
    tensors: tuple[TensorFacts, ...] = ()
    parameters: int = 0
    function: str | None = None
    functions: dict[str, str] = field(default_factory=dict)
    settings: Measured = field(default_factory=dict)

    @property
    def class_name(self) -> str | None:
        """The class without its package."""
        return None if self.class_path is None else self.class_path.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class KindCount:
    """Layers of one kind (linear, conv, norm, embedding, ...) and their own parameters."""

    kind: str
    layers: int
    parameters: int


class Fit(StrEnum):
    """Whether what stands at a place is what is expected there."""

    FITS = "fits"
    DIFFERS = "differs"
    DEPENDS = "depends"
    NOT_SEEN = "not-seen"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Found:
    """One activation function at a place.

    ``function`` is its name in the catalogue, or null: none at all where the verdict says
    anything, or one that can't be seen. ``layers`` are where it stands, ``seen_in`` is what told:
    module, attribute, code, class name, configuration, or built-in.
    """

    function: str | None
    layers: tuple[str, ...]
    seen_in: str
    fit: Fit
    note: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """One row of the table of what belongs where, filled in for a model."""

    place: str
    expected: str
    reason: str
    fit: Fit
    found: tuple[Found, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class GatedFFN:
    """A gated feed-forward network: ``(act(x W_gate) * (x W_up)) W_down``.

    Attributes:
        name: the module that holds its matrices.
        form: swiglu, geglu, ... in the catalogue; null where the gate's function can't be seen.
        function: the function on the gate, by its name in the catalogue.
        seen_in: what told the function.
        gate: name of the gate's matrix; of both branches where they are fused in one.
        up: name of the other branch's matrix; the same where they are fused.
        down: name of the matrix back to the width of the stream.
        by: ``names``, or ``shapes`` where the names don't tell (gate and up may be swapped).
        width: of the stream.
        hidden: of each branch.
        parameters: of all three matrices with their biases.
        two_matrix_parameters: of a plain network of the same width and hidden size.
    """

    name: str
    form: str | None
    function: str | None
    seen_in: str
    gate: str
    up: str
    down: str
    by: str
    width: int
    hidden: int
    parameters: int
    two_matrix_parameters: int


@dataclass(frozen=True, slots=True)
class TrustVerdict:
    """What loading a file would take. ``wants`` are names as ``--allow`` takes them."""

    safe: bool
    wants: tuple[str, ...] = ()
    why: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a model file is, told without running it.

    Attributes:
        title: what a person calls the format.
        size: bytes, null for a model built by code.
        opened: whether its content was loaded, or, where that would need trust, only outlined.
        dtypes: number of parameters by dtype.
        buffers: values in buffers.
        sees_functions: whether functions called in the forward would be seen too.
        proposal: code of a factory, where names and shapes prove a plain network.
    """

    tool: ToolInfo
    path: str
    format: str
    title: str
    trust: TrustVerdict
    size: int | None = None
    sha256: str | None = None
    opened: bool = True
    class_name: str = ""
    parameters: int = 0
    trainable_parameters: int = 0
    buffers: int = 0
    dtypes: dict[str, int] = field(default_factory=dict)
    kinds: tuple[KindCount, ...] = ()
    training: Measured = field(default_factory=dict)
    places: tuple[Place, ...] = ()
    gated: tuple[GatedFFN, ...] = ()
    sees_functions: bool = False
    layers: tuple[Layer, ...] = ()
    proposal: str = ""
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The inspection as JSON values, under the schema version of reports."""
        return {"schema_version": SCHEMA_VERSION, **to_json(self)}


class TrialVerdict(StrEnum):
    """What training with a remedy did, against the same training without it."""

    HELPS = "helps"
    NO_EFFECT = "no-effect"
    WORSE = "worse"
    NOT_APPLICABLE = "not-applicable"
    NOT_TRIED = "not-tried"


@dataclass(frozen=True, slots=True)
class TrialArm:
    """One arm of a trial: trained with the remedy, or the control without it.

    Attributes:
        start: ``kept`` (the file's weights, trained on), ``fresh`` (drawn anew, then trained) or
            ``as-is`` (the file's weights, not trained).
        losses: held-out loss at the end, one per seed; null where it is not finite.
        scores: the same between 0 and 1, one per seed; see :class:`RemedyTrial`.
        accuracies: held-out accuracy, one per seed; empty for a regression.
        curve_steps: training steps at which the held-out loss was taken.
        curves: held-out losses at those steps, one row per seed; null where not finite.
        curve_losses: mean training loss since the point before, likewise; null at step 0.
    """

    start: str
    losses: tuple[float | None, ...] = ()
    scores: tuple[float, ...] = ()
    accuracies: tuple[float, ...] = ()
    curve_steps: tuple[int, ...] = ()
    curves: tuple[tuple[float | None, ...], ...] = ()
    curve_losses: tuple[tuple[float | None, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class RemedyTrial:
    """A remedy and what came of training with it.

    Attributes:
        change: what was changed on the copy, in the data or in the training.
        reason: why it was not applicable or not tried; for the others how the verdict came about.
        suggested_by: confirmed causes and rule codes that call for it; empty for one that was
            asked for, or tried because it is cheap.
        effect: mean over seeds of the treated score minus the control's. The score is
            exp(-NLL), the geometric mean of the probabilities given to the right labels, or for a
            regression 1 / (1 + MSE / variance of the labels): 1 is perfect, 0 the worst.
        low: lower end of the effect's 90 % interval over seeds (Student's t); null for one seed.
        high: its upper end.
        unsaveable: why the treated model cannot be written to a file; empty where it can.
    """

    remedy: str
    title: str
    verdict: TrialVerdict
    change: str = ""
    reason: str = ""
    suggested_by: tuple[str, ...] = ()
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    treated: TrialArm | None = None
    control: TrialArm | None = None
    unsaveable: str = ""


@dataclass(frozen=True, slots=True)
class TrialRecipe:
    """How both arms were trained.

    Attributes:
        metric: ``NLL`` in nats, or ``MSE``.
        split: which data trained and which judged.
        told_by: where optimizer and learning rate come from.
    """

    loss: str
    metric: str
    optimizer: str
    lr: float
    weight_decay: float
    momentum: float
    batch_size: int
    steps: int
    seeds: int
    train_samples: int
    judged_samples: int
    split: str
    told_by: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """Remedies tried on a model, the most effective first.

    Attributes:
        answer: what to do first, in one sentence.
        first: the remedy that the answer names, or null.
        as_is: the model as it was, judged on the same samples, not trained.
        saved: where the treated model was written, or null.
        saved_remedy: with which remedy it was treated.
    """

    tool: ToolInfo
    model: ModelInfo
    data: DataInfo
    recipe: TrialRecipe
    trials: tuple[RemedyTrial, ...] = ()
    answer: str = ""
    first: str | None = None
    as_is: TrialArm | None = None
    saved: str | None = None
    saved_remedy: str | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The trial as JSON values, under the schema version of reports."""
        return {"schema_version": SCHEMA_VERSION, **to_json(self)}


def to_json(value: Any) -> Any:
    """A record as JSON values: tuples become lists, non-finite floats null, enums their text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        document: dict[str, Any] = {}
        for item in dataclasses.fields(value):
            written = to_json(getattr(value, item.name))
            if item.metadata.get("flatten"):
                document.update(written)
            else:
                document[item.name] = written
        return document
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): to_json(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(entry) for entry in value]
    return value


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def from_json(kind: Any, value: Any) -> Any:
    """Read a JSON value as ``kind``: the inverse of :func:`to_json`. Unknown keys are ignored."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        choices = [choice for choice in arguments if choice is not types.NoneType]
        return from_json(choices[0], value) if len(choices) == 1 else value
    if origin is tuple:
        return tuple(from_json(arguments[0], entry) for entry in value)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _record_from_json(kind, value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(value)
    if kind is float and isinstance(value, int):
        return float(value)
    return value


def _record_from_json(kind: type, document: dict[str, Any]) -> Any:
    arguments = {}
    for item in dataclasses.fields(kind):
        if item.metadata.get("flatten"):
            arguments[item.name] = from_json(_hints(kind)[item.name], document)
        elif item.name in document:
            arguments[item.name] = from_json(_hints(kind)[item.name], document[item.name])
    return kind(**arguments)
