"""What the settings of a gateway say about its handlers."""

from pathlib import Path

from wspubsub.local.settings import LocalSettings


def name_handlers(settings: LocalSettings) -> str:
    """Return the handlers' names, separated by commas."""
    targets = (settings.target, *settings.functions.values())
    return ", ".join(dict.fromkeys(each.text for each in targets))


def describe_functions(settings: LocalSettings) -> dict[str, str]:
    """Return which routes have functions of their own, for the log."""
    if not settings.functions:
        return {}
    texts = (f"{key} {target.text}" for key, target in settings.functions.items())
    return {"Functions": ", ".join(texts)}


def find_watched_folders(settings: LocalSettings) -> set[Path]:
    """Return the folders whose changes renew the functions."""
    targets = (settings.target, settings.authorizer, *settings.functions.values())
    return {
        folder
        for target in targets
        if target is not None
        for folder in target.source_folders
    }
