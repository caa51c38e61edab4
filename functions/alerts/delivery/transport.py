"""Transport of messages: one protocol for each kind of channel."""

from functools import cached_property
from typing import TYPE_CHECKING

from functions.alerts.channels.codes import confirmation_link, make_code, unsubscribe_path
from functions.alerts.delivery.encryption import decrypt_target
from functions.alerts.delivery.message import Message, make_message
from functions.alerts.delivery.push import Identity, Subscription, make_payload, post_push
from functions.alerts.delivery.queries import DueDelivery
from functions.alerts.delivery.result import DeliveryResult
from functions.alerts.delivery.webhook import make_secret, post_webhook
from functions.alerts.settings import Settings
from shared.auth.token_format import key_id

if TYPE_CHECKING:
    from functions.alerts.delivery.mail import MailContent, Mailer

_CONFIRMATION = (
    "Stock alerts from this installation of StocksALot were requested for this address. "
    "The code that confirms it is {code}. It is valid for an hour.\n\n"
    "If you did not request them, do nothing: an unconfirmed address gets no other messages."
)
_UNCONFIRMED = "the recipient has not confirmed the address or has unsubscribed: make the channel active, then test it"
_KEY_CHANGED = "API_TOKEN_SECRET has changed: "


class Transport:
    """Sends one message at a time; packages for a kind are loaded with its first message."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._private = settings.permits_private
        self._secret = settings.api_token_secret.reveal()
        self._key_id = key_id(self._secret)

    async def send(self, due: DueDelivery) -> DeliveryResult:
        """Send a claimed message and return the result."""
        if due.kind == "email":
            return await self._mail(due)
        if due.key_id != self._key_id:
            action = "request a new secret for the channel" if due.kind == "webhook" else "create the channel anew"
            return DeliveryResult(delivered=False, error=_KEY_CHANGED + action)
        message = make_message(due, self._settings.public_url)
        if due.kind == "webhook":
            secret = make_secret(self._secret, due.salt)
            return await post_webhook(due.target, secret, message.id, due.now, message.body, private=self._private)
        target = decrypt_target(self._secret, due.salt, due.target)
        return await (self._push(target, message) if due.kind == "push" else self._service(target, message))

    async def _push(self, target: str, message: Message) -> DeliveryResult:
        key, contact = self._settings.alerts_vapid_private_key, self._settings.alerts_vapid_contact
        if key is None or contact is None:
            return DeliveryResult(delivered=False, error="this installation no longer has web push")
        subscription, identity = Subscription.from_text(target), Identity(key.reveal(), contact)
        urgent = message.kind != "alert.corrected"
        payload = make_payload(message.payload())
        return await post_push(subscription, identity, payload, message.tag, urgent=urgent, private=self._private)

    async def _service(self, target: str, message: Message) -> DeliveryResult:
        from functions.alerts.delivery.apprise_service import post_service

        text = f"{message.text}\n{message.link}" if message.link.startswith("http") else message.text
        return await post_service(target, message.title, text, private=self._private)

    async def _mail(self, due: DueDelivery) -> DeliveryResult:
        url = self._settings.public_url
        if not (self._settings.smtp_host and self._settings.smtp_from and url):
            return DeliveryResult(delivered=False, error="this installation no longer sends mail")
        if not (due.confirms or due.is_confirmed):
            return DeliveryResult(delivered=False, error=_UNCONFIRMED, permanent=True)
        if due.confirms and due.code_salt is None:
            return DeliveryResult(delivered=False, error="the code has expired", permanent=True)
        return await self._mailer.send(self._mail_content(due, url.rstrip("/")))

    def _mail_content(self, due: DueDelivery, url: str) -> "MailContent":
        from functions.alerts.delivery.mail import MailContent

        message = make_message(due, url)
        end = f"{url}/api{unsubscribe_path(self._secret, due.channel_id, due.salt)}"
        if due.confirms:
            code = make_code(self._secret, due.code_salt or "")
            text, links = _CONFIRMATION.format(code=code), (("Confirm", confirmation_link(url, code)),)
            return MailContent(
                message.id, due.target, "Confirm this address for stock alerts", text, links, due.created_at, end
            )
        links = (("On the page", f"{url}{message.page}"), *((("The bar", message.link),) if message.link else ()))
        return MailContent(message.id, due.target, message.title, message.text, links, message.at, end)

    @cached_property
    def _mailer(self) -> "Mailer":
        from functions.alerts.delivery.mail import Mailer  # its SMTP client is slow to load

        return Mailer(self._settings)
