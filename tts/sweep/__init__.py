"""Runs sweeps: a search chooses the trials, each trial has its own folder, a table ends the sweep.

Hydra finds the sweeper in ``hydra_plugins/tacoglow_sweeper.py``, which calls :class:`Sweep`. The
launchers are those of Hydra and its plugins; they run a :class:`TrialJob`.
"""

from tts.sweep.grid import GridSearch
from tts.sweep.job import TrialJob
from tts.sweep.optuna_search import OptunaSearch
from tts.sweep.run import Sweep
from tts.sweep.search import Search, Trial
from tts.sweep.trial_record import TrialRecord, TrialState

__all__ = [
    "GridSearch",
    "OptunaSearch",
    "Search",
    "Sweep",
    "Trial",
    "TrialJob",
    "TrialRecord",
    "TrialState",
]
