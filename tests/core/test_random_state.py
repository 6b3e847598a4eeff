import io
import random

import numpy as np
import pytest
import torch

from tts.core.random_state import isolated_rng, rng_state, set_rng_state


def draw():
    return torch.rand(3).tolist(), np.random.rand(), np.random.randn(), random.gauss(0, 1)


def test_state_comes_back_through_a_file():
    state = rng_state()
    expected = draw()
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    set_rng_state(torch.load(file, weights_only=True))
    assert draw() == expected


def test_older_states_of_torch_alone_are_taken():
    state = {"cpu": torch.get_rng_state()}
    expected = torch.rand(2)
    set_rng_state(state)
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.parametrize("seed", [None, 3])
def test_outside_nothing_is_noticed(seed):
    state = rng_state()
    expected = draw()
    set_rng_state(state)
    with isolated_rng(seed):
        draw()
    assert draw() == expected


def test_nor_when_it_fails():
    state = rng_state()
    expected = draw()
    set_rng_state(state)
    with pytest.raises(ZeroDivisionError), isolated_rng(1):
        assert draw()[0][0] / 0
    assert draw() == expected


def test_inside_the_seed_counts():
    with isolated_rng(5):
        first = torch.rand(3)
    torch.rand(7)
    with isolated_rng(5):
        assert torch.equal(torch.rand(3), first)


def test_mps_is_kept_where_it_is(monkeypatch):
    state = [torch.tensor([1], dtype=torch.uint8)]
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: state[0].clone())
    monkeypatch.setattr(torch.mps, "set_rng_state", lambda new: state.__setitem__(0, new))
    monkeypatch.setattr(torch.mps, "manual_seed", lambda seed: None)
    device = torch.device("mps")
    with isolated_rng():
        state[0] = torch.tensor([2], dtype=torch.uint8)
    assert state[0].item() == 1
    assert rng_state(device)["mps"].item() == 1
