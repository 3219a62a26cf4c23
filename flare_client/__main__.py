"""``python -m flare_client``: the command ``flare``."""

from flare_client.cli import main

if __name__ == "__main__":
    main(prog_name="flare")
