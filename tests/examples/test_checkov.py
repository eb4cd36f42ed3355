"""What checkov, which looks for what is not secure, finds in everything that deploys.

`.checkov.yaml` has what is meant to be so, and why.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.examples import cdk
from tests.examples.serverless import packaged
from tests.examples.test_serverless import TOKENS
from tests.support.infra_templates import EVERYTHING, made
from tests.support.servers.gateways import ROOT

CHECKOV = ROOT / ".tools" / "checkov" / "bin" / "checkov"
CONFIG = ROOT / ".checkov.yaml"
FRAMEWORKS = ["cloudformation", "terraform"]
# Serverless makes a bucket for its own uploads, which are all in the version control.
OF_THE_FRAMEWORK = {"CKV_AWS_18", "CKV_AWS_21"}

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all templates that there are."""
    folder = tmp_path_factory.mktemp("scanned")
    templates = {
        "plain": made(),
        "everything": made(**EVERYTHING, worker="work.handler"),
        "sam": made(template_format="sam", **EVERYTHING),
        "serverless": packaged("osls", folder / "serverless", TOKENS),
    }
    shutil.rmtree(folder / "serverless")
    app = cdk.packaged(tmp_path_factory.mktemp("cdk"))
    shutil.copy(cdk.template(app, "cdk.out", cdk.TOKENS), folder / "cdk.json")
    for name, template in templates.items():
        (folder / f"{name}.json").write_text(json.dumps(template))
    for path in (ROOT / "examples").rglob("template.yaml"):
        shutil.copy(path, folder / f"{path.parent.name}.yaml")
    shutil.copytree(
        ROOT / "examples" / "chat" / "terraform",
        folder / "terraform",
        ignore=shutil.ignore_patterns("build*", "*.zip", ".terraform*"),
    )
    return folder


def scan(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """Return what checkov says of a folder, one report for each framework."""
    done = subprocess.run(
        [
            *(CHECKOV, "--directory", folder, "--output", "json", "--quiet"),
            *("--skip-download", "--framework", *FRAMEWORKS, *arguments),
        ],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    said = json.loads(done.stdout)
    return said if isinstance(said, list) else [said]


def failed(reports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the checks that failed."""
    return [each for one in reports for each in one["results"]["failed_checks"]]


def waived() -> list[str]:
    """Return the checks that `.checkov.yaml` leaves out."""
    return list(yaml.safe_load(CONFIG.read_text())["skip-check"])


@pytest.fixture(scope="module")
def reports(scanned: Path) -> list[dict[str, Any]]:
    """What is found where nothing is left out."""
    return scan(scanned)


def test_all_that_is_found_is_fixed_or_has_a_reason(
    reports: list[dict[str, Any]],
) -> None:
    left = {
        f"{each['check_id']} {each['resource']} in {each['file_path']}"
        for each in failed(reports)
        if each["check_id"] not in waived()
        and not (
            each["check_id"] in OF_THE_FRAMEWORK
            and each["resource"] == "AWS::S3::Bucket.ServerlessDeploymentBucket"
        )
    }

    assert left == set()
    assert all(each["summary"]["parsing_errors"] == 0 for each in reports)
    assert sum(each["summary"]["passed"] for each in reports) > 100


def test_nothing_is_left_out_that_is_not_found(reports: list[dict[str, Any]]) -> None:
    found = {each["check_id"] for each in failed(reports)}

    assert found >= set(waived())


def test_everything_that_is_left_out_has_a_reason() -> None:
    lines = CONFIG.read_text().splitlines()
    start = lines.index("skip-check:") + 1

    assert lines[start].strip().startswith("#")
    assert len(waived()) == len(set(waived()))


def test_a_template_that_is_not_secure_is_found(tmp_path: Path) -> None:
    template = made()
    statement = template["Resources"]["FunctionRole"]["Properties"]["Policies"][0]
    statement["PolicyDocument"]["Statement"].append(
        {"Effect": "Allow", "Action": "*", "Resource": "*"}
    )
    del template["Resources"]["Table"]["Properties"]["PointInTimeRecoverySpecification"]
    (tmp_path / "t.json").write_text(json.dumps(template))

    found = {each["check_id"] for each in failed(scan(tmp_path))} - set(waived())

    assert {"CKV_AWS_28", "CKV_AWS_111"} <= found
