"""Tests of Tacotron 2: padding, batches, steps and seeds."""

import pytest
import torch
from torch.nn import functional as F

from tts.models import Tacotron2, Tacotron2Config, sequence_mask, tacotron2_loss
from tts.models.tacotron2.decoder import DecoderState

TINY = Tacotron2Config(
    n_symbols=20,
    n_mels=6,
    symbols_embedding_dim=8,
    encoder_embedding_dim=8,
    attention_rnn_dim=12,
    attention_dim=8,
    attention_location_n_filters=4,
    attention_location_kernel_size=5,
    decoder_rnn_dim=10,
    prenet_dim=8,
    postnet_embedding_dim=8,
)
STILL = {"prenet_dropout": 0.0}
NO_DROPOUT = {
    **STILL,
    "encoder_dropout": 0.0,
    "p_attention_dropout": 0.0,
    "p_decoder_dropout": 0.0,
    "postnet_dropout": 0.0,
}


def network(**overrides):
    torch.manual_seed(1)
    net = Tacotron2(TINY, **overrides)
    # random statistics, so that batch norm is not the identity in evaluation mode
    for name, buffer in net.named_buffers():
        buffer.uniform_(0.5, 1.5) if name.endswith("var") else buffer.uniform_(-0.5, 0.5)
    return net.eval()


def batch(text_lengths=(7, 4, 5), mel_lengths=(11, 14, 6), extra=0):
    generator = torch.Generator().manual_seed(5)
    n_text, n_mel = max(text_lengths) + extra, max(mel_lengths) + extra
    text = torch.randint(1, TINY.n_symbols, (len(text_lengths), 40), generator=generator)
    mel = torch.randn(len(text_lengths), TINY.n_mels, 40, generator=generator)
    text_lengths, mel_lengths = torch.tensor(text_lengths), torch.tensor(mel_lengths)
    text = text[:, :n_text] * sequence_mask(text_lengths, n_text)
    mel = mel[:, :, :n_mel] * sequence_mask(mel_lengths, n_mel)[:, None]
    return text, text_lengths, mel, mel_lengths


@pytest.mark.parametrize("r", [1, 2, 3])
def test_forward_shapes(r):
    text, text_lengths, mel, mel_lengths = batch()
    out = network(n_frames_per_step=r)(text, text_lengths, mel, mel_lengths)
    assert out.mel.shape == out.mel_post.shape == mel.shape
    assert out.gate_logits.shape == (3, mel.shape[2])
    assert out.alignments.shape == (3, mel.shape[2], text.shape[1])


def test_alignments_are_distributions_over_the_real_symbols():
    text, text_lengths, mel, mel_lengths = batch()
    alignments = network()(text, text_lengths, mel, mel_lengths).alignments
    torch.testing.assert_close(alignments.sum(2), torch.ones(alignments.shape[:2]))
    padding = ~sequence_mask(text_lengths)[:, None].expand_as(alignments)
    assert alignments[padding].abs().max() == 0


@pytest.mark.parametrize("r", [1, 2])
def test_batch_equals_utterances_alone_when_teacher_forced(r):
    net = network(n_frames_per_step=r, **STILL)
    text, text_lengths, mel, mel_lengths = batch()
    together = net(text, text_lengths, mel, mel_lengths)
    for i, (n, t) in enumerate(zip(text_lengths, mel_lengths, strict=True)):
        one = slice(i, i + 1)
        alone = net(text[one, :n], text_lengths[one], mel[one, :, :t], mel_lengths[one])
        torch.testing.assert_close(together.mel[one, :, :t], alone.mel)
        torch.testing.assert_close(together.mel_post[one, :, :t], alone.mel_post)
        torch.testing.assert_close(together.gate_logits[one, :t], alone.gate_logits)
        torch.testing.assert_close(together.alignments[one, :t, :n], alone.alignments)


@pytest.mark.parametrize("seeded", ["one", "each", "global"])
@pytest.mark.parametrize("r", [1, 2])
def test_batch_equals_utterances_alone_when_generated(r, seeded):
    net = network(n_frames_per_step=r)
    text, text_lengths, _, _ = batch()

    def generators(indices):
        if seeded == "global":
            torch.manual_seed(3)
            return None
        if seeded == "each":
            return [torch.Generator().manual_seed(i) for i in indices]
        return torch.Generator().manual_seed(3)

    # with this threshold the gate of these random weights fires at different frames
    options = {"max_steps": 12, "gate_threshold": {1: 0.5485, 2: 0.597}[r]}
    together = net.generate(text, text_lengths, generator=generators(range(3)), **options)
    for i, n in enumerate(text_lengths):
        one = slice(i, i + 1)
        alone = net.generate(text[one, :n], text_lengths[one], generator=generators([i]), **options)
        t = int(alone.mel_lengths)
        assert together.mel_lengths[i] == t
        assert together.stop_reason[i] == alone.stop_reason[0]
        torch.testing.assert_close(together.mel_post[one, :, :t], alone.mel_post)
        torch.testing.assert_close(together.alignments[one, :t, :n], alone.alignments)


def test_generate_ends_each_utterance_where_its_gate_fires():
    net = network(**STILL)
    text, text_lengths, _, _ = batch()
    free = net.generate(text, text_lengths, max_steps=12)
    threshold = torch.sigmoid(free.gate_logits[0]).max().item() - 1e-6
    out = net.generate(text[:1], text_lengths[:1], max_steps=12, gate_threshold=threshold)
    first = int((torch.sigmoid(free.gate_logits[0]) > threshold).nonzero()[0]) + 1
    assert out.mel_lengths.tolist() == [first]
    assert out.stop_reason == ("gate",)


def test_generate_reports_that_the_gate_never_fired():
    text, text_lengths, _, _ = batch()
    out = network().generate(text, text_lengths, max_steps=4, gate_threshold=1.0)
    assert out.stop_reason == ("max_steps",) * 3
    assert out.mel_lengths.tolist() == [4, 4, 4]


def test_generate_is_reproducible_by_its_seed():
    net = network()
    text, text_lengths, _, _ = batch()

    def speak(seed):
        generator = torch.Generator().manual_seed(seed)
        options = {"max_steps": 5, "gate_threshold": 1.0}
        return net.generate(text, text_lengths, generator=generator, **options).mel_post

    assert torch.equal(speak(1), speak(1))
    assert not torch.equal(speak(1), speak(2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_steps": 0}, "max_steps"),
        (
            {"generator": [torch.Generator()]},
            "1 generators for 3 utterances: give one generator for each",
        ),
    ],
)
def test_generate_refuses(options, message):
    text, text_lengths, _, _ = batch()
    with pytest.raises(ValueError, match=message):
        network().generate(text, text_lengths, **options)


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("r", [1, 3])
def test_teacher_forced_pass_equals_the_decoder_step_by_step(r, train):
    net = network(n_frames_per_step=r, **NO_DROPOUT).train(train)
    text, text_lengths, mel, _ = batch()
    memory = net.encode(text, text_lengths)
    frames = net._teacher_frames(mel)
    n_steps = -(-mel.shape[2] // r)
    fast = net.decoder(frames, n_steps, memory)
    state: DecoderState = net.decoder.initial_state(memory)
    steps = []
    for frame in frames[:n_steps]:
        predicted, gate, state = net.decoder.step(frame, state, memory)
        steps.append((predicted, gate, state.attention.weights[:, 0]))
    for ours, plain in zip(fast, zip(*steps, strict=True), strict=True):
        torch.testing.assert_close(ours, torch.stack(plain))


@pytest.mark.parametrize("reduction", ["masked", "nvidia"])
@pytest.mark.parametrize("train", [False, True])
def test_padding_changes_the_loss_of_nvidias_reduction_only(reduction, train):
    net = network(**NO_DROPOUT).train(train)

    def loss(extra):
        text, text_lengths, mel, mel_lengths = batch(extra=extra)
        out = net(text, text_lengths, mel, mel_lengths)
        return tacotron2_loss(
            out,
            mel,
            mel_lengths,
            reduction=reduction,
            text_lengths=text_lengths,
            guided_weight=0.5,
        )

    plain, padded = loss(0), loss(9)
    same = {name: torch.isclose(plain[name], padded[name], rtol=1e-5).item() for name in plain}
    assert same["guided"]
    # NVIDIA's reduction counts the padding in the mean, ours does not
    assert all(same.values()) == (reduction == "masked")


def test_padding_does_not_change_the_gradients():
    net = network(**NO_DROPOUT).train()

    def gradients(extra):
        net.zero_grad()
        text, text_lengths, mel, mel_lengths = batch(extra=extra)
        tacotron2_loss(net(text, text_lengths, mel, mel_lengths), mel, mel_lengths)[
            "total"
        ].backward()
        return [p.grad.clone() for p in net.parameters()]

    for plain, padded in zip(gradients(0), gradients(9), strict=True):
        torch.testing.assert_close(plain, padded, rtol=1e-4, atol=1e-6)


def test_unmasked_convolutions_let_padding_leak():
    def mel_post(extra):
        text, text_lengths, mel, mel_lengths = batch(extra=extra)
        net = network(mask_convolutions=False, **STILL)
        return net(text, text_lengths, mel, mel_lengths).mel_post[2, :, :6]

    assert not torch.allclose(mel_post(0), mel_post(9))


def test_mel_mean_and_std_only_change_the_units():
    mean, std = -3.0, 2.0
    text, text_lengths, mel, mel_lengths = batch()
    plain = network(**STILL)(text, text_lengths, mel, mel_lengths)
    mask = sequence_mask(mel_lengths)[:, None]
    scaled = (mel * std + mean) * mask
    ours = network(mel_mean=mean, mel_std=std, **STILL)(text, text_lengths, scaled, mel_lengths)
    torch.testing.assert_close(ours.mel_post, (plain.mel_post * std + mean) * mask)
    real = mask[:, 0, :, None]
    torch.testing.assert_close(ours.alignments * real, plain.alignments * real)


def test_prenet_dropout_is_on_in_eval_mode():
    net = network()
    inputs = batch()
    assert not torch.equal(net(*inputs).mel, net(*inputs).mel)


def test_the_location_kernel_equals_convolution_and_dense_layer():
    attention = network().decoder.attention
    weights = torch.rand(2, 2, 9)
    apart = attention.location_dense(attention.location_conv(weights).transpose(1, 2))
    kernel = attention.location_kernel()
    together = F.conv1d(weights, kernel, padding=kernel.shape[2] // 2).transpose(1, 2)
    torch.testing.assert_close(together, apart)


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_mixed_precision_on_a_cpu(dropout):
    net = network(p_decoder_dropout=dropout, n_frames_per_step=2).train()
    text, text_lengths, mel, mel_lengths = batch()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = net(text, text_lengths, mel, mel_lengths)
        loss = tacotron2_loss(out, mel, mel_lengths)["total"]
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


def test_it_runs_in_double_precision():
    text, text_lengths, mel, mel_lengths = batch()
    out = network().double()(text, text_lengths, mel.double(), mel_lengths)
    assert out.mel_post.dtype == torch.float64


def test_the_published_size():
    assert sum(p.numel() for p in Tacotron2().parameters()) == 28_193_153


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n_symbols", 0),
        ("encoder_kernel_size", 4),
        ("prenet_dropout", 1.0),
        ("p_attention_dropout", -0.1),
        ("encoder_embedding_dim", 7),
        ("mel_std", 0.0),
    ],
)
def test_impossible_sizes_are_refused(field, value):
    with pytest.raises(ValueError, match=field):
        Tacotron2Config(**{field: value})


def test_unknown_reduction_is_refused():
    text, text_lengths, mel, mel_lengths = batch()
    out = network()(text, text_lengths, mel, mel_lengths)
    with pytest.raises(ValueError, match=r"loss\.reduction"):
        tacotron2_loss(out, mel, mel_lengths, reduction="mean")


@pytest.mark.slow
def test_it_learns_one_batch():
    net = network(**NO_DROPOUT).train()
    text, text_lengths, mel, mel_lengths = batch()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = tacotron2_loss(net(text, text_lengths, mel, mel_lengths), mel, mel_lengths)["total"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_a_refused_null_is_shown_as_it_is_typed():
    with pytest.raises(
        ValueError, match=r"^prenet_dim=null: it must be a whole number, 1 or more$"
    ):
        Tacotron2Config(prenet_dim=None)
