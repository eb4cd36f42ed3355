"""API Gateway's side on one port of the loopback interface.

In come WebSocket clients and requests to the Management API, out go invocations and
messages, as `wspubsub.gateway` decides. Begin with `server`; `shell` connects sockets
with rules.
"""
