"""What live roles allow: by their policies, and as AWS simulates it."""

from collections.abc import Iterable, Iterator, Mapping, Set as AbstractSet
from dataclasses import replace
from typing import Any

from wspubsub.deployment.checking.needs import Need
from wspubsub.deployment.description.grants import Grants, Statement
from wspubsub.deployment.description.texts import is_literal
from wspubsub.deployment.description.unknown import UNKNOWN, Maybe
from wspubsub.deployment.live.account import Account, Answer, join
from wspubsub.deployment.live.stack import Stack as Resources
from wspubsub.deployment.reading.identities import ROLE
from wspubsub.deployment.reading.roles import (
    HARMLESS_POLICIES,
    Document,
    read_document,
)
from wspubsub.deployment.reading.stack import Stack
from wspubsub.deployment.reading.values import Values

_MANAGED = "AWS::IAM::ManagedPolicy"
_AWS_OWN = ":iam::aws:policy/"
# A policy has no intrinsic functions by now.
_VALUES = Values(Stack({}, {}, is_open=False))

# In what an answer says that something else than the role's policies decides.
_LIMITS = (
    (
        "OrganizationsDecisionDetail",
        "AllowedByOrganizations",
        "by a policy of the organization",
    ),
    (
        "PermissionsBoundaryDecisionDetail",
        "AllowedByPermissionsBoundary",
        "by its permissions boundary",
    ),
)

Verdicts = dict[tuple[str, str], bool | Statement]


class LiveRole:
    """A role as it is now.

    Args:
        account: Where it is.
        resources: The stack that names it.
        arn: Its ARN.
    """

    def __init__(self, account: Account, resources: Resources, arn: str) -> None:
        self._account = account
        self._resources = resources
        self._arn = arn
        self._role = arn.rpartition("/")[2]
        self._name = resources.name(ROLE, self._role)

    def read_grants(self) -> Maybe[Grants]:
        """Return what its policies allow; UNKNOWN if none of them may be read."""
        inline = self._ask_items("list_role_policies", "PolicyNames")
        attached = self._ask_items("list_attached_role_policies", "AttachedPolicies")
        if inline is UNKNOWN and attached is UNKNOWN:
            return UNKNOWN
        is_complete = inline is not UNKNOWN and attached is not UNKNOWN
        statements: list[Statement] = []
        known = list(join(attached))
        for document in self._list_documents(list(join(inline)), known):
            found, is_whole = read_document(_VALUES, document)
            statements += found
            is_complete = is_complete and is_whole
        return Grants(
            role=self._name,
            statements=tuple(statements),
            managed=tuple(each["PolicyArn"] for each in known),
            is_complete=is_complete,
        )

    def simulate(
        self,
        grants: Maybe[Grants],
        needs: Iterable[Need],
        shared: AbstractSet[str] = frozenset(),
    ) -> Maybe[Grants]:
        """Return what it allows, with what AWS says about what is needed.

        "Testing IAM policies with the IAM policy simulator": permissions boundaries and
        the organization's policies count, those of the resources do not.

        Args:
            grants: What its policies allow.
            needs: What is needed.
            shared: ARNs of resources whose own policies may allow it as well.
        """
        verdicts: Verdicts = {}
        for resource, actions in _group(needs).items():
            answer = self._account.ask(
                "iam",
                "simulate_principal_policy",
                PolicySourceArn=self._arn,
                ActionNames=sorted(actions),
                ResourceArns=[resource],
            )
            if answer is UNKNOWN or answer is None:
                break  # not allowed to ask, so it is not for the others either
            for each in answer["EvaluationResults"]:
                verdict = self._judge(each)
                if verdict is False and resource in shared:
                    verdict = True
                if verdict is not None:
                    verdicts[each["EvalActionName"], resource] = verdict
        if grants is UNKNOWN:
            if not verdicts:
                return UNKNOWN
            grants = Grants(role=self._name, statements=(), is_complete=False)
        return replace(grants, verdicts=verdicts)

    def _judge(self, result: Answer) -> bool | Statement | None:
        """Return what AWS says; None if that depends on what the function sends."""
        decision = result["EvalDecision"]
        if decision == "allowed":
            return True
        for detail, name, owner in _LIMITS:
            if (result.get(detail) or {}).get(name) is False:
                return self._deny(result, f"{self._name}, {owner}", is_limit=True)
        if decision == "explicitDeny":
            return self._deny(result, self._name, is_limit=False)
        # A condition may hold when the function asks.
        return None if result.get("MissingContextValues") else False

    def _deny(self, result: Answer, owner: str, *, is_limit: bool) -> Statement:
        return Statement(
            owner=owner,
            is_allowing=False,
            actions=(result["EvalActionName"],),
            resources=("*",),
            is_limit=is_limit,
        )

    def _list_documents(
        self, inline: list[str], attached: list[Mapping[str, Any]]
    ) -> Iterator[Document]:
        for name in inline:
            answer = self._ask("get_role_policy", PolicyName=name)
            yield Document(
                self._name,
                UNKNOWN if answer is None else answer["PolicyDocument"],
                is_certain=True,
            )
        for each in attached:
            if each["PolicyName"] in HARMLESS_POLICIES:
                continue
            arn = each["PolicyArn"]
            yield Document(
                self._resources.name(_MANAGED, arn)
                if arn in self._resources.of_kind(_MANAGED)
                else each["PolicyName"],
                self._read_managed(arn),
                # Nobody can narrow one of AWS's own.
                is_certain=_AWS_OWN not in arn,
            )

    def _read_managed(self, arn: str) -> object:
        policy = self._account.ask("iam", "get_policy", PolicyArn=arn)
        if policy is UNKNOWN or policy is None:
            return UNKNOWN
        version = self._account.ask(
            "iam",
            "get_policy_version",
            PolicyArn=arn,
            VersionId=policy["Policy"]["DefaultVersionId"],
        )
        if version is UNKNOWN or version is None:
            return UNKNOWN
        return version["PolicyVersion"]["Document"]

    def _ask(self, operation: str, **parameters: str) -> Answer | None:
        answer = self._account.ask("iam", operation, RoleName=self._role, **parameters)
        return None if answer is UNKNOWN else answer

    def _ask_items(self, operation: str, name: str) -> Maybe[list[Any]]:
        return self._account.ask_items("iam", operation, name, RoleName=self._role)


def _group(needs: Iterable[Need]) -> dict[str, set[str]]:
    """Return the actions that are needed by resource."""
    found: dict[str, set[str]] = {}
    for need in needs:
        for resource in need.resources:
            if is_literal(resource):
                found.setdefault(resource, set()).add(need.action)
    return found
