"""The runtime without torch computes what the networks compute."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from tts import pretrained
from tts.audio import MelConfig
from tts.audio.stretching import stretched_length
from tts.core.errors import InputError
from tts.inference import WaveGlowVocoder

pytest.importorskip("onnxruntime")

from tests.support.exporting import MEL
from tts.export.runtime import OnnxSynthesizer, _transform, denoise

TEXT = "hello world"
SPEAKER = 2


@pytest.fixture(scope="module")
def runner(exported):
    return OnnxSynthesizer(exported, threads=1)


@pytest.fixture(scope="module")
def networks(checkpoints):
    return pretrained.load(checkpoints.acoustic), pretrained.load(checkpoints.vocoder)


def torchs_masks(config, seed):
    """Dropout as the network draws it."""
    generator, keep = torch.Generator().manual_seed(seed), 1 - config.prenet_dropout

    def draw():
        layers = [
            torch.empty(1, config.prenet_dim).bernoulli_(keep, generator=generator)
            for _ in range(2)
        ]
        return (torch.stack(layers) / keep).numpy()

    return draw


def generated(acoustic, ids, seed=1, **options):
    return acoustic.generate(
        torch.tensor([ids]),
        torch.tensor([len(ids)]),
        generator=torch.Generator().manual_seed(seed),
        speakers=torch.tensor([SPEAKER]),
        **options,
    )


def decoded(runner, acoustic, ids, seed=1, **options):
    return runner.decode(ids, torchs_masks(acoustic.config, seed), speaker=SPEAKER, **options)


@pytest.mark.parametrize(
    ("options", "stop_reason"),
    [({"max_steps": 20, "gate_threshold": 0.999999}, "max_steps"), ({"max_steps": 60}, "gate")],
)
def test_the_same_dropout_gives_the_same_mel(runner, networks, options, stop_reason):
    acoustic, _ = networks
    ids = runner.encode(TEXT)
    if stop_reason == "gate":  # a threshold that the gate reaches in the middle
        logits = generated(acoustic, ids, gate_threshold=0.9999999, **options).gate_logits[0]
        options = {**options, "gate_threshold": float(torch.sigmoid(logits[10:]).median())}
    expected = generated(acoustic, ids, **options)
    found = decoded(runner, acoustic, ids, **options)
    assert found.stop_reason == expected.stop_reason[0] == stop_reason
    for name, there in (
        ("mel", expected.mel_post[0]),
        ("alignments", expected.alignments[0]),
        ("gate_logits", expected.gate_logits[0]),
    ):
        np.testing.assert_allclose(getattr(found, name), there.numpy(), atol=1e-4)


@pytest.mark.parametrize("n_frames", [1, 2, 15])
def test_the_same_noise_gives_the_same_wave(runner, networks, n_frames):
    waveglow = networks[1]
    shape = runner.noise_shape(max(2, n_frames))
    generator = np.random.default_rng(0)
    z = generator.standard_normal(shape).astype(np.float32) * 0.5
    mel = generator.uniform(-11, 0, (MEL.n_mels, n_frames)).astype(np.float32)
    whole = np.pad(mel, ((0, 0), (0, max(0, 2 - n_frames))), constant_values=MEL.silence)
    expected = waveglow.inverse(torch.from_numpy(whole)[None], z=torch.from_numpy(z)[None])[0]
    found = runner.vocode(mel, z, denoiser=0.0)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-4)


def test_the_vocoder_with_its_denoiser(runner, networks):
    """Without noise, so that no random numbers matter."""
    vocoder = WaveGlowVocoder(networks[1], MEL, sigma=0.0, denoiser_strength=0.3, polish=0)
    mel = np.random.default_rng(1).uniform(-11, 0, (MEL.n_mels, 12)).astype(np.float32)
    z = np.zeros(runner.noise_shape(12), np.float32)
    found = runner.vocode(mel, z, denoiser=0.3)
    np.testing.assert_allclose(found, vocoder(torch.from_numpy(mel)).numpy(), atol=1e-4)
    assert np.abs(found - runner.vocode(mel, z, denoiser=0.0)).max() > 1e-3


def test_pieces_are_the_whole(runner, monkeypatch):
    n_frames = 40
    generator = np.random.default_rng(2)
    z = generator.standard_normal(runner.noise_shape(n_frames)).astype(np.float32)
    mel = generator.uniform(-11, 0, (MEL.n_mels, n_frames)).astype(np.float32)
    whole = runner.vocode(mel, z)
    monkeypatch.setitem(runner.description["vocoder"], "chunk_frames", 7)
    np.testing.assert_allclose(runner.vocode(mel, z), whole, atol=1e-5)


@pytest.mark.parametrize("n_samples", [MEL.n_fft // 2, 5 * MEL.hop_length])
def test_subtracting_nothing_changes_nothing(n_samples):
    wave = np.random.default_rng(0).uniform(-1, 1, n_samples).astype(np.float32)
    clean = denoise(wave, np.ones(MEL.n_fft // 2 + 1), 0.0, **_transform(MEL.to_dict()))
    np.testing.assert_allclose(clean, wave, atol=1e-6)


def test_a_seed_is_repeatable_and_matters(runner):
    first, again, other = (
        runner.speak(TEXT, seed=seed, speaker="bob", max_steps=5).wave for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other[: len(first)]).max() > 1e-3


def test_dropout_keeps_the_share_that_it_should(runner):
    masks = np.stack([runner.draw_masks(np.random.default_rng(i)) for i in range(200)])
    assert set(np.unique(masks)) == {0.0, 2.0}
    assert masks.mean() == pytest.approx(1.0, abs=0.05)


def test_it_speaks_without_torch(exported):
    code = (
        "import sys\n"
        "from tts.export.runtime import OnnxSynthesizer\n"
        f"spoken = OnnxSynthesizer({str(exported)!r}).speak('hello', speaker='cy', max_steps=3)\n"
        "assert len(spoken.wave) == max(2, spoken.decoded.mel.shape[1]) * 64\n"
        "assert 'torch' not in sys.modules\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("speed", [0.3, 1.0, 2.5])
def test_the_mel_is_stretched_before_the_vocoder(runner, speed):
    how = {"speaker": "bob", "max_steps": 12, "gate_threshold": 0.999999}
    spoken, usual = runner.speak(TEXT, speed=speed, **how), runner.speak(TEXT, **how)
    mel = usual.decoded.mel
    np.testing.assert_array_equal(spoken.decoded.mel, mel)
    assert len(spoken.wave) == stretched_length(mel.shape[1], speed) * MEL.hop_length
    assert np.array_equal(spoken.wave, usual.wave) == (speed == 1)


def test_an_unknown_speed_is_refused(runner):
    with pytest.raises(InputError, match=r"^speed=5: it must be a number from 0.25 to 4$"):
        runner.speak(TEXT, speaker="bob", speed=5)


def test_an_unknown_speaker(runner):
    with pytest.raises(InputError, match=r"^speaker=dan: the acoustic model knows ann, bob, cy$"):
        runner.speak(TEXT, speaker="dan")


def test_a_text_that_cannot_be_pronounced_is_refused(runner):
    with pytest.raises(InputError, match="nothing in it can be pronounced"):
        runner.speak("!?", speaker="ann")


def test_a_folder_that_is_no_export(tmp_path):
    with pytest.raises(InputError, match=r"not a folder of python -m tts.export"):
        OnnxSynthesizer(tmp_path)


def test_a_network_that_was_not_exported(runner, monkeypatch):
    monkeypatch.setitem(runner.description, "vocoder", None)
    with pytest.raises(InputError, match=r"this export has no vocoder; export it with vocoder="):
        runner.speak(TEXT, speaker="ann")


def test_the_mel_contract_is_readable(runner):
    assert MelConfig.from_dict(runner.description["mel"]) == MEL


def test_marks_are_refused(runner):
    with pytest.raises(InputError, match=r"^\[pause 1\]: exported networks speak one utterance"):
        runner.speak("one [pause 1] two", speaker="b")
