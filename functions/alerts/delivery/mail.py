"""Mail: a message as text and HTML, sent to the operator's mail server by SMTP.

The Message-ID is that of the delivery, the same for every attempt, so that duplicates can be recognized.
"""

import asyncio
import html
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr

import aiosmtplib

from functions.alerts.delivery.result import DeliveryResult
from functions.alerts.settings import MailSettings

_TIMEOUT = 8
"""Seconds of one command."""
_TOTAL_SECONDS = 15
_PARALLEL = 8
"""Connections to the mail server at a time."""
_PAUSE_SECONDS = 10
"""After a failed connection no other message is tried for this time: it would wait for the same timeout."""
_UNREACHABLE = "the mail server cannot be reached"


@dataclass(frozen=True, slots=True)
class MailContent:
    """Content of a mail: *links* are pairs of text and URL, *unsubscribe* is the URL to unsubscribe the recipient."""

    message_id: str
    to: str
    subject: str
    text: str
    links: tuple[tuple[str, str], ...]
    sent_at: datetime
    unsubscribe: str


class Mailer:
    """Connections to the mail server."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._slots = asyncio.Semaphore(_PARALLEL)
        self._down_until = 0.0

    async def send(self, content: MailContent) -> DeliveryResult:
        """Send *content* and return the result.

        A 4xx of the mail server is temporary; a 5xx about the address disables the channel, about the message fails it.
        """
        sender = self._settings.smtp_from or ""
        async with self._slots:
            loop = asyncio.get_running_loop()
            if loop.time() < self._down_until:
                return DeliveryResult(delivered=False, error=_UNREACHABLE)
            try:
                async with asyncio.timeout(_TOTAL_SECONDS):
                    return await self._hand_over(make_mail(content, sender), sender, content.to)
            except (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPServerDisconnected, TimeoutError, OSError):
                self._down_until = loop.time() + _PAUSE_SECONDS
                return DeliveryResult(delivered=False, error=_UNREACHABLE)

    async def _hand_over(self, mail: EmailMessage, sender: str, to: str) -> DeliveryResult:
        ours = self._settings
        client = aiosmtplib.SMTP(
            hostname=ours.smtp_host,
            port=ours.smtp_port,
            use_tls=ours.smtp_security == "tls",
            start_tls=ours.smtp_security == "starttls",
            username=ours.smtp_user,
            password=ours.smtp_password.reveal() if ours.smtp_password else None,
            timeout=_TIMEOUT,
        )
        try:
            await client.connect()
            await client.sendmail(sender, [to], mail.as_bytes())
            with suppress(aiosmtplib.SMTPException, TimeoutError, OSError):  # it has accepted the message
                await client.quit()
        except aiosmtplib.SMTPRecipientsRefused as error:
            code = error.recipients[0].code
            return _refusal(f"the mail server refused the address: {code}", code, gone=True)
        except (aiosmtplib.SMTPAuthenticationError, aiosmtplib.SMTPNotSupported):
            return DeliveryResult(delivered=False, error="the mail server refused the login of this installation")
        except aiosmtplib.SMTPResponseException as error:
            return _refusal(f"the mail server refused the message: {error.code}", error.code, gone=False)
        except aiosmtplib.SMTPException as error:
            if isinstance(error, (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPServerDisconnected)):
                raise
            return DeliveryResult(delivered=False, error=f"the mail server failed: {type(error).__name__}")
        finally:
            client.close()
        return DeliveryResult(delivered=True)


def make_mail(content: MailContent, sender: str) -> EmailMessage:
    """Return *content* as a mail: text, and the same as HTML. The library refuses line breaks in headers."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = formataddr(("StocksALot", sender))
    mail["To"] = content.to
    mail["Subject"] = content.subject
    mail["Date"] = format_datetime(content.sent_at)
    mail["Message-ID"] = f"<{content.message_id}@{sender.rpartition('@')[2]}>"
    mail["List-Unsubscribe"] = f"<{content.unsubscribe}>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_as_text(content))
    mail.add_alternative(_as_html(content), subtype="html")
    return mail


def _as_text(content: MailContent) -> str:
    links = [f"{words}: {address}" for words, address in content.links]
    return "\n\n".join([content.text, *links, f"-- \nUnsubscribe: {content.unsubscribe}"]) + "\n"


def _as_html(content: MailContent) -> str:
    paragraphs = "".join(f"<p>{html.escape(one)}</p>" for one in content.text.split("\n\n"))
    links = "".join(f"<p>{_anchor(*link)}</p>" for link in content.links)
    end = _anchor("Unsubscribe", content.unsubscribe)
    return f"<!doctype html><html><body>{paragraphs}{links}<hr><p><small>{end}</small></p></body></html>\n"


def _anchor(words: str, address: str) -> str:
    return f'<a href="{html.escape(address, quote=True)}">{html.escape(words)}</a>'


def _refusal(error: str, code: int, *, gone: bool) -> DeliveryResult:
    permanent = code >= 500
    return DeliveryResult(delivered=False, error=error, gone=gone and permanent, permanent=permanent)
