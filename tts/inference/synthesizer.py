"""``Synthesizer``: text to speech with what was trained, in input order and repeatable.

Tokenizer, acoustic model and vocoder must agree on symbols and on the mel contract; that is checked
when they meet, not heard afterwards. Texts may be of any length: they are cut into utterances
(``passages``), decoded in batches (``decoding``) under a guard (``guard``), vocoded one by one
(``voicing``) and put together (``speech``). Every utterance starts from the same seed, and the
pre-net's dropout is shared within a batch, so that a sentence sounds the same alone and in any
company (up to rounding).

Shapes: ``T_text`` symbols, ``T_mel`` frames, ``T_wave`` samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, cast

import torch

from tts.audio import MelConfig
from tts.core.errors import InputError, listed
from tts.inference.decode_guard import MAX_CUTS, DecodeGuard
from tts.inference.decoding import BatchDecoder
from tts.inference.options import Options
from tts.inference.reader import DecodingUnit, TextReader
from tts.inference.speech import Speech, join
from tts.inference.streaming import Chunk, SpeechStreamer
from tts.inference.vocoders.griffin_lim import GriffinLimVocoder, Vocoder
from tts.inference.vocoders.mel_bridge import find_bridge
from tts.inference.vocoders.utterance import UtteranceVocoder
from tts.inference.vocoders.waveglow import WaveGlowVocoder, load_waveglow
from tts.models import Tacotron2
from tts.text import Tokenizer

#: What ``vocoder`` may say instead of a path.
GRIFFIN_LIM = "griffin_lim"
#: Batches that are sorted by length together, and whose sound is there before the next are begun.
BATCHES_AT_ONCE = 8


class Synthesizer:
    """Text to speech.

    Args:
        acoustic: trained network; its device is where decoding is done.
        vocoder: for spectrograms of the same contract.
        tokenizer: with the symbols that ``acoustic`` was trained on.
        mel: contract of the spectrograms of ``acoustic``.
        bridge: where the vocoder has another contract, convert if that is exact.
        speakers: names of the speakers, by their numbers; numbers are names if there are none.

    Attributes:
        speakers: names, empty if the acoustic model has one voice.
        corpora: names of the corpora that the networks were trained on, where known.

    Raises:
        InputError: the parts do not fit each other.
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
        self._bridge = None
        if differences := mel.differences(vocoder.mel):
            exact = find_bridge(mel, vocoder.mel)
            if exact is None or not bridge:
                raise InputError(
                    "acoustic model and vocoder were trained on different mels: "
                    f"{'; '.join(differences)} (here: acoustic, there: vocoder)"
                    + ("; bridge=true converts them exactly" if exact else "")
                )
            self._bridge = exact
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
        """Load checkpoints, this project's or published ones.

        Args:
            acoustic: a Tacotron 2: a file, or the name of a published one. Where the file does not
                say, the mel contract and the table of 148 symbols are NVIDIA's.
            vocoder: a WaveGlow, or ``"griffin_lim"``, which needs no file.
            bridge: where the vocoder has another mel contract, convert if that is exact.
            device: ``"auto"`` (CUDA, then MPS, then CPU) or any name that torch knows.
            lexicon: pronunciations that come before those of the acoustic model: a file
                (`tts.text.lexicon`), or words and their phones.
            precision: ``"int8"`` decodes from rounded recurrent weights, which is faster on a CPU
                and hardly another voice (:mod:`tts.models.tacotron2.int8`).

        Raises:
            InputError: a file that is not what it should be, files that do not fit each other, a
                device that is not there, or one that has no such precision.
        """
        from tts import pretrained
        from tts.pretrained.convert import complete_description

        device = pick_device(device)
        network = cast(Tacotron2, pretrained.load(acoustic, device, network="Tacotron2"))
        known, _ = complete_description(acoustic, cast(dict[str, Any], network.description))
        network = in_precision(network, precision)
        mel = MelConfig.from_dict(known["mel"])
        tokenizer = Tokenizer.from_dict(known["tokenizer"])
        if lexicon is not None:
            tokenizer = tokenizer.with_lexicon(lexicon)
        corpora, speakers = [known["corpus"]], known["speakers"]
        if str(vocoder) == GRIFFIN_LIM:
            synthesizer = cls(network, GriffinLimVocoder(mel), tokenizer, mel, speakers=speakers)
            return synthesizer._trained_on(corpora)
        spoken, corpus = load_waveglow(vocoder, device)
        corpora.append(corpus)
        return cls(network, spoken, tokenizer, mel, bridge, speakers)._trained_on(corpora)

    def _trained_on(self, corpora: Sequence[str | None]) -> Synthesizer:
        self.corpora = tuple(dict.fromkeys(name for name in corpora if name))
        return self

    def speaker_number(self, name: str | int | None) -> int:
        """Number of a speaker; 0 for None, if there is only one.

        Raises:
            InputError: nobody of this name, none is named where there are several, or the
                acoustic model has one voice.
        """
        if not self.speakers:
            if name is not None:
                raise InputError(f"speaker={name}: the acoustic model has one voice; name none")
            return 0
        if str(name) not in self.speakers:
            known = listed(self.speakers, 40)
            what = "which one speaks is not said" if name is None else f"there is no {name!r}"
            raise InputError(f"speaker={name}: {what}; the acoustic model knows {known}")
        return self.speakers.index(str(name))

    def speak(self, text: str, **options: Any) -> Speech:
        """Speak one text, of any length; see :meth:`speak_batch`."""
        return self.speak_batch([text], **options)[0]

    def speak_batch(
        self, texts: Sequence[str], batch_size: int = 8, **options: Any
    ) -> list[Speech]:
        """Speak texts of any length; all are read before the first is spoken.

        Args:
            texts: whatever is to be said together; long ones are cut at sentences and clauses.
            batch_size: utterances that are decoded together; those of like length are.
            **options: fields of :class:`tts.inference.Options`.

        Returns:
            One for each text, in the order of the texts.

        Raises:
            InputError: a text of which nothing can be pronounced, a speaker whom nobody knows, an
                option that is not legal, or one that the vocoder does not have.
        """
        chosen = Options(batch_size=batch_size, **options)
        speakers = self._numbers(chosen.speaker, len(texts))
        reader = self.reader(chosen.max_chars)
        read = [reader.read(text, who) for text, who in zip(texts, speakers, strict=True)]
        utterances = [utterance for of_text in read for utterance in of_text]
        spoken = self.speak_utterances(utterances, chosen)
        return [
            join([speech for part in islice(spoken, len(of_text)) for speech in part], text)
            for of_text, text in zip(read, texts, strict=True)
        ]

    def speak_parts(self, text: str, **options: Any) -> Iterator[Speech]:
        """Speak a text of any length piece by piece: memory does not grow with it.

        Args:
            text: as for :meth:`speak`.
            **options: fields of :class:`tts.inference.Options`.

        Yields:
            Pieces with the pause behind them, some batches at a time; one after the other they are
            ``speak(text)`` to the sample (:func:`tts.inference.join`).

        Raises:
            InputError: as :meth:`speak_batch`.
        """
        chosen = Options(**options)
        (speaker,) = self._numbers(chosen.speaker, 1)
        utterances = self.reader(chosen.max_chars).read(text, speaker)
        for parts in self.speak_utterances(utterances, chosen):
            yield from parts

    @torch.no_grad()
    def speak_utterances(
        self, utterances: Sequence[DecodingUnit], options: Options, done: int = 0
    ) -> Iterator[list[Speech]]:
        """Speak what :meth:`reader` has read: one item for each, in order.

        Args:
            utterances: of one text or of many.
            options: how; ``max_chars`` and ``speaker`` have had their say.
            done: how many at the beginning have been spoken before, and are left out.

        Yields:
            One speech, or several where the guard had to cut the utterance.
        """
        voicing, guard = self._voicing(options), self._guard(options)
        # windows begin where they always do: who is decoded with whom decides the last digits
        window = options.batch_size * BATCHES_AT_ONCE
        for start in range(done // window * window, len(utterances), window):
            kept = guard.run(utterances[start : start + window], options.seed)
            for attempts in kept[max(0, done - start) :]:
                yield [voicing(attempt) for attempt in attempts]

    def stream(self, text: str, guard: bool = False, **options: Any) -> Iterator[Chunk]:
        """Speak a text of any length so that the first sound is there before the rest is decoded.

        Memory does not grow with the length. Put together, the chunks are ``speak(text)`` of the
        same options (up to rounding). A vocoder that needs the whole spectrogram, as Griffin-Lim
        does, gives each utterance as one chunk.

        Args:
            text: as for :meth:`speak`.
            guard: decode each utterance to its end, and again where it went wrong, before its
                first sound. What was heard cannot be taken back, so that without it the last chunk
                of an utterance only tells what went wrong.
            **options: fields of :class:`tts.inference.Options`.

        Yields:
            See :class:`tts.inference.Chunk`.

        Raises:
            InputError: as :meth:`speak_batch`.
        """
        chosen = Options(guard=guard, **options)
        (speaker,) = self._numbers(chosen.speaker, 1)
        utterances = self.reader(chosen.max_chars).read(text, speaker)
        yield from self.stream_utterances(utterances, chosen)

    def stream_utterances(
        self, utterances: Sequence[DecodingUnit], options: Options
    ) -> Iterator[Chunk]:
        """Stream what :meth:`reader` has read; see :meth:`stream`."""
        decoding, voicing = self._decoding(options), self._voicing(options)
        return SpeechStreamer(decoding, self._guard(options), voicing)(utterances)

    def _voicing(self, options: Options) -> UtteranceVocoder:
        return UtteranceVocoder(
            configured(self.vocoder, options),
            self._bridge,
            self.mel,
            self.tokenizer.symbols,
            options.pauses,
        )

    def _decoding(self, options: Options) -> BatchDecoder:
        return BatchDecoder(self.acoustic, options, self.mel.sample_rate / self.mel.hop_length)

    def _guard(self, options: Options) -> DecodeGuard:
        return DecodeGuard(
            decode=self._decoding(options),
            cut=self.reader(options.max_chars).cut,
            attempts=options.attempts if options.guard else 1,
            max_cuts=MAX_CUTS if options.guard else 0,
        )

    def reader(self, max_chars: int) -> TextReader:
        """What cuts texts into utterances."""
        return TextReader(self.tokenizer, max_chars)

    def _numbers(self, speaker: str | int | Sequence[str | int] | None, n_texts: int) -> list[int]:
        if speaker is None or isinstance(speaker, (str, int)):
            return [self.speaker_number(speaker)] * n_texts
        if len(speaker) != n_texts:
            raise InputError(f"speaker: {len(speaker)} names for {n_texts} texts")
        return [self.speaker_number(name) for name in speaker]


def configured(vocoder: Vocoder, options: Options) -> Vocoder:
    """A vocoder with the settings of it that the options ask for.

    Raises:
        InputError: it has no such setting.
    """
    o = options
    asked = (o.sigma, o.denoiser, o.denoiser_mode, o.polish)
    waveglows = any(value is not None for value in asked)
    if isinstance(vocoder, WaveGlowVocoder) and (waveglows or o.sharpness is not None):
        return vocoder.with_settings(*asked, o.sharpness)
    if waveglows:
        raise InputError(
            "sigma, denoiser, denoiser_mode and polish are settings of WaveGlow; this vocoder "
            "has none"
        )
    if o.sharpness is None:
        return vocoder
    if not isinstance(vocoder, GriffinLimVocoder):
        raise InputError(
            "sharpness is a setting of Griffin-Lim and WaveGlow; this vocoder has none"
        )
    return vocoder.with_sharpness(o.sharpness)


def in_precision(network: Tacotron2, precision: str) -> Tacotron2:
    """A network as it is (``"float32"``), or decoding from 8-bit weights (``"int8"``).

    Raises:
        InputError: another precision, or a device on which there is no such thing.
    """
    if precision == "float32":
        return network
    if precision != "int8":
        raise InputError(f"precision={precision}: choose float32 or int8")
    from tts.models.tacotron2.int8 import int8_decoder

    try:
        return int8_decoder(network)
    except ValueError as error:
        raise InputError(f"precision=int8: {error}; use device=cpu") from None


def pick_device(name: str | torch.device) -> torch.device:
    """Give the device of a name; ``"auto"`` is CUDA, then MPS, then CPU.

    Raises:
        InputError: no such device here.
    """
    if str(name) == "auto":
        name = "cpu"
        if torch.cuda.is_available():
            name = "cuda"
        elif torch.backends.mps.is_available():
            name = "mps"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device {str(name)!r} cannot be used here ({reason}); try cpu") from None
    return device
