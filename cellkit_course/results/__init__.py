"""What was measured earlier, for the lessons to show; ``experiments/`` has the commands."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).parent


def measured(name: str, folder: Path = RESULTS) -> dict[str, dict]:
    """Rows measured earlier, by their key: what ``results/<name>.json`` holds."""
    file = Path(folder) / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def mean_over_seeds(values, sign: str = "") -> str:
    """As text: the mean, ± the standard deviation where there are several; "–" where none is.

    ``sign="+"`` writes a plus before what is above 0.
    """
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):{sign}.3f}{spread}" if len(values) else "–"
