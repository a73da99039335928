"""Mechanical mutants of a function: one small change each, as a careless programmer makes them."""

from __future__ import annotations

import ast
import copy
import inspect
import sys
import textwrap

OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Invert: ast.UAdd, ast.Not: None,
    ast.USub: ast.UAdd,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "sum": "mean", "mean": "sum", "any": "all", "all": "any",
         "zeros": "ones", "zeros_like": "ones_like", "new_zeros": "new_ones", "argmin": "argmax",
         "logical_and": "logical_or", "logsigmoid": "sigmoid", "softplus": "relu",
         "rows": "columns", "top": "left"}  # fmt: skip


def changes(node):
    """The small changes that can be made to one node, as functions that make them."""
    if isinstance(node, ast.Constant) and type(node.value) is bool:
        yield lambda n: setattr(n, "value", not n.value)
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        for new in {node.value + 1, node.value - 1, node.value * 2} - {node.value}:
            yield lambda n, new=new: setattr(n, "value", new)
    elif isinstance(node, (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.AugAssign)):
        if OPERATORS.get(type(node.op)):
            yield lambda n: setattr(n, "op", OPERATORS[type(n.op)]())
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in OPERATORS:
        yield lambda n: n.ops.__setitem__(0, OPERATORS[type(n.ops[0])]())
    elif isinstance(node, ast.Attribute) and node.attr in NAMES:
        yield lambda n: setattr(n, "attr", NAMES[n.attr])
    elif isinstance(node, ast.Name) and node.id in NAMES and isinstance(node.ctx, ast.Load):
        yield lambda n: setattr(n, "id", NAMES[n.id])
    elif isinstance(node, (ast.Tuple, ast.List)) and len(node.elts) > 1:
        yield lambda n: n.elts.insert(0, n.elts.pop(1))
    elif isinstance(node, ast.Call) and len(node.args) > 1:
        yield lambda n: n.args.insert(0, n.args.pop(1))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args:
        yield lambda n: n.__dict__.update(func=ast.Name("identity", ast.Load()),
                                          args=[n.func.value], keywords=[])  # x.copy() → x
    if isinstance(getattr(node, "body", None), list) and len(node.body) > 1:
        for k, line in enumerate(node.body):
            if not isinstance(line, (ast.Return, ast.FunctionDef)) and not docstring(line):
                yield lambda n, k=k: n.body.__setitem__(k, ast.Pass())


def docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def mutants(function):
    """Yield (what was changed, the changed function) for every mutant of a function."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    before = ast.unparse(tree).splitlines()
    for i, node in enumerate(ast.walk(tree)):
        for change in changes(node):
            mutant = copy.deepcopy(tree)
            change(list(ast.walk(mutant))[i])
            after = ast.unparse(ast.fix_missing_locations(mutant)).splitlines()
            if after == before:
                continue
            old, new = next((a, b) for a, b in zip(before, after, strict=False) if a != b)
            space = {**vars(sys.modules[function.__module__]), "identity": lambda x: x}
            try:
                exec(compile(mutant, f"<mutant of {function.__name__}>", "exec"), space)
            except Exception:  # the change broke a decorator: there is no function to examine
                continue
            yield f"{old.strip()}  →  {new.strip()}", space[function.__name__]
