"""What the traffic of a local gateway would cost on AWS.

`meter` counts what API Gateway and Lambda bill, `tally` what DynamoDB and SQS do, with
the units that `units` knows; `estimate` puts prices to it.
"""
