"""``python -m flare_client.doctor DIR``."""

from __future__ import annotations

from flare_client.doctor.command import doctor

if __name__ == "__main__":
    doctor(prog_name="python -m flare_client.doctor")
