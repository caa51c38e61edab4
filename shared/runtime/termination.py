"""Exit on SIGTERM, which the kernel ignores for process 1 of a container that has no handler."""

import signal
import sys


def exit_on_sigterm(code: int = 128 + signal.SIGTERM) -> None:
    """Make SIGTERM end this process with *code*; call it before slow imports."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(code))
