"""What the fake device knows about kernels: which wait, which are deterministic, which round."""

from __future__ import annotations

import torch

aten = torch.ops.aten

#: The host waits for the result of these, wherever their operands are.
WAITS = {
    *(aten._local_scalar_dense, aten.equal, aten.nonzero, aten.masked_select, aten._unique2),
    *(aten.unique_consecutive, aten.unique_dim, aten._linalg_check_errors, aten.is_nonzero),
}
#: Kernels that CUDA has in no deterministic form.
NONDETERMINISTIC = {
    *(aten.replication_pad1d_backward, aten.replication_pad2d_backward),
    *(aten.reflection_pad1d_backward, aten.upsample_linear1d_backward, aten.kthvalue, aten.put_),
    *(aten.upsample_bilinear2d_backward, aten.median, aten.histc, aten.grid_sampler_2d_backward),
}
#: Ampere and later round float32 to TF32 in these: in convolutions unless they are told not to, in
#: products if they are told so.
CONVOLUTIONS = {aten.convolution, aten.convolution_backward}
PRODUCTS = {aten.mm, aten.addmm, aten.addmm_, aten.bmm, aten.baddbmm}
#: These only reserve memory or view it in another way.
NO_KERNEL = {aten.detach, aten.empty, aten.empty_like, aten.empty_strided, aten._unsafe_view}
#: Tensors of the CPU of any size may be operands of these, beside tensors of the device.
MIXED = {
    *(aten.copy_, aten._to_copy, aten.index, aten.index_put, aten.index_put_, aten.set_),
    *(aten._pack_padded_sequence, aten._pack_padded_sequence_backward),
}
#: A scalar tensor of the CPU may be an operand of these, although they are not pointwise.
SCALARS = {aten.fill_, aten.fill, aten.masked_fill, aten.masked_fill_, aten.where, aten.clamp}


def is_rounded(packet) -> bool:
    """Return whether a GPU computes an operation on float32 in TF32 under the present settings."""
    if packet in CONVOLUTIONS:
        return torch.backends.cudnn.allow_tf32
    return packet in PRODUCTS and torch.get_float32_matmul_precision() != "highest"


def to_tf32(value):
    """Round a float32 matrix to the 10 bits of mantissa that TF32 keeps, and nothing else."""
    if not isinstance(value, torch.Tensor) or value.dtype != torch.float32 or value.ndim < 2:
        return value
    bits = value.contiguous().view(torch.int32)
    return ((bits + 0x1000) & ~0x1FFF).view(torch.float32)


def compute(func, args, kwargs):
    """Run an operation on tensors of the CPU; combine it from others if a CPU has no kernel."""
    packet = func.overloadpacket
    if packet in (aten._softmax, aten._log_softmax) and args[2]:
        return func(args[0].float(), args[1], False, **kwargs)
    if packet in (aten._softmax_backward_data, aten._log_softmax_backward_data) and not kwargs:
        return func(*args[:3], args[0].dtype).to(args[3])
    if packet is aten._thnn_fused_lstm_cell:
        return _lstm_cell(*args, **kwargs)
    if packet is aten._thnn_fused_lstm_cell_backward_impl:
        return _lstm_cell_backward(*args)
    return func(*args, **kwargs)


def _lstm_cell(input_gates, hidden_gates, cell, input_bias=None, hidden_bias=None):
    gates = input_gates + hidden_gates
    gates = gates if input_bias is None else gates + input_bias + hidden_bias
    i, f, g, o = gates.chunk(4, 1)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    new_cell = f * cell + i * g
    return o * new_cell.tanh(), new_cell, torch.cat((i, f, g, o), 1)


def _lstm_cell_backward(grad_hidden, grad_cell, cell, new_cell, workspace, has_bias):
    i, f, g, o = workspace.chunk(4, 1)
    squashed = new_cell.tanh()
    grad_hidden = torch.zeros_like(new_cell) if grad_hidden is None else grad_hidden
    d_cell = grad_hidden * o * (1 - squashed**2) + (0 if grad_cell is None else grad_cell)
    parts = (
        d_cell * g * i * (1 - i),
        d_cell * cell * f * (1 - f),
        d_cell * i * (1 - g**2),
        grad_hidden * squashed * o * (1 - o),
    )
    d_gates = torch.cat(parts, 1)
    return d_gates, d_cell * f, d_gates.sum(0) if has_bias else None
