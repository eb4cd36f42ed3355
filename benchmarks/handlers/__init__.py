"""Handlers of the gateways that are measured; each is copied to where it runs."""
