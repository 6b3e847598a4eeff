"""Write how long each symbol lasts in the recordings of a corpus.

    python train.py task=align acoustic=A.ckpt data=ljspeech data.root=/path/LJSpeech-1.1

Models without attention, such as FastSpeech, learn from such durations. The acoustic model follows
each recording (teacher forcing), and the most probable path through its attention says how long
each symbol lasts; docs/alignment.md describes the files. The command computes only what is missing
or has changed.

  acoustic=CKPT          the acoustic model, a file or the name of a published one; texts are
                         read, and speakers numbered, as it was trained
  durations=FOLDER       where the files are written: ID.npy and ID.TextGrid for each recording,
                         and summary.csv; the folder ./durations, unless another one is given
  data=..., data.*       the corpus, as in training: which recordings, data.trim_db and the
                         like, data.prepared, data.on_error
  audio.*                must be what the acoustic model was trained on
  data.batch_size        number of utterances that are computed together
  trainer.accelerator    cpu, gpu or mps; trainer.gpus=0, trainer.devices=[1]: one device is used
  paths.cache_dir        where the corpus is prepared, unless data.prepared is set

The exit status is 1 if something was left out (data.on_error=skip), and 2 on bad input.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts.training.preflight import check_before_torch

if TYPE_CHECKING:
    from tts.training.duration_writer import DurationReport

TASK = "align"


def align(config: dict[str, Any]) -> int:
    """Write the durations of a configuration's corpus and print a report.

    Args:
        config: resolved, plain containers.

    Returns:
        0, or 1 if something was left out.

    Raises:
        InputError: the message names the file, the row or the setting at fault.
    """
    check_before_torch(config, task=TASK)
    from tts.data.features.preparation_report import print_report_of
    from tts.training.duration_summary import check_folder

    folder = Path(config["durations"]).expanduser()
    check_folder(folder)
    return print_report_of(lambda: _write_durations(config, folder))


def _write_durations(config: Mapping[str, Any], folder: Path) -> DurationReport:
    from tts.inference.teacher_forcing import forced_alignments
    from tts.training.duration_writer import DurationWriter
    from tts.training.recorded_corpus import open_recorded_corpus

    corpus = open_recorded_corpus(config)
    writer = DurationWriter(corpus, folder)
    return writer.run(partial(forced_alignments, corpus.network))
