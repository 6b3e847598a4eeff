"""Pause marks are exact silence wherever they stand, and speaker marks change the voice."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.support.tiny_networks import TINY_MEL, tiny_synthesizer, tiny_tacotron2
from tts.core.errors import InputError
from tts.inference import GriffinLimVocoder, Pauses, Synthesizer
from tts.inference.reader import TextReader
from tts.text import Tokenizer
from tts.text.pieces import Break

#: Every break has a pause of its own, so that a wrong one is seen.
PAUSES = Pauses(paragraph=0.8, sentence=0.4, clause=0.24, word=0.16)
OPTIONS = {"max_steps": 20, "gate_threshold": 0.999, "guard": False, "pauses": PAUSES}
HOP, RATE = TINY_MEL.hop_length, TINY_MEL.sample_rate
FRAME = HOP / RATE
NAMES = ("ann", "bob", "7")


@pytest.fixture(scope="module", params=["griffin_lim", "waveglow"])
def synthesizer(request):
    return tiny_synthesizer(request.param)


@pytest.fixture(scope="module")
def voices():
    vocoder = GriffinLimVocoder(TINY_MEL, n_iter=4)
    return Synthesizer(tiny_tacotron2(n_speakers=3), vocoder, Tokenizer(), TINY_MEL, speakers=NAMES)


@pytest.fixture(scope="module")
def reader():
    return TextReader(Tokenizer(), max_chars=60, speakers=NAMES)


def silences(speech):
    """Return the samples of silence before the first part and after each part; all are zero."""
    edges = [0]
    for part in speech.parts:
        start = round(part.start * speech.sample_rate)
        edges += [start, start + round(part.seconds * speech.sample_rate)]
    edges.append(len(speech.wave))
    found = []
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        assert not speech.wave[begin:end].any()
        found.append(end - begin)
    return found


def frames(seconds):
    return round(seconds / FRAME)


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("One. [pause 1.5] Two.", 0, [1.5, None]),
        ("One [pause 0.5] two three", 0, [0.5, None]),
        ("[pause 0.32] One.", 0.32, [None]),
        ("One. [pause 0.32]", 0, [0.32]),
        ("[pause 0.1][pause 0.15] One [pause 0.2] * * * [pause 0.4]", 0.25, [0.6]),
        ("One.\n\n[pause 2]\n\nTwo. Three.", 0, [2, 0.4, None]),
        ("One. [pause 0] Two.", 0, [0, None]),
        ("One, [pause 60] two.", 0, [60, None]),
    ],
)
def test_a_pause_is_exact_silence(synthesizer, text, before, after):
    speech = synthesizer.speak(text, **OPTIONS)
    leading, *found = silences(speech)
    assert leading == frames(before) * HOP
    for part, silent, seconds in zip(speech.parts, found, after, strict=True):
        n_sound = round(part.seconds * RATE)
        missing = len(part.alignments) * HOP - n_sound  # a vocoder may leave out the last hop
        assert silent == (0 if seconds is None else frames(seconds) * HOP + missing)
    n_frames = sum(len(part.alignments) for part in speech.parts)
    silent_frames = frames(before) + sum(frames(s) for s in after if s is not None)
    assert speech.mel.shape[1] == n_frames + silent_frames
    assert speech.alignments.shape[0] == speech.mel.shape[1]


MARKED = "[pause 0.3] One, [pause 0.2] two. [pause 0.5][pause 0.5] Three and four! [pause 0.4]"


@pytest.mark.parametrize("guard", [False, True])
@pytest.mark.parametrize("speed", [1, 1.5])
def test_a_stream_is_the_whole(synthesizer, guard, speed):
    how = {**OPTIONS, "guard": guard, "batch_size": 1, "speed": speed}
    speech, chunks = synthesizer.speak(MARKED, **how), list(synthesizer.stream(MARKED, **how))
    wave = torch.cat([chunk.wave for chunk in chunks])
    torch.testing.assert_close(wave, speech.wave, rtol=1e-4, atol=2e-5)
    parts = [chunk.part for chunk in chunks if chunk.part is not None]
    assert [part.start for part in parts] == pytest.approx([part.start for part in speech.parts])
    assert [part.first_frame for part in parts] == [part.first_frame for part in speech.parts]


def test_a_pause_is_as_long_at_every_speed(synthesizer):
    slow, fast = (synthesizer.speak("[pause 0.4] One.", speed=s, **OPTIONS) for s in (0.5, 2))
    assert slow.parts[0].start == fast.parts[0].start == 0.4


def test_time_marks_pass_over_pauses(synthesizer):
    speech = synthesizer.speak(MARKED, **OPTIONS)
    assert [mark.text for mark in speech.words] == "One two Three and four".split()
    times = [time for mark in speech.words for time in mark[1:]]
    assert times == sorted(times)
    assert speech.words[0].start >= frames(0.3) * FRAME
    assert speech.words[-1].end <= speech.seconds - frames(0.4) * FRAME + 1e-6
    (_, one_end), (two_start, _), *_ = (mark[1:] for mark in speech.words)
    assert two_start - one_end >= frames(0.2) * FRAME - 1e-6


def test_parts_sound_as_they_do_alone_but_for_their_edges(synthesizer):
    part, _ = synthesizer.speak("Hello there. [pause 1] Two.", **OPTIONS).parts
    alone = synthesizer.speak("Hello there.", **OPTIONS).parts[0]
    torch.testing.assert_close(part.alignments, alone.alignments)


def test_joined_parts_are_the_whole(synthesizer):
    whole = synthesizer.speak(MARKED, **OPTIONS)
    pieces = torch.cat([speech.wave for speech in synthesizer.speak_parts(MARKED, **OPTIONS)])
    torch.testing.assert_close(pieces, whole.wave)


@given(
    st.lists(
        st.sampled_from(["[pause 1]", "[speaker bob]", "one", "two.", "three,", "\n\n", "***"]),
        max_size=30,
    ),
    st.integers(1, 30),
)
def test_no_mark_is_cut_or_read(pieces, max_chars):
    text = " ".join(pieces)
    reader = TextReader(Tokenizer(on_unknown="ignore"), max_chars, NAMES)
    if not reader.has_sound(text):
        with pytest.raises(InputError, match=r"^[^\n]+$"):
            reader.read(text, 0)
        return
    units = reader.read(text, 0)
    words = "".join(filter(str.isalpha, "".join(unit.text for unit in units)))
    said = [piece for piece in pieces if piece.strip(",.").isalpha()]
    assert words == "".join(filter(str.isalpha, "".join(said)))
    silence = units[0].silence_before + sum(unit.pause or 0 for unit in units)
    assert silence == pieces.count("[pause 1]")
    assert [unit.begins for unit in units] == [True] + [False] * (len(units) - 1)
    assert [unit.after is None for unit in units] == [False] * (len(units) - 1) + [True]


@given(st.text(st.characters(blacklist_characters="[{"), max_size=80), st.integers(5, 40))
def test_texts_without_marks_have_no_marks(text, max_chars):
    reader = TextReader(Tokenizer(on_unknown="ignore"), max_chars)
    if reader.has_sound(text):
        for unit in reader.read(text):
            assert (unit.pause, unit.silence_before, unit.speaker) == (None, 0.0, 0)
            assert list(unit.ids) == reader.tokenizer.encode(unit.text)


def test_the_guard_keeps_the_silence_around_a_unit(reader):
    (unit,) = reader.read("[pause 2] But the first, and then the second. [pause 3]", 0)
    first, second = reader.cut(unit)
    assert (first.silence_before, first.pause) == (2, None)
    assert (second.silence_before, second.pause) == (0, 3)


def test_a_text_of_marks_alone_is_refused(reader):
    with pytest.raises(InputError, match=r"'\[pause 1\]': it holds marks only"):
        reader.read("[pause 1]", 0)


def test_unknown_characters_keep_their_places_beside_marks(reader):
    assert reader.unknown_characters("[pause 1] ☃ hi") == [("☃", 10)]


def test_a_speaker_speaks_until_another_one_is_named(reader):
    units = reader.read("Hi. [speaker bob] Yes, well.\nNo. [speaker 7]\n\nOh [speaker ann] ah", 0)
    assert [unit.speaker for unit in units] == [0, 1, 1, 2, 0]
    assert [unit.after for unit in units] == [
        *(Break.SENTENCE, Break.SENTENCE, Break.PARAGRAPH, Break.SENTENCE, None)
    ]


def test_voices_change_within_a_text(voices):
    speech = voices.speak("hello [speaker bob] hello", speaker="ann", **OPTIONS)
    for part, name in zip(speech.parts, ("ann", "bob"), strict=True):
        alone = voices.speak("hello", speaker=name, **OPTIONS).parts[0]
        torch.testing.assert_close(part.alignments, alone.alignments)


def test_a_text_that_names_its_speakers_needs_no_other_name(voices):
    speech = voices.speak("[speaker bob] hello", **OPTIONS)
    torch.testing.assert_close(speech.mel, voices.speak("hello", speaker="bob", **OPTIONS).mel)
    with pytest.raises(InputError, match="speaker=None: name the one that speaks"):
        voices.speak("hello [speaker bob] hello", **OPTIONS)


def test_an_unknown_speaker_is_the_error_of_the_option(voices):
    with pytest.raises(InputError, match=r"^speaker=zoe: there is no 'zoe'; .* knows ann, bob, 7$"):
        voices.speak("hello [speaker zoe] hello", speaker="ann")
    with pytest.raises(InputError, match=r"^speaker=bob: the acoustic model has one voice"):
        tiny_synthesizer().speak("hello [speaker bob] hello")
