"""Tests of decoding by compiled loops: equal to the plain decoder, or not used at all."""

from __future__ import annotations

import subprocess
import sys
from itertools import islice

import numpy as np
import pytest
import torch
from torch import nn

from tests.support.tiny_networks import tiny_tacotron2
from tts.models import MelStream, Tacotron2
from tts.models.kernels import compilation, decoder_kernels
from tts.models.kernels.int8_product import add_int8_product
from tts.models.tacotron2 import compiled_decoder
from tts.models.tacotron2.compiled_decoder import compiled_steps
from tts.models.tacotron2.decoder import Decoder
from tts.models.tacotron2.int8_decoder import int8_decoder, quantized_rows

pytestmark = pytest.mark.usefixtures("compiled_decoding")

# no size is a multiple of the block size of the loops
SIZES = {
    "n_symbols": 20,
    "n_mels": 7,
    "symbols_embedding_dim": 12,
    "encoder_embedding_dim": 42,
    "attention_rnn_dim": 53,
    "attention_dim": 19,
    "attention_location_n_filters": 4,
    "attention_location_kernel_size": 7,
    "decoder_rnn_dim": 35,
    "prenet_dim": 9,
    "postnet_embedding_dim": 8,
}
NEVER = 1.0
LENGTHS = torch.tensor([9, 4, 6])


def network(**options):
    """Make a network with random weights that are larger than those of a new one.

    So its attention and states change from step to step. With much larger weights the attention
    would jump, and rounding errors would grow from step to step in any implementation.
    """
    torch.manual_seed(3)
    net = Tacotron2(**{**SIZES, **options}).eval()
    with torch.no_grad():
        net.decoder.attention.score.weight.mul_(3)
        for cell in (net.decoder.attention_rnn, net.decoder.decoder_rnn):
            cell.weight_hh.mul_(2)
        if net.config.pitch_bins:
            # these weights are zero in a new network
            nn.init.normal_(net.decoder.pitch.seen.weight)
            nn.init.normal_(net.decoder.pitch.frames.weight)
    return net


def texts(rows=slice(None)):
    text = torch.randint(0, 20, (3, 9), generator=torch.Generator().manual_seed(4))
    return text[rows, : int(LENGTHS[rows].max())], LENGTHS[rows]


def seeded():
    return torch.Generator().manual_seed(5)


def speak(net, generator=None, **options):
    options = {"max_steps": 60, "gate_threshold": NEVER, **options}
    return net.generate(*texts(), generator=generator or seeded(), **options)


def walk(net, rows=slice(None), window=None, generator=None, n_steps=30):
    """Frames, gates and alignments of some steps; None where the loops are not used."""
    with torch.inference_mode():
        memory = net.encode(*texts(rows))
        steps = compiled_steps(net.decoder, memory, generator or seeded(), window)
        return None if steps is None else stacked(islice(steps, n_steps))


def stacked(steps):
    """Frames, gates and alignments, each in one tensor."""
    return [torch.stack(parts) for parts in zip(*steps, strict=True)]


def assert_same_speech(fast, plain):
    assert fast.mel_lengths.tolist() == plain.mel_lengths.tolist()
    assert fast.stop_reason == plain.stop_reason
    for name in ("mel_post", "gate_logits", "alignments"):
        found, expected = getattr(fast, name), getattr(plain, name)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("r", [1, 3])
@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"attention_window": 2},
        {"attention_window": 1, "end_steps": 2},
        {"gate_threshold": 0.5},
    ],
)
def test_compiled_loops_equal_the_plain_decoder(r, limits):
    fast, plain = (network(n_frames_per_step=r, recurrence=x) for x in ("fast", "plain"))
    assert walk(fast) is not None
    assert walk(plain) is None
    found, expected = speak(fast, **limits), speak(plain, **limits)
    assert_same_speech(found, expected)
    assert expected.mel_post.std() > 0.1


def test_the_compared_alignments_and_frames_vary():
    """The comparison above is useful only if the attention is not uniform and frames differ."""
    generated = speak(network(recurrence="plain"))
    assert generated.alignments.amax(2).mean() > 0.4
    assert generated.alignments[0].std(0).max() > 0.1
    assert generated.mel_post[0].std(1).max() > 0.1


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_both_decoders_draw_the_same_dropout(dropout):
    fast, plain = (network(prenet_dropout=dropout, recurrence=x) for x in ("fast", "plain"))
    many = [[torch.Generator().manual_seed(i) for i in range(3)] for _ in range(2)]
    assert_same_speech(speak(fast, many[0]), speak(plain, many[1]))
    one = seeded(), seeded()
    assert_same_speech(speak(fast, one[0]), speak(plain, one[1]))
    for left, expected in zip([*many[0], one[0]], [*many[1], one[1]], strict=True):
        assert torch.equal(left.get_state(), expected.get_state())


def test_without_a_generator_dropout_comes_from_torchs_own():
    generated = []
    for recurrence in ("fast", "plain"):
        net = network(recurrence=recurrence)
        torch.manual_seed(1)
        generated.append(net.generate(*texts(), max_steps=20, gate_threshold=NEVER))
        generated.append(torch.rand(1))
    assert_same_speech(generated[0], generated[2])
    assert torch.equal(generated[1], generated[3])


@pytest.mark.parametrize("row", [0, 1, 2])
@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("window", [None, 2])
@pytest.mark.parametrize("pitch", [False, True])
def test_an_utterance_alone_equals_the_same_in_a_batch_bit_for_bit(row, int8, window, pitch):
    net = network(**PITCH) if pitch else network()
    net = int8_decoder(net) if int8 else net
    with torch.inference_mode():
        memory = net.encode(*texts())
        n = int(LENGTHS[row])
        own = memory._replace(
            values=memory.values[row : row + 1, :n],
            keys=memory.keys[row : row + 1, :, :n],
            bias=memory.bias[row : row + 1, :n],
        )
        together, alone = (
            stacked(islice(compiled_steps(net.decoder, m, seeded(), window), 30))
            for m in (memory, own)
        )
    assert torch.equal(together[0][:, row : row + 1], alone[0])
    assert torch.equal(together[1][:, row : row + 1], alone[1])
    assert torch.equal(together[2][:, row : row + 1, :n], alone[2])
    assert not together[2][:, row, n:].any()


PITCH = {"pitch_bins": 5, "pitch_dim": 6, "n_mels": 40}


@pytest.mark.parametrize(
    "options",
    [
        {"n_speakers": 2},
        {"mask_convolutions": False},
        PITCH,
        {**PITCH, "n_frames_per_step": 3},
    ],
)
def test_options_of_the_network(options):
    generated = [
        speak(network(recurrence=x, **options), speakers=torch.tensor([1, 0, 1]))
        for x in ("fast", "plain")
    ]
    assert_same_speech(*generated)


def test_a_stream_equals_generate():
    net, (text, lengths) = network(n_frames_per_step=3), texts(slice(0, 1))
    options = {"max_steps": 40, "gate_threshold": NEVER}
    whole = net.generate(text, lengths, generator=seeded(), **options)
    stream = MelStream(net, text[0], generator=seeded(), **options)
    torch.testing.assert_close(torch.cat(list(stream), 1), whole.mel_post[0])
    torch.testing.assert_close(stream.alignments, whole.alignments[0], rtol=0, atol=0)


def test_the_loops_use_the_current_weights():
    net = network()
    before = speak(net)
    with torch.no_grad():
        net.decoder.attention_rnn.weight_hh.mul_(0.5)
    after = speak(net)
    assert not torch.allclose(before.mel_post, after.mel_post, atol=1e-3)
    plain = network(recurrence="plain")
    plain.load_state_dict(net.state_dict())
    assert_same_speech(after, speak(plain))


def test_int8_loops_equal_the_plain_int8_decoder():
    fast, plain = (int8_decoder(network(recurrence=x)) for x in ("fast", "plain"))
    assert walk(fast) is not None
    found, expected, exact = speak(fast), speak(plain), speak(network())
    rounding = (expected.mel_post - exact.mel_post).abs().max()
    difference = (found.mel_post - expected.mel_post).abs().max()
    # the loops also round the inputs of products, which is much less than the rounding of weights
    assert 0 < difference < rounding / 20


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("part", ["prenet.layers.0", "attention.query", "projection"])
def test_nan_weights_give_nan_mels(part, int8):
    net = network()
    with torch.no_grad():
        net.decoder.get_submodule(part).weight[0, 0] = float("nan")
    net = int8_decoder(net) if int8 else net
    assert walk(net) is not None
    assert speak(net, max_steps=5).mel_post.isnan().any()


class Unknown(Decoder):
    """Is a decoder of another class."""


def with_a_layer(net):
    net.decoder.other = nn.Linear(2, 3)


def with_a_weight_of_its_own(net):
    net.decoder.offset = nn.Parameter(torch.zeros(3))


def with_another_class(net):
    net.decoder.__class__ = Unknown


def with_a_hook(net):
    net.decoder.attention_rnn.register_forward_hook(lambda *_: None)


def with_a_step_of_its_own(net):
    net.decoder.step = net.decoder.step


def with_a_parametrized_layer(net):
    nn.utils.parametrizations.weight_norm(net.decoder.projection)


def in_double_precision(net):
    net.double()


@pytest.mark.parametrize(
    "change",
    [
        with_a_layer,
        with_a_weight_of_its_own,
        with_another_class,
        with_a_hook,
        with_a_step_of_its_own,
        with_a_parametrized_layer,
        in_double_precision,
    ],
)
def test_changed_decoders_run_in_torch(change):
    net = network()
    assert walk(net) is not None
    change(net)
    assert walk(net) is None
    assert torch.isfinite(speak(net, max_steps=2).mel_post).all()


def test_gradients_and_autocast_run_in_torch():
    net = network()
    memory = net.encode(*texts())
    assert compiled_steps(net.decoder, memory, None, None) is None
    with torch.no_grad():
        assert compiled_steps(net.decoder, memory, None, None) is not None
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert compiled_steps(net.decoder, memory, None, None) is None


@pytest.mark.parametrize(("rows", "name"), [(1, "MAX_THREADS_SINGLE"), (3, "MAX_THREADS_BATCH")])
def test_many_threads_run_in_torch(rows, name, monkeypatch):
    net = network()
    monkeypatch.setattr(compiled_decoder, name, torch.get_num_threads() - 1)
    assert walk(net, slice(0, rows)) is None
    monkeypatch.setattr(compiled_decoder, name, torch.get_num_threads())
    assert walk(net, slice(0, rows)) is not None


def test_a_small_network_runs_in_torch_unless_its_weights_are_int8(monkeypatch):
    monkeypatch.setattr(compiled_decoder, "MIN_COMPILED_WEIGHTS", 10**9)
    net = network()
    assert walk(net) is None
    assert walk(int8_decoder(net)) is not None


def test_the_published_and_the_compact_sizes_use_the_loops_and_tiny_ones_do_not(monkeypatch):
    monkeypatch.undo()
    compact = {"attention_rnn_dim": 320, "decoder_rnn_dim": 320, "encoder_embedding_dim": 192}
    monkeypatch.setattr(compiled_decoder, "MAX_THREADS_SINGLE", 10**6)
    assert compiled_decoder.saves_time(Tacotron2().decoder, 1)
    assert compiled_decoder.saves_time(Tacotron2(**compact, prenet_dim=128).decoder, 1)
    assert not compiled_decoder.saves_time(tiny_tacotron2().decoder, 1)


@pytest.mark.parametrize(("n", "k"), [(1, 1), (4, 32), (7, 33), (64, 100)])
def test_the_int8_product_is_exact(n, k):
    torch.manual_seed(0)
    weight, scale = quantized_rows(torch.randn(n, k))
    x, out, rounded = torch.randn(2, k), torch.randn(2, n), torch.empty(2, k, dtype=torch.int16)
    before = out.clone()
    arrays = (t.numpy() for t in (out, x, rounded, weight, scale))
    add_int8_product(*arrays)
    units = x.abs().amax(1) / min(32767, (2**31 - 1) // (127 * k))
    assert (rounded * units[:, None] - x).abs().amax() <= 0.501 * units.max()
    exact = (rounded.double() @ weight.double().T) * scale * units[:, None]
    torch.testing.assert_close(out, (before + exact).float())


def test_the_largest_int8_product_fits_32_bits():
    k = 4096
    weight, scale = quantized_rows(torch.ones(4, k))
    x, out, rounded = torch.ones(1, k), torch.zeros(1, 4), torch.empty(1, k, dtype=torch.int16)
    add_int8_product(*(t.numpy() for t in (out, x, rounded, weight, scale)))
    torch.testing.assert_close(out, torch.full((1, 4), float(k)))


def test_an_int8_product_with_zeros_is_zero():
    weight, scale = quantized_rows(torch.randn(4, 33))
    x, out, rounded = torch.zeros(1, 33), torch.zeros(1, 4), torch.empty(1, 33, dtype=torch.int16)
    add_int8_product(*(t.numpy() for t in (out, x, rounded, weight, scale)))
    assert not out.any()


def test_nonlinearities_equal_torchs():
    x = torch.cat((torch.linspace(-12, 12, 4001), torch.tensor([-1e4, 1e4, 0.0])))
    for name in ("tanh", "sigmoid"):
        function = getattr(decoder_kernels, f"_{name}")
        found = torch.tensor([function(np.float32(value)) for value in x])
        torch.testing.assert_close(found, getattr(torch, name)(x), rtol=0, atol=3e-7)


def test_loops_compile_without_a_folder_for_the_cache(monkeypatch):
    tried = []

    def njit(**options):
        tried.append(options)
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(compilation, "_njit", njit)
    assert compilation.compiled(abs) is abs
    assert [options.get("cache") for options in tried] == [True, None]


def test_a_small_network_does_not_import_numba():
    code = """
import sys, torch
from tts.models import Tacotron2
sizes = {"encoder_embedding_dim": 8, "attention_rnn_dim": 8, "decoder_rnn_dim": 8}
network = Tacotron2(symbols_embedding_dim=8, postnet_embedding_dim=8, **sizes).eval()
network.generate(torch.ones(1, 5, dtype=torch.int64), torch.tensor([5]), max_steps=3)
print("numba" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
