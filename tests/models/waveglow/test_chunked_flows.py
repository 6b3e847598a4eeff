"""Tests of WaveGlow in chunks: the same samples, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from tts.models import WaveGlow, WaveGlowConfig

COMPACT = {"front": "lapped", "condition_channels": 5, "envelope": True, "separable": True}
N_FRAMES = 41


@pytest.fixture
def folded(trained_waveglow) -> Callable[..., WaveGlow]:
    """Makes a network without weight norm, with a reach of some frames."""

    def make(**options) -> WaveGlow:
        network = trained_waveglow(win_length=96, n_layers=3, **options)
        network.remove_weight_norm()
        return network

    return make


def mel() -> torch.Tensor:
    return torch.randn(2, 3, N_FRAMES, generator=torch.Generator().manual_seed(1))


def noise() -> torch.Generator:
    return torch.Generator().manual_seed(2)


@pytest.mark.parametrize("chunk_frames", [1, 7, 20, N_FRAMES, 100])
@pytest.mark.parametrize("options", [{}, COMPACT], ids=["published", "compact"])
def test_chunks_together_equal_the_whole(folded, options, chunk_frames):
    network = folded(**options)
    whole = network.inverse(mel(), sigma=0.7, generator=noise())
    chunks = network.inverse(mel(), sigma=0.7, generator=noise(), chunk_frames=chunk_frames)
    torch.testing.assert_close(chunks, whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("options", [{}, COMPACT], ids=["published", "compact"])
def test_a_flow_processes_at_most_a_chunk_and_its_reach(folded, options):
    network = folded(**options)
    lengths = []
    for flow in network.flows:
        flow.coupling.register_forward_hook(
            lambda _module, inputs, _output: lengths.append(inputs[0].shape[2])
        )
    network.inverse(mel(), generator=noise(), chunk_frames=10)
    config = network.config
    # 41 frames in five chunks: four of nine frames, and one of five
    at_most = (9 + 2 * config.flow_frames) * config.groups_per_frame
    assert len(lengths) == 5 * config.n_flows
    assert max(lengths) <= min(at_most, N_FRAMES * config.groups_per_frame)


def test_the_latent_of_a_training_segment_is_inverted_in_chunks(folded):
    network = folded(**COMPACT)
    wave = 0.3 * torch.randn(2, (N_FRAMES - 1) * 32)
    z = network(mel(), wave).z
    torch.testing.assert_close(
        network.inverse(mel(), z=z, chunk_frames=9), wave, rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("options", [{}, COMPACT], ids=["published", "compact"])
def test_receptive_frames_are_the_reach_of_the_network(folded, options):
    network = folded(**options)
    frames = mel()
    margin = network.config.receptive_frames
    assert margin < N_FRAMES - 1
    changed = frames.clone()
    changed[:, :, 0] += 10.0
    before, after = (network.inverse(x, generator=noise()) for x in (frames, changed))
    far = (margin + 1) * 32
    torch.testing.assert_close(after[:, far:], before[:, far:], rtol=0, atol=1e-5)
    # the reach is not much smaller either
    near = (margin // 3) * 32
    assert (after[:, near:] - before[:, near:]).abs().max() > 1e-3


def test_a_flow_of_the_published_network_has_a_small_reach():
    assert WaveGlowConfig().flow_frames < 15


def test_the_published_network_has_a_reach_of_a_second():
    assert 80 < WaveGlowConfig().receptive_frames < 110


def test_empty_chunks_are_refused(folded):
    for number in (-1, 0):
        with pytest.raises(ValueError, match=f"chunk_frames={number}: must be at least 1"):
            folded().inverse(mel(), chunk_frames=number)
