"""Plain functions in a real MONAI Deploy graph."""

from __future__ import annotations

import pytest

from operators.dag import FunctionApplication
from operators.refused import Reason, Refused


def read(folder: str) -> str:
    return folder + "/study"


def double(study: str) -> str:
    return study * 2


def join(study: str, doubled: str, separator: str) -> str:
    return study + separator + doubled


def refuse(study: str) -> str:
    raise Refused(Reason.MISSING_SLICE, f"{study} lacks a slice")


class Joined(FunctionApplication):
    def compose(self) -> None:
        study = self.step("study", read, folder="in")
        doubled = self.step("doubled", double, study)
        self.step("joined", join, study, doubled, separator="+")


class Refusing(FunctionApplication):
    def compose(self) -> None:
        study = self.step("study", read, folder="in")
        self.step("refused", refuse, study)


class Unconnected(FunctionApplication):
    def compose(self) -> None:
        self.step("doubled", double)


def test_each_step_runs_once_and_results_reach_the_parameters_of_their_name() -> None:
    application = Joined()
    application.run()
    assert application.result("joined") == "in/study+in/studyin/study"
    assert set(application.seconds) == {"study", "doubled", "joined"}


def test_an_exception_comes_out_with_its_own_type_and_the_next_run_works() -> None:
    refusing = Refusing()
    with pytest.raises(Refused, match="lacks a slice") as caught:
        refusing.run()
    assert caught.value.reason is Reason.MISSING_SLICE
    assert refusing.result("study") == "in/study"
    assert refusing.result("refused") is None
    test_each_step_runs_once_and_results_reach_the_parameters_of_their_name()


def test_a_missing_connection_is_an_error_at_once_instead_of_waiting_for_ever() -> None:
    with pytest.raises(TypeError, match="needs \\['study'\\] from upstream, and is offered \\[\\]"):
        Unconnected().run()


def test_a_parameter_with_a_default_need_not_be_offered() -> None:
    class Optional(FunctionApplication):
        def __init__(self, *, offer: bool) -> None:
            self.offer = offer
            super().__init__()

        def compose(self) -> None:
            first = self.step("first", lambda: 2)
            more = [self.step("more", lambda: 40)] if self.offer else []
            self.step("sum", lambda first, more=0: first + more, first, *more)

    for offer, expected in ((False, 2), (True, 42)):
        application = Optional(offer=offer)
        application.run()
        assert application.result("sum") == expected
