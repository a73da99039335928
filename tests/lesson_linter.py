"""What running a notebook cannot show: rules for lessons, read from the built notebooks.

Each rule takes a :class:`Lesson` and yields a sentence for everything it objects to.
``python tests/lesson_linter.py`` prints them for all lessons.
"""

from __future__ import annotations

import ast
import inspect
import re
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cellkit import show  # noqa: E402
from tools import address, builder  # noqa: E402

LONGEST, MEDIAN = 40, 8  # lines of a code cell
MAGICS = {"time"}


@dataclass
class Lesson:
    """A built notebook, the student's or the solved one, and the repository it is in."""

    path: Path
    root: Path = ROOT

    @cached_property
    def cells(self) -> list:
        return nbformat.read(self.path, as_version=4).cells

    @property
    def solved(self) -> bool:
        return self.path.parent.name == "solutions"

    @cached_property
    def code(self) -> list[tuple[str, str]]:
        """(where, source) of every code cell."""
        return [(f"cell {i}", c.source) for i, c in enumerate(self.cells, 1) if _is_code(c)]

    @cached_property
    def trees(self) -> list[tuple[str, ast.Module]]:
        """(where, syntax tree) of every code cell, magics left out."""
        return [(where, _parse(source)[0]) for where, source in self.code]

    @cached_property
    def markdown(self) -> str:
        return "\n\n".join(cell.source for cell in self.cells if cell.cell_type == "markdown")


def _is_code(cell) -> bool:
    return cell.cell_type == "code"


def _parse(source: str) -> tuple[ast.Module, list[str]]:
    """The tree of a cell, and the lines of it that are not Python."""
    try:
        return ast.parse(source), []
    except SyntaxError:
        pass
    kept, odd = [], []
    for line in source.split("\n"):
        magic = re.match(r"\s*%%?(\w+) ?(.*)", line)
        if magic and magic[1] in MAGICS:
            kept.append(magic[2])
        elif re.match(r"\s*[!%?]|.*\?\s*$|\s*[\w, ]+=\s*[!%]", line):
            odd.append(line.strip())
        else:
            kept.append(line)
    try:
        return ast.parse("\n".join(kept)), odd
    except SyntaxError as error:
        return ast.Module([], []), odd or [f"not Python: {error}"]


def _dotted(node: ast.AST) -> str:
    """``np.random.rand`` for that expression, "" for anything that is no dotted name."""
    if isinstance(node, ast.Attribute):
        left = _dotted(node.value)
        return f"{left}.{node.attr}" if left else ""
    return node.id if isinstance(node, ast.Name) else ""


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield _dotted(node.func), node


def _keywords(call: ast.Call) -> dict:
    return {keyword.arg: keyword.value for keyword in call.keywords}


def commands(lesson: Lesson) -> Iterator[str]:
    """No shell command and no magic, but %time."""
    for where, source in lesson.code:
        for line in _parse(source)[1]:
            yield f"{where}: {line!r} is neither Python nor a known magic"
        for name, _ in _calls(_parse(source)[0]):
            if name in ("os.system", "os.popen", "get_ipython"):
                yield f"{where}: {name}() runs what no test can see"


def lengths(lesson: Lesson) -> Iterator[str]:
    """Code cells that fit a screen, and are mostly much shorter; folded ones are not read."""
    open_ones = {f"cell {i}" for i, cell in enumerate(lesson.cells, 1)
                 if not cell.metadata.get("jupyter", {}).get("source_hidden")}
    counts = {where: source.count("\n") + 1 for where, source in lesson.code
              if where in open_ones}
    for where, count in counts.items():
        if count > LONGEST:
            yield f"{where}: {count} lines of code, at most {LONGEST}"
    if counts and statistics.median(counts.values()) > MEDIAN:
        yield f"median code cell has {statistics.median(counts.values()):g} lines, at most {MEDIAN}"


def objectives(lesson: Lesson) -> Iterator[str]:
    """Three to five objectives, and the same words in the recap."""
    promised = _bullets(lesson.markdown, "What you will be able to do")
    kept = _bullets(lesson.markdown, "Recap")
    if not 3 <= len(promised) <= 5:
        yield f"{len(promised)} bullets under 'What you will be able to do', expected 3 to 5"
    if promised != kept:
        only = [line for line in promised + kept if line not in promised or line not in kept]
        yield f"objectives and recap differ: {' | '.join(only) or 'their order'}"


def _bullets(markdown: str, heading: str) -> list[str]:
    section = re.search(rf"^## {heading}$(.*?)(?=^#|\Z)", markdown, re.M | re.S)
    items = re.split(r"^[-*] ", section[1], flags=re.M)[1:] if section else []
    return [" ".join(item.split("\n\n")[0].split()) for item in items]


def minutes(lesson: Lesson) -> Iterator[str]:
    """The minutes stand before the first code."""
    code = [i for i, cell in enumerate(lesson.cells) if _is_code(cell)]
    before = lesson.cells[: code[0]] if code else lesson.cells
    if not any(re.search(r"\*\*Minutes:\*\*\D*\d+", cell.source) for cell in before):
        yield "no line with **Minutes:** and their number before the set-up cell"


def figures(lesson: Lesson) -> Iterator[str]:
    """Every picture has a text alternative."""
    drawn = set()
    for where, tree in lesson.trees:
        called = dict(_calls(tree))
        for node in ast.walk(tree):
            names = [alias.name for alias in getattr(node, "names", ()) if hasattr(alias, "name")]
            module = getattr(node, "module", None) or ""
            if any("pyplot" in name for name in [*names, module]):
                yield f"{where}: pyplot shows figures without words; use ck.show.axes and .figure"
        for name, call in _calls(tree):
            yield from _figure(where, name, call)
            if name.split(".")[0] == "plt":
                yield f"{where}: {name}() shows figures without words; use ck.show"
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                if _dotted(node.value.func).endswith("show.axes"):
                    drawn |= {n.id for n in ast.walk(node.targets[0]) if isinstance(n, ast.Name)}
                    if not any(name.endswith("show.figure") for name in called):
                        yield f"{where}: ck.show.axes without ck.show.figure(fig, alt=...)"
        last = getattr(tree.body[-1], "value", None) if tree.body else None
        if isinstance(last, ast.Name) and last.id in drawn:
            yield f"{where}: ends with {last.id}, which shows a figure without words"
    if re.search(r"!\[\s*\](\(|\[)", lesson.markdown):
        yield "a markdown picture without its text: ![...]"
    for tag in re.findall(r"<img\b[^>]*>", lesson.markdown):
        if not re.search(r"alt=(\"[^\"]+\"|'[^']+')", tag):
            yield f"{tag} without alt"


def _figure(where: str, name: str, call: ast.Call) -> Iterator[str]:
    parts = name.split(".")
    if parts[-1] in ("Image", "SVG") and "alt" not in _keywords(call):
        yield f"{where}: {name}() without alt="
    function = getattr(show, parts[-1], None) if parts[-2:-1] == ["show"] else None
    if function is None or "alt" not in inspect.signature(function).parameters:
        return
    alt = _keywords(call).get("alt")
    text = alt.value if isinstance(alt, ast.Constant) else "computed"
    if alt is None or not isinstance(text, str) or not text.strip():
        yield f"{where}: {name}() without a text alternative alt=..."


#: call -> the argument that makes it repeatable (default_rng also takes its seed by position)
SEEDS = {
    "default_rng": "seed",
    "Random": "x",
    "random_noise": "rng",
    "KMeans": "random_state",
    "train_test_split": "random_state",
}
TORCH_RANDOM = {
    "rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like", "normal",
    "bernoulli", "multinomial", "poisson",
}  # fmt: skip
#: made at the top level of a cell, they start from random weights (ck.UNet has a seed of its own)
WEIGHTS = {"Linear", "Conv2d", "ConvTranspose2d"}


def randomness(lesson: Lesson) -> Iterator[str]:
    """Every random number comes from a seed that the lesson shows."""
    seeded = False
    modules = {
        alias.asname or alias.name
        for _, tree in lesson.trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name == "random"
    }
    for where, tree in lesson.trees:
        deferred = {
            id(call)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda)
            for _, call in _calls(node)
        }
        for name, call in sorted(_calls(tree), key=lambda found: _position(found[1])):
            *owner, last = name.split(".")
            given = _keywords(call)
            if name.endswith("torch.manual_seed"):
                seeded = bool(call.args or given)
            elif owner[-1:] == ["random"] and owner[:-1] in (["np"], ["numpy"]):
                if last not in SEEDS and last not in ("Generator", "SeedSequence", "PCG64"):
                    yield f"{where}: {name}() draws from numpy's global state, not from a seed"
            elif owner and owner[0] in modules and last not in SEEDS:
                yield f"{where}: {name}() draws from Python's global state, not from a seed"
            elif owner == ["torch"] and last in TORCH_RANDOM | {"Generator"}:
                if last != "Generator" and not seeded and "generator" not in given:
                    yield f"{where}: {name}() before torch.manual_seed(...) and without generator="
            elif last in WEIGHTS and id(call) not in deferred and not seeded:
                yield f"{where}: {name}() starts from random weights before torch.manual_seed(...)"
            elif last == "DataLoader" and not seeded and "generator" not in given:
                if not isinstance(given.get("shuffle"), ast.Constant | None) or getattr(
                    given.get("shuffle"), "value", False
                ):
                    yield f"{where}: {name}() shuffles before torch.manual_seed(...)"
            if last in SEEDS:
                seed = given.get(SEEDS[last])
                if seed is None and last in ("default_rng", "Random") and call.args:
                    seed = call.args[0]
                if seed is None or (isinstance(seed, ast.Constant) and seed.value is None):
                    yield f"{where}: {name}() without a seed"


def _position(node: ast.AST) -> tuple[int, int]:
    return node.lineno, node.col_offset


def paths(lesson: Lesson) -> Iterator[str]:
    """No path that exists on one machine only."""
    folders = "home|Users|root|tmp|content|opt|mnt|media|usr|var|work|data|drive"
    for i, cell in enumerate(lesson.cells, 1):
        for found in re.finditer(
            rf"(?<![\w:/.)\]])/(?:{folders})/[\w./-]*|\b[A-Za-z]:\\+\w+|(?<!\w)~/\w+", cell.source
        ):
            yield f"cell {i}: {found[0]!r} is an absolute path"


def outputs(lesson: Lesson) -> Iterator[str]:
    """Nothing that was executed is stored; the solved form holds what # expect: says."""
    for i, cell in enumerate(lesson.cells, 1):
        if not _is_code(cell) or (cell.execution_count is None and not cell.outputs):
            continue
        expected = "nbval-check-output" in cell.metadata.get("tags", ())
        if not (lesson.solved and expected):
            yield f"cell {i}: stored output or execution count"


def links(lesson: Lesson) -> Iterator[str]:
    """Relative links, and those into this repository, lead to a file."""
    own = address.repository(lesson.root)
    for target in re.findall(r"\]\(([^)\s]+)\)|(?:href|src)=[\"']([^\"']+)", lesson.markdown):
        target = next(filter(None, target))
        inside = re.match(rf"{re.escape(own)}/(?:blob|tree|raw)/main/([^#]*)", target)
        if inside:
            file = lesson.root / inside[1]
        elif re.match(r"[a-z][a-z+.-]*:|#", target):
            continue
        else:
            file = lesson.path.parent / target.partition("#")[0]
        if not file.exists():
            yield f"link to {target}, which is not there"


def badges(lesson: Lesson) -> Iterator[str]:
    """The badge, in the first cell, opens this very notebook."""
    wanted = builder.badge(lesson.path.relative_to(lesson.root).as_posix(), lesson.root)
    if wanted not in lesson.cells[0].source.split("\n"):
        yield f"the first cell has no badge for this notebook: {wanted}"
    for path in re.findall(r"colab\.research\.google\.com/github/([^)\s]+)", lesson.markdown):
        if path not in wanted:
            owner_repo = address.repository(lesson.root).removeprefix("https://github.com/")
            file = lesson.root / path.removeprefix(f"{owner_repo}/blob/main/")
            if not (path.startswith(owner_repo) and file.exists()):
                yield f"Colab link to {path}, which is no notebook here"


def exercises(lesson: Lesson) -> Iterator[str]:
    """The task says its points, and the student's form holds no answer."""
    task = {}
    for i, cell in enumerate(lesson.cells, 1):
        grader = cell.metadata.get("nbgrader", {})
        name = grader.get("grade_id", "").removesuffix("-exercise").removesuffix("-check")
        if cell.cell_type == "markdown" and grader:
            task[name] = cell.source
        elif grader.get("grade"):
            points = f"{grader['points']:g} point"
            if not re.search(rf"\b{re.escape(points)}s?\b", task.get(name, "")):
                yield f"cell {i}: exercise {name} is worth {points}(s); its task does not say so"
        if not lesson.solved and re.search(r"(BEGIN|END) (SOLUTION|HIDDEN TESTS)", cell.source):
            yield f"cell {i}: solution or hidden tests in the student's notebook"


def budgeted(lesson: Lesson) -> bool:
    """Whether the lesson's head says its minutes by section; the rules below are for such."""
    return "**By section:**" in lesson.markdown


def names(lesson: Lesson) -> Iterator[str]:
    """No name is used again for another thing, so that any cell can be run again."""
    if not budgeted(lesson):
        return
    tasks = {cell.metadata["nbgrader"]["grade_id"] for cell in lesson.cells
             if cell.metadata.get("nbgrader", {}).get("solution")}
    stored, read = {}, {}
    for where, source in lesson.code:
        tree, first = _parse(source.split("# END HIDDEN TESTS")[-1])[0], {}
        for name, at in _stored(tree):
            first[name] = min(first.get(name, at), at)
        for name in first:
            stored.setdefault(name, []).append(where)
        for name, at in _read(tree):
            if at < first.get(name, (10**9, 0)):
                read.setdefault(name, where)
    for name in sorted(set(stored) & set(read) - tasks):
        if len(stored[name]) > 1:
            yield (f"{name} is set in {' and '.join(stored[name])} and read in {read[name]}: run "
                   "again, that cell may get the other; give one of them another name")


def _scope(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes of a cell's own level: neither in functions and classes nor in comprehensions."""
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda | ast.ListComp
                      | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            continue
        waiting.extend(ast.iter_child_nodes(node))


def _stored(tree: ast.Module) -> Iterator[tuple[str, tuple[int, int]]]:
    """Names set at a cell's own level, and from where on: in ``x = f(x)`` after what is read."""
    later = {}
    for node in _scope(tree):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            later |= {id(inner): (node.end_lineno, node.end_col_offset)
                      for inner in ast.walk(node)}
    for node in _scope(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, _position(node)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, later.get(id(node), _position(node))


def _read(tree: ast.Module) -> Iterator[tuple[str, tuple[int, int]]]:
    """Names read and not bound in the same function or comprehension, with their place."""
    local = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.Lambda | ast.ListComp | ast.SetComp
                      | ast.DictComp | ast.GeneratorExp | ast.ClassDef):
            bound = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)
                     and isinstance(n.ctx, ast.Store)} | {n.arg for n in ast.walk(node)
                                                          if isinstance(n, ast.arg)}
            for inner in ast.walk(node):
                local.setdefault(id(inner), set()).update(bound)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            if node.id not in local.get(id(node), ()):
                yield node.id, _position(node)


def questions(lesson: Lesson) -> Iterator[str]:
    """Each question has options with a reason each, one of them right; two recall, ten test."""
    begun = 0
    for i, cell in enumerate(lesson.cells, 1):
        if cell.cell_type != "markdown":
            if "ck.lesson.setup(" in cell.source:
                begun = i
            continue
        options = re.findall(r"<details><summary>(.*?)</summary>(.*?)</details>", cell.source)
        if "<details" not in cell.source and "**Question." not in cell.source:
            continue
        if cell.source.count("<details") != len(options) or "**Question." not in cell.source:
            yield f'cell {i}: <details> that is no question; write one with tags=["question"]'
            continue
        right = [reason for _, reason in options if reason.startswith("<p><b>Yes.</b>")]
        short = [option for option, reason in options if len(reason.split()) < 4]
        if len(options) < 2 or len(right) != 1 or short:
            yield f"cell {i}: {len(options)} options, {len(right)} right, {len(short)} unreasoned"
    if budgeted(lesson):
        asked = [i for i, cell in enumerate(lesson.cells, 1) if "**Question." in cell.source
                 and cell.cell_type == "markdown"]
        wanted = 10 if lesson.path.name.startswith("01") else 2
        if sum(i < begun for i in asked) < wanted:
            yield f"{sum(i < begun for i in asked)} questions before the set-up, expected {wanted}"
        if not any(i > begun for i in asked):
            yield "no question after a figure"


#: what a careful writer does not write here -> what to write
WORDING = {
    r"\b[Oo]ur papers?\b|\b(?:one|first|second|third) of our papers\b": "the paper's name",
    r"\b[Pp]apers? [1-5]\b": "the paper's name",
    r"\b[Dd]ivisions?\b": "split",
    r"\bshout(?:s|ed)? down\b": "outweigh",
    r"\bby heart\b": "memorised",
    r"\bset apart\b": "set aside",
    r"\bboth M\b": "both values of M",
    r"doi\.org|arxiv\.org/": "a link (paper:key)",
}


def wording(lesson: Lesson) -> Iterator[str]:
    """One word for one thing, and papers by their names."""
    if not budgeted(lesson):
        return
    text = re.sub(r"\]\([^)]*\)", "]", lesson.markdown)
    for pattern, better in WORDING.items():
        for found in re.finditer(pattern, text):
            yield f"{found[0]!r}: write {better}"


RULES = [
    commands, lengths, objectives, minutes, figures, randomness, paths, outputs, links, badges,
    exercises, names, questions, wording,
]  # fmt: skip


def lint(path: Path, root: Path = ROOT) -> list[str]:
    """All objections to one built notebook, each beginning with the rule's name."""
    lesson = Lesson(path, root)
    return [f"{rule.__name__}: {text}" for rule in RULES for text in rule(lesson)]


if __name__ == "__main__":
    found = [
        f"{path.relative_to(ROOT).as_posix()}: {text}"
        for source in builder.sources()
        for path in builder.build(source)
        for text in (lint(path) if path.exists() else ["not built; run: make notebooks"])
    ]
    print("\n".join(found) or "nothing to object to")
    sys.exit(bool(found))
