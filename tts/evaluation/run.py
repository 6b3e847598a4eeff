"""Runs an evaluation: systems speak sentences, measures judge them, and a report is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from tts.config import resolved
from tts.core.errors import InputError, one_line
from tts.core.progress import announced, progress
from tts.core.threads import torch_threads
from tts.evaluation.measures import MEASURES, Measure
from tts.evaluation.preflight import check_evaluation, known_names
from tts.evaluation.results import Evaluation, JudgedSystem
from tts.evaluation.sentences import Sentence, read_sentences
from tts.evaluation.systems import System


def evaluate(cfg: DictConfig) -> Evaluation:
    """Judge the systems of ``conf/evaluate.yaml``, and write a table, a JSON file and a page.

    Args:
        cfg: the composed configuration.

    Raises:
        InputError: a value is not legal, a checkpoint cannot be used, there is nothing to judge,
            or the output cannot be written.
    """
    from tts.evaluation.report import write_evaluation
    from tts.inference.options import VOCODER_OPTIONS, Options

    config = resolved(cfg)
    check_evaluation(config)
    Options(seed=config["seed"], **{key: config[key] for key in VOCODER_OPTIONS})  # checks them
    output = Path(str(config["output"])).expanduser()
    sentences = read_sentences(config["sentences"])[: config["n_sentences"]]
    skipped: dict[str, str] = {}
    with announced("loading the measures and the systems"):
        measures = load_measures(config["measures"], skipped)
        systems = load_systems(config, skipped)
    if not measures or not systems:
        raise InputError(f"nothing to judge: {'; '.join(skipped.values()) or 'systems=[]'}")
    with torch_threads(config["threads"]):
        evaluation = Evaluation(measures, skipped=skipped)
        for name, system in systems.items():
            if judged := judge(name, system, sentences, measures):
                evaluation.systems.append(judged)
            else:
                skipped[name] = "none of the sentences is recorded; set recordings=FOLDER"
    if not evaluation.systems:
        raise InputError(f"nothing to judge: {'; '.join(skipped.values())}")
    with announced(f"writing {output}"):
        write_evaluation(evaluation, config, output)
    return evaluation


def load_measures(names: Sequence[str], skipped: dict[str, str]) -> list[Measure]:
    """Return the measures whose packages are installed.

    Args:
        names: the measures of the configuration.
        skipped: gets the reason for each measure that is left out.

    Raises:
        InputError: a name is no measure.
    """
    measures = []
    for name in known_names("measures", names, MEASURES):
        measure = MEASURES[name]()
        try:
            measure.load()
        except InputError as error:
            skipped[name] = one_line(error)
        else:
            measures.append(measure)
    return measures


def load_systems(config: Mapping[str, Any], skipped: dict[str, str]) -> dict[str, System]:
    """Return the systems that can speak on this machine, in the order of the configuration.

    Args:
        config: the resolved configuration.
        skipped: gets the reason for each engine that is not installed.

    Raises:
        InputError: a name is no system, or a checkpoint cannot be used.
    """
    # imported here, so that an illegal value is reported before the networks' modules are loaded
    from tts.evaluation.system_factory import SystemFactory

    factory = SystemFactory(config)
    systems: dict[str, System] = {}
    for name in known_names("systems", config["systems"], factory.makers):
        try:
            system = factory.makers[name]()
        except InputError as error:
            if name not in factory.engines:
                raise
            skipped[name] = one_line(error)
        else:
            if system is not None:
                systems[name] = system
    return systems


def judge(
    name: str, system: System, sentences: Sequence[Sentence], measures: Sequence[Measure]
) -> JudgedSystem | None:
    """Let a system speak all sentences, and judge it; return None if it can speak none."""
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
        judged.transcripts = scores.transcripts or judged.transcripts
    return judged
