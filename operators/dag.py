"""Plain functions as a MONAI Deploy DAG: the operator that wraps one function, the application that joins them."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Sequence
from typing import Any

from monai.deploy.conditions import CountCondition
from monai.deploy.core import Application, ConditionType, Fragment, Operator, OperatorSpec


class FunctionOperator(Operator):
    """An operator that calls one plain function: it only moves data between ports.

    Each parameter of the function that is not given in ``settings`` is an input port of that name, one with a default
    only if it is among ``offered``. What the function returns is emitted on the one output port, ``output``. Exceptions
    pass through unchanged. ``result`` holds the last result and ``seconds`` its duration, for whoever asks after the
    run.
    """

    def __init__(
        self,
        fragment: Fragment,
        function: Callable[..., Any],
        *,
        output: str,
        settings: dict[str, Any],
        offered: Sequence[str] = (),
    ) -> None:
        self.function = function
        self.output = output
        self.settings = settings
        self.input_names = [
            name
            for name, parameter in inspect.signature(function).parameters.items()
            if name not in settings and (parameter.default is inspect.Parameter.empty or name in offered)
        ]
        self.result: Any = None
        self.seconds: float | None = None
        # Without an input port to wait for, Holoscan would call the operator again and again.
        conditions = [] if self.input_names else [CountCondition(fragment, 1)]
        super().__init__(fragment, *conditions, name=output)

    def setup(self, spec: OperatorSpec) -> None:
        """Declare one input port for each open parameter, and the output port."""
        for name in self.input_names:
            spec.input(name)
        # A last step has nobody to wait for.
        spec.output(self.output).condition(ConditionType.NONE)

    def compute(self, op_input: Any, op_output: Any, context: Any) -> None:
        """Receive the inputs, call the function, emit its result."""
        inputs = {name: op_input.receive(name) for name in self.input_names}
        begin = time.perf_counter()
        self.result = self.function(**inputs, **self.settings)
        self.seconds = time.perf_counter() - begin
        op_output.emit(self.result, self.output)


class FunctionApplication(Application):
    """A DAG of plain functions. A subclass's ``compose`` calls :meth:`step` once for each of them."""

    def __init__(self) -> None:
        self.steps: dict[str, FunctionOperator] = {}
        super().__init__([])  # no arguments: those of the surrounding program are not ours

    def step(
        self, output: str, function: Callable[..., Any], *upstream: FunctionOperator, **settings: Any
    ) -> FunctionOperator:
        """Add a step whose result is called ``output``.

        The results of the ``upstream`` steps go to the function's parameters of the same names; ``settings`` are the
        other parameters. Raises :class:`TypeError` unless they cover the parameters exactly: Holoscan would wait for
        ever for an input that nobody sends.
        """
        offered = [step.output for step in upstream]
        operator = FunctionOperator(self, function, output=output, settings=settings, offered=offered)
        if sorted(offered) != sorted(operator.input_names):
            raise TypeError(f"step {output!r} needs {operator.input_names} from upstream, and is offered {offered}")
        self.add_operator(operator)
        for step in upstream:
            self.add_flow(step, operator, {(step.output, step.output)})
        self.steps[output] = operator
        return operator

    def result(self, output: str) -> Any:
        """Return what a step came to, or None if it has not run."""
        return self.steps[output].result if output in self.steps else None

    @property
    def seconds(self) -> dict[str, float]:
        """Durations of the steps that have run."""
        return {name: step.seconds for name, step in self.steps.items() if step.seconds is not None}
