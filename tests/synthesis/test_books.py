"""Books, long lines, and runs that are interrupted or killed."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from tts.audio import MelConfig, read_wave, write_wave
from tts.audio.encoding import MAX_WAV_BYTES, check_length
from tts.config import conf_dir
from tts.core.errors import InputError, RunStopped
from tts.inference import Part, Speech
from tts.metrics import alignment_health
from tts.synthesis.partial_output import PartialOutput
from tts.synthesize import synthesize

BOOK = """Chapter one. It begins here,
and goes on in the next line.

* * *

"Yes," he said. "No!" Then there was nothing to be said for a while.


The end.
"""


@pytest.fixture
def run(acoustic_file, monkeypatch, tmp_path):
    """Return run(book=..., ...) -> paths, in tmp_path; fast, and without a guard."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "book.txt").write_text(BOOK)
    acoustic = str(acoustic_file())

    def go(**overrides):
        cfg = OmegaConf.load(conf_dir() / "synthesize.yaml")
        del cfg["defaults"], cfg["hydra"]
        given = {"acoustic": acoustic, "max_steps": 12, "gate_threshold": 0.999, "guard": False}
        given["margin"] = 0
        return synthesize(OmegaConf.merge(cfg, given, {"book": "book.txt"}, overrides))

    return go


@pytest.fixture
def killed_after(monkeypatch):
    """Return kill(n), which presses Ctrl-C after n utterances are stored, and undoes itself."""

    def kill(n):
        add = PartialOutput.add

        def dying(self, speeches):
            if self.done == n:
                raise KeyboardInterrupt
            add(self, speeches)

        monkeypatch.setattr(PartialOutput, "add", dying)
        return lambda: monkeypatch.setattr(PartialOutput, "add", add)

    return kill


def bytes_of(*paths):
    return [path.read_bytes() for path in paths]


def test_a_book_is_one_file_with_all_its_sentences(run, tmp_path):
    (path,) = run(output="book.wav", json=True)
    manifest = json.loads((tmp_path / "book.json").read_text())
    assert [part["text"] for part in manifest["parts"]] == [
        "Chapter one.",
        "It begins here, and goes on in the next line.",
        '"Yes," he said.',
        '"No!"',
        "Then there was nothing to be said for a while.",
        "The end.",
    ]
    samples, rate = read_wave(path)
    assert manifest["seconds"] == pytest.approx(len(samples) / rate, abs=1e-3)
    last = manifest["parts"][-1]
    assert last["start"] + last["seconds"] == pytest.approx(manifest["seconds"], abs=1e-3)
    assert {p.name for p in tmp_path.iterdir()} == {
        *("book.txt", "book.wav", "book.json", "acoustic.safetensors")
    }


def test_a_book_in_a_folder_is_a_file_for_each_paragraph(run, tmp_path, capsys):
    paths = run(output="out/")
    assert [path.name for path in paths] == ["0001.wav", "0003.wav", "0004.wav"]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [entry.get("file") for entry in manifest] == [
        None if n == 2 else f"000{n}.wav" for n in (1, 2, 3, 4)
    ]
    assert "nothing in it can be pronounced" in manifest[1]["skipped"]
    assert "book.txt:4: skipped" in capsys.readouterr().out
    assert not (tmp_path / "out" / "unfinished").exists()


@pytest.mark.parametrize(
    ("output", "n", "speed"),
    [
        *(("book.wav", 0, 1), ("book.wav", 1, 1.7), ("book.wav", 4, 1)),
        *(("out/", 0, 1.7), ("out/", 1, 1), ("out/", 4, 0.6)),
    ],
)
def test_an_interrupted_book_resumes_to_the_same_bytes(
    run, killed_after, output, n, speed, capsys, monkeypatch
):
    monkeypatch.setattr("tts.inference.synthesizer.BATCHES_AT_ONCE", 1)
    how = {"batch_size": 2, "speed": speed}
    expected = bytes_of(*run(output=f"whole/{output}", **how))
    restore = killed_after(n)
    with pytest.raises(
        RunStopped, match=r"^interrupted; the same command resumes from \S*unfinished$"
    ):
        run(output=output, **how)
    restore()
    capsys.readouterr()
    assert bytes_of(*run(output=output, **how)) == expected
    assert (
        f"unfinished: resumes after {n} utterances of an interrupted run\n"
        in capsys.readouterr().out
    ) == (n > 0)


def test_a_book_with_pause_marks_resumes_to_the_same_bytes(
    run, killed_after, tmp_path, monkeypatch
):
    monkeypatch.setattr("tts.inference.synthesizer.BATCHES_AT_ONCE", 1)
    (tmp_path / "book.txt").write_text("[pause 1] One. [pause 2]\n\nTwo. Three. [pause 3]\n")
    how = {"batch_size": 1, "timings": "json"}
    (whole,) = run(output="whole/book.wav", **how)
    restore = killed_after(1)
    with pytest.raises(RunStopped):
        run(output="book.wav", **how)
    restore()
    (path,) = run(output="book.wav", **how)
    assert bytes_of(path) == bytes_of(whole)
    marks = json.loads(path.with_suffix(".words.json").read_text())
    assert marks == json.loads(whole.with_suffix(".words.json").read_text())
    assert [mark["word"] for mark in marks["words"]] == ["One", "Two", "Three"]
    assert marks["words"][0]["start"] >= 1
    assert marks["words"][1]["start"] - marks["words"][0]["end"] >= 2
    assert marks["seconds"] - marks["words"][2]["end"] >= 3


def test_a_paragraph_of_marks_alone_is_skipped(run, tmp_path):
    (tmp_path / "book.txt").write_text("One.\n\n[pause 2]\n\nTwo.\n")
    assert [path.name for path in run(output="out/")] == ["0001.wav", "0003.wav"]
    (tmp_path / "book.txt").write_text("One.\n\n[pause x]\n\nTwo.\n")
    with pytest.raises(InputError, match=r"^book.txt:3: \[pause x\]: write seconds"):
        run(output="out/")


def test_a_text_in_memory_sounds_as_it_does_from_the_disk(run, tmp_path):
    tags = {"title": "the same"}
    (one,) = run(output="book.wav", tags=tags)
    (other,) = run(book=None, text=BOOK, output="text.wav", tags=tags)
    assert bytes_of(one) == bytes_of(other)
    (flac,) = run(output="book.flac")
    np.testing.assert_array_equal(read_wave(flac)[0], read_wave(one)[0])


def test_incomplete_ends_of_killed_runs_are_cut_off(run, killed_after, tmp_path):
    expected = bytes_of(*run(output="whole/book.wav"))
    restore = killed_after(3)
    with pytest.raises(RunStopped):
        run(output="book.wav")
    restore()
    with open("book.unfinished/journal.jsonl", "ab") as journal:
        journal.write(b'{"end": 99999999, "sam')
    with open("book.unfinished/sound.f32", "ab") as sound:
        sound.write(b"\1\2\3")
    assert bytes_of(*run(output="book.wav")) == expected


def test_lost_samples_are_spoken_again(run, killed_after, tmp_path):
    expected = bytes_of(*run(output="whole/book.wav"))
    restore = killed_after(4)
    with pytest.raises(RunStopped):
        run(output="book.wav")
    restore()
    path = tmp_path / "book.unfinished" / "sound.f32"
    os.truncate(path, path.stat().st_size // 2)
    assert bytes_of(*run(output="book.wav")) == expected


@pytest.mark.parametrize(
    ("change", "named"),
    [({"seed": 5}, "seed"), ({"pauses": {"word": 1}}, "pauses"), ({"speed": 1.5}, "speed")],
)
def test_another_run_with_other_options_is_refused(run, killed_after, change, named):
    restore = killed_after(2)
    with pytest.raises(RunStopped):
        run(output="book.wav")
    restore()
    with pytest.raises(
        InputError,
        match=rf"^book\.unfinished: was started with another {named}; repeat that command to "
        r"resume it, or delete the folder to start again$",
    ):
        run(output="book.wav", **change)
    run(output="book.wav")


def test_another_run_with_another_text_is_refused(run, killed_after, tmp_path):
    restore = killed_after(2)
    with pytest.raises(RunStopped):
        run(output="book.wav")
    restore()
    (tmp_path / "book.txt").write_text("Something else. And more.")
    with pytest.raises(InputError, match=r"book\.unfinished: was started with another text; "):
        run(output="book.wav")


def test_another_file_format_resumes_the_same_run(run, killed_after, capsys):
    restore = killed_after(4)
    with pytest.raises(RunStopped):
        run(output="book.wav")
    restore()
    run(output="book.flac")
    assert (
        "book.unfinished: resumes after 4 utterances of an interrupted run\n"
        in capsys.readouterr().out
    )


def test_two_processes_cannot_write_to_one_folder(tmp_path):
    with (
        PartialOutput(tmp_path / "s", {"text": "a"}),
        pytest.raises(InputError, match=r"s: another process writes to it; wait until it ends$"),
    ):
        PartialOutput(tmp_path / "s", {"text": "a"})


def test_a_long_line_among_others_is_kept_on_the_disk(run, tmp_path, monkeypatch):
    monkeypatch.setattr("tts.synthesis.jobs.MOST_IN_MEMORY", 3)
    (tmp_path / "lines.txt").write_text("One line.\n" + "And on it goes. " * 9 + "\nThe last.\n")
    expected = bytes_of(*run(book=None, text_file="lines.txt", output="disk/"))
    monkeypatch.setattr("tts.synthesis.jobs.MOST_IN_MEMORY", 99)
    assert bytes_of(*run(book=None, text_file="lines.txt", output="memory/")) == expected
    here, there = (
        json.loads((tmp_path / name / "manifest.json").read_text()) for name in ("disk", "memory")
    )
    assert [len(entry["parts"]) for entry in here] == [1, 9, 1]
    for one, other in zip(here, there, strict=True):
        starts = [[part["start"] for part in entry["parts"]] for entry in (one, other)]
        assert starts[0] == pytest.approx(starts[1], abs=1e-3)


def spoken(n, text="a"):
    alignments = torch.eye(n)
    part = Part(
        *(text, 0.0, n / 8000, 1, 1, "gate", alignment_health(alignments), alignments),
        *(torch.zeros(n), 0, 0.5),
    )
    return Speech(torch.linspace(-1, 1, n), 8000, torch.zeros(2, n), text, (part,), MelConfig())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is full")
def test_a_full_disk_is_a_one_line_error_and_loses_nothing(tmp_path):
    with PartialOutput(tmp_path / "s", {}) as partial:
        partial.add([spoken(5)])
        with open("/dev/full", "ab", buffering=0) as full:
            partial._sound_file, sound = full, partial._sound_file
            with pytest.raises(InputError, match=r"s: cannot be written \(No space left"):
                partial.add([spoken(5)])
        sound.close()
    with PartialOutput(tmp_path / "s", {}) as partial:
        assert partial.done == 1


def test_samples_of_the_disk_are_those_of_memory(tmp_path):
    with PartialOutput(tmp_path / "s", {}) as partial:
        partial.add([spoken(5, "a")])
        partial.add([spoken(7, "b"), spoken(3, "c")])
        samples, rate = partial.sound(1, 2)
        np.testing.assert_array_equal(samples[:7], torch.linspace(-1, 1, 7).numpy())
        assert (len(samples), rate) == (10, 8000)
        starts = [(record["text"], record["start"]) for record in partial.records(0, 2)]
    assert starts == [("a", 0.0), ("b", 5 / 8000), ("c", pytest.approx(12 / 8000))]


def test_a_wav_above_4_gb_is_refused_and_leaves_no_file(tmp_path):
    samples = np.broadcast_to(np.float32(0), (MAX_WAV_BYTES // 2 + 1,))
    with pytest.raises(InputError, match=r"4\.0 GB are more than a WAV can hold.*use .*b\.flac"):
        write_wave(tmp_path / "b.wav", samples, 22050)
    assert not list(tmp_path.iterdir())
    check_length(tmp_path / "b.flac", len(samples))


SPEAK = """
import sys
from tts.commands.cli import synthesize_command
sys.argv = ["synthesize.py", *sys.argv[1:]]
synthesize_command()
"""


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_bytes(acoustic_file, tmp_path):
    (tmp_path / "book.txt").write_text("This is a sentence of a book. " * 600)
    command = [sys.executable, "-c", SPEAK, f"book={tmp_path}/book.txt", "max_steps=40"]
    command += [f"acoustic={acoustic_file()}", "guard=false", "gate_threshold=0.999"]
    subprocess.run([*command, f"output={tmp_path}/whole.wav"], check=True, capture_output=True)
    target, journal = tmp_path / "book.wav", tmp_path / "book.unfinished" / "journal.jsonl"
    running = subprocess.Popen([*command, f"output={target}"], stdout=subprocess.DEVNULL)
    while not journal.exists() or journal.read_bytes().count(b"\n") < 100:
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert not target.exists()
    subprocess.run([*command, f"output={target}"], check=True, capture_output=True)
    assert target.read_bytes() == (tmp_path / "whole.wav").read_bytes()
