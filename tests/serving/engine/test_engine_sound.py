"""The engine with real networks: its samples are those of the synthesizer, bit for bit."""

import gc
import resource
import threading
from contextlib import nullcontext

import numpy as np
import pytest
import torch

from tests.support.fake_voice import PATIENCE
from tests.support.tiny_networks import tiny_synthesizer
from tts.audio import Output, read_wave
from tts.inference import Options
from tts.serving.engine.engine import SpeechEngine
from tts.serving.engine.errors import SpeakingCancelledError
from tts.serving.engine.limits import EngineLimits
from tts.serving.engine.reading_voice import VoiceDigests
from tts.serving.engine.request import SpeakingRequest
from tts.serving.engine.unit_speaker import UnitSpeaker
from tts.serving.engine.voice_list import VoiceEntry
from tts.serving.engine.voices import Voice, load_voices

#: The tiny networks babble, so that the guard tries everything; some units end by their gate.
OPTIONS = {"max_steps": 25, "gate_threshold": 0.9}
TEXTS = ["Hello world.", "Yes. No, never! A longer sentence, which goes on and on.", "Who? Me."]


def voice_of(synthesizer):
    return Voice(VoiceEntry("v", "tiny"), synthesizer, VoiceDigests("0", None, None))


@pytest.fixture
def start():
    """Start an engine with one voice, ``v``, and end it with the test."""
    engines = []

    def start(synthesizer, **limits):
        engines.append(SpeechEngine({"v": voice_of(synthesizer)}, EngineLimits(**limits)))
        return engines[-1]

    yield start
    for engine in engines:
        engine.close(0)


def samples(ticket):
    chunks = list(ticket.chunks())
    return np.concatenate([chunk.samples for chunk in chunks])


@pytest.mark.parametrize("batch_size", [1, 8])
def test_requests_together_have_the_samples_of_the_synthesizer(
    start, batch_size, compiled_decoding
):
    synthesizer = tiny_synthesizer("griffin_lim")
    engine = start(synthesizer, batch_size=batch_size)
    asked = [(text, seed) for text in TEXTS for seed in (0, 7)]
    tickets = [
        engine.submit(SpeakingRequest(text, "v", options={**OPTIONS, "seed": seed}))
        for text, seed in asked
    ]
    for (text, seed), ticket in zip(asked, tickets, strict=True):
        expected = synthesizer.speak(text, seed=seed, **OPTIONS)
        assert np.array_equal(samples(ticket), expected.wave.numpy())
        found = ticket.result(0)
        assert [p.start for p in found.parts] == [p.start for p in expected.parts]
        assert [p.seed for p in found.parts] == [p.seed for p in expected.parts]
        assert [p.attempts for p in found.parts] == [p.attempts for p in expected.parts]
        assert [p.words for p in found.parts] == [p.words for p in expected.parts]
    assert max(p.attempts for ticket in tickets for p in ticket.result(0).parts) > 1


def test_without_exact_batches_units_are_decoded_alone(start):
    synthesizer = tiny_synthesizer("griffin_lim")
    engine = start(synthesizer, batch_size=8)
    tickets = [engine.submit(SpeakingRequest(text, "v", options=OPTIONS)) for text in TEXTS]
    for text, ticket in zip(TEXTS, tickets, strict=True):
        expected = synthesizer.speak(text, batch_size=1, **OPTIONS)
        assert np.array_equal(samples(ticket), expected.wave.numpy())


def test_batches_that_change_last_digits_are_decoded_on_request(start, monkeypatch):
    synthesizer = tiny_synthesizer("griffin_lim")
    sizes, generate = [], synthesizer.acoustic.generate

    def counted(text, *arguments, **options):
        sizes.append(len(text))
        return generate(text, *arguments, **options)

    monkeypatch.setattr(synthesizer.acoustic, "generate", counted)
    options = {**OPTIONS, "guard": False}
    for exact in (True, False):
        engine = start(synthesizer, batch_size=8, exact=exact)
        engine.submit(SpeakingRequest(TEXTS[1], "v", options=options)).result(PATIENCE)
    assert sizes == [1, 1, 1, 1, 2]  # the first sentence is decoded alone in any case


def test_mel_and_alignment_are_those_of_the_synthesizer(start, compiled_decoding):
    synthesizer = tiny_synthesizer("griffin_lim")
    request = SpeakingRequest(TEXTS[1], "v", options=OPTIONS, keep_speech=True)
    record = start(synthesizer).submit(request).result(PATIENCE)
    expected = synthesizer.speak(TEXTS[1], **OPTIONS)
    assert torch.equal(record.speech.mel, expected.mel)
    assert torch.equal(record.speech.alignments, expected.alignments)
    assert record.speech.words == expected.words


def test_without_the_guard_a_waveglow_streams(start):
    synthesizer = tiny_synthesizer("waveglow")
    options = {**OPTIONS, "guard": False}
    ticket = start(synthesizer).submit(SpeakingRequest(TEXTS[1], "v", options=options))
    chunks = list(ticket.chunks())
    expected = list(synthesizer.stream(TEXTS[1], **options))
    assert len(chunks) == len(expected) > ticket.units_total
    for found, chunk in zip(chunks, expected, strict=True):
        assert np.array_equal(found.samples, chunk.wave.numpy())
    parts = [part for chunk in chunks for part in chunk.parts]
    known = [chunk.part for chunk in expected if chunk.part is not None]
    assert [part.start for part in parts] == pytest.approx([part.start for part in known])
    assert ticket.result(0).n_samples == sum(len(chunk.wave) for chunk in expected)


class Steps:
    """Counts decoder steps, and cancels a ticket in the middle of one."""

    def __init__(self, monkeypatch, synthesizer, cancel_at):
        self.count, self.cancel_at, self.ticket = 0, cancel_at, None
        self.submitted = threading.Event()
        step = synthesizer.acoustic.decoder.step

        def counted(*arguments):
            assert self.submitted.wait(PATIENCE)
            self.count += 1
            if self.count == self.cancel_at:
                self.ticket.cancel()
            return step(*arguments)

        monkeypatch.setattr(synthesizer.acoustic.decoder, "step", counted)


@pytest.mark.parametrize(
    ("vocoder", "guard"), [("griffin_lim", True), ("griffin_lim", False), ("waveglow", False)]
)
def test_the_decoder_stops_within_two_steps_of_a_cancellation(monkeypatch, vocoder, guard):
    synthesizer = tiny_synthesizer(vocoder)
    steps = Steps(monkeypatch, synthesizer, cancel_at=10)
    options = {"max_steps": 1000, "gate_threshold": 0.999999, "guard": guard}
    told = []
    with SpeechEngine({"v": voice_of(synthesizer)}, on_step=told.append) as engine:
        request = SpeakingRequest("A sentence. Another one.", "v", options=options)
        steps.ticket = engine.submit(request)
        steps.submitted.set()
        with pytest.raises(SpeakingCancelledError):
            steps.ticket.result(PATIENCE)
    # when it has closed, no more steps can come
    assert 10 <= steps.count <= 12
    assert told == [True] * 9 + [False] * (steps.count - 9)


@pytest.mark.slow
def test_memory_stays_flat_over_hundreds_of_requests(start, compiled_decoding, monkeypatch):
    monkeypatch.setattr("tts.text.words._MAX_READINGS", 20)  # the tokenizer fills its memory soon
    engine = start(tiny_synthesizer("griffin_lim"))

    def speak(first):
        for number in range(first, first + 200):
            options = {"max_steps": 10, "guard": False, "seed": number}
            text = f"Number {number}."
            request = SpeakingRequest(text, "v", options=options, keep_speech=True)
            engine.submit(request).result(PATIENCE)
        gc.collect()
        return len(gc.get_objects()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    speak(0)
    speak(200)
    objects, memory = speak(400)
    more_objects, more_memory = speak(600)
    assert more_objects < objects + 200  # less than one for each request
    assert more_memory < memory + 4096  # kilobytes


@pytest.mark.slow
def test_the_package_s_voice_has_the_samples_of_synthesize(tmp_path, command):
    texts = ["One sentence.", "This is a text of several sentences. It is spoken at once. Or not?"]
    outputs = [tmp_path / f"{number}.wav" for number in range(len(texts))]
    with SpeechEngine(load_voices(device="cpu")) as engine:
        tickets = [engine.submit(SpeakingRequest(text, "lj")) for text in texts * 3]
        spoken = [samples(ticket) for ticket in tickets]
    for number, (text, output) in enumerate(zip(texts, outputs, strict=True)):
        command("synthesize", f"text='{text}'", f"output={output}", "margin=0", "device=cpu")
        for wave in spoken[number :: len(texts)]:
            Output().write(tmp_path / "engine.wav", wave, 22050)
            found, expected = (read_wave(path)[0] for path in (tmp_path / "engine.wav", output))
            assert np.array_equal(found, expected)


def test_a_batch_of_the_engine_is_one_batch_of_the_decoder(monkeypatch):
    synthesizer, rows = tiny_synthesizer("griffin_lim"), []
    speaker = UnitSpeaker(synthesizer, Options(guard=False, **OPTIONS), nullcontext())
    units = [synthesizer.reader(200).read(f"Number {n}.")[0] for n in range(12)]
    generate = synthesizer.acoustic.generate
    monkeypatch.setattr(
        synthesizer.acoustic,
        "generate",
        lambda text, *args, **options: rows.append(len(text)) or generate(text, *args, **options),
    )
    speaker.decode(units, [0] * len(units), lambda: [False] * len(units))
    assert rows == [12]
