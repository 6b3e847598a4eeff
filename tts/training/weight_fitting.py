"""Weights of a Tacotron 2 of other sizes, made to fit so that nothing that was learnt is lost.

Sizes differ where trainings differ: how many frames a decoder step predicts, how many voices there
are. Each function gives the weights that it could make fit, and a word for the table of the warm
start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

SPEAKERS = "speaker_embedding.weight"
#: What reads the encoder's outputs; the last columns are for the speaker beside them. With each
#: goes the bias that can take over what one speaker adds; the attention's keys have none.
READ_SPEAKERS: dict[str, str | None] = {
    "decoder.attention.memory.weight": None,
    "decoder.attention_rnn.weight_ih": "decoder.attention_rnn.bias_ih",
    "decoder.decoder_rnn.weight_ih": "decoder.decoder_rnn.bias_ih",
    "decoder.projection.weight": "decoder.projection.bias",
    "decoder.gate.weight": "decoder.gate.bias",
    "decoder.pitch.logits.weight": "decoder.pitch.logits.bias",
    "decoder.pitch.state.weight": "decoder.pitch.state.bias",
}
#: A group of rows for each frame of a decoder step.
PREDICT_FRAMES = (
    "decoder.projection.weight",
    "decoder.projection.bias",
    "decoder.gate.weight",
    "decoder.gate.bias",
    *("decoder.pitch.logits.weight", "decoder.pitch.logits.bias"),
    *("decoder.pitch.state.weight", "decoder.pitch.state.bias"),
)
_GATE = "decoder.gate.bias"

Fitted = tuple[str, dict[str, Tensor]]


def fit_sizes(
    found: Mapping[str, Tensor], own: Mapping[str, Tensor], voice: int | None = None
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Make what can be made to fit.

    Args:
        found: weights of the file, by name.
        own: those of the network.
        voice: whose of several speakers of the file, for a network with one; None: their mean.

    Returns:
        The weights of the file, some of them made to fit, and for these what was done.
    """
    fitted, reasons = dict(found), dict[str, list[str]]()
    for reason, weights in _changes(fitted, own, voice):
        fitted |= weights
        for name in weights:
            reasons.setdefault(name, []).append(reason)
    return fitted, {name: "; ".join(told) for name, told in reasons.items()}


def _changes(
    fitted: Mapping[str, Tensor], own: Mapping[str, Tensor], voice: int | None
) -> Iterator[Fitted]:
    """One after the other: each reads what the one before has changed."""
    yield _frames_per_step(fitted, own)
    if SPEAKERS in own and SPEAKERS not in fitted:
        yield _several_voices(fitted, own)
    if SPEAKERS in fitted and SPEAKERS not in own:
        yield _one_voice(fitted, own, voice)


def _frames_per_step(found: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> Fitted:
    """What predicts the frames of a decoder step, for a step of another number of frames.

    A shorter step predicts the first of them, as before; in a longer one the new frames begin as
    the last that the file knows.
    """
    theirs, ours = (len(weights.get(_GATE, ())) for weights in (found, own))
    if theirs == ours or not theirs or not ours:
        return "", {}
    frames = torch.arange(ours).clamp(max=theirs - 1)
    return f"from {_frames(theirs)} in a step to {_frames(ours)}", {
        name: found[name].view(theirs, -1, *found[name].shape[1:])[frames].flatten(0, 1)
        for name in PREDICT_FRAMES
        if name in found and len(found[name]) % theirs == 0
    }


def _several_voices(found: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> Fitted:
    """Weights of a network with one voice as one with several has them: the same at first."""
    padded = {
        name: F.pad(found[name], (0, own[SPEAKERS].shape[1]))
        for name in READ_SPEAKERS
        if name in found
    }
    fitting = {name: new for name, new in padded.items() if new.shape == own[name].shape}
    return "the speaker's columns begin at zero", fitting


def _one_voice(found: Mapping[str, Tensor], own: Mapping[str, Tensor], voice: int | None) -> Fitted:
    """Weights of a network with several voices as one with a single voice has them.

    What the speaker's columns add is the same at every step: biases take it over. Left out is what
    has no bias, the attention's keys; and the first step, before anything is attended to, hears of
    the speaker now, too.
    """
    table = found[SPEAKERS]
    speaker = table.mean(0) if voice is None else table[voice]
    fitted: dict[str, Tensor] = {}
    for name, bias in READ_SPEAKERS.items():
        n_columns = found[name].shape[1] - len(speaker) if name in found else 0
        if n_columns < 1 or own[name].shape[1] != n_columns:
            continue
        fitted[name] = found[name][:, :n_columns]
        if bias is not None:
            fitted[bias] = found[bias] + found[name][:, n_columns:] @ speaker
    of_whom = "the mean of the speakers" if voice is None else "the speaker"
    return f"with {of_whom} in the biases", fitted


def _frames(count: int) -> str:
    return f"{count} frames" if count > 1 else "1 frame"
