"""Extension point: additions of one application to the runner, beside its manifests."""

from argparse import ArgumentParser, Namespace
from asyncio import Event
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from knative.local.client import RunnerClient


class AddParser(Protocol):
    """Adds a verb and returns the parser of its arguments."""

    def __call__(self, name: str, *, help: str) -> ArgumentParser: ...  # noqa: A002


@dataclass(frozen=True)
class FakeUpstream:
    """A server that takes the place of a provider: its module, and the settings that lead functions to its ports.

    The module has an option for each of *ports*; *settings* gets these ports, and the address of the page.
    """

    module: str
    settings: Callable[[Mapping[str, int], str], Mapping[str, str]]
    ports: Sequence[str] = ("port",)


@dataclass(frozen=True)
class Extension:
    """The additions of the application whose Broker is in *namespace*.

    *verbs* run against a running application. *at_start* runs beside the schedule. *actions* run in a thread of the
    runner, with the environment of the functions, the address of the ingress and the arguments of the request.
    """

    namespace: str
    add_verbs: Callable[[AddParser], None] = lambda _: None
    verbs: Mapping[str, Callable[[Namespace, Path], Coroutine[None, None, int]]] = field(default_factory=dict)
    at_start: Callable[[RunnerClient, Event], Coroutine[None, None, None]] | None = None
    """Sets the event once the first page has data."""
    actions: Mapping[str, Callable[[Mapping[str, str], str, Sequence[str]], Sequence[str]]] = field(
        default_factory=dict
    )
    upstreams: Mapping[str, FakeUpstream] = field(default_factory=dict)
    check: Callable[[str, Mapping[str, str]], Sequence[str]] = lambda _, __: ()
    """Returns a sentence for each setting in its environment that a function would refuse."""
