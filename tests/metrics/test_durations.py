"""Durations are those of the most probable path, which goes through all symbols in order."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tts.metrics.durations import path_agreement, symbol_durations


def alignment_of(durations, blur=0.0, seed=0):
    path = torch.repeat_interleave(torch.arange(len(durations)), torch.tensor(durations))
    weights = torch.nn.functional.one_hot(path, len(durations)).float()
    noise = torch.rand(weights.shape, generator=torch.Generator().manual_seed(seed))
    weights = weights + blur * noise
    return weights / weights.sum(1, keepdim=True)


@pytest.mark.parametrize("blur", [0.0, 0.5])
def test_durations_of_a_clear_alignment_are_found(blur):
    durations = [3, 1, 7, 2, 5]
    assert symbol_durations(alignment_of(durations, blur)).tolist() == durations


def test_a_frame_that_looks_back_does_not_lead_back():
    alignment = alignment_of([4, 4, 4])
    alignment[6] = torch.tensor([1.0, 0.0, 0.0])
    found = symbol_durations(alignment)
    assert found.tolist() == [4, 4, 4]
    assert path_agreement(alignment, found) == pytest.approx(11 / 12)


@given(st.integers(1, 7), st.integers(1, 5), st.integers(0, 1000))
def test_no_other_path_is_more_probable(n_frames, n_symbols, seed):
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand(n_frames, n_symbols, generator=generator) + 1e-3
    found = symbol_durations(weights)
    assert found.sum() == n_frames
    if n_frames < n_symbols:
        return
    assert found.min() >= 1
    log = weights.log().numpy()

    def score(durations):
        path = np.repeat(np.arange(n_symbols), durations)
        return log[np.arange(n_frames), path].sum()

    others = (
        d for d in itertools.product(range(1, n_frames + 1), repeat=n_symbols) if sum(d) == n_frames
    )
    assert score(found) == pytest.approx(max(score(np.array(d)) for d in others), abs=1e-4)


@given(st.integers(1, 4), st.integers(1, 30))
def test_fewer_frames_than_symbols_still_have_durations(n_frames, n_symbols):
    weights = torch.rand(n_frames, n_symbols, generator=torch.Generator().manual_seed(1))
    found = symbol_durations(weights)
    assert (found.sum(), len(found)) == (n_frames, n_symbols)
