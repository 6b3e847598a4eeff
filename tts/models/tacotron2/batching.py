"""Says whether the last digits of an utterance depend on the batch that it is decoded in.

On a CPU encoder and post-net run utterance by utterance, and so do the loops of
:mod:`tts.models.tacotron2.compiled_decoder`: their results are the same alone and in any batch, bit
for bit. torch's products of several rows add up in another order than its products of one row. The
difference, some 1e-7 in a step, grows from frame to frame, because each frame depends on the one
before.
"""

from __future__ import annotations

from tts.models.tacotron2.compiled_decoder import saves_time
from tts.models.tacotron2.network import Tacotron2


def batches_exactly(network: Tacotron2) -> bool:
    """Return whether an utterance in a batch is the utterance alone, bit for bit."""
    decoder = network.decoder
    if decoder.config.recurrence != "fast" or network.embedding.weight.device.type != "cpu":
        return False
    return saves_time(decoder, 1) and saves_time(decoder, 2)
