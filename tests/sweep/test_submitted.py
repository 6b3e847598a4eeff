"""Pickles of jobs run code, so no other user may write where submitit keeps them."""

import os
import stat

import pytest

from tts.config import conf_dir
from tts.core.errors import InputError
from tts.sweep.submitted import FOLDER, make_private


@pytest.mark.parametrize("before", [None, 0o777, 0o700])
def test_the_folder_of_jobs_is_closed_to_others(before, tmp_path):
    folder = tmp_path / "sweep" / FOLDER
    if before is not None:
        folder.mkdir(parents=True)
        folder.chmod(before)
    make_private(tmp_path / "sweep")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_is_not_ours_is_refused(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / FOLDER).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"\.submitit: is a link, or another user's; .*remove it"):
        make_private(tmp_path)
    (tmp_path / FOLDER).unlink()
    (tmp_path / FOLDER).write_text("")
    with pytest.raises(InputError, match="is no folder"):
        make_private(tmp_path)
    (tmp_path / FOLDER).unlink()
    uid = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    with pytest.raises(InputError, match="another user's"):
        make_private(tmp_path)


@pytest.mark.parametrize("launcher", ["slurm", "local"])
def test_submitit_writes_into_the_folder_that_is_closed(launcher):
    text = (conf_dir() / "launcher" / f"{launcher}.yaml").read_text()
    assert f"submitit_folder: ${{hydra.sweep.dir}}/{FOLDER}/%j\n" in text
