from __future__ import annotations

import pytest
import torch

from tts.models import Tacotron2, Tacotron2Config, tacotron2_loss
from tts.pretrained import save
from tts.pretrained.importers.nvidia_names import from_nvidia_state_dict, to_nvidia_state_dict

TEXT_LENGTHS = {"equal": (9, 9), "ragged": (9, 6)}
MEL_LENGTHS = {"equal": (13, 13), "ragged": (13, 8)}


def assert_close(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found.detach(), expected.detach(), atol=1e-4, rtol=0)


@pytest.fixture(scope="module")
def pair(packages, formula, theirs_filled, ours_with_weights_of):
    theirs = theirs_filled(packages.tacotron2(**formula.TACOTRON2, max_decoder_steps=15))
    ours = ours_with_weights_of(theirs)
    leaky = Tacotron2(ours.config, mask_convolutions=False).eval()  # as NVIDIA's is
    leaky.load_state_dict(ours.state_dict())
    return leaky, theirs


@pytest.fixture(params=["equal", "ragged"])
def batch(request, formula):
    mel = formula.log_mel(formula.TACOTRON2["n_mel_channels"], 13)
    mel_lengths = torch.tensor(MEL_LENGTHS[request.param])
    for row, length in enumerate(mel_lengths):
        mel[row, :, length:] = 0.0
    return formula.text(), torch.tensor(TEXT_LENGTHS[request.param]), mel, mel_lengths


def forward_of_theirs(packages, theirs, batch) -> list[torch.Tensor]:
    text, text_lengths, mel, mel_lengths = batch
    with packages.active():
        return theirs((text, text_lengths, mel, int(text_lengths.max()), mel_lengths))


def both_forward(packages, pair, batch):
    """Run both networks after the same seed; the pre-net's dropout is on in eval mode too."""
    ours, theirs = pair
    torch.manual_seed(3)
    expected = forward_of_theirs(packages, theirs, batch)
    torch.manual_seed(3)
    return ours(*batch), expected


@pytest.mark.parametrize(
    ("part", "place"), [("mel", 0), ("mel_post", 1), ("gate_logits", 2), ("alignments", 3)]
)
def test_teacher_forced(packages, pair, batch, part, place):
    found, expected = both_forward(packages, pair, batch)
    assert_close(getattr(found, part), expected[place])


def test_padding_leaks_in_nvidias_network(packages, pair, formula):
    """With ``mask_convolutions`` an utterance does not depend on a longer one in the batch."""
    ours, _ = pair
    masked = Tacotron2(ours.config, mask_convolutions=True, prenet_dropout=0.0).eval()
    leaky = Tacotron2(ours.config, mask_convolutions=False, prenet_dropout=0.0).eval()
    text, mel = formula.text(), formula.log_mel(ours.config.n_mels, 13)
    lengths = torch.tensor((9, 6)), torch.tensor((13, 8))
    errors = []
    for network in (masked, leaky):
        network.load_state_dict(ours.state_dict())
        together = network(text, lengths[0], mel, lengths[1]).mel_post[1:, :, :8]
        alone = network(text[1:, :6], lengths[0][1:], mel[1:, :, :8], lengths[1][1:]).mel_post
        errors.append(float((together - alone).detach().abs().max()))
    assert errors[0] < 1e-5
    assert errors[1] > 1e-3


@pytest.mark.parametrize("kind", ["global", "own generator"])
@pytest.mark.parametrize("threshold", [0.5, 0.87, 1.0])
@pytest.mark.parametrize("compiled", [False, True])
def test_generated(packages, pair, formula, kind, threshold, compiled, request):
    if compiled:
        request.getfixturevalue("compiled_decoding")
    ours, theirs = pair
    text = formula.text()[:1]
    theirs.decoder.gate_threshold = threshold
    torch.manual_seed(5)
    with packages.active(), torch.no_grad():
        _, mel_post, gate, alignments = theirs.inference(text)
    torch.manual_seed(5)
    generator = torch.Generator().manual_seed(5) if kind == "own generator" else None
    found = ours.generate(
        text,
        torch.tensor([9]),
        max_steps=15,
        gate_threshold=threshold,
        generator=generator,
    )
    assert_close(found.mel_post, mel_post)
    assert_close(found.gate_logits, gate.reshape(1, -1))
    assert_close(found.alignments, alignments)
    assert int(found.mel_lengths) == mel_post.size(2)


def gate_target(mel_lengths: torch.Tensor) -> torch.Tensor:
    return (torch.arange(int(mel_lengths.max())) >= mel_lengths[:, None] - 1).float()


def test_loss(packages, pair, batch):
    found, expected = both_forward(packages, pair, batch)
    _, _, mel, mel_lengths = batch
    with packages.active():
        criterion = packages.module("tacotron2.loss_function").Tacotron2Loss()
        loss = criterion(expected, (mel.clone(), gate_target(mel_lengths)))
    assert_close(tacotron2_loss(found, mel, mel_lengths, reduction="nvidia")["total"], loss)


@pytest.fixture
def double_pair(pair):
    yield tuple(network.double() for network in pair)
    for network in pair:
        network.float().zero_grad()


def test_gradients(packages, double_pair, batch):
    """Compare in float64: float32 gradients lose four digits over some steps of attention."""
    ours, theirs = double_pair
    batch = [x.double() if x.is_floating_point() else x for x in batch]
    found, expected = both_forward(packages, (ours, theirs), batch)
    _, _, mel, mel_lengths = batch
    with packages.active():
        criterion = packages.module("tacotron2.loss_function").Tacotron2Loss()
        criterion(expected, (mel.clone(), gate_target(mel_lengths).double())).backward()
    tacotron2_loss(found, mel, mel_lengths, reduction="nvidia")["total"].backward()
    gradients = {name: parameter.grad for name, parameter in theirs.named_parameters()}
    parameters = dict(ours.named_parameters())
    different = [
        name
        for name, gradient in from_nvidia_state_dict("Tacotron2", gradients).items()
        if not torch.allclose(parameters[name].grad, gradient, atol=1e-9, rtol=1e-7)
    ]
    # NVIDIA's code clears padded frames through `.data` after the post-net has read them, so
    # autograd computes this gradient from another input than the post-net had
    is_padded = len(set(mel_lengths.tolist())) > 1
    assert different == ["postnet.convolutions.0.conv.weight"] * is_padded


def test_nvidias_code_loads_what_we_save(packages, pair, formula, tmp_path):
    ours, theirs = pair
    save(ours, tmp_path / "ours.pt", "nvidia")
    built = packages.tacotron2(**formula.TACOTRON2)
    built.load_state_dict(torch.load(tmp_path / "ours.pt", weights_only=True)["state_dict"])
    expected = theirs.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in built.state_dict().items())


def test_default_network_has_the_shapes_of_nvidias_full_size_weights(packages):
    with torch.device("meta"):
        expected = {name: v.shape for name, v in packages.tacotron2().state_dict().items()}
        ours = to_nvidia_state_dict(Tacotron2())
    assert {name: value.shape for name, value in ours.items()} == expected


def test_full_size_weights_load_strictly(packages, ours_with_weights_of):
    with torch.device("meta"):  # random initial values would take seconds
        theirs = packages.tacotron2()
    theirs = theirs.to_empty(device="cpu")
    for value in theirs.state_dict().values():
        value.zero_()
    assert ours_with_weights_of(theirs).config == Tacotron2Config()
