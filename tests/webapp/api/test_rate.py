import pytest

pytestmark = pytest.mark.django_db


def test_too_many_calls_wait_and_others_do_not(caller, editor, viewer, settings):
    settings.API_PER_MINUTE = 3
    call, other = caller(editor), caller(viewer)
    answers = [call.get("/me") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].json()["code"] == "too_many_requests"
    assert int(answers[-1]["Retry-After"]) >= 1
    assert other.get("/me").status_code == 200
