"""Prints what happens to files, in the kernel's order, until standard input ends: python3 watch-files.py FOLDER FILE...

`moved NAME` for a file that is moved into the folder, `open NAME` for each opening of one of the files.
"""
import ctypes
import os
import select
import struct
import sys

OPEN, MOVED_TO, NONBLOCKING = 0x20, 0x80, 0x800

library = ctypes.CDLL(None, use_errno=True)
events = library.inotify_init1(NONBLOCKING)
folder, *files = sys.argv[1:]
library.inotify_add_watch(events, os.fsencode(folder), MOVED_TO)
names = {library.inotify_add_watch(events, os.fsencode(file), OPEN): os.path.basename(file) for file in files}
print("watching", flush=True)

ended = False
while True:
    ready, _, _ = select.select([events] if ended else [events, sys.stdin], [], [], 0 if ended else None)
    if events in ready:
        data = os.read(events, 1 << 16)
        while data:
            watch, _, _, length = struct.unpack_from("iIII", data)
            name = data[16 : 16 + length].rstrip(b"\0").decode()
            print(f"open {names[watch]}" if watch in names else f"moved {name}", flush=True)
            data = data[16 + length :]
    elif ended:
        break
    ended = ended or sys.stdin in ready
