"""Endpoints of channels: list, create, show, change, delete, test, and a new secret."""

import secrets
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from msgspec import UNSET
from psycopg import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from functions.alerts.account import path_id, refuse_query, require_alerts, run
from functions.alerts.channels.queries import (
    ChannelRow,
    NewChannel,
    delete_channel,
    insert_channel,
    select_channel_ids,
    select_channels,
    update_channel,
    update_salt,
)
from functions.alerts.channels.requests import ChangeChannel, CreateChannel
from functions.alerts.delivery.addresses import check_url
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
from shared.http.problem import Problem, bad_parameters
from shared.http.response_data import rfc3339
from shared.runtime import clock

_KINDS = ("webhook",)
_MAX_TESTS, _TEST_SECONDS = 20, 3600


class Channels:
    """Endpoints of an account's own channels."""

    def __init__(self, settings: Settings, postgres: PostgresClient, sender: Sender, attempts: Attempts) -> None:
        self._attempts = attempts
        self._settings = settings
        self._postgres = postgres
        self._sender = sender
        self._secret = settings.api_token_secret.reveal()
        self._key_id = key_id(self._secret)

    async def list(self, request: Request, caller: Caller) -> Response:
        """Return the channels of the account, oldest first, and the kinds that this installation has."""
        refuse_query(request)
        user_id = require_alerts(caller, "The list of channels")
        rows = await run(self._postgres, lambda connection: select_channels(connection, user_id))
        members = {"count": len(rows), "limit": self._settings.alerts_max_channels, "kinds": _KINDS}
        return json_response(200, {**members, "items": [self._members(row) for row in rows]})

    async def create(self, request: Request, caller: Caller) -> Response:
        """Create a channel; the response alone shows the secret that signs its messages."""
        refuse_query(request)
        user_id = require_alerts(caller, "Creating a channel")
        body = await read_json(request, CreateChannel)
        if fault := check_url(body.url, private=self._settings.permits_private):
            raise bad_parameters([("url", fault)])
        new = NewChannel(
            str(uuid4()), body.kind, parse_name(body.name), body.url, secrets.token_hex(16), self._key_id, "active"
        )
        most = self._settings.alerts_max_channels

        async def work(connection: AsyncConnection) -> ChannelRow:
            await lock_account(connection, user_id)
            if len(await select_channel_ids(connection, user_id)) >= most:
                detail = f"An account has at most {most} channels. Delete some first."
                raise Problem(409, "too-many-channels", "Too many channels", detail)
            await insert_channel(connection, user_id, new, clock.now())
            return (await select_channels(connection, user_id, new.channel_id))[0]

        row = await run(self._postgres, work)
        members = {"secret": make_secret(self._secret, new.salt), **self._members(row)}
        return json_response(201, members, {"Location": f"channels/{row.channel_id}"})

    async def show(self, request: Request, caller: Caller) -> Response:
        """Return one channel."""
        refuse_query(request)
        user_id = require_alerts(caller, "A channel")
        channel_id = path_id(request, "channel_id", unknown_channel())
        return json_response(200, self._members(await self._find(user_id, channel_id)))

    async def change(self, request: Request, caller: Caller) -> Response:
        """Rename a channel, or make a disabled one active again."""
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
            return (await select_channels(connection, user_id, channel_id))[0]

        return json_response(200, self._members(await run(self._postgres, work)))

    async def delete(self, request: Request, caller: Caller) -> Response:
        """Delete a channel and the messages that wait for it."""
        refuse_query(request)
        user_id = require_alerts(caller, "Deleting a channel")
        channel_id = path_id(request, "channel_id", unknown_channel())

        async def work(connection: AsyncConnection) -> bool:
            await lock_account(connection, user_id)  # a rule or a test that names it comes before or after
            return await delete_channel(connection, user_id, channel_id)

        if not await run(self._postgres, work):
            raise unknown_channel()
        return no_content()

    async def renew_secret(self, request: Request, caller: Caller) -> Response:
        """Replace the secret of a webhook; the response alone shows the new one."""
        refuse_query(request)
        user_id = require_alerts(caller, "A new secret")
        channel_id, salt = path_id(request, "channel_id", unknown_channel()), secrets.token_hex(16)

        async def work(connection: AsyncConnection) -> bool:
            return await update_salt(connection, user_id, channel_id, salt, self._key_id)

        if not await run(self._postgres, work):
            raise unknown_channel()
        row = await self._find(user_id, channel_id)
        return json_response(200, {"secret": make_secret(self._secret, salt), **self._members(row)})

    async def test(self, request: Request, caller: Caller) -> Response:
        """Send a test message now, once, and return what became of it."""
        refuse_query(request)
        user_id = require_alerts(caller, "A test of a channel")
        channel_id = path_id(request, "channel_id", unknown_channel())
        # Counted apart from the channels: one that is deleted and made anew starts no new hour.
        await self._attempts.require("channel test", f"account {user_id}", _MAX_TESTS, _TEST_SECONDS)

        async def work(connection: AsyncConnection) -> DueDelivery:
            await lock_account(connection, user_id)
            if not await select_channels(connection, user_id, channel_id):
                raise unknown_channel()
            delivery_id = await insert_test(connection, user_id, channel_id)
            return (await claim_due(connection, LEASE_SECONDS, 1, delivery_id))[0]

        outcome = await self._sender.send_once(await run(self._postgres, work))
        return json_response(200, {"delivered": outcome.delivered, "error": outcome.error})

    async def _find(self, user_id: str, channel_id: str) -> ChannelRow:
        rows = await run(self._postgres, lambda connection: select_channels(connection, user_id, channel_id))
        if not rows:
            raise unknown_channel()
        return rows[0]

    def _members(self, row: ChannelRow) -> dict[str, Any]:
        return {
            "id": row.channel_id,
            "kind": row.kind,
            "name": row.name,
            "target": _shown(row),
            "state": row.state,
            "secret_valid": row.key_id == self._key_id,
            "failures": row.failures,
            "failing_since": row.failing_since and rfc3339(row.failing_since),
            "last_error": row.last_error,
            "last_delivered_at": row.delivered_at and rfc3339(row.delivered_at),
            "pending": row.pending,
            "created_at": rfc3339(row.created_at),
        }


def unknown_channel() -> Problem:
    """Return the 404 for a channel that the account does not have."""
    detail = "The account has no such channel. /alerts/channels lists its channels."
    return Problem(404, "unknown-channel", "Unknown channel", detail)


def _shown(row: ChannelRow) -> str:
    """Return where a channel leads, without the part of an address that may be a secret."""
    parts = urlsplit(row.target)
    return f"{parts.scheme}://{parts.netloc}/" + ("..." if parts.path.strip("/") or parts.query else "")
