"""A fault at an exact moment: a file that every process of Python imports first under the name sitecustomize.

FAULT_AT is a pattern of Python's audit events with their first argument, such as ``open .*/progress.pt``: the
moment is the first time that one comes in a process. FAULT is what then happens there: ``fill|FILE|BYTES``
fills the disk of a file but for so many bytes, ``kill`` ends the process by SIGKILL, ``limit|MB``
lets it take so much more memory, ``wait|FILE`` stops it until there is that file.
"""

import os
import re
import resource
import signal
import sys
import time

PAGE = os.sysconf("SC_PAGE_SIZE")


def fill(path, spared):
    """Write until there is no room, byte by byte at the end, as blocks may be begun; give some back."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for size in (1 << 20, 1 << 12, 1):
        try:
            while os.write(file, bytes(size)) == size:
                pass
        except OSError:
            continue
    os.ftruncate(file, os.fstat(file).st_size - int(spared))


def limit(megabytes):
    """Lower the limit of the address space to what is taken, and some more."""
    with open("/proc/self/statm") as file:
        taken = int(file.read().split()[0]) * PAGE
    resource.setrlimit(resource.RLIMIT_AS, (taken + int(float(megabytes) * 1e6), resource.RLIM_INFINITY))


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def wait(path):
    while not os.path.exists(path):
        time.sleep(0.1)


def at_moment(deed, arguments, pattern):
    waiting = [re.compile(pattern)]

    def watch(event, values):
        if waiting and values and waiting[0].search(f"{event} {values[0]}"):
            waiting.clear()
            deed(*arguments)

    sys.addaudithook(watch)


if "FAULT_AT" in os.environ:
    name, *arguments = os.environ["FAULT"].split("|")
    deeds = {"fill": fill, "limit": limit, "kill": kill, "wait": wait}
    at_moment(deeds[name], arguments, os.environ["FAULT_AT"])
