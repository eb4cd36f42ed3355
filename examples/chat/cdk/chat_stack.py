"""The chat as a stack: WebSocket API, function, table, stream and queues.

The routes and the permissions are not written down here: `wspubsub.deployment` has
them from `app.py` and from the library.
"""

from typing import Any

from aws_cdk import (
    CfnOutput,
    Duration,
    Stack,
    aws_apigatewayv2 as apigateway,
    aws_lambda as lambda_,
)
from aws_cdk.aws_apigatewayv2_integrations import WebSocketLambdaIntegration
from aws_cdk.aws_lambda_event_sources import DynamoEventSource, SqsDlq, SqsEventSource
from chat_authorizer import make_authorizer
from chat_function import ChatFunction
from chat_storage import ChatStorage
from constructs import Construct

from wspubsub.deployment import (
    STREAM_FILTERS,
    Application,
    Arns,
    permissions,
    read_application,
)


class ChatStack(Stack):
    """All that the chat takes."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        application = read_application("../app.py:handler")
        self._storage = ChatStorage(self, "Storage")
        self._api = apigateway.WebSocketApi(
            self,
            "Api",
            api_name=self.stack_name,
            route_selection_expression=application.route_selection_expression,
        )
        self._stage = apigateway.WebSocketStage(
            self,
            "Stage",
            web_socket_api=self._api,
            stage_name="prod",
            auto_deploy=True,
            throttle=apigateway.ThrottleSettings(rate_limit=1000, burst_limit=500),
        )
        self._chat = self._function(application.handler)
        self._add_routes(application)
        self._add_event_sources(self._chat.function)
        self._add_outputs()

    def _function(self, handler: str) -> ChatFunction:
        table, queue = self._storage.table, self._storage.queue
        chat = ChatFunction(
            self,
            "Function",
            handler=handler,
            code="build",
            variables={
                "WSPUBSUB_TABLE": table.table_name,
                "WSPUBSUB_ENDPOINT": self._stage.callback_url,
                "WSPUBSUB_STREAM": self._storage.stream_arn,
                "WSPUBSUB_QUEUE": queue.queue_url,
            },
            loops=True,
        )
        chat.allow(self._permissions(chat))
        return chat

    def _permissions(self, chat: ChatFunction) -> list[dict[str, Any]]:
        table, queue = self._storage.table, self._storage.queue
        stage_arn = self.format_arn(
            service="execute-api",
            resource=self._api.api_id,
            resource_name=self._stage.stage_name,
        )
        arns = Arns(
            stage=stage_arn,
            table=table.table_arn,
            log_group=chat.log_group.log_group_arn,
            queue=queue.queue_arn,
            stream=self._storage.stream_arn,
            stream_failures=self._storage.stream_failures.queue_arn,
        )
        return permissions(arns, history=True)

    def _add_routes(self, application: Application) -> None:
        integration = WebSocketLambdaIntegration("Integration", self._chat.function)
        authorizer = make_authorizer(self)
        for key in application.all_keys:
            route = self._api.add_route(
                key,
                integration=integration,
                authorizer=authorizer if key == "$connect" else None,
                return_response=key in application.two_way_keys,
            )
            # Otherwise each route would start a deployment of its own.
            self._stage.node.add_dependency(route)

    def _add_event_sources(self, function: lambda_.Function) -> None:
        function.add_event_source(
            DynamoEventSource(
                self._storage.table,
                # LATEST may miss what is written while the mapping is being made.
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                batch_size=100,
                bisect_batch_on_error=True,
                retry_attempts=10,
                max_record_age=Duration.minutes(130),
                report_batch_item_failures=True,
                filters=[
                    lambda_.FilterCriteria.filter(each) for each in STREAM_FILTERS
                ],
                on_failure=SqsDlq(self._storage.stream_failures),
            )
        )
        function.add_event_source(
            SqsEventSource(
                self._storage.queue,
                batch_size=1,
                max_concurrency=5,
                report_batch_item_failures=True,
            )
        )

    def _add_outputs(self) -> None:
        outputs = {
            "WebSocketUrl": ("URL that clients connect to", self._stage.url),
            "CallbackUrl": (
                "Endpoint that messages are posted to",
                self._stage.callback_url,
            ),
            "TableName": ("The table", self._storage.table.table_name),
            "LogGroup": (
                "The log of the function",
                self._chat.log_group.log_group_name,
            ),
            "QueueUrl": ("The queue", self._storage.queue.queue_url),
        }
        for name, (description, value) in outputs.items():
            CfnOutput(self, name, description=description, value=value)
