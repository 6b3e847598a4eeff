"""Holds fast ways to compute what the networks define, mostly for CPUs.

torch can compute the same in every case, and does so where a kernel is not used. Tests compare the
kernels with torch. docs/performance.md has the measurements, and names the test of each kernel.

activations
    Used on a CPU: tanh in float32 and float64, dropout masks in every precision. torch is used on
    other devices, for tanh in half precision and under ``torch.compile``. The gated activation of
    WaveGlow is used on every device, because its forward pass copies less.
products
    Used on a CPU for float32 products of at least 2**20 multiply-adds, by oneDNN, and for
    convolutions of kernel size 1 on one thread. torch is used for smaller products, other devices
    and precisions, under autocast, and where torch lacks oneDNN or it is switched off.
masked_norm
    Used in training on every device, for batch norm, activation and dropout of Tacotron 2. In
    evaluation mode torch's batch norm is used.
over_ranks
    Used by masked_norm where there are several ranks.
lstm_recurrence, attention_recurrence
    Used in the teacher-forced pass with ``recurrence=fast``, the default, on a CPU. With
    ``recurrence=plain`` the decoder runs step by step in torch, on every device.
lstm_steps, attention_steps, stepped_attention, fused_cell
    Used instead on other devices, and on a CPU with ``runner=graphs``. The decoder's LSTM is
    torch's where it has no dropout. The same steps of attention and LSTMs are used in generation
    there, without gradients and without autocast, for decoders without hooks or changed layers.
by_device
    Chooses between the two.
runner
    Used for all loops of the second kind: starts their operations one by one, or as CUDA graphs.
decoder_kernels
    Used in generation on a CPU in float32 with ``recurrence=fast``, for networks with at least 8
    million recurrent weights, if torch has at most 4 threads for one utterance or 2 for a batch.
    torch is used for other devices and precisions, under ``torch.compile``, with gradients, and for
    decoders with hooks or changed layers. Small networks stay with torch because their steps are
    short, and their first words would have to wait for the compiler.
int8_product
    Used in generation with ``precision=int8`` on a CPU, with networks of any size and any number of
    threads.
compilation
    Compiles the last two with numba.
"""
