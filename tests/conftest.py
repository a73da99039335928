"""What all tests share: quiet threads, bundled data, and the seconds of each notebook."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # experiments, tools

# Tests run side by side on few cores; two processes of many threads each are slower than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# The tests' numbers are those of the bundled data, whatever the shell that started them says.
os.environ["CELLKIT_PROFILE"] = "tiny"
# Relative paths are the caller's; the notebooks run elsewhere.
for _name in ("CELLKIT_DATA", "PYTHONPATH"):
    if os.environ.get(_name):
        _paths = os.environ[_name].split(os.pathsep)
        os.environ[_name] = os.pathsep.join(str(Path(path).resolve()) for path in _paths)


def pytest_terminal_summary(terminalreporter):
    """A line for each notebook that ran, and for each exercise's answers; with any workers."""
    passed_and_failed = [
        report
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "call"
    ]
    titles = {
        "seconds": "notebooks, profile tiny",
        "claims": "claims of the lessons that do not hold in tiny",
        "answers": "exercises: what their checks accept and reject",
        "grades": "submissions: points of each exercise, won of deserved",
    }
    for kind, title in titles.items():
        lines = [
            text
            for report in passed_and_failed
            for name, text in getattr(report, "user_properties", ())
            if name == kind
        ]
        if lines:
            terminalreporter.section(title)
            for line in sorted(lines):
                terminalreporter.write_line(line)
