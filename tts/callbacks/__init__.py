"""What happens around training steps: samples to look at, guards, figures, averaging, progress."""

from tts.callbacks.checkpoint import Checkpoint
from tts.callbacks.describe import DescribeCheckpoint
from tts.callbacks.ema import EMA
from tts.callbacks.guards import StopOnNonFinite
from tts.callbacks.progress import LineProgress, RichProgress, progress_bar
from tts.callbacks.random_state import RandomState
from tts.callbacks.samples import LogSamples
from tts.callbacks.sinks import FolderSink, MediaSink, TensorBoardSink, WandbSink, sinks_for
from tts.callbacks.throughput import Throughput

__all__ = [
    "EMA",
    "Checkpoint",
    "DescribeCheckpoint",
    "FolderSink",
    "LineProgress",
    "LogSamples",
    "MediaSink",
    "RandomState",
    "RichProgress",
    "StopOnNonFinite",
    "TensorBoardSink",
    "Throughput",
    "WandbSink",
    "progress_bar",
    "sinks_for",
]
