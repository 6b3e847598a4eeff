"""WaveGlow's couplings compiled by torch: the same values, gradients and names of weights."""

import copy
import logging
import shutil
import warnings

import pytest
import torch

from tests.support.gpu_batches import WAVEGLOW
from tests.support.runs import QUIET, TINY_WAVEGLOW, run
from tts.models import WaveGlow, waveglow_loss
from tts.training.compiled_couplings import CompileCouplings

COMPILED = {"model": {"compile": True}}
has_compiler = pytest.mark.skipif(
    not (shutil.which("g++") or shutil.which("clang++")), reason="needs a C++ compiler"
)


def step(network, mel, wave):
    network.zero_grad()
    loss = waveglow_loss(network(mel, wave))["total"]
    loss.backward()
    return loss.detach(), [p.grad.clone() for p in network.parameters()]


@pytest.fixture
def network():
    network = WaveGlow(**{**WAVEGLOW, "n_flows": 1, "n_early_every": 4})
    with torch.no_grad():
        for flow in network.flows:  # a new coupling would change nothing
            flow.coupling.end.weight.normal_(std=0.1)
    return network.train()


def batch():
    return torch.randn(2, 8, 16), 0.1 * torch.randn(2, 1024)


@pytest.mark.slow
@has_compiler
@pytest.mark.filterwarnings("ignore")
def test_values_and_gradients_are_those_of_the_eager_network(network, monkeypatch):
    torch._dynamo.reset()
    eager, data, said = copy.deepcopy(network), batch(), []
    monkeypatch.setattr("tts.training.compiled_couplings.log.warning", said.append)
    compiling = CompileCouplings(network, COMPILED)
    compiling.on_fit_start(None, None)
    loss, gradients = step(network, *data)
    assert said == []
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0
    expected, expected_gradients = step(eager, *data)
    torch.testing.assert_close(loss, expected)
    for ours, theirs in zip(gradients, expected_gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
    assert network.state_dict().keys() == eager.state_dict().keys()
    compiling.teardown(None, None, "fit")
    assert "forward" not in network.flows[0].coupling.__dict__


def broken(function, **options):
    def compiled(*arguments):
        raise RuntimeError("there is no compiler\nand here is how it looked for one")

    return compiled


def test_where_torch_cannot_compile_one_line_says_so(network, monkeypatch, caplog):
    monkeypatch.setattr(torch, "compile", broken)
    eager, data = copy.deepcopy(network), batch()
    CompileCouplings(network, COMPILED).on_fit_start(None, None)
    for _ in range(2):
        loss, _ = step(network, *data)
    assert torch.equal(loss, step(eager, *data)[0])
    (record,) = caplog.records
    assert record.message.startswith("model.compile: torch cannot compile, so it is off: there is")
    assert "\n" not in record.message


def test_only_training_steps_are_compiled(network, monkeypatch, caplog):
    monkeypatch.setattr(torch, "compile", broken)
    CompileCouplings(network, COMPILED).on_fit_start(None, None)
    network.eval()
    network.inverse(torch.randn(1, 8, 4))
    assert caplog.records == []


def test_it_is_off_by_default(network):
    CompileCouplings(network, {"model": {}}).on_fit_start(None, None)
    assert "forward" not in network.flows[0].coupling.__dict__


@pytest.mark.slow
@has_compiler
@pytest.mark.filterwarnings("ignore")
def test_a_run_with_averages_saves_the_usual_names(tmp_path, caplog):
    torch._dynamo.reset()
    caplog.set_level(logging.WARNING)
    options = [*TINY_WAVEGLOW, *QUIET, "callbacks=ema", "model.compile=true"]
    options += ["trainer.max_steps=2", "model.network.n_layers=1"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run(tmp_path, *options)
    assert not [record for record in caplog.records if "model.compile" in record.message]
    last = torch.load(tmp_path / "output" / "checkpoints" / "last.ckpt", weights_only=True)
    for key in ("state_dict", "current_model_state"):
        assert any(name.startswith("network.flows.0.coupling.start") for name in last[key])
        assert not any("_orig_mod" in name for name in last[key])
