"""The first and the last lines of a run say when nothing is saved."""

import logging

import pytest

from tests.support.runs import QUIET, TINY_TACOTRON2, run

WARNING = "this run saves no checkpoint"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "is_saved"),
    [
        (["callbacks=none"], False),
        (["callbacks.checkpoint.save_top_k=0", "callbacks.checkpoint.save_last=false"], False),
        (["callbacks.checkpoint.save_top_k=0"], True),
    ],
)
def test_a_run_that_saves_nothing_says_so_before_and_after(
    options, is_saved, tmp_path, caplog, capsys
):
    caplog.set_level(logging.INFO)
    quiet = [] if options == ["callbacks=none"] else QUIET
    run(tmp_path, *TINY_TACOTRON2, *quiet, *options, "trainer.max_steps=1")
    assert (WARNING in caplog.text) != is_saved
    assert bool(list(tmp_path.rglob("*.ckpt"))) == is_saved
    if options == ["callbacks=none"]:
        assert "none: nothing was saved (callbacks=default saves)" in capsys.readouterr().out
