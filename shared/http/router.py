"""Router: Starlette's routes for the paths of one function, with 404 and 405 as problems."""

from collections.abc import Callable, Sequence
from typing import Any

from starlette.routing import Match, Route
from starlette.types import Scope

from shared.http.problem import Problem


class Router:
    """Finds the endpoint of a request.

    Routes are Starlette's own: `Route("/tickers/{ticker}", endpoint)` takes GET and HEAD, `methods=["POST"]` others.
    *hint* ends the text of a 404.
    """

    def __init__(self, routes: Sequence[Route], hint: str = "") -> None:
        self._routes = routes
        self._hint = hint

    def match(self, scope: Scope) -> Callable[..., Any]:
        """Return the endpoint and put the path parameters into *scope*; Problem 404, or 405 with Allow."""
        for route in self._routes:
            match, found = route.matches(scope)
            if match is Match.FULL:
                scope["path_params"] = found["path_params"]
                return found["endpoint"]
        allowed = self.allowed(scope)
        detail = f"{scope['method']} is not allowed here. Allowed: {allowed}."
        raise Problem(405, "method-not-allowed", "Method not allowed", detail, headers={"Allow": allowed})

    def allowed(self, scope: Scope) -> str:
        """Return the methods of the request's path, as Allow lists them; Problem 404."""
        routes = [route for route in self._routes if route.matches(scope)[0] is not Match.NONE]
        if not routes:
            raise Problem(404, "not-found", "Not found", f"There is nothing at this path. {self._hint}".rstrip())
        return ", ".join(sorted({method for route in routes for method in route.methods or ()} | {"OPTIONS"}))
