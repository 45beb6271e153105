"""The long form: every fault with many studies, and a destination that is down for a day.

Prints a table; ends with status 1 if anything was lost, repeated or out of order.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from contextlib import redirect_stderr
from pathlib import Path

from tests.reliability.destinations.network import Fault, Weather
from tests.reliability.destinations.trials import Trial, down_for_a_day, fault_comes_and_goes


def main() -> int:
    """Run everything and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--day", type=int, default=1000, metavar="STUDIES", help="studies of the day that it is down")
    parser.add_argument("--studies", type=int, default=100, help="studies for every other fault")
    arguments = parser.parse_args()
    found = 0
    print(
        "| the network of one destination | arrived | in order | sent again "
        "| the other's latency: median, p95, longest |"
    )
    print("|---|---|---|---|---|")
    for fault in Fault:
        trial = _trial(Weather(fault), arguments.studies)
        found += trial.arrived != trial.expected or not trial.in_order or not trial.other_in_order
        other = trial.other
        print(
            f"| {fault.value} | {trial.arrived} of {trial.expected} | {_yes(trial.in_order)} | {trial.repeated} "
            f"| {other.median * 1000:.0f} ms, {other.p95 * 1000:.0f} ms, {other.longest * 1000:.0f} ms |",
            flush=True,
        )
    with tempfile.TemporaryDirectory() as folder, redirect_stderr(io.StringIO()):
        day = down_for_a_day(Path(folder), arguments.day)
    found += not (day.in_order and day.other_in_order) or day.other_waited > 0
    print(
        f"\nDown for a day, {day.studies} studies: called {day.tries} times, then everything in "
        f"{day.drain_seconds:.0f} s, in order: {_yes(day.in_order)}; "
        f"studies that the other destination had to wait for: {day.other_waited}"
    )
    return 1 if found else 0


def _trial(weather: Weather, studies: int) -> Trial:
    # At 1 kB/s few are enough, and what a sender sees of its progress comes in steps of seconds.
    slow = weather.fault is Fault.SLOW
    # Standard error is the node's log of what fails on purpose.
    with tempfile.TemporaryDirectory() as folder, redirect_stderr(io.StringIO()):
        return fault_comes_and_goes(
            Path(folder), weather, studies=min(studies, 5) if slow else studies, answer_seconds=60 if slow else 2
        )


def _yes(value: bool) -> str:
    return "yes" if value else "NO"


if __name__ == "__main__":
    sys.exit(main())
