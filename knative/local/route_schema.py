"""Pydantic models of the Gateway API: HTTPRoutes with prefix matches and rewrites."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from knative.local.field_types import RoutePath, Subdomain
from knative.local.pod_schema import Ignored, Metadata, Model, Object


class PathMatch(Model):
    type: Literal["PathPrefix"] = "PathPrefix"
    value: RoutePath = "/"


class Match(Model):
    path: PathMatch = PathMatch()


class PathRewrite(Model):
    type: Literal["ReplacePrefixMatch"]
    replace_prefix_match: str


class UrlRewrite(Model):
    hostname: str = ""
    path: PathRewrite | None = None


class RouteFilter(Model):
    type: Literal["URLRewrite", "RequestRedirect"]
    request_redirect: Ignored = None  # there is no https here to redirect to
    url_rewrite: UrlRewrite = UrlRewrite()


class Backend(Model):
    name: Literal["kourier-internal"]
    port: Ignored = None


class RouteRule(Model):
    matches: Sequence[Match] = (Match(),)
    filters: Sequence[RouteFilter] = Field(min_length=1)
    backend_refs: Sequence[Backend] = ()


class RouteSpec(Model):
    parent_refs: Ignored = None
    hostnames: Sequence[Subdomain] = ()
    rules: Sequence[RouteRule] = ()


class HttpRoute(Object):
    metadata: Metadata
    spec: RouteSpec
