"""``OptunaSearch``: trials that Optuna suggests, kept in a database that outlives the sweep.

Optuna's ask-and-tell interface (Akiba et al., 2019) under a search of ours, instead of Hydra's own
plugin, which needs Optuna 2. What a trial reports while it trains, and whether it is hopeless, is
settled between :class:`tts.callbacks.PruneTrial` and the database, wherever the trial runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.types import Override
from hydra.utils import instantiate

from tts.core.errors import InputError
from tts.sweep.search import Trial
from tts.sweep.space import distribution
from tts.sweep.storage import import_optuna, open_storage, study_name
from tts.sweep.trial_record import State, TrialRecord

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import FrozenTrial

#: Attribute of a trial that stopped early, and of the trials of one sweep among others.
PRUNED, SWEEP = "pruned", "sweep"


class OptunaSearch:
    """Suggestions of a sampler.

    Args:
        n_trials: in all, those of a resumed sweep included.
        direction: ``"min"`` or ``"max"``, of the objective.
        sampler: what ``hydra.utils.instantiate`` makes a sampler of.
        storage: see :func:`tts.sweep.storage.open_storage`.
        study: its name in a storage of several.
        pruner: likewise; the trials make their own, here it is tried before the first of them.
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
        """Optuna's."""
        assert self._study is not None, "begin() makes it"
        return self._study

    def begin(
        self, space: Mapping[str, Override], folder: Path, records: Mapping[int, TrialRecord]
    ) -> None:
        """Open the study; trials that were running when a sweep died are settled or go on.

        Raises:
            InputError: nothing to search, or not as the study was begun.
        """
        optuna = import_optuna()
        if not space:
            raise InputError("nothing to search: add KEY=interval(LOW,HIGH) or KEY=A,B,C")
        self._space = {key: distribution(key, override) for key, override in space.items()}
        self._folder = str(folder)
        if self._pruner is not None:
            instantiate(dict(self._pruner), _convert_="all")
        self._study = optuna.create_study(
            storage=open_storage(self._storage, folder),
            study_name=study_name(self._storage, self._name),
            direction="minimize" if self._direction == "min" else "maximize",
            load_if_exists=True,
        )
        before = self.study.get_trials(deepcopy=False)
        self.study.sampler = self._make_sampler(len(before))
        for trial in before:
            self._take_up(trial, records)

    def ask(self, n: int) -> list[Trial]:
        """Interrupted trials first, then what the sampler suggests."""
        asked, self._interrupted = self._interrupted[:n], self._interrupted[n:]
        while len(asked) < n and self._n_begun < self.total:
            trial = self.study.ask(fixed_distributions=self._space)
            trial.set_user_attr(SWEEP, self._folder)
            self._n_begun += 1
            asked.append(self._trial(trial.number, trial.params))
        return asked

    def tell(self, record: TrialRecord) -> TrialRecord:
        """Hand the objective, or the failure, to the study.

        Samplers look away from failures, and may suggest the like of them for ever. A training
        that broke down is a verdict, though: the study has it as pruned.
        """
        from optuna.trial import TrialState

        number = record.number
        trial = self.study.get_trials(deepcopy=False)[number]
        if record.state is State.COMPLETE and PRUNED in trial.user_attrs:
            record = record.ended(State.PRUNED)
        if record.state is State.COMPLETE:
            self.study.tell(number, record.objective)
        elif record.state is State.PRUNED or record.broke_down:
            self.study.tell(number, state=TrialState.PRUNED)
        elif record.state is State.FAILED:
            self.study.tell(number, state=TrialState.FAIL)
        return record

    def _make_sampler(self, n_before: int) -> Any:
        """With another seed than at the beginning, or the same suggestions would come again."""
        options = dict(self._sampler)
        if isinstance(options.get("seed"), int):
            options["seed"] += n_before
        return instantiate(options, _convert_="all")

    def _take_up(self, trial: FrozenTrial, records: Mapping[int, TrialRecord]) -> None:
        """One trial of the study as it was found."""
        from optuna.trial import TrialState

        if trial.state.is_finished():
            self._check_space(trial)
        elif trial.distributions.keys() != self._space.keys():
            # the sweep died before it had written down what it would try
            self.study.tell(trial.number, state=TrialState.FAIL)
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
        """Whether a running trial is this sweep's: other machines may work at the same study."""
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
    """A value as it stands in an override."""
    return value if isinstance(value, str) else repr(value)
