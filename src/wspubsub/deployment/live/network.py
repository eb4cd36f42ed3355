"""What a function in a VPC reaches outside it.

"Give internet access to a VPC-connected Lambda function": its network interfaces have
no public address, so an internet gateway alone leads nowhere. VPC endpoints lead to a
single service; one for `execute-api` leads to private APIs only, which a WebSocket API
never is ("Private REST APIs in API Gateway").
"""

from dataclasses import dataclass
from typing import Any

from wspubsub.deployment.description.unknown import UNKNOWN, Maybe
from wspubsub.deployment.live.account import Account, Answer

_EVERYWHERE = ("0.0.0.0/0", "::/0")
_USABLE = "available"
_PRIVATE_ONLY = "execute-api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a function in a VPC reaches.

    Attributes:
        closed_subnets: Its subnets that have no route out of the VPC.
        is_closed: Whether none of its subnets has one.
        services: The services that have an endpoint in the VPC.
        shadows_apis: Whether the VPC sends requests for any API to an endpoint for
            private ones.
    """

    closed_subnets: tuple[str, ...]
    is_closed: bool
    services: frozenset[str]
    shadows_apis: bool


def read_reach(account: Account, configuration: Answer) -> Maybe[Reach] | None:
    """Return what a function reaches; None without a VPC.

    Args:
        account: Where it is.
        configuration: The function's, as Lambda has it.
    """
    config = configuration.get("VpcConfig") or {}
    vpc, subnets = config.get("VpcId"), config.get("SubnetIds") or []
    if not vpc or not subnets:
        return None
    wanted = [{"Name": "vpc-id", "Values": [vpc]}]
    tables = account.ask_items(
        "ec2", "describe_route_tables", "RouteTables", Filters=wanted
    )
    endpoints = account.ask_items(
        "ec2", "describe_vpc_endpoints", "VpcEndpoints", Filters=wanted
    )
    if tables is UNKNOWN or endpoints is UNKNOWN:
        return UNKNOWN
    usable = [e for e in endpoints if str(e.get("State", "")).lower() == _USABLE]
    closed = tuple(each for each in subnets if not _leads_out(tables, each))
    return Reach(
        closed_subnets=closed,
        is_closed=len(closed) == len(subnets),
        services=frozenset(_name_service(each) for each in usable),
        shadows_apis=any(
            _name_service(each) == _PRIVATE_ONLY and each.get("PrivateDnsEnabled")
            for each in usable
        ),
    )


def _name_service(endpoint: Answer) -> str:
    # com.amazonaws.eu-west-1.dynamodb
    return str(endpoint["ServiceName"]).rpartition(".")[2]


def _leads_out(tables: list[dict[str, Any]], subnet: str) -> bool:
    """Whether a subnet has a route to everywhere other than an internet gateway.

    "Subnet route tables": one without a table of its own has the main one of the VPC.
    """
    own = _find_table(tables, "SubnetId", value=subnet) or _find_table(
        tables, "Main", value=True
    )
    return own is None or any(
        each.get("State") != "blackhole"
        and (each.get("DestinationCidrBlock") or each.get("DestinationIpv6CidrBlock"))
        in _EVERYWHERE
        and not str(each.get("GatewayId", "")).startswith("igw-")
        for each in own.get("Routes") or []
    )


def _find_table(
    tables: list[dict[str, Any]], key: str, *, value: object
) -> dict[str, Any] | None:
    return next(
        (
            table
            for table in tables
            if any(each.get(key) == value for each in table.get("Associations") or [])
        ),
        None,
    )
