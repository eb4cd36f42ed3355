"""How much a user installs with an extra."""

from importlib.metadata import requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def installed_by(name: str, extras: frozenset[str]) -> set[str]:
    """Return the names of all packages that a requirement brings, itself included."""
    found: set[str] = set()
    pending = [(canonicalize_name(name), extras)]
    seen = set(pending)
    while pending:
        package, wanted = pending.pop()
        found.add(package)
        for text in requires(package) or ():
            requirement = Requirement(text)
            marker = requirement.marker
            if marker and not any(
                marker.evaluate({"extra": extra}) for extra in wanted or {""}
            ):
                continue
            needed = (
                canonicalize_name(requirement.name),
                frozenset(requirement.extras),
            )
            if needed not in seen:
                seen.add(needed)
                pending.append(needed)
    return found


def test_the_extra_for_a_laptop_brings_few_packages() -> None:
    packages = installed_by("wspubsub", frozenset({"local"}))

    assert len(packages) <= 36
    assert not packages & {"sympy", "networkx", "cfn-lint", "openapi-spec-validator"}


def test_the_library_alone_brings_boto3_and_what_it_needs() -> None:
    assert installed_by("wspubsub", frozenset()) == {
        "wspubsub",
        "boto3",
        "botocore",
        "jmespath",
        "python-dateutil",
        "s3transfer",
        "six",
        "typing-extensions",
        "urllib3",
    }
