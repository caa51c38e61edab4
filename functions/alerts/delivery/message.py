"""Messages about firings, the same for every attempt."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote
from uuid import UUID

import msgspec

from functions.alerts.delivery.queries import DueDelivery
from functions.alerts.firings.text import FiringDetails, explain
from functions.alerts.rules.condition import read_condition
from functions.alerts.rules.sentence import rule_sentence
from shared.http.response_data import rfc3339

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_PAGE = "/account/alerts"
"""Path of the page that shows alerts and channels."""
_TEST = "This is a test of the channel {}. Alerts will look like this."


@dataclass(frozen=True, slots=True)
class Message:
    """A message: its id, kind, title and text, and the JSON body for webhooks.

    *link* is the URL of the bar ("" for none), *page* the path of the page about it. *tag* is the id of the firing; a
    correction has that of the firing it revokes, and replaces its message.
    """

    id: str
    kind: str
    title: str
    text: str
    link: str
    page: str
    tag: str
    at: datetime
    body: bytes

    def payload(self) -> dict[str, Any]:
        """Return the members that the page's service worker shows."""
        return {
            "kind": self.kind,
            "title": self.title,
            "body": self.text,
            "url": self.page,
            "tag": self.tag,
            "timestamp": rfc3339(self.at),
            "id": self.id,
        }


def make_message(due: DueDelivery, public_url: str | None) -> Message:
    """Return the message of *due*; links begin with *public_url*, the URL of the page, if it is known."""
    message_id = f"msg_{UUID(due.delivery_id).hex}"
    if due.firing_id is None:
        text = _TEST.format(due.channel)
        members = {"type": "alert.test", "timestamp": rfc3339(due.created_at), "data": {"text": text}}
        body = _ENCODER.encode(members)
        tag = due.delivery_id
        return Message(message_id, "alert.test", "StocksALot", text, "", _PAGE, tag, due.created_at, body)
    firing = firing_details(due)
    text, link = explain(firing), f"{public_url.rstrip('/')}/api{firing.link}" if public_url else firing.link
    members = {
        "type": f"alert.{due.firing_kind}",
        "timestamp": due.fired_at and rfc3339(due.fired_at),
        "data": {
            "text": text,
            "alert": {"id": due.rule_id, "sentence": _sentence(due)},
            "firing": due.firing_id,
            "corrects": due.corrects,
            "ticker": due.ticker,
            "bar": {
                "start": rfc3339(firing.start),
                "end": rfc3339(firing.end),
                "interval": "1h",
                "revision": due.revision,
                "source": due.source,
                "link": link,
            },
            "condition": read_condition(due.condition or {}).parts(),
            "price": due.price,
            "value": due.value,
            "bound": due.bound,
        },
    }
    title = f"{due.ticker}: {'correction' if due.firing_kind == 'corrected' else 'alert'}"
    page = f"/stocks/{quote(str(due.ticker))}?range=1M&interval=1h&at={rfc3339(firing.start)}"
    tag = due.corrects or due.firing_id
    fired_at = due.fired_at or due.created_at
    return Message(message_id, members["type"], title, text, link, page, tag, fired_at, _ENCODER.encode(members))


def firing_details(due: DueDelivery) -> FiringDetails:
    """Return the details of the firing of *due*."""
    firing = cast("Any", due)  # the columns of a firing are all set or all None
    return FiringDetails(
        firing.firing_kind, firing.ticker, firing.start, firing.end, firing.condition, due.revision, due.source,
        due.price, due.value, due.bound, due.detail,
    )  # fmt: skip


def _sentence(due: DueDelivery) -> str:
    return rule_sentence(read_condition(due.condition or {}), due.rule_ticker, due.list_name, str(due.repeat))
