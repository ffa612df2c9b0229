"""The Dockerfile, read as its builder reads it: stages of steps, with the values of arguments in their place."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["KNOWN", "Stage", "Step", "excluded", "let_through", "stages_of", "words_of"]

ROOT = Path(__file__).parents[2]
KNOWN = {
    *("ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN", "STOPSIGNAL"),
    *("USER", "VOLUME", "WORKDIR"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction, on one line."""

    instruction: str
    argument: str


@dataclass(slots=True)
class Stage:
    """What is built from one image."""

    base: str
    name: str
    steps: list[Step] = field(default_factory=list)

    def last(self, instruction: str) -> str:
        return [step.argument for step in self.steps if step.instruction == instruction][-1]


def stages_of(dockerfile: str) -> list[Stage]:
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    lines = (line for line in dockerfile.splitlines() if not line.lstrip().startswith("#"))
    for line in filter(str.strip, re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()):
        instruction, _, argument = line.partition(" ")
        if instruction not in KNOWN:
            raise ValueError(f"{instruction} is not known here")
        if instruction == "ARG":
            name, _, value = argument.partition("=")
            arguments[name] = value
        elif instruction == "FROM":
            base, _, name = re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], argument).partition(" AS ")
            stages.append(Stage(base, name))
        else:
            stages[-1].steps.append(Step(instruction, argument))
    return stages


def words_of(argument: str) -> list[str]:
    """The words of a command in its JSON form."""
    words: list[str] = json.loads(argument)
    return words


def _ignored() -> list[str]:
    return (ROOT / ".dockerignore").read_text().splitlines()


def let_through() -> list[str]:
    """What the builder is given of the folder, for all else is left out."""
    return [line[1:] for line in _ignored() if line.startswith("!")]


def excluded() -> list[str]:
    """What of that is left out again."""
    return [line for line in _ignored() if line and line[0] not in "!#" and line != "*"]
