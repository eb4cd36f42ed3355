"""The chat on AWS, described for AWS CDK: what `cdk synth` runs."""

from aws_cdk import App
from chat_stack import ChatStack

app = App()
ChatStack(app, "chat")
app.synth()
