"""What a program that describes a deployment, such as an app of AWS CDK, asks for."""

from wspubsub.deployment.inspection import read_application
from wspubsub.infra.application import Application
from wspubsub.infra.policies import Arns, permissions
from wspubsub.infra.storage import STREAM_FILTERS

__all__ = [
    "STREAM_FILTERS",
    "Application",
    "Arns",
    "permissions",
    "read_application",
]
