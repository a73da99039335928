"""The repository as a whole: what it installs, what its wheel carries, what it says of itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from importlib.metadata import distribution, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements(file):
    """Name → version of a file of exact pins; what other systems need alone is left out."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    assert all([s.operator for s in pin.specifier] == ["=="] for pin in pins)
    return {
        canonicalize_name(pin.name): Version(next(iter(pin.specifier)).version)
        for pin in pins
        if pin.marker is None or pin.marker.evaluate()
    }


EXTRAS = ("lab", "test", "site", "instructor")  # what the lock is resolved for
LOCK = requirements("requirements.lock")
COLAB = requirements("tests/colab/versions.txt")


def test_torch_is_the_one_that_its_torchvision_was_built_for():
    wanted = [
        requirement
        for requirement in map(Requirement, distribution("torchvision").requires)
        if requirement.name == "torch"
    ]
    assert wanted and all(r.specifier.contains(version("torch"), True) for r in wanted)

    import torch
    from torchvision.ops import nms  # compiled against one torch, and fails to load with another

    boxes = torch.tensor([[0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30]], dtype=torch.float32)
    assert nms(boxes, torch.tensor([0.8, 0.9, 0.7]), 0.5).tolist() == [1, 2]


def test_runtime_needs_only_what_colab_has():
    for line in PROJECT["dependencies"]:
        requirement = Requirement(line)
        assert [s.operator for s in requirement.specifier] == [">="], line
        assert COLAB[canonicalize_name(requirement.name)] in requirement.specifier, line


def test_lock_holds_everything_that_ci_asks_for():
    extras = PROJECT["optional-dependencies"]
    assert set(extras) == {"dask", "lab", "site", "test", "instructor", "bench", "tools", "export"}
    asked = PROJECT["dependencies"] + [one for name in EXTRAS for one in extras[name]]
    for requirement in map(Requirement, asked):
        if requirement.marker and not requirement.marker.evaluate():
            continue
        assert LOCK[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_lock_is_closed():
    """Whatever a locked package needs is locked too: nothing floats."""
    for name in LOCK:
        for line in distribution(name).requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                assert canonicalize_name(requirement.name) in LOCK, f"{name} needs {requirement}"


def test_what_is_installed_is_what_the_lock_says():
    installed = {name: Version(Version(version(name)).public) for name in LOCK}
    assert installed == LOCK


SYSTEMS = ("x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-pc-windows-msvc",
           "aarch64-apple-darwin")  # fmt: skip


@pytest.mark.parametrize("python", ["3.11.2", "3.12", "3.13"])
def test_lock_resolves_elsewhere(python, tmp_path):
    """On other systems too: a wheel for each pin, and nothing that is not pinned."""
    pytest.importorskip("uv")
    pinned = {
        canonicalize_name(Requirement(line).name)
        for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    }
    for system in SYSTEMS:
        out = tmp_path / system
        done = subprocess.run(
            [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header",
             "--no-annotate", "--only-binary", ":all:", "--python-version", python,
             "--python-platform", system, "requirements.lock", "--output-file", str(out)],
            cwd=ROOT, capture_output=True, encoding="utf-8",
            env=os.environ | {"MACOSX_DEPLOYMENT_TARGET": "14.0"},
        )  # fmt: skip
        if re.search("error sending request|Failed to fetch|Could not connect", done.stderr):
            pytest.skip("no package index")
        assert done.returncode == 0, f"{python} on {system}: {done.stderr}"
        lines = out.read_text(encoding="utf-8").split()
        assert {line.partition("==")[0] for line in lines} <= pinned, system


SCHEMAS = {
    ".github/workflows/*.yml": "vendor.github-workflows",
    ".github/ISSUE_TEMPLATE/[!c]*.yml": "vendor.github-issue-forms",
    ".github/ISSUE_TEMPLATE/config.yml": "vendor.github-issue-config",
    "CITATION.cff": "vendor.citation-file-format",
}


@pytest.mark.parametrize("files", SCHEMAS)
def test_files_for_github_are_what_it_can_read(files):
    """GitHub itself cannot be asked here; its published schemas can."""
    found = [str(path) for path in sorted(ROOT.glob(files))]
    assert found
    pytest.importorskip("check_jsonschema")
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", SCHEMAS[files], *found],
        capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_workflows_call_the_makefile_and_do_little_else():
    made = (ROOT / "Makefile").read_text(encoding="utf-8")
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
        for name, job in jobs.items():
            assert "timeout-minutes" in job, f"{path.name}: {name}"
            calls = [step["run"] for step in job["steps"] if "run" in step]
            known = [call for call in calls if call.startswith(("make ", "bash .ci/run"))]
            assert known and len(calls) - len(known) <= 1, f"{path.name}: {name}"
            for call in known:
                target = call.split()[1]
                assert target == ".ci/run" or re.search(rf"^{target}:", made, re.M), call


def test_versions_agree():
    import cellkit

    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == cellkit.__version__ and cited["license"] == PROJECT["license"]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\n## {cellkit.__version__}\n" in changes


def followed(file):
    """The requirement lines of a pip list, with ``-r`` followed."""
    for line in file:
        if line.startswith("-r "):
            text = (ROOT / line[3:].strip()).read_text(encoding="utf-8")
            yield from followed([one for one in text.splitlines() if not one.startswith("#")])
        else:
            yield line.strip()


def test_citation_for_a_bibliography_says_what_citation_cff_says():
    import cellkit

    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    said = dict(re.findall(r"^  (\w+) = \{(.+)\},$", cellkit.__citation__, re.M))
    said = {key: value.replace("{", "").replace("}", "") for key, value in said.items()}
    assert said == {"author": " and ".join(one["name"] for one in cited["authors"]),
                    **{key: cited[key] for key in ("title", "version", "license")}}
    assert re.match(r"@software\{\w+,\n", cellkit.__citation__)
    assert cellkit.__citation__.count("{") == cellkit.__citation__.count("}")


def test_environment_yml_asks_for_the_lock():
    parts = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    *conda, last = parts
    assert {re.split("[=<> ]", part)[0] for part in conda} == {"python", "pip"}
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pinned = [line for line in lock if line and not line.startswith("#")]
    assert sorted(followed(last["pip"])) == sorted([*pinned, "-e ."])


def tracked():
    """Hand-written text files, as git knows them."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    built = re.compile(r"notebooks/(solutions/)?\d\d_\w+\.ipynb$|README\.md$")
    for name in done.stdout.decode().split("\0"):
        path = ROOT / name
        if name and path.suffix in TEXT and path.is_file() and not built.match(name):
            yield name, path.read_text(encoding="utf-8")


TEXT = {".py", ".md", ".toml", ".yml", ".txt", ".lock", ".cff", ".json", ""}


def test_one_line_holds_the_address_of_the_repository():
    owner_repo = PROJECT["urls"]["Repository"].removeprefix("https://github.com/")
    this = "tests/test_notebooks.py"  # plants it in a lesson, to see it found
    lines = [
        f"{name}: {line}"
        for name, text in tracked()
        for line in text.splitlines()
        if owner_repo in line and name != this
    ]
    assert len(lines) == 1 and lines[0].startswith("pyproject.toml: "), lines


def test_built_text_has_the_same_bytes_whatever_git_does_with_line_ends():
    files = ["notebooks/01_data_and_masks.ipynb", "notebooks/source/01_data_and_masks.py",
             "README.md", "requirements.lock"]
    told = subprocess.run(["git", "-c", "core.autocrlf=true", "check-attr", "eol", *files],
                          cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == [f"{file}: eol: lf" for file in files]


def test_nothing_of_one_machine_is_written_down():
    private = re.compile(r"(?<![\w.])/(?:work|home|Users|root|opt)/\w|find-links|index-url")
    mine = {"tests/test_repository.py", "tests/test_notebooks.py"}
    found = [
        f"{name}: {line.strip()[:100]}"
        for name, text in tracked()
        for line in text.splitlines()
        if private.search(line) and name not in mine
    ]
    assert found == []


def test_ruff_has_nothing_to_object_to():
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise", "."],
        cwd=ROOT, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_readme_names_only_commands_that_exist():
    told = (ROOT / "README.md").read_text(encoding="utf-8")
    made = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    wanted = set(re.findall(r"(?:^|`|\s)make ([a-z-]+)", told))
    assert {"lab", "test", "lesson"} <= wanted <= made
    screen = "\n".join(told.splitlines()[:30])
    assert "make lab" in screen and "make test" in screen


def test_readme_is_read_in_two_minutes():
    """At some 210 words a minute, without the table of lessons, whose pictures are looked at."""
    told = (ROOT / "README.md").read_text(encoding="utf-8")
    told = re.sub(r"<!-- lessons: .*?<!-- end -->", "", told, flags=re.S)
    told = re.sub(r"!\[[^\]]*\]|\]\([^)]*\)", "", told)  # pictures; where links lead
    assert 200 < len(re.findall(r"\w[\w./-]*", told)) <= 420


def test_ci_runs_the_readme_command():
    assert re.search(r"^exec make test\b", (ROOT / ".ci/run").read_text(encoding="utf-8"), re.M)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this working tree."""
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--no-build-isolation", "--wheel-dir", str(out), str(ROOT)],
        check=True, capture_output=True,
    )  # fmt: skip
    return next(out.glob("cellkit-*.whl"))


def test_wheel_carries_code_data_weights_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    folders = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert folders == {"cellkit", "cellkit_course"}  # no experiments, tools, tests
    here = {
        path.relative_to(ROOT).as_posix()
        for folder in ("cellkit", "cellkit_course", "data")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    carried = {name if (ROOT / name).exists() else name.removeprefix("cellkit/") for name in names}
    assert here <= carried
    assert any(name.startswith("cellkit/data/livecell_tiny/") for name in names)
    assert sum(name.endswith("/licenses/LICENSE") for name in names) == 1


@pytest.fixture(scope="module")
def elsewhere(wheel, tmp_path_factory):
    """Run Python where the wheel is installed and this repository is not to be found."""
    site, home = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("home")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps",
         "--disable-pip-version-check", "--target", str(site), str(wheel)],
        check=True, capture_output=True,
    )  # fmt: skip
    others = sysconfig.get_paths()["purelib"]  # on PYTHONPATH with -S: its .pth, which leads here,
    env = {k: v for k, v in os.environ.items() if not k.startswith("CELLKIT_")}  # is not followed
    env |= {"PYTHONPATH": os.pathsep.join([str(site), others]), "CELLKIT_PROFILE": "tiny",
            "CELLKIT_STRICT": "1", "CELLKIT_PROGRESS": str(home / "p.json"), "MPLBACKEND": "agg"}

    def run(code, *arguments):
        done = subprocess.run([sys.executable, "-S", "-c", code, *arguments], cwd=home, env=env,
                              capture_output=True, encoding="utf-8")
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return site, done.stdout

    return run


def test_wheel_reads_its_data_away_from_the_checkout(elsewhere):
    site, said = elsewhere("""
import cellkit as ck
s = ck.read('livecell')
print(ck.__file__, ck.lesson.__file__, sep="\\n")
print(s[0].labels.max() > 0, ck.load_weights("livecell").head)
""")
    *where, what = said.splitlines()
    assert all(Path(file).is_relative_to(site) for file in where) and what == "True foreground"


def test_wheel_runs_lesson_1_away_from_the_checkout(elsewhere):
    _, said = elsewhere("""
import importlib.util, json, sys
from IPython.core.interactiveshell import InteractiveShell
assert not any(map(importlib.util.find_spec, ("experiments", "tools", "tests")))
shell = InteractiveShell.instance()
cells = json.load(open(sys.argv[1], encoding="utf-8"))["cells"]
for cell in cells:
    if cell["cell_type"] == "code":
        shell.run_cell("".join(cell["source"])).raise_error()
print("reached the end")
""", str(ROOT / "notebooks/solutions/01_data_and_masks.ipynb"))
    assert said.rstrip().endswith("reached the end")


def test_import_takes_no_torch():
    done = subprocess.run(
        [sys.executable, "-c", "import cellkit, sys; print('torch' in sys.modules)"],
        cwd=ROOT, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert done.stdout.strip() == "False", done.stderr
