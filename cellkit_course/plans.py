"""What a lesson does first, and how much work it does in each profile."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from types import SimpleNamespace

import cellkit
from cellkit_course.record import record_file

#: How much a lesson does, in words.
PROFILES = {"tiny": "seconds of training, to try the code",
            "standard": "minutes of training, for one sitting",
            "full": "hours of training, on a GPU"}
#: The lessons begun in this kernel.
BEGUN: set[str] = set()

#: What the trainings of the lessons have in common.
BARE = {"seed": 0, "lr": 3e-3, "schedule": "onecycle"}
FIT = {**BARE, "loss": "bce+soft_dice"}

#: The same where the head decides, or the lesson says, what the loss is.
UNTOLD = {key: value for key, value in FIT.items() if key != "loss"}

#: What lesson 07 tries for each method; ``cellkit.postprocessing.GRIDS`` has more.
INSTANCE_GRIDS = {
    "components": {"threshold": (0.5, 0.6, 0.7, 0.8), "min_size": (40, 80)},
    "watershed": {"threshold": (0.5, 0.6), "smoothing": (1, 2, 3), "peak_distance": (5, 8, 12),
                  "min_size": (40,)},
    "distance": {"threshold": (0.4, 0.5), "smoothing": (1, 1.5, 2),
                 "seed_threshold": (0.1, 0.3, 0.5), "h": (None, 0.1), "min_size": (40,)},
    "border": {"threshold": (0.4, 0.5), "seed_threshold": (0.3, 0.4, 0.5, 0.6, 0.7),
               "min_size": (40,)},
}

#: Lesson 08: how a network is trained on few pictures.
FEW = {"seed": 0, "optimizer": "adamw", "schedule": "onecycle", "batch_size": 4, "crop": 128,
       "lr": 1e-3}

#: lesson -> profile -> its settings.  A lesson reads them from what :func:`setup` returns and never
#: asks which profile it is in.
PLANS = {
    "01_data_and_masks": {"tiny": {}, "standard": {}, "full": {}},
    # Minutes bound the standard profile, so a slower machine trains less, not longer.
    "02_unet_from_scratch": {
        "tiny": {
            "width": 8, "by_hand": 8,
            "training": {**FIT, "epochs": 4, "steps_per_epoch": 6, "crop": 96, "batch_size": 4},
            "ablation": {**FIT, "epochs": 2, "steps_per_epoch": 6, "crop": 96, "batch_size": 4},
            "overfit": {**BARE, "epochs": 4, "steps_per_epoch": 4, "crop": 96, "batch_size": 2,
                        "loss": "bce", "schedule": None},
        },
        "standard": {
            "width": 16, "by_hand": 60,
            "training": {**FIT, "epochs": 10, "steps_per_epoch": 40, "crop": 128, "batch_size": 4,
                         "minutes": 4},
            "ablation": {**FIT, "epochs": 4, "steps_per_epoch": 20, "crop": 128, "batch_size": 4},
            "overfit": {**BARE, "epochs": 15, "steps_per_epoch": 10, "crop": 128, "batch_size": 2,
                        "loss": "bce", "schedule": None},
        },
        "full": {
            "width": 64, "by_hand": 200,
            "training": {**FIT, "epochs": 100},
            "ablation": {**FIT, "epochs": 20},
            "overfit": {**BARE, "epochs": 50, "loss": "bce", "schedule": None},
        },
    },
    # Seventeen trainings, all of as many steps: only then do their scores compare.
    "03_augmentation": {
        "tiny": {
            "width": 8, "copies": 6, "by_hand": 3,
            "training": {**FIT, "epochs": 1, "steps_per_epoch": 4, "crop": 64, "batch_size": 2},
        },
        "standard": {
            "width": 16, "copies": 100, "by_hand": 20,
            "training": {**FIT, "epochs": 2, "steps_per_epoch": 40, "crop": 128, "batch_size": 4},
        },
        "full": {
            "width": 64, "copies": 591, "by_hand": 100,
            "training": {**FIT, "epochs": 50, "steps_per_epoch": 40, "crop": 256},
        },
    },
    "04_super_resolution": {
        "tiny": {
            "width": 8,
            "training": {**UNTOLD, "epochs": 2, "steps_per_epoch": 6, "crop": 64,
                         "batch_size": 4},
            "segmenting": {**FIT, "epochs": 2, "steps_per_epoch": 6, "crop": 96, "batch_size": 4},
        },
        # Two trainings are compared, so their steps are fixed; the minutes only bound them.
        "standard": {
            "width": 16,
            "training": {**UNTOLD, "epochs": 10, "steps_per_epoch": 40, "crop": 128,
                         "minutes": 4},
            "segmenting": {**FIT, "epochs": 10, "steps_per_epoch": 40, "crop": 128, "minutes": 3},
        },
        "full": {
            "width": 64,
            "training": {**UNTOLD, "epochs": 100},
            "segmenting": {**FIT, "epochs": 100},
        },
    },
    "05_double_unet": {
        "tiny": {
            "width": 8, "scored": 3,
            "training": {**FIT, "epochs": 3, "steps_per_epoch": 6, "crop": 96, "batch_size": 4},
            "sharpening": {**FIT, "loss": "mse", "epochs": 2, "steps_per_epoch": 6, "crop": 64,
                           "batch_size": 4},
            "task": {**BARE, "epochs": 2, "steps_per_epoch": 6, "crop": 64, "batch_size": 4},
        },
        "standard": {
            "width": 16, "scored": None,
            "training": {**FIT, "epochs": 40, "steps_per_epoch": 40, "crop": 192, "minutes": 3},
            "sharpening": {**FIT, "loss": "mse", "epochs": 40, "steps_per_epoch": 40, "crop": 128,
                           "minutes": 1.5},
            "task": {**BARE, "epochs": 40, "steps_per_epoch": 40, "crop": 192, "minutes": 3},
        },
        "full": {
            "width": 64, "scored": None,
            "training": {**FIT, "epochs": 100},
            "sharpening": {**FIT, "loss": "mse", "epochs": 100},
            "task": {**BARE, "epochs": 100},
        },
    },
    "06_mask_rcnn": {
        "tiny": {
            "width": 4, "scored": 2,
            "training": {**FIT, "epochs": 4, "steps_per_epoch": 12, "crop": 64, "batch_size": 4},
            "detector": {**BARE, "epochs": 2, "steps_per_epoch": 10, "crop": 64, "batch_size": 2},
        },
        # Both may take as long: the minutes end them, not the epochs.
        "standard": {
            "width": 16, "scored": 12,
            "training": {**FIT, "epochs": 100, "steps_per_epoch": 40, "crop": 192,
                         "batch_size": 4, "minutes": 5},
            "detector": {**BARE, "lr": 2e-3, "epochs": 100, "steps_per_epoch": 20, "crop": 192,
                         "batch_size": 4, "minutes": 5},
        },
        "full": {
            "width": 16, "scored": None,
            "training": {**FIT, "epochs": 100},
            "detector": {**BARE, "lr": 2e-3, "epochs": 100},
        },
    },
    "07_watershed": {
        "tiny": {
            "width": 8, "tune_every": 10, "elbow_steps": 16,
            "training": {**UNTOLD, "monitor": "loss", "epochs": 3, "steps_per_epoch": 6,
                         "crop": 96, "batch_size": 4},
            "border": {**UNTOLD, "epochs": 1, "steps_per_epoch": 8, "crop": 96, "batch_size": 4},
            "grids": {
                "components": {"threshold": (0.5, 0.7)},
                "watershed": {"smoothing": (1, 2), "peak_distance": (5, 12)},
                "distance": {"seed_threshold": (0.3, 0.5), "smoothing": (0, 1.5)},
                "border": {"seed_threshold": (0.4, 0.6)},
            },
        },
        "standard": {
            "width": 16, "tune_every": 3, "elbow_steps": 40,
            "training": {**UNTOLD, "monitor": "loss", "epochs": 200,  # short ones: a curve to see
                         "steps_per_epoch": 20, "crop": 192, "minutes": 6},
            "border": {**UNTOLD, "epochs": 5, "steps_per_epoch": 40, "crop": 128},
            "grids": INSTANCE_GRIDS,
        },
        "full": {
            "width": 32, "tune_every": 1, "elbow_steps": 40,
            "training": {**UNTOLD, "monitor": "loss", "epochs": 300,
                         "steps_per_epoch": 100},
            "border": {**UNTOLD, "epochs": 50, "steps_per_epoch": 100},
            "grids": INSTANCE_GRIDS,
        },
    },
    "08_your_own_pictures": {
        "tiny": {"training": {**FEW, "epochs": 1, "steps_per_epoch": 3, "crop": 64}},
        "standard": {"training": {**FEW, "epochs": 6, "steps_per_epoch": 10}},
        "full": {"training": {**FEW, "epochs": 20, "steps_per_epoch": 50, "batch_size": 8}},
    },
}

#: What lesson 02's capstone has to beat; what it scores stands in tuning.json.
BASELINE = {"width": 16, "lr": 1e-3, "loss": "bce", "steps": 15}


def profile(name: str | None = None) -> str:
    """How much work a lesson does: "tiny", "standard" or "full".

    Parameters
    ----------
    name : str, optional
        Take this one.  None: ``CELLKIT_PROFILE`` if set, else "standard" (while nbgrader grades a
        notebook: "tiny", for nobody waits half an hour for each submission).
    """
    return _named(name)


def _named(name):
    graded = os.environ.get("NBGRADER_EXECUTION") == "autograde"
    name = name or os.environ.get("CELLKIT_PROFILE") or ("tiny" if graded else "standard")
    if name not in PROFILES:
        raise ValueError(
            f"the profile is {name!r}, expected one of {', '.join(PROFILES)}; "
            "set CELLKIT_PROFILE or the argument to one of them."
        )
    return name


def setup(lesson: str, profile: str | None = None) -> SimpleNamespace:
    """Begin a lesson: say what it runs on and where progress is kept.

    Parameters
    ----------
    lesson : str
        The notebook's name without extension, e.g. "02_unet_from_scratch".
    profile : str, optional
        "tiny", "standard" or "full"; None as in :func:`profile`.

    Returns
    -------
    SimpleNamespace
        ``lesson``, ``profile``, ``device`` ("cuda", "mps" or "cpu") and the settings that
        :data:`PLANS` gives this lesson in this profile, e.g. ``.epochs``.

    Raises
    ------
    ValueError
        For a lesson or a profile that does not exist.
    """
    if lesson not in PLANS:
        raise ValueError(f"no lesson {lesson!r}; expected one of {', '.join(PLANS)}.")
    import torch

    from cellkit.device import pick_device

    chosen = _named(profile)
    device = pick_device().type
    what = torch.cuda.get_device_name(0) if device == "cuda" else f"{os.cpu_count()} cores"
    versions = ", ".join(f"{p} {_version(p)}" for p in ("torch", "numpy", "scikit-image"))
    print(
        f"{lesson}: profile {chosen} ({PROFILES[chosen]}), on {device} ({what}); "
        f"cellkit {cellkit.__version__}, Python {platform.python_version()}, {versions}."
    )
    BEGUN.add(lesson)
    file, remark = record_file()
    print(f"Progress is kept in {file}{remark}.")
    return SimpleNamespace(
        lesson=lesson, profile=chosen, device=device, **PLANS[lesson][chosen],
    )


def _version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return "?"
