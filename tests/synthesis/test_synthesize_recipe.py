import json
import re
import subprocess
import sys

import numpy as np
import pytest
from omegaconf import OmegaConf

from tts.audio import read_wave
from tts.config import conf_dir
from tts.core.errors import InputError, SpeechError
from tts.synthesize import synthesize


@pytest.fixture
def run(acoustic_file, monkeypatch, tmp_path):
    """Return run(text=..., ...) -> paths, in tmp_path: the shipped configuration, no margin."""
    monkeypatch.chdir(tmp_path)

    def go(**overrides):
        cfg = OmegaConf.load(conf_dir() / "synthesize.yaml")
        del cfg["defaults"], cfg["hydra"]
        cfg.max_steps, cfg.gate_threshold, cfg.margin = 12, 0.999, 0
        if "acoustic" not in overrides:
            cfg.acoustic = str(acoustic_file())
        return synthesize(OmegaConf.merge(cfg, overrides))

    return go


@pytest.fixture
def lines_file(tmp_path):
    def write(text, encoding="utf-8"):
        (tmp_path / "lines.txt").write_bytes(text.encode(encoding))
        return "lines.txt"

    return write


def test_one_text_becomes_one_file(run, tmp_path, capsys):
    paths = run(text="hello world, I missed you so much", output="audio.wav")
    assert [str(path) for path in paths] == ["audio.wav"]
    samples, rate = read_wave("audio.wav")
    assert (len(samples), rate) == (11 * 64, 8000)
    assert {path.name for path in tmp_path.iterdir()} == {"audio.wav", "acoustic.safetensors"}
    first = capsys.readouterr().out.splitlines()[0]
    assert re.fullmatch(r"audio\.wav  0\.09 s  RTF \d+\.\d\d  stopped by max_steps", first)


def test_lines_become_numbered_files_in_order(run, lines_file, capsys):
    lines = lines_file("hello world\n\n  yes.  \r\n\na longer sentence than these\n")
    paths = run(text_file=lines, output="new/wavs/", batch_size=2, seed=3)
    assert [str(path) for path in paths] == [f"new/wavs/000{n}.wav" for n in (1, 2, 3)]
    manifest = json.loads((paths[0].parent / "manifest.json").read_text())
    assert [entry["file"] for entry in manifest] == ["0001.wav", "0002.wav", "0003.wav"]
    assert [entry["text"] for entry in manifest] == [
        "hello world",
        "yes.",
        "a longer sentence than these",
    ]
    assert {entry["seed"] for entry in manifest} == {3}
    assert all(entry["rtf"] > 0 and entry["stop_reason"] == "max_steps" for entry in manifest)
    assert "lines.txt: 2 of 5 lines are empty and skipped" in capsys.readouterr().out


def test_windows_of_batches_keep_the_order(run, lines_file, monkeypatch):
    monkeypatch.setattr("tts.inference.synthesizer.BATCHES_AT_ONCE", 1)
    texts = [f"this is line {'one two three four five six seven'.split()[n]}" for n in range(7)]
    run(text_file=lines_file("\n".join(texts)), output="wavs/", batch_size=2, max_steps=2)
    with open("wavs/manifest.json") as file:
        assert [entry["text"] for entry in json.load(file)] == texts


def test_byte_order_mark_is_not_read_aloud(run, lines_file):
    run(text_file=lines_file("hello\n", "utf-8-sig"), output="a.wav")


def test_existing_folder_needs_no_slash(run, tmp_path):
    (tmp_path / "wavs").mkdir()
    assert [str(path) for path in run(text="hello", output="wavs")] == ["wavs/0001.wav"]


def test_vocoder_and_its_settings(run, vocoder_file):
    run(text="hello", vocoder=str(vocoder_file()), sigma=0.5, denoiser=0, output="a.flac")
    assert len(read_wave("a.flac")[0]) == 12 * 64


def test_faults_of_an_utterance_are_printed(run, capsys):
    run(text="hello world")
    printed = capsys.readouterr().out
    assert "warning: the alignment does not follow the text (coverage 0." in printed
    assert "warning: cut off by max_steps, because the gate did not fire, in 3 attempts" in printed


def test_synthetic_voice_is_named(run, acoustic_file, capsys):
    path = acoustic_file(corpus="synthetic corpus (hibari)")
    run(text="hello", acoustic=str(path))
    assert "trained on: synthetic corpus (hibari)" in capsys.readouterr().out


def test_recorded_voice_is_not_mentioned(run, capsys):
    run(text="hello")
    assert "trained on" not in capsys.readouterr().out


def test_a_failed_part_is_decoded_again_and_reported(run, tmp_path):
    run(text="hello world, how are you", json=True, gate_threshold=0.9999, output="a.wav")
    manifest = json.loads((tmp_path / "a.json").read_text())
    assert manifest["failed"]
    (part,) = manifest["parts"]
    assert part["failed"]
    assert not part["rescued"]
    assert part["attempts"] == 3
    assert part["stop_reason"] == manifest["stop_reason"] == "max_steps"
    assert {"start", "seconds", "compute_seconds", "seed", "health"} <= part.keys()
    assert 0 <= part["health"]["coverage"] <= 1


def test_a_long_text_prints_five_failed_parts_at_most(run, capsys):
    run(text="Hello there. " * 9, guard=False, gate_threshold=0.9999)
    warnings = [line for line in capsys.readouterr().out.splitlines() if "warning" in line]
    assert len(warnings) == 2 * 5 + 1
    assert "warning: 0.0 s, 'Hello there.': the alignment" in warnings[0]
    assert warnings[-1] == "  warning: 9 of 9 parts failed"


def test_strict_raises_after_all_files_are_written(run, tmp_path):
    with pytest.raises(SpeechError, match=r"^strict=true: 1 of 1 parts failed and 0 of 1 texts"):
        run(text="hello", strict=True, guard=False, json=True, output="a.wav")
    assert {"a.wav", "a.json"} <= {path.name for path in tmp_path.iterdir()}


def test_the_exit_status_shows_failed_parts_only_under_strict(command, acoustic_file, tmp_path):
    options = ["text=hello", f"acoustic={acoustic_file()}", f"output={tmp_path}/a.wav"]
    options += ["max_steps=9", "gate_threshold=0.999"]
    assert command("synthesize", *options)[0] == 0
    status, out, err = command("synthesize", *options, "strict=true")
    assert status == 1
    assert "warning" in out
    assert err.startswith("error: strict=true: 1 of 1 parts failed")


def test_lines_that_cannot_be_read_are_skipped_with_on_error_skip(run, lines_file, capsys):
    lines = lines_file("hello\n☃\n{QQ}\nyou\n")
    paths = run(text_file=lines, output="wavs/", on_error="skip", guard=False)
    assert [path.name for path in paths] == ["0001.wav", "0004.wav"]
    manifest = json.loads((paths[0].parent / "manifest.json").read_text())
    assert ["skipped" in entry for entry in manifest] == [False, True, True, False]
    printed = capsys.readouterr().out
    assert "lines.txt:2: skipped: text '☃': nothing in it can be pronounced" in printed
    assert "lines.txt:3: skipped: text '{QQ}': unknown phone 'QQ'" in printed
    with pytest.raises(SpeechError, match="2 of 4 texts were skipped"):
        run(text_file=lines, output="wavs/", on_error="skip", guard=False, strict=True)


def test_skipping_every_line_is_an_error(run, lines_file, tmp_path):
    with pytest.raises(InputError, match=r"lines\.txt:1: text '☃'"):
        run(text_file=lines_file("☃\n...\n"), output="wavs/", on_error="skip")
    assert not (tmp_path / "wavs").exists()


def test_control_characters_do_not_end_a_line(run, lines_file):
    lines = lines_file("one\x0ctwo\x1cthree\u2028four\nfive\n")
    assert len(run(text_file=lines, output="wavs/", guard=False)) == 2


DIFFICULT = {
    "emoji": "I love it 😍🔥 so much",
    "right to left": "مرحبا بالعالم، كيف حالك؟ \u202eabc",
    "control characters": "bell \x07 escape \x1b[31m null \x00",
    "accents": "a" + "\u0301" * 300,
    "no stop": "word " * 400,
    "one word": "a" * 2000,
    "digits": "9" * 300,
    "url": "https://user:pass@example.com:8080/a/b.html?q=1&r=2#s",
    "surrogate": "caf\udce9 noir",
    "braces": "{unclosed {HH AH0} and }closed",
    "phones": "{" + "HH AH0 L OW1 " * 200 + "}",
}


@pytest.mark.parametrize("name", DIFFICULT)
def test_a_difficult_text_becomes_a_sound_file_with_a_stop_reason(run, name):
    options = {"guard": False, "max_steps": 3, "json": True, "output": "a.wav"}
    (path,) = run(text=DIFFICULT[name], **options)
    manifest = json.loads(path.with_suffix(".json").read_text())
    assert manifest["stop_reason"] in ("gate", "max_steps")
    assert len(read_wave(path)[0]) == pytest.approx(8000 * manifest["seconds"], abs=8)
    assert all(part["seconds"] > 0 and part["text"] for part in manifest["parts"])


NO_SOURCE = r'^give one of text="\.\.\.", text_file=lines\.txt and book=book\.txt$'
BAD = {
    "no text": ({}, NO_SOURCE),
    "two texts": ({"text": "a", "text_file": "b"}, NO_SOURCE),
    "empty text": ({"text": " "}, "^text= : it must be a text with at least one word"),
    "no sound": ({"text": "!?"}, "^text .*pronounced"),
    "no acoustic": ({"text": "a", "acoustic": "none"}, r"none: no such checkpoint"),
    "missing acoustic": ({"text": "a", "acoustic": "no.ckpt"}, r"no\.ckpt"),
    "missing vocoder": ({"text": "hi", "vocoder": "no.ckpt"}, r"no\.ckpt"),
    "missing file": ({"text_file": "no.txt"}, r"text_file=no\.txt: cannot be read"),
    "unknown ending": (
        {"text": "a", "output": "a.xyz"},
        r"output=a\.xyz: end it in \.wav, \.flac, \.ogg, \.opus, \.mp3 for a file, or in / for a "
        r"folder$",
    ),
    "audio book": (
        {"text": "a", "output": "a.m4b"},
        r"output=a\.m4b: .*; AAC cannot be encoded, and \.opus and \.mp3 hold chapters, too$",
    ),
    "samples": ({"text": "a", "output": "o/", "format": "pcm"}, r"format=pcm: a file of it would"),
    "bits of Opus": (
        {"text": "a", "output": "a.opus", "bits": 16},
        r"bits=16: Opus has none, leave it null \(a\.opus\)",
    ),
    "rate of Opus": (
        {"text": "a", "output": "a.opus", "sample_rate": 44100},
        r"a\.opus: Opus cannot hold sound of 44100 Hz, only 8000, 12000, 16000, 24000 or 48000",
    ),
    "no ending": ({"text": "a", "output": "wavs"}, "or in / for a folder"),
    "seed": ({"text": "a", "seed": "x"}, "seed=x: it must be a whole number"),
    "broken seed": ({"text": "a", "seed": 1.5}, r"seed=1\.5: it must be a whole number"),
    "true seed": ({"text": "a", "seed": True}, "seed=true"),
    "negative seed": ({"text": "a", "seed": -1}, "seed=-1: it must be a whole number from 0"),
    "no batch size": ({"text": "a", "batch_size": None}, "batch_size=null"),
    "batch size": (
        {"text": "a", "batch_size": 0},
        "batch_size=0: it must be a whole number, 1 or more",
    ),
    "sigma": ({"text": "a", "sigma": "loud"}, "sigma=loud: it must be a number or null"),
    "text and book": ({"text": "a", "book": "b"}, NO_SOURCE),
    "missing book": ({"book": "no.txt"}, r"book=no\.txt: cannot be read"),
    "on_error": ({"text": "a", "on_error": "ignore"}, "on_error=ignore: it must be one of raise"),
    "attempts": ({"text": "a", "attempts": 0}, "attempts=0: it must be a whole number, 1 or more"),
    "pause": (
        {"text": "a", "pauses": {"word": -1}},
        r"pauses\.word=-1: it must be a number from 0",
    ),
    "window": ({"text": "a", "attention_window": 0}, "attention_window=0: it must be"),
    "end": ({"text": "a", "end_steps": "soon"}, "end_steps=soon: it must be"),
    "strict": ({"text": "a", "strict": "very"}, "strict=very: it must be one of true, false"),
    "device": ({"text": "a", "device": "abacus"}, "device 'abacus' cannot be used"),
}


def test_bad_input_is_one_line_and_leaves_nothing(run, tmp_path):
    wrong = []
    for name, (overrides, message) in BAD.items():
        try:
            run(**overrides)
        except InputError as error:
            if not re.search(message, str(error)) or "\n" in str(error):
                wrong.append(f"{name}: {error}")
        else:
            wrong.append(f"{name}: no error")
        left = {path.name for path in tmp_path.iterdir()} - {"acoustic.safetensors"}
        wrong += [f"{name}: leaves {file}" for file in left]
    assert not wrong, "\n".join(wrong)


def test_a_missing_text_is_found_before_torch_is_loaded():
    code = (
        "import sys; from tts.commands.cli import synthesize_command\n"
        "sys.argv = ['synthesize.py']\n"
        "try: synthesize_command()\n"
        "except SystemExit as end: assert end.code == 2\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.PIPE)
    assert done.stderr.startswith(b"error: give one of text=")


def test_file_that_holds_nothing_is_refused(run, lines_file):
    with pytest.raises(
        InputError, match=r"text_file=lines\.txt: holds no text; write at least one word$"
    ):
        run(text_file=lines_file("\n  \n"), output="wavs/")


def test_file_that_is_no_utf8_is_refused(run, lines_file):
    with pytest.raises(
        InputError, match=r"text_file=lines\.txt: not UTF-8 at byte 1; save the file as UTF-8$"
    ):
        run(text_file=lines_file("hé", "latin-1"), output="wavs/")


def test_one_file_for_several_lines_is_refused(run, lines_file):
    with pytest.raises(InputError, match="one file for 2 utterances; use output=audio/"):
        run(text_file=lines_file("one\ntwo"), output="audio.wav")


def test_bad_line_is_named_before_anything_is_spoken(run, lines_file, tmp_path):
    with pytest.raises(InputError, match=r"lines\.txt:3: text '!!!'"):
        run(text_file=lines_file("hello\n\n!!!\n"), output="wavs/")
    assert not (tmp_path / "wavs").exists()


@pytest.mark.parametrize("output", ["file/a.wav", "file/wavs/"])
def test_an_unwritable_output_is_found_before_the_networks_load(run, tmp_path, output, monkeypatch):
    monkeypatch.setattr("tts.inference.Synthesizer.from_pretrained", None)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=rf"output={output}.*file cannot be written"):
        run(text="hello", output=output)


def test_a_folder_with_the_name_of_a_sound_file_is_refused(run, tmp_path):
    (tmp_path / "wavs" / "0001.wav").mkdir(parents=True)
    with pytest.raises(InputError, match=r"0001\.wav: is a folder"):
        run(text="hello", output="wavs/")


@pytest.mark.parametrize("rate", [22050, 8000])
def test_the_margin_is_silence_at_both_ends(run, rate):
    (plain,) = run(text="hello", output="a.wav", sample_rate=rate, peak=-1)
    (wide,) = run(text="hello", output="b.wav", sample_rate=rate, peak=-1, margin=0.25)
    samples, actual_rate = read_wave(wide)
    assert actual_rate == rate
    n = round(0.25 * rate)
    assert not samples[:n].any()
    assert not samples[-n:].any()
    assert np.array_equal(samples[n:-n], read_wave(plain)[0])
