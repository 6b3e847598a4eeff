"""Voices are pushed to a hub and pulled from it, by its own client and a server of the tests."""

import socket

import pytest
from huggingface_hub import constants

from tests.support.tiny_networks import tiny_waveglow
from tts import pretrained
from tts.core.download import sha256
from tts.core.errors import InputError
from tts.pretrained import hugging_face
from tts.pretrained.publication import PUBLICATION
from tts.pretrained.sources import checkpoint_file, require_source
from tts.serving.engine.engine import SpeechEngine
from tts.serving.engine.errors import UnknownVoiceError
from tts.serving.engine.request import SpeakingRequest
from tts.serving.engine.voices import load_voices

VOICE = "hf://ann/voice"
# the client of the hub calls its own library for HTTP in a way that is going to end
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture
def push(write_run, publish, hub):
    """Push a run; returns the result of the command."""

    def run(*options, name="run", **more):
        return publish(f"run={write_run(name, **more)}", f"to={VOICE}", "n_sounds=1", *options)

    return run


@pytest.fixture
def pushed(hub, voice_files):
    """Return the hub with a voice on it, as a push leaves it."""
    hub.commit("ann/voice", {**voice_files[0], ".gitattributes": b"..."})
    return hub


def test_a_voice_is_pushed_in_one_commit(push, hub):
    result = push()
    assert result.status == 0, result.err
    assert len(hub.repos["ann/voice"]) == 2  # the hub's own, and ours
    commit, files = hub.repos["ann/voice"][-1]
    assert f"{VOICE}@{commit}" in result.out
    assert {"README.md", "acoustic.safetensors", PUBLICATION, "sounds/0001.ogg"} <= files.keys()
    assert f"acoustic={VOICE}".encode() in files["README.md"]
    assert not hub.private


def test_a_private_repository_is_made_so(push, hub):
    assert push("private=true").status == 0
    assert hub.private == {"ann/voice"}


def test_a_pushed_voice_speaks(pushed, command, tmp_path):
    out = f"output={tmp_path}/a.wav"
    status, _, err = command("synthesize", "text=hello", f"acoustic={VOICE}", out)
    assert status == 0, err
    assert (tmp_path / "a.wav").is_file()


def test_what_is_pulled_is_what_was_published(pushed, voice_files):
    last = voice_files[1] / "checkpoints" / "last.ckpt"
    before, after = (pretrained.load(name).state_dict() for name in (last, VOICE))
    assert all(bool((before[name] == after[name]).all()) for name in before)
    assert pretrained.describe(VOICE)["network"] == "Tacotron2"


def test_a_second_push_removes_what_is_old(pushed, push):
    assert push(name="other", network=tiny_waveglow()).status == 0
    assert "vocoder.safetensors" in pushed.files("ann/voice")
    assert "acoustic.safetensors" not in pushed.files("ann/voice")
    assert "sounds/0001.ogg" not in pushed.files("ann/voice")


def test_a_revision_keeps_the_voice(pushed, push):
    first = pushed.repos["ann/voice"][-1][0]
    assert push(name="other", network=tiny_waveglow()).status == 0
    assert checkpoint_file(VOICE).name == "vocoder.safetensors"
    assert checkpoint_file(f"{VOICE}@{first}").name == "acoustic.safetensors"
    assert checkpoint_file(f"{VOICE}@main").name == "vocoder.safetensors"


def test_what_was_pulled_is_used_without_a_network(pushed, monkeypatch):
    commit = pushed.repos["ann/voice"][-1][0]
    file = checkpoint_file(VOICE)
    pushed.close()
    monkeypatch.setattr(pushed, "close", lambda: None)
    assert checkpoint_file(VOICE) == file
    assert checkpoint_file(f"{VOICE}@{commit}") == file


def test_a_pinned_revision_that_is_there_asks_nobody(pushed):
    commit = pushed.repos["ann/voice"][-1][0]
    checkpoint_file(f"{VOICE}@{commit}")
    pushed.requests.clear()
    checkpoint_file(f"{VOICE}@{commit}")
    assert pushed.requests == []


def test_both_files_are_of_one_commit(pushed, push, monkeypatch):
    """Somebody pushes another voice between the two downloads."""
    download, first = hugging_face._download, pushed.repos["ann/voice"][-1][0]

    def slow(source, name):
        path = download(source, name)
        if name == PUBLICATION:
            pushed.commit("ann/voice", {"acoustic.safetensors": b"another"})
        return path

    monkeypatch.setattr(hugging_face, "_download", slow)
    assert first in str(checkpoint_file(VOICE))


def test_a_file_that_is_not_the_published_one_is_refused(pushed):
    pushed.files("ann/voice")["acoustic.safetensors"] += b"x"
    with pytest.raises(InputError, match="is not the file that was published"):
        checkpoint_file(VOICE)


def nobody(hub):
    del hub.repos["ann/voice"]


def gated(hub):
    hub.gated.add("ann/voice")


def hidden(hub, monkeypatch):
    hub.private.add("ann/voice")
    monkeypatch.delenv("HF_TOKEN")


def of_others(hub):
    hub.commit("ann/voice", {"model.safetensors": b"..."})


def broken(hub):
    hub.fails[f"/ann/voice/resolve/main/{PUBLICATION}"] = 418


@pytest.mark.parametrize(
    ("fault", "name", "line"),
    [
        (nobody, VOICE, "there is no such repository, or it is private; check the name, or set"),
        (hidden, VOICE, "there is no such repository, or it is private; check the name, or set"),
        (gated, VOICE, "asks for access: accept its terms"),
        (None, f"{VOICE}@v7", "has no revision v7; name a branch, a tag or a commit"),
        (of_others, VOICE, "has no publication.json; it was not written by python -m tts.publish"),
        (broken, VOICE, "the hub answered with status 418"),
        (None, "hf://ann", "write hf://OWNER/NAME"),
        (None, "hf://ann/../x", "write hf://OWNER/NAME"),
        (None, f"{VOICE}@", "write hf://OWNER/NAME"),
    ],
)
def test_why_nothing_is_pulled_is_one_line(
    fault, name, line, pushed, command, monkeypatch, tmp_path
):
    if fault is not None:
        fault(pushed, monkeypatch) if fault is hidden else fault(pushed)
    out = f"output={tmp_path}/a.wav"
    status, _, err = command("synthesize", "text=hello", f"acoustic={name}", out)
    assert status == 2
    assert line in err
    assert err.count("\n") == 1


@pytest.fixture
def nowhere(monkeypatch):
    """Let the client look for a hub where nobody answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")


def test_no_network_is_one_line(hub, nowhere):
    with pytest.raises(InputError, match="was not pulled before, and the hub cannot be reached"):
        checkpoint_file(VOICE)


def test_offline_is_one_line(hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="was not pulled before, and the hub cannot be reached"):
        checkpoint_file(VOICE)
    assert hub.requests == []


def test_a_push_without_a_network_is_one_line(push, nowhere):
    result = push()
    assert result.status == 2
    assert "the hub cannot be reached" in result.err


def test_a_push_without_a_token_is_found_before_the_work(push, hub, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    result = push()
    assert result.status == 2
    assert f"to={VOICE}: the hub asks for a token; set HF_TOKEN" in result.err
    assert hub.requests == []


def test_a_wrong_token_is_one_line(push, hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    result = push()
    assert result.status == 2
    assert "the hub asks for a token" in result.err
    assert hub.repos == {}


@pytest.mark.parametrize("files", [{"model.bin": b"..."}, {PUBLICATION: b"{}"}])
def test_a_repository_of_somebody_else_is_not_touched(files, push, hub):
    hub.commit("ann/voice", files)
    result = push()
    assert result.status == 2
    assert "holds something else than a published voice" in result.err
    assert hub.files("ann/voice") == files
    assert not any(request.startswith(("POST", "PUT")) for request in hub.requests)


def test_what_somebody_changes_meanwhile_is_not_overwritten(pushed, push, monkeypatch):
    from tts.publish import recipe

    write = recipe.write_publication

    def slowly(*arguments):
        write(*arguments)
        pushed.commit("ann/voice", {"theirs": b"..."})

    monkeypatch.setattr(recipe, "write_publication", slowly)
    result = push(name="other")
    assert result.status == 2
    assert "somebody has changed it meanwhile" in result.err
    assert pushed.files("ann/voice") == {"theirs": b"..."}


def test_the_hub_gives_the_revision(publish, write_run, hub):
    result = publish(f"run={write_run()}", f"to={VOICE}@v1")
    assert "the hub makes the revision; leave @ and it out" in result.err


def test_without_the_extra_the_line_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(hugging_face, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"acoustic=.*pip install 'tacoglow\[hub\]'"):
        require_source(VOICE, "acoustic")


def test_a_name_is_checked_without_a_network(hub):
    require_source(VOICE, "acoustic")
    assert hub.requests == []


def test_the_service_pulls_what_its_list_names_and_nothing_else(pushed, tmp_path):
    listed = tmp_path / "voices.yaml"
    listed.write_text(f"- id: ann\n  acoustic: {VOICE}\n")
    voices = load_voices(listed, "cpu")
    assert voices["ann"].digests.acoustic == sha256(checkpoint_file(VOICE))
    pushed.requests.clear()
    with SpeechEngine(voices) as engine, pytest.raises(UnknownVoiceError):
        engine.submit(SpeakingRequest("hello", VOICE))
    assert pushed.requests == []


def test_a_published_folder_lies_beside_the_list_of_voices(publish, write_run, tmp_path):
    assert publish(f"run={write_run()}", f"to={tmp_path}/ann", "n_sounds=0").status == 0
    (tmp_path / "voices.yaml").write_text("- id: ann\n  acoustic: ann\n")
    (voice,) = load_voices(tmp_path / "voices.yaml", "cpu").values()
    assert voice.digests.acoustic == sha256(tmp_path / "ann" / "acoustic.safetensors")
