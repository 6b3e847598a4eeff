"""Tests of the distances of spectrograms: which differences count."""

import pytest
import torch

from tts.metrics import aligned_mel_distance, mel_distance
from tts.metrics.mel_distance import frame_distances


def mel(n_frames=40, n_mels=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_mels, n_frames, generator=generator).cumsum(1) * 0.3 - 5


@pytest.mark.parametrize("distance", [mel_distance, aligned_mel_distance])
def test_the_distance_of_equal_spectrograms_is_zero(distance):
    assert distance(mel(), mel()) == 0


@pytest.mark.parametrize("distance", [mel_distance, aligned_mel_distance])
@pytest.mark.parametrize("offset", [0.01, -0.02])
def test_the_distance_of_a_small_offset_is_the_offset(distance, offset):
    assert distance(mel() + offset, mel()) == pytest.approx(abs(offset), rel=1e-4)


def test_a_slower_reading_has_no_distance():
    assert mel_distance(mel().repeat_interleave(2, 1), mel()) == 0


def test_the_path_equals_the_best_one_found_by_hand():
    # the best path through three and two frames is 0-0, 1-0 or 1-1, 2-1
    one, two = torch.tensor([[0.0, 1.0, 4.0]]), torch.tensor([[0.0, 4.0]])
    assert mel_distance(one, two) == pytest.approx((0 + 1 + 0) / 3)


@pytest.mark.parametrize(
    "worse",
    [
        lambda x: torch.cat([x, mel(40, seed=9)], 1),  # babble after the end
        lambda x: x[:, :8],  # an early end
        lambda x: torch.full_like(x, -11.5),  # silence
        lambda x: x.mean(1, keepdim=True).expand_as(x),  # a blur
        lambda x: x.flip(1),
    ],
    ids=["babble", "early end", "silence", "blur", "backwards"],
)
def test_other_spectrograms_are_further_than_a_noisy_copy(worse):
    target = mel(80)
    noisy = target + 0.05 * torch.randn(target.shape, generator=torch.Generator().manual_seed(1))
    assert mel_distance(worse(target), target) > 3 * mel_distance(noisy, target) > 0


def test_the_aligned_distance_counts_a_shift():
    shifted = mel().roll(5, 1)
    assert aligned_mel_distance(shifted, mel()) > mel_distance(shifted, mel())


@pytest.mark.parametrize("extra", [1, 3])
def test_surplus_frames_at_the_end_are_ignored(extra):
    assert aligned_mel_distance(mel()[:, :-extra], mel()) == 0


@pytest.mark.parametrize("distance", [mel_distance, aligned_mel_distance])
@pytest.mark.parametrize("bad", [mel()[:, :0], mel() * float("nan"), mel() + float("inf")])
def test_empty_and_infinite_spectrograms_have_infinite_distance(distance, bad):
    assert distance(bad, mel()) == float("inf")


def test_distances_of_frames():
    a, b = torch.tensor([[0.0, 1.0], [0.0, 3.0]]), torch.tensor([[1.0], [1.0]])
    assert frame_distances(a, b).tolist() == [[1.0], [1.0]]
