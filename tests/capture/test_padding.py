"""Padded positions are kept out: the numbers are those of the sequences on their own."""

import pytest
import torch
from torch import nn

import actdiag
from actdiag.capture import Capture
from actdiag.capture.padding import mask_of
from actdiag.errors import UsageError
from actdiag.records import Padding

LENGTHS = torch.tensor([10, 3, 3, 5, 1, 7])
KEEP = torch.arange(10) < LENGTHS.unsqueeze(1)
IDS = torch.randint(1, 20, (6, 10), generator=torch.Generator().manual_seed(0)) * KEEP


class Reader(nn.Module):
    """Tokens through an encoder layer, rows of tokens, and heads of attention by hand."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(20, 8)
        self.encoder = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True)
        self.rows, self.head = nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, ids, attention_mask=None):
        hide = None if attention_mask is None else attention_mask == 0
        x = self.encoder(self.embed(ids), src_key_padding_mask=hide)
        x = torch.relu(self.rows(x.reshape(-1, 8))).view(*ids.shape, 8)
        heads = x.view(len(x), -1, 2, 4).transpose(1, 2)
        return self.head((heads.tanh() + heads).transpose(1, 2).flatten(2))


def measured(model, batches, mask=None):
    with Capture(model.eval(), mask=mask) as capture:
        for inputs, kwargs in batches:
            capture.run(inputs, kwargs, len(inputs[0]))
        assert capture.failure is None, capture.failure
        return {site.name: site for site in capture.sites()}, capture.coverage(), capture.padding()


def alone():
    return measured(Reader(), [((IDS[i : i + 1, :n],), {}) for i, n in enumerate(LENGTHS)])[0]


@pytest.mark.parametrize(
    "given",
    [
        ((IDS,), {"attention_mask": KEEP.long()}),
        ((IDS,), {"attention_mask": KEEP}),
        ((IDS, KEEP.float()), {}),
    ],
)
def test_masked_sequences_measure_as_they_do_alone(given):
    found, coverage, padding = measured(Reader(), [given])
    assert coverage.note == "52 % of the positions are padding by 'attention_mask', and left out."
    assert padding == Padding("input", 0.0, None, "end", "attention_mask", pytest.approx(31 / 60))
    assert found["input#2"].stats.elements == 60
    for name, site in alone().items():
        stats = found[name].stats
        assert stats.elements == site.stats.elements, name
        assert stats.mean == pytest.approx(site.stats.mean, abs=1e-6), name
        assert stats.between_sample == pytest.approx(site.stats.between_sample, rel=1e-4), name
        assert stats.zero_fraction == pytest.approx(site.stats.zero_fraction), name
        if site.per_unit is not None:
            assert found[name].per_unit.count == site.per_unit.count
            assert found[name].per_unit.max == pytest.approx(site.per_unit.max, abs=1e-5)


def test_any_batches_give_the_same():
    whole, _, _ = measured(Reader(), [((IDS, KEEP), {})])
    halves, _, _ = measured(Reader(), [((IDS[:2], KEEP[:2]), {}), ((IDS[2:], KEEP[2:]), {})])
    for name, site in whole.items():
        assert halves[name].stats.elements == site.stats.elements
        assert halves[name].stats.between_sample == pytest.approx(site.stats.between_sample)


def test_without_a_mask_the_padding_is_measured():
    found, coverage, padding = measured(Reader(), [((IDS,), {})])
    assert coverage.note == ""
    assert found["embed"].stats.elements == 480
    assert padding == Padding("input", pytest.approx(31 / 60), 0, "end")
    _, _, mirrored = measured(Reader(), [((IDS.flip(1),), {})])
    assert (mirrored.side, mirrored.share) == ("start", pytest.approx(31 / 60))


def of(name, mask, other=IDS):
    return mask_of(["ids"], (other,), {name: mask}, None)


def test_conventions():
    assert torch.equal(of("attention_mask", KEEP.int()).keep, KEEP)
    assert torch.equal(of("mask", KEEP).keep, KEEP)
    for name in ("src_key_padding_mask", "key_padding_mask", "padding_mask"):
        assert torch.equal(of(name, ~KEEP).keep, KEEP)
    added = torch.zeros(6, 10).masked_fill(~KEEP, -torch.inf)
    assert torch.equal(of("key_padding_mask", added).keep, KEEP)


def test_what_is_no_mask_of_positions():
    assert of("attention_mask", torch.ones(6, 10)) is None
    assert of("mask", torch.zeros(6, 10, 10, dtype=torch.bool)) is None
    assert of("mask", torch.eye(6, dtype=torch.bool)) is None
    assert of("attention_mask", IDS) is None
    assert of("other", KEEP) is None


def test_a_mask_of_any_name_from_the_data():
    data = {"ids": IDS.repeat(40, 1), "kept": KEEP.repeat(40, 1)}

    class Plain(Reader):
        def forward(self, ids):  # type: ignore[override] # no mask is taken
            return super().forward(ids)

    report = actdiag.scan(Plain(), data, mask="kept", steps="none")
    assert report.scan.site("embed").stats.elements == 29 * 8 * 40
    assert report.scan.data.padding.mask == "kept"
    assert not any(finding.code == "DAT706" for finding in report.findings)
    with pytest.raises(UsageError) as caught:
        actdiag.scan(Plain(), data, mask="keep", steps="none")
    assert caught.value.message == "--mask keep: the model is given nothing of that name."
    assert caught.value.hint.startswith("It is given ids. Put the mask beside the input")


def test_padding_without_a_mask_is_told():
    ids = torch.cat((IDS, torch.zeros(6, 30, dtype=torch.long)), dim=1).repeat(20, 1)
    report = actdiag.scan(Reader(), ids, steps="none")
    [finding] = [finding for finding in report.findings if finding.code == "DAT706"]
    assert finding.severity == "info"
    assert "88 % of the positions" in finding.message


def test_answers_at_padded_positions_are_not_judged():
    labels = torch.where(KEEP, 1, 0)
    with Capture(Reader().eval()) as capture:
        output = capture.run((IDS, KEEP), {}, 6)
        answers, wanted, kept = capture.judged(output, labels)
    assert torch.equal(kept, KEEP)
    assert answers.shape == (29, 3)
    assert wanted.tolist() == [1] * 29
