"""Looking into a deployment and acting on it: its table, its log and its API."""

from wspubsub.dynamodb.kinds import ItemKind
from wspubsub.operations.decoding import DecodedItem, decode_item, make_json
from wspubsub.operations.summaries import Summary

__all__ = ["DecodedItem", "ItemKind", "Summary", "decode_item", "make_json"]
