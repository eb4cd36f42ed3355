"""A chat that does not care for `$disconnect`: only the next publish can tidy up."""

import logging
import os
import time

from wspubsub import MessageEvent, Publisher, Router
from wspubsub.aws import ManagementApi
from wspubsub.dynamodb import DynamoDBSubscriptionStore

log = logging.getLogger("pruning")
store = DynamoDBSubscriptionStore(os.environ["WSPUBSUB_TABLE"])
an_hour_ago = DynamoDBSubscriptionStore(
    os.environ["WSPUBSUB_TABLE"], now=lambda: time.time() - 3600
)
publisher = Publisher(store, ManagementApi(os.environ["WSPUBSUB_ENDPOINT"]))
router = Router()


@router.route("subscribe")
def subscribe(event: MessageEvent) -> None:
    # As if it had been there for an hour: a young connection is not pruned.
    (topic,) = event.fields(topic=str)
    an_hour_ago.subscribe(event.connection_id, topic)
    publisher.post(event.connection_id, "subscribed")


@router.route("publish")
def publish(event: MessageEvent) -> None:
    topic, text = event.fields(topic=str, text=str)
    report = publisher.publish(topic, text)
    log.warning("REPORT %s %s", report.delivered, sorted(report.gone))


handler = router
