"""Runs tiny trainings through the real recipe, for several tests."""

from pathlib import Path

from tts.config import compose, resolved
from tts.train import run_training

TONES = ["data=synthetic", "data.engine=tones", "data.minutes=0.4", "data.num_workers=0"]
TINY_TACOTRON2 = [
    "model=tacotron2_compact",
    "model.network.symbols_embedding_dim=8",
    "model.network.encoder_embedding_dim=8",
    "model.network.attention_rnn_dim=12",
    "model.network.attention_dim=8",
    "model.network.attention_location_n_filters=4",
    "model.network.decoder_rnn_dim=12",
    "model.network.prenet_dim=8",
    "model.network.postnet_embedding_dim=8",
    "model.batch_size=4",
]
NO_DROPOUT = [
    "model.network.encoder_dropout=0",
    "model.network.prenet_dropout=0",
    "model.network.postnet_dropout=0",
]
TINY_WAVEGLOW = [
    "model=waveglow_compact",
    "model.network.n_flows=2",
    "model.network.n_layers=2",
    "model.network.n_channels=8",
    "model.datamodule.segment_length=2048",
    "model.batch_size=4",
]
QUIET = ["callbacks.samples=null", "callbacks.throughput=null"]
CPU = ["trainer.accelerator=cpu"]


def overrides(folder: Path, *more: str) -> list[str]:
    """Return the overrides of a run that writes below ``folder``."""
    paths = [f"paths.{name}_dir={folder}/{name}" for name in ("data", "log", "output")]
    return [*TONES, *CPU, *paths, *more]


def run(folder: Path, *more: str, output: str = "output") -> dict[str, float]:
    """Compose a configuration, train, and return the metrics."""
    config = resolved(compose(overrides(folder, f"paths.output_dir={folder}/{output}", *more)))
    return run_training(config, folder / output)
