"""The shell between a plain function and a MONAI Deploy DAG."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from monai.deploy.conditions import CountCondition
from monai.deploy.core import Fragment, Operator, OperatorSpec


class FunctionOperator(Operator):
    """An operator that calls one plain function: it only moves data between ports.

    Each parameter of the function that is not given as ``settings`` is an input port of that name; the operator
    emits what the function returns on its one output port, ``output``. Exceptions pass through unchanged.
    """

    def __init__(
        self,
        fragment: Fragment,
        function: Callable[..., Any],
        *,
        output: str | None = None,
        name: str | None = None,
        **settings: Any,
    ) -> None:
        self.function = function
        self.settings = settings
        self.output = output
        self.inputs = [parameter for parameter in inspect.signature(function).parameters if parameter not in settings]
        # Without an input port to wait for, Holoscan would call the operator again and again.
        conditions = [] if self.inputs else [CountCondition(fragment, 1)]
        super().__init__(fragment, *conditions, name=name or function.__name__)

    def setup(self, spec: OperatorSpec) -> None:
        """Declare one input port for each open parameter, and the output port."""
        for port in self.inputs:
            spec.input(port)
        if self.output is not None:
            spec.output(self.output)

    def compute(self, op_input: Any, op_output: Any, context: Any) -> None:
        """Receive the inputs, call the function, emit its result."""
        result = self.function(**{port: op_input.receive(port) for port in self.inputs}, **self.settings)
        if self.output is not None:
            op_output.emit(result, self.output)
