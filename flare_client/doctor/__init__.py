"""The doctor: looks a startup kit over, and says in plain words what is wrong and what to do.

``flare kit doctor DIR`` is the command line of it; a program calls ``examine``. A check is data and a function
(``checks/``), and each has a verdict with a reason. Nothing here is loaded by ``import flare_client``.
"""

from __future__ import annotations

from flare_client.doctor.examination import examine
from flare_client.doctor.findings import Finding, Report, Verdict

__all__ = ["Finding", "Report", "Verdict", "examine"]
