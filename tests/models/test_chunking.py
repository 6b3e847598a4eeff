"""Tests of chunks: their results equal those of the whole, and noise depends on the position."""

from __future__ import annotations

from itertools import islice

import pytest
import torch
from torch.nn import functional as F

from tts.models import MelStream, Tacotron2, WaveGlow
from tts.models.chunking import BlockNoise, apply_in_chunks, doubling_sizes


def cut(x, lengths):
    """Cut a sequence into chunks of these lengths, repeated as often as needed."""
    first = number = 0
    while first < x.shape[-1]:
        length = lengths[number % len(lengths)]
        yield x[..., first : first + length]
        first, number = first + length, number + 1


def blurred(x, first=0, last=True):
    return F.conv1d(x[None, None], torch.arange(1.0, 6.0)[None, None], padding=2)[0, 0]


@pytest.mark.parametrize("lengths", [[1], [3, 1, 7], [50], [200]], ids=str)
@pytest.mark.parametrize("sizes", [[], [5, 9]], ids=["at once", "sized"])
@pytest.mark.parametrize("align", [1, 4])
def test_results_of_chunks_equal_the_result_of_the_whole(lengths, sizes, align):
    x = torch.randn(50, generator=torch.Generator().manual_seed(0))
    chunks = list(apply_in_chunks(cut(x, lengths), blurred, reach=2, align=align, sizes=sizes))
    torch.testing.assert_close(torch.cat(chunks), blurred(x))
    for chunk, size in zip(chunks[:-1], sizes, strict=False):
        assert len(chunk) >= size


def test_results_are_given_before_the_end_is_known():
    taken = []
    chunks = (taken.append(n) or torch.ones(4) for n in range(100))
    next(apply_in_chunks(chunks, blurred, reach=2))
    assert len(taken) == 1


def test_the_buffer_does_not_grow():
    lengths = []

    def operate(x, first, last):
        lengths.append(len(x))
        return x

    list(apply_in_chunks((torch.ones(4) for _ in range(100)), operate, reach=3, align=2))
    assert max(lengths) <= 4 + 2 * 3 + 2


def test_no_chunks_give_no_results():
    assert list(apply_in_chunks([], blurred, reach=2)) == []


def test_sizes_double_up_to_the_most():
    assert list(islice(doubling_sizes(3, 10), 5)) == [3, 6, 10, 10, 10]


def noise(block=7):
    return BlockNoise((2, 3), block, torch.Generator().manual_seed(5))


@pytest.mark.parametrize("length", [1, 7, 8, 40])
def test_noise_does_not_depend_on_what_follows(length):
    torch.testing.assert_close(
        noise().between(0, length), noise().between(0, 50)[..., :length], rtol=0, atol=0
    )


def test_noise_at_a_position_is_the_same_in_any_window():
    whole, moving = noise().between(0, 50), noise()
    for first, last in [(0, 9), (4, 20), (4, 21), (19, 50)]:
        assert moving.between(first, last).equal(whole[..., first:last])


def test_noise_that_was_dropped_is_refused():
    moving = noise()
    moving.between(5, 9)
    with pytest.raises(
        ValueError, match="the noise of column 4 was dropped; the first one left is 5"
    ):
        moving.between(4, 9)


@pytest.fixture
def tacotron2():
    def make(**sizes):
        torch.manual_seed(0)
        network = Tacotron2(
            n_symbols=12,
            n_mels=5,
            symbols_embedding_dim=8,
            encoder_n_convolutions=1,
            encoder_embedding_dim=8,
            attention_rnn_dim=8,
            attention_dim=4,
            attention_location_n_filters=2,
            attention_location_kernel_size=3,
            decoder_rnn_dim=8,
            prenet_dim=6,
            postnet_embedding_dim=6,
            mel_mean=-3.0,
            mel_std=2.0,
            **sizes,
        )
        with torch.no_grad():
            network.decoder.gate.weight *= 3
        return network.eval()

    return make


@pytest.mark.parametrize("r", [1, 3])
@pytest.mark.parametrize("max_steps", [2, 40])
@pytest.mark.parametrize(
    "options",
    [{}, {"gate_threshold": 0.62}, {"attention_window": 2, "gate_threshold": 0.99, "end_steps": 4}],
    ids=["gate", "late", "attention"],
)
def test_a_streamed_utterance_equals_the_generated_one(tacotron2, r, max_steps, options):
    network = tacotron2(n_frames_per_step=r)
    text = torch.tensor([3, 1, 4, 1, 5, 9, 2, 6])
    options_of_both = {"max_steps": max_steps, **options}
    whole = network.generate(
        text[None], torch.tensor([8]), generator=torch.Generator().manual_seed(1), **options_of_both
    )
    stream = MelStream(
        network, text, generator=torch.Generator().manual_seed(1), chunk_frames=4, **options_of_both
    )
    torch.testing.assert_close(torch.cat(list(stream), 1), whole.mel_post[0])
    torch.testing.assert_close(stream.gate_logits, whole.gate_logits[0])
    torch.testing.assert_close(stream.alignments, whole.alignments[0])
    assert stream.stop_reason == whole.stop_reason[0]


def test_frames_are_given_while_the_decoder_runs(tacotron2):
    network = tacotron2(postnet_n_convolutions=2)
    stream = MelStream(network, torch.tensor([3, 1]), max_steps=500, gate_threshold=0.999)
    first = next(iter(stream))
    assert first.shape == (5, 16)
    assert len(stream.alignments) == 16 + 4
    assert stream.stop_reason is None


@pytest.mark.parametrize("lengths", [[1], [40], [9, 2]], ids=str)
@pytest.mark.parametrize("sizes", [[], [3, 6, 12]], ids=["at once", "sized"])
def test_a_streamed_wave_equals_that_of_the_whole_mel(lengths, sizes):
    torch.manual_seed(0)
    network = WaveGlow(n_mels=5, hop_length=32, win_length=96, n_flows=2, n_layers=2, n_channels=8)
    for flow in network.flows:
        torch.nn.init.normal_(flow.coupling.end.weight, std=0.1)
    mel = torch.randn(2, 5, 40)
    z = 0.6 * network.block_noise(2, torch.Generator().manual_seed(3)).between(0, 40 * 4)
    chunks = network.stream(
        cut(mel, lengths), sigma=0.6, generator=torch.Generator().manual_seed(3), sizes=sizes
    )
    torch.testing.assert_close(
        torch.cat(list(chunks), 1), network.inverse(mel, z=z), rtol=1e-4, atol=1e-5
    )
