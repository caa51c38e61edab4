"""Routes of alerts, for the OpenAPI document. No running function imports them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from functions.alerts.channel_models import (
    ChangeChannel,
    Channel,
    ChannelsResponse,
    ConfirmChannel,
    CreateChannel,
    NewChannelResponse,
    TestResponse,
)
from functions.alerts.firings.query import FiringsQuery
from functions.alerts.response_models import (
    ID_EXAMPLE,
    Alert,
    AlertsResponse,
    ChangeAlert,
    CreateAlert,
    FiringsResponse,
)
from functions.contract.operations import document_route, query_model

# pyright: reportReturnType=false
router = APIRouter(tags=["Alerts"])
AlertId = Annotated[str, Path(examples=[ID_EXAMPLE])]
ChannelId = Annotated[str, Path(examples=[ID_EXAMPLE])]
_BODY = (408, 413, 415)
_CREATED = {"status": 201, "headers": ("Location",)}
_FiringsQuery = query_model(FiringsQuery)


@router.get("/alerts", **document_route("token", 403))
def list_alerts() -> AlertsResponse:
    """List the alerts of the account."""


@router.post("/alerts", **document_route("token", 403, 404, 409, *_BODY, **_CREATED))
def create_alert(alert: CreateAlert) -> Alert:
    """Create an alert.

    It is evaluated for each hourly bar that ends from now on, once the bar is final.
    """


@router.get("/alerts/firings", **document_route("token", 403))
def list_firings(query: Annotated[_FiringsQuery, Query()]) -> FiringsResponse:  # pyright: ignore[reportInvalidTypeForm]
    """List the firings of the alerts of the account, with the delivery of each message."""


@router.get("/alerts/channels", **document_route("token", 403))
def list_channels() -> ChannelsResponse:
    """List the channels of the account."""


@router.post("/alerts/channels", **document_route("token", 403, 409, *_BODY, **_CREATED))
def create_channel(channel: CreateChannel) -> NewChannelResponse:
    """Create a channel for messages.

    A browser or address that has a channel already gets that one, with 200. A new address gets a confirmation code.
    """


@router.get("/alerts/channels/{channel_id}", **document_route("token", 403, 404))
def show_channel(channel_id: ChannelId) -> Channel:
    """Show a channel and the state of its deliveries."""


@router.patch("/alerts/channels/{channel_id}", **document_route("token", 403, 404, *_BODY))
def change_channel(channel_id: ChannelId, channel: ChangeChannel) -> Channel:
    """Rename a channel, or make it active again."""


@router.delete("/alerts/channels/{channel_id}", **document_route("token", 403, 404, status=204))
def delete_channel(channel_id: ChannelId) -> None:
    """Delete a channel and its pending messages."""


@router.post("/alerts/channels/{channel_id}/confirm", **document_route("token", 403, 404, *_BODY))
def confirm_channel(channel_id: ChannelId, code: ConfirmChannel) -> Channel:
    """Confirm an address with the code sent to it.

    A code is valid for an hour and ten attempts.
    """


@router.post("/alerts/channels/{channel_id}/secret", **document_route("token", 403, 404))
def renew_secret(channel_id: ChannelId) -> NewChannelResponse:
    """Replace the secret of a webhook."""


@router.post("/alerts/channels/{channel_id}/test", **document_route("token", 403, 404))
def test_channel(channel_id: ChannelId) -> TestResponse:
    """Send a test message now, or another code to an unconfirmed address.

    At most 20 tests and 5 codes an hour, and 3 codes a day to one address.
    """


@router.get("/alerts/{alert_id}", **document_route("token", 403, 404))
def show_alert(alert_id: AlertId) -> Alert:
    """Show an alert."""


@router.patch("/alerts/{alert_id}", **document_route("token", 403, 404, *_BODY))
def change_alert(alert_id: AlertId, alert: ChangeAlert) -> Alert:
    """Change an alert, pause it, or make it active again."""


@router.delete("/alerts/{alert_id}", **document_route("token", 403, 404, status=204))
def delete_alert(alert_id: AlertId) -> None:
    """Delete an alert and its firings."""


@router.get("/alerts/{alert_id}/firings", **document_route("token", 403, 404))
def list_firings_of(
    alert_id: AlertId,
    query: Annotated[_FiringsQuery, Query()],  # pyright: ignore[reportInvalidTypeForm]
) -> FiringsResponse:
    """List the firings of one alert."""
