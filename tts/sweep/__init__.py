"""Sweeps: what is tried next (a search), each try in a folder of its own, and a table at the end.

Hydra finds the sweeper in ``hydra_plugins/tacoglow_sweeper.py``; it hands over to :class:`Sweep`.
Launchers are Hydra's and its plugins'; :class:`TrialJob` is what they run.
"""

from tts.sweep.grid import GridSearch
from tts.sweep.job import TrialJob
from tts.sweep.optuna_search import OptunaSearch
from tts.sweep.run import Sweep
from tts.sweep.search import Search, Trial
from tts.sweep.trial_record import State, TrialRecord

__all__ = [
    "GridSearch",
    "OptunaSearch",
    "Search",
    "State",
    "Sweep",
    "Trial",
    "TrialJob",
    "TrialRecord",
]
