"""A client of a `PubSub`, for programs with asyncio: each message once and in order."""
