"""Searches with Optuna, whose study is kept in a database that outlives the sweep.

The search uses Optuna's ask-and-tell interface (Akiba et al., 2019); Hydra's own plugin needs
Optuna 2. While a trial trains, :class:`tts.sweep.pruning.PruneTrial` reports to the database and
decides whether the trial is hopeless, wherever the trial runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.types import Override
from hydra.utils import instantiate

from tts.core.errors import InputError, one_line, shortened
from tts.sweep.search import Trial
from tts.sweep.space import distribution
from tts.sweep.storage import (
    import_optuna,
    mend_journal,
    open_storage,
    storage_place,
    study_name,
)
from tts.sweep.trial_record import TrialRecord, TrialState

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import FrozenTrial

#: Attributes in the study: the mark of a trial that was stopped early, and the sweep's folder.
PRUNED, SWEEP = "pruned", "sweep"
#: Characters of Optuna's reason in a message of ours.
_REASON = 100


class OptunaSearch:
    """Suggests the trials of an Optuna sampler.

    Args:
        n_trials: number of all trials, including those of a sweep that is resumed.
        direction: ``"min"`` or ``"max"``, the direction of the objective.
        sampler: configuration of the sampler for ``hydra.utils.instantiate``.
        storage: see :func:`tts.sweep.storage.open_storage`.
        study: name of the study in a storage of several.
        pruner: configuration of the pruner. Each trial makes its own pruner; the search makes one
            only to find mistakes before the first trial.
    """

    def __init__(
        self,
        n_trials: int,
        direction: str,
        sampler: Mapping[str, Any],
        storage: str | None = None,
        study: str | None = None,
        pruner: Mapping[str, Any] | None = None,
    ) -> None:
        self.total = n_trials
        self._direction, self._sampler = direction, dict(sampler)
        self._pruner = pruner
        self._storage, self._name = storage, study
        self._study: Study | None = None
        self._space: dict[str, BaseDistribution] = {}
        self._interrupted: list[Trial] = []
        self._n_begun = 0
        self._folder = ""

    @property
    def study(self) -> Study:
        """Return Optuna's study."""
        assert self._study is not None, "begin() makes it"
        return self._study

    def begin(
        self, space: Mapping[str, Override], folder: Path, records: Mapping[int, TrialRecord]
    ) -> None:
        """Open the study, and complete or resume trials that were running when a sweep died.

        Raises:
            InputError: the space is empty, or is not that of the study.
        """
        optuna = import_optuna()
        if not space:
            raise InputError("nothing to search: add KEY=interval(LOW,HIGH) or KEY=A,B,C")
        self._space = {key: distribution(key, override) for key, override in space.items()}
        self._folder = str(folder)
        if self._pruner is not None:
            instantiate(dict(self._pruner), _convert_="all")
        earlier = self._open_study(optuna, folder)
        self.study.sampler = self._make_sampler(len(earlier))
        for trial in earlier:
            self._restore(trial, records)

    def _open_study(self, optuna: ModuleType, folder: Path) -> list[FrozenTrial]:
        """Open or create the study, and return its trials."""
        direction = "minimize" if self._direction == "min" else "maximize"
        place = storage_place(self._storage, folder)
        try:
            mend_journal(self._storage, folder)
            self._study = optuna.create_study(
                storage=open_storage(self._storage, folder),
                study_name=study_name(self._storage, self._name),
                direction=direction,
                load_if_exists=True,
            )
            earlier = self.study.get_trials(deepcopy=False)
        except InputError:
            raise
        except Exception as error:
            reason = shortened(f"{type(error).__name__}: {one_line(error)}", _REASON)
            raise InputError(
                f"{place}: cannot be read as a study of Optuna ({reason}); it is damaged, or "
                "belongs to another program: move it away, and the search begins anew"
            ) from None
        if (found := self.study.direction.name.lower()) != direction:
            raise InputError(
                f"{place}: its study has the direction {found}, and monitor_mode="
                f"{self._direction} is another; name another sweep.study, or repeat the option"
            )
        return earlier

    def ask(self, n: int) -> list[Trial]:
        """Return interrupted trials first, then suggestions of the sampler."""
        trials, self._interrupted = self._interrupted[:n], self._interrupted[n:]
        while len(trials) < n and self._n_begun < self.total:
            trial = self.study.ask(fixed_distributions=self._space)
            trial.set_user_attr(SWEEP, self._folder)
            self._n_begun += 1
            trials.append(self._trial(trial.number, trial.params))
        return trials

    def tell(self, record: TrialRecord) -> TrialRecord:
        """Report the objective, or the failure, to the study.

        Samplers ignore failed trials, and may suggest similar ones without end. But a training that
        broke down is a result of its parameters, so the study keeps such a trial as pruned.
        """
        from optuna.trial import TrialState as OptunaState

        number = record.number
        trial = self.study.get_trials(deepcopy=False)[number]
        if record.state is TrialState.COMPLETE and PRUNED in trial.user_attrs:
            record = record.with_state(TrialState.PRUNED)
        if record.state is TrialState.COMPLETE:
            self.study.tell(number, record.objective)
        elif record.state is TrialState.PRUNED or record.broke_down:
            self.study.tell(number, state=OptunaState.PRUNED)
        elif record.state is TrialState.FAILED:
            self.study.tell(number, state=OptunaState.FAIL)
        return record

    def _make_sampler(self, n_earlier: int) -> Any:
        """Make the sampler; a resumed one needs another seed to make other suggestions."""
        options = dict(self._sampler)
        if isinstance(options.get("seed"), int):
            options["seed"] += n_earlier
        return instantiate(options, _convert_="all")

    def _restore(self, trial: FrozenTrial, records: Mapping[int, TrialRecord]) -> None:
        """Count one earlier trial of the study, and complete or resume it if it was running."""
        from optuna.trial import TrialState as OptunaState

        if trial.state.is_finished():
            self._check_space(trial)
        elif trial.distributions.keys() != self._space.keys():
            # the sweep died before it had stored the parameters of the trial
            self.study.tell(trial.number, state=OptunaState.FAIL)
            return
        elif self._is_ours(trial):
            self._check_space(trial)
            record = records.get(trial.number)
            if record is not None and record.state.is_final:
                self.tell(record).save()
            else:
                self._interrupted.append(self._trial(trial.number, trial.params))
        self._n_begun += 1

    def _is_ours(self, trial: FrozenTrial) -> bool:
        """Tell whether a running trial is this sweep's: other machines may use the same study."""
        alone = self._storage in (None, "journal")
        return alone or trial.user_attrs.get(SWEEP) == self._folder

    def _check_space(self, trial: FrozenTrial) -> None:
        if trial.distributions.keys() - self._space.keys() or any(
            trial.distributions.get(key, d) != d for key, d in self._space.items()
        ):
            raise InputError(
                f"{self._folder}: trial {trial.number} searched {sorted(trial.distributions)} in "
                "other ranges; repeat the options of the sweep"
            )

    def _trial(self, number: int, parameters: Mapping[str, Any]) -> Trial:
        return Trial(number, {key: _written(parameters[key]) for key in self._space})


def _written(value: Any) -> str:
    """Write a value as it is written in an override."""
    return value if isinstance(value, str) else repr(value)
