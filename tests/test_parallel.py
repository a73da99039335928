"""Two processes train one network as one process does, under gloo."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import cellkit as ck
from cellkit.heads import HEADS
from cellkit.train import parallel

SCRIPT = """
import os, sys
import numpy as np
import torch
import cellkit as ck

rng = np.random.default_rng(0)
image = rng.random((4, 40, 40), dtype=np.float32)
samples = [ck.Sample(one, (one > 0.6).astype(np.int32), str(k)) for k, one in enumerate(image)]
folder, epochs, resume = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "resume"
net = ck.UNet(width=4, depth=2, norm="group")
history = ck.fit(net, samples[:3], samples[3:], epochs=epochs, steps_per_epoch=3, batch_size=4,
                 crop=32, optimizer="sgd", device="cpu", amp=False,
                 checkpoint=f"{folder}/run.pt", resume=resume)
if os.environ.get("RANK", "0") == "0":
    torch.save({"net": net.state_dict(), "loss": history.train_loss}, f"{folder}/end.pt")
"""


def trained(folder, processes, *runs):
    (folder / "script.py").write_text(SCRIPT, encoding="utf-8")
    said = []
    for epochs, resume in runs:
        start = [sys.executable, "-m", "torch.distributed.run", "--standalone",
                 "--nproc-per-node", str(processes)] if processes > 1 else [sys.executable]
        done = subprocess.run([*start, str(folder / "script.py"), str(folder), str(epochs), resume],
                              env={**os.environ, "OMP_NUM_THREADS": "1",
                                   "PYTHONPATH": str(Path(ck.__file__).parents[1])},
                              capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    return torch.load(folder / "end.pt"), said


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch has no distributed here")
def test_two_processes_and_a_break_give_the_weights_of_one(tmp_path):
    (tmp_path / "one").mkdir(), (tmp_path / "two").mkdir()
    one, _ = trained(tmp_path / "one", 1, (4, "afresh"))
    two, said = trained(tmp_path / "two", 2, (2, "afresh"), (4, "resume"))
    np.testing.assert_allclose(two["loss"], one["loss"], atol=1e-5)
    for name, weights in one["net"].items():
        torch.testing.assert_close(two["net"][name], weights, atol=1e-5, rtol=1e-4)
    assert said[0].count("epochs of 3 batches of 4") == 1, "one process speaks"


@pytest.mark.parametrize("size, head, found", [
    (5, "foreground", "batch_size is 5 for 2 processes, expected a multiple of 2"),
    (4, "objects", "the head 'objects' is trained by one process")])
def test_what_cannot_be_shared_out_is_said(size, head, found, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match=found):
        parallel.join(torch.device("cpu"), size, HEADS[head])


def test_one_process_is_left_alone():
    assert parallel.join(torch.device("cpu"), 5, HEADS["objects"]) == (0, 1)
