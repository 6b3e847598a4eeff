"""Names that others gave NVIDIA's weights."""

from __future__ import annotations

import io
import re
import tarfile

import pytest
import torch

from tts.errors import InputError
from tts.models import Tacotron2, WaveGlow
from tts.pretrained import describe, load
from tts.pretrained.nvidia import to_theirs
from tts.text import Tokenizer


def assert_same_weights(found: torch.nn.Module, expected: dict[str, torch.Tensor]) -> None:
    ours = found.state_dict()
    assert ours.keys() == expected.keys()
    assert [name for name in ours if not torch.equal(ours[name], expected[name])] == []


def torchaudios(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {
        re.sub(r"\.(conv|linear_layer)\.(weight|bias)$", r".\2", n): v for n, v in state.items()
    }


def with_symbols(network: Tacotron2, n_symbols: int) -> Tacotron2:
    torch.manual_seed(0)
    return Tacotron2(network.config, n_symbols=n_symbols).eval()


@pytest.mark.parametrize(
    ("n_symbols", "text"), [(38, "hello, world"), (96, "{HH AH0 L OW1}, {W ER1 L D}")]
)
def test_torchaudios_bundle_loads_and_reads(small_tacotron2, tmp_path, n_symbols, text):
    network = with_symbols(small_tacotron2, n_symbols)
    torch.save(torchaudios(to_theirs(network)), tmp_path / "bundle.pth")
    loaded = load(tmp_path / "bundle.pth")
    assert loaded.config == network.config
    assert_same_weights(loaded, network.state_dict())
    tokenizer = Tokenizer.from_dict(loaded.description["tokenizer"])
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_torchaudios_characters_have_their_ids(small_tacotron2, tmp_path):
    network = with_symbols(small_tacotron2, 38)
    torch.save(torchaudios(to_theirs(network)), tmp_path / "bundle.pth")
    tokenizer = Tokenizer.from_dict(describe(tmp_path / "bundle.pth")["tokenizer"])
    # their documentation's example
    assert tokenizer.encode("Hello world!") == [19, 16, 23, 23, 26, 11, 34, 26, 29, 23, 15, 2]


def test_names_of_torchs_newer_weight_norm_load(small_waveglow, tmp_path):
    state = {
        name.replace("weight_g", "parametrizations.weight.original0").replace(
            "weight_v", "parametrizations.weight.original1"
        ): value
        for name, value in to_theirs(small_waveglow).items()
    }
    torch.save({"state_dict": state}, tmp_path / "x.pt")
    assert_same_weights(load(tmp_path / "x.pt"), small_waveglow.state_dict())


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("half", [False, True], ids=["fp32", "fp16"])
@pytest.mark.parametrize("n_channels", [6, 12])
def test_deep_learning_examples_waveglow_loads(
    small_waveglow, layouts, tmp_path, half, legacy, n_channels
):
    network = WaveGlow(small_waveglow.config, n_channels=n_channels)
    network = (network.half() if half else network).eval()
    state = layouts["list"](to_theirs(network))
    content = {
        "epoch": 1000,
        "cuda_rng_state_all": torch.zeros(2, 16, dtype=torch.uint8),
        "random_rng_state": torch.get_rng_state(),
        "config": {"n_mel_channels": 3, "WN_config": {"n_channels": n_channels}},
        "state_dict": {f"module.{name}": value for name, value in state.items()},
        "optimizer": {"state": {0: {"step": 3}}, "param_groups": [{"lr": 1e-4, "params": [0]}]},
        "amp": {"loss_scaler0": {"loss_scale": 65536.0, "unskipped": 7}},
    }
    torch.save(content, tmp_path / "x", _use_new_zipfile_serialization=not legacy)
    loaded = load(tmp_path / "x")
    assert loaded.config == network.config
    assert_same_weights(loaded, network.float().state_dict())


def test_deep_learning_examples_say_their_dropout(small_tacotron2, tmp_path):
    content = {
        "config": {"p_attention_dropout": 0.2, "p_decoder_dropout": 0.3, "mask_padding": False},
        "state_dict": {f"module.{n}": v for n, v in to_theirs(small_tacotron2).items()},
    }
    torch.save(content, tmp_path / "x")
    config = load(tmp_path / "x").config
    assert (config.p_attention_dropout, config.p_decoder_dropout) == (0.2, 0.3)


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


def write_nemo(path, config: str, state: dict[str, torch.Tensor], mode: str = "w") -> None:
    weights = io.BytesIO()
    torch.save(state, weights)
    with tarfile.open(path, mode) as archive:
        for name, content in (
            ("./model_config.yaml", config.encode()),
            ("./model_weights.ckpt", weights.getvalue()),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def nemos(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    renamed = {name.replace("embedding.", "text_embedding.", 1): v for name, v in state.items()}
    return renamed | {"audio_to_melspec_precessor.fb": torch.zeros(1, 4, 513)}


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_nemos_tacotron2_loads_and_says_the_same(small_tacotron2, tmp_path, mode):
    network = with_symbols(small_tacotron2, N_NEMO_PHONES)
    write_nemo(tmp_path / "x.nemo", NEMO_PHONES, nemos(to_theirs(network)), mode)
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
    write_nemo(tmp_path / "x.nemo", config, nemos(to_theirs(network)))
    mel = describe(tmp_path / "x.nemo")["mel"]
    assert (mel["sample_rate"], mel["n_fft"], mel["f_max"]) == (22050, 2048, 11025.0)


def test_nemo_with_unknown_symbols_is_refused_with_the_way_out(small_tacotron2, tmp_path):
    network = with_symbols(small_tacotron2, 50)
    write_nemo(tmp_path / "x.nemo", "labels: [a, b]", nemos(to_theirs(network)))
    with pytest.raises(InputError, match=r"50 rows.*name them: --symbols FILE.*init_from"):
        load(tmp_path / "x.nemo")
    symbols = ["_", *map(chr, range(0x100, 0x100 + 49))]
    assert load(tmp_path / "x.nemo", symbols=symbols).config.n_symbols == 50


def test_nemos_waveglow_loads(small_waveglow, tmp_path):
    state = {
        "waveglow." + re.sub(r"^WN\.", "wavenet.", name): value
        for name, value in to_theirs(small_waveglow).items()
    }
    for k in range(3):  # made at the first inference
        state[f"waveglow.convinv.{k}.inv_conv.weight"] = torch.zeros(8, 8, 1)
    write_nemo(tmp_path / "x.nemo", NEMO_WAVEGLOW, state)
    loaded = load(tmp_path / "x.nemo")
    assert_same_weights(loaded, small_waveglow.state_dict())
    assert loaded.description["mel"]["f_max"] == 11025.0


def test_archive_of_something_else_is_refused(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("readme.txt"))
    with pytest.raises(InputError, match=r"x\.tar: a tar archive without model_config\.yaml"):
        load(tmp_path / "x.tar")


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_truncated_archive_is_named(small_tacotron2, tmp_path, mode):
    write_nemo(tmp_path / "x.nemo", NEMO_PHONES, nemos(to_theirs(small_tacotron2)), mode)
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
    write_nemo(tmp_path / "bad.nemo", config, nemos(to_theirs(small_tacotron2)))
    with pytest.raises(InputError, match=r"bad\.nemo: model_config\.yaml in it is not YAML"):
        load(tmp_path / "bad.nemo")
    assert not mark.exists()
