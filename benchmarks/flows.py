"""Flows as targets and the way back to cells, beside Cellpose.

Milliseconds of one processor an image.  Both begin with the same label maps of 704x520 pixels: the
real LIVECell ones where they are, else touching round cells drawn here.  Targets: Cellpose's two
ways (numba, a cell at a time; torch, all at once).  Back: Cellpose's 200 steps, without its filter,
aim for ours 500; each decodes its own targets and the other's, and mean AP against the labels says
what is lost.  Cellpose is compared if it is installed
(`pip install --no-deps cellpose==3.1.1.1 opencv-python-headless fastremap fill_voids natsort`).

    CELLKIT_DATA=… python benchmarks/flows.py
"""

import os
from pathlib import Path

import numpy as np
from matching import best, two_label_maps

import cellkit as ck
from cellkit.postprocessing.flows import follow_flows
from cellkit.targets import distance_map, flow_map


def label_maps():
    root = Path(os.environ.get("CELLKIT_DATA", "")) / "livecell"
    if os.environ.get("CELLKIT_DATA") and root.is_dir():
        return "real LIVECell label maps", [s.labels for s in ck.read("livecell")[::5]]
    return "synthetic round cells", [two_label_maps(n)[0] for n in (50, 300, 1200)]


def timed(name, maps, act, repeats=3):
    runs = [best(lambda one=one: act(one), repeats) for one in maps]
    times = [time for time, _ in runs]
    print(f"{name:44}{np.mean(times):9.1f}{max(times):9.1f}", end="")
    return [found for _, found in runs]


def main():
    name, truth = label_maps()
    print(f"{len(truth)} {name}, {np.mean([len(np.unique(t)) - 1 for t in truth]):.0f} cells each")
    print(f"{'':44}{'mean ms':>9}{'slowest':>9}  mean AP")
    timed("targets: distance, cellkit", truth, distance_map)
    print()
    flows = {"cellkit": timed("targets: flow, cellkit", truth, flow_map)}
    print()
    decoders = {"cellkit": lambda pair: follow_flows(pair[0], pair[1] > 0)}
    try:
        from cellpose import dynamics
    except ImportError:
        dynamics = None
    if dynamics:
        dynamics.masks_to_flows_cpu(truth[0])  # numba compiles
        flows["Cellpose"] = timed("targets: flow, Cellpose (numba)", truth,
                                  lambda one: dynamics.masks_to_flows_cpu(one)[0], 1)
        print()
        timed("targets: flow, Cellpose (torch)", truth,
              lambda one: dynamics.masks_to_flows_gpu(one)[0], 1)
        print()
        decoders["Cellpose"] = lambda pair: dynamics.compute_masks(
            5 * pair[0].astype(np.float32), np.where(pair[1] > 0, 5.0, -5.0), flow_threshold=0,
            min_size=0)
    for of, targets in flows.items():
        for by, decode in decoders.items():
            found = timed(f"back: flow of {of}, by {by}",
                          list(zip(targets, truth, strict=True)), decode)
            score = ck.average_precision(truth, [f.astype(np.int32) for f in found]).mean()
            print(f"{score:9.4f}")


if __name__ == "__main__":
    main()
