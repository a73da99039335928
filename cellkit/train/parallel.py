"""One training by several processes: ``torchrun --nproc-per-node 2 script.py`` and nothing else.

The batch is shared out among them, so that the settings, the history and (but for rounding and
what batch norm sees) the weights are those of one process.
"""

from __future__ import annotations

import os

import torch
from torch import distributed, nn


def join(device: torch.device, batch_size: int, head) -> tuple[int, int]:
    """This process's number, and how many there are: (0, 1) unless ``torchrun`` started it.

    Raises
    ------
    ValueError
        Where the batch cannot be shared out evenly, or the network makes its own losses.
    """
    world = int(os.environ.get("WORLD_SIZE", 1))
    if world == 1:
        return 0, 1
    if batch_size % world:
        raise ValueError(f"batch_size is {batch_size} for {world} processes, expected a multiple "
                         f"of {world}: it is shared out among them.")
    if not head.losses:
        raise ValueError(f"the head {head.name!r} is trained by one process; start it without "
                         "torchrun.")
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return distributed.get_rank(), world


def shared(net: nn.Module, world: int) -> nn.Module:
    """The network as all processes train it together; alone: the network."""
    return net if world == 1 else nn.parallel.DistributedDataParallel(net)


def agreed(value, world: int):
    """What the first process says, where clocks may differ."""
    if world > 1:
        said = [value]
        distributed.broadcast_object_list(said)
        value = said[0]
    return value


def together(net: nn.Module, seen: list, world: int) -> list:
    """Each batch's loss and metric over all processes; batch norm's averages become one."""
    if world == 1:
        return seen
    for buffer in net.buffers():
        distributed.broadcast(buffer, 0)
    total = torch.tensor(seen, device=next(net.parameters()).device)
    distributed.all_reduce(total)
    return (total / world).tolist()
