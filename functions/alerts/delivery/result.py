"""Result of one attempt to deliver a message."""

from typing import NamedTuple


class DeliveryResult(NamedTuple):
    """Result of an attempt; *error* holds no secret and no address.

    *gone*: the receiver accepts no further messages. *permanent*: this message can never be delivered, others may.
    """

    delivered: bool
    error: str | None = None
    gone: bool = False
    permanent: bool = False
