"""What is installed here, what it can do, and what is missing, in words."""

from __future__ import annotations

import os
import platform
import shutil
from importlib import metadata, util
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
    for requirement in metadata.requires("cellkit") or ():
        if "extra ==" in requirement:
            continue
        name = requirement.split(">")[0].split("[")[0].strip()
        try:
            print(f"  {name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing: pip install '{requirement}'")
    wrong += _computing()
    cores, memory = os.cpu_count(), _memory()
    print(f"{cores} processor cores" + (f", {memory:.0f} GB of memory" if memory else "")
          + f", {shutil.disk_usage(Path.cwd()).free / 1e9:.0f} GB free on this disk")
    _data()
    for module, (extra, use) in EXTRAS.items():
        if util.find_spec(module) is None:
            print(f"Not installed: {module}, for {use}: pip install 'cellkit[{extra}]'")
    for what in wrong:
        print(f"WRONG: {what}")
    print("Something that is needed does not work." if wrong else "All that is needed is here.")
    return 1 if wrong else 0


def _computing() -> list[str]:
    try:
        from cellkit.device import autocast_dtype, pick_device
        from cellkit.weights import available, load_weights

        device = pick_device()
        dtype = autocast_dtype(device)
        print(f"Networks run on: {device.type}, " + (
            f"with {str(dtype).removeprefix('torch.')}" if dtype else "with 32 bits (16-bit floats "
            "are no faster here, or CELLKIT_AMP=off)"))
        names = available()
        load_weights(names[0])
    except Exception as error:  # whatever it is, it is what is wrong
        return [f"networks do not run ({type(error).__name__}: {error})"]
    print(f"Bundled networks: {', '.join(names)}")
    return []


def _memory() -> float | None:
    """In GB, where the system tells."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (AttributeError, ValueError, OSError):  # Windows
        return None


def _data() -> None:
    from cellkit.datasets import READERS, bundled, cache, find

    home = os.environ.get("CELLKIT_DATA")
    print(f"Data sets: CELLKIT_DATA is {home or 'not set'}"
          + (" (there is no such folder)" if home and not Path(home).is_dir() else "")
          + f"; downloads go to {Path(home) if home else cache()}")
    real = []
    for name in READERS:
        try:
            if find(name) != bundled(name):
                real.append(name)
        except (OSError, ValueError):
            continue
    print(f"  real: {', '.join(real) or 'none; cellkit data lists what can be downloaded'}")
