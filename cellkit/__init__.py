"""CellKit: segment live cells with deep learning, one readable step at a time.

The names below are the front door.  They are looked up on first use (PEP 562), so that
``import cellkit`` takes a blink and what needs no network never loads torch.
"""

from importlib import import_module

__version__ = "0.1.0"
#: For a bibliography, as CITATION.cff has it.
__citation__ = f"""@software{{cellkit,
  author = {{{{The authors of CellKit}}}},
  title = {{{{CellKit}}: segmenting live cells with deep learning, a course in seven notebooks}},
  version = {{{__version__}}},
  license = {{BSD-3-Clause}},
}}"""

_HOME = {
    "samples": ["Sample", "Samples", "split"],
    "crops": ["Crops"],
    "datasets": ["read", "download"],
    "networks": ["UNet", "DoubleUNet", "SimpleCNN", "ResNetUNet", "MaskRCNN"],
    "train": ["fit"],
    "scale": ["cell_size"],
    "inference": ["predict", "detect", "super_resolve"],
    "trust": ["doubt", "unlike"],
    "metrics": ["dice", "iou", "edge_dice", "average_precision",
                "object_f1", "object_dice", "object_hausdorff", "psnr", "ssim"],
    "growth": ["link", "track", "doubling_time"],
    "degradation": ["degrade", "shrink", "enlarge", "storage",
                    "RandomDegrade", "random_degrade"],
    "postprocessing": ["instances", "tune_instances"],
    "weights": ["load_weights"],
    "segmentation": ["segment", "measure"],
    "exports": ["export"],
}
#: Names of modules at the front door -> where they stand.
_MODULES = {
    "lesson": "cellkit_course",
    "checkpoints": "cellkit.train.checkpoints",
    **{name: f"cellkit.{name}" for name in (
        "annotations", "augment", "device", "explore", "heads", "losses", "normalisation", "show",
        "synthetic", "targets", *_HOME)},
}
_WHERE = {name: module for module, names in _HOME.items() for name in names}

__all__ = ["__citation__", "__version__", *sorted(_WHERE), *sorted(set(_MODULES) - set(_WHERE))]


def __getattr__(name):
    if name in _WHERE:
        value = getattr(import_module(f"cellkit.{_WHERE[name]}"), name)
    elif name in _MODULES:
        value = import_module(_MODULES[name])
    else:
        raise AttributeError(f"cellkit has no {name!r}; it has {', '.join(__all__)}")
    globals()[name] = value
    return value


def __dir__():
    return __all__
