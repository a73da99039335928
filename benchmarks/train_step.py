"""A training step and inference of the 31 M network, beside monai's and smp's of like size.

``python benchmarks/train_step.py [rounds]``; the peers come with ``pip install cellkit[bench]``.
All in one process, taking turns; the best round counts.  Peers run as their documentation shows,
in float32; ours in float32 and as ``cellkit.fit`` and ``cellkit.predict`` run it here.
"""

import platform
import sys
import time

import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from cellkit import UNet
from cellkit.device import autocast, autocast_dtype, pick_device

SIDE, BATCH = 256, 2


def peers() -> dict:
    found = {}
    try:
        from monai.networks.nets import BasicUNet

        found["monai BasicUNet"] = BasicUNet(2, 1, 2, features=(64, 128, 256, 512, 1024, 64))
    except ImportError as error:
        print(f"monai is left out: {error}")
    try:
        from segmentation_models_pytorch import Unet

        for encoder in ("vgg16_bn", "resnet50"):  # nearest in arithmetic, nearest in weights
            found[f"smp Unet {encoder}"] = Unet(encoder, encoder_weights=None, in_channels=1,
                                                classes=2)
    except ImportError as error:
        print(f"segmentation-models-pytorch is left out: {error}")
    return found


class Runner:
    """One network in one number format."""

    def __init__(self, net, device, dtype):
        self.net, self.device, self.dtype = net.to(device), device, dtype
        self.format = torch.contiguous_format if dtype is None else torch.channels_last
        self.net.to(memory_format=self.format)
        self.optimizer = torch.optim.Adam(net.parameters(), 1e-4)
        generator = torch.Generator().manual_seed(0)
        image = torch.rand(BATCH, 1, SIDE, SIDE, generator=generator)
        self.image = image.to(device).contiguous(memory_format=self.format)
        self.target = (self.image[:, 0] > 0.5).long()

    def train(self):
        self.net.train()
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.device, self.dtype):
            output = self.net(self.image)
        F.cross_entropy(output.float(), self.target).backward()
        self.optimizer.step()

    def infer(self):
        self.net.eval()
        with torch.inference_mode(), autocast(self.device, self.dtype):
            self.net(self.image)

    def seconds(self, work) -> float:
        begin = time.perf_counter()
        work()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - begin


def main(rounds=5):
    device = pick_device()
    dtype = autocast_dtype(device)
    runners = {"ours, float32": Runner(UNet(1, 2), device, None),
               "ours, default": Runner(UNet(1, 2), device, dtype)}
    runners |= {f"{name}, float32": Runner(net, device, None) for name, net in peers().items()}
    best = {name: [float("inf")] * 2 for name in runners}
    for _ in range(rounds + 1):  # the slow first round never is the best
        for name, runner in runners.items():
            for k, work in enumerate((runner.train, runner.infer)):
                best[name][k] = min(best[name][k], runner.seconds(work))
    print(f"{BATCH} x {SIDE} x {SIDE}, 2 classes; {device.type}, {torch.get_num_threads()} threads,"
          f" {platform.machine()}, torch {torch.__version__}; default here: {dtype or 'float32'}")
    print(f"{'':28}{'weights':>12}{'GFLOP':>8}{'train, ms':>12}{'ratio':>8}"
          f"{'infer, ms':>12}{'ratio':>8}")
    ours = best["ours, default"]
    for name, (step, look) in best.items():
        count = sum(p.numel() for p in runners[name].net.parameters())
        with FlopCounterMode(display=False) as counter:
            runners[name].infer()
        print(f"{name:28}{count:12,}{counter.get_total_flops() / 1e9:8.0f}"
              f"{1e3 * step:12.0f}{step / ours[0]:8.2f}"
              f"{1e3 * look:12.0f}{look / ours[1]:8.2f}")
    print("ratio: how much longer than ours, default (aim: float32 at least 2.5 where 16 bits "
          "are in hardware); GFLOP: of one inference")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
