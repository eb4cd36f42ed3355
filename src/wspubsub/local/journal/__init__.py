"""The gateway's log for its user."""

from wspubsub.local.journal.batch_line import BatchLine
from wspubsub.local.journal.journal import Journal

__all__ = ["BatchLine", "Journal"]
