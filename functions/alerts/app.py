"""Application of alerts: accounts at /alerts, events at /events."""

from functools import cached_property
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.alerts.settings import Settings
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient
from shared.http.endpoint import Handler, Router, public_endpoint

if TYPE_CHECKING:
    from functions.alerts.events import EventHandler

EVENTS = "/events"
"""Path for events. The public route leads to /alerts only."""

_UNSUBSCRIBE = "/alerts/unsubscribe/{channel_id}/{signature}"


class AlertsApp:
    """State of one process; each half is created when its first request arrives."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._postgres = PostgresClient(settings)
        self._redis = RedisClient(settings, self._postgres)

    async def respond(self, request: Request) -> Response:
        """Return the response to an API request or an event."""
        if request.url.path.rstrip("/") != EVENTS:
            return await self._endpoints(request)
        return await self._event_handler.handle(request)

    @cached_property
    def _endpoints(self) -> Handler:
        from functions.alerts.channels.confirmation import Confirmations
        from functions.alerts.channels.creation import ChannelCreation
        from functions.alerts.channels.endpoints import Channels
        from functions.alerts.delivery.sending import Sender
        from functions.alerts.firings.endpoints import Firings
        from functions.alerts.rules.endpoints import Rules
        from shared.auth.attempts import Attempts
        from shared.auth.authenticator import Authenticator

        rules = Rules(self._settings, self._postgres)
        authenticator = Authenticator(self._settings, self._redis, self._postgres)
        attempts = Attempts(authenticator.counters, self._settings.api_token_secret.reveal())
        sender = Sender(self._settings, self._postgres)
        confirmations = Confirmations(self._settings, self._postgres, sender, attempts)
        channels = Channels(self._settings, self._postgres, sender, confirmations, attempts)
        creation = ChannelCreation(self._settings, self._postgres, confirmations)
        firings = Firings(self._postgres)
        routes = [
            Route("/alerts", rules.list),
            Route("/alerts", rules.create, methods=["POST"]),
            Route("/alerts/firings", firings.list),
            Route("/alerts/channels", channels.list),
            Route("/alerts/channels", creation.create, methods=["POST"]),
            Route("/alerts/channels/{channel_id}", channels.show),
            Route("/alerts/channels/{channel_id}", channels.change, methods=["PATCH"]),
            Route("/alerts/channels/{channel_id}", channels.delete, methods=["DELETE"]),
            Route("/alerts/channels/{channel_id}/confirm", confirmations.confirm, methods=["POST"]),
            Route("/alerts/channels/{channel_id}/secret", channels.renew_secret, methods=["POST"]),
            Route("/alerts/channels/{channel_id}/test", channels.test, methods=["POST"]),
            Route(_UNSUBSCRIBE, confirmations.ask_unsubscription),
            Route(_UNSUBSCRIBE, confirmations.unsubscribe, methods=["POST"]),
            Route("/alerts/{alert_id}", rules.show),
            Route("/alerts/{alert_id}", rules.change, methods=["PATCH"]),
            Route("/alerts/{alert_id}", rules.delete, methods=["DELETE"]),
            Route("/alerts/{alert_id}/firings", firings.list),
        ]
        return public_endpoint(Router(routes, "Alerts are at /alerts."), authenticator)

    @cached_property
    def _event_handler(self) -> "EventHandler":
        # Loaded late: an account's cold start must not wait for it.
        from functions.alerts.events import EventHandler

        return EventHandler(self._settings, self._postgres)
