"""Templates for AWS CloudFormation and AWS SAM: made from a router, checked against it.

Everything here is a function of its arguments: nothing reaches AWS, and nothing here is
imported by what runs on Lambda. `template.py` writes a template; `checking/` compares
one with a router. Only `probe.py` is a program: it imports the user's module, in a
process of its own.
"""
