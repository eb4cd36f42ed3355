"""The gateway on real sockets: what `wspubsub dev` and `wspubsub demo` run.

`apigateway` puts the rules of `wspubsub.gateway` on a port, `functions` runs handlers
in processes behind the Lambda Runtime API, `eventsources` invokes them with what
streams and queues bring, and `dynamodb` is the table. Begin with `dev`, which puts them
together. It needs the extra `local`, and nothing that runs on Lambda imports it.
"""
