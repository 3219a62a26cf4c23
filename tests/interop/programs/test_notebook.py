"""The notebook ``system_info.ipynb`` that official provisioning puts into an admin's kit.

Its template is taken out of the release's own package, and its code cells run as a script, in the folder of a mock
server's kit, as in a notebook opened there. A magic would need Jupyter; the one that the notebook has is commented out.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from mock_server import MockServer
from tests.interop.programs.official import Official

USER = "admin@nvidia.com"
LIGHT = ("2.6.3",)
VERSIONS = [
    pytest.param(version, marks=() if version in LIGHT else (pytest.mark.programs,))
    for version in ("2.3.12", "2.4.2", "2.5.2", "2.6.3", "2.7.3", "2.8.3", "2.9.0")
]
TEMPLATES = "import nvflare.lighter, os; print(os.path.dirname(nvflare.lighter.__file__))"


def code_of_notebook(official: Official) -> str:
    """The code cells, one below the other, with the name of the user where provisioning puts it."""
    lighter = Path(official.script(TEMPLATES).out.splitlines()[-1])
    (template,) = lighter.glob("*/master_template.yml")
    text = yaml.safe_load(template.read_text())["adm_notebook"]
    cells = json.loads(text.replace("{~~admin_name~~}", USER))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert len(code) == 3, "one about the installation, one that connects, one that shuts down"
    return "\n\n".join(code)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_cells_of_the_notebook(version: str, tmp_path: Path) -> None:
    official = Official(version, tmp_path / "home")
    code = code_of_notebook(official)
    with MockServer(version) as server:
        kit = server.kit(USER)
        done = official.script(code, cwd=kit)

        assert done.code == 0, done
        assert "SystemInfo" in done.out
        assert re.search(r"^site-2 ?\(last_connect_time: ", done.out, re.MULTILINE), done
        assert re.search("(FL app|Flare Server) has been shutdown", done.out), done
        server.calls.require_order("check_status", "shutdown", "shutdown")
        sites, whole = server.calls.of("shutdown")
        assert (sites.args, whole.args) == (("client",), ("server",))
        assert not sites.is_refused
        assert not whole.is_refused
        assert server.wait(10)
