"""A text of several pieces becomes one speech, with pauses and without clicks."""

import itertools

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tts.core.errors import InputError
from tts.inference import GriffinLimVocoder, Options, Pauses, Synthesizer
from tts.inference.pauses import faded
from tts.text import Tokenizer
from tts.text.pieces import Break

TEXT = "Hello there. How are you, my friend? Well.\n\nAnd so on, and so on; to the end of it all."
SHORT = {"max_steps": 12, "gate_threshold": 0.99, "max_chars": 25, "seed": 1}
UNGUARDED = {**SHORT, "guard": False}


def test_a_text_of_one_piece_equals_the_output_of_the_networks(synthesizer):
    options = {"max_steps": 20, "gate_threshold": 0.99}
    speech = synthesizer.speak("hello world", seed=3, guard=False, **options)
    ids = torch.tensor([synthesizer.tokenizer.encode("hello world")])
    generator = torch.Generator().manual_seed(3)
    generated = synthesizer.acoustic.generate(
        ids, torch.tensor([11]), generator=generator, **options
    )
    mel = generated.mel_post[0]
    assert torch.equal(speech.mel, mel)
    assert torch.equal(speech.alignments, generated.alignments[0])
    assert torch.equal(speech.gate_logits, generated.gate_logits[0])
    wave = synthesizer.vocoder(mel, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(speech.wave, wave)
    assert len(speech.parts) == 1


def test_parts_know_their_places(synthesizer):
    speech = synthesizer.speak(TEXT, **UNGUARDED)
    assert [part.text for part in speech.parts] == [
        "Hello there.",
        "How are you, my friend?",
        "Well.",
        "And so on, and so on;",
        "to the end of it all.",
    ]
    assert speech.text == TEXT
    hop, rate = synthesizer.mel.hop_length, speech.sample_rate
    for part, after in itertools.pairwise(speech.parts):
        assert part.start == pytest.approx(part.first_frame * hop / rate)
        assert part.start + part.seconds <= after.start
    last = speech.parts[-1]
    assert last.start + last.seconds == pytest.approx(speech.seconds)


def test_wave_mel_and_alignment_agree_in_time(synthesizer):
    speech = synthesizer.speak(TEXT, **UNGUARDED)
    n_mel = speech.mel.shape[1]
    assert len(speech.wave) // synthesizer.mel.hop_length in (n_mel - 1, n_mel)
    assert speech.alignments.shape == (
        n_mel,
        sum(part.alignments.shape[1] for part in speech.parts),
    )
    assert speech.gate_logits.shape == (n_mel,)
    spoken = torch.zeros(n_mel, dtype=torch.bool)
    column = 0
    for part in speech.parts:
        rows = slice(part.first_frame, part.first_frame + len(part.gate_logits))
        n_text = part.alignments.shape[1]
        block = speech.alignments[rows, column : column + n_text]
        assert torch.equal(block, part.alignments)
        spoken[rows] = True
        column += n_text
    torch.testing.assert_close(speech.alignments.sum(1), spoken.float())
    assert bool((speech.mel[:, ~spoken] == synthesizer.mel.silence).all())


def test_the_worst_part_decides_the_stop_reason(synthesizer):
    speech = synthesizer.speak(TEXT, **{**UNGUARDED, "gate_threshold": 0.01})
    assert {part.stop_reason for part in speech.parts} == {"gate"} == {speech.stop_reason}
    cut = synthesizer.speak(TEXT, **{**UNGUARDED, "gate_threshold": 0.9999})
    assert cut.stop_reason == "max_steps"
    assert cut.failed
    assert cut.health.skips == sum(part.health.skips for part in cut.parts)
    assert cut.compute_seconds == pytest.approx(sum(p.compute_seconds for p in cut.parts))


def test_joined_parts_equal_the_whole(synthesizer):
    whole = synthesizer.speak(TEXT, **SHORT)
    parts = list(synthesizer.speak_parts(TEXT, **SHORT))
    assert len(parts) == len(whole.parts)
    assert torch.equal(torch.cat([part.wave for part in parts]), whole.wave)
    assert torch.equal(torch.cat([part.mel for part in parts], 1), whole.mel)


def test_first_parts_come_before_the_text_is_decoded(synthesizer, monkeypatch):
    monkeypatch.setattr("tts.inference.synthesizer.BATCHES_AT_ONCE", 1)
    lengths = []
    generate = synthesizer.acoustic.generate
    monkeypatch.setattr(
        synthesizer.acoustic,
        "generate",
        lambda text, *args, **kwargs: lengths.append(len(text)) or generate(text, *args, **kwargs),
    )
    parts = synthesizer.speak_parts("One two. " * 9, batch_size=2, **UNGUARDED)
    next(parts)
    assert lengths == [2]
    assert len(list(parts)) == 8
    assert lengths == [2, 2, 2, 2, 1]


def test_pauses_have_the_given_lengths(synthesizer):
    long = Pauses(sentence=1.0, paragraph=2.0, clause=0.5)
    speech = synthesizer.speak(TEXT, pauses=long, **UNGUARDED)
    gaps = [b.start - a.start - a.seconds for a, b in itertools.pairwise(speech.parts)]
    tolerance = 2 * synthesizer.mel.hop_length / speech.sample_rate
    assert gaps == pytest.approx([1.0, 1.0, 2.0, 0.5], abs=tolerance)


def test_joins_do_not_click(synthesizer):
    speech = synthesizer.speak(TEXT, **UNGUARDED)
    hop, wave = synthesizer.mel.hop_length, speech.wave
    alone = [synthesizer.speak(part.text, **UNGUARDED).wave for part in speech.parts]
    inside = max(float(piece.diff().abs().max()) for piece in alone)
    for part in speech.parts[1:]:
        join = part.first_frame * hop
        assert float(wave[join - 2 * hop : join + 2].diff().abs().max()) <= inside
        assert wave[join] == wave[join - 1] == 0  # silence meets silence
    for part in speech.parts[:-1]:
        end = round((part.start + part.seconds) * speech.sample_rate)
        assert float(wave[end - 2 : end + 2].abs().max()) < 0.05 * float(wave.abs().max())


def test_the_edges_of_a_text_are_not_faded(synthesizer):
    speech = synthesizer.speak("Hello there. How are you?", **UNGUARDED)
    first, last = (synthesizer.speak(part.text, **UNGUARDED).wave for part in speech.parts)
    torch.testing.assert_close(speech.wave[:80], first[:80], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(speech.wave[-80:], last[-80:], atol=1e-4, rtol=1e-4)


def test_a_fade_changes_only_the_edges():
    wave = torch.ones(1000)
    both = faded(wave, 8000, start=True, end=True)
    assert both[0] == both[-1] == 0
    assert torch.equal(both[80:-80], wave[80:-80])
    assert bool((both[:80].diff() > 0).all())
    assert torch.equal(faded(wave, 8000, start=False, end=False), wave)
    assert len(faded(torch.ones(3), 8000, start=True, end=True)) == 3


def test_every_break_has_a_pause():
    assert [Pauses().after(end) for end in (*Break, None)] == [0.0, 0.03, 0.1, 0.3, 0.7, 0.0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Pauses(clause=-1), r"pauses\.clause=-1: it must be a number from 0 to 60"),
        (lambda: Options(attempts=0), "attempts=0: it must be a whole number, 1 or more"),
        (lambda: Options(max_chars=0), "max_chars=0: it must be a whole number, 1 or more"),
        (
            lambda: Options(end_steps=0),
            "end_steps=0: it must be a whole number, 1 or more, or null",
        ),
        (
            lambda: Options(attention_window=-1),
            "attention_window=-1: it must be a whole number, 1 or more, or null",
        ),
    ],
)
def test_illegal_values_are_refused_in_one_line(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_babble_is_retried_reported_and_cut_off(synthesizer):
    speech = synthesizer.speak("hello you, and you", gate_threshold=0.9999)
    assert speech.failed
    assert all(part.attempts >= 3 for part in speech.parts)
    assert not any(part.rescued for part in speech.parts)
    n_text = speech.alignments.shape[1]
    rate = synthesizer.mel.sample_rate / synthesizer.mel.hop_length
    assert speech.mel.shape[1] <= (2 * len(speech.parts) + 0.28 * n_text + 1) * rate


def test_the_seed_of_a_part_gives_it_again(synthesizer):
    speech = synthesizer.speak("hello world", **SHORT)
    (part,) = speech.parts
    again = synthesizer.speak(part.text, **{**UNGUARDED, "seed": part.seed})
    assert torch.equal(again.wave, speech.wave)


@pytest.mark.parametrize("n_frames_per_step", [1, 3])
def test_a_cut_off_utterance_is_as_long_in_a_batch_as_alone(tiny, monkeypatch, n_frames_per_step):
    monkeypatch.setattr("tts.inference.options.SECONDS_AROUND", 0.1)
    monkeypatch.setattr("tts.inference.options.SECONDS_PER_SYMBOL", 0.01)
    network = tiny.tacotron2(n_frames_per_step=n_frames_per_step)
    vocoder = GriffinLimVocoder(tiny.mel, n_iter=2)
    synthesizer = Synthesizer(network, vocoder, Tokenizer(), tiny.mel)
    texts = ["yes", "a sentence that is a good deal longer", "no, never"]
    options = {"gate_threshold": 0.9999, "guard": False}
    for text, together in zip(texts, synthesizer.speak_batch(texts, **options), strict=True):
        alone = synthesizer.speak(text, **options)
        assert alone.stop_reason == together.stop_reason == "max_steps"
        assert alone.mel.shape[1] == round((0.1 + 0.01 * len(text)) * 8000 / 64)
        torch.testing.assert_close(alone.mel, together.mel, atol=1e-5, rtol=1e-5)


WORDS = st.sampled_from("hello world yes no never this is how it ends, one two. three!".split())
TEXTS = st.lists(st.lists(WORDS, min_size=1, max_size=12).map(" ".join), min_size=1, max_size=5)


@settings(
    max_examples=10,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(texts=TEXTS, batch_size=st.integers(1, 6), order=st.randoms(use_true_random=False))
def test_batch_and_order_change_nothing(synthesizer, texts, batch_size, order):
    options = {"max_steps": 15, "gate_threshold": 0.9, "max_chars": 30, "seed": 5}
    alone = {text: synthesizer.speak(text, **options) for text in texts}
    order.shuffle(texts)
    together = synthesizer.speak_batch(texts, batch_size, **options)
    for text, speech in zip(texts, together, strict=True):
        expected = alone[text]
        assert [p.seed for p in speech.parts] == [p.seed for p in expected.parts]
        assert [p.stop_reason for p in speech.parts] == [p.stop_reason for p in expected.parts]
        torch.testing.assert_close(speech.mel, expected.mel, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(speech.alignments, expected.alignments, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(speech.wave, expected.wave, atol=1e-4, rtol=1e-4)
