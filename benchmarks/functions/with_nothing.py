"""A function without any library, which records nothing: the floor."""


def handler(event: dict[str, object], context: object) -> dict[str, int]:  # noqa: ARG001 - as Lambda calls it
    """Accept the connection."""
    return {"statusCode": 200}
