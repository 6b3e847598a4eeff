"""The decode guard retries and cuts utterances; the network here fails where a test wants it."""

import pytest
import torch

from tts.inference.decode_guard import DecodeGuard
from tts.inference.decoding import DecodedMel
from tts.inference.reader import DecodingUnit, TextReader
from tts.metrics import alignment_health
from tts.text import Tokenizer

READER = TextReader(Tokenizer())


def utterance(text):
    return DecodingUnit(text, tuple(READER.tokenizer.encode(text)))


def decoded_mel(n_text, good=True, stop_reason="gate"):
    """Make a result that follows the text, or one that stays at the first symbol."""
    alignments = torch.zeros(5 * n_text, n_text)
    frames = torch.arange(5 * n_text)
    alignments[frames, frames // 5 if good else 0] = 1.0
    return DecodedMel(
        mel=torch.zeros(2, 5 * n_text),
        alignments=alignments,
        gate_logits=torch.zeros(5 * n_text),
        stop_reason=stop_reason,
        health=alignment_health(alignments),
        seconds=1.0,
        levels=torch.zeros(5 * n_text),
    )


class Network:
    """Decodes well where ``is_good(text, seed)`` is true, and records its calls."""

    def __init__(self, is_good, stop_reason="gate"):
        self.is_good, self.stop_reason = is_good, stop_reason
        self.calls = []

    def __call__(self, utterances, seed):
        self.calls.append(([u.text for u in utterances], seed))
        return [self._decode(utterance, seed) for utterance in utterances]

    def _decode(self, utterance, seed):
        good = self.is_good(utterance.text, seed)
        return decoded_mel(len(utterance.ids), good, "gate" if good else self.stop_reason)


TEXTS = ["the first of them", "the second, which is longer", "the third of them"]


def run(network, texts=TEXTS, **options):
    return DecodeGuard(network, READER.cut, **options).run(
        [utterance(text) for text in texts], seed=7
    )


def test_good_utterances_are_decoded_once():
    network = Network(lambda text, seed: True)
    kept = run(network)
    assert network.calls == [(TEXTS, 7)]
    assert [[a.utterance.text for a in of_text] for of_text in kept] == [[text] for text in TEXTS]
    assert {(a.seed, a.count, a.wasted) for (a,) in kept} == {(7, 1, 0.0)}


def test_failed_utterances_are_decoded_again_in_one_batch_with_the_next_seed():
    network = Network(lambda text, seed: text == TEXTS[1] or seed == 8)
    kept = run(network)
    assert network.calls == [(TEXTS, 7), ([TEXTS[0], TEXTS[2]], 8)]
    assert [(a.seed, a.count, a.failed) for (a,) in kept] == [
        (8, 2, False),
        (7, 1, False),
        (8, 2, False),
    ]
    assert kept[0][0].wasted == 1.0


@pytest.mark.parametrize("stop_reason", ["gate", "max_steps"])
def test_an_utterance_that_fails_with_every_seed_is_cut(stop_reason):
    network = Network(lambda text, seed: len(text) < 20, stop_reason)
    kept = run(network)
    assert [seed for _, seed in network.calls] == [7, 8, 9, 7]
    assert network.calls[3][0] == ["the second,", "which is longer"]
    assert [[a.utterance.text for a in of_text] for of_text in kept] == [
        [TEXTS[0]],
        ["the second,", "which is longer"],
        [TEXTS[2]],
    ]
    assert [(a.count, a.failed) for a in kept[1]] == [(4, False), (4, False)]
    assert sum(a.wasted for a in kept[1]) == pytest.approx(3.0)


def test_pieces_are_cut_again_up_to_max_cuts():
    network = Network(lambda text, seed: False)
    text = "one two three four, five six seven eight; nine ten eleven twelve, and so on"
    run(network, [text], attempts=1, max_cuts=2)
    assert [texts for texts, _ in network.calls] == [
        [text],
        ["one two three four, five six seven eight;", "nine ten eleven twelve, and so on"],
        [
            *("one two three four,", "five six seven eight;"),
            *("nine ten eleven twelve,", "and so on"),
        ],
    ]


def test_an_utterance_that_always_fails_is_kept_whole():
    network = Network(lambda text, seed: False, "max_steps")
    ((only,),) = run(network, [TEXTS[1]])
    assert only.utterance.text == TEXTS[1]
    assert only.failed
    assert only.count == 3
    # three times the whole; three times each of two pieces, which are too short to be cut again
    assert only.wasted == 2 + 6


def test_pieces_are_kept_if_one_of_them_is_good():
    network = Network(lambda text, seed: text == "the second,")
    (kept,) = run(network, [TEXTS[1]])
    assert [(a.utterance.text, a.failed) for a in kept] == [
        ("the second,", False),
        ("which is longer", True),
    ]


def test_the_best_of_all_attempts_is_kept():
    class ThirdIsBest(Network):
        def __call__(self, utterances, seed):
            ends = {7: "max_steps", 8: "gate", 9: "max_steps"}
            return [decoded_mel(len(u.ids), False, ends[seed]) for u in utterances]

    ((only,),) = run(ThirdIsBest(None), ["hello"])
    assert (only.seed, only.count, only.decoded.stop_reason) == (8, 3, "gate")


def test_without_attempts_and_cuts_there_is_one_decoding():
    network = Network(lambda text, seed: False)
    kept = run(network, attempts=1, max_cuts=0)
    assert network.calls == [(TEXTS, 7)]
    assert all(a.failed for (a,) in kept)
