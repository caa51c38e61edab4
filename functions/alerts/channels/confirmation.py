"""Confirmation of email addresses: the message with the code, its check, and unsubscription."""

import secrets

from psycopg import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from functions.alerts.account import path_id, refuse_query, require_alerts, run
from functions.alerts.channels.codes import make_code, matches_code, sign_unsubscription
from functions.alerts.channels.confirmation_queries import (
    insert_confirmation,
    select_salt,
    update_attempts,
    update_confirmed,
    update_unsubscribed,
)
from functions.alerts.channels.members import channel_members, unknown_channel
from functions.alerts.channels.queries import ChannelRow, select_channels
from functions.alerts.channels.requests import ConfirmChannel
from functions.alerts.delivery.queries import DueDelivery, claim_due
from functions.alerts.delivery.result import DeliveryResult
from functions.alerts.delivery.sending import LEASE_SECONDS, Sender
from functions.alerts.responses import json_response
from functions.alerts.rules.queries import lock_account
from functions.alerts.settings import Settings
from shared.auth.attempts import Attempts
from shared.auth.authenticator import Caller
from shared.auth.token_format import key_id
from shared.connections.postgres import PostgresClient
from shared.http.json_body import read_json
from shared.http.problem import Problem, bad_parameters

_MAX_OF_ACCOUNT, _ACCOUNT_SECONDS = 5, 3600
_MAX_OF_ADDRESS, _ADDRESS_SECONDS = 3, 86_400
"""Over all accounts, so that nobody with several accounts can flood an address."""
_CODE_SECONDS = 3600
_MAX_TRIES = 10
"""Attempts at a code of 39 bits."""
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>StocksALot alerts</title><h1>StocksALot alerts</h1>{}</html>"
)
_QUESTION = (
    '<p>Unsubscribe from the messages of this channel?</p><form method="post"><button>Unsubscribe</button></form>'
)
_DONE = "<p>You have unsubscribed. This channel sends no more messages to this address.</p>"


class Confirmations:
    """Endpoints that confirm an address and that unsubscribe it."""

    def __init__(self, settings: Settings, postgres: PostgresClient, sender: Sender, attempts: Attempts) -> None:
        self._postgres = postgres
        self._sender = sender
        self._attempts = attempts
        self._secret = settings.api_token_secret.reveal()
        self._key_id = key_id(self._secret)

    async def limit_codes(self, user_id: str, address: str) -> None:
        """Count a message with a code; Problem 429 beyond the limit of the account or of the address."""
        await self._attempts.count_or_refuse("confirmation", f"account {user_id}", _MAX_OF_ACCOUNT, _ACCOUNT_SECONDS)
        await self._attempts.count_or_refuse("confirmation", f"address {address}", _MAX_OF_ADDRESS, _ADDRESS_SECONDS)

    async def send_code(self, user_id: str, channel: ChannelRow) -> DeliveryResult:
        """Send a code to an unconfirmed address, after `limit_codes`.

        A message that the mail server does not accept now is retried like any other, as long as its code is valid.
        """
        salt = secrets.token_hex(16)

        async def work(connection: AsyncConnection) -> DueDelivery:
            await lock_account(connection, user_id)
            rows = await select_channels(connection, user_id, channel.channel_id)
            if not rows or rows[0].state != "unconfirmed":
                raise unknown_channel()
            delivery_id = await insert_confirmation(connection, user_id, channel.channel_id, salt, _CODE_SECONDS)
            return (await claim_due(connection, LEASE_SECONDS, 1, delivery_id))[0]

        return await self._sender.send_once(await run(self._postgres, work), last=False)

    async def confirm(self, request: Request, caller: Caller) -> Response:
        """Make a channel active after its code was entered."""
        refuse_query(request)
        user_id = require_alerts(caller, "Confirming an address")
        channel_id = path_id(request, "channel_id", unknown_channel())
        body = await read_json(request, ConfirmChannel)

        async def work(connection: AsyncConnection) -> str | None:
            await lock_account(connection, user_id)
            rows = await select_channels(connection, user_id, channel_id)
            if not rows:
                raise unknown_channel()
            if rows[0].state == "active":
                return None
            return await self._check_code(connection, channel_id, body.code)

        # The attempt is committed before a wrong code is refused.
        if fault := await run(self._postgres, work):
            raise bad_parameters([("code", fault)])
        row = (await run(self._postgres, lambda one: select_channels(one, user_id, channel_id)))[0]
        return json_response(200, channel_members(row, self._key_id))

    async def _check_code(self, connection: AsyncConnection, channel_id: str, code: str) -> str | None:
        """Return the fault of *code*; None when it has confirmed the channel."""
        again = "test the channel to request another one"
        found = await update_attempts(connection, channel_id)
        if found is None:
            return f"has expired: {again}"
        if found.attempts > _MAX_TRIES:
            return f"has been entered too many times: {again}"
        if not found.is_current:
            return f"has expired: {again}"
        if not matches_code(code, make_code(self._secret, found.salt)):
            return "is not the code of the newest message to this address"
        await update_confirmed(connection, channel_id)
        return None

    async def ask_unsubscription(self, request: Request, _: Caller) -> Response:
        """Return a page that asks for consent, so that a program that follows links does not unsubscribe anyone."""
        await self._find(request)
        return _page(_QUESTION)

    async def unsubscribe(self, request: Request, _: Caller) -> Response:
        """Disable the channel that the signed path names, as specified by RFC 8058: without a login, and idempotent."""
        channel_id = await self._find(request)

        async def work(connection: AsyncConnection) -> None:
            await update_unsubscribed(connection, channel_id)

        await run(self._postgres, work)
        return _page(_DONE)

    async def _find(self, request: Request) -> str:
        """Return the id of the channel in a signed path; Problem 404 for an invalid path or a deleted channel."""
        detail = "This link belongs to no channel, or to one that was deleted."
        unknown = Problem(404, "unknown-channel", "Unknown channel", detail)
        channel_id = path_id(request, "channel_id", unknown)
        salt = await run(self._postgres, lambda connection: select_salt(connection, channel_id))
        expected = sign_unsubscription(self._secret, channel_id, salt or "")
        if not salt or not secrets.compare_digest(expected.encode(), request.path_params["signature"].encode()):
            raise unknown
        return channel_id


def _page(content: str) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
    }
    return Response(_PAGE.format(content), 200, headers, "text/html")
