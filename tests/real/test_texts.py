"""Models of text: a functional ReLU behind an embedding, a block that is used twelve times."""

from pathlib import Path

import pytest

from tests.real import data
from tests.real.models import activations, complaints, scanned

pytestmark = pytest.mark.slow

BLOCK = "albert.encoder.albert_layer_groups.0.albert_layers.0"


def test_a_functional_relu_is_seen_and_six_of_its_units_are_dead():
    report = scanned("attacut")
    (site,) = activations(report, "relu")

    assert (site.stats.dead_units, site.units) == (6, 32)
    file, line = site.source.rsplit(":", 1)
    assert "F.relu" in Path(file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
    assert site.stats.observations == sum(map(len, data.SENTENCES))
    assert complaints(report) == []
    assert report.scan.coverage.modules_not_called == ()


def test_one_gelu_called_twelve_times_is_twelve_sites():
    report = scanned("rxnmapper")
    sites = [site for site in report.scan.sites if site.module == f"{BLOCK}.activation"]

    assert [site.call for site in sites] == list(range(1, 13))
    assert [site.name for site in sites[:2]] == [f"{BLOCK}.activation", f"{BLOCK}.activation#2"]
    assert {(site.function, site.units) for site in sites} == {("gelu", 512)}
    assert [site.stats.dead_units for site in sites] == [0] * 12
    assert "error" not in {finding.severity for finding in report.findings}
    assert report.diagnoses == ()


def test_it_works_so_nothing_is_wrong():
    assert complaints(scanned("rxnmapper")) == []


def test_a_reaction_is_told_back():
    output = scanned("rxnmapper").scan.output

    assert (output.kind, output.classes) == ("logits", 591)
    assert output.accuracy > 0.9


def test_attention_is_measured_head_by_head():
    sites = [site for site in scanned("rxnmapper").scan.sites if site.attention is not None]

    assert len(sites) == 12
    assert {site.attention.heads for site in sites} == {8}
    assert all(0 <= entropy <= 1 for site in sites for entropy in site.attention.entropy)
    assert {site.attention.masked_rows for site in sites} == {0}
