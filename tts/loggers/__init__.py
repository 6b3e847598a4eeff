"""This room holds the loggers of curves, and the sinks that receive pictures and sound."""

from tts.loggers.builders import finish_wandb, last_wandb_id, tensorboard_logger, wandb_logger
from tts.loggers.csv_logger import CSVLogger
from tts.loggers.sinks import FolderSink, MediaSink, TensorBoardSink, WandbSink, sinks_for

__all__ = [
    "CSVLogger",
    "FolderSink",
    "MediaSink",
    "TensorBoardSink",
    "WandbSink",
    "finish_wandb",
    "last_wandb_id",
    "sinks_for",
    "tensorboard_logger",
    "wandb_logger",
]
