"""What is installed only with an extra, and what to say if it is missing."""

import importlib.util

GATEWAY_MODULES = ("websockets",)
DYNAMODB_MODULES = ("moto", "flask", "flask_cors")
TLS_MODULES = ("cryptography",)


def require(*modules: str, install: str = "'wspubsub[local]'") -> None:
    """Check that optional modules are installed.

    Args:
        modules: Names of top-level modules.
        install: What pip is to install for them.

    Raises:
        ImportError: One is missing; the text says what to install.
    """
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise ImportError(
                f"the package {module} is not installed; run: pip install {install}",
                name=module,
            )
