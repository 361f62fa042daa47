# SPDX-License-Identifier: MIT
"""What a command does to a folder: strace's record of every write, sync and change of names, read
back as events in the order of their completion.

An event is a tuple (kind, begun, ...): `begun` is the place in the order at which the call began.
    ("create", begun, path)               a name for a new, empty file
    ("write", begun, path, offset, data)
    ("size", begun, path, size)           truncated or lengthened to `size`
    ("grow", begun, path, size)           not shorter than `size` from now on
    ("sync", begun, path)                 file or folder is on disk, as it was at `begun`
    ("rename", begun, old, new)
    ("link", begun, old, new)             a second name
    ("unlink", begun, path)
What a call does that is not understood here (writing through a mapping, say) is an error.
"""

import re
import shutil

from program import Failure, Launch

CALLS = ("open,openat,creat,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fallocate,"
         "fsync,fdatasync,sync_file_range,rename,renameat,renameat2,unlink,unlinkat,link,linkat,"
         "lseek,mmap,copy_file_range,sendfile")
LINE = re.compile(r"^(\d+) +(.*)$")
UNFINISHED = re.compile(r"^(\w+)\((.*) <unfinished \.\.\.>$")
RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$")
WHOLE = re.compile(r"^(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+)(.*)$")
DESCRIPTOR = re.compile(r"^(\w+)(?:<([^>]*)>)?$")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def is_available():
    """Whether strace is there and may trace."""
    return shutil.which("strace") is not None


def traced(program, arguments, folder, output):
    """The words that start the command under strace. Every byte of every call is recorded."""
    return [shutil.which("strace"), "-f", "-y", "-xx", "-s", str(1 << 26), "--seccomp-bpf",
            "-e", f"trace={CALLS}", "-e", "signal=none", "-o", str(output), "--", str(program),
            *map(str, arguments)]


def unescape(text):
    """The bytes of strace's \\x.. text."""
    return bytes.fromhex(text.replace("\\x", ""))


def split(arguments):
    """Arguments at commas outside of quotes, brackets and braces."""
    parts, depth, start, quoted = [], 0, 0, False
    for match in re.finditer(r'["\[\]{},<>]', arguments):
        sign = match.group()
        if sign == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif sign in "[{<":
            depth += 1
        elif sign in "]}>":
            depth -= 1
        elif sign == "," and depth == 0:
            parts.append(arguments[start:match.start()].strip())
            start = match.end()
    return parts + [arguments[start:].strip()]


class Reader:
    """Turns lines into events of files in `folder`."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.events, self.order = [], 0
        self.begun = {}  # pid: (call, arguments so far, order)
        self.places = {}  # (path of the descriptor, descriptor, pid): position
        self.sizes = {}  # path: size, for appending

    def is_inside(self, path):
        return path == self.folder or path.startswith(self.folder + "/")

    def take(self, line):
        """One line of strace's output."""
        self.order += 1
        pid, rest = LINE.match(line).groups()
        if match := UNFINISHED.match(rest):
            self.begun[pid] = (match[1], match[2], self.order)
            return
        begun = self.order
        if match := RESUMED.match(rest):
            call, before, begun = self.begun.pop(pid)
            rest = f"{call}({before}{match[2]}"
        match = WHOLE.match(rest)
        if match and not match[3].startswith("-"):
            self.call(pid, match[1], split(match[2]), int(match[3], 0), begun, match[4])

    def path(self, text):
        """Of a quoted name."""
        return unescape(TEXT.search(text)[1]).decode()

    def name(self, at, text):
        """Of a name relative to a folder's descriptor."""
        path = self.path(text)
        if path.startswith("/"):
            return path
        folder = DESCRIPTOR.match(at)
        return unescape(folder[2]).decode() + "/" + path

    def descriptor(self, text):
        """(descriptor, path) of a descriptor; the path is empty for what is no file."""
        match = DESCRIPTOR.match(text)
        is_file = match and match[2] and match[2].startswith("\\x2f")
        return (match[1] if match else text), unescape(match[2]).decode() if is_file else ""

    def add(self, *event):
        self.events.append(event)

    def call(self, pid, call, words, result, begun, tail):
        """One call that succeeded."""
        handler = getattr(self, "call_" + call.replace("64", ""))
        handler(pid, words, result, begun, tail)

    def call_openat(self, pid, words, result, begun, tail):
        path = self.name(words[0], words[1])
        if not self.is_inside(path):
            return
        self.places[(path, str(result), pid)] = 0
        if "O_CREAT" in words[2] and path not in self.sizes:
            self.add("create", begun, path)
            self.sizes[path] = 0
        elif "O_TRUNC" in words[2]:
            self.add("size", begun, path, 0)
            self.sizes[path] = 0
        if "O_APPEND" in words[2]:
            self.places[(path, str(result), pid)] = None

    def call_open(self, pid, words, result, begun, tail):
        self.call_openat(pid, ["AT_FDCWD<>", *words], result, begun, tail)

    def call_creat(self, pid, words, result, begun, tail):
        self.call_open(pid, [words[0], "O_CREAT|O_TRUNC"], result, begun, tail)

    def key(self, path, descriptor, pid):
        """The position of a descriptor; threads and children share their parent's."""
        exact = (path, descriptor, pid)
        if exact in self.places:
            return exact
        like = [key for key in self.places if key[1] == descriptor]
        named = [key for key in like if key[0] == path] or like
        return named[-1] if named else exact

    def written(self, path, offset, data, begun):
        self.add("write", begun, path, offset, data)
        self.sizes[path] = max(self.sizes.get(path, 0), offset + len(data))

    def data(self, text, result):
        """The bytes that were written, of a buffer or a list of buffers."""
        data = b"".join(unescape(part) for part in TEXT.findall(text))[:result]
        if len(data) != result:
            raise Failure(f"strace: {len(data)} of {result} bytes of a write are recorded")
        return data

    def call_pwrite(self, pid, words, result, begun, tail):
        _, path = self.descriptor(words[0])
        if self.is_inside(path):
            self.written(path, int(words[3]), self.data(words[1], result), begun)

    def call_pwritev(self, pid, words, result, begun, tail):
        self.call_pwrite(pid, words, result, begun, tail)

    call_pwritev2 = call_pwritev

    def call_write(self, pid, words, result, begun, tail):
        descriptor, path = self.descriptor(words[0])
        if not self.is_inside(path):
            return
        key = self.key(path, descriptor, pid)
        place = self.places.get(key, 0)
        offset = self.sizes.get(path, 0) if place is None else place
        self.written(path, offset, self.data(words[1], result), begun)
        if place is not None:
            self.places[key] = place + result

    call_writev = call_write

    def call_lseek(self, pid, words, result, begun, tail):
        descriptor, path = self.descriptor(words[0])
        if self.is_inside(path):
            key = self.key(path, descriptor, pid)
            if self.places.get(key, 0) is not None:
                self.places[key] = result

    def call_ftruncate(self, pid, words, result, begun, tail):
        _, path = self.descriptor(words[0])
        if self.is_inside(path):
            self.add("size", begun, path, int(words[1]))
            self.sizes[path] = int(words[1])

    def call_truncate(self, pid, words, result, begun, tail):
        self.call_ftruncate(pid, [f"0<{TEXT.search(words[0])[1]}>", words[1]], result, begun, tail)

    def call_fallocate(self, pid, words, result, begun, tail):
        _, path = self.descriptor(words[0])
        if self.is_inside(path):
            if words[1] != "0":
                raise Failure(f"fallocate({words}) is not understood")
            self.add("grow", begun, path, int(words[2]) + int(words[3]))

    def call_fsync(self, pid, words, result, begun, tail):
        _, path = self.descriptor(words[0])
        if self.is_inside(path):
            self.add("sync", begun, path)

    call_fdatasync = call_fsync

    def call_sync_file_range(self, pid, words, result, begun, tail):
        """Promises nothing."""

    def renamed(self, old, new, begun):
        if self.is_inside(old) or self.is_inside(new):
            self.add("rename", begun, old, new)
            self.sizes[new] = self.sizes.pop(old, 0)

    def call_rename(self, pid, words, result, begun, tail):
        self.renamed(self.path(words[0]), self.path(words[1]), begun)

    def call_renameat(self, pid, words, result, begun, tail):
        if len(words) > 4 and "EXCHANGE" in words[4]:
            raise Failure(f"renameat2({words}) is not understood")
        self.renamed(self.name(*words[:2]), self.name(*words[2:4]), begun)

    call_renameat2 = call_renameat

    def unlinked(self, path, begun):
        if self.is_inside(path) and path in self.sizes:
            self.add("unlink", begun, path)
            self.sizes.pop(path, None)

    def call_unlink(self, pid, words, result, begun, tail):
        self.unlinked(self.path(words[0]), begun)

    def call_unlinkat(self, pid, words, result, begun, tail):
        self.unlinked(self.name(*words[:2]), begun)

    def refuse(self, words, what):
        if any(self.is_inside(self.descriptor(word)[1]) for word in words):
            raise Failure(f"{what} of a file is not understood: {words}")

    def call_mmap(self, pid, words, result, begun, tail):
        if "MAP_SHARED" in words[3] and "PROT_WRITE" in words[2]:
            self.refuse(words[4:5], "writing through a mapping")

    def call_copy_file_range(self, pid, words, result, begun, tail):
        self.refuse(words[2:3], "copy_file_range")

    def call_sendfile(self, pid, words, result, begun, tail):
        self.refuse(words[0:1], "sendfile")

    def linked(self, old, new, begun):
        if self.is_inside(new):
            self.add("link", begun, old, new)
            self.sizes[new] = self.sizes.get(old, 0)

    def call_link(self, pid, words, result, begun, tail):
        self.linked(self.path(words[0]), self.path(words[1]), begun)

    def call_linkat(self, pid, words, result, begun, tail):
        self.linked(self.name(*words[:2]), self.name(*words[2:4]), begun)


class Recorder:
    """Runs commands under strace, one after the other, in one folder."""

    def __init__(self, program, folder, disk_folder):
        self.program, self.folder, self.reader = program, folder, Reader(disk_folder)

    def record(self, arguments):
        """The events of one more command; it must succeed."""
        output, first = self.folder / "strace", len(self.reader.events)
        words = traced(self.program, arguments, self.folder, output)
        launch = Launch(words[0], words[1:], self.folder)
        if launch.finish() != 0:
            raise Failure(f"{launch}: exit {launch.process.returncode}\n{launch.said()}")
        with open(output, encoding="ascii") as lines:
            for line in lines:
                self.reader.take(line.rstrip("\n"))
        output.unlink()
        return self.reader.events[first:]
