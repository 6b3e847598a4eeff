"""Tests of several speakers in one Tacotron 2: an embedding at every encoder output."""

import pytest
import torch
from torch.nn import functional as F

from tests.support.networks import TACOTRON2_WITHOUT_DROPOUT as TINY
from tests.support.networks import tacotron2_batch as batch
from tts.models import Tacotron2


def network(**overrides):
    torch.manual_seed(0)
    return Tacotron2(TINY, **overrides)


def test_one_speaker_is_the_published_network_bit_for_bit():
    one, inputs = network(n_speakers=1, speaker_embedding_dim=99).eval(), batch()
    before = network().eval()
    assert list(one.state_dict()) == list(before.state_dict())
    assert all(
        torch.equal(a, b) for a, b in zip(one.parameters(), before.parameters(), strict=True)
    )
    for out, expected in zip(one(*inputs, torch.tensor([0])), before(*inputs), strict=True):
        assert torch.equal(out, expected)


@pytest.mark.parametrize("recurrence", ["fast", "plain"])
def test_only_speakers_of_the_batch_get_gradients(recurrence):
    net = network(n_speakers=4, recurrence=recurrence)
    net(*batch(), torch.tensor([2, 0, 2])).mel_post.square().sum().backward()
    moved = net.speaker_embedding.weight.grad.abs().sum(1) > 0
    assert moved.tolist() == [True, False, True, False]


def test_both_recurrences_agree():
    inputs = (*batch(), torch.tensor([1, 0, 2]))
    fast, plain = (network(n_speakers=3, recurrence=r).eval()(*inputs) for r in ("fast", "plain"))
    for a, b in zip(fast, plain, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


def test_one_speaker_number_applies_to_the_whole_batch():
    net, inputs = network(n_speakers=3).eval(), batch()
    for out, expected in zip(
        net(*inputs, torch.tensor([1])), net(*inputs, torch.tensor([1, 1, 1])), strict=True
    ):
        assert torch.equal(out, expected)


def test_missing_speakers_are_refused():
    net, inputs = network(n_speakers=3), batch()
    message = "speakers: the network has 3 speakers, so give the number of one for each utterance"
    with pytest.raises(ValueError, match=message):
        net(*inputs)
    with pytest.raises(ValueError, match=message):
        net.generate(*inputs[:2])


def test_an_utterance_does_not_depend_on_its_neighbours():
    net = network(n_speakers=3).eval()
    text, text_lengths, mel, mel_lengths = batch()
    speakers = torch.tensor([2, 0, 1])
    together = net(text, text_lengths, mel, mel_lengths, speakers)
    generated = net.generate(
        text, text_lengths, max_steps=8, gate_threshold=0.999, speakers=speakers
    )
    for i in range(3):
        rows, n_text, n_mel = slice(i, i + 1), int(text_lengths[i]), int(mel_lengths[i])
        inputs = (text[rows, :n_text], text_lengths[rows])
        alone = net(*inputs, mel[rows, :, :n_mel], mel_lengths[rows], speakers[rows])
        torch.testing.assert_close(together.mel_post[i, :, :n_mel], alone.mel_post[0])
        generated_alone = net.generate(
            *inputs, max_steps=8, gate_threshold=0.999, speakers=speakers[rows]
        )
        torch.testing.assert_close(generated.mel_post[i], generated_alone.mel_post[0])


@pytest.mark.slow
def test_two_speakers_learn_two_voices():
    net = network(n_speakers=2)
    text, text_lengths = torch.tensor([[1, 2, 3]] * 2), torch.tensor([3, 3])
    levels, speakers = torch.tensor([-1.0, 1.0]), torch.tensor([0, 1])
    mel = levels[:, None, None].expand(2, TINY.n_mels, 6).contiguous()
    mel_lengths = torch.tensor([6, 6])
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-2)
    for _ in range(80):
        optimizer.zero_grad()
        out = net(text, text_lengths, mel, mel_lengths, speakers)
        (F.mse_loss(out.mel, mel) + F.mse_loss(out.mel_post, mel)).backward()
        optimizer.step()
    net.eval()
    # the text is the same for both speakers, and no frame is given
    for speaker, level in enumerate(levels):
        generated = net.generate(
            text[:1],
            text_lengths[:1],
            max_steps=6,
            gate_threshold=0.999,
            speakers=torch.tensor([speaker]),
        )
        assert (generated.mel_post.mean() - level).abs() < 0.3
