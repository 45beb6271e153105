"""The command ``gantry``. One file per group of commands; what a command needs is imported when it is called."""

import resource
import sys
from io import TextIOWrapper

HOLOSCAN_STACK_BYTES = 32 * 2**20
"""What Holoscan asks of the stack; most systems give a quarter of it."""


def main() -> None:
    """Run the command line; the entry point of the installed program."""
    from deploy.cli.application import application

    _raise_stack_limit()
    _print_anything()
    application()


def _print_anything() -> None:
    """Escape what the terminal's encoding does not have: a name in another script must not end a command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _raise_stack_limit() -> None:
    """Give this process and those that it starts the stack that Holoscan wants, where the hard limit allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    allowed = hard == resource.RLIM_INFINITY or hard >= HOLOSCAN_STACK_BYTES
    if allowed and soft != resource.RLIM_INFINITY and soft < HOLOSCAN_STACK_BYTES:
        resource.setrlimit(resource.RLIMIT_STACK, (HOLOSCAN_STACK_BYTES, hard))
