"""The light Mask R-CNN beside torchvision's default, and a 4096 x 4096 image in tiles.

``python benchmarks/mask_rcnn.py [rounds]``.  Steps and inference on RGB pictures of 256 x 256 with
twenty objects; torchvision's r50-FPN as its documentation builds it, which enlarges them to 800.
Both untrained, so each paints as many masks as it may; the least of all rounds counts, in CPU
seconds of this process, which a busy machine changes least.  The tiles: peak memory, and the
difference from one pass over everything, away from the picture's edge.
"""

import platform
import subprocess
import sys
import time

import numpy as np
import torch
from torchvision.models.detection import maskrcnn_resnet50_fpn

from cellkit import MaskRCNN, UNet, predict
from cellkit.device import autocast, autocast_dtype, pick_device
from cellkit.networks.mask_rcnn import targets

SIDE, BATCH, OBJECTS = 256, 2, 100
TILED = """
import resource, sys, numpy as np
from cellkit import MaskRCNN, UNet, predict
net = {"UNet": lambda: UNet(width=16), "MaskRCNN": lambda: MaskRCNN(detections=100)}[sys.argv[1]]()
image = np.random.default_rng(0).random((int(sys.argv[2]),) * 2, np.float32)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
predict(net, image)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, before // 1024)
"""


def pictures():
    rng = np.random.default_rng(0)
    y, x = np.indices((SIDE, SIDE))
    labels = np.zeros((BATCH, SIDE, SIDE), np.int64)
    for one in labels:
        for k, (row, column) in enumerate(rng.integers(12, SIDE - 12, (20, 2)), start=1):
            one[np.hypot(y - row, x - column) < 9] = k
    image = torch.from_numpy((labels > 0)[:, None].repeat(3, 1).astype(np.float32))
    return image + 0.1 * torch.randn(image.shape, generator=torch.Generator().manual_seed(0)), \
        torch.from_numpy(labels)


def least(function, rounds) -> float:
    seconds = []
    for _ in range(rounds):
        began = time.process_time()
        function()
        seconds.append(time.process_time() - began)
    return min(seconds)


def main(rounds=2):
    # First: a process begins with the peak of the one that started it.
    for name in ("UNet", "MaskRCNN"):
        for side in (1024, 4096):
            said = subprocess.check_output([sys.executable, "-c", TILED, name, str(side)])
            peak, before = said.decode().split()
            print(f"{name}, {side} x {side}: peak {peak} MB, {before} MB of it before")
    image, labels = pictures()
    device = pick_device("cpu")
    dtype = autocast_dtype(device)
    ours = MaskRCNN(in_channels=3, detections=OBJECTS).to(memory_format=torch.channels_last)
    theirs = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=2,
                                   box_detections_per_img=OBJECTS)
    truth = [targets(one) for one in labels]

    def our_step():
        ours.train().zero_grad(set_to_none=True)
        with autocast(device, dtype):
            value = ours.loss(image.contiguous(memory_format=torch.channels_last), labels)
        value.backward()

    def their_step():
        theirs.train().zero_grad(set_to_none=True)
        sum(theirs(list(image), [dict(t) for t in truth]).values()).backward()

    def our_answer():
        predict(ours, (image[0].clamp(0, 1)).permute(1, 2, 0).numpy())

    def their_answer():
        with torch.inference_mode():
            theirs.eval()(list(image[:1]))

    print(f"{platform.machine()}, torch {torch.__version__}, {torch.get_num_threads()} thread(s), "
          f"{dtype}, {SIDE} x {SIDE}, batch {BATCH}, the least of {rounds}")
    for what, mine, other in (("step", our_step, their_step),
                              ("inference", our_answer, their_answer)):
        fast, slow = least(mine, rounds), least(other, rounds)
        print(f"{what}: light {fast:.2f} CPU s, torchvision's default {slow:.2f} CPU s: "
              f"{slow / fast:.1f} times")
    net = UNet(width=8, depth=3)
    whole = np.random.default_rng(0).random((1536, 1536), np.float32)
    one = predict(net, whole, tile=1536, amp=False)
    seam = np.abs(predict(net, whole, tile=512, amp=False) - one)[128:-128, 128:-128].max()
    print(f"U-Net, 1536 x 1536 in tiles of 512 with 128 shared: differs by at most {seam:.1e}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
