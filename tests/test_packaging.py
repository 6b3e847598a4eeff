"""Checks the installed package: it contains the configuration, and its commands work anywhere."""

import os
import subprocess
import sys
import tarfile
import zipfile

import pytest

from tests.support.paths import REPO


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Build the sdist and its wheel; return their folder, and the wheel unpacked as by pip."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(REPO)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    site = folder / "site"
    zipfile.ZipFile(wheel).extractall(site)
    return folder, site


def command(site, code, cwd):
    env = {**os.environ, "PYTHONPATH": str(site)}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )


def test_configuration_and_data_files_are_in_the_wheel(installed):
    _, site = installed
    packed = {str(p.relative_to(site / "tts" / "conf")) for p in site.rglob("tts/conf/**/*.yaml")}
    assert packed == {str(p.relative_to(REPO / "conf")) for p in (REPO / "conf").rglob("*.yaml")}
    assert (site / "tts/data/sentences.txt").is_file()
    assert (site / "tts/data/splits/ljspeech_val.txt").is_file()
    assert (site / "tts/data/doctor/page.html").is_file()
    assert (site / "tts/evaluation/page.html").is_file()
    assert (site / "tts/serving/data/migrations/versions/0001_first_tables.py").is_file()
    assert (site / "tts/serving/data/migrations/script.py.mako").is_file()
    page = "tts/serving/page"
    assert {path.name for path in (site / page).iterdir()} == {
        path.name for path in (REPO / page).iterdir()
    }
    assert {path.name for path in site.iterdir() if path.is_dir()} == {
        "tts",
        "hydra_plugins",
        "tacoglow-0.1.0.dist-info",
    }


def test_the_sdist_has_all_files_of_the_wheel(installed):
    folder, _ = installed
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    assert {"conf/train.yaml", "tts/train.py", "train.py", "README.md", "LICENSE"} <= names


@pytest.mark.parametrize("name", ["train", "synthesize"])
def test_commands_work_from_another_directory(name, installed, tmp_path):
    _, site = installed
    argv = f"import sys; sys.argv = ['tts-{name}', '--help']"
    code = f"{argv}; from tts.commands import cli; cli.{name}_command()"
    run = command(site, code, tmp_path)
    assert run.returncode == 0, run.stderr
    assert f"python {name}.py" in run.stdout
    assert not list(tmp_path.iterdir())


def test_the_installed_package_finds_its_own_configuration(installed, tmp_path):
    _, site = installed
    run = command(site, "from tts.config import conf_dir; print(conf_dir())", tmp_path)
    assert run.stdout.strip() == str(site / "tts" / "conf")


def test_console_scripts_are_declared(installed):
    _, site = installed
    (entry_points,) = site.glob("*.dist-info/entry_points.txt")
    text = entry_points.read_text()
    assert "tts-train = tts.commands.cli:train_command" in text
    assert "tts-synthesize = tts.commands.cli:synthesize_command" in text
    assert "tts-serve = tts.commands.cli:serve_command" in text


def test_hydra_finds_the_sweeper_of_the_installed_package(installed, tmp_path):
    _, site = installed
    code = (
        "from hydra.core.plugins import Plugins; from hydra.plugins.sweeper import Sweeper\n"
        "import sys; found = Plugins.instance().discover(Sweeper)\n"
        "print(*(sys.modules[f.__module__].__file__ for f in found if 'Tacoglow' in f.__name__))"
    )
    run = command(site, code, tmp_path)
    assert run.stdout.strip() == str(site / "hydra_plugins" / "tacoglow_sweeper.py"), run.stderr
