"""From one voice to several: what was learnt is kept to the last bit until training begins."""

from __future__ import annotations

import pytest
import torch

from tts.core.errors import InputError
from tts.models import Tacotron2
from tts.pretrained import save
from tts.pretrained.importers.tables import ENGLISH
from tts.training.warm_start import warm_start
from tts.training.weight_fitting import READ_SPEAKERS, SPEAKERS

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
    save(small_tacotron2, tmp_path / "x", description={"tokenizer": None})
    network = several(small_tacotron2)
    warm_start(network, tmp_path / "x", symbols=ENGLISH)
    expected = forced(small_tacotron2)
    for speaker in range(3):
        torch.testing.assert_close(forced(network, torch.tensor([speaker])), expected)


def test_the_table_says_what_became_of_the_widened_weights(small_tacotron2, tmp_path):
    save(small_tacotron2, tmp_path / "x", description={"tokenizer": None})
    report = warm_start(several(small_tacotron2), tmp_path / "x", symbols=ENGLISH)
    status = {row.name: (row.status, row.reason) for row in report.rows}
    carried = ("carried", "the speaker's columns begin at zero")
    assert {name for name in status if status[name] == carried} == (
        set(READ_SPEAKERS) & small_tacotron2.state_dict().keys()
    )
    assert status[SPEAKERS] == ("initial", "not in the file")


def test_the_speakers_differ_after_a_step(small_tacotron2, tmp_path):
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


@pytest.fixture(params=[0, 12], ids=["", "pitch"])
def small_tacotron2(request, small_tacotron2):
    """With a pitch, too."""
    sizes = {"pitch_bins": request.param, "pitch_dim": 6, "f_max": 1500.0}
    network = Tacotron2(small_tacotron2.config, **sizes)
    if request.param:
        with torch.no_grad():
            for weight in network.decoder.pitch.parameters():
                weight.normal_()
    return network


@pytest.fixture
def of_three(small_tacotron2, tmp_path):
    """Return a network for three speakers, and its file."""
    network = several(small_tacotron2)
    file = tmp_path / "three"
    save(network, file, description={"tokenizer": None, "speakers": ["anna", "bert", "cleo"]})
    return network, file


def spoken(network: Tacotron2, speaker: torch.Tensor | None = None) -> torch.Tensor:
    """Return frames of two later steps, with attention that is independent of the speaker."""
    network.eval()
    network.decoder.prenet.dropout = 0.0
    numbers = None if speaker is None else torch.tensor([0])
    if speaker is not None:
        with torch.no_grad():
            network.decoder.attention.memory.weight[:, -len(speaker) :] = 0
            network.speaker_embedding.weight[0] = speaker
    memory = network.encode(TEXT, LENGTHS, numbers)
    state = network.decoder.initial_state(memory)
    state = state._replace(attention=state.attention._replace(context=memory.values[:, 0]))
    first, _, state = network.decoder.step(torch.ones(1, network.config.n_mels), state, memory)
    second, gate, _ = network.decoder.step(first[:, -1], state, memory)
    return torch.cat((first, second, gate[..., None].expand_as(second)))


@pytest.mark.parametrize(("speaker", "number"), [("bert", 1), ("cleo", 2)])
def test_one_of_several_speaks_on_alone(small_tacotron2, of_three, speaker, number):
    there, file = of_three
    report = warm_start(small_tacotron2, file, symbols=ENGLISH, speaker=speaker)
    expected = spoken(there, there.speaker_embedding.weight[number].detach().clone())
    torch.testing.assert_close(spoken(small_tacotron2), expected)
    carried = {row.name for row in report.rows if row.reason == "with the speaker in the biases"}
    readers = {*READ_SPEAKERS, *filter(None, READ_SPEAKERS.values())}
    assert carried == readers & there.state_dict().keys()


def test_without_a_choice_it_is_the_mean_of_the_speakers(small_tacotron2, of_three):
    there, file = of_three
    report = warm_start(small_tacotron2, file, symbols=ENGLISH)
    expected = spoken(there, there.speaker_embedding.weight.detach().mean(0))
    torch.testing.assert_close(spoken(small_tacotron2), expected)
    assert "with the mean of the speakers in the biases" in "\n".join(report.lines())


@pytest.mark.parametrize("speaker", ["dora", 3])
def test_a_speaker_that_the_file_does_not_know(small_tacotron2, of_three, speaker):
    message = f"init_speaker={speaker}: .*three knows anna, bert, cleo"
    with pytest.raises(InputError, match=message):
        warm_start(small_tacotron2, of_three[1], symbols=ENGLISH, speaker=speaker)


def test_a_speaker_where_there_is_one_voice(small_tacotron2, tmp_path):
    save(small_tacotron2, tmp_path / "x", description={"tokenizer": None})
    with pytest.raises(InputError, match=r"init_speaker=anna: .*x has one voice; leave it out"):
        warm_start(small_tacotron2, tmp_path / "x", symbols=ENGLISH, speaker="anna")
