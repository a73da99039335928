"""CellKit: segment live cells with deep learning, one readable step at a time.

The names below are the front door.  They are looked up on first use (PEP 562), so that
``import cellkit`` takes a blink and what needs no network never loads torch.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOME = {
    "samples": ["Sample", "Samples", "Crops", "split"],
    "datasets": ["read", "download"],
    "networks": ["UNet", "DoubleUNet", "SimpleCNN", "ResNetUNet", "MaskRCNN"],
    "train": ["fit"],
    "maps": ["predict", "detect", "super_resolve"],
    "metrics": ["dice", "iou", "edge_dice", "average_precision",
                "object_f1", "object_dice", "object_hausdorff", "psnr", "ssim"],
    "resolution": ["degrade", "shrink", "enlarge", "storage",
                   "RandomDegrade", "random_degrade"],
    "labels": ["instances", "tune_instances"],
    "weights": ["load_weights"],
}
_MODULES = {"augment", "explore", "losses", "lesson", "masks", "recipes", "show"} | set(_HOME)
_WHERE = {name: module for module, names in _HOME.items() for name in names}

__all__ = ["__version__", *sorted(_WHERE), *sorted(_MODULES - set(_WHERE))]


def __getattr__(name):
    if name in _WHERE:
        value = getattr(import_module(f"cellkit.{_WHERE[name]}"), name)
    elif name in _MODULES:
        value = import_module(f"cellkit.{name}")
    else:
        raise AttributeError(f"cellkit has no {name!r}; it has {', '.join(__all__)}")
    globals()[name] = value
    return value


def __dir__():
    return __all__
