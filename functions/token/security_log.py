"""Security event log: one line per event with ids and the client address, and never a password or a token."""

import logging

_logger = logging.getLogger("security")


def log_event(event: str, address: str, account: str | None, **details: object) -> None:
    """Log *event*; *account* is an id, None for an unknown account, since its name may be a mistyped password."""
    members = {"account": account or "unknown", "address": address, **details}
    level = logging.WARNING if event.endswith("refused") else logging.INFO
    _logger.log(level, "%s %s", event, " ".join(f"{name}={value}" for name, value in members.items()))
