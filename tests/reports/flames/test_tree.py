"""Trees of stacks: in milliseconds per GiB, and two of them against each other from where they meet."""

import math

from reports.flames import tree

P, C, K = "send_file (servers/modes/read_send.py:40)_[p]", "os_preadv", "_[k]"
READ = {
    (P, C, "do_syscall_64_[k]", "do_preadv_[k]", "filemap_read_[k]", "_copy_to_iter_[k]"): 200.0,
    (P, "sock_sendall", "do_syscall_64_[k]", "__sys_sendto_[k]", "tcp_sendmsg_[k]", "_copy_from_iter_[k]"): 100.0,
    (P, "sock_sendall", "do_syscall_64_[k]", "__sys_sendto_[k]", "tcp_sendmsg_[k]", "tcp_push_[k]"): 50.0,
    (P,): 10.0,
}
SENDFILE = {
    (
        "send_file (sendfile.py:9)_[p]",
        "os_sendfile",
        "do_syscall_64_[k]",
        "do_splice_[k]",
        "tcp_sendmsg_[k]",
        "tcp_push_[k]",
    ): 80.0,
    ("send_file (sendfile.py:9)_[p]", "os_sendfile", "do_syscall_64_[k]", "do_splice_[k]"): 20.0,
}


def child(node: tree.Tree, *names: str) -> tree.Tree:
    for name in names:
        node = next(one for one in node["children"] if one["name"] == name)
    return node


def test_a_tree_adds_up_and_says_what_each_frame_is() -> None:
    drawn = tree.tree(READ, "read-send")
    assert (drawn["name"], drawn["value"], drawn["kind"]) == ("read-send", 360.0, "root")
    line = child(drawn, "send_file (servers/modes/read_send.py:40)")
    assert (line["value"], line["kind"]) == (360.0, "python")
    assert child(line, "os_preadv")["kind"] == "c"
    copy = child(line, "os_preadv", "do_syscall_64", "do_preadv", "filemap_read", "_copy_to_iter")
    assert (copy["value"], copy["kind"], copy["children"]) == (200.0, "copy", [])
    assert child(line, "sock_sendall", "do_syscall_64")["kind"] == "kernel"


def test_a_frame_too_narrow_to_be_seen_is_left_out_but_counted() -> None:
    drawn = tree.tree({("a",): 9999.5, ("b",): 0.5}, "all")
    assert [node["name"] for node in drawn["children"]] == ["a"]
    assert drawn["value"] == 10_000.0


def test_two_modes_meet_at_the_outermost_kernel_function_that_both_have() -> None:
    assert tree.rerooted(SENDFILE, READ) == {
        ("tcp_sendmsg_[k]", "tcp_push_[k]"): 80.0,
        ("send_file (sendfile.py:9)_[p]", "os_sendfile", "do_syscall_64_[k]", "do_splice_[k]"): 20.0,
    }
    assert math.isclose(sum(tree.rerooted(READ, SENDFILE).values()), sum(READ.values()))


def test_a_difference_shows_what_is_more_and_what_only_one_has() -> None:
    drawn = tree.difference(READ, SENDFILE, "read-send")
    assert drawn["delta"] == 260.0
    assert child(drawn, "tcp_sendmsg")["delta"] == 70.0
    assert child(drawn, "tcp_sendmsg", "_copy_from_iter")["delta"] == 100.0
    assert child(drawn, "tcp_sendmsg", "tcp_push")["delta"] == -30.0
    other_way = tree.difference(SENDFILE, READ, "sendfile")
    assert child(other_way, "tcp_sendmsg")["delta"] == -70.0
    assert [node["name"] for node in child(other_way, "tcp_sendmsg")["children"]] == ["tcp_push"]


def test_self_time_is_what_a_function_costs_without_those_that_it_calls() -> None:
    assert tree.self_time(READ)["_copy_to_iter"] == 200.0
    assert "tcp_sendmsg" not in tree.self_time(READ)


def test_a_stack_is_cut_where_it_becomes_too_narrow_and_its_caller_gets_the_cost() -> None:
    stacks = {("a", "b", "c"): 1.0, ("a", "b"): 9.0, ("a",): 90.0, ("d", "e"): 1.0}
    assert tree.trimmed(stacks, 0.05) == {("a", "b"): 10.0, ("a",): 90.0, ("d",): 1.0}


def test_a_tree_without_its_narrow_frames_is_the_one_that_is_drawn_so_at_once() -> None:
    whole = tree.difference(READ, SENDFILE, "read-send", 0.0)
    for share in (0.0, 0.1, 0.2, 0.9):
        assert tree.pruned(whole, share) == tree.difference(READ, SENDFILE, "read-send", share)
    assert tree.pruned(whole, 0.9)["children"] == []
