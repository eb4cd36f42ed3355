"""What the traffic of a local gateway would cost on AWS.

`meter` counts, `units` knows DynamoDB's units, `estimate` puts prices to them.
"""
