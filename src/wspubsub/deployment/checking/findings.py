"""The result of a check."""

from typing import NamedTuple


class Finding(NamedTuple):
    """Something that is wrong, and what to do about it.

    Attributes:
        rule: Name of the rule that found it, a key of `RULES`.
        resource: Logical ID of the resource that it is in.
        text: What is wrong, and what to do.
    """

    rule: str
    resource: str
    text: str

    def __str__(self) -> str:
        return f"{self.resource}: {self.text} [{self.rule}]"


RULES = {
    # Routes.
    "handler": "the function behind the routes runs another handler",
    "route-missing": "the router handles a key that has no route",
    "route-elsewhere": "a route that the router handles invokes another function",
    "route-unhandled": "a route has no handler in the router",
    "route-target": "a route has no integration",
    "route-authorization": "a route other than `$connect` asks for authorization",
    "route-selection": "API and router select routes with different expressions",
    "integration-type": "the integration of a handled route is not `AWS_PROXY`",
    "integration-function": "an integration names no function",
    "integration-timeout": "API Gateway gives up before the function does",
    # Answers.
    "one-way": "a one-way route drops the answers of its handler",
    "route-response": "a two-way route has no route response",
    "integration-response": "a two-way route without proxy integration sends nothing",
    # Stages.
    "stage-missing": "the API has no stage",
    "stage-routes": "a stage never receives the routes",
    "stage-early": "a deployment may be made before the routes are there",
    "stage-throttle": "a limit of 0 refuses everybody",
    # Functions.
    "variable": "an environment variable that the module reads is not set",
    "timeout": "the function may run longer than API Gateway waits",
    "concurrency": "a function may never run",
    "runtime": "the runtime is too old for the library",
    "network": "a function in a VPC cannot reach AWS",
    "loop": "Lambda stops a function that sends to the queue that invokes it",
    # The endpoint.
    "endpoint-url": "`WSPUBSUB_ENDPOINT` is not a URL that can be posted to",
    "endpoint-api": "it is the endpoint of another API",
    "endpoint-stage": "it names no stage of the API",
    "endpoint-region": "it names one Region, wherever the stack is",
    "endpoint-disabled": "it is the API's own address, which is disabled",
    "endpoint-mapping": "its path is not that of the custom domain's mapping",
    # Table and queue.
    "table-keys": "the table has other keys",
    "table-key-types": "its keys are not text",
    "table-ttl": "items do not expire",
    "queue-fifo": "a FIFO queue cannot carry the fan-out",
    "queue-visibility": "messages are redelivered while they are processed",
    "queue-dead-letters": "a message that always fails is lost unnoticed",
    # Streams and queues that invoke a function.
    "stream-view": "the table has no stream, or one without the new images",
    "records-untaken": "the handler does not take the records",
    "records-missing": "nothing brings the records that the handler takes",
    "mapping-disabled": "an event source mapping is switched off",
    "partial-responses": "one failed record fails its whole batch",
    "stream-retries": "a failed record blocks the stream, or is lost",
    "stream-age": "records are dropped before they are tried",
    # Permissions.
    "invoke": "API Gateway may not invoke a function",
    "identity-source": "an authorizer's identity source is that of an HTTP API",
    "posts": "a function may not use the connections that it works with",
    "actions": "a function may not use its table, stream or queue",
    "denied": "a policy denies what a function needs",
    "key": "a function may not use the KMS key of its table or queue",
    "publisher": "a publisher is not in the template",
    "too-wide": "a role allows much more than it needs",
}
"""The rules by name, with what each finds."""

LIVE_RULES = {
    # What has become of a deployment.
    "stage-failed": "the last deployment to a stage failed",
    "stage-stale": "a stage serves a deployment older than its routes",
    "function-failed": "a function does not run, or not as it was last updated",
    "mapping-problem": "the last batch of an event source mapping failed",
    "stream-stale": "a mapping reads a stream that its table no longer writes to",
    "dead-letters": "a queue holds what could not be handled",
    # Where things are.
    "table-missing": "a variable names a table that is not there",
    "queue-missing": "a variable names a queue that is not there",
    "region": "a variable names a table or queue of another Region",
    # The VPC.
    "network-posts": "a function in a VPC reaches DynamoDB, but no client",
    "network-private-dns": "a VPC sends posts to an endpoint for private APIs",
    "network-subnet": "one of a function's subnets has no way out",
    # The account, and who looks at it.
    "quota": "a quota of the account is below AWS's default",
    "clock": "the clock of this machine is wrong",
}
"""The rules that only a live account can be judged by."""
