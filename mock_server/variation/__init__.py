"""Pedantic mode: what a server may do otherwise, done on purpose, so that clients rely on no habit of this one.

``declared`` says what a variation is, ``replies``, ``writing``, ``identifiers`` and ``wire`` have them by their
subject, ``registry`` is all of them, ``pedantry`` what somebody asked for, ``pedant`` draws and carries out.
"""

from mock_server.variation.declared import Variation
from mock_server.variation.pedant import Pedant
from mock_server.variation.pedantry import Pedantry
from mock_server.variation.registry import VARIATIONS

__all__ = ["VARIATIONS", "Pedant", "Pedantry", "Variation"]
