"""Receiver of mail: what alerts sent by SMTP, to be seen in a run against the fakes.

The address decides: 450@example.com is refused with 450, 550@example.com with 550.
"""

import re
from collections import deque
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Blueprint, Response, jsonify

_MOST = 1000
_REFUSED = re.compile(r"([45][0-9]{2})@")


class Mailbox:
    """The newest thousand mails that came."""

    def __init__(self) -> None:
        self.mails: deque[dict[str, Any]] = deque(maxlen=_MOST)
        self.data_status = "250 OK"
        """Answer to the content of a mail."""

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take an address, or refuse it with the code that it names."""
        if refused := _REFUSED.match(address):
            return f"{refused[1]} refused"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail."""
        if self.data_status.startswith("250"):
            self.mails.append(_shown(envelope))
        return self.data_status

    def blueprint(self) -> Blueprint:
        """Return the paths below /mail: `GET` lists what came, `DELETE` forgets it."""
        blueprint = Blueprint("mail", __name__)

        @blueprint.get("/mail")
        def shown() -> Response:
            return jsonify(count=len(self.mails), items=list(self.mails))

        @blueprint.delete("/mail")
        def forget() -> tuple[str, int]:
            self.mails.clear()
            return "", 204

        return blueprint


def mail_server(mailbox: Mailbox, port: int, host: str = "127.0.0.1") -> Controller:
    """Return an SMTP server for *mailbox*: `start()` listens, `stop()` ends it."""
    return Controller(mailbox, hostname=host, port=port, ready_timeout=10)


def _shown(envelope: Envelope) -> dict[str, Any]:
    content = envelope.content if isinstance(envelope.content, bytes) else b""
    mail = message_from_bytes(content, _class=EmailMessage, policy=policy.default)
    parts = {one.get_content_type(): one.get_content() for one in mail.walk() if not one.is_multipart()}
    return {
        "from": envelope.mail_from,
        "to": envelope.rcpt_tos,
        "headers": {name.lower(): str(value) for name, value in mail.items()},
        "text": parts.get("text/plain", ""),
        "html": parts.get("text/html", ""),
    }
