"""A scan of a graph, from end to end, says what a scan of its model says."""

import io

import pytest
import torch
from torch import nn

import actdiag
from actdiag.capture.weights import weights_of
from actdiag.load import Trust
from tests.capture import graphs


@pytest.fixture(scope="module")
def case():
    torch.manual_seed(1)
    return graphs.Convolutions().eval(), torch.randn(4, 1, 8, 8)


@pytest.mark.parametrize("form", graphs.FORMS)
def test_weights_are_known_for_what_they_are(case, form):
    expected = {weight.name: weight for weight in weights_of(case[0])}
    assert {weight.name: weight for weight in weights_of(graphs.FORMS[form](*case))} == expected


def test_a_program_that_takes_one_batch_size_gets_it_and_the_rest_is_told(case):
    program = graphs.program(*case).module()
    report = actdiag.scan(program, torch.randn(10, 1, 8, 8))
    assert (report.scan.data.samples, report.scan.data.batches) == (8, 2)
    assert report.scan.coverage.failure is None
    assert report.scan.coverage.note == (
        "The program takes exactly 4 samples at a time: 2 at the end do not fit."
    )


def test_a_program_that_takes_any_batch_size_gets_all(case):
    model, x = case
    program = torch.export.export(model, (x,), dynamic_shapes=({0: torch.export.Dim("b")},))
    report = actdiag.scan(program.module(), torch.randn(10, 1, 8, 8))
    assert report.scan.data.samples == 10
    assert report.scan.coverage.note == ""


def test_another_batch_size_is_the_models_own_failure(case):
    report = actdiag.scan(graphs.program(*case).module(), torch.randn(9, 1, 8, 8), batch_size=3)
    failure = report.scan.coverage.failure
    assert report.verdict == "not-checked"
    assert failure is not None
    assert failure.module in (None, "")


def test_the_class_is_the_one_that_was_exported(case, tmp_path):
    buffer = io.BytesIO()
    torch.export.save(graphs.program(*case), buffer)
    path = tmp_path / "program.pt2"
    path.write_bytes(buffer.getvalue())
    report = actdiag.scan(path, torch.randn(8, 1, 8, 8), trust=Trust(everything=True))
    assert report.scan.model.class_name == "Convolutions"
    assert {site.name for site in report.scan.sites} >= {"conv1", "norm", "relu", "relu#2", "head"}


@pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning")  # torch, copying a program
@pytest.mark.parametrize("form", ["traced", "scripted", "exported"])
def test_steps_do_what_they_can_with_a_graph_and_claim_no_more(form):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3, bias=False)).eval()
    with torch.no_grad():
        model[0].weight.mul_(50.0)
        model[0].bias.fill_(-1000.0)
    x = torch.randn(32, 6)
    outcomes = [
        {step.id: step.outcome for found in report.diagnoses for step in found.steps}
        for report in (actdiag.scan(model, x), actdiag.scan(graphs.FORMS[form](model, x), x))
    ]
    expected, found = outcomes
    assert found.pop("try-leaky-relu") == "needs-input"
    assert expected.pop("try-leaky-relu") in ("helps", "no-effect")
    assert found == expected
    assert found["check-initialisation"] == "helps"
