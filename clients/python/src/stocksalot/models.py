"""Members of the responses. Made from the OpenAPI document by `make contract`; do not edit.

Numbers with a fraction are Decimal, whole ones int. Instants are RFC 3339 in UTC, dates are days in New York.
"""

import builtins
from decimal import Decimal
from typing import Any, Literal, NotRequired, TypedDict

Number = Decimal | int


class Absence(TypedDict):
    """Reason for a response without items."""

    code: str
    text: str
    ask_again_at: str | None


class AccountResponse(TypedDict):
    """An account."""

    id: str
    email: str
    username: str | None
    created_at: str


class AddTickers(TypedDict):
    """Tickers to add to a list."""

    tickers: list[str]


class AddedTickersResponse(TypedDict):
    """A list after tickers were added, with those that were not."""

    id: str
    name: str
    count: int
    tickers: list[str]
    created_at: str
    changed_at: str
    refused: list["RefusedTicker"]


class Alert(TypedDict):
    """An alert of the account."""

    id: str
    sentence: str
    ticker: str | None
    list: str | None
    kind: Literal["price", "change", "volume", "extreme", "insight", "missing"]
    direction: Literal["above", "below", "up", "down", "any", "high", "low"] | None
    basis: Literal["previous_close", "session_open"] | None
    span: Literal["20_sessions", "52_weeks"] | None
    amount: Number | None
    repeat: Literal["once", "session", "always"]
    channels: builtins.list[str] | None
    state: Literal["active", "paused", "done"]
    created_at: str
    changed_at: str
    fired: int
    last_fired_at: str | None


class AlertsResponse(TypedDict):
    """Alerts of the account, oldest first."""

    count: int
    limit: int
    items: list["Alert"]


class AppliedSplit(TypedDict):
    """A split for which a series is adjusted."""

    date: str
    ratio: str


class BarCounts(TypedDict):
    """Expected and stored bars, and the number of missing bars by reason."""

    expected: int
    present: int
    none_at_provider: int
    not_fetched: int
    rejected: int


class BarsResponse(TypedDict):
    """Bars, by ticker, then by time."""

    count: int
    as_of: str | None
    source: str | None
    sources: list[str]
    stale: bool
    exchange_tz: Literal["America/New_York"]
    reason: "Absence | None"
    interval: Literal["1h", "1d", "1w", "1mo"]
    known_at: str | None
    open_from: str | None
    next_cursor: str | None
    series: list["SeriesInfo"]
    items: list["HourlyBar | LongerBar"]


class CalendarItem(TypedDict):
    """A trading day."""

    date: str
    opens: str
    closes: str
    half_day: bool
    bars: int


class CalendarResponse(TypedDict):
    """Sessions of the exchange."""

    count: int
    stale: bool
    exchange_tz: Literal["America/New_York"]
    answered_at: str
    open_now: bool
    next_change_at: str | None
    reason: "Absence | None"
    items: list["CalendarItem"]


class ChangeAlert(TypedDict):
    """Parts of an alert to change; omitted ones stay as they are. A new condition applies from now on."""

    ticker: NotRequired[str]
    list: NotRequired[str]
    direction: NotRequired[Literal["above", "below", "up", "down", "any", "high", "low"]]
    basis: NotRequired[Literal["previous_close", "session_open"]]
    span: NotRequired[Literal["20_sessions", "52_weeks"]]
    amount: NotRequired[Number | None]
    repeat: NotRequired[Literal["once", "session", "always"]]
    channels: NotRequired[builtins.list[str] | None]
    state: NotRequired[Literal["active", "paused"]]


class ChangeChannel(TypedDict):
    """Parts of a channel to change; omitted ones stay as they are."""

    name: NotRequired[str]
    state: NotRequired[Literal["active", "disabled"]]


class ChangeList(TypedDict):
    """Another name of a list, or another order of its tickers; absent: unchanged."""

    name: NotRequired[str | None]
    tickers: NotRequired[list[str] | None]


class Channel(TypedDict):
    """A channel of the account, without its secret."""

    id: str
    kind: Literal["webhook", "push", "email", "apprise"]
    name: str
    target: str
    state: Literal["unconfirmed", "active", "disabled"]
    secret_valid: bool
    failures: int
    failing_since: str | None
    last_error: str | None
    last_delivered_at: str | None
    pending: int
    created_at: str


class ChannelKindAvailability(TypedDict):
    """A kind of channel, and whether this installation has it."""

    kind: Literal["webhook", "push", "email", "apprise"]
    available: bool
    reason: str | None


class ChannelsResponse(TypedDict):
    """Channels of the account, oldest first."""

    count: int
    limit: int
    kinds: list["ChannelKindAvailability"]
    push_key: str | None
    items: list["Channel"]


class ClockStatus(TypedDict):
    """Comparison of clocks; null: not compared, or the time is replayed."""

    wrong: bool
    ahead_of_database_seconds: int | None
    ahead_of_provider_seconds: int | None


class ConfirmChannel(TypedDict):
    """Code of the confirmation message."""

    code: str


class CoverageResponse(TypedDict):
    """Expected and stored bars."""

    count: int
    as_of: str | None
    source: str | None
    sources: list[str]
    stale: bool
    exchange_tz: Literal["America/New_York"]
    reason: "Absence | None"
    interval: Literal["1h"]
    sessions: int
    definition: str
    disagreements: int
    totals: "BarCounts"
    reasons: dict[str, str]
    tickers: list["TickerCoverage"]
    items: list["SessionCoverage"]


class CreateAlert(TypedDict):
    """A new alert, of a ticker or a list, with the direction, basis, span and amount that its kind needs."""

    kind: Literal["price", "change", "volume", "extreme", "insight", "missing"]
    ticker: NotRequired[str | None]
    list: NotRequired[str | None]
    direction: NotRequired[Literal["above", "below", "up", "down", "any", "high", "low"] | None]
    basis: NotRequired[Literal["previous_close", "session_open"] | None]
    span: NotRequired[Literal["20_sessions", "52_weeks"] | None]
    amount: NotRequired[Number | None]
    repeat: NotRequired[Literal["once", "session", "always"]]
    channels: NotRequired[builtins.list[str] | None]


class CreateChannel(TypedDict):
    """A new channel. webhook and apprise need url, push needs subscription, email needs email."""

    kind: Literal["webhook", "push", "email", "apprise"]
    name: str
    url: NotRequired[str]
    subscription: NotRequired["Subscription | None"]
    email: NotRequired[str | None]


class CreateLink(TypedDict):
    """A new link. Without expires_at and expires_in_days it expires with its token."""

    path: str
    name: NotRequired[str | None]
    token_id: NotRequired[str | None]
    expires_at: NotRequired[str | None]
    expires_in_days: NotRequired[int | None]


class CreateList(TypedDict):
    """A new list."""

    name: str
    tickers: NotRequired[list[str]]


class CreateToken(TypedDict):
    """A new token. Without expires_at and expires_in_days, the default lifetime of the installation applies."""

    name: str
    scopes: NotRequired[list[Literal["read", "account", "alerts"]]]
    expires_at: NotRequired[str | None]
    expires_in_days: NotRequired[int | None]


class Credits(TypedDict):
    """Used part of a provider's budget, all keys together."""

    used: int
    limit: int | None


class DeletionForm(TypedDict):
    """Confirmation of a deletion."""

    password: str


class Delivery(TypedDict):
    """Message about a firing to one channel."""

    channel: str
    state: Literal["pending", "delivered", "failed"]
    attempts: int
    next_attempt_at: str | None
    delivered_at: str | None
    error: str | None


class Differences(TypedDict):
    """Differences to the bar of comparison."""

    open: Number | None
    high: Number | None
    low: Number | None
    close: Number | None
    volume: int | None


class DirectoryResponse(TypedDict):
    """Index of the endpoints."""

    count: int
    about: dict[str, str]
    items: list["Endpoint"]


class Disagreement(TypedDict):
    """A figure of a stored bar from which another source differs."""

    ticker: str
    datetime: str
    field: Literal["open", "high", "low", "close", "volume"]
    source: str
    value: Number
    other_source: str
    other_value: Number
    difference_percent: Number | None
    tolerance_percent: Number
    found_at: str
    compared_at: str
    resolved_at: str | None


class DisagreementsResponse(TypedDict):
    """Disagreements, newest bar first."""

    count: int
    as_of: str | None
    source: str | None
    sources: list[str]
    stale: bool
    exchange_tz: Literal["America/New_York"]
    reason: "Absence | None"
    definition: str
    compared_at: str | None
    items: list["Disagreement"]


class DocumentResponse(TypedDict):
    """An OpenAPI document."""

    openapi: str


class Endpoint(TypedDict):
    """An endpoint."""

    href: str
    summary: str
    parameters: dict[str, str]


class EntryState(TypedDict):
    """The revision of an entry, and whether bars behind its figures changed after it was first published."""

    revision: int
    corrected: bool
    superseded: bool


class ExcludedTicker(TypedDict):
    """A ticker that no figure compares for now."""

    ticker: str
    reason: Literal["split", "split-suspected"]
    detail: str
    since: str


class Fact(TypedDict):
    """A figure of a sentence, and the bars it is computed from."""

    id: str
    metric: str
    ticker: str | None
    basis: str | None
    value: Number
    unit: str
    text: str
    direction: Literal["up", "down"] | None
    window: str | None
    industry: str | None
    left_out: list[str]
    link: str
    superseded: bool | None
    bars: "FactBars"


class FactBars(TypedDict):
    """Bars of a figure: these fields of the bars of all these tickers at all these starts."""

    tickers: list[str]
    starts: list[str]
    fields: list[str]


class FeedAuthor(TypedDict):
    """An author."""

    name: str


class FeedItem(TypedDict):
    """An hour, or the wrap of a session."""

    id: str
    url: str
    title: str
    content_html: str
    content_text: str
    date_published: str
    date_modified: str
    tags: list[str]
    _stocksalot: "EntryState"


class FeedResponse(TypedDict):
    """A JSON Feed, https://www.jsonfeed.org/version/1.1/."""

    version: Literal["https://jsonfeed.org/version/1.1"]
    title: str
    description: str
    home_page_url: str
    feed_url: str
    next_url: NotRequired[str | None]
    language: Literal["en"]
    authors: list["FeedAuthor"]
    _stocksalot: "FeedState"
    items: list["FeedItem"]


class FeedState(TypedDict):
    """The feed's id in the Atom document, its newest change, and whether it is a cached copy."""

    id: str
    updated: str
    stale: bool


class FileItem(TypedDict):
    """A file: the hourly bars of a month, as they stand."""

    name: str
    month: str
    rows: int
    tickers: int
    first: str
    last: str
    bytes: int
    sha256: str
    built_version: int
    built_at: str
    needs_token: bool


class Firing(TypedDict):
    """A firing of an alert, or its correction, with the bar and the figures behind it."""

    id: str
    alert: str
    sentence: str
    kind: Literal["fired", "corrected"]
    corrects: str | None
    corrected: bool
    text: str
    ticker: str
    bar: "FiringBar"
    price: Number | None
    value: Number | None
    bound: Number | None
    fired_at: str
    deliveries: list["Delivery"]


class FiringBar(TypedDict):
    """Bar for which the alert was evaluated."""

    start: str
    end: str
    interval: Literal["1h"]
    session: str
    revision: int | None
    source: str | None
    link: str


class FiringsResponse(TypedDict):
    """Firings and corrections of alerts, newest first."""

    count: int
    next_cursor: str | None
    items: list["Firing"]


class Hour(TypedDict):
    """An hour of a session. Its datetime is its start."""

    datetime: str
    end: str


class HourlyBar(TypedDict):
    """An hourly bar, as stored."""

    open: Number
    high: Number
    low: Number
    close: Number
    volume: int | None
    ticker: str
    name: str
    stored_company_name: str
    datetime: str
    timestamp: int
    end: str
    source: str
    interval: Literal["1h"]
    revision: int


class IndicatorInfo(TypedDict):
    """An indicator as it was computed."""

    name: str
    values: list[str]
    bars: int | None
    definition: str


class IndicatorItem(TypedDict):
    """Values of the indicators at a bar, which datetime names by its start."""

    ticker: str
    interval: Literal["1h", "1d", "1w", "1mo"]
    datetime: str
    timestamp: int
    end: str
    close: Number
    source: str
    complete: bool
    values: dict[str, Number | None]
    incomplete: dict[str, Literal["warm-up", "gap", "unfinished", "split", "source-changed", "volume-unknown"]]


class IndicatorsResponse(TypedDict):
    """Indicators over the bars of a ticker, by time."""

    count: int
    as_of: str | None
    source: str | None
    sources: list[str]
    stale: bool
    exchange_tz: Literal["America/New_York"]
    reason: "Absence | None"
    interval: Literal["1h", "1d", "1w", "1mo"]
    known_at: str | None
    open_from: str | None
    next_cursor: str | None
    series: list["SeriesInfo"]
    indicators: list["IndicatorInfo"]
    items: list["IndicatorItem"]


class Insight(TypedDict):
    """A sentence."""

    place: int
    insight: str
    sentiment: Literal["positive", "negative", "neutral"]
    tickers: list[str]
    generator: Literal["rules", "model"]
    template: str
    kind: Literal["market", "company", "industry", "wrap"] | None
    significance: Number | None
    superseded: bool | None
    facts: list["Fact"]


class InsightHour(TypedDict):
    """Insights of an hour."""

    datetime: str
    timestamp: int
    end: str
    session: str
    complete: bool
    missing: list[str]
    left_out: list["NotCompared"]
    generator: Literal["rules", "model", "mixed"]
    model: str | None
    revision: int
    superseded: bool | None
    source: str
    written_at: str
    insights: list["Insight"]


class InsightsResponse(TypedDict):
    """Insights by hour, newest first."""

    count: int
    as_of: str | None
    source: str | None
    sources: list[str]
    stale: bool
    exchange_tz: Literal["America/New_York"]
    reason: "Absence | None"
    definition: str
    next_cursor: str | None
    items: list["InsightHour"]


class InvalidParameter(TypedDict):
    """An invalid parameter or field."""

    parameter: str
    detail: str


class LatestFields(TypedDict):
    """The members of a newest bar that `fields` names."""


class LatestItem(TypedDict):
    """Newest hourly bar of a ticker."""

    open: Number
    high: Number
    low: Number
    close: Number
    volume: int | None
    datetime: str
    timestamp: int
    ticker: str
    name: str
    source: str
    stored_company_name: str
    interval: Literal["1h"]
    end: str
    session: str | None
    revision: int
    received_at: str
    is_final: bool
    is_newest: bool
    previous_close: Number | None
    previous_close_at: str | None
    change: Number | None
    change_percent: Number | None


class LatestResponse(TypedDict):
    """Newest bar of each ticker."""

    count: int
    as_of: str | None
    source: str | None
    sources: list[str]
    stale: bool
    exchange_tz: Literal["America/New_York"]
    reason: "Absence | None"
    items: list["LatestItem"] | list["LatestFields"]


class LinkResponse(TypedDict):
    """A link, without its secret."""

    id: str
    name: str
    path: str
    token_id: str
    token_name: str
    created_at: str
    expires_at: str


class LinksResponse(TypedDict):
    """Links of an account, oldest first."""

    count: int
    items: list["LinkResponse"]


class ListResponse(TypedDict):
    """A list of tickers."""

    id: str
    name: str
    count: int
    tickers: list[str]
    created_at: str
    changed_at: str


class ListsResponse(TypedDict):
    """Lists of an account, by name."""

    count: int
    items: list["ListResponse"]


class LoginForm(TypedDict):
    """OAuth 2.0 password grant. Other fields are ignored; none may be repeated."""

    username: str
    password: str
    grant_type: NotRequired[Literal["password", ""]]
    scope: NotRequired[str]


class LoginResponse(TypedDict):
    """An OAuth 2.0 access token."""

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int
    scope: str


class LongerBar(TypedDict):
    """A bar made from the hourly bars of whole sessions."""

    open: Number
    high: Number
    low: Number
    close: Number
    volume: int | None
    ticker: str
    name: str
    stored_company_name: str
    datetime: str
    timestamp: int
    end: str
    source: str
    interval: Literal["1d", "1w", "1mo"]
    date: str
    sessions: int
    bars: int
    bars_expected: int
    complete: bool


class ManifestResponse(TypedDict):
    """All files. Each of `items` has every bar of its month as of `version`."""

    version: int
    stale: bool
    format: Literal["parquet"]
    interval: Literal["1h"]
    count: int
    pending: list[str]
    items: list["FileItem"]


class MarketStatus(TypedDict):
    """State of the exchange."""

    state: Literal["open", "closed", "unknown"]
    calendar_until: str | None
    calendar_warning: str | None
    session: "SessionTimes | None"
    next_open: str | None
    next_session: "SessionTimes | None"


class McpRequest(TypedDict):
    """A message of the Model Context Protocol: JSON-RPC 2.0. Other members are ignored."""

    jsonrpc: Literal["2.0"]
    id: NotRequired[int | str]
    method: str
    params: NotRequired[dict[str, Any]]


class McpResponse(TypedDict):
    """Response to a message: its result, or an error."""

    jsonrpc: Literal["2.0"]
    id: int | str | None
    result: NotRequired[dict[str, Any] | None]
    error: NotRequired[dict[str, Any] | None]


class MeasuredBar(TypedDict):
    """The bar by which a mover is measured."""

    open: Number
    high: Number
    low: Number
    close: Number
    volume: int | None
    datetime: str
    timestamp: int
    end: str
    source: str


class MissingBar(TypedDict):
    """A missing bar."""

    ticker: str
    datetime: str
    why: Literal["none_at_provider", "not_fetched", "rejected"]
    reason: str | None


class ModelRequest(TypedDict):
    """Last request to the language model."""

    asked_at: str
    model: str | None
    outcome: str
    advice: str


class ModelStatus(TypedDict):
    """Sentences that a language model proposed in the last seven days, by outcome."""

    requests: int
    answered: int
    proposed: int
    accepted: int
    repaired: int
    fallen_back: int
    refused: dict[str, int]
    last: "ModelRequest"


class Mover(TypedDict):
    """A ranked ticker."""

    rank: int
    is_newest: bool
    profile: "Profile"
    current_metrics: "MeasuredBar"
    metric_deltas: "Differences"
    change: Number | None
    change_percent: Number | None
    basis: Literal["previous_close", "previous_bar", "session_open"]
    basis_price: Number | None
    basis_datetime: str | None
    basis_at: str | None
    window: "MoverWindow"


class MoverWindow(TypedDict):
    """Window over which volume and range are measured."""

    start: str | None
    end: str | None
    bars: int
    bars_expected: int | None
    high: Number | None
    low: Number | None
    volume: int | None
    range_percent: Number | None
    usual_volume: Number | None
    usual_sessions: int
    volume_ratio: Number | None


class MoversResponse(TypedDict):
    """Movers, and the definition of the ranking."""

    count: int
    as_of: str | None
    source: str | None
    sources: list[str]
    stale: bool
    exchange_tz: Literal["America/New_York"]
    reason: "Absence | None"
    kind: Literal["gainers", "losers", "active", "unusual_volume", "volatile"]
    basis: Literal["previous_close", "previous_bar", "session_open"]
    definition: str
    left_out: list["ExcludedTicker"]
    not_ranked: list["NotRanked"]
    items: list["Mover"]


class NewChannelResponse(TypedDict):
    """A channel with the secret of a webhook, which is shown only once."""

    id: str
    kind: Literal["webhook", "push", "email", "apprise"]
    name: str
    target: str
    state: Literal["unconfirmed", "active", "disabled"]
    secret_valid: bool
    failures: int
    failing_since: str | None
    last_error: str | None
    last_delivered_at: str | None
    pending: int
    created_at: str
    secret: str | None


class NewLinkResponse(TypedDict):
    """A new link, with its URL."""

    id: str
    name: str
    path: str
    token_id: str
    token_name: str
    created_at: str
    expires_at: str
    url: str


class NewTokenResponse(TypedDict):
    """A new token, with its text."""

    id: str
    kind: Literal["login", "token"]
    name: str
    scopes: list[Literal["read", "account", "alerts"]]
    created_at: str
    expires_at: str
    last_used_at: str | None
    replaced_by: str | None
    valid: bool
    current: bool
    token: str


class NewestBar(TypedDict):
    """Newest bar of all tickers, and the number of tickers that have it."""

    datetime: str
    end: str
    tickers: int


class NotCompared(TypedDict):
    """A ticker whose bars cannot be compared."""

    ticker: str
    reason: Literal["split", "source-changed"]


class NotRanked(TypedDict):
    """A ticker that lacks the bars for a rank, or whose bars come from sources with different prices."""

    ticker: str
    datetime: str
    is_newest: bool
    reason: Literal["bar-missing", "source-changed"]


class OverviewItem(TypedDict):
    """Company, session so far, and recent closes of a ticker."""

    ticker: str
    exchange: str | None
    industry: str | None
    market_cap_millions: Number | None
    session_high: Number | None
    session_low: Number | None
    session_volume: int | None
    volume_ratio: Number | None
    closes: list[Number | None]


class OverviewResponse(TypedDict):
    """All tickers in columns."""

    count: int
    as_of: str | None
    source: str | None
    sources: list[str]
    stale: bool
    exchange_tz: Literal["America/New_York"]
    reason: "Absence | None"
    hours: list["Hour"]
    items: list["OverviewItem"]


class PasswordChangeForm(TypedDict):
    """A change of the password."""

    password: str
    new_password: str


class Problem(TypedDict):
    """An error (RFC 9457): its cause, and how to correct it."""

    type: str
    title: str
    status: int
    detail: str
    instance: NotRequired[str]
    reason: NotRequired["Absence | None"]
    errors: NotRequired[list["InvalidParameter"]]


class Profile(TypedDict):
    """A company. Unknown values are null."""

    ticker: str
    name: str
    exchange: str | None
    industry: str | None
    country: str | None
    currency: str | None
    ipo: str | None
    website: str | None
    logo: str | None
    phone: str | None
    market_cap_millions: Number | None
    shares_millions: Number | None
    market_cap: Number | None
    num_shares: Number | None
    source: str | None
    fetched_at: str | None
    active: bool


class ProfileResponse(TypedDict):
    """One company."""

    ticker: str
    name: str
    exchange: str | None
    industry: str | None
    country: str | None
    currency: str | None
    ipo: str | None
    website: str | None
    logo: str | None
    phone: str | None
    market_cap_millions: Number | None
    shares_millions: Number | None
    market_cap: Number | None
    num_shares: Number | None
    source: str | None
    fetched_at: str | None
    active: bool
    ended_on: str | None
    renamed_to: str | None
    stale: bool


class ProviderBudget(TypedDict):
    """Budget of a provider."""

    provider: str
    keys: int
    minute: "Credits"
    day: "Credits"
    pause: "ProviderPause | None"


class ProviderPause(TypedDict):
    """Pause of a provider that does not respond."""

    since: str
    until: str
    reason: str


class RefusedTicker(TypedDict):
    """A ticker that was not added."""

    ticker: str
    reason: str


class RegistrationForm(TypedDict):
    """A new account."""

    email: str
    password: str
    username: NotRequired[str | Literal[""]]
    invite: NotRequired[str]


class RegistrationResponse(TypedDict):
    """A new account."""

    id: str
    email: str
    username: str | None
    created_at: str
    status: Literal["ok"]


class RejectionItem(TypedDict):
    """A bar that was sent and not stored."""

    id: int
    ticker: str
    interval: str
    datetime: str | None
    reason: str
    detail: str
    source: str
    received_at: str
    sent: "SentBar"
    text: str
    advice: str


class RejectionsResponse(TypedDict):
    """Rejected bars, newest first."""

    count: int
    stale: bool
    reason: "Absence | None"
    next_cursor: int | None
    items: list["RejectionItem"]


class RotateToken(TypedDict):
    """Replacement of a token."""

    overlap_seconds: NotRequired[int]


class RotatedTokenResponse(TypedDict):
    """A new token that replaces another."""

    id: str
    kind: Literal["login", "token"]
    name: str
    scopes: list[Literal["read", "account", "alerts"]]
    created_at: str
    expires_at: str
    last_used_at: str | None
    replaced_by: str | None
    valid: bool
    current: bool
    token: str
    replaces: str


class Seam(TypedDict):
    """The place in a series where its source changes."""

    datetime: str
    before: str
    after: str


class SearchResponse(TypedDict):
    """Tracked tickers that match, the best match first."""

    count: int
    stale: bool
    reason: "Absence | None"
    items: list["TickerItem"]


class SentBar(TypedDict):
    """A bar as it was sent; null where it had no figure."""

    open: NotRequired[str | None]
    high: NotRequired[str | None]
    low: NotRequired[str | None]
    close: NotRequired[str | None]
    volume: NotRequired[str | None]
    text: NotRequired[str | None]


class SeriesInfo(TypedDict):
    """Adjustment of a series for splits, and the changes of its source."""

    ticker: str
    adjusted: Literal["splits", "none", "unknown", "pending"]
    splits: list["AppliedSplit"]
    seams: list["Seam"]


class SessionCoverage(TypedDict):
    """Expected and stored bars of a session."""

    expected: int
    present: int
    none_at_provider: int
    not_fetched: int
    rejected: int
    date: str
    datetime: str
    end: str
    half_day: bool
    missing: list["MissingBar"]


class SessionTimes(TypedDict):
    """A trading day."""

    date: str
    opens: str
    closes: str
    half_day: bool


class SplitItem(TypedDict):
    """A split of shares."""

    ticker: str
    date: str
    datetime: str
    ratio: str
    new_shares: Number
    old_shares: Number
    state: Literal["pending", "suspected", "applied", "unconfirmed", "refuted"]
    found: Literal["overlap", "jump", "stated"]
    source: str
    detail: str
    found_at: str
    changed_at: str


class SplitsResponse(TypedDict):
    """Splits, newest first."""

    count: int
    stale: bool
    reason: "Absence | None"
    items: list["SplitItem"]


class StatusResponse(TypedDict):
    """State of the market and of the data."""

    as_of: str | None
    answered_at: str
    source: str | None
    sources: list[str]
    stale: bool
    exchange_tz: Literal["America/New_York"]
    simulated: bool
    market: "MarketStatus"
    newest_bar: "NewestBar | None"
    data_age_seconds: int | None
    newest_finished_bar: str | None
    next_bar_due: str | None
    tickers: int
    behind: int
    rejected_last_day: int
    disagreements: int
    compared_at: str | None
    dead_letters: int
    left_out: list["ExcludedTicker"]
    epoch: int
    providers: list["ProviderBudget"]
    model: "ModelStatus | None"
    clock: "ClockStatus"
    version: str


class Subscription(TypedDict):
    """A browser's subscription in the format of PushSubscription.toJSON(); other members are ignored."""

    endpoint: str
    keys: "SubscriptionKeys"


class SubscriptionKeys(TypedDict):
    """Keys of a browser's subscription."""

    p256dh: str
    auth: str


class TestResponse(TypedDict):
    """Result of a test message."""

    delivered: bool
    error: str | None


class TickerCoverage(TypedDict):
    """Expected and stored bars of a ticker."""

    expected: int
    present: int
    none_at_provider: int
    not_fetched: int
    rejected: int
    ticker: str


class TickerItem(TypedDict):
    """A tracked ticker."""

    ticker: str
    name: str
    exchange: str | None
    industry: str | None


class TickerLatest(TypedDict):
    """Newest bar of one ticker."""

    open: Number
    high: Number
    low: Number
    close: Number
    volume: int | None
    datetime: str
    timestamp: int
    ticker: str
    name: str
    source: str
    stored_company_name: str
    interval: Literal["1h"]
    end: str
    session: str | None
    revision: int
    received_at: str
    is_final: bool
    is_newest: bool
    previous_close: Number | None
    previous_close_at: str | None
    change: Number | None
    change_percent: Number | None
    stale: bool


class TickerLatestFields(TypedDict):
    """The members of the newest bar that `fields` names."""

    stale: bool


class TickersResponse(TypedDict):
    """All tracked tickers, in alphabetical order."""

    count: int
    stale: bool
    reason: "Absence | None"
    items: list["TickerItem"]


class TokenInfo(TypedDict):
    """A token of the account, without its secret text."""

    id: str
    kind: Literal["login", "token"]
    name: str
    scopes: list[Literal["read", "account", "alerts"]]
    created_at: str
    expires_at: str
    last_used_at: str | None
    replaced_by: str | None
    valid: bool
    current: bool


class TokensResponse(TypedDict):
    """Tokens of an account that it has not revoked."""

    count: int
    items: list["TokenInfo"]
