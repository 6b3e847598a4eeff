"""Reads NeMo's archives: names of weights, symbols, and mels."""

from __future__ import annotations

import gzip
import io
import re
import tarfile

import pytest
import torch

from tests.support.checkpoint_files import assert_same_weights, with_symbols, write_nemo
from tts.core.errors import InputError
from tts.models import Tacotron2
from tts.pretrained import describe, load
from tts.pretrained.convert import convert
from tts.pretrained.importers.nvidia_names import to_nvidia_state_dict
from tts.text import Tokenizer
from tts.training.warm_start import warm_start

NEMO_PHONES = """
sample_rate: 22050
text_tokenizer:
  _target_: nemo.collections.tts.torch.tts_tokenizers.EnglishPhonemesTokenizer
  punct: true
  stresses: true
  chars: true
  apostrophe: true
preprocessor:
  nfilt: 4
  highfreq: 8000
  lowfreq: 0
  n_fft: 1024
  n_window_size: 1024
  n_window_stride: 256
  sample_rate: ${model.sample_rate}
  log_zero_guard_type: clamp
  log_zero_guard_value: 1e-05
  mag_power: 1.0
  normalize: null
  preemph: null
"""
NEMO_WAVEGLOW = """
preprocessor:
  cls: nemo.collections.asr.parts.features.FilterbankFeatures
  params: {nfilt: 3, sample_rate: 22050, highfreq: null, n_fft: 1024, n_window_size: 1024,
    n_window_stride: 256, log_zero_guard_type: clamp, log_zero_guard_value: 1.0e-05,
    mag_power: 1.0, normalize: null, preemph: null}
"""
N_NEMO_PHONES = 1 + 24 + 45 + 26 + 1 + 15 + 2


def nemos(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    renamed = {name.replace("embedding.", "text_embedding.", 1): v for name, v in state.items()}
    return renamed | {"audio_to_melspec_precessor.fb": torch.zeros(1, 4, 513)}


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_nemos_tacotron2_loads_and_says_the_same(small_tacotron2, tmp_path, mode):
    network = with_symbols(small_tacotron2, N_NEMO_PHONES)
    write_nemo(tmp_path / "x.nemo", NEMO_PHONES, nemos(to_nvidia_state_dict(network)), mode)
    loaded = load(tmp_path / "x.nemo")
    tokenizer = Tokenizer.from_dict(loaded.description["tokenizer"])
    ids = tokenizer.encode("{HH AH0} b'!")
    # space, consonants, vowels, letters, apostrophe, punctuation: their order of the table
    theirs = [1 + 6, 1 + 24 + 6, 0, 1 + 24 + 45 + 1, 1 + 24 + 45 + 26, 1 + 24 + 45 + 26 + 1 + 2]
    assert torch.equal(loaded.embedding.weight[ids], network.embedding.weight[theirs])
    lengths = torch.tensor([len(ids)])
    found = loaded.generate(
        torch.tensor([ids]), lengths, max_steps=5, generator=torch.Generator().manual_seed(0)
    )
    expected = network.generate(
        torch.tensor([theirs]), lengths, max_steps=5, generator=torch.Generator().manual_seed(0)
    )
    torch.testing.assert_close(found.mel_post, expected.mel_post, atol=1e-4, rtol=0)


def test_nemo_says_its_mel_contract(small_tacotron2, tmp_path):
    network = with_symbols(small_tacotron2, N_NEMO_PHONES)
    config = NEMO_PHONES.replace("8000", "null").replace("n_fft: 1024", "n_fft: 2048")
    write_nemo(tmp_path / "x.nemo", config, nemos(to_nvidia_state_dict(network)))
    mel = describe(tmp_path / "x.nemo")["mel"]
    assert (mel["sample_rate"], mel["n_fft"], mel["f_max"]) == (22050, 2048, 11025.0)


def test_nemo_with_unknown_symbols_is_refused_with_the_way_out(small_tacotron2, tmp_path):
    network = with_symbols(small_tacotron2, 50)
    write_nemo(tmp_path / "x.nemo", "labels: [a, b]", nemos(to_nvidia_state_dict(network)))
    with pytest.raises(InputError, match=r"50 rows.*name them: --symbols FILE.*init_from"):
        load(tmp_path / "x.nemo")
    symbols = ["_", *map(chr, range(0x100, 0x100 + 49))]
    assert load(tmp_path / "x.nemo", symbols=symbols).config.n_symbols == 50


def test_nemos_waveglow_loads(small_waveglow, tmp_path):
    state = {
        "waveglow." + re.sub(r"^WN\.", "wavenet.", name): value
        for name, value in to_nvidia_state_dict(small_waveglow).items()
    }
    for k in range(3):  # made at the first inference
        state[f"waveglow.convinv.{k}.inv_conv.weight"] = torch.zeros(8, 8, 1)
    write_nemo(tmp_path / "x.nemo", NEMO_WAVEGLOW, state)
    loaded = load(tmp_path / "x.nemo")
    assert_same_weights(loaded, small_waveglow)
    assert loaded.description["mel"]["f_max"] == 11025.0


def test_archive_of_something_else_is_refused(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("readme.txt"))
    with pytest.raises(InputError, match=r"x\.tar: a tar archive without model_config\.yaml"):
        load(tmp_path / "x.tar")


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_truncated_archive_is_named(small_tacotron2, tmp_path, mode):
    write_nemo(tmp_path / "x.nemo", NEMO_PHONES, nemos(to_nvidia_state_dict(small_tacotron2)), mode)
    whole = (tmp_path / "x.nemo").read_bytes()
    (tmp_path / "part.nemo").write_bytes(whole[: len(whole) // 3])
    with pytest.raises(InputError, match=r"part\.nemo: truncated or damaged"):
        load(tmp_path / "part.nemo")


def test_archive_that_would_run_code_is_refused(tmp_path):
    mark = tmp_path / "ran"

    class Call:
        def __reduce__(self):
            return open, (str(mark), "w")

    write_nemo(tmp_path / "bad.nemo", "a: 1", {"embedding.weight": Call()})
    mark.unlink(missing_ok=True)
    with pytest.raises(InputError, match=r"bad\.nemo: refused: the file names"):
        load(tmp_path / "bad.nemo")
    assert not mark.exists()


def test_configuration_that_would_run_code_is_refused(small_tacotron2, tmp_path):
    mark = tmp_path / "ran"
    config = f"a: !!python/object/apply:os.mkdir ['{mark}']"
    write_nemo(tmp_path / "bad.nemo", config, nemos(to_nvidia_state_dict(small_tacotron2)))
    with pytest.raises(InputError, match=r"bad\.nemo: model_config\.yaml in it is not YAML"):
        load(tmp_path / "bad.nemo")
    assert not mark.exists()


@pytest.fixture
def phones(small_tacotron2) -> Tacotron2:
    return with_symbols(small_tacotron2, N_NEMO_PHONES)


def write_phones(path, network: Tacotron2, **changes: str | None) -> None:
    """Write a NeMo Tacotron 2 with other lines in its configuration, or, for None, without."""
    config = NEMO_PHONES
    for name, value in changes.items():
        line = "" if value is None else f"  {name}: {value}\n"
        config, count = re.subn(rf"(?m)^  {name}: .*\n", line, config)
        config += "" if count else line  # the section of the front end is the last
    write_nemo(path, config, nemos(to_nvidia_state_dict(network)))


OTHER_MELS = {
    "mag_power": "2.0",
    "normalize": "per_feature",
    "preemph": "0.97",
    "log_zero_guard_type": "add",
    "log": "false",
    "window": "hamming",
    "mel_norm": "null",
    "frame_splicing": "2",
    "nfilt": "5",
    "highfreq": "20000",
    "n_window_size": "[1]",
    "n_window_stride": "word",
    "sample_rate": "${gone}",
    "n_fft": ".nan",
    "log_zero_guard_value": '"two\\nlines"',
    "lowfreq": "{}",
}


@pytest.mark.parametrize(("name", "value"), OTHER_MELS.items(), ids=OTHER_MELS)
def test_mels_that_no_contract_describes_are_refused(phones, tmp_path, name, value):
    write_phones(tmp_path / "x.nemo", phones, **{name: value})
    message = r"x\.nemo: its configuration asks for mels that no contract here describes \(.*init_"
    for refused in (load, lambda path: convert(path, tmp_path / "x.safetensors")):
        with pytest.raises(InputError, match=message) as caught:
            refused(tmp_path / "x.nemo")
        assert "\n" not in str(caught.value)
    assert describe(tmp_path / "x.nemo")["mel"] is None


@pytest.mark.parametrize("name", ["mag_power", "normalize", "log_zero_guard_type"])
def test_refusal_names_the_field(phones, tmp_path, name):
    write_phones(tmp_path / "x.nemo", phones, **{name: OTHER_MELS[name]})
    with pytest.raises(InputError, match=rf"\({name}={OTHER_MELS[name]}, here"):
        load(tmp_path / "x.nemo")


@pytest.mark.parametrize("name", ["mag_power", "normalize", "preemph", "log_zero_guard_type"])
def test_what_the_front_end_does_by_default_counts(phones, tmp_path, name):
    write_phones(tmp_path / "x.nemo", phones, **{name: None})
    with pytest.raises(InputError, match=rf"\({name}=.* \(by default\), here"):
        load(tmp_path / "x.nemo")


def test_waveglow_of_other_mels_is_refused(small_waveglow, tmp_path):
    state = {
        f"waveglow.{name}": value for name, value in to_nvidia_state_dict(small_waveglow).items()
    }
    config = NEMO_WAVEGLOW.replace("mag_power: 1.0", "mag_power: 2.0")
    write_nemo(tmp_path / "x.nemo", config, state)
    with pytest.raises(InputError, match=r"\(mag_power=2\.0, here 1\.0\)"):
        load(tmp_path / "x.nemo")


def test_weights_of_other_mels_start_a_training(phones, tmp_path):
    write_phones(tmp_path / "x.nemo", phones, mag_power="2.0")
    symbols = describe(tmp_path / "x.nemo")["tokenizer"]["symbols"]
    report = warm_start(Tacotron2(phones.config), tmp_path / "x.nemo", symbols=[*symbols, "ä"])
    assert report.n_loaded == len(phones.state_dict())


def test_frames_in_seconds_are_read(phones, tmp_path):
    times = {"window_size": "0.05", "window_stride": "0.0125"}
    samples = {"n_window_size": None, "n_window_stride": None, "n_fft": "null"}
    write_phones(tmp_path / "x.nemo", phones, **samples, **times, sample_rate="16000")
    mel = describe(tmp_path / "x.nemo")["mel"]
    assert (mel["win_length"], mel["hop_length"], mel["n_fft"]) == (800, 200, 1024)


def test_configuration_without_a_front_end_leaves_the_contract_open(phones, tmp_path):
    config = NEMO_PHONES[: NEMO_PHONES.index("preprocessor:")]
    write_nemo(tmp_path / "x.nemo", config, nemos(to_nvidia_state_dict(phones)))
    assert load(tmp_path / "x.nemo").description["mel"] is None


def test_symbols_that_the_file_states_cannot_be_replaced(phones, tmp_path):
    write_phones(tmp_path / "x.nemo", phones)
    with pytest.raises(InputError, match=r"x\.nemo: its symbols are in the file"):
        load(tmp_path / "x.nemo", symbols=[chr(0x100 + i) for i in range(N_NEMO_PHONES)])


YAML = {
    "a date": "a: 2021-13-45",
    "depth": "[" * 1000,
    "lists of lists": "a0: &a0 [1, 2]\n"
    + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)),
    "bytes": "a: \x00",
    "a key": "{[1]: 2}",
    "a number": f"a: {'9' * 5000}",
}


@pytest.mark.parametrize("config", YAML.values(), ids=YAML)
def test_configuration_that_cannot_be_read_is_named(tmp_path, config):
    write_nemo(tmp_path / "x.nemo", config, {"a": torch.zeros(1)})
    with pytest.raises(InputError, match=r"x\.nemo: model_config\.yaml in it is not YAML"):
        load(tmp_path / "x.nemo")


@pytest.mark.parametrize("marks", ["7", "[1, 2]", "{a: 1}", "[ab]", '["!", "!"]'])
def test_strange_punctuation_makes_the_symbols_unknown(phones, tmp_path, marks):
    config = NEMO_PHONES.replace("punct: true", f"punct: true\n  non_default_punct_list: {marks}")
    write_nemo(tmp_path / "x.nemo", config, nemos(to_nvidia_state_dict(phones)))
    with pytest.raises(InputError, match="the file does not say which symbols they are"):
        load(tmp_path / "x.nemo")


def test_archive_that_grows_without_end_is_refused(tmp_path):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        info = tarfile.TarInfo("model_weights.ckpt")
        info.size = 32 << 20
        archive.addfile(info, io.BytesIO(bytes(info.size)))
    (tmp_path / "x.nemo").write_bytes(gzip.compress(content.getvalue(), 1))
    with pytest.raises(InputError, match=r"x\.nemo: grows to more than 8 times its size"):
        load(tmp_path / "x.nemo")
