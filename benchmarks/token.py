"""Cost of tokens: /latest with a token beside /latest without, and a login beside argon2 alone.

`python -m benchmarks.token [--seconds 3] [--rounds 5] [--logins 10]`. One process each, 16 connections kept alive; the
cases take turns. The limits are counted as ever, and so high that nothing is refused.
"""

import argparse
import time
from statistics import median

import httpx
import psutil
from argon2 import PasswordHasher

from benchmarks.api import CONNECTIONS, Case, load
from benchmarks.stage import Stage, function, launch, stage, until_listening
from benchmarks.table import print_table, quantiles
from functions.token.passwords import MEMORY_KIB, PARALLELISM, TIME_COST
from knative.local.services.ports import free_port

PERSON = {"email": "bench@example.com", "password": "as long as people choose them"}
LOGIN = {"username": PERSON["email"], "password": PERSON["password"]}


def cases(api: str, token: str) -> list[Case]:
    """Paths to request, each without and with a token."""
    bearer = {"Authorization": f"Bearer {token}"}
    tag = httpx.get(f"{api}/latest", headers={"Accept-Encoding": "identity"}).headers["etag"]
    unchanged = {"If-None-Match": tag}
    return [
        Case("/latest", f"{api}/latest", "/latest"),
        Case("/latest, token", f"{api}/latest", "/latest", bearer),
        Case("/latest, 304", f"{api}/latest", "/latest", unchanged),
        Case("/latest, 304, token", f"{api}/latest", "/latest", {**bearer, **unchanged}),
    ]


def time_argon2() -> float:
    """Seconds of one hash with the parameters of token."""
    began = time.perf_counter()
    PasswordHasher(TIME_COST, MEMORY_KIB, PARALLELISM).hash(PERSON["password"])
    return time.perf_counter() - began


def time_login(client: httpx.Client, name: str, status: int) -> float:
    """Seconds of one login."""
    began = time.perf_counter()
    answer = client.post("/token", data={**LOGIN, "username": name})
    assert answer.status_code == status, answer.text
    return time.perf_counter() - began


def measure_reading(place: Stage, token: str, seconds: float, rounds: int) -> None:
    """Print requests a second, and the processor time of each, which holds on a busy machine too."""
    port = free_port()
    serving = launch("api", place, port)
    try:
        url = f"http://127.0.0.1:{port}"
        until_listening(url)
        measured = cases(url, token)
        costs: dict[str, list[float]] = {case.name: [] for case in measured}
        process = psutil.Process(serving.pid)
        for _ in range(rounds):
            for case in measured:
                before = process.cpu_times()
                rate, slowest = load(case, seconds)
                after = process.cpu_times()
                case.rates.append(rate)
                case.slowest.append(slowest)
                used = after.user + after.system - before.user - before.system
                costs[case.name].append(used / (rate * seconds) * 1e6)
    finally:
        serving.terminate()
        serving.wait()
    floor = measured[0]
    print_table(
        f"Warm api, {CONNECTIONS} connections, {rounds} rounds of {seconds:g} s",
        ("case", "requests/s", "min", "max", "p99 ms", "x /latest", "CPU us a request", "min", "x /latest by CPU"),
        [
            (
                case.name,
                f"{median(case.rates):.0f}",
                f"{min(case.rates):.0f}",
                f"{max(case.rates):.0f}",
                f"{median(case.slowest):.1f}",
                f"{median(case.rates) / median(floor.rates):.2f}",
                f"{median(costs[case.name]):.0f}",
                f"{min(costs[case.name]):.0f}",
                f"{min(costs[floor.name]) / min(costs[case.name]):.2f}",
            )
            for case in measured
        ],
    )


def measure_logins(client: httpx.Client, logins: int) -> None:
    """Print the duration of logins, right and wrong, beside argon2 in this process."""
    taken: dict[str, list[float]] = {"argon2id alone": [], "login": [], "login, no such account": []}
    for _ in range(logins):
        taken["argon2id alone"].append(time_argon2())
        taken["login"].append(time_login(client, LOGIN["username"], 200))
        taken["login, no such account"].append(time_login(client, "nobody@example.com", 401))
    print_table(
        f"Logins, one after the other: argon2id with {MEMORY_KIB // 1024} MiB, {TIME_COST} passes, {PARALLELISM} lane",
        ("case", "p10 ms", "median", "p90", "max", "min"),
        [(name, *quantiles(times), f"{min(times) * 1000:.0f}") for name, times in taken.items()],
    )


def main() -> None:
    """Measure reading and logging in."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--logins", type=int, default=10)
    options = parser.parse_args()
    with stage() as place:
        generous = Stage({**place.environment, "LOGIN_ATTEMPTS": "100000", "LOGIN_ATTEMPTS_PER_ADDRESS": "100000"})
        with function("token", generous) as url, httpx.Client(base_url=url, timeout=30) as client:
            client.post("/users/register", data=PERSON).raise_for_status()
            token = client.post("/token", data=LOGIN).raise_for_status().json()["access_token"]
            measure_logins(client, options.logins)
        measure_reading(place, token, options.seconds, options.rounds)


if __name__ == "__main__":
    main()
