"""Mail: a message as text and HTML, handed to the operator's mail server by SMTP.

Its Message-ID is that of the delivery, the same at every attempt, so that a message that arrives twice is recognised.
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

from functions.alerts.delivery.outcome import Outcome
from functions.alerts.settings import MailSettings

_TIMEOUT = 8
"""Seconds of one command."""
_TOTAL_SECONDS = 15
_PARALLEL = 8
"""Connections to the mail server at a time."""
_PAUSE_SECONDS = 10
"""After a connection that failed the other messages of the round are not tried: they would wait for the same."""
_UNREACHABLE = "the mail server cannot be reached"


@dataclass(frozen=True, slots=True)
class Letter:
    """Content of a mail: *links* are pairs of words and addresses, *unsubscribe* is the address that ends its kind."""

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

    async def send(self, letter: Letter) -> Outcome:
        """Hand over *letter* and return what became of it.

        A 4xx of the mail server is temporary; a 5xx about the address ends the channel, about the message the message.
        """
        sender = self._settings.smtp_from or ""
        async with self._slots:
            loop = asyncio.get_running_loop()
            if loop.time() < self._down_until:
                return Outcome(delivered=False, error=_UNREACHABLE)
            try:
                async with asyncio.timeout(_TOTAL_SECONDS):
                    return await self._hand_over(make_mail(letter, sender), sender, letter.to)
            except (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPServerDisconnected, TimeoutError, OSError):
                self._down_until = loop.time() + _PAUSE_SECONDS
                return Outcome(delivered=False, error=_UNREACHABLE)

    async def _hand_over(self, mail: EmailMessage, sender: str, to: str) -> Outcome:
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
            with suppress(aiosmtplib.SMTPException, TimeoutError, OSError):  # it has taken the message
                await client.quit()
        except aiosmtplib.SMTPRecipientsRefused as error:
            code = error.recipients[0].code
            return _refusal(f"the mail server refused the address: {code}", code, gone=True)
        except (aiosmtplib.SMTPAuthenticationError, aiosmtplib.SMTPNotSupported):
            return Outcome(delivered=False, error="the mail server refused the login of this installation")
        except aiosmtplib.SMTPResponseException as error:
            return _refusal(f"the mail server refused the message: {error.code}", error.code, gone=False)
        except aiosmtplib.SMTPException as error:
            if isinstance(error, (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPServerDisconnected)):
                raise
            return Outcome(delivered=False, error=f"the mail server failed: {type(error).__name__}")
        finally:
            client.close()
        return Outcome(delivered=True)


def make_mail(letter: Letter, sender: str) -> EmailMessage:
    """Return *letter* as a mail: text, and the same as HTML. The library refuses line breaks in headers."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = formataddr(("StocksALot", sender))
    mail["To"] = letter.to
    mail["Subject"] = letter.subject
    mail["Date"] = format_datetime(letter.sent_at)
    mail["Message-ID"] = f"<{letter.message_id}@{sender.rpartition('@')[2]}>"
    mail["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_as_text(letter))
    mail.add_alternative(_as_html(letter), subtype="html")
    return mail


def _as_text(letter: Letter) -> str:
    links = [f"{words}: {address}" for words, address in letter.links]
    return "\n\n".join([letter.text, *links, f"-- \nNo more of these: {letter.unsubscribe}"]) + "\n"


def _as_html(letter: Letter) -> str:
    paragraphs = "".join(f"<p>{html.escape(one)}</p>" for one in letter.text.split("\n\n"))
    links = "".join(f"<p>{_anchor(*link)}</p>" for link in letter.links)
    end = _anchor("Unsubscribe", letter.unsubscribe)
    return f"<!doctype html><html><body>{paragraphs}{links}<hr><p><small>{end}</small></p></body></html>\n"


def _anchor(words: str, address: str) -> str:
    return f'<a href="{html.escape(address, quote=True)}">{html.escape(words)}</a>'


def _refusal(error: str, code: int, *, gone: bool) -> Outcome:
    permanent = code >= 500
    return Outcome(delivered=False, error=error, gone=gone and permanent, permanent=permanent)
