"""A README's shell commands, up to the first that needs an AWS account."""

import re
from dataclasses import dataclass

ACCOUNT = "<!-- From here on, an AWS account is needed. -->"
_FENCE = "```"
_UNTIL = re.compile(r'<!-- until "(?P<text>[^"]+)" -->')


@dataclass(frozen=True, slots=True)
class Block:
    """One block of shell commands.

    Attributes:
        commands: What a reader pastes.
        until: For what goes on until Ctrl-C, what its output has once it works.
        line: Where it stands.
    """

    commands: str
    until: str | None
    line: int


def blocks(text: str) -> list[Block]:
    """Return the blocks of a README that need no AWS account."""
    found, language, until = [], None, None
    collected: list[str] = []
    for number, line in enumerate(text.partition(ACCOUNT)[0].splitlines(), 1):
        if language is None:
            if line.startswith(_FENCE):
                language, collected = line.removeprefix(_FENCE), []
            elif marked := _UNTIL.fullmatch(line):
                until = marked["text"]
        elif line == _FENCE:
            if language == "sh":
                start = number - len(collected)
                found.append(Block("\n".join(collected), until, start))
                until = None
            language = None
        else:
            collected.append(line)
    return found
