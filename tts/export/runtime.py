"""Speak with an exported folder: numpy and onnxruntime, no torch.

It shows how the files go together, and may be copied. Encoder once, decoder step until the gate
opens, post-net once, WaveGlow in pieces, denoiser. Chance comes from outside the files: factors of
the pre-net's dropout for every step, and WaveGlow's noise. For the same numbers the sound is that
of :class:`tts.inference.Synthesizer` (up to rounding); a seed means other numbers there, since
torch and numpy draw differently.

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

from tts.core.errors import InputError

Array = NDArray[np.float32]
#: Gives the factors ``(2, 1, prenet_dim)`` of the next decoder step, 0 or 1 / (1 - p).
DrawMasks = Callable[[], Array]


class OnnxMel(NamedTuple):
    """What the acoustic model says.

    Attributes:
        mel: ``(n_mels, T_mel)`` log-mel spectrogram.
        alignments: ``(T_mel, T_text)`` attention weights.
        gate_logits: ``(T_mel,)``.
        stop_reason: "gate", or "max_steps" if it had to be cut off.
    """

    mel: Array
    alignments: Array
    gate_logits: Array
    stop_reason: str


class OnnxSpeech(NamedTuple):
    """One utterance.

    Attributes:
        wave: ``(T_wave,)`` samples, which may leave [-1, 1] a little.
        sample_rate: Hz.
        decoded: what was vocoded.
    """

    wave: Array
    sample_rate: int
    decoded: OnnxMel


class OnnxSynthesizer:
    """Text to speech with the files of a folder.

    Args:
        folder: written by ``python -m tts.export``.
        threads: of onnxruntime; None leaves it the choice.

    Attributes:
        description: the content of ``description.json``.

    Raises:
        InputError: no such folder, one of another format, or no onnxruntime.
    """

    def __init__(self, folder: str | Path, threads: int | None = None) -> None:
        self.description = _read_description(Path(folder))
        self._mel = self.description["mel"]
        self._parts = {
            name: _session(Path(folder) / part["file"], threads)
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
    ) -> OnnxSpeech:
        """Speak one utterance.

        Args:
            text: what to say.
            seed: of dropout and noise.
            speaker: name, where the acoustic model has several.
            max_steps: decoder steps after which it is cut off.
            gate_threshold: stop probability that ends it.
            sigma: standard deviation of WaveGlow's noise.
            denoiser: how often WaveGlow's hum is subtracted.

        Raises:
            InputError: nothing that can be pronounced, an unknown speaker, or a network that was
                not exported.
        """
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
        n_frames = max(2, decoded.mel.shape[1])
        sigma = vocoder["sigma"] if sigma is None else sigma
        z = noise.standard_normal(self.noise_shape(n_frames)) * sigma
        wave = self.vocode(decoded.mel, z.astype(np.float32), denoiser=denoiser)
        return OnnxSpeech(wave, self._mel["sample_rate"], decoded)

    def encode(self, text: str) -> list[int]:
        """Symbol ids of a text.

        Raises:
            InputError: nothing in it can be pronounced.
        """
        if self._tokenizer is None:
            from tts.text import Tokenizer

            self._tokenizer = Tokenizer.from_dict(self._need("acoustic")["tokenizer"])
        ids: list[int] = self._tokenizer.encode(text)
        return ids

    def speaker_number(self, name: str | None) -> int:
        """Number of a speaker; 0 for None, if there is only one.

        Raises:
            InputError: nobody of this name, or none is named where there are several.
        """
        known = self._need("acoustic")["speakers"]
        if name is None and not known:
            return 0
        if name not in known:
            names = ", ".join(known) or "one voice; name none"
            raise InputError(f"speaker={name}: the acoustic model knows {names}")
        return int(known.index(name))

    def draw_masks(self, source: np.random.Generator) -> Array:
        """Factors of the pre-net's outputs in one step, ``(2, 1, prenet_dim)``."""
        acoustic = self._need("acoustic")
        keep = 1 - acoustic["prenet_dropout"]
        kept = source.random((2, 1, acoustic["network"]["prenet_dim"])) < keep
        masks: Array = (kept / keep).astype(np.float32)
        return masks

    def noise_shape(self, n_frames: int) -> tuple[int, int]:
        """Shape of WaveGlow's noise: ``(n_group, T)``."""
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
        """Symbol ids to a log-mel spectrogram.

        Args:
            ids: of one utterance.
            draw_masks: called once for each decoder step.
            speaker: number of who speaks.
            max_steps: decoder steps after which it is cut off.
            gate_threshold: stop probability that ends it.

        Raises:
            InputError: ``max_steps`` below 1.
        """
        acoustic = self._need("acoustic")
        most = acoustic["max_steps"] if max_steps is None else max_steps
        if most < 1:
            raise InputError(f"max_steps={most}: must be at least 1")
        threshold = acoustic["gate_threshold"] if gate_threshold is None else gate_threshold
        given = {
            "text": np.array([ids], np.int64),
            "text_lengths": np.array([len(ids)], np.int64),
            "speakers": np.array([speaker], np.int64),
        }
        inputs = self._run("encoder", given)
        inputs |= self._zeros(B=1, T_text=len(ids))
        inputs["frame"] = np.zeros((1, acoustic["network"]["n_mels"]), np.float32)
        steps: list[tuple[Array, Array, Array]] = []
        stopped = False
        while not stopped and len(steps) < most:
            out = self._run("decoder_step", {**inputs, "prenet_masks": draw_masks()})
            state = {name: out[f"next_{name}"] for name in inputs if f"next_{name}" in out}
            inputs = {**inputs, **state, "frame": out["frames"][:, -1]}
            gate = out["gate_logits"][0]
            steps.append((out["frames"][0], gate, state["attention_weights"][0, 0]))
            stopped = bool((_sigmoid(gate) > threshold).any())
        return self._assemble(steps, threshold, stopped)

    def vocode(self, mel: Array, z: Array, *, denoiser: float | None = None) -> Array:
        """A log-mel spectrogram to sound, in pieces, so that memory does not grow with its length.

        Args:
            mel: ``(n_mels, T_mel)``; one frame alone gets a silent one beside it.
            z: noise of :meth:`noise_shape`, times sigma.
            denoiser: how often WaveGlow's hum is subtracted.

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
            around = {
                "mel": mel[None, :, first:last],
                "z": z[None, :, first * rate : last * rate],
            }
            wave = self._run("waveglow", around)["wave"][0]
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
        """All steps to one utterance, cut behind the frame whose gate opened, with the post-net."""
        frames, gates, alignments = map(np.stack, zip(*steps, strict=True))
        r = gates.shape[1]
        n_frames = len(steps) * r
        if stopped:
            n_frames += int((_sigmoid(gates[-1]) > threshold).argmax()) + 1 - r
        frames = frames.reshape(-1, frames.shape[2])[:n_frames].T
        given = {"frames": frames[None], "mel_lengths": np.array([n_frames], np.int64)}
        return OnnxMel(
            self._run("postnet", given)["mel"][0],
            alignments.repeat(r, 0)[:n_frames],
            gates.reshape(-1)[:n_frames],
            "gate" if stopped else "max_steps",
        )

    def _zeros(self, **lengths: int) -> dict[str, Array]:
        """The state before the first step: every input that comes out again as ``next_...``."""
        step = self.description["parts"]["decoder_step"]
        new = {entry["name"] for entry in step["outputs"]}
        return {
            entry["name"]: np.zeros([lengths.get(axis, axis) for axis in entry["shape"]], "f4")
            for entry in step["inputs"]
            if f"next_{entry['name']}" in new
        }

    def _run(self, part: str, given: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """Outputs by name; what the part does not take is left out."""
        session = self._parts[part]
        feed = {entry.name: given[entry.name] for entry in session.get_inputs()}
        names = [entry.name for entry in session.get_outputs()]
        return dict(zip(names, session.run(names, feed), strict=True))

    def _need(self, network: str) -> dict[str, Any]:
        about: dict[str, Any] | None = self.description[network]
        if about is None:
            raise InputError(f"this export has no {network}; export it with {network}=CKPT")
        return about


def denoise(
    wave: Array, bias: NDArray[Any], strength: float, *, n_fft: int, hop: int, window: NDArray[Any]
) -> Array:
    """Subtract a magnitude spectrum from all frames of a sound.

    Args:
        wave: ``(T_wave,)``.
        bias: ``(n_fft / 2 + 1,)``, the spectrum.
        strength: how often it is subtracted.
        n_fft: samples of a Fourier transform.
        hop: samples between two of them.
        window: ``(n_fft,)``.

    Returns:
        As many samples.
    """
    padded = np.pad(wave, (0, max(0, n_fft - len(wave)))).astype(np.float64)
    mirrored = np.pad(padded, n_fft // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(mirrored, n_fft)[::hop] * window
    spectrum = np.fft.rfft(frames)
    magnitude = np.abs(spectrum)
    # keeps the phase; silence has none
    scale = np.maximum(magnitude - strength * bias, 0) / np.maximum(magnitude, 1e-30)
    clean, weight = np.zeros_like(mirrored), np.zeros_like(mirrored)
    for i, frame in enumerate(np.fft.irfft(spectrum * scale, n_fft) * window):
        clean[i * hop : i * hop + n_fft] += frame
        weight[i * hop : i * hop + n_fft] += window**2
    inner = slice(n_fft // 2, n_fft // 2 + len(wave))
    result: Array = (clean[inner] / np.maximum(weight[inner], 1e-11)).astype(np.float32)
    return result


def _transform(mel: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of :func:`denoise` for a mel contract: a periodic Hann window, centred."""
    n_fft, width = mel["n_fft"], mel["win_length"]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(width) / width)
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


def _session(path: Path, threads: int | None) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise InputError("needs onnxruntime: pip install 'tacoglow[export]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
