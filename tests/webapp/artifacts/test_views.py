"""The pages of an artifact: who sees them, and that nothing in them runs."""

import io
import json

import pytest
from django.urls import reverse
from PIL import Image

from webapp.jobs.models import JobInput

pytestmark = pytest.mark.django_db
SCRIPT = "<script>alert(1)</script>"
VIEWS = ["artifact", "artifact-raw", "artifact-download"]


def png(size: tuple[int, int] = (8, 6)) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, "red").save(data, "PNG", pnginfo=None)
    return data.getvalue()


def page_of(client, artifact, name: str = "artifact", **query: object):
    return client.get(reverse(name, args=[artifact.pk]), query)


@pytest.mark.parametrize("name", VIEWS)
def test_a_stranger_gets_404_and_a_visitor_signs_in(
    client, client_of, outsider, make_artifact, name
):
    artifact = make_artifact(png(), media="image/png")
    assert page_of(client_of(outsider), artifact, name).status_code == 404
    assert page_of(client, artifact, name).status_code == 302


@pytest.mark.parametrize("name", VIEWS)
def test_a_viewer_sees_it(client_of, viewer, make_artifact, name):
    artifact = make_artifact(png(), media="image/png", path="a.png")
    assert page_of(client_of(viewer), artifact, name).status_code == 200


def test_it_shows_a_table_page_by_page(client_of, viewer, make_artifact):
    rows = "".join(f"{at},{at / 7}\n" for at in range(1, 801))
    artifact = make_artifact(f"node,score\n{rows}", media="text/csv", path="a.csv")
    first = page_of(client_of(viewer), artifact).content.decode()
    assert "Rows 1 to 100" in first
    assert "The first 500 rows are shown" in first
    assert '<td class="num">100</td>' in first
    assert '<td class="num">101</td>' not in first
    last = page_of(client_of(viewer), artifact, page=5).content.decode()
    assert "Rows 401 to 500" in last
    assert "Later rows" not in last
    for odd in ("0", "-1", "9999999999", "x", "²"):
        assert page_of(client_of(viewer), artifact, page=odd).status_code == 200


def test_its_facts_have_the_titles_of_its_kind(client_of, viewer, make_artifact):
    facts = {"tokenizer": True, "parameters": 331776, "linear": {"layer.*.query": [6, 384, 384]}}
    page = page_of(client_of(viewer), make_artifact(b"x", kind="model", facts=facts))
    for words in ("Has a tokenizer", "yes", "331,776", "layer.*.query: 6, 384, 384"):
        assert words in page.content.decode()


def test_it_shows_where_it_came_from_and_went(client_of, viewer, make_artifact, make_job):
    source = make_artifact("{}", title="Source graph", kind="graph", job=make_job(name="maker"))
    job = make_job(name="middle")
    JobInput.objects.create(job=job, name="graph", artifact=source)
    made = make_artifact("{}", title="Purified graph", kind="graph", job=job)
    user = make_job(name="user of it")
    JobInput.objects.create(job=user, name="graph", artifact=made)
    text = page_of(client_of(viewer), made).content.decode()
    for word in ("Source graph", "maker", "middle", "user of it"):
        assert word in text
    assert reverse("artifact", args=[source.pk]) in text
    assert reverse("job", args=[user.pk]) in text


class TestHostileContent:
    @pytest.fixture
    def browser(self, client_of, viewer):
        return client_of(viewer)

    @pytest.mark.parametrize(
        ("media", "data"),
        [
            ("text/plain", SCRIPT),
            ("text/html", f"<html>{SCRIPT}</html>"),
            ("text/markdown", f"# Title\n{SCRIPT}"),
            ("image/svg+xml", f"<svg xmlns='http://www.w3.org/2000/svg'>{SCRIPT}</svg>"),
            ("text/csv", f"{SCRIPT},b\n{SCRIPT},=cmd\n"),
            ("application/json", json.dumps({SCRIPT: [SCRIPT, {SCRIPT: SCRIPT}]})),
            ("application/json", f'{{"broken": {SCRIPT}'),
            (
                "application/vnd.plotly.v1+json",
                json.dumps({"data": [{"y": [1], "name": SCRIPT}], "layout": {"title": SCRIPT}}),
            ),
            (SCRIPT, SCRIPT),
        ],
    )
    def test_no_script_of_a_job_stands_in_a_page(self, browser, make_artifact, media, data):
        artifact = make_artifact(
            data, media=media, title=SCRIPT, path=f"a{SCRIPT}", facts={SCRIPT: SCRIPT}
        )
        response = page_of(browser, artifact)
        assert response.status_code == 200
        assert b"<script>alert" not in response.content
        assert b"alert(1)" in response.content  # it is shown, as text

    @pytest.mark.parametrize(
        ("media", "data"),
        [
            ("image/svg+xml", f"<svg xmlns='http://www.w3.org/2000/svg'>{SCRIPT}</svg>"),
            ("text/html", SCRIPT),
            ("application/xhtml+xml", SCRIPT),
            ("application/pdf", "%PDF-1.7"),
        ],
    )
    def test_a_document_is_never_inline(self, browser, make_artifact, media, data):
        artifact = make_artifact(data, media=media, path="page.svg")
        assert page_of(browser, artifact, "artifact-raw").status_code == 404
        response = page_of(browser, artifact, "artifact-download")
        assert response["Content-Type"] == "application/octet-stream"
        assert response["Content-Disposition"].startswith("attachment")
        assert response["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in response["Content-Security-Policy"]
        assert "default-src 'none'" in response["Content-Security-Policy"]

    def test_html_that_calls_itself_a_picture_is_not_shown(self, browser, make_artifact):
        artifact = make_artifact(f"<html>{SCRIPT}", media="image/png", path="a.png")
        assert page_of(browser, artifact, "artifact-raw").status_code == 404
        assert "No preview: not a picture" in page_of(browser, artifact).content.decode()

    def test_a_picture_is_made_anew_without_what_was_hidden_in_it(self, browser, make_artifact):
        data = png() + SCRIPT.encode()
        artifact = make_artifact(data, media="image/png", path="a.png")
        response = page_of(browser, artifact, "artifact-raw")
        assert response["Content-Type"] == "image/png"
        assert "sandbox" in response["Content-Security-Policy"]
        assert SCRIPT.encode() not in response.content
        with Image.open(io.BytesIO(response.content)) as picture:
            assert (picture.format, picture.size) == ("PNG", (8, 6))
            assert picture.convert("RGB").getpixel((0, 0)) == (255, 0, 0)


class TestDownload:
    @pytest.fixture
    def fetch(self, client_of, viewer, make_artifact):
        artifact = make_artifact(bytes(range(256)) * 4000, path="deep/er/data.npz")
        client = client_of(viewer)
        address = reverse("artifact-download", args=[artifact.pk])

        def fetch(**headers: str):
            return client.get(address, headers=headers)

        return fetch

    def test_the_whole_file(self, fetch):
        response = fetch()
        assert response.status_code == 200
        assert response.getvalue() == bytes(range(256)) * 4000
        assert response["Content-Length"] == "1024000"
        assert response["Content-Disposition"] == 'attachment; filename="data.npz"'

    @pytest.mark.parametrize(
        ("asked", "span"),
        [
            ("bytes=0-9", (0, 10)),
            ("bytes=1000-", (1000, 1_024_000)),
            ("bytes=-5", (1_023_995, 1_024_000)),
            ("bytes=300000-900000", (300_000, 900_001)),
            ("bytes=1023999-99999999", (1_023_999, 1_024_000)),
            ("bytes=-99999999", (0, 1_024_000)),
        ],
    )
    def test_a_range_of_it(self, fetch, asked, span):
        whole, (start, stop) = bytes(range(256)) * 4000, span
        response = fetch(range=asked)
        assert response.getvalue() == whole[start:stop]
        if stop - start < len(whole):
            assert response.status_code == 206
            assert response["Content-Range"] == f"bytes {start}-{stop - 1}/1024000"

    @pytest.mark.parametrize("asked", ["bytes=1024000-", "bytes=9-3", "bytes=-0"])
    def test_a_range_outside_is_refused(self, fetch, asked):
        response = fetch(range=asked)
        assert response.status_code == 416
        assert response["Content-Range"] == "bytes */1024000"

    @pytest.mark.parametrize("asked", ["bytes=0-1,5-9", "lines=1-2", "bytes=a-b", "bytes=-", "x"])
    def test_what_is_no_single_range_gets_the_whole(self, fetch, asked):
        assert fetch(range=asked).status_code == 200

    def test_a_range_of_another_version_gets_the_whole(self, fetch):
        tag = fetch()["ETag"]
        assert fetch(**{"range": "bytes=0-9", "if-range": tag}).status_code == 206
        assert fetch(**{"range": "bytes=0-9", "if-range": '"older"'}).status_code == 200

    def test_what_the_browser_has_is_not_sent_again(self, fetch):
        assert fetch(**{"if-none-match": fetch()["ETag"]}).status_code == 304

    def test_an_empty_file(self, client_of, viewer, make_artifact):
        artifact = make_artifact(b"")
        response = page_of(client_of(viewer), artifact, "artifact-download")
        assert (response.status_code, response.getvalue()) == (200, b"")
