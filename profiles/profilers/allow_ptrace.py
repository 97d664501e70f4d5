"""python -m profiles.profilers.allow_ptrace MODULE [ARGUMENTS...]: run a module in a process that py-spy may attach to.

For the profile pass only. Where Yama's ptrace_scope is 1 (Ubuntu's default), only its ancestors may read an
unprivileged process, and py-spy is a sibling; PR_SET_PTRACER lifts that for this one process (prctl(2)). Without Yama
the call fails with EINVAL, and nothing needs to be lifted.
"""

import ctypes
import runpy
import sys

PR_SET_PTRACER = 0x59616D61
PR_SET_PTRACER_ANY = -1

if __name__ == "__main__":
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_long(PR_SET_PTRACER_ANY), 0, 0, 0)
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
