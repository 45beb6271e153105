"""Selection expressions: Common Expression Language over DICOM keywords, compiled once and checked for sense.

The language is CEL (https://github.com/google/cel-spec), evaluated by cel-python; the names are those of
:mod:`operators.read.variables`. ``has(Keyword)`` tells whether the attribute has a value.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any, cast

import celpy
import lark
from celpy import celtypes
from celpy.evaluation import base_functions

from operators.read.attributes import MalformedAttributeError
from operators.read.variables import DERIVED_NAMES, CelValue, SeriesVariables, keywords, sample

_MACROS = frozenset({"all", "exists", "exists_one", "filter", "map"})
_FUNCTIONS = frozenset(name for name in base_functions if name.isidentifier()) | {"has", "dyn"}
_TYPES = frozenset({"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "uint"})

# The inner nodes of celpy's syntax tree that may stand alone; with one child they only pass it on.
_OPERATIONS = frozenset({"expr", "conditionalor", "conditionaland", "relation", "addition", "multiplication", "unary"})

_SHOWN_CHARACTERS = 80

# At the level DEBUG it would write every value into the log, patients' names included.
logging.getLogger("celpy").setLevel(logging.WARNING)

_environment = celpy.Environment()
# The parser keeps the text it is working on as its own state.
_parser_lock = Lock()


class ExpressionError(ValueError):
    """An expression is wrong in itself, whatever the series: its syntax, a name or the types that meet in it."""


@dataclass(frozen=True, eq=False)
class Expression:
    """A compiled expression; ``names`` are the variables that it uses, in order of appearance."""

    text: str
    names: tuple[str, ...]
    _program: Any

    def truth(self, variables: SeriesVariables) -> bool | None:
        """Return whether the expression is true of a series; None if it cannot be evaluated."""
        value = self._evaluate(variables)
        return bool(value) if isinstance(value, celtypes.BoolType) else None

    def rank(self, variables: SeriesVariables) -> float | None:
        """Return the number (or 1 for true, 0 for false) that a series gets; None if it cannot be evaluated."""
        value = self._evaluate(variables)
        return float(value) if isinstance(value, (int, float)) else None

    def seen(self, variables: SeriesVariables) -> str:
        """Return what the series holds for each name used, for people: ``EchoTime 98, ImageType absent``."""
        return ", ".join(f"{name} {_shown(name, variables)}" for name in self.names)

    def _evaluate(self, variables: SeriesVariables) -> CelValue | None:
        try:
            found = {name: variables(name) for name in self.names}
        # A value that is there but unreadable must not count as absent: the expression may ask for absence.
        except MalformedAttributeError:
            return None
        try:
            return self._program.evaluate({name: value for name, value in found.items() if value is not None})
        # An absent attribute was used, or a conversion failed: by CEL's rules the expression then has no value.
        except celpy.CELEvalError:
            return None


@lru_cache(maxsize=4096)
def compile_expression(text: str) -> Expression:
    """Compile an expression, once for each text.

    Raises :class:`ExpressionError` for wrong syntax, an unknown DICOM keyword or function (naming the nearest), and
    types that do not go together, such as a double compared with a text.
    """
    with _parser_lock:
        try:
            tree = _environment.compile(text)
        except celpy.CELParseError as error:
            raise ExpressionError(f"{text!r} is not CEL: wrong {_place(error)}") from error
    _check_functions(tree, text)
    names = _names(tree, text)
    expression = Expression(text, names, _environment.program(tree))
    _check_types(tree, expression)
    return expression


@lru_cache(maxsize=4096)
def compile_condition(text: str) -> Expression:
    """Compile an expression that must give true or false; raises :class:`ExpressionError`."""
    expression = compile_expression(text)
    value = _sample_value(expression)
    if value is not None and not isinstance(value, celtypes.BoolType):
        raise ExpressionError(f"{text!r} gives {_type(value)}, not true or false")
    return expression


@lru_cache(maxsize=4096)
def compile_preference(text: str) -> Expression:
    """Compile an expression that must give a number, or true or false; raises :class:`ExpressionError`."""
    expression = compile_expression(text)
    value = _sample_value(expression)
    if value is not None and not isinstance(value, (int, float)):
        raise ExpressionError(f"{text!r} gives {_type(value)}, not a number or true or false")
    return expression


def _names(tree: lark.Tree[Any], text: str) -> tuple[str, ...]:
    bound = {str(argument) for argument in _macro_variables(tree)}
    known = keywords() | set(DERIVED_NAMES) | _TYPES
    names = [str(node.children[0]) for node in tree.find_pred(lambda node: node.data in ("ident", "dot_ident"))]
    for name in names:
        if name not in known and name not in bound:
            raise ExpressionError(
                f"{text!r} uses {name!r}, which is no DICOM keyword of text or numbers{_nearest(name, known)}"
            )
    ordered = sorted(set(names) - bound - _TYPES, key=lambda name: text.index(name))
    return tuple(ordered)


def _check_functions(tree: lark.Tree[Any], text: str) -> None:
    called = [str(node.children[0]) for node in tree.find_data("ident_arg")]
    called += [str(node.children[1]) for node in tree.find_data("member_dot_arg")]
    known = _FUNCTIONS | _MACROS
    for name in called:
        if name not in known:
            raise ExpressionError(f"{text!r} calls {name!r}, which is no function of CEL{_nearest(name, known)}")


def _macro_variables(tree: lark.Tree[Any]) -> Iterator[str]:
    """The x of ``list.exists(x, …)``."""
    for node in tree.find_data("member_dot_arg"):
        if node.children[1] in _MACROS and len(node.children) > 2:
            variable = cast("lark.Tree[Any]", cast("lark.Tree[Any]", node.children[2]).children[0])
            yield from (str(ident.children[0]) for ident in variable.find_data("ident"))


def _check_types(tree: lark.Tree[Any], expression: Expression) -> None:
    """Try every operation with made-up values of the right types, also those that and, or and ?: would pass over."""
    samples = {name: sample(name) for name in expression.names}
    for node in tree.iter_subtrees():
        if not (node.data == "member" or (node.data in _OPERATIONS and len(node.children) > 1)):
            continue
        try:
            _environment.program(node).evaluate(samples)
            if _is_search_in_text(node, samples):
                raise ExpressionError(_wrong_types(expression, samples))
        except celpy.CELEvalError as error:
            if error.args[0] == "match error":
                raise ExpressionError(f"{expression.text!r} holds a wrong regular expression (RE2)") from error
            if TypeError in error.args:
                raise ExpressionError(_wrong_types(expression, samples)) from error


def _is_search_in_text(node: lark.Tree[Any], samples: Mapping[str, CelValue]) -> bool:
    """Whether this is ``x in y`` with a text for y: not CEL, but cel-python would answer false without an error."""
    if not (isinstance(node.children[0], lark.Tree) and node.children[0].data == "relation_in"):
        return False
    return isinstance(_environment.program(node.children[1]).evaluate(samples), celtypes.StringType)


def _wrong_types(expression: Expression, samples: Mapping[str, CelValue]) -> str:
    types = ", ".join(f"{name} is {_type(value)}" for name, value in samples.items())
    return f"{expression.text!r} uses values of the wrong type ({types}; 3 is int, 3.0 is double)"


def _sample_value(expression: Expression) -> CelValue | None:
    try:
        return expression._program.evaluate({name: sample(name) for name in expression.names})
    # The made-up value suits the type but perhaps not the expression, e.g. a conversion of text to a number.
    except celpy.CELEvalError:
        return None


def _nearest(name: str, known: frozenset[str] | set[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def _type(value: CelValue) -> str:
    # In the order of Python's inheritance: CEL's bool is an int there.
    names = {celtypes.BoolType: "bool", int: "int", float: "double", str: "string", list: "list"}
    return next((name for python_type, name in names.items() if isinstance(value, python_type)), type(value).__name__)


def _shown(name: str, variables: SeriesVariables) -> str:
    try:
        value = variables(name)
    except MalformedAttributeError as error:
        return f"unreadable ({error})"
    if value is None:
        return "absent"
    if isinstance(value, celtypes.DoubleType):
        return f"{value:g}"
    shown = "\\".join(map(str, value)) if isinstance(value, celtypes.ListType) else str(value)
    return shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[:_SHOWN_CHARACTERS]}…"


def _place(error: celpy.CELParseError) -> str:
    return f"at line {error.line}, column {error.column}" if error.line else "at its end"
