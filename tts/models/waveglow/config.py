"""Defines the sizes of WaveGlow and the result of its forward pass.

Shapes: B batch, T groups of samples, C channels of a flow.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

#: Values of ``WaveGlowConfig.front``.
FRONTS = ("squeeze", "lapped")


@dataclass(frozen=True)
class WaveGlowConfig:
    """Holds the sizes of a WaveGlow; the defaults are those of NVIDIA's network with 256 channels.

    Attributes:
        n_mels: mel bands of the spectrogram.
        hop_length: samples between two mel frames.
        win_length: size of the up-sampler's kernel, in samples.
        n_flows: number of flows.
        n_group: samples that become one vector of channels.
        n_early_every: before every flow whose number this divides, some channels go to the output.
        n_early_size: number of channels that go to the output each time.
        n_layers: dilated layers in each coupling network.
        n_channels: hidden channels of each coupling network.
        kernel_size: odd kernel size of the dilated layers.
        alternate_halves: flows with an odd number transform the first half of the channels, as in
            NVIDIA's first release. By default every flow transforms the second half.
        front: how samples become channels. ``"squeeze"``, the published one, puts neighbouring
            samples next to each other. ``"lapped"`` is a cosine transform of overlapping blocks,
            see :class:`tts.models.waveglow.front.LappedTransform`; it is not in NVIDIA's code.
        condition_channels: 0 up-samples the mel to the rate of the samples, as published. Above 0
            two convolutions with this many channels process the mel at its own rate, and the
            condition of each layer is interpolated. That is a small share of the cost.
        envelope: scale all channels by the mel before the first flow. With a lapped front the
            channels are frequencies, and the mel determines their level.
        separable: depthwise-separable instead of full convolutions (SqueezeWave,
            arXiv:2001.05685, section 3.2).
        constant_memory: train without storing the activations of the flows. The backward pass
            computes them again from the latent. It takes less memory and more time, and gives the
            same gradients.

    Raises:
        ValueError: a value has the wrong type, or the sizes do not make an invertible network.
    """

    n_mels: int = 80
    hop_length: int = 256
    win_length: int = 1024
    n_flows: int = 12
    n_group: int = 8
    n_early_every: int = 4
    n_early_size: int = 2
    n_layers: int = 8
    n_channels: int = 256
    kernel_size: int = 3
    alternate_halves: bool = False
    front: str = "squeeze"
    condition_channels: int = 0
    envelope: bool = False
    separable: bool = False
    constant_memory: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            self._check_type(field.name, field.type, getattr(self, field.name))
        for name in ("n_group", "n_early_size"):
            if getattr(self, name) % 2:
                raise ValueError(f"{name}={getattr(self, name)}: it must be even, to be halved")
        if self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size={self.kernel_size}: it must be odd, to keep the length")
        if self.hop_length % self.n_group:
            raise ValueError(
                f"hop_length={self.hop_length}: it must divide by n_group={self.n_group}"
            )
        if self.win_length < self.hop_length:
            raise ValueError(f"win_length={self.win_length}: below hop_length={self.hop_length}")
        if self.condition_channels and self.hop_length < 2 * self.n_group:
            raise ValueError(
                f"condition_channels={self.condition_channels}: needs n_group={self.n_group} to be "
                f"at most half of hop_length={self.hop_length}"
            )
        if self.flow_channels[-1] < 2:
            raise ValueError(
                f"n_early_size={self.n_early_size}, n_early_every={self.n_early_every}: "
                f"no channel is left of n_group={self.n_group} after {self.n_flows} flows"
            )

    @staticmethod
    def _check_type(name: str, kind: Any, value: Any) -> None:
        if kind == "bool":
            if not isinstance(value, bool):
                raise ValueError(f"{name}={value}: it must be true or false")
        elif kind == "str":
            if value not in FRONTS:
                raise ValueError(f"{name}={value}: it must be one of {', '.join(FRONTS)}")
        else:
            least = 0 if name == "condition_channels" else 1
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name}={value}: it must be a whole number, {least} or more")

    @property
    def early_flows(self) -> tuple[int, ...]:
        """Return the numbers of the flows before which channels go to the output."""
        return tuple(range(self.n_early_every, self.n_flows, self.n_early_every))

    @property
    def flow_channels(self) -> tuple[int, ...]:
        """Return the number of channels of each flow."""
        left = (k // self.n_early_every * self.n_early_size for k in range(self.n_flows))
        return tuple(self.n_group - n for n in left)

    @property
    def groups_per_frame(self) -> int:
        """Return the number of groups of samples between two mel frames."""
        return self.hop_length // self.n_group

    @property
    def receptive_frames(self) -> int:
        """Return how many frames on either side of a sample it depends on in ``inverse``."""
        return self._reach(self.n_flows)

    @property
    def flow_frames(self) -> int:
        """Return how many frames on either side of a sample a single flow depends on."""
        return self._reach(1)

    def _reach(self, n_flows: int) -> int:
        layers = (self.kernel_size - 1) // 2 * ((1 << self.n_layers) - 1)
        # the lapped front depends on one more group
        groups = n_flows * layers + 1
        condition = max(4, -(-self.win_length // self.hop_length))
        return -(-groups * self.n_group // self.hop_length) + condition


class WaveGlowOutput(NamedTuple):
    """Holds the result of ``WaveGlow.forward``.

    Attributes:
        z: ``(B, n_group, T)`` latent; the channels that left early come first.
        log_s: logarithm of the coupling's scale, one ``(B, C / 2, T)`` for each flow. With an
            envelope the last one is that of the envelope, ``(B, n_group, T)``.
        log_det: ``(n_flows,)`` float32, B·T·log|det W| of each mixing weight.
    """

    z: Tensor
    log_s: list[Tensor]
    log_det: Tensor
