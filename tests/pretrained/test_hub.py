"""Runs the snippet of NVIDIA's page on the hub, as a notebook has it, with a local clone."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.support.paths import REPO
from tts.core.errors import InputError
from tts.models import Tacotron2, WaveGlow
from tts.pretrained import save
from tts.pretrained.catalogue import CATALOGUE
from tts.pretrained.importers.nvidia_names import to_nvidia_state_dict

SNIPPET = """
import torch
REPO = {repo!r}
tacotron2 = torch.hub.load(REPO, 'tacotron2', model_math='fp16', source='local')
tacotron2 = tacotron2.to('cpu')
tacotron2.eval()

waveglow = torch.hub.load(REPO, 'waveglow', model_math='fp16', source='local')
waveglow = waveglow.remove_weightnorm(waveglow)
waveglow = waveglow.to('cpu')
waveglow.eval()

text = "Hello world, I missed you so much."
utils = torch.hub.load(REPO, 'tts_utils', source='local')
sequences, lengths = utils.prepare_input_sequence([text])

with torch.no_grad():
    mel, _, _ = tacotron2.infer(sequences, lengths)
    audio = waveglow.infer(mel)
audio_numpy = audio[0].data.cpu().numpy()
rate = 22050

from scipy.io.wavfile import write
write("audio.wav", rate, audio_numpy)

import tts
assert tts.__file__.startswith(REPO), tts.__file__
assert mel.shape[:2] == (1, 80), mel.shape
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("clone")
    shutil.copy(REPO / "hubconf.py", folder)
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("tts", "conf"):
        shutil.copytree(REPO / name, folder / name, ignore=ignored)
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """Write small versions of the published files where a download would put them."""
    folder = tmp_path_factory.mktemp("cache")
    torch.manual_seed(0)
    sizes = {"encoder_embedding_dim": 8, "attention_rnn_dim": 8, "decoder_rnn_dim": 8}
    tacotron2 = Tacotron2(symbols_embedding_dim=8, prenet_dim=8, postnet_embedding_dim=8, **sizes)
    waveglow = WaveGlow(n_flows=2, n_layers=1, n_channels=4)
    (folder / "checkpoints").mkdir()
    for name, network in (("dle_tacotron2_fp16", tacotron2), ("dle_waveglow_fp16", waveglow)):
        state = {f"module.{key}": value for key, value in to_nvidia_state_dict(network).items()}
        torch.save({"state_dict": state}, folder / "checkpoints" / CATALOGUE[name].file)
    return folder


@pytest.mark.slow
def test_the_example_of_the_docs_runs_without_a_network(monkeypatch):
    page = (REPO / "docs" / "checkpoints.md").read_text()
    example = page.split("## torch.hub")[1].split("```python\n")[1].split("```")[0]
    monkeypatch.setenv("TACOGLOW_MIRROR", "")
    monkeypatch.setattr("socket.socket.connect", _refuse)
    names: dict[str, object] = {}
    exec(example.replace('"/path/of/a/clone"', repr(str(REPO))), names)
    audio = names["audio"]
    assert isinstance(audio, torch.Tensor)
    assert audio.shape[1] > 22050
    assert 0.05 < float(audio.abs().max()) < 2


def _refuse(*_):
    raise OSError("this test has no network")


@pytest.mark.slow
def test_snippet_runs_from_a_local_clone(clone, cache, tmp_path):
    pytest.importorskip("scipy")
    code = SNIPPET.format(repo=str(clone))
    environment = {**os.environ, "TACOGLOW_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "audio.wav").stat().st_size > 1000


@pytest.mark.parametrize("name", ["tacotron2", "waveglow", "tts_utils"])
def test_names_of_nvidias_hub_are_known(name):
    spec = importlib.util.spec_from_file_location("hubconf", REPO / "hubconf.py")
    hubconf = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hubconf)
    assert getattr(hubconf, f"nvidia_{name}") is getattr(hubconf, name)


@pytest.fixture
def hub():
    from tts.pretrained import hub

    return hub


def test_ids_come_in_the_order_of_the_texts(hub):
    sequences, lengths = hub.tts_utils().prepare_input_sequence(["a", "abc", "ab"], cpu_run=True)
    assert lengths.tolist() == [1, 3, 2]
    assert sequences.shape == (3, 3)
    assert sequences[0].tolist() == [38, 0, 0]


@pytest.mark.parametrize("text", ["abc", ["abc"], ("abc",)])
def test_string_is_one_text(hub, text):
    sequences, lengths = hub.tts_utils().prepare_input_sequence(text, cpu_run=True)
    assert (sequences.shape, lengths.tolist()) == ((1, 3), [3])


@pytest.mark.parametrize("texts", [[], (), [5], [None]])
def test_no_texts_are_refused(hub, texts):
    with pytest.raises(InputError, match="texts: must be a list of strings, one or more"):
        hub.tts_utils().prepare_input_sequence(texts)


def test_utils_read_with_the_symbols_of_the_checkpoint(hub, tmp_path):
    torch.manual_seed(0)
    network = Tacotron2(n_symbols=4, symbols_embedding_dim=4, encoder_embedding_dim=4)
    symbols = {"symbols": ["_", "c", "b", "a"], "cleaner": "english_cleaners"}
    save(network, tmp_path / "x.safetensors", description={"tokenizer": symbols})
    utils = hub.tts_utils(checkpoint=str(tmp_path / "x.safetensors"))
    assert utils.prepare_input_sequence(["abc"], cpu_run=True)[0].tolist() == [[3, 2, 1]]


def test_utils_know_the_symbols_of_a_published_name(hub, cache, monkeypatch):
    monkeypatch.setenv("TACOGLOW_CACHE", str(cache))
    utils = hub.tts_utils(checkpoint="dle_tacotron2_fp16")
    assert utils.tokenizer == hub.tts_utils().tokenizer


def test_utils_of_a_network_without_symbols_are_refused(hub, tmp_path):
    save(WaveGlow(n_flows=1, n_layers=1, n_channels=2), tmp_path / "x.safetensors")
    with pytest.raises(InputError, match=r"x\.safetensors: holds no Tacotron 2"):
        hub.tts_utils(checkpoint=str(tmp_path / "x.safetensors"))


def test_utils_of_unknown_symbols_are_refused(hub, tmp_path):
    torch.save(
        to_nvidia_state_dict(Tacotron2(n_symbols=9, symbols_embedding_dim=4)), tmp_path / "x.pt"
    )
    with pytest.raises(InputError, match=r"x\.pt: the embedding has 9 rows"):
        hub.tts_utils(checkpoint=str(tmp_path / "x.pt"))


def test_infer_gives_mel_lengths_and_alignments(hub, cache, monkeypatch):
    monkeypatch.setenv("TACOGLOW_CACHE", str(cache))
    sequences, lengths = hub.tts_utils().prepare_input_sequence(["a b c", "ab"], cpu_run=True)
    network = hub.tacotron2(model_math="fp16")
    mel, mel_lengths, alignments = network.infer(sequences, lengths, max_steps=7)
    assert mel.shape == (2, 80, int(mel_lengths.max()))
    assert alignments.shape == (2, mel.shape[2], 5)
    audio = hub.waveglow(model_math="fp16").infer(mel, sigma=0.6)
    assert audio.shape == (2, mel.shape[2] * 256)


def test_own_checkpoint_is_loaded(hub, tmp_path):
    torch.manual_seed(0)
    network = WaveGlow(n_flows=2, n_layers=1, n_channels=4)
    save(network, tmp_path / "x.safetensors")
    loaded = hub.waveglow(checkpoint=str(tmp_path / "x.safetensors"))
    assert torch.equal(loaded.network.upsample.weight, network.upsample.weight)


def test_new_network_needs_no_download(hub):
    assert hub.waveglow(pretrained=False, n_flows=2, n_layers=1, n_channels=4).network.flows


def test_unknown_precision_is_refused(hub):
    with pytest.raises(ValueError, match="model_math='int8': choose from fp32, fp16"):
        hub.tacotron2(model_math="int8")
