"""In a real browser the flame graphs are drawn, zoomed, searched, gone through by keyboard, compared and saved."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

from profiles.store.records import DeepProfile
from reports import page
from tests import browser
from tests.browser import Browser
from tests.conftest import eventually
from tests.reports import synthetic

pytestmark = [pytest.mark.browser, browser.needed]
HOSTILE = "<img src=x onerror=window.hurt=1></script><script>window.hurt=1</script>\"'&"
MODES = ("read-send", "sendfile", HOSTILE)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    stored = synthetic.write(tmp_path_factory.mktemp("runs"), synthetic.run(MODES, 2), sampled=False, deep=True)
    stored.write_file("hostile.folded", f"{HOSTILE}_[p];os_sendfile;{HOSTILE}_[k] 300\n".encode())
    lines = (stored.path / "deep.jsonl").read_text().replace('"deep-2.folded"', '"hostile.folded"')
    (stored.path / "deep.jsonl").write_text(lines)
    assert DeepProfile in {type(one) for one in stored.read(DeepProfile)}
    return page.report(stored, stored.path.parent / "reports")[1].as_uri()


@pytest.fixture
def chromium(shared: Browser, url: str) -> Iterator[Browser]:
    """The report with everything unfolded; whatever a test does with it, the console stays empty."""
    shared.complaints()
    shared.show(url)
    shared.run("document.querySelectorAll('section details').forEach((each) => { each.open = true; })")
    yield shared
    assert shared.complaints() == []
    assert shared.run("return window.hurt") is None


def seen(chromium: Browser, selector: str, number: int = 0) -> WebElement:
    """A flame graph that was scrolled to, and so drawn."""
    element = chromium.all(f"{selector} .flames")[number]
    script = "(arguments[0].scrollIntoView({behavior: 'instant'}), arguments[0].querySelector('g.frame') !== null)"
    chromium.wait_for(script, element)  # what is drawn above it moves it
    return element


def drawn(chromium: Browser, element: WebElement) -> dict[str, float]:
    """The frames by their names, and their widths in pixels; of those with the same name, the widest."""
    script = """
    const found = {};
    for (const frame of arguments[0].querySelectorAll('g.frame')) {
      const [name, width] = [frame.getAttribute('name'), frame.querySelector('rect').getAttribute('width')];
      found[name] = Math.max(found[name] ?? 0, +width);
    }
    return found;
    """
    found: dict[str, float] = chromium.run(script, element)
    return found


def said(element: WebElement) -> str:
    return element.find_element("css selector", ".said").text


def click(chromium: Browser, element: WebElement, name: str) -> None:
    script = """
    const frames = [...arguments[0].querySelectorAll('g.frame')];
    frames.find((frame) => frame.getAttribute('name') === arguments[1]).dispatchEvent(new MouseEvent('click'));
    """
    chromium.run(script, element, name)


def test_a_graph_goes_from_the_line_of_python_to_the_copy_and_says_what_it_costs(chromium: Browser) -> None:
    graph = seen(chromium, "#flame_graphs")
    widths = drawn(chromium, graph)
    whole = widths["read-send"]
    assert widths["py send_file (servers/modes/read_send.py:40)"] == pytest.approx(whole * 420 / 440, rel=0.02)
    assert widths["cp _copy_to_iter"] == pytest.approx(whole * 120 / 440, rel=0.02)
    titles = [title.get_attribute("textContent") for title in graph.find_elements("css selector", "title")]
    assert "_copy_to_iter: 120 CPU ms/GiB, 27.3 % of the total, kernel, copying bytes" in titles


def test_a_click_zooms_and_a_button_shows_all(chromium: Browser) -> None:
    graph = seen(chromium, "#flame_graphs")
    before = drawn(chromium, graph)
    click(chromium, graph, "cp _copy_to_iter")
    assert drawn(chromium, graph)["cp _copy_to_iter"] == pytest.approx(before["read-send"], abs=1)
    assert said(graph).startswith("_copy_to_iter: 120 CPU ms/GiB")
    graph.find_element("css selector", "button").click()
    assert drawn(chromium, graph) == before


def test_search_finds_by_regular_expression_and_a_broken_one_is_no_error(chromium: Browser) -> None:
    graph = seen(chromium, "#flame_graphs")
    field = graph.find_element("css selector", "input")
    field.send_keys("_copy_(to|from)_iter")
    assert said(graph).startswith("2 frames, 200 CPU ms/GiB, 45.")
    field.send_keys("(")
    assert not chromium.run("return arguments[0].validity.valid", field)
    graph.find_element("css selector", "button").click()
    assert chromium.run("return arguments[0].validity.valid", field)


def test_the_keyboard_goes_down_the_widest_frames_and_zooms(chromium: Browser) -> None:
    graph = seen(chromium, "#flame_graphs")
    canvas = graph.find_element("css selector", ".canvas")
    canvas.send_keys(Keys.ARROW_DOWN)
    assert said(graph).startswith("send_file (servers/modes/read_send.py:40): 420")
    canvas.send_keys(Keys.ARROW_DOWN, Keys.ENTER)
    assert said(graph).startswith("sock_sendall: 300")
    widths = drawn(chromium, graph)
    assert widths["C sock_sendall"] == pytest.approx(widths["read-send"], abs=1)
    canvas.send_keys(Keys.ESCAPE)
    assert said(graph).startswith("read-send: 440")


def choose(chromium: Browser, text: str) -> None:
    """A function of the first sandwich, by what its option says."""
    chromium.wait_for("document.querySelector('.sandwich select').options.length > 0")
    Select(chromium.find(".sandwich select")).select_by_visible_text(text)


def sandwich(chromium: Browser) -> list[list[str]]:
    """The names of the frames of callers, then of callees."""
    script = """
    return [...document.querySelectorAll('.sandwich')[0].querySelectorAll('.canvas')].map((canvas) =>
      [...canvas.querySelectorAll('g.frame')].map((frame) => frame.getAttribute('name')).sort());
    """
    found: list[list[str]] = chromium.run(script)
    return found


def test_callers_and_callees_of_a_function_have_their_shares_of_it(chromium: Browser) -> None:
    """tcp_sendmsg_locked: 300 of 440 ms/GiB, all from sock_sendall, in three functions."""
    seen(chromium, "#flame_graphs")
    choose(chromium, "k tcp_sendmsg_locked · 68.1 %")
    callers, callees = sandwich(chromium)
    assert callers == sorted(
        f"{name} · 100.0 %"
        for name in (
            "k tcp_sendmsg_locked", "k tcp_sendmsg", "k __sys_sendto", "k do_syscall_64", "C sock_sendall",
            "py send_file (servers/modes/read_send.py:40)",
        )
    )  # fmt: skip
    assert callees == sorted(
        ["k tcp_sendmsg_locked · 100.0 %", "cp _copy_from_iter · 26.7 %", "k tcp_write_xmit · 53.4 %",
         "k _raw_spin_unlock_irqrestore · 20.0 %"]
    )  # fmt: skip
    line = chromium.find(".sandwich .said").text
    assert line == "tcp_sendmsg_locked: 300 CPU ms/GiB, 68.1 % of the total; callers: tcp_sendmsg; callees: 3"


def test_a_function_that_two_call_has_both_above_it(chromium: Browser) -> None:
    seen(chromium, "#flame_graphs")
    choose(chromium, "k do_syscall_64 · 95.4 %")
    callers, _ = sandwich(chromium)
    assert {"C os_preadv · 28.6 %", "C sock_sendall · 71.4 %"} <= set(callers)
    assert "callers: sock_sendall, os_preadv; callees: 2" in chromium.find(".sandwich .said").text


def test_the_keyboard_alone_chooses_a_function_and_goes_up_to_its_callers(chromium: Browser) -> None:
    chromium.run("document.querySelector('.sandwich').open = false")
    graph = seen(chromium, "#flame_graphs")
    graph.find_element("css selector", ".canvas").send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, "c")
    chromium.wait_for("document.activeElement.matches('.sandwich select')")
    assert "sock_sendall" in Select(chromium.find(".sandwich select")).first_selected_option.text
    chromium.find(".sandwich .canvas").send_keys(Keys.ARROW_UP)
    assert chromium.find(".sandwich .said").text == (
        "send_file (servers/modes/read_send.py:40): 300 CPU ms/GiB, 100.0 % of sock_sendall, line of Python"
    )


def test_two_modes_meet_in_the_kernel_each_in_the_scale_of_the_dearer(chromium: Browser) -> None:
    cheap, dear = (seen(chromium, ".difference", number) for number in (0, 1))
    ours, theirs = drawn(chromium, cheap), drawn(chromium, dear)
    assert ours["− sendfile"] / theirs["+ read-send"] == pytest.approx(144 / 440, rel=0.03)
    assert ours["− tcp_sendmsg"] / theirs["+ tcp_sendmsg"] == pytest.approx(124 / 300, rel=0.03)
    assert "+ _copy_to_iter" in theirs, "what vanished is drawn where it still is"
    assert "+ __pi_memcpy" in ours
    assert said(dear) == "read-send: 440 CPU ms/GiB, 100.0 % of the total, +296 ms/GiB compared with the other mode"


def test_any_pair_can_be_chosen_and_a_mode_is_never_compared_with_itself(chromium: Browser) -> None:
    seen(chromium, ".difference")
    ours, theirs = (Select(each) for each in chromium.all(".difference select"))
    theirs.select_by_index(1)  # sendfile with sendfile
    chromium.wait_for("document.querySelector('.difference g.frame').getAttribute('name') === '+ read-send'")
    assert [each.first_selected_option.text for each in (ours, theirs)] == ["read-send", "sendfile"]
    ours.select_by_index(2)
    chromium.wait_for("document.querySelector('.difference g.frame').getAttribute('name').includes('onerror')")
    captions = [each.text for each in chromium.all(".difference figcaption")]
    assert captions == [f"{HOSTILE}, compared with sendfile", f"sendfile, compared with {HOSTILE}"]


def test_names_are_text_wherever_they_are_drawn(chromium: Browser) -> None:
    graph = seen(chromium, "#flame_graphs", 2)
    assert {f"py {HOSTILE}", f"k {HOSTILE}"} <= set(drawn(chromium, graph))
    click(chromium, graph, f"k {HOSTILE}")
    assert said(graph).startswith(HOSTILE)
    assert HOSTILE in chromium.all(".sandwich .said")[2].text
    assert not chromium.all(".sandwich img, .sandwich script, .flames img, .flames script")


def test_files_are_saved_unpacked(chromium: Browser, tmp_path: Path) -> None:
    folder = {"behavior": "allow", "downloadPath": str(tmp_path)}
    chromium.command("Browser.setDownloadBehavior", folder)
    chromium.run("document.querySelector(\".downloads a[download='sendfile.speedscope.json.gz']\").click()")
    saved = tmp_path / "sendfile.speedscope.json"
    eventually(saved.exists)
    assert json.loads(saved.read_text())["profiles"][0]["unit"] == "milliseconds"


def test_a_phone_and_the_dark_have_graphs_too(shared: Browser, url: str) -> None:
    shared.show(url, 360, 800, dark=True)
    shared.run("document.querySelectorAll('section details').forEach((each) => { each.open = true; })")
    graph = seen(shared, "#flame_graphs")
    assert 0 < drawn(shared, graph)["read-send"] <= 360
    assert shared.run("return document.documentElement.scrollWidth") <= 360


def visible(chromium: Browser, selector: str) -> list[bool]:
    script = "return [...document.querySelectorAll(arguments[0])].map((each) => each.checkVisibility())"
    found: list[bool] = chromium.run(script, selector)
    return found


def test_paper_has_a_still_picture_of_every_graph_and_the_screen_has_not(shared: Browser, url: str) -> None:
    """Without anyone unfolding a thing, or scrolling to it."""
    shared.show(url)
    assert not any(visible(shared, ".standing"))
    shared.command("Emulation.setEmulatedMedia", {"media": "print"})
    assert visible(shared, "figure.standing") == [True] * (len(MODES) + 4), "and two for each mode but the first"
    assert not any(visible(shared, ".flames")) and not any(visible(shared, ".choice select"))
    bars = "return [...document.querySelectorAll('#flame_graphs figure.standing')].map((each) => each.innerText)"
    assert "cp _copy_to_iter" in shared.run(bars)[0] and f"k {HOSTILE}" in shared.run(bars)[2]
    shared.command("Emulation.setEmulatedMedia", {"media": ""})


def test_without_scripts_still_pictures_and_tables_say_it(url: str) -> None:
    with browser.browser(scripts=False) as quiet:
        quiet.show(f"{url}#flame_graphs")  # a link to it opens it
        assert quiet.find("#flame_graphs .standing").is_displayed()
        assert not any(each.is_displayed() for each in quiet.all(".flames, .difference"))
        table = quiet.find("#flame_graphs .as-table")
        table.find_element("css selector", "summary").send_keys(Keys.ENTER)
        assert "_copy_to_iter copying 120" in table.text
