"""Faults on request: rules that say what fails, when, and how often.

`wspubsub dev` and `wspubsub.testing` obey the same rules. Begin with `rules`, which
says what a rule is, and `faults`, which decides whose turn it is.
"""

from wspubsub.faults.faults import Fault, Faults
from wspubsub.faults.occasions import Occasion
from wspubsub.faults.reading import read_rules
from wspubsub.faults.rules import Action, Match, Rule, Service

__all__ = [
    "Action",
    "Fault",
    "Faults",
    "Match",
    "Occasion",
    "Rule",
    "Service",
    "read_rules",
]
