"""What is installed here, what it can do, and what is missing, in words."""

from __future__ import annotations

import os
import platform
import re
import shutil
from contextlib import suppress
from importlib import metadata, util
from math import isfinite
from pathlib import Path

#: What is not needed but of use: module -> (the extra that brings it, what for).
EXTRAS = {"distributed": ("dask", "several workers, cellkit segment --workers"),
          "jupyterlab": ("lab", "the notebooks")}


def report() -> int:
    """Print it; 1 if something that is needed does not work."""
    import cellkit

    print(f"cellkit {cellkit.__version__}, Python {platform.python_version()}, "
          f"{platform.system()} {platform.machine()}")
    wrong = []
    for needed in metadata.requires("cellkit") or ():
        name = re.match(r"[\w.-]+", needed)[0]
        if "extra ==" in needed:
            continue
        try:
            print(f"  {name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing: pip install '{needed}'")
    wrong += _computing()
    print(f"Processor cores: {os.cpu_count()}; free on this disk: "
          f"{shutil.disk_usage(Path.cwd()).free / 1e9:.0f} GB")
    _data()
    for module, (extra, use) in EXTRAS.items():
        if util.find_spec(module) is None:
            print(f"Not installed: {module}, for {use}: pip install 'cellkit[{extra}]'")
    print(*(f"WRONG: {what}" for what in wrong), "Something that is needed does not work."
          if wrong else "All that is needed is here.", sep="\n")
    return 1 if wrong else 0


def _computing() -> list[str]:
    try:
        from cellkit.device import autocast_dtype, pick_device
        from cellkit.train.forecast import memory
        from cellkit.weights import available, load_weights

        device = pick_device()
        if isfinite(there := memory(device)):  # Windows does not tell
            print(f"Memory to train in: {there / 1e9:.0f} GB")
        dtype = str(autocast_dtype(device) or "32 bits: 16 are no faster here, or CELLKIT_AMP=off")
        print(f"Networks run on: {device.type}, with {dtype.removeprefix('torch.')}")
        load_weights(available()[0])
        print(f"Bundled networks: {', '.join(available())}")
    except Exception as error:  # whatever it is, it is what is wrong
        return [f"networks do not run ({type(error).__name__}: {error})"]
    return []


def _data() -> None:
    from cellkit.datasets import READERS, bundled, cache, find

    home = os.environ.get("CELLKIT_DATA")
    print(f"Data sets: CELLKIT_DATA is {home or 'not set'}; downloads go to {home or cache()}")
    real = []
    for name in READERS:
        with suppress(OSError, ValueError):
            if find(name) != bundled(name):
                real.append(name)
    print(f"  real: {', '.join(real) or 'none; cellkit data lists what can be downloaded'}")
