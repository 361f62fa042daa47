# SPDX-License-Identifier: MIT
"""The rates as a table for people, and as JSON."""

OURS = "phasegrid"


def best_rows(rows):
    """The fastest variant of each peer and version."""
    best = {}
    for row in rows:
        kind = row.peer, row.version
        if kind not in best or row.rate > best[kind].rate:
            best[kind] = row
    return list(best.values())


def ours_among(rows):
    """Our fastest row, or None."""
    return next((row for row in best_rows(rows) if row.peer == OURS), None)


def ratio(row, ours):
    """Ours over the peer's; None for our own rows, or without ours."""
    return None if ours is None or row.peer == OURS else ours.rate / row.rate


def loss_text(row):
    """How far training came: it is trained, not pretended."""
    if row.first_loss is None:
        return "-"
    return f"{row.first_loss:.2g} -> {row.last_loss:.2g}"


def cells(row, best, ours):
    """One line of the table."""
    times = ratio(row, ours)
    return [("* " if row in best else "  ") + row.peer, row.version, row.variant, f"{row.rate:.0f}",
            f"{min(row.rates):.0f} .. {max(row.rates):.0f}", loss_text(row),
            "-" if times is None else f"{times:.2f}"]


HEAD = ["  peer", "version", "variant", "steps/CPU-s", "rounds", "loss", "ours/peer"]


def print_table(rows):
    """All rows of one workload, fastest first; the best variant of each peer has a star."""
    best, ours = best_rows(rows), ours_among(rows)
    ordered = sorted(rows, key=lambda row: -row.rate)
    lines = [HEAD] + [cells(row, best, ours) for row in ordered]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())


def as_json(rows):
    """A list of objects, in the order of measuring."""
    ours = ours_among(rows)
    return [{"workload": row.workload, "peer": row.peer, "version": row.version,
             "variant": row.variant, "models": row.models, "steps_per_cpu_s": row.rate,
             "rounds": row.rates, "cpu_per_wall": row.busy or None, "first_loss": row.first_loss,
             "last_loss": row.last_loss, "ours_over_peer": ratio(row, ours)} for row in rows]
