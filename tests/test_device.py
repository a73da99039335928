"""Where networks run: a device that can compute, wrappers seen through, threads kept apart."""

import threading
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from cellkit import UNet, device, predict


def image(side=64):
    return np.random.default_rng(0).random((side, side), dtype=np.float32)


def test_an_accelerator_that_cannot_compute_is_passed_over(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)  # there is none that computes
    with pytest.warns(UserWarning, match="device 'cuda', but it cannot compute .* with the CPU"):
        assert device.pick_device().type == "cpu"


def test_the_environment_chooses(monkeypatch):
    monkeypatch.setenv("CELLKIT_DEVICE", "cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: pytest.fail("asked all the same"))
    assert device.pick_device().type == "cpu"
    monkeypatch.setenv("CELLKIT_DEVICE", "tpu9")
    with pytest.raises(ValueError, match="device 'tpu9' cannot be used here"):
        device.pick_device()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert device.pick_device("cpu").type == "cpu"


@pytest.mark.parametrize("head", ["foreground", "two_class", "border"])
@pytest.mark.parametrize("wrap", [nn.DataParallel, lambda net: torch.compile(net, backend="eager"),
                                  lambda net: nn.DataParallel(nn.DataParallel(net))])
def test_a_wrapped_network_says_what_it_says_alone(head, wrap):
    net = UNet(width=2, depth=1, head=head, seed=1)
    alone, wrapped = (predict(one, image(), all=True, amp=False) for one in (net, wrap(net)))
    assert list(alone) == list(wrapped)
    for name in alone:
        np.testing.assert_allclose(wrapped[name], alone[name], atol=1e-6)


def test_threads_that_share_a_network_in_training_mode():
    net = UNet(width=4, depth=2, dropout=0.5, seed=1)
    wanted = predict(net, image(), amp=False)
    net.train()
    wrong = []

    def ask():
        for _ in range(12):
            if not np.array_equal(predict(net, image(), amp=False), wanted):
                wrong.append(1)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and net.training and net.dropout.training
