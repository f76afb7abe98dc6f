"""Mutants of a module: one place in its syntax tree is another, everything else is as it was.

What is no behaviour is left alone: annotations, docstrings and other texts (nobody's contract), assertions
(what the programme believes), protocols, decorators.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

import attrs

from tests.proof.planted.altered import PACKAGE, original

LAYERS: Final = ("model", "rules", "index", "engine")

_COMPARED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_COMPUTED: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.RShift: ast.LShift,
    ast.LShift: ast.RShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
_CALLED: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}


@attrs.frozen
class Mutant:
    """Altered source of one module.

    Attributes:
        path: the module, below ``grantcore``.
        number: which one of its mutants.
        line: where.
        told: what is different.
        source: the whole of it.
    """

    path: str
    number: int
    line: int
    told: str
    source: str = attrs.field(repr=False)

    @property
    def name(self) -> str:
        """How to ask for it again."""
        return f"{self.path}:{self.number}"


def _others(node: ast.AST) -> Iterator[ast.AST | None]:
    """What may stand in the place of a node; None: nothing at all."""
    match node:
        case ast.Compare(left, [op], [right]) if type(op) in _COMPARED:
            yield ast.Compare(left, [_COMPARED[type(op)]()], [right])
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.BinOp(left, op, right) if type(op) in _COMPUTED:
            yield ast.BinOp(left, _COMPUTED[type(op)](), right)
        case ast.Constant(bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(int(value)):
            yield ast.Constant(value + 1)
        case ast.Call(ast.Name(name), args, keywords) if name in _CALLED:
            yield ast.Call(ast.Name(_CALLED[name]), args, keywords)
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.If(test, body, orelse) if not isinstance(test, (ast.Compare, ast.BoolOp)):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case (
            ast.Raise() | ast.AugAssign() | ast.Delete() | ast.Break() | ast.Continue() | ast.Expr(ast.Call())
        ):
            yield ast.Pass()
        case ast.Assign([ast.Attribute() | ast.Subscript(), *_]):
            yield ast.Pass()
        case _:
            return


class _Mutator(ast.NodeTransformer):
    """Counts the places where something else may stand, and puts it into one of them."""

    def __init__(self, wanted: int) -> None:
        self.count = 0
        self.line = 0
        self.told = ""
        self._wanted = wanted

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, (ast.Assert, ast.JoinedStr)) or _is_protocol(node):
            return node
        for other in _others(node):
            self.count += 1
            if self.count == self._wanted and other is not None:
                self.line = getattr(node, "lineno", 0)
                self.told = f"{_short(node)}  ->  {_short(other)}"
                return ast.copy_location(other, node)
        for name, value in ast.iter_fields(node):
            if name in {"annotation", "returns", "decorator_list", "type_comment", "bases"}:
                continue
            self._descend(node, name, value)
        return node

    def _descend(self, node: ast.AST, name: str, value: object) -> None:
        if isinstance(value, ast.AST):
            setattr(node, name, self.visit(value))
        elif isinstance(value, list):
            value[:] = [self.visit(entry) if isinstance(entry, ast.AST) else entry for entry in value]


def _is_protocol(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Protocol" for base in node.bases)


def _short(node: ast.AST) -> str:
    return ast.unparse(ast.fix_missing_locations(node)).splitlines()[0][:110]


def count(path: str) -> int:
    """How many mutants a module has."""
    mutator = _Mutator(0)
    mutator.visit(ast.parse(original(path)))
    return mutator.count


def mutant(path: str, number: int) -> Mutant:
    """One of them, from 1."""
    mutator = _Mutator(number)
    tree = mutator.visit(ast.parse(original(path)))
    assert mutator.told, f"{path} has {mutator.count} mutants, no number {number}"
    return Mutant(path, number, mutator.line, mutator.told, ast.unparse(ast.fix_missing_locations(tree)))


def modules() -> list[str]:
    """All modules that are mutated."""
    paths = [path for layer in LAYERS for path in sorted((PACKAGE / layer).glob("*.py"))]
    return [path.relative_to(PACKAGE).as_posix() for path in paths]
