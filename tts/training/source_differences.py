"""Says in one line for each kind how a network differs from that of ``init_from``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from torch import nn

from tts.core.errors import listed
from tts.core.ranges import shown
from tts.models import COMPUTATION_OPTIONS
from tts.training.source_options import READING
from tts.training.warm_start_report import WarmStartReport

_FRAMES, _PITCH = "n_frames_per_step", "pitch_bins"
#: Fields of a network that other lines describe, or that follow from the mel contract.
_ELSEWHERE = (
    *COMPUTATION_OPTIONS,
    *("n_symbols", "n_speakers", "speaker_embedding_dim", "alternate_halves"),
    *("n_mels", "sample_rate", "n_fft", "f_min", "f_max", "hop_length", "win_length"),
    *(_FRAMES, _PITCH, "pitch_dim", "pitch_dropout", "pitch_low", "pitch_high"),
)
_MOST_PARTS = 8


def source_differences(
    report: WarmStartReport, network: nn.Module, tokenizer: Any | None
) -> Iterator[str]:
    """Yield a sentence for each kind of difference; none if everything was taken over.

    Args:
        report: what became of each weight, and the description of the file.
        network: the network that is trained.
        tokenizer: the tokenizer of this run; None for a vocoder.
    """
    theirs, description = report.description["network_config"], report.description
    ours: dict[str, Any] = asdict(network.config)  # type: ignore[call-overload]
    # rates of dropout belong to a training, not to what was learned
    fields = [name for name in theirs if name not in _ELSEWHERE and not name.endswith("dropout")]
    yield from _values("the network is another one", fields, theirs, ours, "model.network.")
    if theirs.get(_FRAMES, 1) != ours.get(_FRAMES, 1):
        yield (
            f"a decoder step predicts {theirs.get(_FRAMES, 1)} frames there and {ours[_FRAMES]} "
            f"here; attention has to adapt (model.network.{_FRAMES})"
        )
    pitch = theirs.get(_PITCH, 0), ours.get(_PITCH, 0)
    if pitch[0] != pitch[1]:
        yield f"the pitch has {pitch[0]} classes there and {pitch[1]} here (model.network.{_PITCH})"
    if tokenizer is not None and description["tokenizer"] is not None:
        yield from _values(
            "texts are read in another way, which the network has to learn first",
            [name for name in READING if name in description["tokenizer"]],
            description["tokenizer"],
            tokenizer.to_dict(),
            "tokenizer.",
        )
    if parts := report.parts("initial", "skipped", of_file=False):
        yield f"not initialised by the file: {listed(parts, _MOST_PARTS)}"
    if parts := report.parts("skipped", of_file=True):
        yield f"left out, as this network has no such part: {listed(parts, _MOST_PARTS)}"


def _values(
    what: str, names: list[str], theirs: Mapping[str, Any], ours: Mapping[str, Any], prefix: str
) -> Iterator[str]:
    different = [name for name in names if _plain(theirs[name]) != _plain(ours.get(name))]
    if different:
        pairs = [f"{n} {_short(theirs[n])} there, {_short(ours.get(n))} here" for n in different]
        yield f"{what}: {'; '.join(pairs)} ({prefix}{different[0]})"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _short(value: Any) -> str:
    return f"{len(value)} symbols" if isinstance(value, (list, tuple)) else shown(value)
