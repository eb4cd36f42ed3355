"""Templates for CloudFormation and SAM, as pure functions.

In come an application and the settings of the command line, out goes a template as
plain data; `wspubsub.deployment.documents` writes it. Begin with `template`.
"""
