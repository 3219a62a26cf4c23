"""What happened on a server, for people, tests and the conformance suite.

``facts`` is what endpoints tell, ``transcript`` keeps it, ``forms`` and ``redaction`` turn it into the entries of
``entry`` when somebody reads it; ``calls`` is the same by command.
"""

from mock_server.transcript.calls import Call, CallError, Calls
from mock_server.transcript.entry import Direction, Entry, Kind
from mock_server.transcript.transcript import Retention, Transcript, as_line

__all__ = ["Call", "CallError", "Calls", "Direction", "Entry", "Kind", "Retention", "Transcript", "as_line"]
