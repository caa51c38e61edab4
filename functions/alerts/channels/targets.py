"""Targets of new channels: validation, and the part of them shown to the owner."""

import asyncio
import hashlib
from dataclasses import dataclass

from functions.alerts.channels.requests import CreateChannel
from functions.alerts.delivery.addresses import check_url
from functions.alerts.delivery.push import Subscription, find_subscription_faults
from shared.auth.email_address import normalize_email
from shared.http.problem import bad_parameters

_FIELDS = {"webhook": "url", "push": "subscription", "email": "email", "apprise": "url"}
"""Field of a request that each kind needs."""
ENCRYPTED = ("push", "apprise")
"""Kinds whose targets hold secrets."""


@dataclass(frozen=True, slots=True)
class Target:
    """Target of a channel's messages. *key* is the same for the same target of an account; *shown* holds no secret."""

    text: str
    key: str | None = None
    shown: str | None = None


async def parse_target(body: CreateChannel, *, private: bool) -> Target:
    """Return the target of a new channel; Problem 400 names the invalid field, never its value."""
    needed = _FIELDS[body.kind]
    if getattr(body, needed) is None:
        raise bad_parameters([(needed, f"is missing: a channel of the kind {body.kind} needs it")])
    superfluous = [one for one in ("url", "subscription", "email") if one != needed and getattr(body, one) is not None]
    if superfluous:
        raise bad_parameters([(one, f"is not a field of channels of the kind {body.kind}") for one in superfluous])
    match body.kind:
        case "webhook":
            return _webhook(str(body.url), private=private)
        case "push":
            return await asyncio.to_thread(_push, body, private=private)
        case "email":
            return _email(str(body.email))
        case "apprise":
            return await asyncio.to_thread(_apprise, str(body.url), private=private)


def _webhook(url: str, *, private: bool) -> Target:
    if fault := check_url(url, private=private):
        raise bad_parameters([("url", fault)])
    return Target(url)


def _push(body: CreateChannel, *, private: bool) -> Target:
    assert body.subscription is not None  # noqa: S101
    keys = body.subscription.keys
    subscription = Subscription(body.subscription.endpoint, keys.p256dh, keys.auth)
    if faults := find_subscription_faults(subscription, private=private):
        raise bad_parameters(faults)
    key = hashlib.sha256(subscription.endpoint.encode()).hexdigest()
    return Target(subscription.to_text(), key, subscription.host)


def _email(text: str) -> Target:
    try:
        address = normalize_email(text)
        encoded = "=?" in address  # an encoded word: in a header it could stand for other addresses
        if encoded or not address.isascii() or "." not in address.partition("@")[2]:
            raise ValueError("should be an address such as me@example.com, in ASCII before the @")
    except ValueError as error:
        raise bad_parameters([("email", str(error))]) from None
    return Target(address, address, address)


def _apprise(url: str, *, private: bool) -> Target:
    from functions.alerts.delivery.apprise_service import ServiceError, parse_service

    try:
        return Target(url, None, parse_service(url, private=private).shown)
    except ServiceError as error:
        raise bad_parameters([("url", str(error))]) from None
