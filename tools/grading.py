"""Hand out a lesson with nbgrader, and grade what comes back.

``python -m tools.grading assignment 02`` writes the lesson into an nbgrader course folder.
``python -m tools.grading grade 02 DIR`` grades every notebook in DIR, each in a process of its
own, and writes a csv with the points of each exercise.  INSTRUCTORS.md says how to use both, and
what the isolation does not give.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import nbformat

from cellkit.files import replacing
from tools.run_lesson import find

CONFIG = Path(__file__).with_name("nbgrader_config.py")
#: nbgrader's command line.  jsonschema would compile a grammar of web addresses first, which takes
#: longer than all the rest and which no notebook needs.
NBGRADER = (sys.executable, "-c", (
    "import sys; sys.modules['rfc3987_syntax'] = None\n"
    "from nbgrader.apps.nbgraderapp import main; main()"
))  # fmt: skip
#: Gigabytes of address space for all processes of a submission, one by one, where limits exist.
MEMORY = 16
#: Largest file that a submission may write, in megabytes.
FILE = 200


# --- handing out -------------------------------------------------------------------------------


def assignment(solved: Path, course: Path) -> Path:
    """Write a lesson into a course folder, new or not; return the notebook to hand out.

    Parameters
    ----------
    solved : Path
        The solved notebook, e.g. ``notebooks/solutions/02_unet_from_scratch.ipynb``.
    course : Path
        An nbgrader course folder.  Where it has no ``nbgrader_config.py`` it gets ours; where it
        has one, ours is put beside it as ``cellkit_nbgrader.py``, for a line there to load.

    Raises
    ------
    RuntimeError
        Where nbgrader cannot make the release version.
    """
    name = solved.stem
    course.mkdir(parents=True, exist_ok=True)
    ours, rules = course / "nbgrader_config.py", CONFIG.read_text(encoding="utf-8")
    if ours.exists() and ours.read_text(encoding="utf-8") != rules:
        write(course / "cellkit_nbgrader.py", rules)
        if "cellkit_nbgrader.py" not in ours.read_text(encoding="utf-8"):
            print(f"{ours} is your own; let it end with\n"
                  '    exec(open("cellkit_nbgrader.py", encoding="utf-8").read())')
    else:
        write(ours, rules)
    notebook = nbformat.read(solved, as_version=4)
    for cell in notebook.cells:  # a hand-out leads to the student's notebook, not to the solution
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace("/notebooks/solutions/", "/notebooks/")
    write(course / "source" / name / f"{name}.ipynb", nbformat.writes(notebook) + "\n")
    done = nbgrader(course, "generate_assignment", name, "--force")
    released = course / "release" / name / f"{name}.ipynb"
    if done.returncode or not released.exists():
        raise RuntimeError(f"nbgrader could not make the release version:\n{done.stdout[-3000:]}")
    return released


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")


def nbgrader(course: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run one nbgrader command in a course folder."""
    return subprocess.run(
        [*NBGRADER, *arguments], cwd=course, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
        env={**os.environ, "PATH": search_path()},
    )


def search_path() -> str:
    """PATH with this Python's own programs in front: nbgrader calls alembic by its name."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


# --- grading -----------------------------------------------------------------------------------


@dataclass
class Grade:
    """What one submission got."""

    student: str
    remark: str = "graded"
    points: dict[str, float] = field(default_factory=dict)  # exercise → points


def submissions(folder: Path, name: str) -> dict[str, Path | None]:
    """Student → notebook (None where there is none), whatever way the files were collected.

    Understood are nbgrader's ``STUDENT/NAME/NAME.ipynb``, ``STUDENT/NAME.ipynb`` (or any single
    notebook there, for Colab writes "Copy of …" and browsers "… (1)"), and ``STUDENT.ipynb``.
    """
    if not folder.is_dir():
        raise ValueError(f"no folder at {folder}; give the one that holds the submissions.")
    found: dict[str, Path | None] = {}
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            place = path / name if (path / name).is_dir() else path
            exact = place / f"{name}.ipynb"
            others = sorted(p for p in place.glob("*.ipynb") if name[:2] in p.name)
            others = others or sorted(place.glob("*.ipynb"))
            alone = others[0] if len(others) == 1 else None
            found[path.name] = exact if exact.exists() else alone
        elif path.suffix == ".ipynb":
            found[path.stem] = path
    if not found:
        raise ValueError(f"no submissions in {folder}; expected STUDENT/{name}.ipynb.")
    return found


def grade(name: str, folder: Path, course: Path, out: Path, workers: int = 1,
          minutes: float = 20) -> list[Grade]:
    """Grade every submission of a lesson; write ``out``/NAME.csv and the graded notebooks.

    Parameters
    ----------
    name : str
        The lesson, e.g. "02_unet_from_scratch"; it was written into ``course`` before.
    folder : Path
        See :func:`submissions`.
    out : Path
        Gets the csv, and under ``notebooks`` each submission as it ran.
    workers : int
        Submissions graded side by side.
    minutes : float
        What one submission may take in all.
    """
    source = course / "source" / name / f"{name}.ipynb"
    if not source.exists():
        raise ValueError(f"{name} is not in {course}; run: make assignment LESSON={name[:2]}")
    found, exercises = submissions(folder, name), maximum(source)
    with tempfile.TemporaryDirectory(prefix="cellkit-grade-") as scratch:
        clean = Path(scratch) / "clean"  # a gradebook that knows the lesson and no student
        shutil.copytree(source.parent, clean / "source" / name)
        for rules in course.glob("*nbgrader*.py"):
            shutil.copy(rules, clean)
        done = nbgrader(clean, "generate_assignment", name, "--force")
        if done.returncode:
            raise RuntimeError(f"nbgrader could not read the lesson:\n{done.stdout[-3000:]}")

        def one(student):
            home = Path(scratch) / f"{list(found).index(student):04d}"
            return grade_one(student, found[student], name, exercises, clean, home, out, minutes)

        with ThreadPoolExecutor(workers) as pool:
            grades = list(pool.map(one, found))
    rows = [["student", *exercises, "points", "of", "remark"]]
    for g in grades:
        got = [g.points.get(e, 0.0) for e in exercises]
        rows.append([g.student, *got, sum(got), sum(exercises.values()), g.remark])
    with replacing(out / f"{name}.csv") as draft:
        with draft.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
    return grades


def maximum(source: Path) -> dict[str, float]:
    """Exercise → the points it has."""
    cells = nbformat.read(source, as_version=4).cells
    marks = [cell.metadata.get("nbgrader", {}) for cell in cells]
    return {m["grade_id"].removesuffix("-check"): m["points"] for m in marks if m.get("grade")}


def grade_one(student, notebook, name, exercises, clean, home, out, minutes) -> Grade:
    """Grade one submission in a course folder, and a process, of its own."""
    result = Grade(student)
    if notebook is None:
        result.remark = "no notebook, or several: not graded"
        return result
    shutil.copytree(clean, home)
    place = home / "submitted" / "student" / name
    place.mkdir(parents=True)
    try:
        shutil.copy(notebook, place / f"{name}.ipynb")
        log, late = isolated(home, name, 60 * minutes)
    except OSError as problem:
        result.remark = f"could not be started ({problem.strerror}): not graded"
        return result
    graded = home / "autograded" / "student" / name / f"{name}.ipynb"
    kept = out / "notebooks" / f"{student}.ipynb"
    kept.parent.mkdir(parents=True, exist_ok=True)
    if graded.exists():
        shutil.copy(graded, kept)
        result.points = read_points(home / "gradebook.db", name, exercises)
    else:
        write(kept.with_suffix(".log"), log)
        reason = f"stopped after {minutes:g} minutes" if late else "nbgrader gave up on it"
        result.remark = f"{reason}: 0 points, see notebooks/{student}.log"
    shutil.rmtree(home, ignore_errors=True)
    return result


def read_points(gradebook: Path, name: str, exercises) -> dict[str, float]:
    """The points nbgrader wrote down for the only student of a gradebook."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{gradebook}") as book:
        submission = book.find_submission_notebook(name, name, "student")
        won = {g.cell.name.removesuffix("-check"): g.auto_score or 0.0 for g in submission.grades}
    return {exercise: won.get(exercise, 0.0) for exercise in exercises}


def isolated(home: Path, name: str, seconds: float) -> tuple[str, bool]:
    """Run nbgrader's autograder on the one submission in ``home``: (what it said, was it late).

    Its own process group, stopped as a whole; its own temporary and home folders; an environment
    without the instructor's variables; limits on memory and file size, and no network, where the
    system has them.
    """
    passed = ("LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV", "SYSTEMROOT", "COMSPEC",
              "OMP_NUM_THREADS", "CELLKIT_DATA", "CELLKIT_PROFILE", "CELLKIT_CELL_SECONDS",
              "CELLKIT_AMP")  # fmt: skip
    env = {k: v for k, v in os.environ.items() if k in passed} | {"PATH": search_path()}
    if "PYTHONPATH" in env:
        paths = env["PYTHONPATH"].split(os.pathsep)
        env["PYTHONPATH"] = os.pathsep.join(str(Path(p).resolve()) for p in paths)
    env.setdefault("OMP_NUM_THREADS", "1")  # submissions side by side would hinder each other
    own = home / "home"
    own.mkdir()
    env |= dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "IPYTHONDIR",
                          "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "MPLCONFIGDIR"), str(own))
    command = [*no_network(), *NBGRADER, "autograde", name, "--student", "student", "--create"]
    with (home / "said.txt").open("wb") as said:
        process = subprocess.Popen(
            command, cwd=home, env=env, stdin=subprocess.DEVNULL, stdout=said,
            stderr=subprocess.STDOUT, start_new_session=True,
            preexec_fn=limit if os.name == "posix" else None,
        )
        try:
            process.wait(seconds)
            late = False
        except subprocess.TimeoutExpired:
            late = True
        finally:
            stop(process)
    return (home / "said.txt").read_text(encoding="utf-8", errors="replace")[-20_000:], late


def limit() -> None:
    """Bound what this process and its children may use; called in the child."""
    import resource

    for what, most in ((resource.RLIMIT_AS, MEMORY * 2**30), (resource.RLIMIT_FSIZE, FILE * 2**20),
                       (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(what, (most, most))
        except (OSError, ValueError):
            pass  # macOS refuses some of them


def stop(process: subprocess.Popen) -> None:
    """End a process and everything in its group."""
    if os.name == "posix":
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    else:
        process.kill()
    process.wait()


# A new network has a loopback that is down; Jupyter talks to its kernels over it.
LOOPBACK_ONLY = """
import fcntl, os, socket, struct, sys
up = struct.pack("16sh14x", b"lo", 0x41)  # IFF_UP | IFF_RUNNING
fcntl.ioctl(socket.socket(), 0x8914, up)  # SIOCSIFFLAGS
os.execvp(sys.argv[1], sys.argv[1:])
"""


@cache
def no_network() -> tuple[str, ...]:
    """The command that leaves another one only the loopback; () where the system has none."""
    unshare = shutil.which("unshare")
    for how in ("-rn", "-n"):
        command = (unshare, how, sys.executable, "-c", LOOPBACK_ONLY)
        if unshare and not subprocess.run([*command, "true"], capture_output=True).returncode:
            return command
    return ()


def isolation() -> str:
    """One sentence on what holds a submission in here."""
    network = "no network" if no_network() else "the network, for nothing here closes it"
    memory = f"{MEMORY} GB of memory" if os.name == "posix" else "no memory limit here"
    return f"Each submission runs in a process of its own: {memory}, {network}."


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("assignment", "grade"))
    parser.add_argument("lesson", help="its number, e.g. 02")
    parser.add_argument("submitted", nargs="?", type=Path, help="folder of the submissions")
    parser.add_argument("--course", type=Path, default=Path("course"))
    parser.add_argument("--out", type=Path, help="default: COURSE/grades")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=20, help="for one submission")
    asked = parser.parse_args()
    try:
        solved = find(asked.lesson)
        if asked.what == "assignment":
            released = assignment(solved, asked.course)
            print(f"Hand out {released}; solutions and hidden tests stay in {asked.course}/source.")
            return
        if asked.submitted is None:
            raise ValueError("no submissions given; write for example SUBMITTED=submitted.")
        if not (asked.course / "source" / solved.stem).is_dir():
            assignment(solved, asked.course)
        print(isolation())
        out = asked.out or asked.course / "grades"
        grades = grade(solved.stem, asked.submitted, asked.course, out, asked.workers,
                       asked.minutes)
    except (ValueError, RuntimeError) as problem:
        sys.exit(str(problem))
    for g in grades:
        print(f"{g.student:<24} {sum(g.points.values()):>5g}  {g.remark}")
    print(f"Points of each exercise: {out / (solved.stem + '.csv')}")


if __name__ == "__main__":
    main()
