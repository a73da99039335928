"""A function as it would behave in another Python session, where texts have other hashes.

Python draws the hashes of texts anew each time it starts, and with them the order of a set.  A
function whose result hangs on either gives other results tomorrow; within one session nothing shows
it.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import types


def elsewhere(function, session: int):
    """``function`` with other hashes and sets in another order; None where it cannot be rewritten.

    Its source is read, and ``set``, set displays and ``hash`` in it are exchanged.  What it calls
    stays as it is.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        if not isinstance(tree.body[0], ast.FunctionDef) or function.__closure__:
            return None
        tree.body[0].decorator_list = []
        tree = ast.fix_missing_locations(_Exchange().visit(tree))
        space = {**function.__globals__, "_set_of": _sets(session),
                 "_hash_of": lambda value: hash((session, str(value)))}
        exec(compile(tree, "<elsewhere>", "exec"), space)
        return space[function.__name__]
    except (OSError, TypeError, SyntaxError, AttributeError, KeyError):
        return None


class _Exchange(ast.NodeTransformer):
    def visit_Name(self, node):
        new = {"set": "_set_of", "frozenset": "_set_of", "hash": "_hash_of"}.get(node.id, node.id)
        return ast.Name(new, node.ctx)

    def visit_Set(self, node):
        self.generic_visit(node)
        return _called(ast.List(node.elts, ast.Load()))

    def visit_SetComp(self, node):
        self.generic_visit(node)
        return _called(ast.ListComp(node.elt, node.generators))


def _called(node):
    return ast.Call(ast.Name("_set_of", ast.Load()), [node], [])


def _sets(session):
    def order(self):
        return iter(sorted(set.__iter__(self), key=lambda value: hash((session, str(value)))))

    return types.new_class("set", (set,), exec_body=lambda body: body.update(__iter__=order))
