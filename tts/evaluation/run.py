"""The recipe of an evaluation: sentences, systems, measures, and one table of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from tts.config import resolved
from tts.config.schema import EVALUATION, VOCODER_OPTIONS, check_values
from tts.core.errors import InputError, one_line
from tts.core.progress import progress
from tts.core.threads import torch_threads
from tts.evaluation.clips import Clip
from tts.evaluation.measures import MEASURES, FigureValues, Measure
from tts.evaluation.sentences import Sentence, read_sentences
from tts.evaluation.systems import (
    CopySynthesis,
    EngineVoice,
    Recordings,
    System,
    TrainedVoice,
)


@dataclass
class JudgedSystem:
    """A system and what was found.

    Attributes:
        name: of the system.
        clips: what it said.
        rows: figures of each clip, of all measures.
        summary: figures of the system.
        heard: what a recogniser understood of each clip; empty if none listened.
    """

    name: str
    clips: list[Clip]
    rows: list[FigureValues]
    summary: FigureValues = field(default_factory=dict)
    heard: tuple[str, ...] = ()


@dataclass
class Evaluation:
    """All that was found, and what was skipped and why.

    Attributes:
        measures: that judged.
        systems: that were judged, in the order of the table.
        skipped: reasons by name of the system or measure.
    """

    measures: list[Measure]
    systems: list[JudgedSystem] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def evaluate(cfg: DictConfig) -> Evaluation:
    """Judge what ``conf/evaluate.yaml`` says, and write table, JSON and page.

    Args:
        cfg: the composed configuration.

    Raises:
        InputError: a value that is not legal, a checkpoint that cannot be used, nothing to judge,
            or an output that cannot be written.
    """
    from tts.evaluation.report import write_evaluation

    config = resolved(cfg)
    check_values(config, EVALUATION)
    output = Path(str(config["output"])).expanduser()
    sentences = read_sentences(config["sentences"])[: config["n_sentences"]]
    skipped: dict[str, str] = {}
    measures = ready_measures(config["measures"], skipped)
    systems = ready_systems(config, skipped)
    if not measures or not systems:
        raise InputError(f"nothing to judge: {'; '.join(skipped.values()) or 'systems=[]'}")
    with torch_threads(config["threads"]):
        found = Evaluation(measures, skipped=skipped)
        for name, system in systems.items():
            if judged := judge(name, system, sentences, measures):
                found.systems.append(judged)
            else:
                skipped[name] = "none of the sentences is recorded; set recordings=FOLDER"
    if not found.systems:
        raise InputError(f"nothing to judge: {'; '.join(skipped.values())}")
    write_evaluation(found, config, output)
    return found


def ready_measures(names: Sequence[str], skipped: dict[str, str]) -> list[Measure]:
    """The measures that can judge here; why the others cannot goes to ``skipped``.

    Raises:
        InputError: there is no measure of a name.
    """
    measures = []
    for name in _known("measures", names, MEASURES):
        measure = MEASURES[name]()
        try:
            measure.load()
        except InputError as error:
            skipped[name] = one_line(error)
        else:
            measures.append(measure)
    return measures


def ready_systems(config: Mapping[str, Any], skipped: dict[str, str]) -> dict[str, System]:
    """The systems that can speak here, in the order in which they were asked for.

    Raises:
        InputError: there is no system of a name, or a checkpoint cannot be used.
    """
    recordings, makers = Recordings(config["recordings"]), _makers(config)
    systems: dict[str, System] = {}
    for name in _known("systems", config["systems"], makers):
        try:
            system = makers[name](recordings)
        except InputError as error:
            if name not in ("espeak", "hibari"):
                raise
            skipped[name] = one_line(error)
        else:
            if system is not None:
                systems[name] = system
    return systems


def _makers(config: Mapping[str, Any]) -> dict[str, Callable[[Recordings], System | None]]:
    """How each system is made; None where it would repeat another, or has no checkpoint."""
    from tts.audio import MelConfig
    from tts.inference import (
        GriffinLimVocoder,
        Options,
        Synthesizer,
        Vocoder,
        WaveGlowVocoder,
        load_waveglow,
        pick_device,
    )
    from tts.inference.synthesizer import GRIFFIN_LIM, configured

    acoustic, vocoder = config["acoustic"], str(config["vocoder"])
    seed, device = config["seed"], pick_device(str(config["device"]))
    speaker = None if config["speaker"] is None else str(config["speaker"])
    own_vocoder = vocoder != GRIFFIN_LIM
    settings = {key: config[key] for key in VOCODER_OPTIONS}
    plain = {"speaker": speaker, "sharpness": config["sharpness"]}

    @cache
    def synthesizer() -> Synthesizer:
        return Synthesizer.from_pretrained(acoustic, vocoder, device)

    def own(spoken: Vocoder) -> dict[str, Any]:
        """The settings for a vocoder; a sharpness may be meant for Griffin-Lim alone."""
        silent = isinstance(spoken, WaveGlowVocoder) and not (spoken.polish or settings["polish"])
        return settings | ({"sharpness": None} if silent else {})

    def griffin_lim_copy(recordings: Recordings) -> System:
        griffin_lim = configured(GriffinLimVocoder(MelConfig()), Options(**plain))
        return CopySynthesis(recordings, griffin_lim, seed)

    def vocoder_copy(recordings: Recordings) -> System | None:
        if not own_vocoder:
            return None
        spoken, _ = load_waveglow(vocoder, device)
        return CopySynthesis(recordings, configured(spoken, Options(**own(spoken))), seed)

    def voice(recordings: Recordings) -> System | None:
        if not acoustic:
            return None
        spoken = synthesizer()
        return TrainedVoice(recordings, spoken, seed, speaker=speaker, **own(spoken.vocoder))

    def voice_griffin_lim(recordings: Recordings) -> System | None:
        if not acoustic or not own_vocoder:
            return None
        parts = synthesizer()
        spoken = Synthesizer(
            parts.acoustic,
            GriffinLimVocoder(parts.mel),
            parts.tokenizer,
            parts.mel,
            speakers=parts.speakers,
        )
        return TrainedVoice(recordings, spoken, seed, **plain)

    return {
        "recordings": lambda recordings: recordings,
        "griffin_lim_copy": griffin_lim_copy,
        "vocoder_copy": vocoder_copy,
        "voice": voice,
        "voice_griffin_lim": voice_griffin_lim,
        "espeak": lambda recordings: EngineVoice(recordings, "espeak"),
        "hibari": lambda recordings: EngineVoice(recordings, "hibari"),
    }


def judge(
    name: str, system: System, sentences: Sequence[Sentence], measures: Sequence[Measure]
) -> JudgedSystem | None:
    """Let a system speak, and judge it; None if it has nothing to say."""
    with progress(f"{name}: speaking", len(sentences)) as advance:
        clips = []
        for clip in system(sentences):
            clips.append(clip)
            advance(1)
    if not clips:
        return None
    judged = JudgedSystem(name, clips, [{} for _ in clips])
    for measure in measures:
        with progress(f"{name}: {measure.name}", len(clips)) as advance:
            scores = measure(clips, lambda: advance(1))
        for row, new in zip(judged.rows, scores.rows, strict=True):
            row.update(new)
        judged.summary |= scores.summary
        judged.heard = scores.heard or judged.heard
    return judged


def _known(key: str, names: Sequence[str], known: Mapping[str, Any]) -> list[str]:
    for name in names:
        if name not in known:
            raise InputError(f"{key}: there is no {name!r}; choose from {', '.join(known)}")
    return list(dict.fromkeys(names))
