"""Remarks of servers, in every form of section 8.2, come down to the same few words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncrun.sdk.rest.status_body import status_body

MINOR = {
    "imsx_codeMinorField": [
        {"imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": "invalid_filter_field"}
    ]
}
FLAT = {
    "imsx_codeMajor": "failure",
    "imsx_severity": "error",
    "imsx_codeMinor": "invalid_filter_field",
    "imsx_description": "canary",
}
FORMS = {
    "1.2": {
        "imsx_codeMajor": "failure",
        "imsx_severity": "error",
        "imsx_description": "canary",
        "imsx_CodeMinor": MINOR,
    },
    "wrapped": {"imsx_StatusInfo": {"imsx_codeMajor": "failure", "imsx_severity": "error", "imsx_CodeMinor": MINOR}},
    "flat": FLAT,
    "1.1": {"statusInfoSet": [FLAT]},
    "1.1 derivative": {
        "statusInfoSet": [{**FLAT, "imsx_messageRefIdentifier": "canary", "imsx_operationRefIdentifier": "x"}]
    },
    "1.1 with blanks": {"statusInfoSet": [{**FLAT, "imsx_codeMinor": "Invalid Filter-Field"}]},
    "unprefixed": {
        "codeMajor": "failure",
        "codeMinor": "invalid_filter_field",
        "severity": "error",
        "description": "canary",
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(form: str) -> None:
    found = status_body(FORMS[form])
    assert found is not None
    assert (found.major, found.severity, found.words, found.failed) == (
        "failure",
        "error",
        ("invalid_filter_field",),
        True,
    )


def test_word_of_oauth_is_known_and_other_texts_are_dropped() -> None:
    assert status_body({"error": "invalid_client", "error_description": "canary"}).words == ("invalid_client",)
    assert status_body({"error": "No user canary"}).words == ()
    assert status_body({"codeMajor": "failure", "codeMinor": "unauthorized"}).words == ("unauthorisedrequest",)
    assert status_body({"codeMajor": "failure", "codeMinor": "unauthorisedrequest"}).words == ("unauthorisedrequest",)


def test_warning_beside_data_is_no_failure_and_data_is_no_remark() -> None:
    assert not status_body(
        {"users": [], "statusInfoSet": [{"imsx_codeMajor": "success", "imsx_severity": "warning"}]}
    ).failed
    for body in ({"users": [{"error": "x"}]}, [], "x", None, {"error": {"code": 1}}):
        assert status_body(body) is None


keys = st.sampled_from(
    [
        "imsx_codeMajor",
        "imsx_CodeMinor",
        "imsx_codeMinorField",
        "imsx_codeMinorFieldValue",
        "statusInfoSet",
        "error",
        "severity",
        "x",
    ]
)


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(keys, inner))
)
def test_anything_can_be_looked_at(body: object) -> None:
    found = status_body(body)
    assert found is None or found.words == tuple(dict.fromkeys(found.words))
