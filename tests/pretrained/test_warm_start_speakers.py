"""From one voice to several: what was learnt is kept to the last bit until training begins."""

from __future__ import annotations

import torch

from tts.models import Tacotron2
from tts.pretrained import save
from tts.pretrained.nvidia import to_theirs
from tts.pretrained.tables import ENGLISH
from tts.pretrained.warm_start import READ_SPEAKERS, SPEAKERS, warm_start

TEXT, LENGTHS = torch.tensor([[3, 1, 4, 1, 5]]), torch.tensor([5])


def several(network: Tacotron2) -> Tacotron2:
    torch.manual_seed(99)
    return Tacotron2(network.config, n_speakers=3, speaker_embedding_dim=6)


def forced(network: Tacotron2, *speakers: torch.Tensor) -> torch.Tensor:
    network.eval()
    network.decoder.prenet.dropout = 0.0
    mel = torch.ones(1, network.config.n_mels, 7)
    return network(TEXT, LENGTHS, mel, torch.tensor([7]), *speakers).mel_post


def test_each_speaker_begins_with_the_voice_there_was(small_tacotron2, tmp_path):
    torch.save({"state_dict": to_theirs(small_tacotron2)}, tmp_path / "x.pt")
    network = several(small_tacotron2)
    warm_start(network, tmp_path / "x.pt", symbols=ENGLISH)
    expected = forced(small_tacotron2)
    for speaker in range(3):
        torch.testing.assert_close(forced(network, torch.tensor([speaker])), expected)


def test_the_table_says_what_became_of_the_widened_weights(small_tacotron2, tmp_path):
    save(small_tacotron2, tmp_path / "x", description={"tokenizer": None})
    report = warm_start(several(small_tacotron2), tmp_path / "x", symbols=ENGLISH)
    status = {row.name: (row.status, row.reason) for row in report.rows}
    carried = ("carried", "the speaker's columns begin at zero")
    assert {name for name in status if status[name] == carried} == set(READ_SPEAKERS)
    assert status[SPEAKERS] == ("initial", "not in the file")


def test_the_speakers_can_be_told_apart_after_a_step(small_tacotron2, tmp_path):
    save(small_tacotron2, tmp_path / "x", description={"tokenizer": None})
    network = several(small_tacotron2)
    warm_start(network, tmp_path / "x", symbols=ENGLISH)
    forced(network, torch.tensor([1])).sum().backward()
    columns = network.decoder.projection.weight.grad[:, -6:]
    assert columns.abs().sum() > 0


def test_several_speakers_are_taken_over_as_they_are(small_tacotron2, tmp_path):
    there = several(small_tacotron2)
    save(there, tmp_path / "x", description={"tokenizer": None})
    network = several(small_tacotron2)
    with torch.no_grad():
        network.speaker_embedding.weight.zero_()
    warm_start(network, tmp_path / "x", symbols=ENGLISH)
    assert torch.equal(network.speaker_embedding.weight, there.speaker_embedding.weight)
