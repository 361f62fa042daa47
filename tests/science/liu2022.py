# SPDX-License-Identifier: MIT
"""The figures of Liu et al. (NeurIPS 2022) that the `addition` experiment has to reproduce, each
computed from finished cubes and compared with its tolerance.

Ids: A2 is figure 4a, A4 figure 3, A5 and A6 the time to a good representation and the order of the crossings,
A7 figure 6a, A8 and A9 figure 6b, C6 figure 6c. A seed is *eligible* when its split lets the ideal
test accuracy reach 0.9, and *good* when, besides, its default run (learning rates 1e-3 and 1e-4,
no weight decay, 45 of 55 pairs) reaches RQI > 0.95 within 10,000 steps: in the others the embedding
freezes in a wrong order, and the run memorises whatever the hyperparameters.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

REFERENCE = Path(__file__).parent / "data" / "liu2022_addition_decoder_lr_x_weight_decay.h5"
DEFAULTS = {"representation_lr": 1e-3, "decoder_lr": 1e-4, "weight_decay": 0.0}
GOOD_WITHIN = 10_000
LAG = 1000


@dataclass
class Figure:
    """One published figure and ours. `passed` is None where nothing is asked of it."""
    id: str
    what: str
    asked: str
    paper: str
    found: str
    passed: bool | None


def pairs(p):
    """(samples, 2): the unordered pairs i <= j in the order of the samples."""
    return np.array([(i, j) for i in range(p) for j in range(i, p)])


def times(steps):
    """Crossings as numbers: never is infinite."""
    return np.where(steps < 0, np.inf, steps.astype(float))


def share(mask):
    return float(np.mean(mask)) if np.size(mask) else float("nan")


# Figure 3: accuracy against what the learned embedding predicts.

def realised(embedding, tolerance=0.01):
    """(samples, samples): do two pairs have one place in the normalised embedding (p, d)?"""
    z = (embedding - embedding.mean(axis=0)) / embedding.std(axis=0, ddof=1)
    first, second = pairs(len(embedding)).T
    place = z[first] + z[second]
    return np.mean((place[:, None] - place[None]) ** 2, axis=-1) < tolerance


def predicted_accuracy(embedding, train_mask):
    """Share of all pairs that are seen, or meet a seen pair of the same sum."""
    sums = pairs(len(embedding)).sum(axis=1)
    meets = realised(embedding) & (sums[:, None] == sums[None])
    return share(train_mask | (meets & train_mask[None]).any(axis=1))


def accuracies(cube):
    """(runs, 2): accuracy over all pairs at the last step, and the predicted one."""
    train = cube["train_mask"].astype(bool)
    count, total = train.sum(axis=-1), train.shape[-1]
    seen, unseen = cube["train_accuracy"][..., -1], cube["test_accuracy"][..., -1]
    found = (seen * count + unseen * (total - count)) / total
    embeddings = cube["embeddings"][..., -1, :, :].astype(float)
    return np.array([(found[run], predicted_accuracy(embeddings[run], train[run]))
                     for run in np.ndindex(found.shape)])


def figure_3(cube):
    found, predicted = accuracies(cube).T
    correlation = np.corrcoef(found, predicted)[0, 1]
    error = np.mean(np.abs(found - predicted))
    return [Figure("A4", "accuracy against predicted accuracy: correlation", "> .98", ".996",
                   f"{correlation:.3f}", correlation > 0.98),
            Figure("A4", "accuracy against predicted accuracy: mean difference", "< .05", ".019",
                   f"{error:.3f}", error < 0.05)]


# Figure 4a: splits whose only solution is the number line.

def figure_4a(cube):
    """A2, from a cube of many splits over train_count; the authors drew 10,000 a size."""
    unique = {count: share(cube["nullity"][cube.where(train_count=count)] == 2)
              for count in cube.axes["train_count"]}
    splits = len(cube.axes["seed"])
    figures = [Figure("A2", "splits a size", ">= 2,000", "10,000", f"{splits:,}", splits >= 2000)]
    for count, paper in {20: 0.175, 22: 0.427, 23: 0.580, 25: 0.803, 30: 0.981}.items():
        figures.append(Figure("A2", f"4a: number line alone, {count} of 55 pairs", "+-.03",
                              f"{paper:.3f}", f"{unique[count]:.3f}",
                              abs(unique[count] - paper) <= 0.03))
    half = min(count for count, found in unique.items() if found >= 0.5)
    return figures + [Figure("A2", "4a: size that crosses one half", "23", "23", f"{half}",
                             half == 23)]


# Figure 4: when a good representation is there, and what comes first.

def rqi_times(cube):
    """(seeds): steps until RQI > 0.95 in a cube with no axis but the seed."""
    found = times(cube["steps_to_rqi"]).ravel()
    return np.where(found <= GOOD_WITHIN, found, np.inf)


def few_samples(cube):
    reached = share(np.isfinite(rqi_times(cube)))
    return [Figure("A5", f"RQI > .95 in 1e4 steps, {cube.setting('train_count')} pairs",
                   "<= 5 % of >= 40 seeds", "-", f"{reached:.0%} of {cube_seeds(cube)}",
                   reached <= 0.05 and cube_seeds(cube) >= 40)]


def many_samples(cube):
    reached = rqi_times(cube)
    at = np.isfinite(reached)
    median = float(np.median(reached[at])) if at.any() else np.inf
    return [Figure("A5", "RQI > .95 in 1e4 steps, 45 pairs", "50-80 % of >= 100 seeds",
                   "66 % (independent code)", f"{share(at):.0%} of {cube_seeds(cube)}",
                   0.5 <= share(at) <= 0.8 and cube_seeds(cube) >= 100),
            Figure("A5", "median step of those", "600-1,000", "800", f"{median:,.0f}",
                   600 <= median <= 1000)]


def cube_seeds(cube):
    return int(cube.finished.sum())


def order_of_crossings(cube):
    """A6, from default runs of many seeds: the good ones."""
    good = good_seed_mask(cube)
    rqi, train, test = (times(cube[f"steps_to_{name}"]).reshape(-1)[good]
                        for name in ("rqi", "train", "test"))
    ranges = [("RQI > .95", rqi, 650, 950, "800"), ("training accuracy", train, 1150, 1500, "1,130"),
              ("test accuracy", test, 1500, 2300, "1,530")]
    figures = [Figure("A6", f"median step, {name}", f"{low:,}-{high:,}", paper,
                      f"{np.median(found):,.0f}", low <= np.median(found) <= high)
               for name, found, low, high, paper in ranges]
    first, strict = share(rqi < np.minimum(train, test)), share((rqi < train) & (train < test))
    return [Figure("A6", "good seeds", ">= 40", "1", f"{good.sum()} of {good.size}",
                   good.sum() >= 40)] + figures + [
        Figure("A6", "RQI before both accuracies", ">= 95 %", "yes", f"{first:.0%}", first >= 0.95),
        Figure("A6", "RQI, then training, then test", ">= 65 %", "yes", f"{strict:.0%}",
               strict >= 0.65)]


# Maps: majority over good seeds.

def good_seed_mask(cube):
    """(seeds): by the default run, which has to be a cell of the cube."""
    cell = default_cell(cube)
    ideal = cube["ideal_test_accuracy"][cell]
    reached = times(cube["steps_to_rqi"][cell])
    return cube.finished[cell] & (ideal >= 0.9) & (reached <= GOOD_WITHIN)


def default_cell(cube):
    for name, value in DEFAULTS.items():
        if name not in cube.axes and not np.isclose(cube.setting(name), value):
            raise LookupError(f"the cube has no default run: its {name} is {cube.setting(name)}")
    return cube.where(**{name: DEFAULTS.get(name) for name in list(cube.axes)[:-1]})


def majority(letters):
    """The phase that most finished runs have; of equally many, that of the earlier seed."""
    ended = [letter for letter in letters if letter != "-"]
    counts = Counter(ended)
    return max(counts, key=lambda letter: (counts[letter], -ended.index(letter))) if ended else "-"


@dataclass
class Map:
    """Phases over two axes: rows (decoder learning rates), columns."""
    rows: np.ndarray
    columns: np.ndarray
    runs: np.ndarray     # (rows, columns, good seeds): letters
    majority: np.ndarray  # (rows, columns): letters
    seeds: list          # the good ones
    seeds_seen: int


def phase_map(cube, columns):
    """The cube's map over (decoder_lr, columns), good seeds only."""
    if list(cube.axes) not in (["decoder_lr", columns, "seed"], [columns, "decoder_lr", "seed"]):
        raise ValueError(f"the axes are {list(cube.axes)}, not decoder_lr, {columns} and seed")
    good = good_seed_mask(cube)
    runs = cube.phase_letters()[..., good]
    if list(cube.axes)[0] == columns:
        runs = runs.transpose(1, 0, 2)
    return Map(cube.axes["decoder_lr"], cube.axes[columns], runs,
               np.array([[majority(runs[i, j]) for j in range(runs.shape[1])]
                         for i in range(runs.shape[0])]),
               [int(seed) for seed in cube.axes["seed"][good]], len(good))


def seed_count(id, name, found):
    return Figure(id, f"{name}: good seeds", ">= 5", "1", f"{len(found.seeds)} of "
                  f"{found.seeds_seen}", len(found.seeds) >= 5)


def figure_6a(found):
    """A7. The page's 2e-5 is the second of 13 rates to one digit: its 36 cells exclude the lowest."""
    decoder, representation = np.meshgrid(found.rows, found.columns, indexing="ij")
    ratio = decoder / representation * (1 + 1e-9)
    fast = ratio >= 3
    slow = (decoder / representation <= 0.1 * (1 + 1e-9)) & (decoder > 1.7e-5) & \
        (representation > 0.99e-4)
    ended = found.runs[fast] != "-"
    stays = share(~np.isin(found.runs[fast][ended], ["C", "G"]))
    generalises = share(np.isin(found.majority[slow], ["C", "G"]))
    return [seed_count("A7", "6a", found),
            Figure("A7", "6a: decoder faster than 3 times the embedding: runs that do not "
                   "generalise", ">= 95 %", "66/66", f"{stays:.1%} of {ended.sum()} runs",
                   stays >= 0.95),
            Figure("A7", "6a: decoder slower than a tenth: cells that generalise", ">= 85 %",
                   "36/36", f"{generalises:.0%} of {slow.sum()} cells",
                   generalises >= 0.85)]


def largest_region(mask):
    """The largest set of cells that hang together by their sides."""
    left, best = set(zip(*np.nonzero(mask))), set()
    while left:
        region, edge = set(), [left.pop()]
        while edge:
            i, j = edge.pop()
            region.add((i, j))
            near = {(i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)} & left
            left -= near
            edge.extend(near)
        best = max(best, region, key=len)
    return best


def touches(letters, one, other):
    """Does the largest region of `one` share a side with a cell of `other`?"""
    cells = set(zip(*np.nonzero(letters == other)))
    return any({(i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)} & cells
               for i, j in largest_region(letters == one))


def block(found, low, high, first, last):
    """Letters of the cells with decoder learning rate in [low, high], column in [first, last]."""
    rows = (found.rows >= low * 0.999) & (found.rows <= high * 1.001)
    columns = (found.columns >= first - 1e-9) & (found.columns <= last + 1e-9)
    return found.majority[np.ix_(rows, columns)]


def figure_6b_layout(found):
    corners = [("(1e-2, 0) memorises", (1e-2, 1e-2, 0, 0), "M"),
               ("(1e-2, 10) confuses", (1e-2, 1e-2, 10, 10), "F"),
               ("(1e-4, 0-3) comprehends", (1e-4, 1e-4, 0, 3), "C"),
               ("(1e-5..4e-5, 0-7) groks", (1e-5, 4e-5, 0, 7), "G")]
    figures = [seed_count("A8", "6b", found)]
    for what, where, letter in corners:
        cells = block(found, *where)
        figures.append(Figure("A8", f"6b: {what}", "all", "all",
                              f"{np.sum(cells == letter)}/{cells.size} cells"
                              + (f" ({''.join(cells.ravel())})" if cells.size <= 4 else ""),
                              bool(np.all(cells == letter))))
    present = [letter for letter in "CGMF" if np.any(found.majority == letter)]
    meets = touches(found.majority, "G", "C")
    return figures + [
        Figure("A8", "6b: phases present", "C G M F", "C G M F", " ".join(present),
               len(present) == 4),
        Figure("A8", "6b: the grokking region touches comprehension", "yes", "yes",
               "yes" if meets else "no", meets)]


def letters_from_steps(train, test, never):
    """Phases of first crossings; a lag of exactly 1,000 steps is comprehension."""
    trained, tested = train != never, test != never
    lag = np.where(trained & tested, test - train, 0)
    return np.select([trained & tested & (lag <= LAG), trained & tested, trained, ~tested],
                     ["C", "G", "M", "F"], "X")


def reference_map():
    """Figure 6b as the authors published it: rows, columns, letters."""
    with h5py.File(REFERENCE, "r") as file:
        # Their training step is one less than ours, their test step the same.
        train, test = (file[name][...].astype(int) for name in ("train_steps", "test_steps"))
        letters = letters_from_steps(np.where(train == 99999, train, train + 1), test, 99999)
        return file["learning_rate"][...], file["weight_decay"][...].astype(float), letters


def cohen_kappa(a, b):
    """Agreement beyond that of independent labels with the same shares."""
    a, b = np.ravel(a), np.ravel(b)
    agreement = share(a == b)
    chance = sum(share(a == letter) * share(b == letter) for letter in np.unique(a))
    return (agreement - chance) / (1 - chance)


def interior(letters):
    """Cells with eight neighbours that all have the cell's own label."""
    mask = np.zeros(letters.shape, bool)
    for i in range(1, letters.shape[0] - 1):
        for j in range(1, letters.shape[1] - 1):
            mask[i, j] = np.all(letters[i - 1:i + 2, j - 1:j + 2] == letters[i, j])
    return mask


def figure_6b_cells(found):
    rows, columns, theirs = reference_map()
    if not (np.allclose(found.rows, rows, rtol=1e-6) and np.allclose(found.columns, columns)):
        raise ValueError(f"the axes differ from the authors' map: {found.rows}, {found.columns}")
    same = found.majority == theirs
    inside = interior(theirs)
    kappa = cohen_kappa(theirs, found.majority)
    return [Figure("A9", "6b: cells as in the authors' file", ">= 60 %", "-", f"{share(same):.0%}",
                   share(same) >= 0.6),
            Figure("A9", "6b: Cohen's kappa", ">= .4", "-", f"{kappa:.2f}",
                   kappa >= 0.4),
            Figure("A9", f"6b: the {inside.sum()} cells whose 8 neighbours share their label",
                   ">= 85 %", "-", f"{share(same[inside]):.0%}",
                   share(same[inside]) >= 0.85)]


def figure_6c(found):
    counts = {"C": 30, "G": 85, "M": 50, "F": 11}
    figures = [seed_count("C6", "6c", found)]
    for letter, count in counts.items():
        ours = share(found.majority == letter)
        figures.append(Figure("C6", f"6c: share of {letter}", "within 15 points",
                              f"{count / 176:.0%}", f"{ours:.0%}",
                              abs(ours - count / 176) <= 0.15))
    return figures


# Which figures a cube holds, by its axes and task.

def map_of(cube):
    """(name of the map, Map), or None."""
    axes = set(cube.axes) - {"seed"}
    if axes == {"decoder_lr", "representation_lr"}:
        return "6a", phase_map(cube, "representation_lr")
    if axes == {"decoder_lr", "weight_decay"}:
        name = "6b" if cube.setting("task") == "regression" else "6c"
        return name, phase_map(cube, "weight_decay")
    return None


MAP_FIGURES = {"6a": figure_6a,
               "6b": lambda found: figure_6b_layout(found) + figure_6b_cells(found),
               "6c": figure_6c}


def figures_of(cube):
    """Every figure that the cube can answer; ValueError when there is none."""
    axes = set(cube.axes) - {"seed"}
    found = map_of(cube)
    if found is not None:
        name, judged = found
        return MAP_FIGURES[name](judged) if judged.seeds else [seed_count(name, name, judged)]
    if axes == {"train_count"}:
        return figure_4a(cube) if cube.setting("steps") == 1 else figure_3(cube)
    if not axes and cube.setting("train_count") <= 20:
        return few_samples(cube)
    if not axes and cube.setting("train_count") == 45:
        return many_samples(cube) + order_of_crossings(cube)
    raise ValueError(f"no figure of the paper has the axes {sorted(axes)} and train_count "
                     f"{cube.job['settings'].get('train_count')}")
