"""The command line: ``cutover COMMAND``, or ``python -m cutover COMMAND``; ``--help`` tells each."""

from __future__ import annotations

import argparse
import os
import sys

from cutover.cli import attest, check_evidence, diff, explain, init, report, sudoers
from cutover.errors import UsageError

COMMANDS = (init, attest, explain, diff, sudoers, report, check_evidence)


def main(argv: list[str] | None = None) -> int:
    """Run a command; a mistake in what was asked for is one line and status 4, as it is for a verification."""
    parser = argparse.ArgumentParser(prog="cutover", description="What goes with a verification, which is: ./verify")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    asked = parser.parse_args(argv)
    try:
        status: int = asked.run(asked)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("\ncutover: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read it has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # as one that the pipe itself ended
    except UsageError as error:
        print(f"cutover: {error}", file=sys.stderr)
        return 4
    return status


if __name__ == "__main__":
    sys.exit(main())
