"""Tests of where free-running decoding ends, and of the window of its attention."""

import pytest
import torch

from tests.support.networks import TACOTRON2_SIZES
from tts.models import Tacotron2
from tts.models.tacotron2.stopping import StopCriterion, mask_outside_window

NEVER = 1.0


def speak(r=1, rows=slice(None), **options):
    torch.manual_seed(3)
    net = Tacotron2(**TACOTRON2_SIZES, n_frames_per_step=r).eval()
    torch.manual_seed(4)
    text, lengths = torch.randint(0, 20, (3, 9)), torch.tensor([9, 4, 6])
    text, lengths = text[rows], lengths[rows]
    options = {"max_steps": 12, "gate_threshold": NEVER, **options}
    generator = torch.Generator().manual_seed(5)
    return net.generate(text[:, : int(lengths.max())], lengths, generator=generator, **options)


@pytest.mark.parametrize("r", [1, 3])
def test_limits_that_are_never_reached_change_nothing(r):
    free, limited = speak(r), speak(r, attention_window=100, end_steps=100)
    assert free.stop_reason == limited.stop_reason == ("max_steps",) * 3
    assert torch.equal(free.mel_post, limited.mel_post)
    assert torch.equal(free.alignments, limited.alignments)


def test_attention_stays_within_its_window():
    alignments = speak(attention_window=1).alignments
    last = torch.zeros(3, dtype=torch.int64)
    for weights in alignments.unbind(1):
        visible = weights > 0
        positions = torch.arange(weights.shape[1])
        assert not bool((visible & ((positions - last[:, None]).abs() > 1)).any())
        torch.testing.assert_close(weights.sum(1), torch.ones(3))
        last = weights.argmax(1)


@pytest.mark.parametrize("row", [0, 1, 2])
def test_limits_do_not_depend_on_the_batch(row):
    options = {"attention_window": 2, "end_steps": 2}
    together, alone = speak(**options), speak(rows=slice(row, row + 1), **options)
    n = int(alone.mel_lengths)
    assert (int(together.mel_lengths[row]), together.stop_reason[row]) == (n, *alone.stop_reason)
    torch.testing.assert_close(together.mel_post[row, :, :n], alone.mel_post[0])


def test_the_window_masks_far_symbols_and_the_padding():
    bias = torch.tensor([[0.0, 0.0, 0.0, 0.0, float("-inf")]])
    weights = torch.tensor([[0.1, 0.2, 0.6, 0.1, 0.0]])
    assert mask_outside_window(bias, weights, 1).isfinite().tolist() == [
        [False, True, True, True, False]
    ]


def weights_at(*symbols, n_text=4):
    return torch.nn.functional.one_hot(torch.tensor(symbols), n_text).float()


def test_attention_ends_an_utterance_after_end_steps_in_a_row():
    criterion = StopCriterion(torch.tensor([4, 2]), 0.5, end_steps=2)
    closed = torch.full((2, 3), -9.0)
    for symbols in ((3, 1), (2, 1), (3, 0), (3, 0)):
        assert not criterion.all_stopped
        assert criterion.update([closed], [weights_at(*symbols)]) == 1
    assert criterion.all_stopped
    lengths, reasons = criterion.result(99)
    assert (lengths.tolist(), reasons) == ([12, 6], ("attention", "attention"))


def test_the_gate_has_priority_and_ends_at_its_frame():
    criterion = StopCriterion(torch.tensor([4, 4, 4]), 0.5, end_steps=1)
    gates = torch.tensor([[-9.0, 9.0, -9.0], [-9.0, -9.0, -9.0], [-9.0, -9.0, -9.0]])
    criterion.update([gates], [weights_at(3, 3, 0)])
    lengths, reasons = criterion.result(99)
    assert lengths.tolist() == [2, 3, 99]
    assert reasons == ("gate", "attention", "max_steps")


@pytest.mark.parametrize("name", ["max_steps", "attention_window", "end_steps"])
def test_a_limit_of_zero_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1"):
        speak(**{name: 0})
