"""What is public."""

import importlib
import types

import pytest

PACKAGES = [
    "wspubsub",
    "wspubsub.aws",
    "wspubsub.client",
    "wspubsub.deployment",
    "wspubsub.dynamodb",
    "wspubsub.eventsources",
    "wspubsub.fanout",
    "wspubsub.testing",
]


@pytest.mark.parametrize("package", PACKAGES)
def test_all_names_what_is_public(package: str) -> None:
    module = importlib.import_module(package)
    for name in module.__all__:
        getattr(module, name)  # some are loaded when they are first asked for

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


@pytest.mark.parametrize("package", ["wspubsub", "wspubsub.dynamodb"])
def test_a_name_that_does_not_exist_is_an_attribute_error(package: str) -> None:
    module = importlib.import_module(package)

    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = module.Nothing
