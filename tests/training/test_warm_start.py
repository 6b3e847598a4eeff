from __future__ import annotations

import logging

import pytest
import torch

from tts.audio import MelConfig
from tts.core.errors import InputError
from tts.models import Tacotron2, WaveGlow
from tts.pretrained import save
from tts.pretrained.importers.nvidia_names import to_nvidia_state_dict
from tts.pretrained.importers.tables import BEFORE_NOVEMBER_2018, ENGLISH
from tts.training.warm_start import EMBEDDING, warm_start, warm_start_run


def described(symbols) -> dict:
    return {"tokenizer": {"symbols": list(symbols), "cleaner": "english_cleaners"}}


def fresh(network: torch.nn.Module, **changes) -> torch.nn.Module:
    torch.manual_seed(99)
    return type(network)(network.config, **changes)


def status(report, name: str) -> str:
    return next(row.status for row in report.rows if row.name == name)


def test_everything_that_fits_is_loaded(small_tacotron2, tmp_path):
    save(small_tacotron2, tmp_path / "x", description=described(ENGLISH))
    network = fresh(small_tacotron2)
    report = warm_start(network, tmp_path / "x", symbols=ENGLISH)
    expected = small_tacotron2.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in network.state_dict().items())
    assert {row.status for row in report.rows} == {"loaded", "carried"}
    assert report.new_symbols == ()


def test_embedding_is_carried_over_by_symbol(small_tacotron2, tmp_path):
    theirs = fresh(small_tacotron2, n_symbols=4)
    save(theirs, tmp_path / "x", description=described("_abc"))
    network = fresh(small_tacotron2, n_symbols=5)
    initial = network.embedding.weight.detach().clone()
    report = warm_start(network, tmp_path / "x", symbols=tuple("_cäaß"))
    embedding, old = network.embedding.weight, theirs.embedding.weight
    assert torch.equal(embedding[[0, 1, 3]], old[[0, 3, 1]])
    assert torch.equal(embedding[[2, 4]], initial[[2, 4]])
    assert report.new_symbols == ("ä", "ß")
    line = next(line for line in report.lines() if EMBEDDING in line)
    assert "3 of 5 symbols; new, initialised: ä ß; not needed: b" in line


def test_published_table_is_known_without_the_file_saying_so(small_tacotron2, tmp_path):
    torch.save({"state_dict": to_nvidia_state_dict(small_tacotron2)}, tmp_path / "x.pt")
    network = fresh(small_tacotron2, n_symbols=3)
    warm_start(network, tmp_path / "x.pt", symbols=("_", "z", "@ZH"))
    rows = [0, ENGLISH.index("z"), ENGLISH.index("@ZH")]
    assert torch.equal(network.embedding.weight, small_tacotron2.embedding.weight[rows])


def test_network_of_2018_gives_its_symbols_and_whatever_fits(small_tacotron2, tmp_path):
    """Its 149 symbols and its LSTMs differ: `load` refuses it, a warm start takes the rest."""
    old = fresh(small_tacotron2, n_symbols=149)
    state = to_nvidia_state_dict(old)
    state["decoder.attention_rnn.weight_ih"] = torch.zeros(28, 14)
    state["decoder.decoder_rnn.weight_ih"] = torch.zeros(32, 11)
    torch.save({"state_dict": state, "iteration": 1}, tmp_path / "old.pt")
    network = fresh(small_tacotron2)
    report = warm_start(network, tmp_path / "old.pt", symbols=ENGLISH)
    rows = [BEFORE_NOVEMBER_2018.index(symbol) for symbol in ENGLISH]
    assert torch.equal(network.embedding.weight, old.embedding.weight[rows])
    assert status(report, "decoder.attention_rnn.weight_ih") == "skipped"
    assert status(report, "encoder.lstm.weight_ih_l0") == "loaded"
    assert any("28x14 in the file, 28x11 here" in line for line in report.lines())


def test_unknown_table_is_skipped_until_it_is_named(small_tacotron2, tmp_path):
    theirs = fresh(small_tacotron2, n_symbols=3)
    torch.save({"state_dict": to_nvidia_state_dict(theirs)}, tmp_path / "x.pt")
    network = fresh(small_tacotron2, n_symbols=3)
    report = warm_start(network, tmp_path / "x.pt", symbols=tuple("_ab"))
    assert status(report, EMBEDDING) == "skipped"
    assert any("3 rows whose symbols are unknown" in line for line in report.lines())
    report = warm_start(network, tmp_path / "x.pt", symbols=tuple("_ab"), source_symbols="_ba")
    assert torch.equal(network.embedding.weight, theirs.embedding.weight[[0, 2, 1]])


def test_named_table_of_another_size_is_refused(small_tacotron2, tmp_path):
    save(small_tacotron2, tmp_path / "x")
    with pytest.raises(InputError, match="init_symbols: 3 symbols for the 148 rows"):
        warm_start(fresh(small_tacotron2), tmp_path / "x", symbols=ENGLISH, source_symbols="_ab")


def test_embedding_of_another_width_is_skipped(small_tacotron2, tmp_path):
    save(small_tacotron2, tmp_path / "x")
    network = fresh(small_tacotron2, symbols_embedding_dim=8)
    report = warm_start(network, tmp_path / "x", symbols=ENGLISH)
    assert status(report, EMBEDDING) == "skipped"
    assert any("148x6 in the file, 148x8 here" in line for line in report.lines())


def test_weights_of_one_part_with_one_fate_share_a_line(small_tacotron2, tmp_path):
    save(small_tacotron2, tmp_path / "x")
    network = fresh(small_tacotron2)
    report = warm_start(network, tmp_path / "x", symbols=ENGLISH, ignore_layers=["postnet"])
    assert len(report.lines()) < 20
    assert sum("postnet" in line for line in report.lines()) == 1


def test_ignored_layers_stay_as_they_were(small_tacotron2, tmp_path):
    save(small_tacotron2, tmp_path / "x", description=described(ENGLISH))
    network = fresh(small_tacotron2)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    report = warm_start(
        network, tmp_path / "x", symbols=ENGLISH, ignore_layers=["embedding.weight", "postnet"]
    )
    for name, value in network.state_dict().items():
        ignored = name.startswith(("embedding.", "postnet."))
        assert torch.equal(value, before[name]) == ignored or value.abs().sum() == 0, name
    assert status(report, EMBEDDING) == "skipped"
    assert any("in ignore_layers" in line for line in report.lines())


def test_misspelt_layer_is_an_error_with_the_nearest_name(small_tacotron2, tmp_path):
    save(small_tacotron2, tmp_path / "x")
    with pytest.raises(InputError, match=r"ignore_layers=embeding: .* there are embedding"):
        warm_start(fresh(small_tacotron2), tmp_path / "x", ignore_layers=["embeding"])


@pytest.mark.parametrize("folded", [False, True], ids=["normed", "folded"])
def test_waveglow_starts_from_either_form_of_its_weights(small_waveglow, tmp_path, folded):
    if folded:
        small_waveglow.remove_weight_norm()
    torch.save({"state_dict": to_nvidia_state_dict(small_waveglow)}, tmp_path / "x.pt")
    network = WaveGlow(small_waveglow.config)
    report = warm_start(network, tmp_path / "x.pt")
    assert {row.status for row in report.rows} == {"loaded"}
    mel, wave = torch.randn(1, 3, 4), torch.rand(1, 64) - 0.5
    torch.testing.assert_close(network(mel, wave).z, small_waveglow(mel, wave).z)


def test_waveglow_of_another_width_gives_what_fits(small_waveglow, tmp_path):
    save(small_waveglow, tmp_path / "x")
    report = warm_start(WaveGlow(small_waveglow.config, n_channels=12), tmp_path / "x")
    assert status(report, "upsample.weight") == "loaded"
    assert status(report, "flows.0.coupling.start.bias") == "skipped"


def test_waveglow_with_the_other_order_of_halves_is_refused(small_waveglow, tmp_path):
    save(WaveGlow(small_waveglow.config, alternate_halves=True), tmp_path / "x")
    with pytest.raises(InputError, match=r"add \+model\.network\.alternate_halves=true"):
        warm_start(WaveGlow(small_waveglow.config), tmp_path / "x")


def test_other_network_is_refused(small_waveglow, small_tacotron2, tmp_path):
    save(small_waveglow, tmp_path / "x")
    with pytest.raises(InputError, match="holds a WaveGlow, this run trains a Tacotron2"):
        warm_start(small_tacotron2, tmp_path / "x")


def test_file_of_which_nothing_fits_is_refused(small_waveglow, tmp_path):
    save(small_waveglow, tmp_path / "x")
    everything = ["upsample", "flows"]
    with pytest.raises(InputError, match="none of its weights fits this network"):
        warm_start(WaveGlow(small_waveglow.config), tmp_path / "x", ignore_layers=everything)


def test_weights_that_are_not_finite_are_refused(small_waveglow, tmp_path):
    small_waveglow.upsample.bias.data[0] = float("nan")
    save(small_waveglow, tmp_path / "x")
    with pytest.raises(InputError, match="not finite"):
        warm_start(WaveGlow(small_waveglow.config), tmp_path / "x")


@pytest.mark.parametrize(
    ("symbols", "message"),
    [(["_", *"a" * 147], "'a' is there twice"), (ENGLISH[::-1], "states its symbols, which are")],
)
def test_symbols_that_cannot_be_the_files_are_refused(small_tacotron2, tmp_path, symbols, message):
    stated = described(ENGLISH) if "states" in message else None
    save(small_tacotron2, tmp_path / "x", description=stated)
    with pytest.raises(InputError, match=f"init_symbols: .*{message}"):
        warm_start(fresh(small_tacotron2), tmp_path / "x", symbols=ENGLISH, source_symbols=symbols)


def test_symbols_of_a_waveglow_are_refused(small_waveglow, tmp_path):
    save(small_waveglow, tmp_path / "x")
    with pytest.raises(InputError, match=r"init_symbols: .*x holds no Tacotron 2"):
        warm_start(WaveGlow(small_waveglow.config), tmp_path / "x", source_symbols=["_", "a"])


def test_embedding_of_another_size_is_skipped_where_no_symbols_are_named(small_tacotron2, tmp_path):
    save(small_tacotron2, tmp_path / "x")
    report = warm_start(Tacotron2(small_tacotron2.config, n_symbols=9), tmp_path / "x")
    skipped = [(row.name, row.reason) for row in report.rows if row.status == "skipped"]
    assert skipped == [("embedding.weight", "148x6 in the file, 9x6 here")]


def test_other_mel_contract_is_named_in_the_log(small_waveglow, tmp_path, caplog):
    save(
        small_waveglow,
        tmp_path / "x",
        description={"mel": MelConfig(f_max=7000.0, n_mels=3).to_dict()},
    )
    warm_start(WaveGlow(small_waveglow.config), tmp_path / "x", mel=MelConfig())
    assert "f_max: 7000.0 here, 8000.0 there" in caplog.text


class Data:
    mel = MelConfig()


CONFIG = {
    **dict.fromkeys(("init_from", "init_symbols", "init_speaker")),
    "ignore_layers": [],
}


def test_run_logs_the_table(small_waveglow, tmp_path, caplog):
    save(small_waveglow, tmp_path / "x")
    with caplog.at_level(logging.INFO, "tts.training"):
        warm_start_run({**CONFIG, "init_from": str(tmp_path / "x")}, small_waveglow, Data())
    assert f"warm start from {tmp_path / 'x'} (tacoglow)" in caplog.text
    assert "loaded" in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ignore_layers": ["embedding"]}, "ignore_layers is for a warm start"),
        ({"init_symbols": ["_", "a"]}, "init_symbols is for a warm start"),
        ({"init_speaker": 0}, "init_speaker is for a warm start"),
        ({"init_from": "gone.ckpt"}, r"gone\.ckpt: no such checkpoint"),
    ],
)
def test_run_refuses_what_makes_no_sense(small_waveglow, change, message):
    with pytest.raises(InputError, match=message):
        warm_start_run({**CONFIG, **change}, small_waveglow, Data())


def test_run_without_a_warm_start_changes_nothing(small_tacotron2):
    before = {name: value.clone() for name, value in small_tacotron2.state_dict().items()}
    warm_start_run(CONFIG, small_tacotron2, Data())
    after = small_tacotron2.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert isinstance(small_tacotron2, Tacotron2)
