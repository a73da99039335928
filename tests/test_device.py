"""Where networks run: a device that can compute, wrappers seen through, threads kept apart."""

import ast
import threading
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from cellkit import UNet, device, predict
from tools import builder


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


def handed_to_moved_networks(code):
    """Lines where a lesson calls a network that ck.fit has moved, without asking where it lies."""
    tree, faults, moved = ast.parse(code), [], set()
    calls_its = {}  # function → positions of arguments that it calls
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and "device_of" not in ast.unparse(node):
            called = {n.func.id for n in ast.walk(node)
                      if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
            calls_its[node.name] = [k for k, a in enumerate(node.args.args) if a.arg in called]
    top = [n for s in tree.body if not isinstance(s, ast.FunctionDef) for n in ast.walk(s)
           if isinstance(n, (ast.Call, ast.Assign))]
    for node in sorted(top, key=lambda node: (node.lineno, node.col_offset)):
        if isinstance(node, ast.Assign):
            moved -= {t.id for t in node.targets if isinstance(t, ast.Name)}
        elif ast.unparse(node.func) == "ck.fit":
            moved.add(ast.unparse(node.args[0]))
        elif isinstance(node.func, ast.Name) and "device_of" not in ast.unparse(node):
            given = {ast.unparse(node.args[k]) for k in calls_its.get(node.func.id, ())
                     if k < len(node.args)}
            if moved & (given | {node.func.id}):
                faults.append(ast.unparse(node))
    return faults


def test_no_lesson_hands_its_own_tensors_to_a_network_that_training_has_moved():
    planted = ("net = ck.UNet()\nnet(x)\n{}ck.fit(net, train)\n{}ck.predict(net, x)\n"
               "def ask(net, x):\n    return net(x)\n{}")
    for where, told in enumerate(("net(x)", "mask = net(x)", "ask(net, x)")):
        lines = ["", "", ""]
        lines[where] = told + "\n"
        assert bool(handed_to_moved_networks(planted.format(*lines))) == bool(where)
    for source in builder.sources():
        code = "\n".join(c.source for c in builder.read(source) if c.kind == "code")
        assert handed_to_moved_networks(code) == [], source.stem
