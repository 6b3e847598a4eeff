"""Turns text into speech with trained networks (``Synthesizer``), repeatably and in input order.

The constructor checks that tokenizer, acoustic model and vocoder agree on symbols and on the mel
contract. Texts may have any length. The steps of the work are:

1. ``reader`` cuts texts into decoding units;
2. ``decoding`` decodes them in batches, and ``decode_guard`` decodes failed units again;
3. ``vocoders.utterance`` vocodes them one by one;
4. ``speech`` joins them.

Every unit starts from the same seed, and a batch shares the dropout of the pre-net. Therefore a
sentence sounds the same alone and in any batch (up to rounding).

Shapes: ``T_text`` symbols, ``T_mel`` frames, ``T_wave`` samples.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from tts.audio import MelConfig
from tts.core.errors import InputError
from tts.inference.decode_guard import MAX_CUTS, DecodeGuard
from tts.inference.decoding import BatchDecoder
from tts.inference.loading import load_tacotron2, pick_device
from tts.inference.options import Options
from tts.inference.reader import DecodingUnit, TextReader
from tts.inference.speakers import speaker_number
from tts.inference.speech import Speech, join
from tts.inference.streaming import Chunk, SpeechStreamer
from tts.inference.vocoders.configure import configure_vocoder
from tts.inference.vocoders.griffin_lim import GriffinLimVocoder, Vocoder
from tts.inference.vocoders.mel_bridge import Bridge, find_bridge
from tts.inference.vocoders.utterance import UtteranceVocoder
from tts.inference.vocoders.waveglow import load_waveglow
from tts.models import Tacotron2
from tts.text import Tokenizer
from tts.text.tokenizer import SpeakUnknown

#: Value of ``vocoder`` that stands for Griffin-Lim, instead of a checkpoint.
GRIFFIN_LIM = "griffin_lim"
#: Batches that are sorted by length together. They are vocoded before the next ones are decoded.
BATCHES_AT_ONCE = 8


class Synthesizer:
    """Speaks texts with an acoustic model and a vocoder.

    Args:
        acoustic: trained network; decoding runs on its device.
        vocoder: vocoder for spectrograms of the same contract.
        tokenizer: tokenizer with the symbols that ``acoustic`` was trained on.
        mel: contract of the spectrograms of ``acoustic``.
        bridge: if the vocoder has another mel contract, convert where that is exact.
        speakers: names of the speakers by their numbers; without it the numbers are the names.

    Attributes:
        speakers: names, empty if the acoustic model has one voice.
        corpora: names of the corpora that the networks were trained on, where known.

    Raises:
        InputError: acoustic model, tokenizer, mel contract and vocoder do not fit together.
    """

    def __init__(
        self,
        acoustic: Tacotron2,
        vocoder: Vocoder,
        tokenizer: Tokenizer,
        mel: MelConfig,
        bridge: bool = False,
        speakers: Sequence[str] | None = None,
    ) -> None:
        n_symbols, n_mels = acoustic.config.n_symbols, acoustic.config.n_mels
        if n_symbols != tokenizer.n_symbols:
            raise InputError(
                f"the acoustic model knows {n_symbols} symbols, the tokenizer has "
                f"{tokenizer.n_symbols}; use the symbol table that it was trained with"
            )
        if n_mels != mel.n_mels:
            raise InputError(
                f"the acoustic model makes {n_mels} mel bands, the mel contract has {mel.n_mels}"
            )
        self._bridge = _bridge_between(mel, vocoder.mel, bridge)
        n_speakers = acoustic.config.n_speakers
        self.speakers = tuple(speakers or map(str, range(n_speakers))) if n_speakers > 1 else ()
        self.acoustic = acoustic.eval()
        self.vocoder = vocoder
        self.tokenizer = tokenizer
        self.mel = mel
        self.corpora: tuple[str, ...] = ()

    @classmethod
    def from_pretrained(
        cls,
        acoustic: str | Path,
        vocoder: str | Path = GRIFFIN_LIM,
        device: str | torch.device = "auto",
        bridge: bool = False,
        lexicon: str | Path | Mapping[str, str] | None = None,
        precision: str = "float32",
    ) -> Synthesizer:
        """Load checkpoints of this project or published ones.

        Args:
            acoustic: a Tacotron 2: a file, or the name of a published one. A file that does not
                contain them gets NVIDIA's mel contract and table of 148 symbols.
            vocoder: a WaveGlow, or ``"griffin_lim"``, which needs no file.
            device: ``"auto"`` (CUDA where it is, otherwise the CPU) or any device name of torch.
            bridge: if the vocoder has another mel contract, convert where that is exact.
            lexicon: pronunciations with precedence over those of the acoustic model: a file
                (`tts.text.lexicon`), or words and their phones.
            precision: ``"int8"`` decodes from rounded recurrent weights, which is faster on a CPU
                and hardly changes the voice (:mod:`tts.models.tacotron2.int8_decoder`).

        Raises:
            InputError: a file is not what it should be, the files do not fit together, the device
                does not exist, or it does not support the precision.
        """
        device = pick_device(device)
        model = load_tacotron2(acoustic, device, precision)
        tokenizer = model.tokenizer
        if lexicon is not None:
            tokenizer = tokenizer.with_lexicon(lexicon)
        chosen: Vocoder
        corpora = [model.corpus]
        if str(vocoder) == GRIFFIN_LIM:
            chosen = GriffinLimVocoder(model.mel)
        else:
            chosen, corpus = load_waveglow(vocoder, device)
            corpora.append(corpus)
        synthesizer = cls(model.network, chosen, tokenizer, model.mel, bridge, model.speakers)
        synthesizer.corpora = tuple(dict.fromkeys(name for name in corpora if name))
        return synthesizer

    def speaker_number(self, name: str | int | None) -> int:
        """Return the number of a speaker; None stands for the only speaker, with number 0.

        Raises:
            InputError: no speaker has this name; or the name is None and there are several
                speakers; or there is a name and the acoustic model has one voice.
        """
        return speaker_number(name, self.speakers)

    def speak(self, text: str, **options: Any) -> Speech:
        """Speak one text, of any length; see :meth:`speak_batch`."""
        return self.speak_batch([text], **options)[0]

    def speak_batch(
        self, texts: Sequence[str], batch_size: int = 8, **options: Any
    ) -> list[Speech]:
        """Speak texts of any length; all texts are read before the first one is spoken.

        Args:
            texts: the texts; long ones are cut at sentences and clauses.
            batch_size: utterances of similar length that are decoded together.
            **options: fields of :class:`tts.inference.Options`.

        Returns:
            One speech for each text, in the order of the texts.

        Raises:
            InputError: nothing in a text can be pronounced, a speaker is unknown, an option is not
                legal, or the vocoder does not have it.
        """
        chosen = Options(batch_size=batch_size, **options)
        speakers = self._numbers(chosen.speaker, len(texts))
        reader = self.reader(chosen.max_chars, chosen.on_unknown)
        units = [reader.read(text, who) for text, who in zip(texts, speakers, strict=True)]
        spoken = self.speak_utterances([unit for of_text in units for unit in of_text], chosen)
        return [
            join([speech for parts in islice(spoken, len(of_text)) for speech in parts], text)
            for of_text, text in zip(units, texts, strict=True)
        ]

    def speak_parts(self, text: str, **options: Any) -> Iterator[Speech]:
        """Speak a text of any length piece by piece; memory does not grow with its length.

        Args:
            text: the text, see :meth:`speak`.
            **options: fields of :class:`tts.inference.Options`.

        Yields:
            Pieces with the pause after them, some batches at a time. Joined, they are exactly
            ``speak(text)`` (:func:`tts.inference.join`).

        Raises:
            InputError: for the same reasons as :meth:`speak_batch`.
        """
        chosen = Options(**options)
        (speaker,) = self._numbers(chosen.speaker, 1)
        utterances = self.reader(chosen.max_chars, chosen.on_unknown).read(text, speaker)
        for parts in self.speak_utterances(utterances, chosen):
            yield from parts

    @torch.no_grad()
    def speak_utterances(
        self, utterances: Sequence[DecodingUnit], options: Options, done: int = 0
    ) -> Iterator[list[Speech]]:
        """Speak the units that :meth:`reader` gives, in order.

        Args:
            utterances: units of one or several texts.
            options: options of speaking; ``max_chars`` and ``speaker`` are not used here, because
                the units already contain them.
            done: number of units at the beginning to leave out, because they were spoken before.

        Yields:
            For each unit one speech, or several where the guard cut the unit.
        """
        vocode, guard = self.utterance_vocoder(options), self.guard(options)
        # Windows always begin at the same places: the last digits depend on the batch of a unit
        window = options.batch_size * BATCHES_AT_ONCE
        for start in range(done // window * window, len(utterances), window):
            kept = guard.run(utterances[start : start + window], options.seed)
            for attempts in kept[max(0, done - start) :]:
                yield [vocode(attempt) for attempt in attempts]

    def stream(self, text: str, guard: bool = False, **options: Any) -> Iterator[Chunk]:
        """Speak a text of any length, with the first sound before the rest is decoded.

        Memory does not grow with the length. Joined, the chunks are ``speak(text)`` with the same
        options (up to rounding). A vocoder that needs the whole spectrogram, as Griffin-Lim does,
        gives each utterance as one chunk.

        Args:
            text: the text, see :meth:`speak`.
            guard: decode each utterance to its end, and again if it failed, before its first sound.
                Without the guard the sound is played before a failure is known, so that the last
                chunk of an utterance can only report it.
            **options: fields of :class:`tts.inference.Options`.

        Yields:
            Chunks of sound, see :class:`tts.inference.Chunk`.

        Raises:
            InputError: for the same reasons as :meth:`speak_batch`.
        """
        chosen = Options(guard=guard, **options)
        (speaker,) = self._numbers(chosen.speaker, 1)
        utterances = self.reader(chosen.max_chars, chosen.on_unknown).read(text, speaker)
        yield from self.stream_utterances(utterances, chosen)

    def stream_utterances(
        self, utterances: Sequence[DecodingUnit], options: Options
    ) -> Iterator[Chunk]:
        """Stream the units that :meth:`reader` gives; see :meth:`stream`."""
        return self.streamer(options)(utterances)

    def with_lexicon(self, source: str | Path | Mapping[str, str]) -> Synthesizer:
        """Return a synthesizer of the same networks with more pronunciations.

        Args:
            source: a file, or words and their phones; they come before those that are there.

        Raises:
            InputError: the lexicon cannot be read, or the acoustic model does not read phones.
        """
        other = copy.copy(self)
        other.tokenizer = self.tokenizer.with_lexicon(source)
        return other

    def streamer(self, options: Options) -> SpeechStreamer:
        """Return what streams units with these options."""
        decoder, vocoder = self.decoder(options), self.utterance_vocoder(options)
        return SpeechStreamer(decoder, self.guard(options), vocoder)

    def utterance_vocoder(self, options: Options) -> UtteranceVocoder:
        """Return what makes the sound of decoded units with these options.

        Raises:
            InputError: the vocoder does not have such a setting.
        """
        return UtteranceVocoder(
            configure_vocoder(self.vocoder, options),
            self._bridge,
            self.mel,
            self.tokenizer.for_speaking(options.on_unknown),
            options.pauses,
            options.speed,
        )

    def decoder(self, options: Options) -> BatchDecoder:
        """Return what decodes units with these options."""
        return BatchDecoder(self.acoustic, options, self.mel.sample_rate / self.mel.hop_length)

    def guard(self, options: Options) -> DecodeGuard:
        """Return what decodes units again until they are good, if the options ask for it."""
        return DecodeGuard(
            decode=self.decoder(options),
            cut=self.reader(options.max_chars, options.on_unknown).cut,
            attempts=options.attempts if options.guard else 1,
            max_cuts=MAX_CUTS if options.guard else 0,
        )

    def reader(self, max_chars: int, on_unknown: SpeakUnknown | None = None) -> TextReader:
        """Return the reader that cuts texts into decoding units of at most ``max_chars``.

        Its ``unknown_characters(text)`` lists the characters that have no symbol.
        """
        return TextReader(self.tokenizer.for_speaking(on_unknown), max_chars, self.speakers)

    def _numbers(
        self, speaker: str | int | Sequence[str | int] | None, n_texts: int
    ) -> Sequence[int | None]:
        """Return the first speaker of each text; the text itself may name one if it is None."""
        if speaker is None:
            return [None] * n_texts
        if isinstance(speaker, (str, int)):
            return [self.speaker_number(speaker)] * n_texts
        if len(speaker) != n_texts:
            raise InputError(
                f"speaker: {len(speaker)} names for {n_texts} texts; name one for each"
            )
        return [self.speaker_number(name) for name in speaker]


def _bridge_between(acoustic: MelConfig, vocoder: MelConfig, wanted: bool) -> Bridge | None:
    """Return the conversion between two contracts, or None if they are equal."""
    differences = acoustic.differences(vocoder)
    if not differences:
        return None
    bridge = find_bridge(acoustic, vocoder)
    if bridge is None or not wanted:
        raise InputError(
            "acoustic model and vocoder were trained on different mels: "
            f"{'; '.join(differences)} (here: acoustic, there: vocoder)"
            + ("; bridge=true converts them exactly" if bridge else "")
        )
    return bridge
