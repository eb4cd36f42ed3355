"""What a program that describes a deployment, such as an AWS CDK app, needs to know."""

from wspubsub.deployment.permissions import Arns, permissions, publisher_permissions
from wspubsub.deployment.template.storage import STREAM_FILTERS
from wspubsub.handlers.application import Application, Declaration
from wspubsub.handlers.inspection import read_application

__all__ = [
    "STREAM_FILTERS",
    "Application",
    "Arns",
    "Declaration",
    "permissions",
    "publisher_permissions",
    "read_application",
]
