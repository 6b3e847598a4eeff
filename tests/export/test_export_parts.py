"""Every file computes what its network does, for all lengths and batches."""

import pytest
import torch

from tests.support.exporting import OPTIONS, tacotron2, waveglow
from tests.support.thorough import repeats
from tts.export.acoustic import acoustic_modules
from tts.export.exported_module import Sample
from tts.export.formats import ENDINGS, open_runner, write_module
from tts.export.lstm import bilstm, onnx_weights
from tts.export.recipe import TOLERANCE, largest_difference
from tts.export.vocoder import waveglow_module
from tts.models import Tacotron2, WaveGlow

#: Tracing would fail first for one symbol, frame or utterance.
SIZES = ((1, 1), (1, 6), (3, 23))


def apart(part, run, batch, length):
    sample = part.sample(batch, length)
    outputs = run(sample.inputs)
    assert [tuple(o.shape) for o in outputs] == [tuple(e.shape) for e in sample.expected]
    return max(
        float(torch.where(here == there, 0.0, (here - there).abs()).max())
        for here, there in zip(outputs, sample.expected, strict=True)
    )


def check(part, folder, format, opset=18):
    path = folder / f"{part.name}{ENDINGS[format]}"
    with torch.no_grad():
        write_module(part, path, format, opset)
        run = open_runner(path)
        differences = [apart(part, run, *size) for size in SIZES]
    assert max(differences) < TOLERANCE, (part.name, differences)


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 2], ids=["encoder", "postnet"])
def test_parts_of_the_published_tacotron2_in_onnxruntime(number, tmp_path):
    pytest.importorskip("onnxruntime")
    check(acoustic_modules(tacotron2())[number], tmp_path, "onnx")


@pytest.mark.slow
def test_the_published_waveglow_in_onnxruntime(tmp_path):
    pytest.importorskip("onnxruntime")
    check(waveglow_module(waveglow(n_flows=1)), tmp_path, "onnx")


@pytest.mark.slow
@pytest.mark.parametrize("number", range(3), ids=["encoder", "decoder_step", "postnet"])
def test_parts_with_all_options_as_exported_programs(number, tmp_path):
    check(acoustic_modules(tacotron2(**OPTIONS["Tacotron2"]))[number], tmp_path, "torch")


@pytest.mark.slow
def test_waveglow_with_all_options_as_exported_program(tmp_path):
    sizes = {**OPTIONS["WaveGlow"], "n_flows": 1}
    check(waveglow_module(waveglow(**sizes)), tmp_path, "torch")


def test_the_operation_is_torchs_own_lstm():
    lstm = torch.nn.LSTM(6, 5, batch_first=True, bidirectional=True)
    x = torch.randn(2, 7, 6, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found = bilstm(x, torch.tensor([7, 7]), *onnx_weights(lstm))
        assert torch.equal(found, lstm(x)[0])


def test_a_difference_is_found_in_its_size():
    part = acoustic_modules(tacotron2())[2]

    def wrong(inputs):
        return (part.module(*inputs)[0] + torch.tensor(3e-3),)

    with torch.no_grad():
        scale = max(1.0, float(part.sample(2, 30).expected[0].abs().max()))
        assert largest_difference(part, wrong) == pytest.approx(3e-3 / scale, rel=0.3)


def test_what_is_not_a_number_is_no_agreement():
    part = acoustic_modules(tacotron2())[2]
    with torch.no_grad():
        assert largest_difference(part, lambda inputs: (inputs[0] * torch.nan,)) == torch.inf


def test_the_sample_is_what_generate_computes():
    """The sample of the decoder step has the state and the dropout of a speaking network."""
    part = acoustic_modules(tacotron2())[1]
    sample: Sample = part.sample(2, 9)
    with torch.no_grad():
        outputs = part.module(*sample.inputs)
    torch.testing.assert_close(outputs, sample.expected)
    assert len(outputs) == len(part.outputs)


CHOICES = [
    (tacotron2, {"mask_convolutions": False, "recurrence": "plain"}),
    (waveglow, {"alternate_halves": True, "n_flows": 4, "n_early_every": 2}),
    (waveglow, {"front": "lapped"}),
    (waveglow, {"condition_channels": 8}),
    (waveglow, {"envelope": True}),
    (waveglow, {"separable": True, "n_layers": 3}),
]
#: All choices with the lowest opset, and what they have in common with the others
CASES = [
    *((*choice, 18) for choice in CHOICES),
    *((*choice, opset) for choice in (CHOICES[0], CHOICES[-1]) for opset in (20, 23)),
]


@pytest.mark.parametrize(("network", "sizes", "opset"), CASES)
@pytest.mark.slow
def test_each_option_and_opset(network, sizes, opset, tmp_path):
    pytest.importorskip("onnxruntime")
    built = network(**sizes)
    for part in acoustic_modules(built) if network is tacotron2 else [waveglow_module(built)]:
        check(part, tmp_path, "onnx", opset)


@pytest.mark.parametrize("format", ["onnx", "torch"])
@pytest.mark.timeout(1200)
@pytest.mark.slow
def test_published_sizes(format, tmp_path):
    pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    # all flows are exported alike; the fifth comes after the first early output
    vocoder = WaveGlow(n_flows=repeats(5, 12))
    for flow in vocoder.flows:
        torch.nn.init.normal_(flow.coupling.end.weight, std=0.01)
    for part in (*acoustic_modules(Tacotron2().eval()), waveglow_module(vocoder)):
        path = tmp_path / f"{part.name}{ENDINGS[format]}"
        with torch.no_grad():
            write_module(part, path, format, 18)
            assert largest_difference(part, open_runner(path)) < TOLERANCE, part.name
