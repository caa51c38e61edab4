"""Endpoint that creates channels, within the limits of the account."""

import secrets
from uuid import uuid4

from psycopg import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from functions.alerts.account import refuse_query, require_alerts, run
from functions.alerts.channels.confirmation import Confirmations
from functions.alerts.channels.kinds import require_kind
from functions.alerts.channels.members import channel_members
from functions.alerts.channels.queries import (
    ChannelRow,
    NewChannel,
    insert_channel,
    select_channel_ids,
    select_channels,
    select_same_channel,
    update_target,
)
from functions.alerts.channels.requests import CreateChannel
from functions.alerts.channels.targets import ENCRYPTED, parse_target
from functions.alerts.delivery.encryption import encrypt_target
from functions.alerts.delivery.webhook import make_secret
from functions.alerts.responses import json_response
from functions.alerts.rules.queries import lock_account
from functions.alerts.settings import Settings
from shared.auth.authenticator import Caller
from shared.auth.names import parse_name
from shared.auth.token_format import key_id
from shared.connections.postgres import PostgresClient
from shared.http.json_body import read_json
from shared.http.problem import Problem
from shared.runtime import clock


class ChannelCreation:
    """Endpoint that creates channels."""

    def __init__(self, settings: Settings, postgres: PostgresClient, confirmations: Confirmations) -> None:
        self._settings = settings
        self._postgres = postgres
        self._confirmations = confirmations
        self._secret = settings.api_token_secret.reveal()
        self._key_id = key_id(self._secret)

    async def create(self, request: Request, caller: Caller) -> Response:
        """Create a channel; only the response shows the secret that signs the messages of a webhook.

        For a browser or address that has a channel already, return that one with 200, and update the browser's keys.
        """
        refuse_query(request)
        user_id = require_alerts(caller, "Creating a channel")
        body = await read_json(request, CreateChannel)
        require_kind(body.kind, self._settings)
        new, key = await self._read(body), self._secret
        if body.kind == "email":
            await self._confirmations.limit_codes(user_id, new.target)

        async def work(connection: AsyncConnection) -> tuple[ChannelRow, bool]:
            await lock_account(connection, user_id)
            same = new.target_key and await select_same_channel(connection, user_id, new.kind, new.target_key)
            if same and new.kind == "push":
                await update_target(connection, same, new)
            if not same:
                await self._insert(connection, user_id, new)
            return (await select_channels(connection, user_id, same or new.channel_id))[0], not same

        row, is_new = await run(self._postgres, work)
        if row.state == "unconfirmed" and is_new:
            await self._confirmations.send_code(user_id, row)
            row = (await run(self._postgres, lambda one: select_channels(one, user_id, row.channel_id)))[0]
        secret = make_secret(key, new.salt) if body.kind == "webhook" else None
        members = {"secret": secret, **channel_members(row, self._key_id)}
        return json_response(201 if is_new else 200, members, {"Location": f"channels/{row.channel_id}"})

    async def _read(self, body: CreateChannel) -> NewChannel:
        """Return the channel that *body* asks for."""
        name = parse_name(body.name)
        target = await parse_target(body, private=self._settings.permits_private)
        salt = secrets.token_hex(16)
        text = encrypt_target(self._secret, salt, target.text) if body.kind in ENCRYPTED else target.text
        state = "unconfirmed" if body.kind == "email" else "active"
        return NewChannel(str(uuid4()), body.kind, name, text, salt, self._key_id, state, target.shown, target.key)

    async def _insert(self, connection: AsyncConnection, user_id: str, new: NewChannel) -> None:
        most = self._settings.alerts_max_channels
        if len(await select_channel_ids(connection, user_id)) >= most:
            detail = f"An account has at most {most} channels. Delete some first."
            raise Problem(409, "too-many-channels", "Too many channels", detail)
        await insert_channel(connection, user_id, new, clock.now())
