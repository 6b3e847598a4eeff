"""Makes the systems of an evaluation from its configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from tts.audio import MelConfig
from tts.evaluation.systems import CopySynthesis, EngineVoice, Recordings, System, TrainedVoice
from tts.inference import (
    GriffinLimVocoder,
    Options,
    Synthesizer,
    Vocoder,
    WaveGlowVocoder,
    load_waveglow,
    pick_device,
)
from tts.inference.options import VOCODER_OPTIONS
from tts.inference.synthesizer import GRIFFIN_LIM
from tts.inference.vocoders.configure import configure_vocoder


class SystemFactory:
    """Makes each system that ``systems=[...]`` may name.

    Args:
        config: the resolved configuration.

    Attributes:
        makers: by name of the system, a function that makes it. It returns None if the system has
            no checkpoint, or would be equal to another one.
        engines: the systems that need a package which may not be installed.

    Raises:
        InputError: there is no folder of the recordings, or no such device.
    """

    engines = ("espeak", "hibari")

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._acoustic, self._vocoder = config["acoustic"], str(config["vocoder"])
        self._seed, self._device = config["seed"], pick_device(str(config["device"]))
        self._speaker = None if config["speaker"] is None else str(config["speaker"])
        self._settings = {key: config[key] for key in VOCODER_OPTIONS}
        # the options of the systems that use Griffin-Lim
        self._griffin_lim = {"speaker": self._speaker, "sharpness": config["sharpness"]}
        self._has_own_vocoder = self._vocoder != GRIFFIN_LIM
        recordings = self._recordings = Recordings(config["recordings"], config["mono"])
        self.makers: dict[str, Callable[[], System | None]] = {
            "recordings": lambda: recordings,
            "griffin_lim_copy": self._make_griffin_lim_copy,
            "vocoder_copy": self._make_vocoder_copy,
            "voice": self._make_voice,
            "voice_griffin_lim": self._make_voice_griffin_lim,
            "espeak": lambda: EngineVoice(recordings, "espeak"),
            "hibari": lambda: EngineVoice(recordings, "hibari"),
        }

    @cached_property
    def _synthesizer(self) -> Synthesizer:
        return Synthesizer.from_pretrained(self._acoustic, self._vocoder, self._device)

    def _settings_of(self, vocoder: Vocoder) -> dict[str, Any]:
        """Return the settings for a vocoder, without those that it has no use for.

        A WaveGlow that is not polished ignores ``sharpness``, which may be meant for Griffin-Lim.
        """
        polishes = not isinstance(vocoder, WaveGlowVocoder) or (
            vocoder.polish or self._settings["polish"]
        )
        return self._settings | ({} if polishes else {"sharpness": None})

    def _make_griffin_lim_copy(self) -> System:
        vocoder = configure_vocoder(GriffinLimVocoder(MelConfig()), Options(**self._griffin_lim))
        return CopySynthesis(self._recordings, vocoder, self._seed)

    def _make_vocoder_copy(self) -> System | None:
        if not self._has_own_vocoder:
            return None
        waveglow, _ = load_waveglow(self._vocoder, self._device)
        vocoder = configure_vocoder(waveglow, Options(**self._settings_of(waveglow)))
        return CopySynthesis(self._recordings, vocoder, self._seed)

    def _make_voice(self) -> System | None:
        if not self._acoustic:
            return None
        options = {"speaker": self._speaker, **self._settings_of(self._synthesizer.vocoder)}
        return TrainedVoice(self._recordings, self._synthesizer, self._seed, **options)

    def _make_voice_griffin_lim(self) -> System | None:
        if not self._acoustic or not self._has_own_vocoder:
            return None
        parts = self._synthesizer
        synthesizer = Synthesizer(
            parts.acoustic,
            GriffinLimVocoder(parts.mel),
            parts.tokenizer,
            parts.mel,
            speakers=parts.speakers,
        )
        return TrainedVoice(self._recordings, synthesizer, self._seed, **self._griffin_lim)
