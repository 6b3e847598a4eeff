"""Provides a GPU that is not there: tensors say that they are on ``cuda:0``, a CPU computes them.

Each tensor of the device wraps a real one, and each operation is examined on its way to the
kernels.
What a GPU refuses is refused here: operands on two devices, a generator of the CPU for a draw on
the GPU, lengths of packed sequences that are not on the CPU, ``.numpy()``, products of oneDNN, NCCL
collectives of tensors of the CPU, and kernels without a deterministic form where one is asked for.
Operations that make the host wait are noted with the line that asked for them, and kernels are
counted. Gradients, optimisers, DDP and Lightning's Trainer work as usual. Therefore results can be
compared with those of the CPU, and ``trainer.gpus=1`` runs to its end.

    with FakeDevice() as gpu:
        network.to("cuda")
        loss(network(batch.to("cuda"))).backward()
        print(gpu.waits, gpu.launches)

No CUDA build is needed. Without the stub, the C++ part of torch takes the device for ``meta``: then
autocast does not cast, and functions with a fused kernel for GPUs take the way of the CPU. With the
stub (``cuda_stub.cpp``, compiled by ``stub.py``, loaded before torch) both are as on a GPU.

Limits: the kernels are those of the CPU; there are no streams, no memory of the device, no cuDNN,
and one device for each process. ``inference_mode`` becomes ``no_grad``.
"""

from tests.support.fake_device.tensor import DEVICE, HOST, OnDevice  # isort: skip  (loads the stub)
from tests.support.fake_device.device import FakeDevice

__all__ = ["DEVICE", "HOST", "FakeDevice", "OnDevice"]
