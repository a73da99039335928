"""Run a submission apart: its own processes, limits, no network, nothing of the course in sight."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tools.grading.handout import NBGRADER, search_path

#: Gigabytes of address space for all processes of a submission, one by one, where limits exist.
MEMORY = 16
#: Largest file that a submission may write, in megabytes.
FILE = 200


@dataclass(frozen=True)
class Ended:
    """How a run ended: what it said, its exit status (negative: a signal), and whether late."""

    said: str
    status: int
    late: bool


def isolated(home: Path, name: str, seconds: float, hidden: tuple[Path, ...] = ()) -> Ended:
    """Run nbgrader's autograder on the one submission in ``home``.

    Its own process group, stopped as a whole; its own temporary and home folders; an environment
    without the instructor's variables; limits on memory and file size, no network, and the folders
    in ``hidden`` empty, where the system has them.
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
    command = [*apart(hidden), *NBGRADER, "autograde", name, "--student", "student", "--create"]
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
    said = (home / "said.txt").read_text(encoding="utf-8", errors="replace")[-20_000:]
    return Ended(said, process.returncode, late)


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


# A new network has a loopback that is down; Jupyter talks to its kernels over it.  An empty file
# system over a folder hides what is in it, from these processes alone.
INSIDE = """
import fcntl, os, socket, struct, subprocess, sys
up = struct.pack("16sh14x", b"lo", 0x41)  # IFF_UP | IFF_RUNNING
fcntl.ioctl(socket.socket(), 0x8914, up)  # SIOCSIFFLAGS
end = sys.argv.index("--")
for folder in sys.argv[1:end]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=4k", "none", folder], check=True)
os.execvp(sys.argv[end + 1], sys.argv[end + 1:])
"""


@cache
def no_network() -> tuple[str, ...]:
    """The command that leaves another one only the loopback; () where the system has none."""
    unshare = shutil.which("unshare")
    for how in ("-rmn", "-mn", "-rn", "-n"):
        command = (unshare, how, sys.executable, "-c", INSIDE)
        if unshare and not subprocess.run([*command, "--", "true"],
                                          capture_output=True).returncode:
            return command
    return ()


@cache
def can_hide() -> bool:
    """Whether a folder can be hidden from a submission."""
    command = no_network()
    if not command or "m" not in command[1]:
        return False
    return not subprocess.run([*command, "/mnt", "--", "true"], capture_output=True).returncode


def apart(hidden: tuple[Path, ...] = ()) -> tuple[str, ...]:
    """The command that runs another one apart, as far as this system goes."""
    command = no_network()
    if not command:
        return ()
    folders = {f.resolve() for f in hidden if f.is_dir()} if can_hide() else set()
    # What lies in a hidden folder is gone with it, and cannot be mounted over any more.
    outermost = sorted(str(f) for f in folders if not folders & set(f.parents))
    return (*command, *outermost, "--")


def isolation() -> str:
    """One sentence on what holds a submission in here."""
    network = "no network" if no_network() else "the network, for nothing here closes it"
    memory = f"{MEMORY} GB of memory" if os.name == "posix" else "no memory limit here"
    files = ("the course and the other submissions hidden" if can_hide()
             else "and all files that you can read, for nothing here hides them")
    return f"Each submission runs in a process of its own: {memory}, {network}, {files}."
