"""The Dockerfile built in a folder, where no container engine is: the same copies, the same commands, other paths."""

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
_OURS = re.compile(r"(?<![\w./])/(venv|app|build)(?=[/\s;&]|$)")
"""Absolute paths in a RUN that lie in the stage and not on this machine."""


_ONLY_IN_IMAGES = ("UV_NO_CACHE", "UV_LINK_MODE")
"""Here packages come from the cache that `make` has filled, by hard links."""


@dataclass
class Stage:
    """A stage: what it starts from, another stage or an image from elsewhere, and its instructions."""

    name: str
    parent: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def last(self, keyword: str) -> str | None:
        """The value of the last instruction of that kind."""
        return next((value for word, value in reversed(self.instructions) if word == keyword), None)


def stages(text: str) -> dict[str, Stage]:
    """The stages of a Dockerfile's *text* by name, with continued lines put together."""
    found: dict[str, Stage] = {}
    stage: Stage | None = None
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        keyword, _, value = line.strip().partition(" ")
        if not keyword or keyword.startswith("#"):
            continue
        if keyword == "FROM":
            parent, _, name = value.partition(" AS ")
            stage = found[name] = Stage(name, parent)
        elif stage:
            stage.instructions.append((keyword, value.strip()))
    return found


def lineage(all_stages: dict[str, Stage], name: str) -> list[Stage]:
    """The stage *name* after those that it builds upon, the first of which starts from an image."""
    stage = all_stages[name]
    before = lineage(all_stages, stage.parent) if stage.parent in all_stages else []
    return [*before, stage]


class Builder:
    """Builds stages into folders under *folder*, each once."""

    def __init__(self, folder: Path, text: str | None = None) -> None:
        self.stages = stages(text or (ROOT / "Dockerfile").read_text())
        self._folder = folder
        self._ignored = [
            line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] not in ("", "#")
        ]

    def environment(self, name: str) -> dict[str, str]:
        """What a container of the stage finds in its environment, besides what its image gives."""
        values: dict[str, str] = {}
        for stage in lineage(self.stages, name):
            for keyword, value in stage.instructions:
                if keyword in ("ENV", "ARG"):
                    values |= dict(part.split("=", 1) for part in shlex.split(value) if "=" in part)
        return values

    def command(self, name: str) -> list[str]:
        """What a container of the stage runs."""
        found = [stage.last("CMD") for stage in lineage(self.stages, name)]
        return json.loads([command for command in found if command][-1])

    def user(self, name: str) -> str:
        """Whom it runs as."""
        found = [stage.last("USER") for stage in lineage(self.stages, name)]
        return [user for user in found if user][-1]

    def build(self, name: str) -> Path:
        """The folder that holds the stage's files; what comes with an image from elsewhere is not among them."""
        target = self._folder / name
        if target.exists():
            return target
        stage = self.stages[name]
        if stage.parent in self.stages:
            shutil.copytree(self.build(stage.parent), target, symlinks=True, copy_function=os.link)
        else:
            target.mkdir(parents=True)
        if name == "frontend":
            self._page(target)
            return target
        place = self._workdir(name)
        for keyword, value in stage.instructions:
            if keyword == "WORKDIR":
                place = value
                (target / place.strip("/")).mkdir(parents=True, exist_ok=True)
            elif keyword == "COPY":
                self._copy(target, place, value)
            elif keyword == "RUN" and stage.parent in self.stages:
                self._run(name, target, place, value)
        return target

    def _workdir(self, name: str) -> str:
        before = [stage.last("WORKDIR") for stage in lineage(self.stages, name)[:-1]]
        return next((place for place in reversed(before) if place), "/")

    def _page(self, target: Path) -> None:
        """Take the page as `make page` has built it, or a stand-in: building it needs Node and a minute."""
        built = ROOT / "frontend" / "build"
        if built.exists():
            shutil.copytree(built, target / "frontend" / "build")
        else:
            (target / "frontend" / "build").mkdir(parents=True)
            (target / "frontend" / "build" / "index.html").write_text("<!doctype html><title>StocksALot</title>")

    def _copy(self, target: Path, place: str, value: str) -> None:
        option, *rest = value.split()
        whence = ROOT
        if option.startswith("--from="):
            whence = self.build(option.removeprefix("--from="))
        else:
            rest = [option, *rest]
        *sources, destination = rest
        to = target / str(Path(place) / destination).strip("/")
        for source in sources:
            path = whence / source.strip("/")
            assert path.exists(), f"COPY {value}: {source} is not there"
            into = to / path.name if destination.endswith("/") else to
            if path.is_dir():
                ignore, copy = (self._ignored_names, shutil.copy2) if whence == ROOT else (None, os.link)
                shutil.copytree(path, into, symlinks=True, dirs_exist_ok=True, ignore=ignore, copy_function=copy)
            else:
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, into)

    def _ignored_names(self, folder: str, names: list[str]) -> set[str]:
        return {name for name in names if self.ignores((Path(folder) / name).relative_to(ROOT))}

    def ignores(self, path: Path) -> bool:
        """Whether .dockerignore leaves *path*, relative to the checkout, out: its last line that fits decides."""
        verdict = False
        for line in self._ignored:
            pattern = line.removeprefix("!")
            parts = [Path(*path.parts[: count + 1]) for count in range(len(path.parts))]
            fits = any(
                part.match(pattern.removeprefix("**/"))
                if pattern.startswith("**/")
                else fnmatch.fnmatch(str(part), pattern)
                for part in parts
            )
            if fits:
                verdict = not line.startswith("!")
        return verdict

    def _run(self, name: str, target: Path, place: str, command: str) -> None:
        """Run *command* with the stage's own paths under *target*, by the tools of this checkout."""
        tools = ROOT / ".venv" / "bin"
        certificates = Path("/etc/ssl/certs/ca-certificates.crt")
        environment = {
            **os.environ,
            **({"SSL_CERT_FILE": str(certificates)} if certificates.exists() else {}),
            **{key: value for key, value in self.environment(name).items() if key not in _ONLY_IN_IMAGES},
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        }
        moved = _OURS.sub(lambda found: str(target / found[1]), command)
        done = subprocess.run(
            ["sh", "-ec", moved],
            cwd=target / place.strip("/"),
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, f"{name}: RUN {command}\n{done.stdout}{done.stderr}"
