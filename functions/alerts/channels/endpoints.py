"""Endpoints of channels: list, show, change, delete, test, and a new secret."""

import asyncio
import secrets
from typing import Any

from msgspec import UNSET
from psycopg import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from functions.alerts.account import path_id, refuse_query, require_alerts, run
from functions.alerts.channels.confirmation import Confirmations
from functions.alerts.channels.kinds import describe_kinds, find_reason
from functions.alerts.channels.members import channel_members, unknown_channel
from functions.alerts.channels.queries import (
    ChannelRow,
    delete_channel,
    select_channels,
    update_channel,
    update_disabled,
    update_salt,
)
from functions.alerts.channels.requests import ChangeChannel
from functions.alerts.delivery.push import public_key
from functions.alerts.delivery.queries import DueDelivery, claim_due, insert_test
from functions.alerts.delivery.sending import LEASE_SECONDS, Sender
from functions.alerts.delivery.webhook import make_secret
from functions.alerts.responses import json_response, no_content
from functions.alerts.rules.queries import lock_account
from functions.alerts.settings import Settings
from shared.auth.attempts import Attempts
from shared.auth.authenticator import Caller
from shared.auth.names import parse_name
from shared.auth.token_format import key_id
from shared.connections.postgres import PostgresClient
from shared.http.json_body import read_json

_MAX_TESTS, _TEST_SECONDS = 20, 3600


class Channels:
    """Endpoints of an account's own channels."""

    def __init__(
        self,
        settings: Settings,
        postgres: PostgresClient,
        sender: Sender,
        confirmations: Confirmations,
        attempts: Attempts,
    ) -> None:
        self._attempts = attempts
        self._confirmations = confirmations
        self._settings = settings
        self._postgres = postgres
        self._sender = sender
        self._secret = settings.api_token_secret.reveal()
        self._key_id = key_id(self._secret)
        self._known_push_key: str | None = None

    async def list(self, request: Request, caller: Caller) -> Response:
        """Return the channels of the account, oldest first, and the kinds that this installation has."""
        refuse_query(request)
        user_id = require_alerts(caller, "Listing channels")
        rows = await run(self._postgres, lambda connection: select_channels(connection, user_id))
        members = {
            "count": len(rows),
            "limit": self._settings.alerts_max_channels,
            "kinds": describe_kinds(self._settings),
            "push_key": await self._push_key(),
            "items": [self._members(row) for row in rows],
        }
        return json_response(200, members)

    async def show(self, request: Request, caller: Caller) -> Response:
        """Return one channel."""
        refuse_query(request)
        user_id = require_alerts(caller, "Reading a channel")
        channel_id = path_id(request, "channel_id", unknown_channel())
        return json_response(200, self._members(await self._find(user_id, channel_id)))

    async def change(self, request: Request, caller: Caller) -> Response:
        """Rename a channel, disable it, or make a disabled one active again."""
        refuse_query(request)
        user_id = require_alerts(caller, "Changing a channel")
        channel_id = path_id(request, "channel_id", unknown_channel())
        body = await read_json(request, ChangeChannel)
        name = body.name if body.name is UNSET else parse_name(body.name)

        async def work(connection: AsyncConnection) -> ChannelRow:
            rows = await select_channels(connection, user_id, channel_id)
            if not rows:
                raise unknown_channel()
            enable = body.state == "active" and rows[0].state == "disabled"
            new_name = rows[0].name if name is UNSET else name
            await update_channel(connection, user_id, channel_id, new_name, enable=enable)
            if body.state == "disabled" and rows[0].state != "disabled":
                await update_disabled(connection, channel_id)
            return (await select_channels(connection, user_id, channel_id))[0]

        return json_response(200, self._members(await run(self._postgres, work)))

    async def delete(self, request: Request, caller: Caller) -> Response:
        """Delete a channel and its pending messages."""
        refuse_query(request)
        user_id = require_alerts(caller, "Deleting a channel")
        channel_id = path_id(request, "channel_id", unknown_channel())

        async def work(connection: AsyncConnection) -> bool:
            await lock_account(connection, user_id)  # serializes it with rules and tests that use the channel
            return await delete_channel(connection, user_id, channel_id)

        if not await run(self._postgres, work):
            raise unknown_channel()
        return no_content()

    async def renew_secret(self, request: Request, caller: Caller) -> Response:
        """Replace the secret of a webhook; only the response shows the new one."""
        refuse_query(request)
        user_id = require_alerts(caller, "Renewing a secret")
        channel_id, salt = path_id(request, "channel_id", unknown_channel()), secrets.token_hex(16)

        async def work(connection: AsyncConnection) -> bool:
            return await update_salt(connection, user_id, channel_id, salt, self._key_id)

        if not await run(self._postgres, work):
            raise unknown_channel()
        row = await self._find(user_id, channel_id)
        return json_response(200, {"secret": make_secret(self._secret, salt), **self._members(row)})

    async def test(self, request: Request, caller: Caller) -> Response:
        """Send a test message without retries and return the result; to an unconfirmed address send another code."""
        refuse_query(request)
        user_id = require_alerts(caller, "Testing a channel")
        channel_id = path_id(request, "channel_id", unknown_channel())
        # Counted by account, so that a channel that is deleted and created again does not restart the limit.
        await self._attempts.count_or_refuse("channel test", f"account {user_id}", _MAX_TESTS, _TEST_SECONDS)
        row = await self._find(user_id, channel_id)
        if row.state == "unconfirmed":
            await self._confirmations.limit_codes(user_id, row.target)
            result = await self._confirmations.send_code(user_id, row)
            return json_response(200, {"delivered": result.delivered, "error": result.error})

        async def work(connection: AsyncConnection) -> DueDelivery:
            await lock_account(connection, user_id)
            rows = await select_channels(connection, user_id, channel_id)
            if not rows or rows[0].state == "unconfirmed":
                raise unknown_channel()
            delivery_id = await insert_test(connection, user_id, channel_id)
            return (await claim_due(connection, LEASE_SECONDS, 1, delivery_id))[0]

        result = await self._sender.send_once(await run(self._postgres, work))
        return json_response(200, {"delivered": result.delivered, "error": result.error})

    async def _push_key(self) -> str | None:
        """Return the public key that browsers subscribe with, None without web push."""
        key = self._settings.alerts_vapid_private_key
        if key is None or find_reason("push", self._settings):
            return None
        if self._known_push_key is None:
            self._known_push_key = await asyncio.to_thread(public_key, key.reveal())
        return self._known_push_key

    async def _find(self, user_id: str, channel_id: str) -> ChannelRow:
        rows = await run(self._postgres, lambda connection: select_channels(connection, user_id, channel_id))
        if not rows:
            raise unknown_channel()
        return rows[0]

    def _members(self, row: ChannelRow) -> dict[str, Any]:
        return channel_members(row, self._key_id)
