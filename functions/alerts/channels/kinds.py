"""Kinds of channels: availability in this installation, and the missing settings."""

from importlib.util import find_spec
from typing import Any, Literal, TypeAlias, get_args

from functions.alerts.settings import Settings
from shared.http.problem import Problem

ChannelKind: TypeAlias = Literal["webhook", "push", "email", "apprise"]
KINDS: tuple[ChannelKind, ...] = get_args(ChannelKind)


def find_reason(kind: ChannelKind, settings: Settings) -> str | None:
    """Return the reason why *kind* is unavailable, with the settings to make; None if it is available."""
    missing: list[str] = []
    match kind:
        case "webhook":
            return None
        case "push":
            given = {
                "ALERTS_VAPID_PRIVATE_KEY": settings.alerts_vapid_private_key,
                "ALERTS_VAPID_CONTACT": settings.alerts_vapid_contact,
            }
        case "email":
            given = {
                "SMTP_HOST": settings.smtp_host,
                "SMTP_FROM": settings.smtp_from,
                "PUBLIC_URL": settings.public_url,
            }
        case "apprise":
            installed = find_spec("apprise") is not None
            return None if installed else "The operator can install the dependency group apprise."
    missing = [name for name, value in given.items() if not value]
    *others, last = missing or [""]
    return f"The operator can set {', '.join(others) + ' and ' if others else ''}{last}." if last else None


def describe_kinds(settings: Settings) -> list[dict[str, Any]]:
    """Return each kind with its availability and the reason of an unavailable one."""
    reasons = {kind: find_reason(kind, settings) for kind in KINDS}
    return [{"kind": kind, "available": not reason, "reason": reason} for kind, reason in reasons.items()]


def require_kind(kind: ChannelKind, settings: Settings) -> None:
    """Raise Problem 409 when this installation has no channels of *kind*."""
    if reason := find_reason(kind, settings):
        detail = f"This installation has no channels of the kind {kind}. {reason}"
        raise Problem(409, "channel-kind-unavailable", "Channel kind unavailable", detail)
