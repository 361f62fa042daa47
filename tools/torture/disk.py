# SPDX-License-Identifier: MIT
"""A disk that may lose its power: what is surely on it, what is still on its way, and the states
that a crash may leave.

The rules are those of POSIX, not of one file system. Of a file, everything before its last sync is
there. Of what came later, each sector of 512 bytes is as it was after any number of the writes that
touched it (a later write to a sector contains the earlier one), and the size is any that the file
had since; bytes that were never written read as 0. Names are their folder's: each change since the
folder's last sync is there or not, whatever became of the file's bytes. A rename is there or not,
never half.
"""

import hashlib

SECTOR = 512


class Inode:
    """One file: bytes on disk, and changes on their way, as (order, kind, ...)."""

    def __init__(self):
        self.durable = bytearray()
        self.pending = []  # (order, "write", offset, data) or (order, "size", size)
        self.size = 0  # with all changes

    def write(self, order, offset, data):
        self.pending.append((order, "write", offset, data))
        self.size = max(self.size, offset + len(data))

    def resize(self, order, size):
        """What is cut off reads as 0 when the file grows again."""
        if size < self.size:
            self.pending.append((order, "write", size, bytes(self.size - size)))
        self.pending.append((order, "size", size))
        self.size = size

    def grow(self, order, size):
        if size > self.size:
            self.resize(order, size)

    def sync(self, before):
        """Changes that were complete when the sync began are on disk."""
        done = [change for change in self.pending if change[0] < before]
        self.pending = [change for change in self.pending if change[0] >= before]
        content, size = bytearray(self.durable), len(self.durable)
        for change in done:
            size = apply(content, size, change)
        self.durable = fit(content, size)

    def crashed(self, random):
        """Its bytes after a crash."""
        counts = {}
        for change in self.pending:
            for sector in sectors(change):
                counts[sector] = counts.get(sector, 0) + 1
        kept = choose_counts(counts, self.pending, random)
        content, sizes = bytearray(self.durable), [len(self.durable)]
        for change in self.pending:
            for sector in sectors(change):
                if kept[sector] > 0:
                    kept[sector] -= 1
                    apply_sector(content, change, sector)
            sizes.append(size_after(sizes[-1], change))
        return bytes(fit(content, choose_size(sizes, random)))


def sectors(change):
    """Numbers of the sectors that a write touches."""
    if change[1] != "write" or not change[3]:
        return range(0)
    return range(change[2] // SECTOR, (change[2] + len(change[3]) - 1) // SECTOR + 1)


def size_after(size, change):
    return max(size, change[2] + len(change[3])) if change[1] == "write" else change[2]


def put(content, offset, data):
    if len(content) < offset + len(data):
        content.extend(bytes(offset + len(data) - len(content)))
    content[offset:offset + len(data)] = data


def apply(content, size, change):
    """The whole change; returns the new size."""
    if change[1] == "write":
        put(content, change[2], change[3])
    return size_after(size, change)


def apply_sector(content, change, sector):
    """The part of a write that is in one sector."""
    offset, data = change[2], change[3]
    begin, end = max(offset, sector * SECTOR), min(offset + len(data), (sector + 1) * SECTOR)
    put(content, begin, data[begin - offset:end - offset])


def fit(content, size):
    """Cut or lengthened to the size."""
    return content[:size] + bytes(max(0, size - len(content)))


def choose_counts(counts, pending, random):
    """{sector: how many of the writes to it are there}, in one of several manners: what goes wrong
    with a protocol shows in the rare ones (all but one write, one write alone)."""
    manner = random.choice(["none", "all", "any", "few", "most", "one", "but one"])
    if manner in ("one", "but one") and pending:
        chosen = set(sectors(random.choice(pending)))
        return {sector: count if (sector in chosen) == (manner == "one") else 0
                for sector, count in counts.items()}
    share = {"none": 0.0, "all": 1.0, "few": 0.05, "most": 0.95}.get(manner)
    if share is None:
        return {sector: random.randint(0, count) for sector, count in counts.items()}
    return {sector: count if random.random() < share else 0 for sector, count in counts.items()}


def choose_size(sizes, random):
    return random.choice([sizes[0], sizes[-1], random.choice(sizes)])


class Nothing:
    """Chooses, where random chooses: nothing that is not surely there."""

    @staticmethod
    def choice(options):
        return options[0]

    @staticmethod
    def random():
        return 1.0


class Disk:
    """One folder and its files."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.names = {}  # path: inode, as processes see it
        self.durable = {}  # the same, surely on disk
        self.pending = []  # (order, "link", path, inode), (order, "unlink", path, inode),
        #                    (order, "rename", old, new, inode)
        self.order = 0

    def take(self, event):
        """One event of trace.py."""
        kind, begun, path, *rest = event
        self.order = max(self.order + 1, begun)
        if kind == "sync" and path == self.folder:
            self.sync_names(begun)
        elif kind == "create":
            self.change((self.order, "link", path, Inode()))
        elif kind == "rename":
            self.change((self.order, "rename", path, rest[0], self.names[path]))
        elif kind == "link":
            self.change((self.order, "link", rest[0], self.names[path]))
        elif path in self.names:
            self.change_file(kind, begun, path, rest)

    def change_file(self, kind, begun, path, rest):
        inode = self.names[path]
        if kind == "write":
            inode.write(self.order, *rest)
        elif kind == "size":
            inode.resize(self.order, *rest)
        elif kind == "grow":
            inode.grow(self.order, *rest)
        elif kind == "sync":
            inode.sync(begun)
        elif kind == "unlink":
            self.change((self.order, "unlink", path, inode))

    def change(self, change):
        self.pending.append(change)
        change_names(self.names, change)

    def sync_names(self, begun):
        for change in self.pending:
            if change[0] < begun:
                change_names(self.durable, change)
        self.pending = [change for change in self.pending if change[0] >= begun]

    def crashed(self, random):
        """{path: bytes} after a crash."""
        names, share = dict(self.durable), random.choice([0.0, 1.0, 0.5])
        for change in self.pending:
            if random.random() < share:
                change_names(names, change)
        return {path: inode.crashed(random) for path, inode in names.items()}

    def surely(self):
        """The state in which nothing is there that need not be."""
        return self.crashed(Nothing)


def change_names(names, change):
    """A change of names, also where one before it is lost."""
    kind, inode = change[1], change[-1]
    if kind == "link":
        names[change[2]] = inode
    elif kind == "unlink" and names.get(change[2]) is inode:
        del names[change[2]]
    elif kind == "rename":
        if names.get(change[2]) is inode:
            del names[change[2]]
        names[change[3]] = inode


def fingerprint(state):
    """Equal for equal states."""
    digest = hashlib.sha256()
    for path in sorted(state):
        digest.update(path.encode() + b"\0" + hashlib.sha256(state[path]).digest())
    return digest.hexdigest()
