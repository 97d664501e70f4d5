"""Who may ask: pages of this origin, on loopback under its own names, and nobody else."""

import flask
import pytest

from load.web import same_origin


def refused(method: str = "POST", path: str = "/bench/load/start", web_host: str = "127.0.0.1", **headers: str) -> bool:
    return refusal(method, path, web_host, **headers) is not None


def refusal(
    method: str = "POST", path: str = "/bench/load/start", web_host: str = "127.0.0.1", **headers: str
) -> str | None:
    sent = {"Host": "127.0.0.1:8089", "X-Bench": "1"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    with flask.Flask(__name__).test_request_context(path, method=method, headers=sent):
        return same_origin.refusal(flask.request, web_host, "/bench")


@pytest.mark.parametrize("host", ["127.0.0.1:8089", "localhost:8089", "[::1]:8089", "127.0.0.1"])
def test_the_names_of_loopback_are_fine(host: str) -> None:
    assert not refused(Host=host)


@pytest.mark.parametrize("host", ["evil.example:8089", "127.0.0.1.evil.example", "192.168.1.7:8089", "x"])
def test_other_names_are_not_on_loopback_and_are_elsewhere(host: str) -> None:
    assert refused("GET", "/bench/", Host=host)
    assert not refused("GET", "/bench/", web_host="0.0.0.0", Host=host)


def test_a_page_of_another_site_changes_nothing_and_reads_nothing() -> None:
    assert refused(Sec_Fetch_Site="cross-site")
    assert refused(Sec_Fetch_Site="same-site")
    assert refused(Origin="http://evil.example")
    assert refused(Origin="null")
    assert refused("GET", "/bench/poll", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="cors")
    assert refused("POST", "/swarm", Sec_Fetch_Site="cross-site")
    assert refused("POST", "/stop", Origin="http://evil.example")


def test_behind_a_proxy_it_is_started_with_the_name_that_browsers_see() -> None:
    """nginx by default asks with its own Host and passes the browser's Origin on; or it passes both on."""
    page = {"Origin": "https://bench.example:8443", "Sec_Fetch_Site": "same-origin"}
    for host in ("127.0.0.1:8089", "bench.example:8443"):
        assert "start it with --published-on bench.example" in (refusal(Host=host, **page) or "")
        assert not refused(web_host="bench.example", Host=host, **page)
    assert refused(web_host="bench.example", Origin="https://evil.example")
    assert refused(Origin="http://127.0.0.1:9999", Sec_Fetch_Site="same-origin"), "another program on loopback"


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "//", "http://", "x" * 10_000, "http://a:b:c"])
def test_what_is_no_origin_is_refused(origin: str) -> None:
    assert refused(Origin=origin) and refused(web_host="bench.example", Origin=origin)


def test_a_link_on_another_site_may_lead_here() -> None:
    assert not refused("GET", "/bench/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")
    assert refused("POST", "/swarm", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")


def test_our_own_page_and_programs_are_fine() -> None:
    assert not refused(Sec_Fetch_Site="same-origin", Origin="http://127.0.0.1:8089")
    assert not refused("GET", "/bench/poll")
    assert not refused("POST", "/swarm", X_Bench="")


def test_what_changes_something_bears_a_header_that_no_form_can_have() -> None:
    with flask.Flask(__name__).test_request_context("/bench/load/start", method="POST", headers={"Host": "localhost"}):
        assert "X-Bench" in (same_origin.refusal(flask.request, "127.0.0.1", "/bench") or "")
