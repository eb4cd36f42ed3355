"""The local gateway on real sockets: API Gateway, Lambda and DynamoDB on a laptop.

`dev.py` puts it together. `server.py` and `websocket.py` are the port that clients and
the Management API share, `shell.py` drives the model of `wspubsub.gateway`, `fleet.py`
and what it uses is Lambda, `dynamodb.py` is the embedded DynamoDB.
"""
