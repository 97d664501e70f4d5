"""Every sample belongs to exactly one group, which a reader can look up."""

import pytest

from reports.flames.copy_tax import GROUPS, INTERPRETER, LIBRARIES, REST, group_of, hidden_copy, skid, tax

SEND = ("send_file (servers/modes/read_send.py:43)_[p]", "sock_sendall", "__send", "do_syscall_64_[k]")


@pytest.mark.parametrize(
    ("frame", "group"),
    [
        ("_copy_to_iter_[k]", "copying"),
        ("_copy_from_iter_[k]", "copying"),
        ("rep_movs_alternative_[k]", "copying"),
        ("__arch_copy_to_user_[k]", "copying"),
        ("skb_copy_ubufs_[k]", "copying"),  # zero-copy undone on loopback
        ("__pi_memcpy_[k]", "copying"),
        ("clear_page_erms_[k]", "faulting and mapping"),
        ("asm_exc_page_fault_[k]", "faulting and mapping"),
        ("get_page_from_freelist_[k]", "memory management"),
        ("filemap_get_read_batch_[k]", "page cache and file"),
        ("page_cache_pipe_buf_confirm_[k]", "page cache and file"),
        ("tcp_sendmsg_locked_[k]", "TCP and below"),
        ("__netif_receive_skb_one_core_[k]", "TCP and below"),
        ("skb_release_data_[k]", "TCP and below"),
        ("finish_task_switch.isra.0_[k]", "switching"),
        ("_raw_spin_unlock_irqrestore_[k]", "switching"),
        ("read_tsc_[k]", "interrupts and clocks"),
        ("entry_SYSCALL_64_after_hwframe_[k]", "system calls"),
        ("io_worker_handle_work_[k]", "io_uring"),
        ("_PyEval_EvalFrameDefault", INTERPRETER),
        ("[libcrypto.so.3]", "encryption in user space"),
        ("a_function_of_tomorrow_[k]", None),
        ("a_function_of_tomorrow", None),
    ],
)
def test_a_function_belongs_to_a_group_by_its_name(frame: str, group: str | None) -> None:
    assert group_of(frame) == group


def test_a_sample_is_counted_once_where_its_deepest_known_function_belongs() -> None:
    stacks = {
        (*SEND, "tcp_sendmsg_[k]", "_copy_from_iter_[k]"): 5,
        (*SEND, "tcp_sendmsg_[k]", "skb_copy_ubufs_[k]", "a_helper_[k]"): 3,
        (*SEND, "tcp_sendmsg_[k]"): 2,
        (SEND[0], "_PyEval_EvalFrameDefault"): 1,
        (SEND[0], "somebodys_function"): 1,
        ("a_thread_of_the_kernel_[k]",): 1,
    }
    assert tax(stacks) == {"copying": 8, "TCP and below": 2, INTERPRETER: 1, LIBRARIES: 1, REST: 1}
    assert sum(tax(stacks).values()) == sum(stacks.values())
    assert tax({SEND[:1]: 1}) == {INTERPRETER: 1}


def test_loopbacks_hidden_copy_and_skid_are_parts_of_their_groups() -> None:
    hidden = (*SEND, "tcp_v4_rcv_[k]", "skb_copy_ubufs_[k]", "__pi_memcpy_[k]")
    freed = (*SEND, "tcp_v4_rcv_[k]", "skb_copy_ubufs_[k]", "kfree_[k]")  # no copy, though on the way of one
    late = (*SEND, "_raw_spin_unlock_irqrestore_[k]")
    stacks = {hidden: 5.0, freed: 1.0, late: 2.0, (*SEND, "schedule_[k]"): 1.0, (*SEND, "_copy_from_iter_[k]"): 3.0}
    assert hidden_copy(stacks) == 5.0 and tax(stacks)["copying"] == 8.0
    assert skid(stacks) == 2.0 and tax(stacks)["switching"] == 3.0


def test_groups_have_names_of_their_own_and_say_what_they_are() -> None:
    assert len({group.name for group in GROUPS}) == len(GROUPS)
    assert all(group.summary for group in GROUPS)
