"""Kaleidoscope's inspector in a real Chromium, on the files and answers of a fixture."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser import kaleidoscope
from tests.browser.conftest import WIDTHS, Watched, altered, axe

pytestmark = pytest.mark.browser

OVERVIEW = kaleidoscope.overview()
PROGRAM = kaleidoscope.program()


def ok(question: str, given: dict) -> dict:
    return {"ok": True, "answer": kaleidoscope.answer(question, given)}


def child(page: Page, answer) -> None:
    """Stands for the job's child behind the page's socket; all else goes to the server."""

    def socket(route) -> None:
        server = route.connect_to_server()

        def pass_on(message: str) -> None:
            asked = json.loads(message)
            if "warm" in asked:
                route.send(json.dumps({"warm": True, "job": asked["warm"]}))
            elif "ask" in asked:
                told = answer(asked["question"], asked["set"])
                route.send(json.dumps({"answered": asked["ask"], **told}))
            else:
                server.send(message)

        route.on_message(pass_on)

    page.route_web_socket("**/ws/live", socket)


def opened(watched: Watched, job: str, answer=ok, change=None) -> Watched:
    """The inspector with everything drawn that needs no further look."""
    page = watched.page
    child(page, answer)
    if change:
        altered(page, change)
    page.goto(f"/jobs/{job}/inspect/")
    page.locator("[data-results]").wait_for()
    expect(page.locator("[data-packet-note]")).to_contain_text("Answered in")
    return watched


@pytest.fixture
def inspector(open_page, bench):
    def make(answer=ok, change=None, **options) -> Watched:
        watched = open_page(signed_in=True, **options)
        return opened(watched, bench.names["kaleidoscope"], answer, change)

    return make


@pytest.fixture(scope="module")
def asked() -> list[tuple[str, dict]]:
    """What the page of `shown` has asked."""
    return []


@pytest.fixture(scope="module")
def shown(contexts, bench, asked) -> Iterator[Watched]:
    """One page for the tests that each look at a part of their own: it takes seconds to draw."""

    def answer(question: str, given: dict) -> dict:
        asked.append((question, given))
        if question == "verify" and given["contexts"] == 2:
            return {"ok": False, "error": "two contexts need another build of the hardware"}
        return ok(question, given)

    page = contexts(signed_in=True, width=1280, theme="light").new_page()
    watched = Watched(page)
    page.on("console", watched.note)
    page.on("pageerror", lambda error: watched.errors.append(str(error)))
    yield opened(watched, bench.names["kaleidoscope"], answer)
    page.close()


def figure(page: Page, part: str, name: str):
    return page.locator(f'[data-{part}] [data-figure="{name}"]')


def rows(download) -> list[list[str]]:
    return list(csv.reader(io.StringIO(download.path().read_text())))


@pytest.mark.parametrize("width", WIDTHS)
def test_the_inspector_is_fit_to_be_used(inspector, width):
    watched = inspector(width=width)
    page = watched.page
    page.locator("[data-resources] .main-svg").first.wait_for()
    page.locator("[data-whatif]").scroll_into_view_if_needed()
    expect(page.locator("[data-answer-note]")).to_contain_text("answered in")
    page.locator("#waves").scroll_into_view_if_needed()
    expect(page.locator("[data-wave-note]")).to_contain_text("4 signals over 120 cycles")
    assert axe(page) == []
    assert page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    assert watched.faults() == []


def test_the_head_says_who_won_in_which_hardware(shown):
    page = shown.page
    expect(page.locator("[data-banner]")).to_have_text(
        "Random forest leads: accuracy .955 against .917 of MLP, int8; their folds overlap."
    )
    expect(page.locator("[data-badge]")).to_have_text("simulated RTL: Verilator 5.006 3fa9c1d2")
    expect(figure(page, "figures", "Latency, idle core")).to_have_text("51 cycles")
    expect(page.locator("[data-figures]")).to_contain_text("204 ns at 250 MHz")
    expect(figure(page, "figures", "Mismatches")).to_have_text("0")
    expect(figure(page, "figures", "Drops")).to_have_text("7")
    titles = page.locator("[data-training] .chart-title").all_inner_texts()
    assert [title.split(" ")[0] for title in titles] == [
        "Loss", "Accuracy", "Speed", "Simulated", "Inferences", "Mismatches", "Busy", "Most"
    ]  # fmt: skip
    busy = page.locator("[data-training] figure", has_text="Busy cores").evaluate(
        "figure => figure.querySelector('.chart-plot').data[0]"
    )
    assert busy["y"] == ["FPE 0", "FPE 1", "FPE 2", "FPE 3", "HPE 0"]
    assert [row[-1] for row in busy["z"]][-1] == 0.5
    assert all(0 <= value <= 1 for row in busy["z"] for value in row)
    models = page.locator("[data-models] tbody th").all_inner_texts()
    assert models == [model["title"] for model in OVERVIEW["accuracy"]["models"]]
    marks = page.locator("[data-latency]").evaluate(
        "figure => figure.querySelector('.chart-plot').layout.shapes.map(({ x0 }) => x0)"
    )
    assert marks == [64, 88]


def test_what_is_not_there_says_why(inspector):
    def change(found) -> None:
        if "flows" in found:
            found["flows"][0] |= {"label": None, "right": None}
            return
        found["backend"] |= {"name": "model", "real": False, "badge": "model, not RTL"}
        found["parity"] |= {
            "mismatches": 3, "first": {"flow": 2, "step": "fc1", "index": 4, "golden": 9, "rtl": 8}
        }  # fmt: skip
        found |= {"leakage": None, "elephants": None, "resources": None}
        for model in found["accuracy"]["models"]:  # as where anomalies are told
            model |= {"accuracy": None, "macro_f1": None, "auroc": 0.8}

    def without_rtl(question: str, given: dict) -> dict:
        told = ok(question, given)
        if question == "packet":
            for step in told["answer"]["steps"]:
                step["rtl"] = None
            told["answer"]["logits"]["rtl"] = None
        return told

    watched = inspector(without_rtl, change)
    page = watched.page
    expect(page.locator("[data-banner]")).to_have_text(
        "MLP, int8 and Random forest are level at .800."
    )
    expect(page.locator("[data-models-caption]")).to_contain_text("highest fold by AUROC")
    expect(page.locator("[data-badge] strong")).to_have_text("model, not RTL")
    expect(page.locator("[data-mismatch]")).to_contain_text("flow 2, fc1[4]: golden 9, RTL 8")
    expect(page.locator("[data-leakage]")).to_have_text("Leakage was not measured in this job.")
    expect(page.locator("[data-no-elephants]")).to_be_visible()
    expect(page.locator("[data-no-resources]")).to_contain_text("yosys was not installed")
    expect(page.locator("[data-packet-title]")).to_contain_text("QUIC, without a label")
    expect(page.locator("[data-first-difference]")).to_be_hidden()
    expect(page.locator("[data-steps]")).to_contain_text("no RTL beside it")
    for part in ("splits", "fields", "resources", "elephants"):
        expect(page.locator(f"[data-{part}]")).to_be_hidden()
    assert watched.faults() == []


def test_a_packet_is_followed_from_its_bytes_to_the_verdict(shown):
    page = shown.page
    wrong = [at for at, flow in enumerate(kaleidoscope.flows()["flows"]) if not flow["right"]]
    page.get_by_label("Wrong only").check()
    assert page.locator("[data-flows] tbody tr").count() == len(wrong)
    page.get_by_label("Wrong only").uncheck()

    page.locator("[data-flows] tr.chosen button").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-packet-title]")).to_have_text(re.compile("^Flow 1: udp 10.0.0.2"))
    expect(page.locator("[data-flows] [aria-current]")).to_have_text("1")
    expect(page.locator("[data-bytes] svg")).to_contain_text("47")  # the G of GET
    picture = page.locator("[data-bytes] svg.drawing")
    picture.press("ArrowRight")
    lost = kaleidoscope.packet(1)["saliency"][1]
    expect(page.locator("[data-bytes] .chart-note")).to_have_text(
        re.compile(r"Byte 1 of 32: 0x45 E = 69, read as 34; zeroed, the winning margin "
                   f"{'grows' if lost < 0 else 'falls'} by ")
    )  # fmt: skip
    with page.expect_download() as download:
        page.get_by_role("group", name="Payload bytes: actions").get_by_text("CSV").click()
    table = rows(download.value)
    assert table[1][:5] == ["0", "71", "47", "G", "35"]
    assert [int(row[5]) for row in table[1:]] == kaleidoscope.packet(1)["saliency"]

    verdict = page.locator("[data-first-difference]")
    expect(verdict).to_have_text(re.compile("agree in every activation and every logit"))
    page.locator(f"[data-flows] tr[data-row='{kaleidoscope.DIFFERS}']").click()
    expect(verdict).to_have_text(re.compile(r"First difference: fc2\[5\], golden"))
    expect(page.locator("[data-steps] .differs")).to_have_count(1)
    assert shown.faults() == []


def test_latency_is_told_for_each_header_that_occurs(shown):
    page = shown.page
    lines = page.locator("[data-headers] tbody tr")
    assert [line.split("\t") for line in lines.all_inner_texts()] == [
        ["all headers", "512", "49", "50", "51"],
        ["TCP over IPv4", "400", "49", "50", "50"],
        ["TCP over IPv6", "112", "50", "51", "51"],
    ]
    expect(figure(page, "latency-figures", "Idle core, median")).to_have_text("50 cycles")


def test_weights_and_activations_are_shown_layer_by_layer(shown):
    page = shown.page
    lines = [line.split("\t") for line in page.locator("[data-spreads] tbody tr").all_inner_texts()]
    assert [line[:2] for line in lines] == [
        ["fc1", "weights"], ["fc2", "weights"], ["logits", "weights"], ["logits", "activations"],
    ]  # fmt: skip
    assert [line[-1] for line in lines] == ["1.25 %", "1.25 %", "1.25 %", "–"]
    page.locator("#spread").select_option(label="fc2, weights")
    expect(page.locator("[data-spread] .chart-note")).to_have_text(
        "fc2, weights: 1.25 % saturated."
    )
    drawn = page.locator("[data-spread] .chart-plot").evaluate(
        "plot => plot.data.map(({ name, y }) => [name, [...y].reduce((sum, one) => sum + one, 0)])"
    )
    assert drawn == [["float", 64 * 32], ["int8", 64 * 32]]


def test_occupancy_and_listing_lead_to_each_other(shown):
    page = shown.page
    picture, said = (
        page.locator("[data-gantt] svg.drawing"),
        page.locator("[data-gantt] .chart-note"),
    )
    chosen = page.locator("[data-listing] [aria-current]")
    picture.focus()
    picture.press("ArrowRight")
    expect(said).to_have_text(
        "FPE 0, cycle 1000: issue of pc 0, MVM a0 w0 -> fc1[0]; layer fc1, job 0"
    )
    expect(chosen).to_have_text("0")
    picture.press("ArrowRight")
    expect(chosen).to_have_text("1")
    last = PROGRAM[-1]
    page.locator("[data-listing] tr[data-row]").last.click()
    expect(said).to_contain_text(f"FPE 0, cycle {1000 + last['at']}: issue of pc {last['pc']}")
    expect(page.locator("[data-gantt] .ring")).to_have_count(1)
    assert page.locator("[data-gantt] .cursor").count() > 5  # the same instruction elsewhere

    ticks = page.locator("[data-gantt] text.quiet")
    expect(ticks.first).to_have_text("1000")
    page.locator('[data-zooms="gantt"]').get_by_label("Nearer").click()
    expect(ticks.first).to_have_text("1100")
    box = picture.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 14)
    expect(said).to_have_text(re.compile(r"^FPE 0, cycle 1\d\d\d"))
    picture.press("t")
    expect(page.locator("[data-gantt] .chart-table caption")).to_contain_text("rows")


def test_a_load_is_answered_at_once_and_verified_on_demand(shown, asked):
    page = shown.page
    page.locator("[data-whatif]").scroll_into_view_if_needed()
    expect(figure(page, "answer", "Loss")).to_have_text("0 %")
    page.get_by_label("Infer on every packet").check()
    page.locator("#w-length").fill("64")
    expect(figure(page, "answer", "Loss")).not_to_have_text("0 %")
    assert asked[-1][1] == {
        "cores": 4, "clock_mhz": 250, "length": 64, "gbps": 100, "contexts": 1, "fifo": 64,
        "every_packet": True, "elephant_share": 0,
    }  # fmt: skip
    page.get_by_role("button", name="Verify in RTL").click()
    verified = page.locator("[data-verified]")
    expect(verified.locator("tr", has_text="Wait, cycles")).to_contain_text("3.1 %")
    expect(page.locator("[data-verify-note]")).to_contain_text("60,000 cycles of RTL in 1.7 s")
    expect(page.locator("[data-curve] .legendtext")).to_have_count(3)
    page.locator("#w-contexts").select_option("2")
    expect(verified).to_be_hidden()
    page.get_by_role("button", name="Verify in RTL").click()
    expect(page.locator("[data-verify-note]")).to_have_text(
        "Not verified: two contexts need another build of the hardware."
    )
    page.locator("#threshold").fill("0")
    expect(figure(page, "threshold-figures", "Accuracy")).to_have_text(".960")
    expect(page.locator("[data-threshold-told]")).to_have_text("2 packets on")
    assert shown.faults() == []


def test_waveforms_are_read_with_a_cursor(shown):
    page = shown.page
    page.locator("#waves").scroll_into_view_if_needed()
    picture, said = (
        page.locator("[data-waves] svg.drawing"),
        page.locator("[data-waves] .chart-note"),
    )
    expect(said).to_have_text("Cycle 0: clk_even is 0")
    picture.focus()
    for key, told in (
        ("ArrowRight", "Cycle 1: clk_even is 1"),
        ("ArrowDown", "Cycle 1: busy is 0"),
        (".", "Cycle 6: busy is 1"),
        (",", "Cycle 0: busy is 0"),
        ("End", "Cycle 119: busy is 0"),
        (",", f"Cycle {7 + PROGRAM[-1]['at']}: busy is 0"),
        ("ArrowDown", f"Cycle {7 + PROGRAM[-1]['at']}: issue_pc is 0x011"),
    ):
        picture.press(key)
        expect(said).to_have_text(told)
    page.locator("#wave-radix").select_option("10")
    expect(said).to_contain_text("issue_pc is 17")
    page.locator("#wave-radix").select_option("16")
    for key in ("ArrowDown", "End"):
        picture.press(key)
    expect(said).to_have_text(re.compile(r"^Cycle 119: out_logits is 0x000.(7f80){15}$"))
    page.locator("#wave-cycles").fill("2001")
    page.locator("[data-wave-form]").evaluate("form => (form.noValidate = true)")
    page.get_by_role("button", name="Simulate").click()
    expect(page.locator("[data-wave-fault]")).to_contain_text("from 1 to 2000, got 2001")
    page.locator("#wave-cycles").fill("40")
    page.locator("#wave-start").fill("20")
    page.get_by_role("button", name="Simulate").click()
    expect(page.locator("[data-wave-note]")).to_contain_text("4 signals over 40 cycles")
    expect(said).to_have_text(re.compile("^Cycle 20: "))
    bar = page.get_by_role("group", name="Signals: actions")
    with page.expect_download() as download:
        bar.get_by_text("SVG").click()
    assert download.value.path().read_text().count("<path") >= 6
    assert shown.faults() == []
