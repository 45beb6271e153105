"""How the commands show what gates said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from deploy.cli.screen import show_table

if TYPE_CHECKING:
    from operators.outcome import Figure, Gate


def show_gates(gates: Sequence[Gate], *, title: str) -> None:
    """Print the verdicts of gates with their figures; nothing where there are none."""
    if gates:
        # What is judged by several gates is named once.
        earlier = [None, *(gate.subject for gate in gates)]
        show_table(
            ("input", "gate", "verdict", "found"),
            [
                ("" if gate.subject == before else gate.subject, gate.name, verdict_text(gate), _found(gate))
                for gate, before in zip(gates, earlier, strict=False)
            ],
            title=title,
        )


def _found(gate: Gate) -> str:
    figures = "; ".join(map(figure_text, gate.figures))
    # The sentence of a passed gate says in words what its figures say.
    if gate.passed:
        return figures or gate.detail
    return f"{gate.detail}\n{figures}" if figures else gate.detail


def verdict_text(gate: Gate) -> Text:
    """Return a verdict in its colour: passed, or the code of the reason."""
    return Text("passed", style="green") if gate.passed else Text(gate.reason, style="yellow")


def figure_text(figure: Figure) -> str:
    """Return a figure as a person reads it: ``Spacing between slices 3.3 mm``."""
    # UCUM annotations in braces and the unit 1 say nothing that the name does not.
    unit = "" if figure.unit == "1" or figure.unit.startswith("{") else f" {figure.unit}"
    return f"{figure.name} {figure.value:.4g}{unit}"
