import dataclasses

import pytest
import soundfile
import torch

from tts.audio import MelConfig, read_wave
from tts.core.errors import InputError
from tts.inference import GriffinLimVocoder, Synthesizer, WaveGlowVocoder, pick_device
from tts.text import Tokenizer

TEXTS = ["hello world", "a much longer sentence, which goes on and on", "yes.", "no, never!"]
OPTIONS = {"max_steps": 30, "gate_threshold": 0.99, "seed": 1}


def test_fields_of_a_speech_have_their_shapes(synthesizer):
    speech = synthesizer.speak("hello world", **OPTIONS)
    n_mel = speech.mel.shape[1]
    assert speech.mel.shape == (8, n_mel)
    assert speech.alignments.shape == (n_mel, 11)
    assert speech.gate_logits.shape == (n_mel,)
    assert speech.wave.dtype == torch.float32
    assert speech.wave.shape[0] // 64 in (n_mel - 1, n_mel)
    assert speech.text == "hello world"
    assert speech.sample_rate == 8000
    assert speech.seconds == len(speech.wave) / 8000
    assert speech.rtf == pytest.approx(speech.compute_seconds / speech.seconds)
    assert speech.compute_seconds > 0


def test_utterance_sounds_the_same_alone_and_in_a_batch(synthesizer):
    # without the guard, which would decode the babble again
    options = {**OPTIONS, "guard": False}
    spoken = synthesizer.speak_batch(TEXTS, **options)
    peaks = sorted(float(speech.gate_logits.sigmoid().max()) for speech in spoken)
    # some utterances are stopped by their gate, and the others are not
    options["gate_threshold"] = (peaks[1] + peaks[2]) / 2
    alone = [synthesizer.speak(text, **options) for text in TEXTS]
    together = synthesizer.speak_batch(TEXTS, batch_size=3, **options)
    assert {speech.stop_reason for speech in alone} == {"gate", "max_steps"}
    for one, other in zip(alone, together, strict=True):
        assert one.stop_reason == other.stop_reason
        torch.testing.assert_close(one.mel, other.mel, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(one.alignments, other.alignments, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(one.wave, other.wave, atol=1e-2, rtol=1e-2)


@pytest.mark.parametrize("batch_size", [1, 2, 4, 9])
def test_results_are_in_the_order_of_the_texts(synthesizer, batch_size):
    spoken = synthesizer.speak_batch(TEXTS, batch_size, max_steps=3)
    assert [speech.text for speech in spoken] == TEXTS
    assert [speech.alignments.shape[1] for speech in spoken] == [len(text) for text in TEXTS]


def test_no_text_gives_no_speech(synthesizer):
    assert synthesizer.speak_batch([]) == []


def test_seed_decides_the_wave(synthesizer):
    waves = [
        synthesizer.speak("hello", seed=seed, max_steps=10, gate_threshold=0.99).wave
        for seed in (0, 0, 1)
    ]
    assert torch.equal(waves[0], waves[1])
    assert not torch.equal(waves[0], waves[2])


def test_global_random_state_is_left_alone(synthesizer):
    before = torch.get_rng_state()
    synthesizer.speak("hello", max_steps=3)
    assert torch.equal(torch.get_rng_state(), before)


def test_stop_reason_names_what_ended_the_decoding(synthesizer):
    assert synthesizer.speak("hello", gate_threshold=0.01).stop_reason == "gate"
    cut = synthesizer.speak("hello", max_steps=5, gate_threshold=0.999)
    assert (cut.stop_reason, cut.mel.shape[1]) == ("max_steps", 5)


def test_a_single_frame_gives_sound(synthesizer):
    speech = synthesizer.speak("hello", gate_threshold=0.01)
    assert speech.mel.shape[1] == 1
    assert len(speech.wave) >= 64


def test_babble_does_not_follow_the_text(synthesizer):
    assert not synthesizer.speak(TEXTS[1], **OPTIONS).health.follows_text


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "opus"])
def test_speech_is_saved(synthesizer, tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    speech = synthesizer.speak("hello", max_steps=20, gate_threshold=0.999)
    dataclasses.replace(speech, wave=speech.wave.clamp(-1, 1)).save(path)
    samples, rate = read_wave(path)
    assert (len(samples), rate) == (len(speech.wave), 8000)
    with soundfile.SoundFile(path) as file:
        assert (file.title, file.comment) == ("hello", "synthetic speech (tacoglow)")


def test_sigma_and_denoiser_change_the_sound_of_waveglow(tiny):
    vocoder = WaveGlowVocoder(tiny.waveglow(), tiny.mel)
    synthesizer = Synthesizer(tiny.tacotron2(), vocoder, Tokenizer(), tiny.mel)

    def wave(**options):
        return synthesizer.speak("hello", max_steps=5, gate_threshold=0.999, **options).wave

    assert torch.equal(wave(), wave(sigma=0.666, denoiser=0.01))
    assert wave(sigma=0.1).std() < wave(sigma=1.0).std()
    assert not torch.equal(wave(), wave(denoiser=0.5))
    assert torch.equal(wave(denoiser=0.0), wave(denoiser=0.0, sigma=0.666))


def test_sharpness_changes_griffin_lim_and_polishing(tiny):
    griffin_lim = GriffinLimVocoder(tiny.mel)
    synthesizer = Synthesizer(tiny.tacotron2(), griffin_lim, Tokenizer(), tiny.mel)

    def wave(**options):
        return synthesizer.speak("hello", max_steps=5, gate_threshold=0.999, **options).wave

    assert torch.equal(wave(), wave(sharpness=griffin_lim.sharpness))
    assert not torch.equal(wave(), wave(sharpness=0.0))
    waveglow = WaveGlowVocoder(tiny.waveglow(), tiny.mel)
    synthesizer = Synthesizer(tiny.tacotron2(), waveglow, Tokenizer(), tiny.mel)
    with pytest.raises(InputError, match="sharpness is a setting of the polishing; add polish=16"):
        wave(sharpness=0.5)
    assert not torch.equal(wave(polish=2), wave(polish=2, sharpness=0.0))
    assert torch.equal(wave(polish=2), wave(polish=2, sharpness=0.3))


@pytest.mark.parametrize(
    "option", [{"sigma": 0.5}, {"denoiser": 0.1}, {"sigma": 0.5, "sharpness": 0.2}, {"polish": 4}]
)
def test_griffin_lim_has_neither_sigma_nor_denoiser(tiny, option):
    griffin_lim = GriffinLimVocoder(tiny.mel)
    synthesizer = Synthesizer(tiny.tacotron2(), griffin_lim, Tokenizer(), tiny.mel)
    with pytest.raises(InputError, match="settings of WaveGlow"):
        synthesizer.speak("hello", **option)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"batch_size": 0}, "batch_size=0: it must be a whole number, 1 or more"),
        ({"max_steps": 0}, "max_steps=0: it must be a whole number, 1 or more"),
        ({"gate_threshold": 1.0}, r"gate_threshold=1\.0: it must be a number above 0 and below 1"),
        (
            {"gate_threshold": float("nan")},
            "gate_threshold=nan: it must be a number above 0 and below 1",
        ),
    ],
)
def test_option_that_is_not_legal_is_refused(synthesizer, option, message):
    with pytest.raises(InputError, match=message):
        synthesizer.speak_batch(["hello"], **option)


@pytest.mark.parametrize("text", ["", "  ", "!?", "☃"])
def test_text_without_sound_is_refused_before_anything_is_spoken(synthesizer, text, monkeypatch):
    monkeypatch.setattr(synthesizer.acoustic, "generate", None)
    with pytest.raises(InputError, match=r"pronounced|empty"):
        synthesizer.speak_batch(["hello", text])


def test_from_files_equals_from_parts(tiny, acoustic_file, vocoder_file):
    loaded = Synthesizer.from_pretrained(acoustic_file(), vocoder_file(), device="cpu")
    vocoder = WaveGlowVocoder(tiny.waveglow(), tiny.mel)
    built = Synthesizer(tiny.tacotron2(), vocoder, Tokenizer(), tiny.mel)
    ours, theirs = (s.speak("hello world", **OPTIONS).wave for s in (loaded, built))
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_griffin_lim_needs_no_file(acoustic_file, tiny):
    synthesizer = Synthesizer.from_pretrained(str(acoustic_file()), "griffin_lim")
    assert synthesizer.vocoder.mel == synthesizer.mel == tiny.mel


def test_waveglow_speaks_mels_that_griffin_lim_refuses(acoustic_file, vocoder_file, tiny):
    # Griffin-Lim needs overlapping frames, so it must not be built next to a WaveGlow.
    mel = dataclasses.replace(tiny.mel, win_length=tiny.mel.hop_length)
    acoustic = acoustic_file(mel=mel)
    with pytest.raises(InputError, match="Griffin-Lim needs overlapping frames"):
        Synthesizer.from_pretrained(acoustic, "griffin_lim")
    vocoder = vocoder_file(mel=mel, sizes={"win_length": mel.hop_length})
    synthesizer = Synthesizer.from_pretrained(acoustic, vocoder)
    # The denoiser inverts a spectrogram as well, so it is off.
    speech = synthesizer.speak("hello", **OPTIONS, denoiser=0.0)
    assert len(speech.wave) // mel.hop_length in (speech.mel.shape[1] - 1, speech.mel.shape[1])


def test_corpora_are_named_once(acoustic_file, vocoder_file):
    names = Synthesizer.from_pretrained(
        acoustic_file(corpus="synthetic corpus (hibari)"), vocoder_file(corpus="LJ Speech")
    ).corpora
    assert names == ("synthetic corpus (hibari)", "LJ Speech")
    assert Synthesizer.from_pretrained(acoustic_file(), vocoder_file()).corpora == ("LJ Speech",)
    assert Synthesizer.from_pretrained(acoustic_file(corpus=None)).corpora == ()


def test_file_without_a_table_has_the_148_symbols(acoustic_file):
    assert len(Synthesizer.from_pretrained(acoustic_file(tokenizer=False)).tokenizer.symbols) == 148


def test_file_without_a_contract_has_nvidias(acoustic_file):
    path = acoustic_file(mel=None, sizes={"n_mels": 80})
    assert Synthesizer.from_pretrained(path).mel == MelConfig()


def test_swapped_networks_are_refused(acoustic_file, vocoder_file):
    with pytest.raises(InputError, match=r"vocoder\.safetensors.*WaveGlow.*Tacotron2"):
        Synthesizer.from_pretrained(vocoder_file(), acoustic_file())
    with pytest.raises(InputError, match=r"acoustic\.safetensors.*Tacotron2.*WaveGlow"):
        Synthesizer.from_pretrained(acoustic_file(), acoustic_file())


def test_other_mels_are_refused_by_name(acoustic_file, vocoder_file, tiny):
    other = vocoder_file(mel=dataclasses.replace(tiny.mel, f_max=3800.0, log_floor=1e-3))
    with pytest.raises(InputError, match=r"f_max: 4000\.0 here, 3800\.0 there; log_floor"):
        Synthesizer.from_pretrained(acoustic_file(), other)


def test_table_of_another_size_is_refused(acoustic_file):
    path = acoustic_file(sizes={"n_symbols": 149}, tokenizer=False)
    with pytest.raises(InputError, match="knows 149 symbols, the tokenizer has 148"):
        Synthesizer.from_pretrained(path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.ckpt"):
        Synthesizer.from_pretrained(tmp_path / "nothing.ckpt")


@pytest.mark.parametrize("name", ["cuda:99", "nonsense", ""])
def test_missing_device_is_refused(name):
    with pytest.raises(InputError, match=f"device '{name}' cannot be used here"):
        pick_device(name)


def test_automatic_device_can_be_used():
    assert torch.ones(1, device=pick_device("auto")) == 1


def test_int8_speaks_nearly_as_float32_does(acoustic_file):
    exact, rounded = (
        Synthesizer.from_pretrained(acoustic_file(), device="cpu", precision=precision).speak(
            "hello", max_steps=10, guard=False
        )
        for precision in ("float32", "int8")
    )
    assert not torch.equal(rounded.mel, exact.mel)
    torch.testing.assert_close(rounded.mel, exact.mel, rtol=0, atol=0.1)


def test_unknown_precision_is_named(acoustic_file):
    with pytest.raises(InputError, match="precision=int4: choose float32 or int8"):
        Synthesizer.from_pretrained(acoustic_file(), device="cpu", precision="int4")
