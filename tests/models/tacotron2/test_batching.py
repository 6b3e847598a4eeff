"""An utterance in a batch is the utterance alone, bit for bit, and one of them can be given up."""

import pytest
import torch

from tests.support.tiny_networks import tiny_tacotron2
from tts.models.tacotron2.batching import batches_exactly
from tts.models.tacotron2.int8_decoder import int8_decoder
from tts.models.tacotron2.stream import MelStream

TEXT = torch.randint(1, 100, (4, 9), generator=torch.Generator().manual_seed(3))
LENGTHS = torch.tensor([9, 4, 7, 2])
#: Of these gates two utterances fire before the last step, at different ones.
OPTIONS = {"max_steps": 30, "gate_threshold": 0.5}


def generators():
    return [torch.Generator().manual_seed(seed) for seed in (5, 6, 5, 8)]


def generate(network, **options):
    return network.generate(TEXT, LENGTHS, **{"generator": generators(), **OPTIONS, **options})


def alone(network, row, **options):
    generator = generators()[row]
    n = int(LENGTHS[row])
    return network.generate(
        TEXT[row : row + 1, :n],
        LENGTHS[row : row + 1],
        generator=generator,
        **{**OPTIONS, **options},
    )


def assert_row_is(batch, row, single):
    n, n_text = int(single.mel_lengths[0]), int(LENGTHS[row])
    assert int(batch.mel_lengths[row]) == n
    assert batch.stop_reason[row] == single.stop_reason[0]
    assert torch.equal(batch.mel_post[row, :, :n], single.mel_post[0])
    assert torch.equal(batch.gate_logits[row, :n], single.gate_logits[0])
    assert torch.equal(batch.alignments[row, :n, :n_text], single.alignments[0])


def threshold(network):
    """Return a gate threshold that ends the utterances at different steps, one of them never."""
    logits = generate(network, gate_threshold=0.999999).gate_logits
    peaks = sorted(torch.sigmoid(logits).amax(1).tolist())
    return (peaks[0] + peaks[1]) / 2


@pytest.mark.parametrize("kind", ["float32", "int8", "leaking", "pitch"])
@pytest.mark.parametrize("r", [1, 2])
def test_a_row_of_a_batch_is_the_row_alone_bit_for_bit(kind, r, compiled_decoding):
    sizes = {
        "leaking": {"mask_convolutions": False},
        "pitch": {"pitch_bins": 5, "pitch_dim": 6, "n_mels": 40},
    }.get(kind, {})
    network = tiny_tacotron2(n_frames_per_step=r, **sizes)
    if kind == "pitch":  # these begin as zeros
        torch.nn.init.normal_(network.decoder.pitch.seen.weight)
        torch.nn.init.normal_(network.decoder.pitch.frames.weight)
    network = int8_decoder(network) if kind == "int8" else network
    assert batches_exactly(network)
    options = {"gate_threshold": threshold(network)}
    batch = generate(network, **options)
    assert len(set(batch.mel_lengths.tolist())) > 1  # so that rows leave the batch before others
    for row in range(4):
        assert_row_is(batch, row, alone(network, row, **options))


def test_torchs_steps_do_not_claim_to_be_exact():
    assert not batches_exactly(tiny_tacotron2())


def given_up_after(n_looks, rows):
    """Give up rows from the n-th look on; returns the function and the list of looks."""
    looks = []

    def given_up():
        looks.append(None)
        return [row in rows and len(looks) >= n_looks for row in range(4)]

    return given_up, looks


@pytest.mark.parametrize("compiled", [True, False])
def test_a_given_up_row_ends_at_once_and_the_others_stay(compiled, request):
    if compiled:
        request.getfixturevalue("compiled_decoding")
    network = tiny_tacotron2()
    never = {"gate_threshold": 0.999999}
    given_up, looks = given_up_after(5, {1})
    batch, whole = generate(network, given_up=given_up, **never), generate(network, **never)
    assert batch.stop_reason == ("max_steps", "given_up", "max_steps", "max_steps")
    assert batch.mel_lengths.tolist() == [30, 5, 30, 30]
    assert len(looks) == 30
    for row in (0, 2, 3):
        assert torch.equal(batch.mel_post[row], whole.mel_post[row])
    assert torch.equal(batch.gate_logits[1, :5], whole.gate_logits[1, :5])


def test_a_given_up_row_is_not_computed_any_more(compiled_decoding, monkeypatch):
    from tts.models.kernels import decoder_kernels

    sizes, linear = [], decoder_kernels.linear

    def counted(out, x, weight, bias):
        sizes.append(len(x))
        linear(out, x, weight, bias)

    monkeypatch.setattr(decoder_kernels, "linear", counted)
    given_up, _ = given_up_after(2, {0, 3})
    generate(tiny_tacotron2(), given_up=given_up, gate_threshold=0.999999, max_steps=4)
    per_step = [sizes[start] for start in range(0, len(sizes), len(sizes) // 4)]
    assert per_step == [4, 4, 2, 2]


@pytest.mark.parametrize("compiled", [True, False])
def test_decoding_ends_when_all_rows_are_given_up(compiled, request):
    if compiled:
        request.getfixturevalue("compiled_decoding")
    given_up, looks = given_up_after(3, {0, 1, 2, 3})
    batch = generate(tiny_tacotron2(), given_up=given_up, gate_threshold=0.999999)
    assert len(looks) == 3
    assert batch.mel_lengths.tolist() == [3, 3, 3, 3]


def test_a_row_that_ended_by_its_gate_is_not_given_up_later():
    network = tiny_tacotron2()
    options = {"gate_threshold": threshold(network)}
    whole = generate(network, **options)
    row = whole.stop_reason.index("gate")
    given_up, _ = given_up_after(int(whole.mel_lengths[row]) + 1, {row})
    assert generate(network, given_up=given_up, **options).stop_reason[row] == "gate"


def test_a_stream_can_be_given_up():
    looks = []

    def given_up():
        looks.append(None)
        return [len(looks) >= 20]

    stream = MelStream(
        tiny_tacotron2(),
        TEXT[0],
        max_steps=100,
        gate_threshold=0.999999,
        generator=torch.Generator().manual_seed(5),
        given_up=given_up,
    )
    assert sum(mel.shape[1] for mel in stream) == 20
    assert stream.stop_reason == "given_up"
    assert len(looks) == 20
