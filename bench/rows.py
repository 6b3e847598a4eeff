"""Defines the rows of the benchmark: each gives the same work to our code and to NVIDIA's.

Each implementation of a row is built in a process of its own (:mod:`bench.worker`), and gives a
function that is timed. Weights and inputs are random, because no time depends on their values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: A function that is timed.
Work = Callable[[], object]
BATCH, SYMBOLS = 16, 80
MINUTE = "ours, 60 s"  # a longer mel for the same network, which should not take more memory
STEPS = 100  # decoder steps of a measured generation


@dataclass(frozen=True)
class Row:
    """Describes the work of one row of the table.

    Attributes:
        title: what is done.
        build: returns the function that is timed, for the implementation ``"ours"``,
            ``"reference"`` or one of ``others``.
        unit: unit of work; times are reported for one unit.
        per_call: number of units in one call, for each implementation where it is not 1.
        flops: floating-point operations of one call, for the floor; None if bytes are the limit.
        bytes: bytes that one call reads, for the floor.
        threads: number of torch's threads.
        pairs: number of timed calls of each implementation.
        others: further implementations.
        goal: ratio of the reference's time to ours that the project aims at.
        has_reference: whether NVIDIA's code can do this work.
    """

    title: str
    build: Callable[[str], Work]
    unit: str = "call"
    per_call: dict[str, float] | None = None
    flops: float | None = None
    bytes: float | None = None
    threads: int = 2
    pairs: int = 3
    others: tuple[str, ...] = ()
    goal: float | None = None
    has_reference: bool = True


def tacotron2_training(n_frames: int) -> Callable[[str], Work]:
    """Build forward and backward pass of the full Tacotron 2, batch 16, 80 symbols."""

    def build(implementation: str) -> Work:
        import torch

        torch.manual_seed(0)
        text = torch.randint(0, 148, (BATCH, SYMBOLS))
        text_lengths = torch.full((BATCH,), SYMBOLS)
        mel, mel_lengths = torch.randn(BATCH, 80, n_frames), torch.full((BATCH,), n_frames)
        if implementation == "reference":
            return _their_training(text, text_lengths, mel, mel_lengths)
        from tts.models import Tacotron2, tacotron2_loss

        network = Tacotron2(recurrence="plain" if implementation == "plain" else "fast").train()

        def step() -> None:
            network.zero_grad()
            output = network(text, text_lengths, mel, mel_lengths)
            tacotron2_loss(output, mel, mel_lengths)["total"].backward()

        return step

    return build


def _nvidia_packages() -> Any:
    """Return NVIDIA's packages; install them if they are missing."""
    from bench.reference import NvidiaPackages, fetch

    return NvidiaPackages(fetch())


def _their_training(text: Any, text_lengths: Any, mel: Any, mel_lengths: Any) -> Work:
    import torch

    packages = _nvidia_packages()
    network = packages.tacotron2().train()
    with packages.active():
        criterion = packages.module("tacotron2.loss_function").Tacotron2Loss()
    gate = torch.zeros(BATCH, mel.size(2))

    def step() -> None:
        network.zero_grad()
        with packages.active():
            inputs = (text, text_lengths, mel, int(text_lengths.max()), mel_lengths)
            criterion(network(inputs), (mel, gate)).backward()

    return step


def generation(batch: int) -> Callable[[str], Work]:
    """Build decoding of 100 steps with the full network; NVIDIA's can only do batch 1."""

    def build(implementation: str) -> Work:
        import torch

        torch.manual_seed(0)
        if implementation == "reference":
            return _their_generation()
        from tts.models import Tacotron2
        from tts.models.tacotron2.int8_decoder import int8_decoder

        network = Tacotron2(recurrence="plain" if implementation == "plain" else "fast").eval()
        if implementation == "int8":
            network = int8_decoder(network)
        text = torch.randint(0, 148, (batch, SYMBOLS))
        lengths = torch.full((batch,), SYMBOLS)
        return lambda: network.generate(text, lengths, max_steps=STEPS, gate_threshold=1.0)

    return build


def _their_generation() -> Work:
    import contextlib
    import io

    import torch

    packages = _nvidia_packages()
    network = packages.tacotron2(max_decoder_steps=STEPS, gate_threshold=1.0)
    text = torch.randint(0, 148, (1, SYMBOLS))

    def run() -> None:
        # NVIDIA's code prints that it has reached the limit
        with packages.active(), torch.no_grad(), contextlib.redirect_stdout(io.StringIO()):
            network.inference(text)

    return run


WAVEGLOW_256 = {"n_flows": 12, "n_group": 8, "n_early_every": 4, "n_early_size": 2}


def _their_waveglow() -> tuple[Any, Any]:
    packages = _nvidia_packages()
    coupling = {"n_layers": 8, "n_channels": 256, "kernel_size": 3}
    return packages, packages.waveglow(n_mel_channels=80, WN_config=coupling, **WAVEGLOW_256)


def waveglow_training(n_samples: int) -> Callable[[str], Work]:
    """Build forward and backward pass of WaveGlow with 256 channels, batch 1."""

    def build(implementation: str) -> Work:
        import torch

        torch.manual_seed(0)
        mel, wave = torch.randn(1, 80, n_samples // 256 + 1), 0.1 * torch.randn(1, n_samples)
        if implementation == "reference":
            packages, theirs = _their_waveglow()
            with packages.active():
                criterion = packages.module("waveglow.glow").WaveGlowLoss()

            def their_step() -> None:
                theirs.zero_grad()
                with packages.active():
                    criterion(theirs((mel, wave))).backward()

            return their_step
        from tts.models import WaveGlow, waveglow_loss

        network = WaveGlow(constant_memory=implementation == "constant memory")

        def step() -> None:
            network.zero_grad()
            waveglow_loss(network(mel, wave))["total"].backward()

        return step

    return build


def waveglow_inference(implementation: str) -> Work:
    """Build the inverse of WaveGlow with 256 channels, without weight norm."""
    import torch

    torch.manual_seed(0)
    mel = torch.randn(1, 80, round((60 if implementation == MINUTE else 10) * 22050 / 256))
    if implementation == "reference":
        packages, theirs = _their_waveglow()
        with packages.active():
            theirs = theirs.remove_weightnorm(theirs)

        def run() -> None:
            with packages.active(), torch.no_grad():
                theirs.infer(mel, sigma=0.6)

        return run
    from tts.models import WaveGlow

    network = WaveGlow().eval()
    network.remove_weight_norm()
    return lambda: network.inverse(mel, sigma=0.6)


def mel_extraction(seconds: float) -> Callable[[str], Work]:
    """Build the log-mel spectrogram of one recording."""

    def build(implementation: str) -> Work:
        import torch

        torch.manual_seed(0)
        wave = (0.1 * torch.randn(1, round(seconds * 22050))).clamp(-1, 1)
        if implementation == "reference":
            packages = _nvidia_packages()
            with packages.active():
                front_end = packages.module("tacotron2.layers").TacotronSTFT()

            def run() -> None:
                with packages.active():
                    front_end.mel_spectrogram(wave)

            return run
        from tts.audio import LogMel, MelConfig

        log_mel = LogMel(MelConfig())

        def ours() -> None:
            with torch.no_grad():
                log_mel(wave)

        return ours if implementation == "ours" else _fourier(log_mel, wave)

    return build


def _fourier(log_mel: Any, wave: Any) -> Work:
    """Build the same with a fast Fourier transform, which differs from NVIDIA's by over 1e-4."""
    import torch

    config = log_mel.config
    window = torch.hann_window(config.win_length)
    sizes = {"n_fft": config.n_fft, "hop_length": config.hop_length}

    def run() -> None:
        spectrum = torch.stft(wave, **sizes, window=window, return_complex=True)
        torch.log(torch.clamp(log_mel.mel_basis @ spectrum.abs(), min=config.log_floor))

    return run


def compact_speech(_: str) -> Work:
    """Build synthesis with the two compact networks: 80 symbols, 5 seconds of speech."""
    acoustic, vocoder, text, steps = _compact()

    def speak() -> None:
        import torch

        lengths = torch.tensor([SYMBOLS])
        mel = acoustic.generate(text, lengths, max_steps=steps, gate_threshold=1.0).mel_post
        vocoder(mel[0])

    return speak


def first_audio(_: str) -> Work:
    """Build the same synthesis as a stream, up to its first samples."""
    acoustic, vocoder, text, steps = _compact()

    def begin() -> None:
        from tts.models import MelStream

        next(vocoder.stream(MelStream(acoustic, text[0], max_steps=steps, gate_threshold=1.0)))

    return begin


def _compact() -> tuple[Any, Any, Any, int]:
    """Return acoustic model, vocoder, a text, and the number of decoder steps of 5 seconds."""
    import torch
    from hydra.utils import instantiate

    from tts.audio import MelConfig
    from tts.config import compose
    from tts.inference import WaveGlowVocoder

    frames = round(5 * 22050 / 256)
    networks = []
    for model in ("tacotron2_compact", "waveglow_compact"):
        config = compose([f"model={model}"])
        networks.append(instantiate(config.model.network, _convert_="all").eval())
    acoustic, waveglow = networks
    waveglow.remove_weight_norm()
    text = torch.randint(0, 148, (1, SYMBOLS))
    vocoder = WaveGlowVocoder(waveglow, MelConfig())
    return acoustic, vocoder, text, -(-frames // acoustic.config.n_frames_per_step)


def _tacotron2_flops(n_frames: int) -> float:
    """Return the operations of all matrix products of a training step.

    A multiply-add is two operations, and the backward pass takes twice as many as the forward pass.
    """
    from tts.models import Tacotron2Config

    c = Tacotron2Config()
    memory = c.encoder_embedding_dim
    lstms = 4 * c.attention_rnn_dim * (c.prenet_dim + memory + c.attention_rnn_dim)
    lstms += 4 * c.decoder_rnn_dim * (c.attention_rnn_dim + memory + c.decoder_rnn_dim)
    window = 2 * c.attention_location_kernel_size
    attention = c.attention_dim * (c.attention_rnn_dim + window * SYMBOLS) + memory * SYMBOLS
    project = (c.decoder_rnn_dim + memory) * (c.n_mels + 1)
    prenet = c.prenet_dim * (c.n_mels + c.prenet_dim)
    width, kernel = c.postnet_embedding_dim, c.postnet_kernel_size
    postnet = kernel * width * (2 * c.n_mels + (c.postnet_n_convolutions - 2) * width)
    frames = n_frames * (lstms + attention + project + prenet + postnet)
    encoder = c.encoder_n_convolutions * c.encoder_kernel_size * memory**2
    encoder += 2 * 4 * (memory // 2) * (memory + memory // 2) + c.attention_dim * memory
    return 2.0 * 3 * BATCH * (frames + SYMBOLS * encoder)


def _waveglow_flops(n_samples: float) -> float:
    """Return the operations of one pass through all couplings; a multiply-add is two."""
    from tts.models import WaveGlowConfig

    c = WaveGlowConfig()
    n = c.n_channels
    layers = c.n_layers * (2 * n * n * c.kernel_size + 2 * n * n) + 2 * n * c.n_layers * (
        c.n_mels * c.n_group
    )
    groups = n_samples / c.n_group
    upsample = n_samples * c.n_mels**2 * c.win_length / c.hop_length
    return 2.0 * (groups * c.n_flows * layers + upsample)


def table() -> dict[str, Row]:
    """Return all rows by their short names."""
    from tts.models import Tacotron2Config

    c = Tacotron2Config()
    lstm_bytes = 4.0 * 4 * c.attention_rnn_dim * (c.prenet_dim + 512 + c.attention_rnn_dim)
    lstm_bytes += 4.0 * 4 * c.decoder_rnn_dim * (c.attention_rnn_dim + 512 + c.decoder_rnn_dim)
    rows = {
        f"tacotron2-train-{n}": Row(
            f"Tacotron 2, training step, batch {BATCH}, {SYMBOLS} symbols, {n} frames",
            tacotron2_training(n),
            "step",
            flops=_tacotron2_flops(n),
            pairs=pairs,
            others=("plain",) if n == 200 else (),
            goal=3.0,
        )
        for n, pairs in ((200, 3), (800, 1))
    }
    rows["decoder-step"] = Row(
        "Tacotron 2, one decoder step, batch 1",
        generation(1),
        "step",
        per_call={"ours": STEPS},
        others=("int8", "plain"),
        bytes=STEPS * lstm_bytes,
        threads=1,
        pairs=5,
        goal=1.5,
    )
    rows["generate-16"] = Row(
        "Tacotron 2, one frame, batch 16 against their batch 1",
        generation(16),
        "frame",
        per_call={"ours": 16 * STEPS, "reference": STEPS},
        goal=6.0,
    )
    rows["waveglow-train"] = Row(
        "WaveGlow-256, training step, one segment of 8,000 samples",
        waveglow_training(8000),
        "step",
        flops=3 * _waveglow_flops(8000),
        others=("constant memory",),
        goal=1.2,
    )
    rows["waveglow-infer"] = Row(
        "WaveGlow-256, one second of speech, from a mel of 10 s",
        waveglow_inference,
        "s",
        per_call={"ours": 10, "reference": 10, MINUTE: 60},
        flops=_waveglow_flops(10 * 22050),
        pairs=1,
        others=(MINUTE,),
        goal=1.5,
    )
    rows["mel"] = Row(
        "Log-mel of a recording of 10 s, one thread",
        mel_extraction(10),
        "call",
        threads=1,
        pairs=10,
        others=("Fourier transform",),
        goal=20.0,
    )
    rows["compact"] = Row(
        "Compact networks, one second of speech, from text",
        compact_speech,
        "s",
        per_call={"ours": 5},
        has_reference=False,
    )
    rows["first-audio"] = Row(
        "Compact networks, the first sound of a stream, from text",
        first_audio,
        has_reference=False,
    )
    return rows
