"""A mutation run over the core, `dynamodb` and `fanout`, in forked processes.

Cosmic Ray says what can be changed, and changes it; this package runs the tests. A new
Python and a new pytest for each of thousands of mutants would take hours, so one pytest
session collects the tests once, and each mutant gets a fork of it in which only the
changed functions have other code (`hot`). What runs when a module is imported, such as
constants and default values, is tried in a fork that has imported nothing of ours yet
(`cold`).
"""
