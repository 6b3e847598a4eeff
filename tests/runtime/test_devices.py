"""What ``auto`` means, on machines that are not this one."""

import logging

import pytest

from tts.inference.loading import pick_device
from tts.runtime import devices
from tts.runtime.devices import Devices, resolve_devices


@pytest.fixture
def machine(monkeypatch):
    """Return a function that pretends a number of NVIDIA's GPUs, and one of Apple's."""

    def pretend(n_cuda, mps):
        devices._say_no_mps.cache_clear()
        monkeypatch.setattr("torch.cuda.device_count", lambda: n_cuda)
        monkeypatch.setattr("torch.backends.mps.is_available", lambda: mps)

    yield pretend
    devices._say_no_mps.cache_clear()


def test_auto_does_not_take_the_gpu_of_a_mac_and_says_so_once(machine, caplog):
    caplog.set_level(logging.INFO)
    machine(0, mps=True)
    for _ in range(2):
        assert resolve_devices(None, "auto", "auto") == Devices("cpu", 1)
        assert pick_device("auto").type == "cpu"
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "trainer.accelerator=auto",
        "device=auto",
    ]
    assert "trainer.accelerator=mps tries it" in caplog.text


def test_the_gpu_of_a_mac_is_taken_by_name(machine):
    machine(0, mps=True)
    assert resolve_devices(None, "mps", "auto") == Devices("mps", 1)


def test_auto_takes_cuda_before_all(machine, caplog):
    machine(2, mps=True)
    assert resolve_devices(None, "auto", "auto") == Devices("gpu", 2)
    assert not caplog.records
