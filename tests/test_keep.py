"""What students wrote into a notebook is never lost."""

from __future__ import annotations

import subprocess

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools import keep


@pytest.fixture
def notebooks(tmp_path):
    """A repository with one built notebook, committed."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    notebook = new_notebook(cells=[new_code_cell("x = 1", id="one")])
    notebook.metadata["cellkit"] = {"built": keep.mark(notebook)}
    nbformat.write(notebook, folder / "01_fake.ipynb")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "built"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *command],
                       cwd=tmp_path, check=True)
    return folder


def change(path, how):
    notebook = nbformat.read(path, as_version=4)
    how(notebook.cells[0])
    nbformat.write(notebook, path)


@pytest.mark.parametrize("how", [
    lambda cell: cell.update(source="x = 2"),
    lambda cell: cell.update(outputs=[new_output("stream", name="stdout", text="1\n")]),
])  # fmt: skip
def test_a_filled_notebook_is_moved_and_nothing_in_my_written_over(notebooks, how):
    path, mine = notebooks / "01_fake.ipynb", notebooks.parent / "my"
    assert not keep.touched(path)
    change(path, how)
    filled = path.read_bytes()
    assert keep.touched(path)
    mine.mkdir()
    (mine / "01_fake.ipynb").write_text("an earlier one", encoding="utf-8")
    assert keep.keep(notebooks, mine) == [mine / "01_fake_2.ipynb"]
    assert (mine / "01_fake_2.ipynb").read_bytes() == filled and not path.exists()
    assert (mine / "01_fake.ipynb").read_text(encoding="utf-8") == "an earlier one"


def test_what_is_built_or_committed_is_not_taken_for_a_students(notebooks):
    path = notebooks / "01_fake.ipynb"
    change(path, lambda cell: cell.update(source="x = 3"))
    rebuilt = nbformat.read(path, as_version=4)
    rebuilt.metadata["cellkit"] = {"built": keep.mark(rebuilt)}  # as the builder leaves it
    nbformat.write(rebuilt, path)
    assert not keep.touched(path)
    path.write_text("{}", encoding="utf-8")  # a broken one may hold anything
    assert keep.touched(path)


def test_a_notebook_that_git_does_not_know_is_somebodys(notebooks):
    path = notebooks / "02_own.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("y = 1", id="y")]), path)
    assert keep.touched(path)
