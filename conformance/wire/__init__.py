"""The rules of both dialects, checked on what a client put on the wire.

``traffic`` sorts a transcript, ``rules`` says what a rule is; the other modules declare the rules, each with its
source. ``script`` is what the wire contracts have a client do; ``irregularities`` checks whatever a client did in any
other contract, as a by-product.
"""

from conformance.wire import commands, frames, messages, registration, sockets, streams, transfers
from conformance.wire.irregular import Irregularity, irregularities
from conformance.wire.rules import RULES, Judgement, Rule
from conformance.wire.traffic import Traffic

RULE_MODULES = (commands, sockets, frames, messages, registration, streams, transfers)
"""Importing a module declares its rules."""

__all__ = ["RULES", "RULE_MODULES", "Irregularity", "Judgement", "Rule", "Traffic", "irregularities"]
