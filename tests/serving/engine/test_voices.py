"""Voices are loaded from a list; a mistake in it is one line that names file and voice."""

import hashlib

import pytest

from tests.support.tiny_networks import tiny_synthesizer
from tts.core.errors import InputError
from tts.serving.engine.reading_voice import VoiceDigests, load_reading_voices
from tts.serving.engine.request import SpeakingRequest
from tts.serving.engine.voice_list import PACKAGE_VOICE, VoiceEntry, read_voice_list
from tts.serving.engine.voices import Voice, load_voices
from tts.serving.starting import version_record


def listed(tmp_path, text):
    path = tmp_path / "voices.yaml"
    path.write_text(text)
    return path


def test_without_a_list_there_is_the_voice_of_the_package():
    assert read_voice_list(None) == [PACKAGE_VOICE]


def test_files_beside_the_list_are_found_from_everywhere(tmp_path):
    (tmp_path / "a.safetensors").touch()
    path = listed(tmp_path, "- {id: a, acoustic: a.safetensors, options: {seed: 3}}\n")
    (entry,) = read_voice_list(path)
    assert entry.acoustic == str(tmp_path / "a.safetensors")
    assert (entry.name, entry.vocoder, entry.options) == ("a", "griffin_lim", {"seed": 3})


WRONG = {
    "": "it must be a list of voices",
    "{id: a}": "it must be a list of voices",
    "- 3": "voice 1 must have keys",
    "- {id: a}": "voice a: acoustic is missing",
    "- {acoustic: a}": "voice 1: id is missing",
    "- {id: A b, acoustic: a}": "voice A b: id=A b: use up to 64 small letters",
    "- {id: a, acoustic: a, pitch: 3}": "voice a: unknown key pitch; known: id, acoustic",
    "- {id: a, acoustic: 3}": "voice a: acoustic=3: it must be a name or a path",
    "- {id: a, acoustic: a, precision: int4}": "voice a: precision=int4",
    "- {id: a, acoustic: a, options: 3}": "voice a: options: it must be a section",
    "- {id: a, acoustic: a}\n- {id: a, acoustic: b}": "voice 2 has the id a of another voice",
    "- [": "not a YAML file",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_list_is_one_line(tmp_path, text):
    path = listed(tmp_path, text)
    with pytest.raises(InputError) as refused:
        read_voice_list(path)
    assert str(refused.value).startswith(f"{path}: {WRONG[text]}")
    assert "\n" not in str(refused.value)


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml: No such file"):
        read_voice_list(tmp_path / "none.yaml")


NOT_LOADED = {
    "- {id: a, acoustic: acoustic.safetensors, speaker: Ann}": "the acoustic model has one voice",
    "- {id: a, acoustic: none.safetensors}": "acoustic=none.safetensors: no such checkpoint",
    "- {id: a, acoustic: acoustic.safetensors, vocoder: nothing}": "nothing: no such checkpoint",
    "- {id: a, acoustic: acoustic.safetensors, options: {sigma: 1}}": "sigma, denoiser",
    "- {id: a, acoustic: acoustic.safetensors, options: {seed: -1}}": "seed=-1: it must be",
    "- {id: a, acoustic: acoustic.safetensors, options: {batch_size: 2}}": "batch_size: no option",
    "- {id: a, acoustic: acoustic.safetensors, lexicon: no.txt}": "lexicon: words are not read",
}


@pytest.mark.parametrize("text", NOT_LOADED)
def test_a_voice_that_cannot_be_loaded_is_one_line(tmp_path, text, acoustic_file):
    acoustic_file()
    path = listed(tmp_path, text)
    with pytest.raises(InputError) as refused:
        load_voices(path, "cpu")
    assert str(refused.value).startswith(f"{path}: voice a: ")
    assert NOT_LOADED[text] in str(refused.value)
    assert "\n" not in str(refused.value)


def test_voices_with_equal_files_share_them_and_have_digests(tmp_path, acoustic_file):
    file = acoustic_file()
    path = listed(
        tmp_path,
        "- {id: a, acoustic: acoustic.safetensors}\n"
        "- {id: b, acoustic: acoustic.safetensors, options: {seed: 5, pauses: {word: 0.5}}}\n",
    )
    voices = load_voices(path, "cpu")
    assert list(voices) == ["a", "b"]
    assert voices["a"].digests.acoustic == hashlib.sha256(file.read_bytes()).hexdigest()
    assert voices["a"].digests.vocoder is None
    assert voices["a"]._synthesizer is voices["b"]._synthesizer
    assert (voices["b"].options.seed, voices["b"].options.pauses.word) == (5, 0.5)


def test_a_voice_that_only_reads_builds_no_network_and_is_the_same_version(
    tmp_path, acoustic_file, monkeypatch
):
    acoustic_file()
    path = listed(
        tmp_path,
        "- {id: a, acoustic: acoustic.safetensors, options: {seed: 5, max_chars: 20}}\n",
    )
    speaking = load_voices(path, "cpu")["a"]
    for place in ("tts.pretrained.checkpoint.build", "tts.pretrained.files.read_contents"):
        monkeypatch.setattr(place, lambda *_, **__: pytest.fail("weights are read"))
    reading = load_reading_voices(path)["a"]
    assert version_record(reading) == version_record(speaking)
    request = SpeakingRequest("a b c, a b c a b c, a b.", "a")
    assert reading.units(request) == speaking.units(request)
    assert len(reading.units(request)) > 1


def test_the_reading_voice_of_the_package_takes_words_as_the_speaking_one(monkeypatch):
    monkeypatch.setattr("tts.pretrained.files.read_contents", lambda *_: pytest.fail("read"))
    (voice,) = load_reading_voices().values()
    assert (voice.id, voice.sample_rate) == ("lj", 22050)
    plain = SpeakingRequest("Tomato.", "lj")
    other = SpeakingRequest("Tomato.", "lj", lexicon={"tomato": "T AH0 M AA1 T OW0"})
    assert voice.units(plain)[0].ids != voice.units(other)[0].ids


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {id: a, acoustic: none.safetensors}", "no such checkpoint"),
        ("- {id: a, acoustic: acoustic.safetensors, speaker: Ann}", "has one voice"),
        ("- {id: a, acoustic: acoustic.safetensors, options: {seed: -1}}", "seed=-1"),
        (
            "- {id: a, acoustic: acoustic.safetensors, vocoder: acoustic.safetensors}",
            "it holds a Tacotron2, not a WaveGlow",
        ),
    ],
)
def test_a_reading_voice_that_cannot_be_loaded_is_one_line(tmp_path, text, message, acoustic_file):
    acoustic_file()
    path = listed(tmp_path, text)
    with pytest.raises(InputError) as refused:
        load_reading_voices(path)
    assert str(refused.value).startswith(f"{path}: voice a: ")
    assert message in str(refused.value)


@pytest.fixture
def voice():
    return Voice(VoiceEntry("v", "tiny"), tiny_synthesizer(), VoiceDigests("0", None, None))


def test_a_request_changes_the_options_of_the_voice(voice):
    request = SpeakingRequest("a", "v", options={"seed": 4, "pauses": {"word": 1}})
    options = voice.options_of(request)
    assert (options.seed, options.pauses.word, options.pauses.clause) == (4, 1, 0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed=-1"),
        ({"sed": 1}, "sed: no option of a voice; there are seed"),
        ({"speaker": "Ann"}, "speaker: no option"),
        ({"pauses": {"w": 1}}, "pauses.w: there are paragraph"),
    ],
)
def test_an_illegal_option_of_a_request_is_refused(voice, options, message):
    with pytest.raises(InputError) as refused:
        voice.units(SpeakingRequest("a", "v", options=options))
    assert str(refused.value).startswith(message)


def test_a_recipe_tells_apart_what_sounds_different_and_nothing_else(voice):
    def recipe(**fields):
        return voice.recipe(SpeakingRequest("a", "v", **fields))

    same = [recipe(), recipe(lane="batch", strict=True), recipe(options={"seed": 0})]
    assert same[0] == same[1] == same[2]
    assert recipe(options={"seed": 1}) != same[0]
    assert recipe(lexicon={"b": "B"}) != same[0]
    assert "batch_size" not in same[0]["options"]


def test_a_lexicon_of_a_request_is_refused_where_words_are_not_looked_up(voice):
    with pytest.raises(InputError, match="lexicon: words are not read"):
        voice.units(SpeakingRequest("a", "v", lexicon={"tacoglow": "T AA1"}))
