"""GAgN's inspector in a real Chromium, while its job runs and afterwards."""

from __future__ import annotations

import csv
import io
import re
from xml.etree import ElementTree

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import WIDTHS, axe

pytestmark = pytest.mark.browser

RUNS = 120_000  # ms that the job may take on a busy machine


@pytest.fixture
def inspector(open_page, bench):
    """The inspector with everything drawn."""

    def make(**options):
        watched = open_page(f"/jobs/{bench.names['gagn']}/inspect/", signed_in=True, **options)
        watched.page.locator("[data-results]").wait_for(timeout=RUNS)
        return watched

    return make


def test_the_results_appear_while_the_page_is_open(open_page, bench):
    watched = open_page(f"/jobs/{bench.names['gagn']}/inspect/", signed_in=True)
    page = watched.page
    expect(page.get_by_text("reconstructed from the published description")).to_be_visible()
    curve = page.locator("[data-training] figure").first
    curve.locator(".main-svg").first.wait_for(timeout=RUNS)
    page.locator("[data-results]").wait_for(timeout=RUNS)
    expect(page.locator("[data-waiting]")).to_be_hidden()
    lengths = curve.evaluate("figure => figure.data.map((trace) => trace.x.length)")
    assert min(lengths) >= 30
    assert watched.faults() == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_inspector_is_fit_to_be_used(inspector, width):
    watched = inspector(width=width)
    watched.page.locator("[data-quality] .main-svg").first.wait_for()
    assert axe(watched.page) == []
    assert watched.page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    assert watched.faults() == []


def test_a_neighbour_can_be_walked_to_by_keyboard(inspector):
    page = inspector().page
    first = page.locator("[data-agent-title]").inner_text()
    neighbour = page.locator("[data-ego] .node[role=button]").first
    name = re.match(r"Node (\d+)", neighbour.get_attribute("aria-label"))[1]
    neighbour.focus()
    neighbour.press("Enter")
    expect(page.locator("[data-agent-title]")).to_have_text(f"Node {name}")
    page.get_by_role("button", name="Back").click()
    expect(page.locator("[data-agent-title]")).to_have_text(first)


def test_the_whole_network_leads_to_an_agent(inspector):
    watched = inspector()
    page = watched.page
    canvas = page.locator("[data-network]")
    assert canvas.get_attribute("aria-label").startswith("400 agents and ")
    title, note = page.locator("[data-agent-title]"), page.locator("[data-network-note]")
    canvas.focus()
    for key in ("+", "+", "ArrowRight", "Enter"):
        canvas.press(key)
    first = title.inner_text()
    expect(note).to_contain_text(f"{first}: label ")
    canvas.press("0")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    marked = note.inner_text()
    for step in range(200):  # over the network until some other agent lies under the pointer
        page.mouse.move(box["x"] + 4 * step, box["y"] + box["height"] / 2)
        if note.inner_text() not in ("", marked):
            break
    under = re.match(r"(Node \d+): label", note.inner_text())[1]
    page.mouse.down(button="right")
    page.mouse.up(button="right")
    expect(title).to_have_text(first)
    page.mouse.down()
    page.mouse.up()
    expect(title).to_have_text(under)
    assert watched.faults() == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_network_is_drawn_as_asked_and_saved(inspector, theme):
    watched = inspector(theme=theme)
    page = watched.page

    def drawn() -> str:
        page.wait_for_timeout(300)  # edges are drawn a moment after the last change
        return page.locator("[data-network]").evaluate("canvas => canvas.toDataURL()")

    seen = {drawn()}
    for name, value in (
        ("Colour", "right or wrong"),
        ("Colour", "share of its answer"),
        ("Edges", "adversarial"),
        ("Edges", "none"),
    ):
        page.locator("[data-network-form]").get_by_label(name).select_option(label=value)
        seen.add(drawn())
    assert len(seen) == 5
    bar = page.get_by_role("group", name="All agents: actions")
    saved = {}
    for word in ("PNG", "SVG", "CSV"):
        with page.expect_download() as download:
            bar.get_by_role("button", name=word).click()
        saved[word] = download.value.path().read_bytes()
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert corner(saved["PNG"]) == ground
    svg = ElementTree.fromstring(saved["SVG"])
    assert len(list(svg.iter("{http://www.w3.org/2000/svg}circle"))) == 400 + 1  # and the marked
    assert len(list(csv.reader(io.StringIO(saved["CSV"].decode())))) == 401
    other = {"light": "dark", "dark": "light"}[theme]
    page.locator(f"[data-theme-choice={other}]").evaluate("button => button.click()")
    page.wait_for_timeout(300)
    with page.expect_download() as download:
        bar.get_by_role("button", name="PNG").click()
    now = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert corner(download.value.path().read_bytes()) == now != ground
    assert watched.faults() == []


def corner(picture: bytes) -> str:
    red, green, blue = Image.open(io.BytesIO(picture)).convert("RGB").getpixel((2, 2))
    return f"rgb({red}, {green}, {blue})"


def test_the_neighbourhood_is_saved_as_a_picture_and_as_numbers(inspector):
    watched = inspector(theme="dark")
    page = watched.page
    page.get_by_role("button", name="Some attacked node").click()
    node = page.locator("#node").input_value()
    bar = page.get_by_role("group", name="Neighbourhood: actions")
    saved = {}
    for word in ("PNG", "SVG", "CSV"):
        with page.expect_download() as download:
            bar.get_by_role("button", name=word).click()
        assert download.value.suggested_filename == f"node-{node}.{word.lower()}"
        saved[word] = download.value.path().read_bytes()

    # The look is in the file itself: what no style sheet reaches is as it was on the page.
    drawn = [
        page.locator("[data-ego] .adversarial").first.evaluate("e => getComputedStyle(e).stroke"),
        page.locator("[data-ego] .middle text").evaluate("e => getComputedStyle(e).fill"),
    ]
    svg = ElementTree.fromstring(saved["SVG"])
    name = "{http://www.w3.org/2000/svg}"
    assert svg[0].get("fill") == page.evaluate(
        "getComputedStyle(document.documentElement).backgroundColor"
    )
    assert drawn[0] in {line.get("stroke") for line in svg.iter(f"{name}line")}
    assert drawn[1] in {text.get("fill") for text in svg.iter(f"{name}text")}
    assert node in {text.text for text in svg.iter(f"{name}text")}

    picture = Image.open(io.BytesIO(saved["PNG"])).convert("RGB")
    assert picture.size == (2 * int(svg.get("width")), 2 * int(svg.get("height")))
    colours = {f"rgb({r}, {g}, {b})" for _, (r, g, b) in picture.getcolors(1 << 24)}
    assert {svg[0].get("fill"), drawn[1]} <= colours

    lines = list(csv.reader(io.StringIO(saved["CSV"].decode())))
    rows = page.locator("[data-neighbours] tr").all_inner_texts()
    assert lines[0] == rows[0].split("\t")
    assert len(lines) == len(rows) > 1
    assert [f"{float(number):.3f}" for number in lines[1][1:4]] == rows[1].split("\t")[1:4]
    assert lines[1][4:] == rows[1].split("\t")[4:]
    assert watched.faults() == []


def test_an_attacked_node_shows_its_adversarial_edge(inspector):
    page = inspector().page
    page.get_by_role("button", name="Some attacked node").click()
    assert page.locator("[data-ego] .edge.adversarial").count() >= 1


def test_a_node_that_does_not_exist_is_answered_with_what_was_expected(inspector):
    page = inspector().page
    page.locator("#node").fill("99999")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("[data-find-fault]")).to_contain_text("400 in all), got 99999")
    page.locator("#node").fill("1e1")  # 10 for a machine, for people a slip
    page.get_by_role("button", name="Show").click()
    expect(page.locator("[data-find-fault]")).to_contain_text("node: expected the number of a node")


def test_nodes_and_classes_are_called_as_the_upload_calls_them(open_page, bench):
    watched = open_page(signed_in=True)
    page = watched.page

    def named(route):
        answer = route.fetch()
        found = answer.json()
        if "readouts" in found and "id" in found:  # the nodes, among the files of the inspector
            found["name"] = [f"person {at}" for at in found["id"]]
            found["class_name"] = ["tea", "air", "sea", "day"]
            found["label"][5] = -1
        route.fulfill(response=answer, json=found)

    page.route("**/download/**", named)
    page.goto(f"/jobs/{bench.names['gagn']}/inspect/")
    page.locator("[data-results]").wait_for(timeout=RUNS)
    page.locator("#node").fill("person 4")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("[data-agent-title]")).to_have_text("Node 4 (person 4)")
    facts = page.locator("[data-agent]")
    expect(facts).to_contain_text(re.compile(r"(tea|air|sea|day), (right|wrong), with a share"))
    page.locator("#node").fill("5")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("[data-agent-title]")).to_have_text("Node 5 (person 5)")
    expect(facts).to_contain_text("unknown")
    expect(facts).not_to_contain_text(re.compile("right|wrong"))
    expect(page.locator("[data-ego] .middle .wrong")).to_have_count(0)
    expect(page.locator("[data-ledger]")).to_contain_text("(person ")
    assert watched.faults() == []


def test_the_ledger_filters_sorts_and_pages(inspector):
    page = inspector().page
    count = page.locator("[data-ledger-count]")
    whole = int(re.search(r"of (\d+) edges", count.inner_text())[1])
    assert whole > 900
    page.locator("#truth").select_option("1")
    adversarial = int(re.search(r"of (\d+) edges", count.inner_text())[1])
    assert 0 < adversarial < whole
    page.get_by_role("button", name="Confidence", exact=True).click()
    cells = page.locator("[data-ledger] tbody tr td:nth-child(8)").all_inner_texts()
    assert [float(cell) for cell in cells] == sorted(map(float, cells), reverse=True)
    page.get_by_role("button", name="Next").click()
    expect(count).to_have_text(re.compile(r"^26 to 50 "))


def test_a_moved_threshold_is_answered_by_the_agents(inspector):
    watched = inspector()
    page = watched.page
    page.locator('[data-warm="ready"]').wait_for(timeout=RUNS)
    page.locator("#mode").select_option("confidence")
    removed = []
    for tau in ("0.2", "0.9"):
        page.locator("#tau").fill(tau)
        page.locator("[data-answer-note]", has_text=f"τ={tau}").wait_for(timeout=20_000)
        removed.append(int(page.locator('[data-figure="Removed"]').inner_text()))
    assert removed[0] < removed[1]
    assert page.locator("[data-ego] .edge.removed, [data-ego] .edge.spared").count() > 0
    verdicts = page.locator("[data-neighbours] tbody tr").all_inner_texts()
    after = page.locator("[data-agent] dt", has_text="After the filter").locator("+ dd")
    assert int(after.inner_text()) == sum("removed" not in words for words in verdicts)
    assert page.locator("[data-scan]").inner_text().count("Mode confidence, attention floor") == 1
    page.get_by_role("button", name="As in this job").click()
    expect(page.locator("[data-answer-note]")).to_have_text("As this job ended.")
    assert watched.faults() == []


def test_a_what_if_becomes_the_form_of_a_job(inspector, bench):
    watched = inspector()
    page = watched.page
    page.locator("#mode").select_option("strict")
    page.locator("#tau").fill("0.35")
    page.locator("#kappa").fill("1.5")
    page.locator("#isolated").check()
    page.get_by_role("link", name="Keep this what-if as a job").click()
    page.wait_for_url("**/jobs/new/**")
    expect(page.locator("main")).to_contain_text("after GAgN on the sample")
    expect(page.locator("#id_filter")).to_have_value("strict")
    expect(page.locator("#id_thresholds")).to_have_value("0.35")
    expect(page.locator("#id_attention_floor")).to_have_value("1.5")
    expect(page.locator("#id_attention_floor")).to_be_visible()
    expect(page.locator("#id_allow_isolated")).to_be_checked()
    assert watched.faults() == []


def test_an_edge_can_be_added_in_thought(inspector):
    page = inspector().page
    page.locator('[data-warm="ready"]').wait_for(timeout=RUNS)
    node = int(page.locator("#node").input_value())
    page.locator("#other").fill(str((node + 7) % 400))
    page.locator("[data-toggle] button").click()
    told = page.locator("[data-toggle-answer]")
    expect(told).to_contain_text("the edge to", timeout=20_000)
    expect(told).to_contain_text(
        re.compile(r"(None|\d+) of the 399 other agents changes? (its|their) answer")
    )
    page.locator("#other").fill(str(node))
    page.locator("[data-toggle] button").click()
    expect(page.locator("[data-toggle-fault]")).to_contain_text("another node")
    expect(told).to_be_empty()  # no answer stands beside a question that was refused


def test_a_lie_is_drawn_by_distance_and_only_a_training_node_tells_one(inspector):
    watched = inspector()
    page = watched.page
    page.locator("[data-some-liar]").click()
    expect(page.locator("[data-lie-note]")).to_contain_text("for 10 rounds", timeout=RUNS)
    for figure in ("answers", "parameters"):
        drawn = page.locator(f"[data-lie-{figure}]")
        drawn.locator(".main-svg").first.wait_for()
        traces = drawn.evaluate("figure => figure.data.map((trace) => Array.from(trace.y))")
        agents, gcn = traces
        assert len(agents) == len(gcn) >= 3
        assert agents[0] > 0  # tests/methods/gagn/test_influence.py: it falls with distance
        assert min(agents) >= 0
    assert len(set(gcn)) == 1  # the parameters of a GCN are everybody's
    test = page.evaluate(
        """async () => {
          const about = JSON.parse(document.getElementById("inspector-data").textContent);
          const path = about.files["inspector/nodes.json"];
          const nodes = await (await fetch(about.address.replace(about.place, path))).json();
          return nodes.id[nodes.part.indexOf(3)];
        }"""
    )
    page.locator("#liar").fill(str(test))
    page.get_by_role("button", name="Let it lie").click()
    expect(page.locator("[data-lie-fault]")).to_contain_text(f"got {test}")
    assert watched.faults() == []
