"""Shows previews of how texts will be read, and uses the user's lexicon."""

from __future__ import annotations

import pytest
import soundfile as sf

from tts import pretrained
from tts.core.errors import InputError
from tts.inference import Synthesizer
from tts.inference.reader import TextReader
from tts.synthesis.input import Line
from tts.synthesis.jobs import output_identity
from tts.text import Tokenizer

HELLO = "{HH AH0 L OW1}"


@pytest.fixture
def letters(acoustic_file):
    return str(acoustic_file())


@pytest.fixture
def phones(tiny, tmp_path):
    """Write a model that reads words as ARPAbet, and has a word of its own."""
    pytest.importorskip("hibari")
    tokenizer = Tokenizer(p_arpabet=1, lexicon={"glow": "G L OW2"})
    about = {"mel": tiny.mel.to_dict(), "tokenizer": tokenizer.to_dict()}
    pretrained.save(tiny.tacotron2(), tmp_path / "phones.safetensors", description=about)
    return str(tmp_path / "phones.safetensors")


@pytest.fixture
def lexicon(tmp_path):
    def write(content, name="lexicon.txt"):
        (tmp_path / name).write_text(content)
        return str(tmp_path / name)

    return write


@pytest.fixture
def show(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *options: command("synthesize", "show=true", *options)


def symbols(acoustic, text, **options):
    tokenizer = Synthesizer.from_pretrained(acoustic, device="cpu", **options).tokenizer
    return tokenizer.decode(tokenizer.encode(text))


@pytest.mark.parametrize("kind", ["file", "entries"])
def test_a_lexicon_comes_before_the_dictionary_and_the_model(kind, phones, lexicon):
    entries = {"hello": "Y OW1", "glow": "G AW1"}
    written = "\n".join(f"{word}  {phones}" for word, phones in entries.items())
    given = lexicon(written) if kind == "file" else entries
    assert symbols(phones, "hello glow world") == "{HH AH0 L OW1} {G L OW2} {W ER1 L D}"
    assert symbols(phones, "hello glow world", lexicon=given) == "{Y OW1} {G AW1} {W ER1 L D}"


def test_the_lexicon_of_the_model_stays(phones, lexicon):
    given = lexicon("hello  Y OW1\n")
    assert symbols(phones, "hello glow", lexicon=given) == "{Y OW1} {G L OW2}"


def test_a_lexicon_changes_the_sound(phones, lexicon, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = [f"acoustic={phones}", "device=cpu", "max_steps=8", "guard=false"]
    given = [f"lexicon={lexicon('hello  Y OW1')}"]
    assert command("synthesize", "text=hello", "output=a.wav", *options, *given)[0] == 0
    assert command("synthesize", "text={Y OW1}", "output=b.wav", *options)[0] == 0
    assert command("synthesize", "text=hello", "output=c.wav", *options)[0] == 0
    one, same, other = (sf.read(tmp_path / f"{name}.wav")[0].tolist() for name in "abc")
    assert one == same
    assert one != other


def test_a_tokenizer_keeps_its_own_lexicon():
    tokenizer = Tokenizer(p_arpabet=1, lexicon={"glow": "G L OW2"})
    more = tokenizer.with_lexicon({"hello": "Y OW1"})
    assert dict(tokenizer.lexicon) == {"glow": ("G", "L", "OW2")}
    assert dict(more.lexicon) == {"glow": ("G", "L", "OW2"), "hello": ("Y", "OW1")}
    assert more != tokenizer


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "none.txt: the lexicon cannot be read"),
        ("hello  Y OX1", "lexicon.txt:1: 'hello' has an unknown phone 'OX1'"),
        ("hello", "lexicon.txt:1: 'hello' has no phones"),
    ],
    ids=["missing", "phone", "empty"],
)
@pytest.mark.parametrize("more", [[], ["show=true"]], ids=["speak", "show"])
def test_a_lexicon_that_cannot_be_read_is_one_line(
    content, message, more, phones, lexicon, command, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    path = "none.txt" if content is None else lexicon(content)
    given = [f"acoustic={phones}", f"lexicon={path}", "text=hello", "device=cpu", *more]
    status, _, error = command("synthesize", *given)
    assert status == 2
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "audio.wav").exists()


def test_a_lexicon_for_a_model_of_letters_is_refused(letters):
    with pytest.raises(InputError, match=r"words are not read as ARPAbet .* no effect"):
        Synthesizer.from_pretrained(letters, device="cpu", lexicon={"hello": "Y OW1"})


def test_a_book_does_not_resume_with_another_lexicon(phones, lexicon):
    config = {"acoustic": phones, "vocoder": "griffin_lim", "pauses": {}, "precision": "float32"}

    def known():
        return output_identity([Line("hello", "")], config, {})

    config["lexicon"] = lexicon("hello  Y OW1")
    before = known()
    assert known() == before
    config["lexicon"] = lexicon("hello  Y OW1 L")
    assert known() != before


@pytest.mark.parametrize("model", ["letters", "phones"])
def test_braces_are_phones_whatever_the_model_reads(model, request):
    acoustic = request.getfixturevalue(model)
    assert symbols(acoustic, f"{HELLO}.") == f"{HELLO}."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{HH QQ}", "unknown phone 'QQ' in braces; write ARPAbet as in {HH AH0 L OW1}"),
        ("{hh}", "unknown phone 'hh' in braces; write 'HH'"),
    ],
)
@pytest.mark.parametrize("more", [[], ["show=true"]], ids=["speak", "show"])
def test_a_phone_that_does_not_exist_is_named(
    text, message, more, letters, command, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    status, out, error = command("synthesize", f"text={text}", f"acoustic={letters}", *more)
    assert status == 2
    assert message in (out if more else error)
    assert error.count("\n") == 1
    assert not (tmp_path / "audio.wav").exists()


def test_show_prints_how_a_text_will_be_read(letters, show, tmp_path, monkeypatch):
    monkeypatch.setattr("tts.pretrained.checkpoint.build", lambda *_: pytest.fail("built"))
    before = set(tmp_path.iterdir())
    status, out, error = show(f"acoustic={letters}", "text=Mr. Smith, £5 & 😀", "vocoder=nowhere")
    assert (status, error) == (0, "")
    text, read_as, *_ = out.splitlines()
    assert text == "text     Mr. Smith, £5 & 😀"
    assert read_as.startswith("read as  mister smith, ")
    assert "'😀' x1" in out
    assert "\nsymbols  " in out
    assert set(tmp_path.iterdir()) == before


def test_words_are_shown_with_their_phones(phones, lexicon, show):
    given = [f"acoustic={phones}", f"lexicon={lexicon('hello  Y OW1')}"]
    _, out, _ = show(*given, "text=hello glow")
    assert "         hello  Y OW1\n         glow  G L OW2\n" in out


def test_pieces_are_those_that_will_be_spoken(letters, show):
    text = "One sentence is here. And another, a long one, that goes on, and on, to its end."
    _, out, _ = show(f"acoustic={letters}", f"text={text}", "max_chars=40")
    pieces = TextReader(Tokenizer(), 40).read(text)
    assert len(pieces) == 3
    assert [line[9:] for line in out.splitlines() if line.startswith("text ")] == [
        piece.text for piece in pieces
    ]
    assert "piece 1 of 3, then the pause of a sentence\n" in out
    assert "piece 3 of 3\n" in out


@pytest.mark.parametrize(
    ("policy", "status", "shown"),
    [
        ("raise", 2, "refused  text 'I ☃ you': not in the symbol table: '☃' x1 (character 3)"),
        ("skip", 0, "read as  i you\n"),
        ("spell", 0, "read as  i snowman you\n"),
    ],
)
def test_characters_without_a_symbol_are_shown_as_they_will_be_treated(
    policy, status, shown, letters, show
):
    exit_status, out, _ = show(f"acoustic={letters}", "text=I ☃ you", f"on_unknown={policy}")
    assert exit_status == status
    assert shown in out
    assert ("left out" in out) == (policy != "spell")


def test_pause_marks_are_shown(letters, show):
    _, out, _ = show(f"acoustic={letters}", "text=[pause 2] One [pause 0.5] two. [pause 1]")
    heads = [line for line in out.splitlines() if "piece" in line or "pause" in line]
    assert heads == [
        "a pause of 2 s",
        "piece 1 of 2, then a pause of 0.5 s",
        "piece 2 of 2, then a pause of 1 s",
    ]
    assert "read as  one\n" in out.lower()


def test_a_wrong_pause_mark_is_refused_with_its_line(letters, show, tmp_path):
    (tmp_path / "lines.txt").write_text("hello\n\nso [pause abc] what\n")
    status, out, _ = show(f"acoustic={letters}", "text_file=lines.txt")
    assert status == 2
    assert "refused  [pause abc]: write seconds from 0 to 60, such as [pause 0.5]" in out


def test_an_unknown_policy_is_refused(letters, show):
    status, _, error = show(f"acoustic={letters}", "text=hello", "on_unknown=warn")
    assert status == 2
    assert "on_unknown=warn: it must be" in error


@pytest.mark.parametrize(("policy", "status"), [("raise", 2), ("skip", 0)])
def test_a_text_that_cannot_be_spoken_is_shown_with_its_line(
    policy, status, letters, show, tmp_path
):
    (tmp_path / "lines.txt").write_text("hello\n\n!?\nworld\n")
    given = [f"acoustic={letters}", "text_file=lines.txt", f"on_error={policy}"]
    exit_status, out, error = show(*given)
    assert exit_status == status
    assert "\nlines.txt:3\ntext     !?\n" in out
    assert "refused  text '!?': nothing in it can be pronounced" in out
    assert "\nlines.txt:4\ntext     world\n" in out
    assert error == ("error: 1 of 3 texts cannot be spoken; see above\n" if status else "")


def test_a_terminal_gets_no_control_characters(letters, show, tmp_path):
    (tmp_path / "book.txt").write_text("hello\x1b[2J\x07 world\n")
    _, out, _ = show(f"acoustic={letters}", "book=book.txt")
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "text     hello\\x1b[2J\\x07 world" in out


def test_a_checkpoint_of_another_network_is_named(vocoder_file, show):
    status, _, error = show(f"acoustic={vocoder_file()}", "text=hello")
    assert status == 2
    assert "vocoder.safetensors: holds a WaveGlow; a Tacotron2 is needed here" in error
