"""A run that went wrong is called so, a disturbed one gets its caution, and nobody's silence counts as "ok"."""

import dataclasses
from typing import Any

import pytest

from profiles.store.proof import Proof
from profiles.store.records import Cell, Profile, Run, Void
from reports.analysis.cpu_speed import cpu_speed
from reports.analysis.disturbance import (
    absent_share,
    foreign_cores,
    must_repeat,
    sampler_cores,
    steal_seen,
    steal_share,
)
from reports.analysis.findings import Finding, Severity, Validity
from reports.analysis.rounds import build
from reports.analysis.validity import check
from servers.mode import Copy
from tests.reports import synthetic
from units import GIB


def changed(cell: Cell, metrics: dict[str, float | None] | None = None, **fields: Any) -> Cell:
    return dataclasses.replace(cell, metrics=cell.metrics | (metrics or {}), **fields)


def validity(run: Run, cells: list[Cell]) -> Validity:
    return check(build(run, tuple(cells), proofs=synthetic.proofs(run)))


def with_one(mode: str, number: int, metrics: dict[str, float | None] | None = None, **fields: Any) -> Validity:
    """A calm run of six rounds, in which one cell is different."""
    run = synthetic.run(rounds=6)
    cells = [
        changed(cell, metrics, **fields) if (cell.mode, cell.round) == (mode, number) else cell
        for cell in synthetic.cells(run)
    ]
    return validity(run, cells)


def rounds_of(found: Validity) -> list[int]:
    """The rounds that some finding names."""
    return sorted({number for finding in found.findings for number in finding.rounds})


def texts(found: Validity, kind: str) -> list[str]:
    return [finding.text for finding in found.findings if finding.kind == kind]


def test_a_served_file_that_was_touched_is_a_caution_and_other_bytes_are_void() -> None:
    run = synthetic.run()
    for changed_bytes, kind, says in (
        (False, "caution", "had the same bytes at the end"),
        (True, "void", "the served file changed during the run"),
    ):
        record = dataclasses.replace(run, file=dataclasses.replace(run.file, changed=changed_bytes, rewritten=True))
        (finding,) = validity(record, synthetic.cells(run)).findings
        assert finding.kind == kind and says in finding.text


def test_a_calm_run_is_valid() -> None:
    run = synthetic.run(("read-send", "sendfile", "read-whole"))
    found = validity(run, synthetic.cells(run))
    assert found.findings == ()
    assert found.word == "valid"


def test_a_failed_request_voids_its_mode_and_names_the_failure() -> None:
    found = with_one("sendfile", 3, failures=3, failure_names={"short body": 2, "reset": 1})
    assert found.word == "void"
    assert found.void_reason("sendfile") == "3 requests failed (2 × short body, 1 × reset)"
    assert found.void_reason("read-send") is None
    assert rounds_of(found) == [3]


def of_three(**kinds: Severity) -> Validity:
    """A finding of this kind about each of these modes, or about the run."""
    findings = tuple(Finding(kind, "why", None if mode == "run" else mode) for mode, kind in kinds.items())
    return Validity(findings, ("base", "a", "b"))


def test_what_is_found_about_one_mode_is_that_modes_and_the_run_counts_it() -> None:
    assert of_three(a="void").badge == "valid; 1 mode void" and of_three(a="void").voids == {"a": "why"}
    assert of_three(a="void", b="caution").badge == "caution; 1 mode void", "no mode is without a finding"
    assert of_three(run="caution", a="void").badge == "caution; 1 mode void"
    assert of_three(a="unknown").badge == "valid; 1 mode with cautions"


@pytest.mark.parametrize("kinds", [{"run": "void"}, {"base": "void"}, {"a": "void", "b": "void"}])
def test_a_run_is_void_where_nothing_in_it_can_be_concluded(kinds: dict[str, Severity]) -> None:
    assert (of_three(**kinds).word, of_three(**kinds).badge, of_three(**kinds).voids) == ("void", "void", {})


def test_a_failure_in_a_round_that_is_not_complete_counts_too() -> None:
    run = synthetic.run(rounds=6)
    cells = [*synthetic.cells(run), synthetic.cell("sendfile", 7, 0, failures=1, failure_names={"reset": 1})]
    assert validity(run, cells).void_reason("sendfile") == "1 request failed (1 × reset)"


def test_no_byte_voids() -> None:
    assert with_one("sendfile", 1, received_bytes=0, downloads=0).void_reason("sendfile") == "no byte arrived"


def test_bytes_that_the_downloads_cannot_explain_void() -> None:
    reason = with_one("sendfile", 1, received_bytes=9 * GIB, downloads=10).void_reason("sendfile")
    assert reason == "10 downloads of 16 MiB do not add up to the 9 GiB that arrived"


def test_downloads_that_a_window_cuts_are_no_fault() -> None:
    """Four users with a half download each at both edges."""
    size = synthetic.SIZE_BYTES
    assert with_one("sendfile", 1, received_bytes=104 * size, downloads=100).word == "valid"


@pytest.mark.parametrize(
    ("metrics", "complaint"),
    [
        ({"steal_s": 0.09}, "steal above 2 % of the machine's CPU time in 1 of 6 rounds; it was not proved"),
        ({"throttled_s": 0.1}, "CPU limit throttled the processes in 1 of 6 rounds"),
        ({"swapped_bytes": 4096}, "swapped in 1 of 6 rounds"),
        ({"stopped_s": 0.6}, "the server was stopped for a while in 1 of 6 rounds"),
        ({"resident_share": 0.9}, "not in the page cache in 1 of 6 rounds"),
        ({"machine_cpu_s_per_gib": 0.90}, "other processes used more than 10 % of a core in 1 of 6 rounds"),
    ],
)
def test_a_round_that_measured_something_else_is_judged_under_caution_where_six_are_needed(
    metrics: dict[str, float | None], complaint: str
) -> None:
    found = with_one("sendfile", 4, metrics)
    assert found.word == "caution"
    text, kept = texts(found, "caution")
    assert complaint in text
    assert kept == "1 of 6 rounds measured something else; too few others remain, so every round is judged"
    assert rounds_of(found) == [4]
    assert found.void_reason("sendfile") is None


def test_a_quick_run_names_what_disturbed_it_and_judges_nothing() -> None:
    run = synthetic.run(rounds=6, quick=True)
    cells = [changed(cell, {"steal_s": 0.09} if cell.round == 4 else {}) for cell in synthetic.cells(run)]
    _, steal = texts(validity(run, cells), "caution")
    assert steal == "steal above 2 % of the machine's CPU time in 1 of 6 rounds"


@pytest.mark.parametrize(
    ("metrics", "complaint"),
    [
        ({"sampler_cpu_s": 0.21}, "the sampler used more than 10 % of a core"),
        ({"machine_cpu_s_per_gib": 0.36}, "other processes used more than 10 % of a core"),
        ({"major_faults": 1}, "major page faults, so the file came from disk and not from the page cache,"),
    ],
)
def test_any_other_disturbance_is_one_line_that_counts(metrics: dict[str, float | None], complaint: str) -> None:
    found = with_one("sendfile", 4, metrics)
    assert texts(found, "caution") == [f"{complaint} in 1 of 6 rounds"]
    assert rounds_of(found) == [4]


SLICES: dict[str, Any] = {
    "slice_s": 0.15,
    "sweeps": 3,
    "clock_excludes_steal": True,
    "stopped": "the limit of 9 rounds",
}


def of_slices(mode: str, metrics: dict[str, float | None], **fields: Any) -> Validity:
    """Six rounds of slices, in two of which one mode is different."""
    run = synthetic.run(rounds=6, **SLICES)
    size, cells = synthetic.SIZE_BYTES, []
    for cell in synthetic.cells(run):
        whole = changed(cell, {"idle_cores": 0.0}, slices=6, received_bytes=cell.downloads * size)
        cells.append(changed(whole, metrics, **fields) if cell.mode == mode and cell.round in (2, 3) else whole)
    return validity(run, cells)


def test_a_server_that_is_busy_while_others_are_measured_is_named() -> None:
    (found,) = of_slices("sendfile", {"idle_cores": 0.031}).findings
    assert (found.kind, found.mode) == ("caution", "sendfile")
    assert found.text == "kept up to 3.1 % of a core busy while others were measured in 2 of 6 rounds"
    assert texts(of_slices("sendfile", {"idle_cores": None}), "unknown") == ["idle servers: unknown in 2 of 12 cells"]


def test_slices_are_whole_downloads_to_the_byte() -> None:
    assert of_slices("sendfile", {}).word == "valid"
    size = synthetic.SIZE_BYTES
    reason = of_slices("sendfile", {}, downloads=10, received_bytes=10 * size + 1).void_reason("sendfile")
    assert reason == "10 downloads of 16 MiB do not add up to the 167,772,161 bytes that arrived"


def test_counters_are_related_to_the_time_between_their_readings() -> None:
    cell = changed(synthetic.cell("sendfile", 1, 1), {"steal_s": 0.1, "sampler_cpu_s": 0.1}, wall_s=1.0, span_s=2.0)
    run = synthetic.run()
    assert steal_share(cell, run) == 0.1 / (2.0 * 2)
    assert sampler_cores(cell, run) == 0.1 / 2.0
    apart = changed(cell, span_s=4.0)
    assert foreign_cores(apart, run) == pytest.approx((foreign_cores(cell, run) or 0) / 2)


@pytest.mark.parametrize(
    ("metrics", "cache", "excludes", "reason"),
    [
        ({"steal_s": 0.09}, "warm", True, ()),
        ({"steal_s": 1.2}, "warm", True, ("steal 30 % (sendfile)",)),
        ({"steal_s": 0.09}, "warm", None, ("steal 2.2 % (sendfile)",)),
        ({"steal_s": 0.09}, "warm", False, ("steal 2.2 % (sendfile)",)),
        ({"machine_cpu_s_per_gib": 0.35}, "warm", True, ()),
        ({"machine_cpu_s_per_gib": 0.60}, "warm", True, ("foreign CPU 1.3 cores (sendfile)",)),
        ({"swapped_bytes": 4096.0}, "warm", True, ("swapping 4.1e+03 bytes (sendfile)",)),
        ({"throttled_s": 0.1}, "warm", True, ("cgroup throttling 0.1 s (sendfile)",)),
        ({"stopped_s": 0.5}, "warm", True, ("stopped server 0.5 s (sendfile)",)),
        ({"resident_share": 0.9}, "warm", True, ("absent pages 10 % (sendfile)",)),
        ({"resident_share": 0.0}, "cold", True, ()),
        ({"major_faults": 9.0, "sampler_cpu_s": 1.0, "tcp_retransmits": 1e6, "idle_cores": 0.5}, "warm", True, ()),
    ],
)
def test_which_rounds_measured_something_else(
    metrics: dict[str, float | None], cache: str, excludes: bool | None, reason: tuple[str, ...]
) -> None:
    run = synthetic.run(cache=cache, slice_s=0.15, clock_excludes_steal=excludes)
    calm = synthetic.cell("read-send", 1, 1)
    cells = {"read-send": changed(calm, {"resident_share": float(cache == "warm")})}
    assert must_repeat(cells, run) == ()
    assert must_repeat(cells | {"sendfile": changed(synthetic.cell("sendfile", 1, 1), metrics)}, run) == reason


def test_steal_is_seen_above_two_percent_in_any_cell() -> None:
    run, cells = synthetic.run(clock_excludes_steal=True), {"read-send": synthetic.cell("read-send", 1, 1)}
    assert not steal_seen(cells, run)
    assert steal_seen(cells | {"sendfile": changed(synthetic.cell("sendfile", 1, 1), {"steal_s": 0.09})}, run)


def test_a_server_that_died_is_a_caution_with_its_last_words_or_void_where_it_always_did() -> None:
    run = synthetic.run(("read-send", "sendfile", "read-whole"), rounds=6)
    died = tuple(Void(number, "read-whole", "MemoryError") for number in range(6))
    run = dataclasses.replace(run, voids=(Void(2, "sendfile", "OSError: no space left"), *died))
    lost = {(void.round, void.mode) for void in run.voids}
    found = validity(run, [cell for cell in synthetic.cells(run) if (cell.round, cell.mode) not in lost])
    assert texts(found, "caution") == ["no result in 1 of 6 rounds: OSError: no space left"]
    assert found.void_reason("read-whole") == "no result in any round: MemoryError"
    assert found.void_reason("sendfile") is None


def test_a_quick_run_is_exploratory() -> None:
    run = synthetic.run(rounds=6, quick=True)
    assert texts(validity(run, synthetic.cells(run)), "caution") == [
        "exploratory: a quick run has too few rounds for a verdict"
    ]


@pytest.mark.parametrize(("slowed", "said"), [(1.1, []), (1.5, ["took 300 to 450 µs of CPU time (1.50x, "])])
def test_a_cpu_that_was_not_always_as_fast_is_said_and_drops_nothing(slowed: float, said: list[str]) -> None:
    run = synthetic.run(rounds=6)
    every = synthetic.cells(run)
    cells = [changed(cell, {"cpu_probe_us": 300.0 * (slowed if cell.round > 3 else 1)}) for cell in every]
    found = validity(run, cells)
    assert len(found.findings) == len(said) and all(part in found.findings[0].text for part in said)
    assert rounds_of(found) == []


def test_how_fast_the_cpu_was_is_not_told_from_few_cells() -> None:
    run = synthetic.run(rounds=6)
    few = [changed(each, {"core_loop_us": 300.0}) for each in synthetic.cells(run)][:9]
    few[0] = changed(few[0], {"core_loop_us": 900.0})
    assert cpu_speed(build(run, tuple(few))) is None


@pytest.mark.parametrize("thread", ["ksoftirqd_s", "kblockd_s"])
def test_what_the_kernel_did_of_a_servers_work_is_nobody_elses(thread: str) -> None:
    metrics: dict[str, float | None] = {"machine_cpu_s_per_gib": 0.50}
    foreign = foreign_cores(changed(synthetic.cell("sendfile", 1, 1), metrics), synthetic.run(rounds=6))
    assert foreign is not None and foreign > 0.1
    seen = with_one("sendfile", 4, metrics | {thread: foreign * synthetic.cell("sendfile", 1, 1).wall_s})
    assert not any("other processes" in text for text in texts(seen, "caution"))


def test_what_is_absent_disturbs_no_path_that_passes_the_page_cache_by() -> None:
    run = synthetic.run(rounds=6)
    direct = (Copy("disk", "user buffer", "dma"), Copy("user buffer", "socket buffer", "cpu"))
    by_itself = dataclasses.replace(next(each for each in run.targets if each.name == "sendfile"), copies=direct)
    cell = changed(synthetic.cell("sendfile", 1, 1), {"resident_share": 0.5})
    assert absent_share(cell, run) == 0.5
    assert absent_share(cell, dataclasses.replace(run, targets=(by_itself,))) == 0.0


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        ("steal_s", "steal"),
        ("sampler_cpu_s", "sampler CPU"),
        ("machine_cpu_s_per_gib", "foreign CPU"),
        ("major_faults", "major faults"),
        ("swapped_bytes", "swapping"),
        ("stopped_s", "stopped server"),
        ("resident_share", "absent pages"),
        ("tcp_retransmits", "TCP retransmits"),
    ],
)
def test_what_could_not_be_read_is_unknown_and_not_ok(metric: str, name: str) -> None:
    found = with_one("sendfile", 2, {metric: None})
    assert found.word == "caution"
    assert any(text.startswith(f"{name}: unknown in 1 of 12 cells") for text in texts(found, "unknown"))


def test_steal_is_unknown_where_the_number_of_cpus_is() -> None:
    run = synthetic.run(rounds=6, host={})
    assert texts(validity(run, synthetic.cells(run)), "unknown") == ["steal: unknown"]


def test_a_full_client_beside_a_server_with_headroom_limits_the_throughput_only() -> None:
    run = synthetic.run(rounds=6)
    busy: dict[str, float | None] = {
        "client_user_s": 0.3,
        "client_system_s": 1.4,
        "server_user_s": 0.0,
        "server_system_s": 1.0,
        "machine_cpu_s_per_gib": None,
    }
    cells = [changed(cell, busy) if cell.mode == "sendfile" else cell for cell in synthetic.cells(run)]
    assert texts(validity(run, cells), "caution") == [
        "client-limited in 6 of 6 rounds: throughput is a lower bound; CPU per GiB holds"
    ]
    both: dict[str, float | None] = busy | {"server_system_s": 1.8}
    full = [changed(cell, both) if cell.mode == "sendfile" else cell for cell in synthetic.cells(run)]
    assert texts(validity(run, full), "caution") == []


@pytest.mark.parametrize(
    ("share", "kind", "text"),
    [(0.5, "caution", "only 50 % of the file was in the page cache after the run"), (None, "unknown", "after the run")],
)
def test_a_file_that_was_not_cached_or_not_looked_at(share: float | None, kind: str, text: str) -> None:
    run = synthetic.run(rounds=6)
    run = dataclasses.replace(run, file=dataclasses.replace(run.file, resident_share_after=share))
    (found,) = texts(validity(run, synthetic.cells(run)), kind)
    assert text in found


def test_an_interrupted_run_says_how_far_it_came_and_what_is_missing() -> None:
    run = synthetic.run(rounds=10, state="interrupted", reason="Ctrl-C")
    cells = [cell for cell in synthetic.cells(run) if cell.round < 3][:-1]
    assert texts(validity(run, cells), "caution") == [
        "no result in 1 of 3 rounds: it did not come to its turn",
        "the run was interrupted after 2 of 10 rounds (Ctrl-C)",
    ]


def test_failures_under_the_profiler_are_a_caution_only() -> None:
    run = synthetic.run(rounds=6)
    profile = Profile(synthetic.cell("sendfile", 0, 0, failures=2, failure_names={"reset": 2}), None, None, "no py-spy")
    found = check(build(run, tuple(synthetic.cells(run)), (profile,), proofs=synthetic.proofs(run)))
    assert texts(found, "caution") == ["2 requests failed while the flame graph was recorded"]


def test_a_mode_that_contradicts_its_name_is_void_with_the_reason() -> None:
    run = synthetic.run()
    copied = Proof("sendfile", "degraded", 0, 0.0, 0.0, completions=1024, copied_completions=1024)
    kept = tuple(proof for proof in synthetic.proofs(run) if proof.mode != "sendfile")
    found = check(build(run, tuple(synthetic.cells(run)), proofs=(*kept, copied)))
    assert "the kernel copied 1,024 of 1,024 sends after all" in str(found.void_reason("sendfile"))
    assert found.void_reason("read-send") is None


def test_without_a_proof_it_is_unknown_and_a_skipped_mode_is_said() -> None:
    run = dataclasses.replace(synthetic.run(), skipped={"uring-splice": "Operation not permitted"})
    found = check(build(run, tuple(synthetic.cells(run))))
    assert {finding.mode for finding in found.of("unknown")} == {"read-send", "sendfile"}
    assert any("skipped" in finding.text and finding.mode == "uring-splice" for finding in found.of("caution"))


def test_a_few_segments_that_are_sent_again_are_no_disturbance_and_many_are() -> None:
    run = synthetic.run()
    few, many = (
        check(
            build(
                run,
                tuple(
                    dataclasses.replace(
                        cell, metrics=cell.metrics | {"tcp_retransmits": share * cell.received_bytes / 65536}
                    )
                    for cell in synthetic.cells(run)
                ),
                proofs=synthetic.proofs(run),
            )
        )
        for share in (0.002, 0.02)
    )
    assert few.word == "valid"
    assert [finding.text for finding in many.of("caution")] == [
        "more than 1 % of TCP data was retransmitted in 10 of 10 rounds"
    ]
