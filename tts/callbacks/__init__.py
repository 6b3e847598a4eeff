"""This room holds the callbacks: checkpoints, guards, samples, figures, averages and progress."""

from tts.callbacks.checkpointing.checkpoint import Checkpoint
from tts.callbacks.checkpointing.describe import DescribeCheckpoint
from tts.callbacks.checkpointing.random_state import RandomState
from tts.callbacks.checkpointing.resume_point import KeepResumePoint, ResumePoint
from tts.callbacks.current_batch import CurrentBatch
from tts.callbacks.ema import EMA
from tts.callbacks.final_validation import FinalValidation
from tts.callbacks.guards.determinant import DeterminantGuard
from tts.callbacks.guards.diagonal_attention import DiagonalGuard
from tts.callbacks.guards.divergence import DivergenceGuard
from tts.callbacks.log_config import LogConfig
from tts.callbacks.memory_estimate import MemoryEstimate
from tts.callbacks.progress import LineProgress, progress_bar
from tts.callbacks.rich_progress import RichProgress
from tts.callbacks.samples import LogSamples
from tts.callbacks.skipped import ReportSkipped
from tts.callbacks.speech_metrics import SpeechMetrics
from tts.callbacks.stop_on_signal import StopOnSignal
from tts.callbacks.throughput import Throughput

__all__ = [
    "EMA",
    "Checkpoint",
    "CurrentBatch",
    "DescribeCheckpoint",
    "DeterminantGuard",
    "DiagonalGuard",
    "DivergenceGuard",
    "FinalValidation",
    "KeepResumePoint",
    "LineProgress",
    "LogConfig",
    "LogSamples",
    "MemoryEstimate",
    "RandomState",
    "ReportSkipped",
    "ResumePoint",
    "RichProgress",
    "SpeechMetrics",
    "StopOnSignal",
    "Throughput",
    "progress_bar",
]
