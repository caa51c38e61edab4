"""Application model: functions, Triggers, PingSources, Jobs and routes, independent of manifests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from knative.local.broker import TriggerSpec

Name = tuple[str, str]
"""Namespace and name of an object."""


@dataclass(frozen=True)
class Environment:
    """Environment variables of a container: defaults, names that the user's settings may set, and fixed values."""

    defaults: Mapping[str, str]
    names: frozenset[str]
    fixed: Mapping[str, str]

    def resolve_variables(self, settings: Mapping[str, str], services: Mapping[str, str]) -> dict[str, str]:
        """Return the variables: *services* over *settings* over the defaults, and the fixed ones over all."""
        chosen = {name: settings[name] for name in self.names if name in settings}
        return {**self.defaults, **chosen, **services, **self.fixed}


@dataclass(frozen=True)
class LivenessProbe:
    """HTTP probe of a replica; times are in seconds."""

    path: str
    delay: float
    period: float
    timeout: float
    failures: int
    """Failures in a row after which the replica is replaced."""


@dataclass(frozen=True)
class Function:
    """A Knative Service. Times are in seconds; 0 for max_scale or concurrency means no limit."""

    namespace: str
    name: str
    environment: Environment
    public: bool
    concurrency: int
    target: int
    min_scale: int
    max_scale: int
    timeout: float
    idle: float
    liveness: LivenessProbe | None = None

    @property
    def host(self) -> str:
        """Host name within a cluster."""
        return f"{self.name}.{self.namespace}.svc.cluster.local"

    @property
    def hosts(self) -> Sequence[str]:
        """All its host names within a cluster."""
        short = f"{self.name}.{self.namespace}"
        return (short, f"{short}.svc", self.host)

    @property
    def url(self) -> str:
        """Address within a cluster."""
        return f"http://{self.host}"


@dataclass(frozen=True)
class PingSource:
    """A PingSource: the same event at each instant of a cron schedule."""

    namespace: str
    name: str
    schedule: str
    timezone: str
    content_type: str
    data: str
    extensions: Mapping[str, str]


@dataclass(frozen=True)
class Job:
    """A command that runs once before functions are served."""

    name: str
    command: Sequence[str]
    environment: Environment


@dataclass(frozen=True)
class Route:
    """A path prefix that leads to a function; *replacement*, unless None, takes the prefix's place."""

    hostnames: Sequence[str]
    prefix: str
    replacement: str | None
    function: Name


@dataclass(frozen=True)
class Application:
    """Everything that runs."""

    broker: Name
    functions: Mapping[Name, Function]
    triggers: Sequence[TriggerSpec]
    ping_sources: Sequence[PingSource]
    jobs: Sequence[Job]
    routes: Sequence[Route]
