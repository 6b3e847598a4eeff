"""What happens around training steps: samples to look at, guards, figures, averaging, progress."""

from tts.callbacks.checkpoint import Checkpoint
from tts.callbacks.current_batch import CurrentBatch
from tts.callbacks.describe import DescribeCheckpoint
from tts.callbacks.determinant import DeterminantGuard
from tts.callbacks.diagonal import DiagonalGuard
from tts.callbacks.ema import EMA
from tts.callbacks.guards import DivergenceGuard
from tts.callbacks.log_config import LogConfig
from tts.callbacks.preemption import StopOnSignal
from tts.callbacks.progress import LineProgress, progress_bar
from tts.callbacks.pruning import PruneTrial, trial_callbacks
from tts.callbacks.random_state import RandomState
from tts.callbacks.resume_point import KeepResumePoint, ResumePoint
from tts.callbacks.rich_progress import RichProgress
from tts.callbacks.samples import LogSamples
from tts.callbacks.sinks import FolderSink, MediaSink, TensorBoardSink, WandbSink, sinks_for
from tts.callbacks.skipped import ReportSkipped
from tts.callbacks.speech_metrics import SpeechMetrics
from tts.callbacks.throughput import Throughput

__all__ = [
    "EMA",
    "Checkpoint",
    "CurrentBatch",
    "DescribeCheckpoint",
    "DeterminantGuard",
    "DiagonalGuard",
    "DivergenceGuard",
    "FolderSink",
    "KeepResumePoint",
    "LineProgress",
    "LogConfig",
    "LogSamples",
    "MediaSink",
    "PruneTrial",
    "RandomState",
    "ReportSkipped",
    "ResumePoint",
    "RichProgress",
    "SpeechMetrics",
    "StopOnSignal",
    "TensorBoardSink",
    "Throughput",
    "WandbSink",
    "progress_bar",
    "sinks_for",
    "trial_callbacks",
]
