"""A live account as the description of what is deployed in it."""

from wspubsub.deployment.live.account import Account
from wspubsub.deployment.live.survey import Scope, Survey

__all__ = ["Account", "Scope", "Survey"]
