"""Run the notebooks with the packages that Colab has, from the wheel, away from the checkout.

``make test-colab``.  Makes ``.venv-colab`` with the versions of versions.txt that exist for this
Python and lists the others; then every notebook runs as on Colab: its own set-up cell installs
cellkit (from the wheel built here), and nothing else may have moved when all are done.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from nbval_run import nbval  # noqa: E402

from tools import builder  # noqa: E402

VENV = ROOT / ".venv-colab"
PYTHON = VENV / ("Scripts" if os.name == "nt" else "bin") / "python"
VERSIONS = Path(__file__).with_name("versions.txt")
RUNNER = ["nbval", "pytest"]  # what runs the notebooks; Colab needs neither


def pip(*arguments: str) -> str:
    command = [str(PYTHON), "-m", "pip", *arguments, "--disable-pip-version-check"]
    done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8")
    if done.returncode:
        sys.exit(f"pip failed: {' '.join(arguments)}")
    return done.stdout


def would_install(*requirements: str) -> dict[str, str]:
    """Name → version of what pip would add to the environment."""
    report = json.loads(pip("install", "-qq", "--dry-run", "--report", "-", *requirements))
    return {
        re.sub("[-_.]+", "-", one["metadata"]["name"]).lower(): one["metadata"]["version"]
        for one in report["install"]
    }


def environment() -> None:
    """Make .venv-colab, or find it made, and list in what it is not Colab."""
    wanted = dict(
        line.lower().split("==")
        for line in VERSIONS.read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    )
    key = hashlib.sha256(f"{wanted} {RUNNER} {sys.version}".encode()).hexdigest()[:12]
    stamp = VENV / f"versions-{key}.json"
    if not stamp.exists():
        shutil.rmtree(VENV, ignore_errors=True)
        print(f"making {VENV.name} (several GB with torch; minutes)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        # The newest that exists and is not newer: exactly Colab's, where Colab's exists.
        limits = [f"{name}<={version}" for name, version in wanted.items()]
        found = would_install("--no-deps", "--ignore-installed", *limits)
        pip("install", "-qq", *(f"{name}=={found[name]}" for name in wanted), *RUNNER)
        stamp.write_text(json.dumps({name: found[name] for name in wanted}), encoding="utf-8")
    have = json.loads(stamp.read_text(encoding="utf-8"))
    print(f"Python {sys.version.split()[0]} here, 3.13 on Colab")
    for name, version in wanted.items():
        if have[name] != version:
            print(f"{name} {have[name]} here, {version} on Colab: not for this Python")


def pretend_colab() -> None:
    """Every Python of the environment starts with google.colab imported, as there."""
    site = Path(
        subprocess.run(
            [PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            check=True, stdout=subprocess.PIPE, encoding="utf-8",
        ).stdout.strip()
    )  # fmt: skip
    (site / "google" / "colab").mkdir(parents=True, exist_ok=True)
    (site / "google" / "colab" / "__init__.py").touch()
    (site / "colab.pth").write_text("import google.colab\n", encoding="utf-8")


def wheel(folder: Path) -> Path:
    """Build cellkit's wheel with the tools of the environment that runs this."""
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "--no-build-isolation",
         "--wheel-dir", folder, ROOT],
        check=True,
    )  # fmt: skip
    return next(folder.glob("cellkit-*.whl"))


def frozen() -> set[str]:
    return {line for line in pip("freeze", "--all").splitlines() if line}


def run(notebook: Path, folder: Path, address: str) -> bool:
    """One notebook, with the wheel's address in the place of the repository's."""
    text = notebook.read_text(encoding="utf-8")
    published = re.search(r'address = \\"(.*?)\\"', text)[1]
    copy = folder / notebook.name
    copy.write_text(text.replace(published, address), encoding="utf-8")
    solved = notebook.parent.name == "solutions"
    good, printed, seconds = nbval(PYTHON, copy, strict=solved, PYTHONPATH="")
    if not good:
        print(printed)
    form = "solved " if solved else "student"
    print(f"{form} {notebook.stem:<24} {seconds:6.1f} s  {'ok' if good else 'FAILED'}", flush=True)
    return good


def explorers(folder: Path) -> bool:
    """The explorers with these packages, and in a browser that has the old widgets' own part."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env |= {"CELLKIT_KERNEL": str(PYTHON), "CELLKIT_AMP": "off"}
    copy = shutil.copy(ROOT / "tests" / "test_explore.py", folder)
    good = True
    for python, file, where in [(PYTHON, copy, folder), (sys.executable, "test_browser.py",
                                                         ROOT / "tests")]:
        done = subprocess.run([python, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", file],
                              cwd=where, env=env, stdin=subprocess.DEVNULL)
        good &= done.returncode == 0
    return good


def main() -> int:
    environment()
    pretend_colab()
    pip("uninstall", "-qq", "--yes", "cellkit")
    notebooks = [path for source in builder.sources() for path in builder.build(source)]
    with tempfile.TemporaryDirectory() as folder:
        built = wheel(Path(folder))
        moved = set(would_install(str(built))) - {"cellkit"}
        if moved:
            print(f"cellkit asks for what Colab has not: {', '.join(sorted(moved))}")
        before, results = frozen(), []
        for number, notebook in enumerate(notebooks):
            own = Path(folder) / str(number)
            own.mkdir()
            results.append(run(notebook, own, built.as_uri()))
        moves = explorers(Path(folder))
        changed = {line for line in before ^ frozen() if not line.startswith("cellkit")}
    installed = any(line.startswith("cellkit") for line in frozen())
    print(f"{sum(results)} of {len(results)} notebooks ran; installing cellkit moved "
          f"{', '.join(sorted(changed)) or 'nothing'}")  # fmt: skip
    return not (all(results) and results and moves and installed and not changed and not moved)


if __name__ == "__main__":
    sys.exit(main())
