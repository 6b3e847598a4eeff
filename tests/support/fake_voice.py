"""Makes a voice without networks, whose decoder does what a test wants."""

import threading

import torch

from tests.support.tiny_networks import TINY_MEL
from tts.inference import Options, Part, Speech
from tts.inference.reader import DecodingUnit
from tts.metrics import alignment_health

RATE = 1000
#: Seconds after which a test that waits has failed.
PATIENCE = 60.0


class FakeVoice:
    """Cuts texts at full stops; a unit sounds as many samples as it has characters.

    Attributes:
        batches: the texts of each batch that was decoded, in order.
        spoken: the texts that were vocoded, in order.
        on_decode: called with units and ``given_up`` in each batch, in the engine's thread.
    """

    def __init__(self, together=4, on_decode=None, stop_reason="gate"):
        self.together, self.stop_reason = together, stop_reason
        self.on_decode = on_decode or (lambda units, given_up: None)
        self.batches, self.spoken = [], []

    def units(self, request):
        texts = [text.strip() for text in request.text.split(".") if text.strip()]
        return [DecodingUnit(text, (1,) * len(text)) for text in texts]

    def unit_speaker(self, request):
        return FakeSpeaker(self, request)


class FakeSpeaker:
    """Speaks the units of one request."""

    sample_rate, streams, group = RATE, False, "all"

    def __init__(self, voice, request):
        self.voice = voice
        self.options = Options(**request.options)

    def most_together(self, batch_size, exact):
        return min(batch_size, self.voice.together)

    def rounds(self, unit):
        yield [unit], self.options.seed
        return [[unit]]

    def decode(self, units, seeds, given_up):
        self.voice.batches.append([unit.text for unit in units])
        self.voice.on_decode(units, given_up)
        return list(units)

    def vocode(self, unit):
        self.voice.spoken.append(unit.text)
        health = alignment_health(torch.eye(4))
        part = Part(
            text=unit.text,
            start=0.0,
            seconds=len(unit.text) / RATE,
            seed=self.options.seed,
            attempts=1,
            stop_reason=self.voice.stop_reason,
            health=health,
            alignments=torch.eye(4),
            gate_logits=torch.zeros(4),
            first_frame=0,
            compute_seconds=0.01,
        )
        wave = torch.full((len(unit.text),), 0.5)
        return Speech(wave, RATE, torch.zeros(8, 4), unit.text, (part,), TINY_MEL)


class Gate:
    """Holds the first batch until a test has submitted what should wait behind it."""

    def __init__(self):
        self.reached, self.opened = threading.Event(), threading.Event()

    def __call__(self, units, given_up):
        if not self.reached.is_set():
            self.reached.set()
            assert self.opened.wait(PATIENCE)
