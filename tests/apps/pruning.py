"""A chat that does not care for `$disconnect`: only the next publish can tidy up."""

import logging
import os

from wspubsub import MessageEvent, Publisher, Router
from wspubsub.aws import ManagementApi
from wspubsub.dynamodb import DynamoDBSubscriptionStore

log = logging.getLogger("pruning")
store = DynamoDBSubscriptionStore(os.environ["WSPUBSUB_TABLE"])
publisher = Publisher(store, ManagementApi(os.environ["WSPUBSUB_ENDPOINT"]))
router = Router()


@router.route("subscribe")
def subscribe(event: MessageEvent) -> None:
    store.subscribe(event.connection_id, event.json()["topic"])
    publisher.post(event.connection_id, "subscribed")


@router.route("publish")
def publish(event: MessageEvent) -> None:
    report = publisher.publish(event.json()["topic"], event.json()["text"])
    log.warning("REPORT %s %s", report.delivered, sorted(report.gone))


handler = router
