"""`phasegrid superposition`: the phases of the toy model, against the published table and critical n
(Chen et al. 2023, arXiv:2310.06301)."""

import pytest

from command import listing, phasegrid


def test_phases():
    table = {row["phase"]: row for row in listing("superposition")}
    assert list(table) == ["4", "4+", "4++", "5", "5+", "6"]
    losses = [0.111111, 0.104167, 0.097222, 0.068744, 0.061799, 0.048192]
    assert [row["loss"] for row in table.values()] == pytest.approx(losses, abs=1e-6)
    assert [row["lambda"] for row in table.values()] == [7.5, 8, 8.5, 7, 8.5, 8.5]
    assert [row["hessian_rank"] for row in table.values()] == [None, None, None, 14, 17, 17]
    assert [table[phase]["negative"] for phase in ("5", "5+", "6")] == [0, 0, 0]
    assert (table["5"]["length"], table["5"]["bias"]) == pytest.approx((1.170460, -0.282297), abs=1e-5)


def test_saddle():
    saddle = next(row for row in listing("superposition", "-c", 7) if row["phase"] == "5+")
    assert saddle["negative"] > 0 and saddle["lambda"] is None


@pytest.mark.parametrize("phases, n", [(("5", "6"), 601), (("4+=5", "5=7"), 381), (("4=4.5", "5"), 390),
                                       (("5+", "6"), 202), (("5", "5+"), 1593)])
def test_critical_n(phases, n):
    assert listing("superposition", *phases)["critical_n"] == pytest.approx(n, abs=0.5)


def test_no_critical_n():
    assert listing("superposition", "5", "5")["critical_n"] is None


@pytest.mark.parametrize("arguments, said", [
    (["x", "5"], "found 'x', expected a phase such as 5, 4+ or 4+=5"),
    (["5=", "6"], "found '5='"),
    (["5++", "6"], "phase 5++ has 7 columns, expected at most the 6 features"),
    (["-c", "9", "9", "5"], "there is no 9-gon"),
    (["-c", "7", "5+", "6"], "5+ is a saddle and has no volume exponent"),
    (["5"], "a second phase is needed"),
    (["-c", "17"], "--features"),
])
def test_wrong_use(arguments, said):
    result = phasegrid("superposition", *arguments)
    assert result.returncode == 1
    assert said in result.stderr
