"""Checks of single recordings."""

from __future__ import annotations

from collections.abc import Iterator

from tts.audio import MelConfig
from tts.data.corpora.manifest import Utterance
from tts.data.doctor.findings import Finding, utterance_finding
from tts.data.doctor.options import DoctorOptions
from tts.data.doctor.recording_stats import RecordingStats
from tts.data.doctor.utterances import ExaminedUtterance
from tts.data.loading.speech_datamodule import SpeechDataModule

# A tenth of a second says something of a spectrum
_LEAST_SPOKEN = 0.1


def check_recording(
    case: ExaminedUtterance, datamodule: SpeechDataModule, options: DoctorOptions
) -> Iterator[Finding]:
    """What is wrong with a recording by itself."""
    utterance, sound = case.utterance, case.sound
    if sound is None:
        yield utterance_finding("unreadable", "error", utterance, case.wrong)
        return
    if sound.channels != 1:
        yield utterance_finding("channels", "error", utterance, f"{sound.channels} channels")
    if sound.rate != datamodule.mel.sample_rate:
        severity = "note" if datamodule.resample else "error"
        what = f"{sound.rate} Hz, expected {datamodule.mel.sample_rate} Hz"
        yield utterance_finding("rate", severity, utterance, what)
    if sound.is_silent:
        yield utterance_finding(
            "silent", "error", utterance, f"the highest sample is {sound.peak:.1g}"
        )
        return
    yield from _level(utterance, sound, options)
    if datamodule.processing.trim_db is None:
        yield from _ends(utterance, sound, options)
    yield from _band(utterance, sound, datamodule.mel, options)


def _level(
    utterance: Utterance, sound: RecordingStats, options: DoctorOptions
) -> Iterator[Finding]:
    if sound.n_clipped >= options.clipped:
        what = f"{sound.n_clipped} samples in flat tops at {sound.peak:.2f} of full scale"
        yield utterance_finding("clipping", "warning", utterance, what, sound.n_clipped)
    if abs(sound.offset) >= options.offset:
        what = f"the mean of the samples is {sound.offset:+.3f}"
        yield utterance_finding("offset", "warning", utterance, what, abs(sound.offset))
    if sound.level < options.faintest:
        what = f"{-sound.level:.1f} dB below full scale"
        yield utterance_finding("faint", "warning", utterance, what, -sound.level)


def _ends(utterance: Utterance, sound: RecordingStats, options: DoctorOptions) -> Iterator[Finding]:
    if sound.lead > options.longest_lead:
        what = f"{sound.lead:.2f} s of {sound.seconds:.2f} s"
        yield utterance_finding("lead", "warning", utterance, what, sound.lead)
    if sound.tail > options.longest_tail:
        what = f"{sound.tail:.2f} s of {sound.seconds:.2f} s"
        yield utterance_finding("tail", "warning", utterance, what, sound.tail)


def _band(
    utterance: Utterance, sound: RecordingStats, mel: MelConfig, options: DoctorOptions
) -> Iterator[Finding]:
    highest = min(mel.f_max or mel.sample_rate / 2, mel.sample_rate / 2)
    if sound.band < options.band * highest and sound.spoken >= _LEAST_SPOKEN:
        what = f"ends at {sound.band:.0f} Hz of {highest:.0f} Hz"
        yield utterance_finding("band", "warning", utterance, what, -sound.band)
