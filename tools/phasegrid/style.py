# SPDX-License-Identifier: MIT
"""What the pictures share: colours that differ in lightness, so that they hold in grey, and axes
with true values."""

import textwrap

import numpy as np

# Colour, letter. The lightness falls from comprehension to confusion; the letter says it again.
PHASES = {
    "comprehension": ("#d4ebb0", "C"),
    "grokking": ("#f0a54a", "G"),
    "memorization": ("#4f86bd", "M"),
    "confusion": ("#513366", "F"),
    "generalization_only": ("#a3d6d8", "T"),
    "diverged": ("#1a1a1a", "×"),
    "not_run": ("#ffffff", ""),
}
# Phases of other experiments, in order of appearance.
SPARE = ("#e3c7dd", "#b98d6a", "#6f9d6f", "#8a4f4f", "#3f4f7a", "#bfbfbf")

NO_BREAK = "\u00a0"
INK, MUTED, RULE = "#222222", "#666666", "#d9d9d9"
TRAIN, TEST, ORDER = "#2b6ca3", "#c8541d", "#4a7f2c"

RC = {
    "font.size": 10, "axes.titlesize": 11, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.edgecolor": MUTED, "axes.labelcolor": INK, "text.color": INK, "xtick.color": INK,
    "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False, "figure.dpi": 150,
    "savefig.dpi": 150, "legend.frameon": False, "axes.unicode_minus": True, "hatch.linewidth": 0.6,
}


def phase_styles(names):
    """{name: (colour, letter)} for every phase; letters are distinct."""
    styles, spare = {}, iter(SPARE * (1 + len(names) // len(SPARE)))
    for name in names:
        colour, letter = PHASES.get(name) or (next(spare), name[0].upper())
        taken = {used for _, used in styles.values()}
        while letter in taken and letter:
            letter = next((c for c in name.upper() if c not in taken), "?" + str(len(taken)))
        styles[name] = (colour, letter)
    return styles


def lightness(colour):
    """Relative luminance, 0 (black) to 1 (white), of '#rrggbb'."""
    channels = np.array([int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def ink_on(colour):
    """The ink that is legible on a colour."""
    return INK if lightness(colour) > 0.25 else "#ffffff"


def spacing(values):
    """'log', 'linear' or 'index': the scale on which an axis's values stand evenly."""
    if values.dtype.kind not in "iuf" or len(values) < 3:
        return "index"
    numbers = values.astype(float)
    if even(numbers):
        return "linear"
    if np.all(numbers > 0) and even(np.log(numbers)):
        return "log"
    return "index"


def even(numbers):
    """True when the steps are equal within rounding of the values."""
    steps = np.diff(numbers)
    return bool(np.all(steps * steps[0] > 0) and np.allclose(steps, steps[0], rtol=1e-3))


def format_value(value, powers=False):
    """An axis value for people: 0.02, 45, 1.58×10⁻⁵, 5-4-6-3."""
    if not isinstance(value, (int, float, np.number)):
        return str(value)
    if value == 0 or (not powers and 1e-3 <= abs(value) < 1e5):
        return f"{value:.4g}" if not float(value).is_integer() else f"{int(value)}"
    mantissa, exponent = f"{value:.2e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    power = f"10^{{{int(exponent)}}}"
    return f"${power}$" if mantissa == "1" else f"${mantissa}\\!\\times\\!{power}$"


def format_values(values):
    """Labels of an axis: powers of ten for all numbers as soon as one needs them."""
    if values.dtype.kind not in "iuf":
        return [str(value) for value in values]
    numbers = np.abs(values[values != 0].astype(float))
    wide = numbers.size > 0 and bool(np.any((numbers < 1e-3) | (numbers >= 1e5)))
    return [format_value(value, powers=wide) for value in values.tolist()]


def zipped(sweep, dim):
    """The settings that move together along a zipped axis; none for any other axis."""
    return [name for name in sweep.coords if name != dim and sweep[name].dims == (dim,)]


def tick_labels(sweep, dim, separator):
    """Labels of an axis's values; of a zipped axis, the values of all its settings."""
    columns = [format_values(sweep[name].values) for name in zipped(sweep, dim) or [dim]]
    return [separator.join(row) for row in zip(*columns)]


def axis_label(sweep, dim):
    """'weight decay', 'time (unit)', 'step', or 'pair: decoder width, decoder lr' for a zipped axis."""
    members = ", ".join(member.replace("_", " ") for member in zipped(sweep, dim))
    name, units = dim.replace("_", " "), sweep[dim].attrs.get("units", "1")
    said = units in ("1", "") or units.rstrip("s") == name.rstrip("s")
    return (name if said else f"{name} ({units})") + (members and f": {members}")


def describe(sweep, names):
    """'decoder_lr = 0.001, weight_decay = 2' of the coordinates with one value."""
    parts = (f"{name.replace('_', ' ')} = {format_value(sweep[name].item())}" for name in names
             if name in sweep.coords and sweep[name].ndim == 0)
    return ",  ".join(parts)


def panel_title(sweep, dim, index, inches=2.8):
    """What a panel's value of the axis is, in lines that fit into so many inches and break between settings;
    of many zipped settings those that are not as in the first."""
    names = [name for name in zipped(sweep, dim) if len(np.unique(sweep[name])) > 1] or [dim]
    if len(names) > 3 and index > 0:
        names = [name for name in names if sweep[name].values[index] != sweep[name].values[0]]
    settings = [describe(sweep.isel({dim: index}), [name]).replace(" ", NO_BREAK) for name in names]
    return textwrap.fill(",  ".join(settings), int(16 * inches), break_long_words=False,
                         break_on_hyphens=False).replace(NO_BREAK, " ")


def write_title(figure, head, detail=""):
    """Head in bold at the top left, as much of the detail as fits in one line below it."""
    detail = textwrap.shorten(detail, int(14.5 * figure.get_figwidth()), placeholder=" …")
    figure.suptitle(head + ("\n" if detail else ""), x=0.01, ha="left", fontsize=12,
                    fontweight="bold", color=INK)
    figure.text(0.01, 1 - 20 / (72 * figure.get_figheight()), detail, va="top", fontsize=9,
                color=MUTED)


def single_coordinates(sweep):
    """Names of the coordinates that have one value."""
    return [name for name in sweep.coords if sweep[name].ndim == 0]


def label_stride(labels, room, upright=False):
    """Every which label fits into `room` points of an axis."""
    plain = [label.replace("\\!", "").replace("\\times", "x").strip("$").replace("^{", "")
             .replace("}", "") for label in labels]
    widest = max(len(line) for label in plain for line in label.split("\n"))
    each = 13 if upright else 7 + 5.6 * widest
    return max(1, int(np.ceil(len(labels) * each / room)))
