"""From one number of frames in a decoder step to another: what was learnt is kept."""

from __future__ import annotations

import pytest
import torch

from tts.models import Tacotron2
from tts.pretrained import save
from tts.pretrained.importers.tables import ENGLISH
from tts.training.warm_start import warm_start
from tts.training.weight_fitting import PREDICT_FRAMES

TEXT, LENGTHS = torch.tensor([[3, 1, 4, 1, 5]]), torch.tensor([5])


def speak(network: Tacotron2, n_steps: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return frames and gate logits of the first steps, without dropout."""
    network.eval()
    network.decoder.prenet.dropout = 0.0
    memory = network.encode(TEXT, LENGTHS)
    state = network.decoder.initial_state(memory)
    frame, steps = torch.zeros(1, network.config.n_mels), []
    for _ in range(n_steps):
        frames, gates, state = network.decoder.step(frame, state, memory)
        frame = frames[:, -1]
        steps.append((frames[0], gates[0]))
    return steps


@pytest.fixture(params=[0, 12], ids=["", "pitch"])
def of_three(request, small_tacotron2, tmp_path):
    sizes = {"pitch_bins": request.param, "pitch_dim": 6, "f_max": 1500.0}
    network = Tacotron2(small_tacotron2.config, n_frames_per_step=3, **sizes)
    with torch.no_grad():
        for name, weight in network.decoder.named_parameters():
            if name.startswith(("projection.bias", "gate.bias", "pitch.")):
                weight.normal_()
    save(network, tmp_path / "three", description={"tokenizer": None})
    return network, tmp_path / "three"


@pytest.mark.parametrize("n_frames", [1, 2])
def test_a_shorter_step_begins_with_the_first_frames_of_the_longer(of_three, n_frames):
    there, file = of_three
    network = Tacotron2(there.config, n_frames_per_step=n_frames)
    warm_start(network, file, symbols=ENGLISH)
    (ours, gates), (theirs, their_gates) = speak(network, 1)[0], speak(there, 1)[0]
    torch.testing.assert_close(ours, theirs[:n_frames])
    torch.testing.assert_close(gates, their_gates[:n_frames])


def test_the_new_frames_of_a_longer_step_begin_as_the_last_that_is_known(of_three):
    there, file = of_three
    network = Tacotron2(there.config, n_frames_per_step=5)
    warm_start(network, file, symbols=ENGLISH)
    for (ours, gates), (theirs, their_gates) in zip(
        speak(network, 4), speak(there, 4), strict=True
    ):
        torch.testing.assert_close(ours[:3], theirs)
        torch.testing.assert_close(ours[3:], theirs[2:].expand(2, -1))
        torch.testing.assert_close(gates, their_gates[[0, 1, 2, 2, 2]])


def test_the_table_says_what_became_of_them(of_three):
    there, file = of_three
    network = Tacotron2(there.config, n_frames_per_step=1)
    report = warm_start(network, file, symbols=ENGLISH)
    carried = [
        row.name for row in report.rows if row.reason == "from 3 frames in a step to 1 frame"
    ]
    assert sorted(carried) == sorted(there.state_dict().keys() & set(PREDICT_FRAMES))
    assert all(row.status in ("loaded", "carried") for row in report.rows)


def test_frames_and_speakers_change_at_once(of_three):
    there, file = of_three
    network = Tacotron2(there.config, n_frames_per_step=1, n_speakers=3, speaker_embedding_dim=6)
    report = warm_start(network, file, symbols=ENGLISH)
    reasons = {row.name: row.reason for row in report.rows}
    assert reasons["decoder.projection.weight"] == (
        "from 3 frames in a step to 1 frame; the speaker's columns begin at zero"
    )
    network.eval()
    network.decoder.prenet.dropout = 0.0
    memory = network.encode(TEXT, LENGTHS, torch.tensor([2]))
    frames, _, _ = network.decoder.step(
        torch.zeros(1, network.config.n_mels), network.decoder.initial_state(memory), memory
    )
    torch.testing.assert_close(frames[0], speak(there, 1)[0][0][:1])
