"""The rules on gate outliers and on train and eval mode, on scans written by hand."""

import pytest

from actdiag.records import DataInfo, ModuleInfo, Severity, TrainEval
from tests.rules.build import FAILING, classifier, data_in, found, linear, scan, weight
from tests.rules.outliers import in_model, product


@pytest.mark.parametrize(
    ("dtype", "severity"),
    [("float16", "warning"), ("float8_e4m3fn", "warning"), ("bfloat16", "info")],
)
def test_outliers_are_as_severe_as_the_type_is_narrow(dtype, severity):
    [finding] = found("ACT115", product(dtype))
    assert finding.severity == severity
    assert finding.units == (9,)
    assert found("ACT115", in_model(dtype))[0].severity == severity


def test_float32_and_products_without_a_scale_are_no_outliers():
    assert found("ACT115", product("float32")) == []
    assert found("ACT115", product(max=90.0)) == []
    silent = dict.fromkeys(("0.05", "0.25", "0.5", "0.75", "0.95"), 0.0)
    assert found("ACT115", product(quantiles=silent, min=0.0)) == []


def test_without_a_gated_product_the_rule_says_so():
    skip = found("ACT115", scan(data_in(), linear("0", "input")))
    assert skip.reason == "needs a gated product, such as SwiGLU's, and this model has none"


def compared(correlation, **changes):
    trained = weight("0", mean=0.9)
    modes = TrainEval(samples=32, layers=2, correlation=correlation)
    return found("ACT117", scan(train_eval=modes, **{"weights": (trained,)} | changes))


def test_a_mismatch_of_modes_is_as_severe_as_the_labels_show():
    assert compared(0.74)[0].severity is Severity.WARNING
    assert compared(0.1, output=classifier(**FAILING))[0].severity is Severity.ERROR
    assert compared(0.1, output=classifier())[0].severity is Severity.INFO
    assert compared(0.75) == compared(None) == []


def test_fresh_norms_and_made_up_inputs_are_left_out():
    fresh = weight("norm", (10,), name="norm.running_mean", min=0.0, max=0.0, mean=0.0)
    assert compared(0.1, weights=(fresh,)) == []
    made = compared(0.1, data=DataInfo("synthetic", synthetic=True, samples=256))
    assert made.reason == "needs real data: the input was made up"


def test_why_the_modes_were_not_compared():
    norm = ModuleInfo("norm", "BatchNorm1d", leaf=True, calls=1, parameters=20)
    plain = found("ACT117", scan(data_in()))
    assert plain.reason.startswith("needs a layer with running statistics, such as BatchNorm")
    few = found("ACT117", scan(data_in(), modules=(norm,)))
    assert few.reason == "needs at least 16 samples of one shape, to run the model as in training"
