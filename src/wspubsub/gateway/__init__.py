"""The rules of API Gateway WebSocket APIs as a model without I/O."""
