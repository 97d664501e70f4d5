"""Copy tax: perf's samples of a server in groups of functions.

Its rule: a function belongs to the first group in GROUPS whose pattern its name matches, and a sample to the group of
the deepest function that has one; so every sample is counted once.

Without hardware counters, a sample that is due while interrupts are off is taken when they come back on. So part of
"switching" is skid (perf-record(1)) of whatever ran before.
"""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

Stack = tuple[str, ...]

KERNEL, PYTHON = "_[k]", "_[p]"


@dataclass(frozen=True, slots=True)
class Group:
    """Functions that do one kind of work. pattern: matches their names from the start. kernel: or in user space."""

    name: str
    summary: str
    pattern: re.Pattern[str]
    kernel: bool = True


def _group(name: str, summary: str, pattern: str, kernel: bool = True) -> Group:
    return Group(name, summary, re.compile(rf"(?:{pattern})"), kernel)


COPYING, FAULTING, TCP, SWITCHING = "copying", "faulting and mapping", "TCP and below", "switching"
FILES, INTERRUPTS, REST = "page cache and file", "interrupts and clocks", "the rest of the kernel"
INTERPRETER, LIBRARIES = "interpreter", "libraries"
KERNEL_TLS, USER_TLS = "encryption in the kernel", "encryption in user space"

GROUPS: tuple[Group, ...] = (
    _group(
        COPYING,
        "bytes copied by the CPU: into or out of user buffers, or out of pages that were sent by reference",
        r"_copy_(to|from)_(iter|user)|copy_page_(to|from)_iter|rep_movs|__arch_copy_|copy_user|copyin|copyout|copy_to_user"
        r"|memcpy|__pi_memcpy|memmove|skb_copy_ubufs|skb_zerocopy_iter|csum_and_copy|__check_object_size|copy_folio",
    ),
    _group(KERNEL_TLS, "kernel TLS", r"tls_|crypto_|aes|_aes|gcm|ghash|aead|gf128"),
    _group(
        FAULTING,
        "mapping, zeroing and unmapping pages",
        r"(asm_)?exc_page_fault|do_user_addr_fault|handle_mm_fault|__handle_mm_fault|do_(anonymous|read|shared|cow)_|do_fault"
        r"|clear_page|clear_huge|folio_zero|filemap_map|filemap_fault|zap_|unmap_|__munmap|do_munmap|do_vmi_|mmap_region|do_mmap"
        r"|vm_mmap|tlb_|flush_tlb|set_pte|pte_|gup_|__get_user_pages|pin_user|iov_iter_(extract|get)_pages|madvise|next_uptodate",
    ),
    _group(
        "memory management",
        "allocating and freeing memory, mostly for socket buffers",
        r"_*(alloc|free)_(frozen_)?pages?|get_page_from|rmqueue|__rmqueue|_*kmem_cache|_*slab|_*kmalloc|kfree|get_partial"
        r"|(sk|skb)_page_frag|_*folios?_(put|batch)|put_page|free_unref|__free|__list_(add|del)_entry_valid|__virt_addr",
    ),
    _group(
        FILES,
        "finding the file's pages and passing them on",
        r"filemap_|page_cache_|xa_|xas_|__xas|generic_file_|ext4_|xfs_|btrfs_|shmem_|splice_(folio|direct|file|to_pipe)"
        r"|do_splice|direct_splice|touch_atime|folio_mark|mark_page|vfs_read|do_iter_read|io_splice|blk_|bio_|submit_bio|elv_|dio_",
    ),
    _group(
        TCP,
        "making, sending, receiving and acknowledging segments; on loopback also the receiver's half",
        r"_*tcp_|_*ip_|_*ipv[46]_|_*inet_|_*skb_|_*kfree_skb|_*alloc_skb|_*sock_|_*sk_|_*netif_|process_backlog|loopback_|_*dev_"
        r"|net_rx|__napi|napi_|raw_|lock_sock|release_sock|splice_to_socket|sendmsg|__sys_send|__x64_sys_send|nf_|__nf|rb_|qdisc"
        r"|__qdisc|neigh_|dst_|_*eth_|kfree_skbmem|security_socket|do_softirq|__local_bh|handle_softirqs|__do_softirq",
    ),
    _group(
        SWITCHING,
        "putting threads to sleep, waking them, waiting for locks; and skid",
        r"_*schedule|finish_task_switch|try_to_wake|ttwu|_*wake_up|__wake|futex|do_futex|_raw_spin|_*pv_queued|queued_spin"
        r"|native_queued|poll_|do_sys_poll|do_poll|prepare_to_wait|ep_|rwsem|mutex|__rseq|exit_to_user_mode_loop|pick_|dequeue|enqueue",
    ),
    _group(
        INTERRUPTS,
        "device and timer interrupts",
        r"(asm_)?sysvec_|(asm_)?common_interrupt|irq_|__irq|hrtimer|_*mod_timer|lock_timer|tick_|update_process|read_tsc|ktime_"
        r"|timekeeping|clocksource|rcu_|__rcu|_*usecs_to|run_timer|iowrite|vp_|virt",
    ),
    _group("io_uring", "submission and completion rings, worker threads", r"_*io_|__do_sys_io|ret_from_fork"),
    _group(
        "system calls",
        "entering and leaving the kernel",
        r"entry_SYSCALL|do_syscall|syscall_|__x64_sys|__se_sys|ksys_|vfs_|fdget|__fget|fput|fsnotify|rw_verify|security_",
    ),
    _group(
        INTERPRETER,
        "Python itself",
        r"_?Py[A-Z_]|pymalloc|_?Py_|take_gil|drop_gil|gen_|.*_vectorcall|\w+_dealloc|\w+descr_call|\w+_getattro|gc_",
        False,
    ),
    _group(USER_TLS, "OpenSSL", r"EVP_|\[lib(crypto|ssl)|SSL_|BIO_|CRYPTO_|aes|OSSL_|ossl_|gcm", False),
)


_SKID = re.compile(r"_raw_spin_unlock_irqrestore|finish_task_switch")
# net/core/skbuff.c: copies pages that were sent by reference for a receiver on loopback.
_HIDDEN = "skb_copy_ubufs" + KERNEL


def is_skid(name: str) -> bool:
    """Whether a function collects samples because it turns interrupts on: see above."""
    return _SKID.match(name) is not None


@cache
def group_of(frame: str) -> str | None:
    """The group of a frame; None if it matches no group."""
    kernel = frame.endswith(KERNEL)
    name = frame.removesuffix(KERNEL)
    return next((group.name for group in GROUPS if group.kernel == kernel and group.pattern.match(name)), None)


def tax(stacks: Mapping[Stack, float]) -> dict[str, float]:
    """The stacks' values summed by group."""
    groups: dict[str, float] = {}
    for stack, value in stacks.items():
        group = group_of_stack(stack)
        groups[group] = groups.get(group, 0) + value
    return groups


def group_of_stack(stack: Stack) -> str:
    """The group of the deepest frame that has one; frames outside the kernel do not count for a stack in it."""
    if stack[-1].endswith(PYTHON):
        return INTERPRETER
    in_kernel = stack[-1].endswith(KERNEL)
    called = itertools.takewhile(lambda frame: frame.endswith(KERNEL) == in_kernel, reversed(stack))
    groups = (group_of(frame) for frame in called if not frame.endswith(PYTHON))
    return next((group for group in groups if group is not None), REST if in_kernel else LIBRARIES)


def hidden_copy(stacks: Mapping[Stack, float]) -> float:
    """The part of copying that only loopback does, to pages that were sent by reference (MSG_ZEROCOPY)."""
    return sum(value for stack, value in stacks.items() if _HIDDEN in stack and group_of_stack(stack) == COPYING)


def skid(stacks: Mapping[Stack, float]) -> float:
    """Samples in functions that turn interrupts on; they belong to whatever ran before."""
    return sum(value for stack, value in stacks.items() if is_skid(stack[-1]))
