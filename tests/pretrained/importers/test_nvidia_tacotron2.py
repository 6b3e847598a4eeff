"""Reads NVIDIA's Tacotron 2 files: names, sizes, symbols, and what is refused."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from tts.core.errors import InputError
from tts.models import Tacotron2
from tts.pretrained import describe, load
from tts.pretrained.importers.nvidia_names import to_nvidia_state_dict

# the published table of names: reference layout of NVIDIA/tacotron2
ENCODER_LSTM = [
    f"{n}_l0{d}" for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh") for d in ("", "_reverse")
]
CELL = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
NORM = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]


def published_names(n_encoder: int, n_postnet: int) -> set[str]:
    attention = "decoder.attention_layer"
    return {
        "embedding.weight",
        *(f"encoder.convolutions.{i}.0.conv.{x}" for i in range(n_encoder) for x in NORM[:2]),
        *(f"encoder.convolutions.{i}.1.{x}" for i in range(n_encoder) for x in NORM),
        *(f"encoder.lstm.{x}" for x in ENCODER_LSTM),
        *(f"decoder.prenet.layers.{i}.linear_layer.weight" for i in range(2)),
        *(f"decoder.{rnn}.{x}" for rnn in ("attention_rnn", "decoder_rnn") for x in CELL),
        *(f"{attention}.{x}.linear_layer.weight" for x in ("query_layer", "memory_layer", "v")),
        f"{attention}.location_layer.location_conv.conv.weight",
        f"{attention}.location_layer.location_dense.linear_layer.weight",
        *(f"decoder.linear_projection.linear_layer.{x}" for x in NORM[:2]),
        *(f"decoder.gate_layer.linear_layer.{x}" for x in NORM[:2]),
        *(f"postnet.convolutions.{i}.0.conv.{x}" for i in range(n_postnet) for x in NORM[:2]),
        *(f"postnet.convolutions.{i}.1.{x}" for i in range(n_postnet) for x in NORM),
    }


def write(path, network: Tacotron2, *, prefix: str = "", legacy: bool = False, **changes) -> None:
    state = {**to_nvidia_state_dict(network), **changes}
    state = {prefix + name: value for name, value in state.items() if value is not None}
    content = {
        "iteration": 5,
        "state_dict": state,
        "optimizer": {"state": {}},
        "learning_rate": 1.0,
    }
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)


def test_names_are_the_published_ones(small_tacotron2):
    assert set(to_nvidia_state_dict(small_tacotron2)) == published_names(2, 3)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("prefix", ["", "module.", "module.1."])
def test_state_dict_loads(small_tacotron2, tmp_path, prefix, legacy):
    write(tmp_path / "tacotron2.pt", small_tacotron2, prefix=prefix, legacy=legacy)
    loaded = load(tmp_path / "tacotron2.pt")
    assert loaded.config == small_tacotron2.config
    for name, value in small_tacotron2.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name


def test_half_precision_becomes_float32(small_tacotron2, tmp_path):
    small_tacotron2.half()
    write(tmp_path / "tacotron2.pt", small_tacotron2)
    assert {p.dtype for p in load(tmp_path / "tacotron2.pt").parameters()} == {torch.float32}


def test_description_has_the_inferred_sizes(small_tacotron2, tmp_path):
    write(tmp_path / "tacotron2.pt", small_tacotron2)
    found = describe(tmp_path / "tacotron2.pt")
    expected = dataclasses.asdict(small_tacotron2.config)
    assert found["network"] == "Tacotron2"
    assert found["network_config"].items() <= expected.items()
    assert found["tokenizer"] is None


@pytest.mark.parametrize(
    ("n_rows", "cause"), [(149, "before November 2018, or one of your own"), (177, "which symbols")]
)
def test_other_table_is_refused_with_its_cause_and_the_way_out(
    small_tacotron2, tmp_path, n_rows, cause
):
    rows = torch.zeros(n_rows, 6)
    write(tmp_path / "tacotron2.pt", small_tacotron2, **{"embedding.weight": rows})
    message = (
        rf"tacotron2\.pt: the embedding has {n_rows} rows, .* 148 symbols: .*{cause}.*init_from"
    )
    with pytest.raises(InputError, match=message):
        load(tmp_path / "tacotron2.pt")


def test_own_table_can_be_named(small_tacotron2, tmp_path):
    write(tmp_path / "x.pt", small_tacotron2, **{"embedding.weight": torch.zeros(3, 6)})
    loaded = load(tmp_path / "x.pt", symbols=["_", "a", "b"])
    assert loaded.config.n_symbols == 3
    assert loaded.description["tokenizer"]["symbols"] == ["_", "a", "b"]


def test_named_table_of_another_size_is_refused(small_tacotron2, tmp_path):
    write(tmp_path / "x.pt", small_tacotron2)
    with pytest.raises(InputError, match="the embedding has 148 rows, 2 symbols named"):
        load(tmp_path / "x.pt", symbols=["_", "a"])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(small_tacotron2, tmp_path, value):
    small_tacotron2.decoder.gate.bias.data[0] = value
    write(tmp_path / "x.pt", small_tacotron2)
    with pytest.raises(InputError, match=r"1 of \d+ weights are not finite.* decoder\.gate\.bias"):
        load(tmp_path / "x.pt")


def test_weights_in_half_precision_are_noted(small_tacotron2, tmp_path, caplog):
    write(tmp_path / "x.pt", small_tacotron2.half())
    with caplog.at_level("INFO", "tts.pretrained"):
        load(tmp_path / "x.pt")
    assert "are stored in float16; float32 here" in caplog.text


def test_network_before_november_2018_is_refused(small_tacotron2, tmp_path):
    wide = torch.zeros(28, 14)
    write(tmp_path / "tacotron2.pt", small_tacotron2, **{"decoder.attention_rnn.weight_ih": wide})
    with pytest.raises(InputError, match="takes 14 inputs, not 11: a network from before November"):
        load(tmp_path / "tacotron2.pt")


def test_missing_weight_is_named(small_tacotron2, tmp_path):
    write(tmp_path / "tacotron2.pt", small_tacotron2, **{"embedding.weight": None})
    with pytest.raises(InputError, match=r"a Tacotron2 without embedding\.weight: incomplete"):
        load(tmp_path / "tacotron2.pt")


def test_weight_of_too_few_axes_is_refused(small_tacotron2, tmp_path):
    flat = torch.zeros(6)
    write(
        tmp_path / "tacotron2.pt", small_tacotron2, **{"encoder.convolutions.0.0.conv.weight": flat}
    )
    with pytest.raises(InputError, match="too few axes"):
        load(tmp_path / "tacotron2.pt")


def test_strange_weight_is_named(small_tacotron2, tmp_path):
    write(tmp_path / "tacotron2.pt", small_tacotron2, **{"speaker.weight": torch.zeros(2)})
    with pytest.raises(InputError, match=r"speaker\.weight has no place"):
        load(tmp_path / "tacotron2.pt")


def test_more_frames_per_step_cannot_be_written():
    network = Tacotron2(n_symbols=5, n_frames_per_step=2)
    with pytest.raises(InputError, match=r"n_frames_per_step=2: NVIDIA's layout .* only 1"):
        to_nvidia_state_dict(network)


def test_dropout_in_speech_that_nvidias_code_lacks_cannot_be_written():
    """Their pre-net always drops half, also in speech; the other rates matter in training only."""
    with pytest.raises(InputError, match=r"prenet_dropout=0\.2: NVIDIA's layout .* only 0\.5"):
        to_nvidia_state_dict(Tacotron2(n_symbols=5, prenet_dropout=0.2))
    assert to_nvidia_state_dict(Tacotron2(n_symbols=5, encoder_dropout=0.2))


def test_postnet_of_one_layer_cannot_be_written():
    with pytest.raises(
        InputError, match=r"postnet_n_convolutions=1: NVIDIA's layout .* two or more"
    ):
        to_nvidia_state_dict(Tacotron2(n_symbols=5, postnet_n_convolutions=1))


def test_normalised_decoder_cannot_be_written():
    """Their code would load the weights, and make mels of another level."""
    network = Tacotron2(n_symbols=5, mel_mean=-5.5)
    with pytest.raises(InputError, match=r"mel_mean=-5\.5: NVIDIA's layout .* only 0\.0"):
        to_nvidia_state_dict(network)
