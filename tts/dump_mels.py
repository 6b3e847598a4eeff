"""Write the mels that an acoustic model predicts for the recordings of a corpus.

    python train.py task=dump_mels acoustic=A.ckpt data=ljspeech data.root=/path/LJSpeech-1.1
    python train.py model=waveglow data.mels=gta acoustic=A.ckpt data=ljspeech data.root=...

The model predicts each frame from the true frames of the recording before it, so the mels match
the recordings frame for frame; docs/gta.md says when this improves a vocoder. The mels are stored
in the folder where the corpus is prepared. The command computes only what is missing or has
changed.

  acoustic=CKPT          the acoustic model, a file or the name of a published one; texts are
                         read, and speakers numbered, as it was trained
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
from typing import TYPE_CHECKING, Any

from tts.training.preflight import check_before_torch

if TYPE_CHECKING:
    from tts.data.features.gta_writer import GtaReport

TASK = "dump_mels"


def dump_mels(config: dict[str, Any]) -> int:
    """Write the mels of a configuration's corpus and print a report.

    Args:
        config: resolved, plain containers.

    Returns:
        0, or 1 if something was left out.

    Raises:
        InputError: the message names the file, the row or the setting at fault.
    """
    check_before_torch(config, task=TASK)
    from tts.data.features.preparation_report import print_report_of

    return print_report_of(lambda: _write_mels(config))


def _write_mels(config: Mapping[str, Any]) -> GtaReport:
    from tts.data.features.gta_writer import GtaWriter
    from tts.inference.teacher_forcing import teacher_forced
    from tts.training.recorded_corpus import open_recorded_corpus

    corpus = open_recorded_corpus(config)
    writer = GtaWriter(corpus.acoustic, corpus.prepared, corpus.tokens)
    predict = partial(teacher_forced, corpus.network)
    return writer.run(predict, corpus.batch_size, corpus.left_out)
