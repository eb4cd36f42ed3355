"""Whether all modules are Python of the version that runs this."""

from pathlib import Path

import pytest

import wspubsub
import wspubsub.aws
import wspubsub.dynamodb
import wspubsub.fanout

PACKAGE = Path(wspubsub.__file__).parent


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.name)
)
def test_a_module_compiles(path: Path) -> None:
    compile(path.read_text(encoding="utf-8"), path, "exec", dont_inherit=True)


@pytest.mark.parametrize(
    "area", [wspubsub, wspubsub.aws, wspubsub.dynamodb, wspubsub.fanout]
)
def test_every_public_name_can_be_had(area: object) -> None:
    names = getattr(area, "__all__", [])

    assert names
    assert all(getattr(area, name) is not None for name in names)
