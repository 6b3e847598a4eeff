"""Makes weights of a Tacotron 2 fit a network of other sizes without losing what they learned.

Trainings differ in how many frames a decoder step predicts and in how many speakers there are. Each
function returns the weights that it could make fit, and a remark for the table of the warm start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

SPEAKERS = "speaker_embedding.weight"
#: Weights that read the encoder's outputs; their last columns are for the speaker's embedding next
#: to these. The value is the bias that can take over what one speaker adds; the attention's keys
#: have no bias.
READ_SPEAKERS: dict[str, str | None] = {
    "decoder.attention.memory.weight": None,
    "decoder.attention_rnn.weight_ih": "decoder.attention_rnn.bias_ih",
    "decoder.decoder_rnn.weight_ih": "decoder.decoder_rnn.bias_ih",
    "decoder.projection.weight": "decoder.projection.bias",
    "decoder.gate.weight": "decoder.gate.bias",
    "decoder.pitch.logits.weight": "decoder.pitch.logits.bias",
    "decoder.pitch.state.weight": "decoder.pitch.state.bias",
}
#: Weights with a group of rows for each frame of a decoder step.
PREDICT_FRAMES = (
    "decoder.projection.weight",
    "decoder.projection.bias",
    "decoder.gate.weight",
    "decoder.gate.bias",
    *("decoder.pitch.logits.weight", "decoder.pitch.logits.bias"),
    *("decoder.pitch.state.weight", "decoder.pitch.state.bias"),
)
_GATE = "decoder.gate.bias"

#: A remark for the table, and the weights by name.
Fitted = tuple[str, dict[str, Tensor]]


def fit_sizes(
    loaded: Mapping[str, Tensor], own: Mapping[str, Tensor], speaker: int | None = None
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Resize the weights of a file, as far as they can be made to fit a network.

    Args:
        loaded: weights of the file, by name.
        own: weights of the network, by name.
        speaker: number of the file's speaker whose voice a network for one speaker begins with;
            None for the mean of all speakers.

    Returns:
        All weights of the file, some of them resized; and for each resized weight a remark.
    """
    fitted, remarks = dict(loaded), dict[str, list[str]]()
    for remark, weights in _changes(fitted, own, speaker):
        fitted |= weights
        for name in weights:
            remarks.setdefault(name, []).append(remark)
    return fitted, {name: "; ".join(lines) for name, lines in remarks.items()}


def _changes(
    fitted: Mapping[str, Tensor], own: Mapping[str, Tensor], speaker: int | None
) -> Iterator[Fitted]:
    """Yield the changes one after the other; each reads what the one before has changed."""
    yield _fit_frames_per_step(fitted, own)
    if SPEAKERS in own and SPEAKERS not in fitted:
        yield _add_speakers(fitted, own)
    if SPEAKERS in fitted and SPEAKERS not in own:
        yield _remove_speakers(fitted, own, speaker)


def _fit_frames_per_step(loaded: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> Fitted:
    """Fit the weights that predict frames to another number of frames in a decoder step.

    A shorter step keeps the first frames. In a longer step, the new frames begin as copies of the
    file's last frame.
    """
    theirs, ours = (len(weights.get(_GATE, ())) for weights in (loaded, own))
    if theirs == ours or not theirs or not ours:
        return "", {}
    frames = torch.arange(ours).clamp(max=theirs - 1)
    return f"from {_frames(theirs)} in a step to {_frames(ours)}", {
        name: loaded[name].view(theirs, -1, *loaded[name].shape[1:])[frames].flatten(0, 1)
        for name in PREDICT_FRAMES
        if name in loaded and len(loaded[name]) % theirs == 0
    }


def _add_speakers(loaded: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> Fitted:
    """Fit a network for one speaker to one for several: at first all speakers sound the same."""
    padded = {
        name: F.pad(loaded[name], (0, own[SPEAKERS].shape[1]))
        for name in READ_SPEAKERS
        if name in loaded
    }
    fitting = {name: new for name, new in padded.items() if new.shape == own[name].shape}
    return "the speaker's columns begin at zero", fitting


def _remove_speakers(
    loaded: Mapping[str, Tensor], own: Mapping[str, Tensor], speaker: int | None
) -> Fitted:
    """Fit a network for several speakers to one for a single speaker.

    The speaker's columns add the same in every step, so the biases take it over. Two things differ:
    the attention's keys have no bias, so their part is lost; and the speaker now has an influence
    in the first step too, before anything is attended to.
    """
    table = loaded[SPEAKERS]
    embedding = table.mean(0) if speaker is None else table[speaker]
    fitted: dict[str, Tensor] = {}
    for name, bias in READ_SPEAKERS.items():
        n_columns = loaded[name].shape[1] - len(embedding) if name in loaded else 0
        if n_columns < 1 or own[name].shape[1] != n_columns:
            continue
        fitted[name] = loaded[name][:, :n_columns]
        if bias is not None:
            fitted[bias] = loaded[bias] + loaded[name][:, n_columns:] @ embedding
    whose = "the mean of the speakers" if speaker is None else "the speaker"
    return f"with {whose} in the biases", fitted


def _frames(count: int) -> str:
    return f"{count} frames" if count > 1 else "1 frame"
