"""Teacher-forced mels equal those of the network, whatever else is in the batch."""

from __future__ import annotations

import pytest
import torch

from tts.inference.teacher_forcing import teacher_forced

LENGTHS = [(5, 31), (9, 40), (3, 17)]


@pytest.fixture(params=[1, 3])
def network(request, tiny):
    return tiny.tacotron2(n_frames_per_step=request.param, prenet_dropout=0.5)


@pytest.fixture
def utterances():
    chance = torch.Generator().manual_seed(1)
    texts = [torch.randint(1, 100, (n,), generator=chance) for n, _ in LENGTHS]
    mels = [torch.randn(8, n, generator=chance) - 5 for _, n in LENGTHS]
    return texts, mels


def test_one_utterance_is_what_the_network_gives_after_the_seed(network, utterances):
    text, mel = (part[0] for part in utterances)
    (mel_post,) = teacher_forced(network, [text], [mel], [7], [0])
    torch.manual_seed(7)
    with torch.no_grad():
        expected = network(text[None], torch.tensor([5]), mel[None], torch.tensor([31]))
    assert torch.equal(mel_post, expected.mel_post[0])


def test_an_utterance_is_the_same_alone_and_in_a_batch(network, utterances):
    together = teacher_forced(network, *utterances, [7, 8, 9], [0, 0, 0])
    for i, (text, mel) in enumerate(zip(*utterances, strict=True)):
        (alone,) = teacher_forced(network, [text], [mel], [7 + i], [0])
        assert together[i].shape == mel.shape
        torch.testing.assert_close(together[i], alone, rtol=0, atol=1e-5)


def test_the_seed_decides_the_mel(network, utterances):
    text, mel = (part[0] for part in utterances)
    first, again, other = teacher_forced(
        network, [text] * 3, [mel] * 3, seeds=[7, 7, 8], speakers=[0] * 3
    )
    torch.testing.assert_close(first, again, rtol=0, atol=1e-5)
    assert (first - other).abs().max() > 1e-2


def test_the_network_stays_unchanged(network, utterances):
    teacher_forced(network, *utterances, [1, 2, 3], [0, 0, 0])
    frames = torch.randn(4, 2, 8)
    assert not torch.equal(network.decoder.prenet(frames), network.decoder.prenet(frames))


def test_the_speaker_changes_the_mel(tiny, utterances):
    text, mel = (part[0] for part in utterances)
    network = tiny.tacotron2(n_speakers=2, speaker_embedding_dim=4)
    one, two = teacher_forced(network, [text] * 2, [mel] * 2, [7, 7], [0, 1])
    assert (one - two).abs().max() > 1e-4
