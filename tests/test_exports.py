"""What is public."""

import importlib
import types

import pytest

PACKAGES = ["wspubsub", "wspubsub.aws", "wspubsub.dynamodb", "wspubsub.testing"]


@pytest.mark.parametrize("package", PACKAGES)
def test_all_names_what_is_public(package: str) -> None:
    module = importlib.import_module(package)
    public = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }

    assert set(module.__all__) == public
    assert len(module.__all__) == len(public)


@pytest.mark.parametrize("package", PACKAGES)
def test_everything_public_is_documented(package: str) -> None:
    module = importlib.import_module(package)
    classes = [
        value
        for name in module.__all__
        if isinstance(value := getattr(module, name), type | types.FunctionType)
    ]

    assert [each for each in classes if not each.__doc__] == []
