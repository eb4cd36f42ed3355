"""What a role allows, as far as that is known.

"Policy evaluation logic" (IAM): an explicit Deny wins, an Allow is needed, and what
nothing mentions is denied.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wspubsub.deployment.description.texts import may_match, must_match
from wspubsub.deployment.description.unknown import Maybe


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement of a policy.

    Attributes:
        owner: Name of the resource that it stands in.
        is_allowing: Whether its Effect is Allow.
        actions: What it is about, with `*` and `?`.
        resources: On what, with `*` and `?`.
        is_whole: Whether that is all; not if it has a Condition, says what it is not
            about (NotAction), or may not be there at all.
        is_limit: Whether it stands for a policy that limits what others may allow.
    """

    owner: str
    is_allowing: Maybe[bool]
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    is_whole: bool = True
    is_limit: bool = False

    def may_allow(self, action: str, resource: str) -> bool:
        """Return whether it allows, or may allow, an action on a resource."""
        return (
            self.is_allowing is not False
            and any(may_match(p.lower(), action.lower()) for p in self.actions)
            and any(may_match(pattern, resource) for pattern in self.resources)
        )

    def must_deny(self, action: str, resource: str) -> bool:
        """Return whether it certainly denies an action on a resource."""
        return (
            self.is_allowing is False
            and self.is_whole
            and any(must_match(p.lower(), action.lower()) for p in self.actions)
            and any(must_match(pattern, resource) for pattern in self.resources)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What a role allows.

    Attributes:
        role: Name of the role.
        statements: Its statements, as far as they are known.
        managed: Names or ARNs of AWS's own policies that it has.
        is_complete: Whether nothing else allows it anything.
        verdicts: What AWS itself says about an action on a resource: True if it is
            allowed, False if nothing allows it, and what denies it otherwise. It counts
            more than the statements.
    """

    role: str
    statements: tuple[Statement, ...]
    managed: tuple[str, ...] = ()
    is_complete: bool = True
    verdicts: Mapping[tuple[str, str], bool | Statement] = field(default_factory=dict)

    def lacks(self, action: str, resource: str) -> bool:
        """Return whether nothing allows an action on a resource, for certain."""
        verdict = self.verdicts.get((action, resource))
        if verdict is not None:
            return verdict is False
        return self.is_complete and not any(
            each.may_allow(action, resource) for each in self.statements
        )

    def find_denial(self, action: str, resource: str) -> Statement | None:
        """Return a statement that denies an action on a resource, for certain."""
        verdict = self.verdicts.get((action, resource))
        if verdict is not None:
            return None if isinstance(verdict, bool) else verdict
        return next(
            (each for each in self.statements if each.must_deny(action, resource)),
            None,
        )
