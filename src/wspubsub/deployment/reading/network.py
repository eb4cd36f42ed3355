"""Whether a function in a VPC can reach anything outside it.

"Give internet access to a VPC-connected Lambda function": its network interfaces have
no public address, so an internet gateway alone leads nowhere.
"""

from wspubsub.deployment.reading.stack import Resource
from wspubsub.deployment.reading.values import Values

_SUBNET, _ROUTE_TABLE = "AWS::EC2::Subnet", "AWS::EC2::RouteTable"
_EVERYWHERE = ("0.0.0.0/0", "::/0")


class Network:
    """The subnets of a template.

    Args:
        values: The template's values.
    """

    def __init__(self, values: Values) -> None:
        self._values = values
        self._stack = values.stack

    def is_cut_off(self, function: Resource) -> bool:
        """Return whether a function certainly reaches no address outside its VPC."""
        config = self._values.mapping(function.get("VpcConfig"))
        if not isinstance(config, dict) or self._stack.is_open:
            return False
        subnets, is_whole = self._values.items(config.get("SubnetIds"))
        found = [self._stack.find(self._values.text(each), _SUBNET) for each in subnets]
        # Proxies, peers and endpoints may lead somewhere.
        is_plain = not list(self._stack.of_kind("AWS::EC2::VPCEndpoint"))
        return (
            bool(found)
            and is_whole
            and is_plain
            and all(each is not None and self._leads_nowhere(each) for each in found)
        )

    def _leads_nowhere(self, subnet: Resource) -> bool:
        reference = f"${{{subnet.name}}}"
        tables = [
            self._stack.find(self._values.text(each.get("RouteTableId")), _ROUTE_TABLE)
            for each in self._stack.of_kind("AWS::EC2::SubnetRouteTableAssociation")
            if self._values.text(each.get("SubnetId")) == reference
        ]
        # Without association it has the main table of its VPC, which is not here.
        return bool(tables) and all(
            table is not None and not self._has_way_out(table) for table in tables
        )

    def _has_way_out(self, table: Resource) -> bool:
        return any(
            self._values.text(each.get("RouteTableId"))
            in (f"${{{table.name}}}", "${?}")
            and not self._is_public_or_inner(each)
            for each in self._stack.of_kind("AWS::EC2::Route")
        )

    def _is_public_or_inner(self, route: Resource) -> bool:
        destination = route.get("DestinationCidrBlock")
        gateway = self._values.text(route.get("GatewayId"))
        found = self._stack.find(gateway, "AWS::EC2::InternetGateway")
        return found is not None and destination in _EVERYWHERE
