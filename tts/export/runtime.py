"""Speaks with an exported folder by numpy and onnxruntime, without torch.

The code shows how the files work together, and may be copied: the encoder runs once, the decoder
step until the gate opens, the post-net once, then WaveGlow in chunks and the denoiser. The files
draw no random numbers: the factors of the pre-net's dropout and WaveGlow's noise are inputs. With
the same numbers the wave is that of :class:`tts.inference.Synthesizer`, except for rounding; the
same seed gives other numbers there, since torch and numpy have different generators.

Shapes: T_text symbols, T_mel frames, T_wave samples, T groups of samples.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tts.audio.stretching import SPEEDS, stretched
from tts.core.errors import InputError
from tts.core.ranges import check_arguments
from tts.export.sessions import open_session

Array = NDArray[np.float32]
#: Returns the factors ``(2, 1, prenet_dim)`` of the next decoder step, 0 or 1 / (1 - p).
DrawMasks = Callable[[], Array]


class OnnxMel(NamedTuple):
    """Holds the output of the acoustic model for one utterance.

    Attributes:
        mel: ``(n_mels, T_mel)`` log-mel spectrogram.
        alignments: ``(T_mel, T_text)`` attention weights.
        gate_logits: ``(T_mel,)``.
        stop_reason: "gate", or "max_steps" if the utterance was cut off.
    """

    mel: Array
    alignments: Array
    gate_logits: Array
    stop_reason: str


class OnnxSpeech(NamedTuple):
    """Holds the wave of one utterance.

    Attributes:
        wave: ``(T_wave,)`` samples, which may be slightly outside of [-1, 1].
        sample_rate: in Hz.
        decoded: the output of the acoustic model, at speed 1.
    """

    wave: Array
    sample_rate: int
    decoded: OnnxMel


class OnnxSynthesizer:
    """Turns text into speech with the files of an exported folder.

    Args:
        folder: a folder that ``python -m tts.export`` wrote.
        threads: number of onnxruntime's threads; None lets onnxruntime choose.

    Attributes:
        description: the content of ``description.json``.

    Raises:
        InputError: there is no such folder, it has another format, a file in it is damaged, or
            onnxruntime is missing.
    """

    def __init__(self, folder: str | Path, threads: int | None = None) -> None:
        self.description = _read_description(Path(folder))
        self._mel = self.description["mel"]
        self._parts = {
            name: open_session(Path(folder), part, threads)
            for name, part in self.description["parts"].items()
        }
        self._tokenizer: Any = None

    def speak(
        self,
        text: str,
        *,
        seed: int = 0,
        speaker: str | None = None,
        max_steps: int | None = None,
        gate_threshold: float | None = None,
        sigma: float | None = None,
        denoiser: float | None = None,
        speed: float = 1.0,
    ) -> OnnxSpeech:
        """Speak one utterance.

        Args:
            text: the utterance.
            seed: seed of dropout and noise.
            speaker: name of the speaker, if the acoustic model has several.
            max_steps: decoder steps after which the utterance is cut off.
            gate_threshold: stop probability that ends the utterance.
            sigma: standard deviation of WaveGlow's noise.
            denoiser: strength with which WaveGlow's bias noise is subtracted.
            speed: playing speed at the same pitch; 2 takes half the time.

        Raises:
            InputError: nothing in the text can be pronounced, the speaker is unknown, the speed is
                not legal, or a network was not exported.
        """
        check_arguments({"speed": speed}, {"speed": SPEEDS}, "")
        self._need("acoustic")
        vocoder = self._need("vocoder")
        masks, noise = np.random.default_rng(seed).spawn(2)
        decoded = self.decode(
            self.encode(text),
            partial(self.draw_masks, masks),
            speaker=self.speaker_number(speaker),
            max_steps=max_steps,
            gate_threshold=gate_threshold,
        )
        mel = stretched(decoded.mel, speed)
        n_frames = max(2, mel.shape[1])
        sigma = vocoder["sigma"] if sigma is None else sigma
        z = noise.standard_normal(self.noise_shape(n_frames)) * sigma
        wave = self.vocode(mel, z.astype(np.float32), denoiser=denoiser)
        return OnnxSpeech(wave, self._mel["sample_rate"], decoded)

    def encode(self, text: str) -> list[int]:
        """Return the symbol ids of a text.

        Raises:
            InputError: nothing in it can be pronounced, or it has a mark such as ``[pause 1]``.
        """
        from tts.text.bracket_marks import refuse_marks

        refuse_marks(text)
        if self._tokenizer is None:
            from tts.text import Tokenizer

            self._tokenizer = Tokenizer.from_dict(self._need("acoustic")["tokenizer"])
        return list(self._tokenizer.encode(text))

    def speaker_number(self, name: str | None) -> int:
        """Return the number of a speaker, which is 0 for None if there is only one.

        Raises:
            InputError: the name is unknown, or None where there are several speakers.
        """
        speakers = self._need("acoustic")["speakers"]
        if name is None and not speakers:
            return 0
        if name not in speakers:
            names = ", ".join(speakers) or "one voice; leave the speaker out"
            raise InputError(f"speaker={name}: the acoustic model knows {names}")
        return int(speakers.index(name))

    def draw_masks(self, source: np.random.Generator) -> Array:
        """Draw the factors of the pre-net's outputs in one step, ``(2, 1, prenet_dim)``."""
        acoustic = self._need("acoustic")
        keep = 1 - acoustic["prenet_dropout"]
        kept = source.random((2, 1, acoustic["network"]["prenet_dim"])) < keep
        masks: Array = (kept / keep).astype(np.float32)
        return masks

    def noise_shape(self, n_frames: int) -> tuple[int, int]:
        """Return the shape of WaveGlow's noise, ``(n_group, T)``."""
        vocoder = self._need("vocoder")
        return vocoder["network"]["n_group"], n_frames * vocoder["groups_per_frame"]

    def decode(
        self,
        ids: Sequence[int],
        draw_masks: DrawMasks,
        *,
        speaker: int = 0,
        max_steps: int | None = None,
        gate_threshold: float | None = None,
    ) -> OnnxMel:
        """Decode symbol ids into a log-mel spectrogram.

        Args:
            ids: symbol ids of one utterance.
            draw_masks: a function that is called once for each decoder step.
            speaker: number of the speaker.
            max_steps: decoder steps after which the utterance is cut off.
            gate_threshold: stop probability that ends the utterance.

        Raises:
            InputError: ``max_steps`` is below 1.
        """
        acoustic = self._need("acoustic")
        limit = acoustic["max_steps"] if max_steps is None else max_steps
        if limit < 1:
            raise InputError(f"max_steps={limit}: must be at least 1")
        threshold = acoustic["gate_threshold"] if gate_threshold is None else gate_threshold
        text = {
            "text": np.array([ids], np.int64),
            "text_lengths": np.array([len(ids)], np.int64),
            "speakers": np.array([speaker], np.int64),
        }
        inputs = self._run("encoder", text)
        inputs |= self._initial_state(B=1, T_text=len(ids))
        inputs["frame"] = np.zeros((1, acoustic["network"]["n_mels"]), np.float32)
        steps: list[tuple[Array, Array, Array]] = []
        stopped = False
        while not stopped and len(steps) < limit:
            out = self._run("decoder_step", {**inputs, "prenet_masks": draw_masks()})
            state = {name: out[f"next_{name}"] for name in inputs if f"next_{name}" in out}
            inputs = {**inputs, **state, "frame": out["frames"][:, -1]}
            gate = out["gate_logits"][0]
            steps.append((out["frames"][0], gate, state["attention_weights"][0, 0]))
            stopped = bool((_sigmoid(gate) > threshold).any())
        return self._assemble(steps, threshold, stopped)

    def vocode(self, mel: Array, z: Array, *, denoiser: float | None = None) -> Array:
        """Turn a log-mel spectrogram into a wave, in chunks, so that memory stays constant.

        Args:
            mel: ``(n_mels, T_mel)``; a silent frame is added to a single one.
            z: noise of :meth:`noise_shape`, times sigma.
            denoiser: strength with which WaveGlow's bias noise is subtracted.

        Returns:
            ``(T_wave,)`` samples.
        """
        vocoder, hop = self._need("vocoder"), self._mel["hop_length"]
        silence = math.log(self._mel["log_floor"])
        missing = max(0, 2 - mel.shape[1])
        mel = np.pad(mel, ((0, 0), (0, missing)), constant_values=silence)
        rate, margin, chunk = (
            vocoder[name] for name in ("groups_per_frame", "receptive_frames", "chunk_frames")
        )
        pieces, n_frames = [], mel.shape[1]
        for start in range(0, n_frames, chunk):
            first, last = max(start - margin, 0), min(start + chunk + margin, n_frames)
            inputs = {"mel": mel[None, :, first:last], "z": z[None, :, first * rate : last * rate]}
            wave = self._run("waveglow", inputs)["wave"][0]
            pieces.append(wave[(start - first) * hop : (start - first + chunk) * hop])
        strength = vocoder["denoiser"]["strength"] if denoiser is None else denoiser
        return self._denoise(np.concatenate(pieces), strength)

    def _denoise(self, wave: Array, strength: float) -> Array:
        if not strength:
            return wave
        bias = np.array(self._need("vocoder")["denoiser"]["bias"])
        return denoise(wave, bias, strength, **_transform(self._mel))

    def _assemble(
        self, steps: Sequence[tuple[Array, Array, Array]], threshold: float, stopped: bool
    ) -> OnnxMel:
        """Join all steps, cut them after the frame whose gate opened, and run the post-net."""
        frames, gates, alignments = map(np.stack, zip(*steps, strict=True))
        r = gates.shape[1]
        n_frames = len(steps) * r
        if stopped:
            n_frames += int((_sigmoid(gates[-1]) > threshold).argmax()) + 1 - r
        frames = frames.reshape(-1, frames.shape[2])[:n_frames].T
        inputs = {"frames": frames[None], "mel_lengths": np.array([n_frames], np.int64)}
        return OnnxMel(
            self._run("postnet", inputs)["mel"][0],
            alignments.repeat(r, 0)[:n_frames],
            gates.reshape(-1)[:n_frames],
            "gate" if stopped else "max_steps",
        )

    def _initial_state(self, **lengths: int) -> dict[str, Array]:
        """Return zeros for every input that the decoder step also returns, as ``next_...``."""
        step = self.description["parts"]["decoder_step"]
        outputs = {entry["name"] for entry in step["outputs"]}
        return {
            entry["name"]: np.zeros([lengths.get(axis, axis) for axis in entry["shape"]], "f4")
            for entry in step["inputs"]
            if f"next_{entry['name']}" in outputs
        }

    def _run(self, part: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """Run a file and return its outputs by name; arrays that it does not take are ignored."""
        session = self._parts[part]
        feed = {entry.name: arrays[entry.name] for entry in session.get_inputs()}
        names = [entry.name for entry in session.get_outputs()]
        return dict(zip(names, session.run(names, feed), strict=True))

    def _need(self, network: str) -> dict[str, Any]:
        description: dict[str, Any] | None = self.description[network]
        if description is None:
            raise InputError(f"this export has no {network}; export it with {network}=CKPT")
        return description


def denoise(
    wave: Array, bias: NDArray[Any], strength: float, *, n_fft: int, hop: int, window: NDArray[Any]
) -> Array:
    """Subtract a magnitude spectrum from all frames of a wave.

    Args:
        wave: ``(T_wave,)`` samples.
        bias: ``(n_fft / 2 + 1,)``, the spectrum.
        strength: factor of the spectrum.
        n_fft: samples of a Fourier transform.
        hop: samples between two transforms.
        window: ``(n_fft,)``.

    Returns:
        ``(T_wave,)`` samples.
    """
    padded = np.pad(wave, (0, max(0, n_fft - len(wave)))).astype(np.float64)
    mirrored = np.pad(padded, n_fft // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(mirrored, n_fft)[::hop] * window
    spectrum = np.fft.rfft(frames)
    magnitude = np.abs(spectrum)
    # a factor keeps the phase; the lower limit avoids a division by zero in silence
    scale = np.maximum(magnitude - strength * bias, 0) / np.maximum(magnitude, 1e-30)
    clean, weight = np.zeros_like(mirrored), np.zeros_like(mirrored)
    for i, frame in enumerate(np.fft.irfft(spectrum * scale, n_fft) * window):
        clean[i * hop : i * hop + n_fft] += frame
        weight[i * hop : i * hop + n_fft] += window**2
    inner = slice(n_fft // 2, n_fft // 2 + len(wave))
    result: Array = (clean[inner] / np.maximum(weight[inner], 1e-11)).astype(np.float32)
    return result


def _transform(mel: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of :func:`denoise` for a mel contract, with its window."""
    n_fft, width = mel["n_fft"], mel["win_length"]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(width) / width)  # periodic
    left = (n_fft - width) // 2
    window = np.pad(hann, (left, n_fft - width - left))
    return {"n_fft": n_fft, "hop": mel["hop_length"], "window": window}


def _sigmoid(x: Array) -> NDArray[Any]:
    return 1 / (1 + np.exp(-x.astype(np.float64)))


def _read_description(folder: Path) -> dict[str, Any]:
    path = folder / "description.json"
    try:
        description: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = f"{path} cannot be read ({type(error).__name__})"
        raise InputError(f"{folder}: not a folder of python -m tts.export: {reason}") from None
    if description.get("kind") != "tacoglow export" or description.get("format") != "onnx":
        raise InputError(f"{folder}: no ONNX export; write one with python -m tts.export")
    return description
