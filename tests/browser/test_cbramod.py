"""CBraMod's inspector in a real Chromium, while its job runs and afterwards."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from playwright.sync_api import expect

from tests.browser.cbramod import ANSWERS, RUNS, drawn, opened, picture
from tests.browser.conftest import WIDTHS, axe

pytestmark = pytest.mark.browser


@pytest.fixture
def inspector(open_page, bench):
    """The inspector with its files."""

    def make(job="cbramod", **options):
        return opened(open_page(signed_in=True, **options), bench.names[job])

    return make


@pytest.fixture
def answered(inspector):
    """The same, once the job's own network has told of the first window."""

    def make(**options):
        watched = inspector(**options)
        expect(watched.page.locator("[data-window-note]")).to_contain_text(
            "Answered in", timeout=RUNS
        )
        expect(watched.page.locator("[data-signal-said]")).to_contain_text(" s: ", timeout=ANSWERS)
        return watched

    return make


def test_the_results_appear_while_the_page_is_open(open_page, bench):
    watched = open_page(f"/jobs/{bench.names['cbramod']}/inspect/", signed_in=True)
    page = watched.page
    page.locator("[data-training] .main-svg").first.wait_for(timeout=RUNS)
    page.locator("[data-results]").wait_for(timeout=RUNS)
    expect(page.locator("[data-waiting]")).to_be_hidden()
    expect(page.locator("[data-banner]")).to_have_text(
        re.compile(r"^(CBraMod|Band power|Majority).* wins: [.\d]+ against [.\d]+ of .+\.$")
    )
    expect(page.locator("[data-lead]")).to_have_text(
        re.compile(
            r"^Over 2 folds CBraMod, pre-trained is (behind|ahead of) (Band power|Majority) by "
            r"[.\d]+ ± [.\d]+ \(95 %\)(: zero is not ruled out)?\.$"
        )
    )
    models = page.locator("[data-models] tbody th").all_inner_texts()
    assert models == ["CBraMod, pre-trained", "Majority", "Band power"]
    # The page asks as soon as it has the files, and is answered as soon as the job has ended.
    expect(page.locator("[data-window-note]")).to_contain_text("Answered in", timeout=RUNS)
    titles = page.locator("[data-training] .chart-title").all_inner_texts()
    assert any("Masked error on validation" in title for title in titles)
    assert any("Balanced accuracy on validation" in title for title in titles)
    assert watched.faults() == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_inspector_is_fit_to_be_used(answered, width):
    watched = answered(width=width)
    page = watched.page
    page.locator("[data-subjects] .main-svg").first.wait_for()
    page.locator("[data-attention-note]").scroll_into_view_if_needed()
    expect(page.locator("[data-attention-note]")).to_contain_text("block 1", timeout=ANSWERS)
    assert axe(page) == []
    assert page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    assert watched.faults() == []


def test_the_signal_is_paged_through_by_keyboard(answered):
    watched = answered()
    page = watched.page
    canvas, said = page.locator("[data-paper]"), page.locator("[data-signal-said]")
    expect(said).to_contain_text("S01_closed, 0 to 20 of 30 s: 8 channels")
    expect(said).to_contain_text("negative up; 4 windows")
    before = picture(page, "[data-paper]")
    canvas.focus()
    for key, told in (
        ("ArrowRight", "S01_closed, 10 to 30 of 30 s"),  # no further than the end
        ("Home", "S01_closed, 0 to 20 of 30 s"),
        ("Shift+ArrowRight", "S01_closed, 1 to 21 of 30 s"),
        ("End", "S01_closed, 10 to 30 of 30 s"),
        ("ArrowDown", "S01_open, 0 to 20 of 30 s"),
        ("Home", "stretches of 100 µV or more, shaded: "),  # blinks reach 115 µV
        ("ArrowUp", "S01_closed, 0 to 20 of 30 s"),
    ):
        canvas.press(key)
        expect(said).to_contain_text(told, timeout=ANSWERS)
    gain = int(re.search(r"(\d+) µV from line to line", said.inner_text())[1])
    canvas.press("+")
    louder = int(re.search(r"(\d+) µV from line to line", said.inner_text())[1])
    assert louder < gain
    assert picture(page, "[data-paper]") != before
    canvas.press("-")
    expect(said).to_contain_text(f" {gain} µV from line to line")
    page.get_by_label("Negative is up").uncheck()
    expect(said).to_contain_text("positive up")
    canvas.press("Enter")
    expect(page.locator("[data-window-title]")).to_contain_text("S01_closed, 5 to 10 s")
    expect(said).to_contain_text("Window 2 is chosen")
    assert watched.faults() == []


def test_a_click_in_the_signal_chooses_a_window(answered):
    page = answered().page
    canvas = page.locator("[data-paper]")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    canvas.click(position={"x": 0.7 * box["width"], "y": box["height"] / 2})
    expect(page.locator("[data-window-title]")).to_contain_text(
        re.compile("S01_closed, 1[05] to (15|20) s")
    )


def test_hiding_a_channel_changes_guess_and_answer(answered):
    watched = answered()
    page = watched.page
    note = page.locator("[data-window-note]")
    page.get_by_role("button", name="Hide nothing").click()
    expect(note).to_contain_text("0 of 40 patches hidden", timeout=ANSWERS)
    expect(page.locator("[data-error-none]")).to_contain_text("there is nothing to guess")
    expect(page.locator("[data-error-channels]")).to_be_hidden()
    whole = picture(page, "[data-window]")

    row = page.get_by_role("toolbar", name="Hide channels")
    first = row.get_by_role("button").first
    first.focus()
    page.keyboard.press("ArrowLeft")  # around to the last: one stop of Tab, arrows within
    expect(row.get_by_role("button", name="O2")).to_be_focused()
    page.keyboard.press("Space")
    expect(row.get_by_role("button", name="O2")).to_have_attribute("aria-pressed", "true")
    expect(note).to_contain_text("5 of 40 patches hidden; masked error", timeout=ANSWERS)
    assert picture(page, "[data-window]") != whole

    page.locator("[data-error-channels] .main-svg").first.wait_for()
    page.wait_for_timeout(600)  # charts are drawn at most four times a second
    (bars,) = drawn(page, "[data-error-channels]")
    errors = dict(zip(bars["x"], bars["y"], strict=True))
    assert errors.pop("O2") > 0
    assert set(errors.values()) == {None}
    before, after = drawn(page, "[data-prediction]")
    assert sum(before["y"]) == pytest.approx(1, abs=0.01)
    assert sum(after["y"]) == pytest.approx(1, abs=0.01)
    assert before["y"] != after["y"]

    page.get_by_role("toolbar", name="Hide seconds").get_by_role("button", name="3").click()
    expect(note).to_contain_text("12 of 40 patches hidden", timeout=ANSWERS)  # 5 + 8 - 1
    page.get_by_label("Only where a hidden channel").check()
    expect(note).to_contain_text("1 of 40 patches hidden", timeout=ANSWERS)
    assert watched.faults() == []


def test_random_patches_are_drawn_again_and_only_the_newest_answer_stays(answered):
    page = answered().page
    note = page.locator("[data-window-note]")
    for share in ("0.1", "0.3", "0.9", "1"):
        page.locator("#share").fill(share)
    expect(note).to_contain_text("40 of 40 patches hidden", timeout=ANSWERS)
    page.locator("#share").fill("0.5")
    expect(note).not_to_contain_text("40 of 40", timeout=ANSWERS)
    expect(note).to_contain_text("Answered in", timeout=ANSWERS)
    once = picture(page, "[data-window]")
    page.get_by_role("button", name="Draw again").click()
    expect(note).to_contain_text("Answered in", timeout=ANSWERS)
    assert picture(page, "[data-window]") != once


def test_a_window_is_chosen_by_its_number_or_as_a_wrong_answer(answered):
    page = answered().page
    page.locator("#window-recording").select_option("S02_open")
    expect(page.locator("[data-window-title]")).to_contain_text("S02_open, 0 to 5 s: label open")
    page.locator("#window-number").fill("6")
    page.locator("[data-choose]").get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("[data-window-title]")).to_contain_text("S02_open, 25 to 30 s")
    expect(page.locator("[data-signal-said]")).to_contain_text("S02_open", timeout=ANSWERS)
    page.locator("#window-number").fill("7")
    page.locator("[data-choose]").get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("[data-choose-fault]")).to_contain_text("from 1 to 6")
    wrong = page.locator("[data-models] tbody tr").first.locator("td").first.inner_text() != "1.000"
    button = page.get_by_role("button", name="Some wrong answer")
    expect(button).to_be_visible(visible=wrong)
    if wrong:
        button.click()
        expect(page.locator("[data-window-title]")).to_contain_text(re.compile(r"wrong(;|$)"))


def test_the_answer_is_traced_to_channels_and_seconds(answered):
    page = answered().page
    assert page.locator("[data-occlusion-note]").inner_text() == ""  # not yet looked at
    page.locator("#why").scroll_into_view_if_needed()
    expect(page.locator("[data-occlusion-note]")).to_contain_text(
        re.compile(r"is answered as (closed|open) with [01]\.\d\d"), timeout=ANSWERS
    )
    page.locator("[data-occlusion-seconds] .main-svg").first.wait_for()
    page.wait_for_timeout(600)
    (channels,) = drawn(page, "[data-occlusion-channels]")
    (seconds,) = drawn(page, "[data-occlusion-seconds]")
    assert channels["x"] == ["FP1", "FP2", "C3", "C4", "P3", "P4", "O1", "O2"]
    assert len(seconds["y"]) == 5
    titles = page.locator("[data-occlusion-map] svg title").all_text_contents()
    told = {name: float(value.replace("−", "-").split()[0]) for name, value in
            (title.split(": ") for title in titles)}  # fmt: skip
    for name, value in zip(channels["x"], channels["y"], strict=True):
        assert told[name] == pytest.approx(value, rel=0.01, abs=1e-5)


def test_attention_is_shown_block_by_block(answered):
    page = answered().page
    note = page.locator("[data-attention-note]")
    page.locator("#layer").scroll_into_view_if_needed()
    expect(note).to_contain_text("block 1", timeout=ANSWERS)
    page.locator("[data-temporal] figure").nth(3).locator(".main-svg").first.wait_for()
    page.wait_for_timeout(600)

    def matrix() -> list[list[float]]:
        return page.locator("[data-spatial] figure").first.evaluate(
            "figure => Array.from(figure.data[0].z, (row) => Array.from(row))"
        )

    first = matrix()
    assert [len(row) for row in first] == [8] * 8
    assert all(sum(row) == pytest.approx(1, abs=1e-3) for row in first)
    page.locator("#layer").select_option("1")
    expect(note).to_contain_text("block 2", timeout=ANSWERS)
    page.wait_for_timeout(600)
    assert matrix() != first
    assert page.locator("[data-heads] svg.head").count() == 4
    maps = page.locator("[data-heads]").inner_html()
    page.locator("#asker").select_option("0")
    assert page.locator("[data-heads]").inner_html() != maps


def test_the_alpha_of_closed_eyes_is_on_the_maps(inspector):
    page = inspector().page
    rows = page.locator("[data-bands] h3").all_inner_texts()
    assert rows == [
        "Power of the rhythms, closed: dB re 1 µV²",
        "Power of the rhythms, open: dB re 1 µV²",
    ]
    label = page.locator("[data-difference] svg.head").nth(2).get_attribute("aria-label")
    assert label.startswith("alpha, 8 to 13 Hz: largest at ")
    page.locator("#minus-a").select_option(label="closed")
    page.locator("#minus-b").select_option(label="open")
    label = page.locator("[data-difference] svg.head").nth(2).get_attribute("aria-label")
    assert re.match(r"alpha, 8 to 13 Hz: largest at O[12]: [3-9]", label)  # that is how it is made
    bar = page.get_by_role("group", name="Share of the signal that it guesses: actions")
    with page.expect_download() as download:
        bar.get_by_role("button", name="SVG").click()
    svg = ElementTree.fromstring(download.value.path().read_bytes())
    assert len(list(svg.iter("{http://www.w3.org/2000/svg}image"))) == 1


def test_a_recordings_spectrum_stands_beside_those_of_the_classes(answered):
    page = answered().page
    page.locator("[data-psd] .main-svg").first.wait_for()
    assert [trace["name"] for trace in drawn(page, "[data-psd]")] == ["closed", "open"]
    page.locator("#psd-channel").select_option("O1")
    page.locator("#psd-recording").select_option("S03_closed")
    expect(page.locator("[data-psd] .legendtext", has_text="S03_closed")).to_have_count(
        1, timeout=ANSWERS
    )
    spectrum = drawn(page, "[data-psd]")[2]
    peak = max(zip(spectrum["y"], spectrum["x"], strict=True))[1]
    assert 8 <= peak <= 12 or peak < 4  # alpha, or the slow noise below it


def test_the_embedding_is_coloured_as_asked_and_leads_to_a_window(inspector):
    page = inspector().page
    seen = set()
    for name in ("class", "answer", "right or wrong", "subject", "recording"):
        page.get_by_label("Colour").select_option(label=name)
        seen.add(picture(page, "[data-embedding]"))
    assert len(seen) == 5
    title = page.locator("[data-window-title]")
    first = title.inner_text()
    canvas = page.locator("[data-embedding]")
    canvas.focus()
    for key in ("+", "+", "ArrowRight", "ArrowDown", "Enter"):
        canvas.press(key)
    expect(title).not_to_have_text(first)
    chosen = title.inner_text().partition(":")[0]
    expect(page.locator("[data-embedding-note]")).to_contain_text(f"{chosen}; subject S0")


def test_every_model_has_its_confusion(inspector):
    page = inspector().page
    page.locator("[data-confusion] .main-svg").first.wait_for()

    def counts() -> list[list[int]]:
        page.wait_for_timeout(600)
        return page.locator("[data-confusion]").evaluate(
            "figure => Array.from(figure.data[0].z, (row) => Array.from(row))"
        )

    for model in page.locator("#confusion-model option").all_inner_texts():
        page.locator("#confusion-model").select_option(label=model)
        assert [sum(row) for row in counts()] == [36, 36]  # every window is tested once
    assert len(drawn(page, "[data-folds]")) == 2
    assert drawn(page, "[data-subjects]")[0]["x"] == [f"S0{number}" for number in range(1, 7)]


def test_lines_of_equal_value_lie_where_the_values_are(inspector):
    """On a slope from left to right they are upright, at even steps."""
    page = inspector().page
    lines = page.evaluate(
        """async () => {
          const { field } = await import("/static/js/topomap-field.js");
          const size = 9;
          const inside = Array.from({ length: size * size }, (_, place) => place);
          const weights = inside.map((place) => [-1 + (2 * (place % size)) / (size - 1)]);
          const shades = { low: -1, high: 1, rgb: () => [0, 0, 0] };
          return field({ size, inside, weights }, [1], shades).lines;
        }"""
    )
    ends = re.findall(r"M(-?[\d.]+) -?[\d.]+L(-?[\d.]+) ", lines)
    steps = {round(-1 + 2 * step / 7, 3) for step in range(1, 7)}
    assert {float(x) for pair in ends for x in pair} == steps
    assert all(first == second for first, second in ends)


def test_traces_are_saved_as_a_picture_and_as_numbers(answered):
    page = answered().page
    for title, name, rows in (("The recording", "S01_closed", 20), ("The window", "S01_closed", 5)):
        bar = page.get_by_role("group", name=f"{title}: actions", exact=True)
        with page.expect_download() as download:
            bar.get_by_role("button", name="CSV").click()
        assert download.value.suggested_filename.startswith(name)
        lines = download.value.path().read_text().split()
        assert lines[0].startswith("second,FP1,FP2,C3")
        assert len(lines) >= rows * 200
        with page.expect_download() as download:
            bar.get_by_role("button", name="PNG").click()
        assert download.value.path().read_bytes().startswith(b"\x89PNG")


def test_a_job_on_numbers_is_read_by_its_numbers(answered):
    watched = answered(job="numbers")
    page = watched.page
    assert page.locator("[data-models] thead th").all_inner_texts() == [
        "Model", "R²", "95 % interval", "Pearson's r", "RMSE"
    ]  # fmt: skip
    expect(page.locator("[data-banner]")).to_have_text(
        re.compile(r"^(CBraMod, pre-trained|Mean of training) wins: [−.\d]+ against [−.\d]+ of ")
    )
    title = page.locator("[data-window-title]")
    expect(title).to_have_text(re.compile(r"^S01_closed, 0 to 5 s: label 1, answered [−.\d]+$"))

    page.locator("[data-confusion] .main-svg").first.wait_for()
    dots, diagonal = drawn(page, "[data-confusion]")
    assert len(dots["x"]) == 6 * 2 * 6  # every window is tested once
    assert diagonal["x"] == diagonal["y"] == [1, 6]
    expect(page.locator("[data-confusion-form]")).to_be_hidden()
    expect(page.locator("[data-subjects] .unit")).to_contain_text("less is better")
    errors = [abs(told - right) for right, told in zip(dots["x"], dots["y"], strict=True)]

    page.get_by_role("button", name="The worst answer").click()
    found = re.search(r"label (\d), answered ([−.\d]+)", title.inner_text())
    worst = abs(float(found[2].replace("−", "-")) - int(found[1]))
    assert worst == pytest.approx(max(errors), abs=0.06)
    before, _ = drawn(page, "[data-prediction]")
    assert before["y"] == ["as it is", "as changed"]

    seen = set()
    for name in ("label", "answer", "error", "subject"):
        page.get_by_label("Colour").select_option(label=name)
        seen.add(picture(page, "[data-embedding]"))
        bar = page.locator("[data-embedding-legend] .colour-bar")
        expect(bar).to_have_count(0 if name == "subject" else 1)
    assert len(seen) == 4
    page.locator("#why").scroll_into_view_if_needed()
    expect(page.locator("[data-occlusion-note]")).to_contain_text(
        re.compile(r"is answered with [−.\d]+\. Each number is by how much"), timeout=ANSWERS
    )
    assert axe(page) == []
    assert watched.faults() == []
