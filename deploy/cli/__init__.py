"""The command ``gantry``. One file per group of commands; what a command needs is imported when it is called."""


def main() -> None:
    """Run the command line; the entry point of the installed program."""
    from deploy.cli.application import application

    application()
