"""Writes the model card: what is known of a voice, and for everything else that it is not known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tts.core.output import printable
from tts.evaluation.measures import MEASURES
from tts.pretrained.publication import NETWORK_FILES
from tts.publish.evaluation_report import EvaluationReport
from tts.publish.sounds import SpokenSentence
from tts.publish.sources import PublishedNetwork

CARD = "README.md"
NOT_KNOWN = "Not known: "
#: Ids of licences that the hub knows; every other text is shown as it is.
LICENCES = (
    *("apache-2.0", "bsd-3-clause", "cc0-1.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "gpl-3.0"),
    *("cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0", "mit", "unlicense"),
)
_WARNING = (
    "**A machine speaks.** This voice says whatever text it is given. Whoever lets others hear it "
    "must tell them that a machine speaks, and must not pass it off as the person who was recorded."
)
_NAMES = {"Tacotron2": "Acoustic model (Tacotron 2)", "WaveGlow": "Vocoder (WaveGlow)"}
# characters that Markdown or HTML would take for markup
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


@dataclass(frozen=True)
class VoiceCard:
    """Holds everything that a card shows.

    Attributes:
        title: the headline.
        use: what ``acoustic=`` and ``vocoder=`` name.
        config: the resolved configuration of the command.
        networks: the published networks, by their names.
        descriptions: what each file says about itself, by the same names.
        report: the evaluation, if there is one.
        sounds: the sentences that can be heard.
        no_sounds: why there are no sounds; empty if there are some.
        curves: the pictures of the losses, by the names of the networks.
    """

    title: str
    use: str
    config: Mapping[str, Any]
    networks: Mapping[str, PublishedNetwork]
    descriptions: Mapping[str, Mapping[str, Any]]
    report: EvaluationReport | None
    sounds: Sequence[SpokenSentence]
    no_sounds: str
    curves: Mapping[str, str]

    def to_markdown(self) -> str:
        """Return the text of the card, with the header that the hub reads."""
        sections = {
            "Use": self._use(),
            "Speaker": self._speaker(),
            "Data": self._data(),
            "Training": self._training(),
            "Figures": self._figures(),
            "Sounds": self._sounds(),
            "Known faults": self._faults(),
            "Licence": self._licence(),
        }
        lines = [*self._header(), f"# {plain(self.title)}", "", _WARNING, ""]
        for name, content in sections.items():
            lines += [f"## {name}", "", *content, ""]
        return "\n".join(lines).rstrip() + "\n"

    def _header(self) -> Iterator[str]:
        import yaml

        facts: dict[str, Any] = {"library_name": "tacoglow", "pipeline_tag": "text-to-speech"}
        facts["tags"] = ["tacoglow", *(name.lower() for name in self.networks)]
        if self._language:
            facts["language"] = self._language
        if (licence := self.config["licence"]) is not None:
            is_id = licence.lower() in LICENCES
            facts |= {"license": licence.lower()} if is_id else {"license": "other"}
            facts |= {} if is_id else {"license_name": " ".join(licence.split())}
        yield from ("---", yaml.safe_dump(facts, sort_keys=False, allow_unicode=True).rstrip())
        yield from ("---", "")

    @property
    def _language(self) -> str | None:
        if self.config["language"] is not None:
            return str(self.config["language"])
        tokenizer = self.descriptions.get("Tacotron2", {}).get("tokenizer") or {}
        return tokenizer.get("language")

    def _use(self) -> Iterator[str]:
        options = []
        if "Tacotron2" in self.networks:
            options += ['text="Hello."', f"acoustic={self.use}"]
        if "WaveGlow" in self.networks:
            options += [] if options else ['text="Hello."']
            options.append(f"vocoder={self.use}")
        yield from ("With tacoglow:", "", f"    python synthesize.py {' '.join(options)}", "")
        if "WaveGlow" not in self.networks:
            yield "No vocoder was published with it: its mels become sound by Griffin-Lim."
        if "Tacotron2" not in self.networks:
            yield "It makes sound of mels; an acoustic model with the same mels reads the text."
        yield "`publication.json` lists all files with their SHA-256."

    def _speaker(self) -> Iterator[str]:
        speaker, consent = self.config["speaker"], self.config["consent"]
        yield f"- Who spoke: {_or_unknown(speaker, 'the publisher has not said who was recorded')}"
        unknown = "the publisher has not said whether this person agreed. Ask before you use it"
        yield f"- Consent: {_or_unknown(consent, unknown)}"
        unknown = "neither the publisher nor the tokenizer states it"
        yield f"- Language: {_or_unknown(self._language, unknown)}"
        names = self.descriptions.get("Tacotron2", {}).get("speakers")
        if names:
            yield f"- Voices: {', '.join(map(plain, names))}"

    def _data(self) -> Iterator[str]:
        unknown = "the publisher has not said where the recordings come from"
        yield f"- Source: {_or_unknown(self.config['source'], unknown)}"
        for name, network in self.networks.items():
            corpus, facts = self.descriptions[name].get("corpus"), network.facts
            hours = f"{facts['hours']:.2f} hours" if _is_number(facts.get("hours")) else None
            utterances = facts.get("utterances")
            if isinstance(utterances, dict):
                counts = ", ".join(f"{n} {part}" for part, n in utterances.items())
                hours = f"{hours or 'hours not known'}; utterances: {counts}"
            yield (
                f"- {_NAMES[name]}: {_or_unknown(corpus, 'the file names no corpus')}; "
                f"{hours or 'how many hours is not known: the run has no facts.json that says it'}"
            )

    def _training(self) -> Iterator[str]:
        for name, network in self.networks.items():
            config = self.descriptions[name].get("config") or {}
            yield from (f"### {_NAMES[name]}", "")
            steps = None if network.step is None else f"{network.step} steps"
            if steps and network.epoch is not None:
                steps += f", {network.epoch} epochs"
            yield f"- Trained for: {steps or 'not known; the file does not say it'}"
            yield f"- Began from: {_beginning(config)}"
            for label, key in (("Parameters", "parameters"), ("Device", "device")):
                if key in network.facts:
                    value = network.facts[key]
                    yield f"- {label}: {f'{value:,}' if type(value) is int else plain(value)}"
            versions = [key for key in ("tacoglow", "git", "torch") if network.facts.get(key)]
            if versions:
                shown = ", ".join(f"{key} {plain(network.facts[key])}" for key in versions)
                yield f"- Versions: {shown}"
            file = NETWORK_FILES[name].replace(".safetensors", ".yaml")
            shown = f"[{file}]({file})" if config else "not known; the file has none"
            yield f"- Configuration: {shown}"
            if name in self.curves:
                yield from ("", f"![loss of the training]({self.curves[name]})")
            else:
                yield "- Curve: not known; the run has no metrics.csv beside the checkpoint"
            yield ""

    def _figures(self) -> Iterator[str]:
        if self.report is None:
            yield f"{NOT_KNOWN}the voice was published without an evaluation."
            return
        names = " and ".join(f"`{_code(name)}`" for name in self.report.names.values())
        n = len(self.report.clips)
        yield f"By `python -m tts.evaluation`, which judged {names} on {n} sentences:"
        yield ""
        summaries = self.report.summaries
        figures = [f for measure in MEASURES.values() for f in measure().figures]
        figures = [f for f in figures if any(f.key in row for row in summaries.values())]
        yield f"| system | {' | '.join(f.heading for f in figures)} |"
        yield f"|---|{'---|' * len(figures)}"
        for system, row in summaries.items():
            cells = [format(row[f.key], f.form) if f.key in row else "-" for f in figures]
            yield f"| {plain(system)} | {' | '.join(cells)} |"
        yield ""
        yield from (f"- {f.heading}: {f.meaning}" for f in figures)
        yield from (f"- not judged, {plain(k)}: {plain(v)}" for k, v in self.report.skipped.items())

    def _sounds(self) -> Iterator[str]:
        if self.no_sounds:
            yield f"None: {self.no_sounds}."
            return
        yield "Spoken by the published files, without any correction:"
        yield ""
        for sound in self.sounds:
            who = f" ({plain(sound.speaker)})" if sound.speaker is not None else ""
            yield f"- [{sound.file}]({sound.file}){who}: {plain(sound.text)}"

    def _faults(self) -> Iterator[str]:
        stated = self.config["faults"]
        if stated is not None:
            yield f"- {plain(stated)}"
        if self.report is None or not self.report.clips:
            if stated is None:
                yield f"{NOT_KNOWN}nobody has looked for faults, or none were named."
            return
        found = list(self.report.faults())
        yield from (f"- {plain(fault)}" for fault in found)
        if not found and stated is None:
            n = len(self.report.clips)
            yield f"The evaluation of {n} sentences showed none; it does not find all."

    def _licence(self) -> Iterator[str]:
        unknown = (
            "the publisher has not said what may be done with this voice. Ask before you use it"
        )
        yield _or_unknown(self.config["licence"], unknown)


def plain(text: Any) -> str:
    """Return a text from outside on one line, in which Markdown finds no markup."""
    if text is None:
        return ""
    return _MARKUP.sub(r"\\\1", printable(" ".join(str(text).split())))


def _code(text: str) -> str:
    """Return the last part of a path for a span of code."""
    return printable(re.split(r"[/\\]", text)[-1].replace("`", "'"))


def _or_unknown(value: Any, unknown: str) -> str:
    return f"{plain(value)}" if value is not None else f"{NOT_KNOWN}{unknown}."


def _beginning(config: Mapping[str, Any]) -> str:
    if "init_from" not in config:
        return "not known; the file has no configuration"
    return plain(config["init_from"]) or "random weights"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
