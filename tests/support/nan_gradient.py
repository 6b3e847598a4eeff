"""Makes one gradient of one rank NaN, in runs in other processes."""

from pytorch_lightning.callbacks import Callback


class NanGradient(Callback):
    """Sets loss and gradients of ``rank`` to NaN at ``step``."""

    def __init__(self, step, rank=0):
        self.step, self.rank = step, rank

    def on_before_backward(self, trainer, pl_module, loss):
        if trainer.global_step == self.step and trainer.global_rank == self.rank:
            loss.data.fill_(float("nan"))

    def on_after_backward(self, trainer, pl_module):
        if trainer.global_step == self.step and trainer.global_rank == self.rank:
            for parameter in pl_module.parameters():
                if parameter.grad is not None:
                    parameter.grad.fill_(float("nan"))
