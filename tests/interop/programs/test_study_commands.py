"""``nvflare study ...`` of 2.9.0 with ``--format json``, and jobs in a study."""

from __future__ import annotations

from collections.abc import Callable

from conformance.lab.jobs import WAITING
from conformance.lab.provisioning import ADMIN
from tests.interop.programs.conftest import Place
from tests.interop.programs.official import Nvflare

LEAD = "lead@nvidia.com"
BAD_ARGUMENTS = (4, "INVALID_ARGS")


def test_a_study_from_its_beginning_to_its_end(nvflare: Nvflare, place: Place, submit: Callable[..., str]) -> None:
    lead, member, org_admin = map(place.kit, (LEAD, "member@nvidia.com", "orgadmin@nvidia.com"))
    assert nvflare.json("study", "show", "cancer").refusal == (1, "STUDY_NOT_FOUND")
    begun = nvflare.json("study", "register", "cancer", "--site-org", "nvidia:site-1").data
    assert begun == {"name": "cancer", "site_orgs": {"nvidia": ["site-1"]}, "sites": ["site-1"], "users": [ADMIN]}
    more = nvflare.json("study", "add-site", "cancer", "--site-org", "nvidia:site-2").data
    assert (more["added"], more["already_enrolled"], more["sites"]) == (["site-2"], [], ["site-1", "site-2"])
    assert nvflare.json("study", "add-user", "cancer", LEAD).data == {"study": "cancer", "user": LEAD}
    assert nvflare.json("study", "add-user", "cancer", LEAD).refusal == (1, "USER_ALREADY_IN_STUDY")
    assert nvflare.json("study", "show", "cancer").data["users"] == [ADMIN, LEAD]
    listed = nvflare.json("study", "list", kit=lead).data
    assert listed["identity"] == {"name": LEAD, "org": "nvidia", "role": "lead"}
    assert listed["studies"] == ["cancer"]
    assert listed["study_details"][0]["can_submit_job"] is True
    assert listed["startup_kit"]["source"] == "env"

    job_id = submit(WAITING, "--study", "cancer", kit=lead)
    assert [job["job_id"] for job in nvflare.json("job", "list", "--study", "cancer", kit=lead).data] == [job_id]
    assert nvflare.json("job", "meta", job_id).refusal == (1, "JOB_NOT_FOUND"), "of another study"
    outside = nvflare.json("job", "list", "--study", "cancer", kit=member)
    assert outside.refusal == (2, "AUTH_FAILED")
    assert "is not mapped to study 'cancer'" in outside.envelope["message"]
    assert "nvflare study add-user" in outside.envelope["hint"]
    assert nvflare.json("job", "list", "--study", "nowhere").refusal == (2, "AUTH_FAILED")

    assert nvflare.json("study", "remove", "cancer").refusal == (1, "STUDY_HAS_JOBS")
    of_study = ("--force", "--study", "cancer")
    assert nvflare.json("job", "abort", job_id, *of_study).code == 0
    assert nvflare.json("job", "delete", job_id, *of_study).code == 0
    left = nvflare.json("study", "remove-site", "cancer", "--site-org", "nvidia:site-2").data
    assert (left["removed"], left["sites"]) == (["site-2"], ["site-1"])
    assert nvflare.json("study", "remove-user", "cancer", LEAD).data["removed"] is True
    assert nvflare.json("study", "remove-user", "cancer", LEAD).refusal == (1, "USER_NOT_IN_STUDY")
    assert nvflare.json("study", "remove", "cancer").data["name"] == "cancer"
    assert nvflare.json("study", "register", "other", "--sites", "site-1", kit=org_admin).data["sites"] == ["site-1"]
    assert nvflare.json("study", "remove", "other").code == 0
    if place.mock is not None:
        place.mock.calls.require_order(
            "register_study", "add_study_site", "add_study_user", "show_study", "list_studies", "submit_job",
            "remove_study", "remove_study_site", "remove_study_user", "remove_study",
        )  # fmt: skip


def test_what_is_refused(nvflare: Nvflare, place: Place) -> None:
    lead = place.kit(LEAD)
    named = nvflare.json("study", "register", "Bad Name", "--site-org", "nvidia:site-1")
    assert named.refusal == (4, "INVALID_STUDY_NAME")
    assert nvflare.json("study", "register", "new", "--sites", "site-1").refusal == BAD_ARGUMENTS
    nowhere = nvflare.json("study", "register", "new", "--site-org", "nvidia:nowhere")
    assert nowhere.refusal == (4, "INVALID_SITE")
    assert "Sites ['nowhere'] are unknown" in nowhere.envelope["message"]
    assert nvflare.json("study", "register", "new", "--sites", "site-1", kit=lead).refusal == (1, "NOT_AUTHORIZED")
