"""`wspubsub create-table`: a table for an application."""

import argparse

from wspubsub.cli.complaints import complain
from wspubsub.cli.options import read_region


def run(options: argparse.Namespace) -> int:
    """Create a table."""
    import boto3  # not needed by the other commands
    from botocore.exceptions import BotoCoreError, ClientError

    from wspubsub.dynamodb import create_table

    # With an endpoint of one's own, a Region is only a name.
    region = read_region(options) or ("us-east-1" if options.endpoint else None)
    try:
        client = boto3.client(
            "dynamodb", endpoint_url=options.endpoint, region_name=region
        )
        create_table(options.table, client=client, stream=options.stream)
    except (BotoCoreError, ClientError, ValueError) as error:
        complain(str(error))
        return 1
    print(f"table {options.table} is ready at {client.meta.endpoint_url}")
    return 0
