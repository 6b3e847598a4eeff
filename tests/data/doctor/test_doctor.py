"""The doctor finds each planted fault, names the recording, and leaves healthy ones alone."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from tests.support.examining import composed, examined, examined_config
from tests.support.faulty_corpus import (
    ALSO_FOUND_BY,
    FAULTS,
    N_CLIPS,
    RATE,
    be_brief,
    clip_hard,
    other_rate,
    say_nothing,
    shift,
    smile,
    speak_too_long,
    tail_long,
    tail_noisy,
    telephone,
    text_of,
    voice,
    whisper,
)
from tests.support.paths import REPO
from tts.audio import write_wave
from tts.commands.cli import with_training_options
from tts.commands.doctor import doctor
from tts.config import compose, resolved
from tts.core.ranges import legal_arguments
from tts.data.doctor.findings import CHECKS
from tts.data.doctor.options import DoctorOptions
from tts.data.doctor.utterances import examine_text
from tts.text import Tokenizer


def test_nothing_is_wrong_with_a_healthy_corpus(healthy, tmp_path, capsys):
    status, report = examined(healthy, tmp_path, "doctor.strict=true")
    assert status == 0
    assert [finding["check"] for finding in report["findings"]] == ["memory"]
    assert report["utterances"] == N_CLIPS
    assert "0 errors, 0 warnings, 1 note" in capsys.readouterr().out


@pytest.mark.parametrize("plant", FAULTS, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found_and_named(plant, corpus, tmp_path, capsys):
    plant(corpus)
    check, severity = FAULTS[plant]
    status, report = examined(corpus.root, tmp_path / "out")
    others = (
        {f["check"] for f in report["findings"]}
        - {check, "memory"}
        - ALSO_FOUND_BY.get(plant, set())
    )
    assert not others
    (finding,) = [finding for finding in report["findings"] if finding["check"] == check]
    assert finding["severity"] == severity
    # of two rows with the same text, the first is named
    row = 2 if check == "same_text" else 3
    assert finding["id"] == f"clip-{row:02}"
    assert finding["where"] == f"metadata.csv:{row + 1}"
    assert finding["file"] == str(corpus.wav(f"clip-{row:02}"))
    assert status == (severity == "error")
    printed = " ".join(re.sub("[│┃]", " ", capsys.readouterr().out).split())
    assert CHECKS[check].title in printed
    assert f"metadata.csv:{row + 1}, clip-{row:02}.wav: " in printed


def test_rows_that_cannot_be_used_are_found(corpus, tmp_path):
    corpus.rows["clip-00"] = ""
    corpus.rows["gone"] = "There is no recording."
    corpus.write()
    with (corpus.root / "metadata.csv").open("a") as file:
        file.write("clip-07|Twice.\n")
    status, report = examined(corpus.root, tmp_path / "out")
    rows = [finding for finding in report["findings"] if finding["check"] == "rows"]
    assert [row["where"] for row in rows] == [
        "metadata.csv:1",
        f"metadata.csv:{N_CLIPS + 1}",
        f"metadata.csv:{N_CLIPS + 2}",
    ]
    assert "has no text" in rows[0]["what"]
    assert "is missing" in rows[1]["what"]
    assert "stands in metadata.csv:8 already" in rows[2]["what"]
    assert status == 1


def test_strict_counts_warnings(corpus, tmp_path):
    tail_long(corpus)
    assert examined(corpus.root, tmp_path / "out")[0] == 0
    assert examined(corpus.root, tmp_path / "out", "doctor.strict=true")[0] == 1


@pytest.mark.parametrize(
    ("plant", "option", "check"),
    [
        (tail_long, "data.trim_db=40", "tail"),
        (tail_long, "doctor.longest_tail=1", "tail"),
        (tail_noisy, "doctor.silence_db=90", "tail"),
        (clip_hard, "doctor.clipped=1000000", "clipping"),
        (shift, "doctor.offset=0.1", "offset"),
        (whisper, "doctor.faintest=-60", "faint"),
        (telephone, "doctor.band=0.4", "band"),
        (speak_too_long, "doctor.outlier=60", "duration"),
        (speak_too_long, f"doctor.least={N_CLIPS + 1}", "duration"),
        (speak_too_long, "data.max_seconds=10", "duration"),
        (smile, "tokenizer.cleaner=transliteration_cleaners", "script"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_options_decide_what_is_a_finding(plant, option, check, corpus, tmp_path):
    plant(corpus)
    _, report = examined(corpus.root, tmp_path / "out", option)
    assert check not in {finding["check"] for finding in report["findings"]}


def test_another_rate_is_a_note_if_it_is_resampled(corpus, tmp_path):
    other_rate(corpus)
    status, report = examined(corpus.root, tmp_path / "out", "data.resample=true")
    (rate,) = [finding for finding in report["findings"] if finding["check"] == "rate"]
    assert (rate["severity"], status) == ("note", 0)


def test_what_is_too_long_is_left_out_and_noted(corpus, tmp_path):
    speak_too_long(corpus)
    _, report = examined(corpus.root, tmp_path / "out", "data.max_seconds=10")
    assert {finding["check"] for finding in report["findings"]} == {"bounds", "memory"}


def test_unknown_characters_are_an_error_where_they_are_refused(corpus, tmp_path):
    smile(corpus)
    assert examined(corpus.root, tmp_path / "out", "tokenizer.on_unknown=raise")[0] == 1


def test_many_accents_are_taken_for_another_language(corpus, tmp_path):
    for name in list(corpus.rows)[:8]:
        corpus.say(name, corpus.rows[name].replace("a", "ä"))
    _, report = examined(corpus.root, tmp_path / "out")
    (accents,) = [finding for finding in report["findings"] if finding["check"] == "accents"]
    assert f"of {N_CLIPS} texts" in accents["what"]
    assert "(ä)" in accents["what"]


def test_waveglow_has_no_use_for_texts(corpus, tmp_path):
    say_nothing(corpus)
    be_brief(corpus)
    corpus.say("clip-03", "!?")
    status, report = examined(corpus.root, tmp_path / "out", "model=waveglow")
    assert [(f["check"], f["severity"]) for f in report["findings"]] == [("segment", "warning")]
    assert status == 0
    options = ["model=waveglow", "model.datamodule.segment_length=8000"]
    assert examined(corpus.root, tmp_path / "out", *options)[1]["findings"] == []


def test_memory_is_a_warning_where_there_is_less(healthy, tmp_path):
    _, report = examined(healthy, tmp_path, "doctor.memory_gb=1")
    (memory,) = [finding for finding in report["findings"] if finding["check"] == "memory"]
    assert memory["severity"] == "warning"
    assert "64 utterances" in memory["what"]
    _, report = examined(healthy, tmp_path, "doctor.memory_gb=1", "data.frames_per_batch=500")
    (memory,) = [finding for finding in report["findings"] if finding["check"] == "memory"]
    assert memory["severity"] == "note"


def test_an_empty_validation_is_found(healthy, tmp_path):
    _, report = examined(healthy, tmp_path, "data.val_fraction=0")
    assert "none to validate on" in str(report["findings"])


def test_ids_that_are_held_out_and_not_there_are_found(healthy, tmp_path):
    (tmp_path / "ids").write_text("nobody\n")
    status, report = examined(healthy, tmp_path, f"data.held_out={tmp_path}/ids")
    assert "none of these ids is in" in str(report["findings"])
    assert status == 1


@pytest.mark.parametrize("symbols", ["english_148", "ipa"])
def test_any_text_has_a_reading(symbols):
    tokenizer = Tokenizer(symbols, "unicode_cleaners", "ignore")

    @settings(max_examples=100)
    @given(st.text(st.characters(exclude_categories=[]), max_size=40))
    def check(text):
        reading = examine_text(tokenizer, text)
        assert bool(reading.n_symbols) != bool(reading.fault)
        assert "\n" not in reading.fault

    check()


@pytest.fixture
def speakers(tmp_path):
    root = tmp_path / "speakers"
    for speaker, n_clips in (("anna", 6), ("bert", 3)):
        (root / speaker).mkdir(parents=True)
        for number in range(n_clips):
            text = f"{speaker} {text_of(number)}"
            sound = voice(len(text) / 15, 10 * n_clips + number)
            write_wave(root / speaker / f"{number}.wav", sound, RATE)
            (root / speaker / f"{number}.txt").write_text(text)
    return root


def test_speakers_are_counted(speakers, tmp_path):
    options = ["data=folder", "data.speaker=folder", "doctor.speaker_clips=5"]
    status, report = examined(speakers, tmp_path / "out", *options)
    faults = {finding["check"]: finding["what"] for finding in report["findings"]}
    assert faults["speakers"] == "data.n_speakers=1, and the corpus has 2"
    assert faults["few"] == "'bert' has 3 recording(s)"
    assert status == 1
    status, report = examined(speakers, tmp_path / "out", *options, "data.n_speakers=2")
    assert "speakers" not in {finding["check"] for finding in report["findings"]}
    assert status == 0


def test_nothing_is_written_unless_there_is_a_place(healthy, tmp_path, capsys):
    config = composed().copy()
    for key, value in (("data.root", str(healthy)), ("doctor.output", None)):
        OmegaConf.update(config, key, value)
    assert doctor(resolved(config)) == 0
    assert capsys.readouterr().out.endswith("1 note\n")


def test_every_option_has_legal_values():
    names = {field.name for field in fields(DoctorOptions)}
    assert names == set(legal_arguments(DoctorOptions))


def test_the_defaults_are_those_of_the_configuration():
    assert DoctorOptions(**resolved(compose([], "doctor"))["doctor"]) == DoctorOptions()


def test_a_prepared_folder_is_refused(healthy, tmp_path, monkeypatch, capsys):
    from tts.commands.prepare import prepare_corpus

    paths = [f"paths.data_dir={tmp_path}/data", f"data.prepared={tmp_path}/p"]
    prepare_corpus(resolved(compose(["data=ljspeech", f"data.root={healthy}", *paths])))
    assert command(monkeypatch, "data=prepared", f"data.root={tmp_path}/p") == 2
    assert "no recordings to listen to" in capsys.readouterr().err


def command(monkeypatch, *options):
    monkeypatch.setattr("sys.argv", ["doctor", *options])
    with pytest.raises(SystemExit) as stop:
        with_training_options(doctor, "doctor")
    return stop.value.code


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("data.root=nowhere", "nowhere: there is no such folder"),
        ("doctor.strickt=true", "did you mean 'strict'?"),
        ("doctor.band=2", "doctor.band=2: it must be a number from 0 to 1"),
        ("doctor.output=corpus/metadata.csv", "doctor.output=corpus/metadata.csv: cannot be made"),
    ],
)
def test_a_mistake_is_one_line(option, message, corpus, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command(monkeypatch, "data=ljspeech", "data.root=corpus", option) == 2
    errors = capsys.readouterr().err.splitlines()
    assert message in errors[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


def test_the_exit_status_is_for_scripts(corpus, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    say_nothing(corpus)
    assert command(monkeypatch, "data=ljspeech", "data.root=corpus") == 1
    assert sorted(path.name for path in (tmp_path / "doctor" / "corpus").iterdir()) == [
        "doctor.html",
        "doctor.json",
    ]


@pytest.mark.slow
def test_the_command_runs_as_a_module(healthy, tmp_path):
    options = ["data=ljspeech", f"data.root={healthy}", f"doctor.output={tmp_path}/out"]
    done = subprocess.run(
        [sys.executable, "-m", "tts.data.doctor", *options],
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "0 errors, 0 warnings" in done.stdout


def test_each_corpus_has_a_folder_of_its_own(healthy, tmp_path):
    roots = [tmp_path / "LJ Speech", tmp_path / "other", tmp_path / "a" / "other"]
    for root in roots:
        shutil.copytree(healthy, root)
    output = f"doctor.output={tmp_path}/doctor/{{corpus}}"
    for root in [*roots, *roots]:
        doctor(examined_config(root, tmp_path / "x", output))
    pages = sorted((tmp_path / "doctor").glob("*/doctor.html"))
    assert len(pages) == 3
    assert {path.parent.name for path in pages} >= {"lj-speech", "other"}
    facts = [json.loads(path.with_suffix(".json").read_text()) for path in pages]
    assert {fact["config"]["data"]["root"] for fact in facts} == set(map(str, roots))
