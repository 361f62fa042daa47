# SPDX-License-Identifier: MIT
"""The effective theory of van Rossem and Saxe (2024) in (h, y, w), as the paper writes it, and its fit by
scipy: apart from the program's own, which integrates other variables by another method."""

import itertools

import numpy as np
from scipy import integrate, optimize

# Factors of: h'; y'; the encoder's term of y'; the encoder's term of w'. One that is right, four wrong ones.
EQUATIONS = {"theory": (1, 1, 1, 1), "y' doubled": (1, 2, 1, 1), "h' doubled": (2, 1, 1, 1),
             "encoder's term of w' flipped": (1, 1, 1, -1), "no encoder's term in y'": (1, 1, 0, 1)}
THEORY = EQUATIONS["theory"]
EVALUATIONS = 20000  # of the slopes: the theory takes some 600; a wrong equation can let h fall, where y / h is stiff


class TooStiffError(Exception):
    """An integration used up its evaluations."""


def curves(steps, start, rates, x2, y2, factors=THEORY):
    """(steps, 3): h, y, w from a start at the first step, one unit of time a step; None: it failed, or
    took more than EVALUATIONS."""
    encoder, decoder = rates
    of_h, of_y, of_encoder_y, of_encoder_w = factors
    left = itertools.count(EVALUATIONS, -1)

    def slopes(_, state):
        if not next(left):
            raise TooStiffError
        h, y, w = state
        h = max(h, 1e-12)
        return (-of_h * encoder * x2 * w,
                -of_y * w * (decoder * h + of_encoder_y * encoder * x2 * y / h),
                -0.5 * decoder * h * (3 * w - y + y2) -
                of_encoder_w * 0.5 * encoder * x2 * (y + w) * w / h)

    try:
        with np.errstate(all="ignore"):
            found = integrate.solve_ivp(slopes, (steps[0], steps[-1]), start, "DOP853", steps, rtol=1e-7,
                                        atol=1e-10)
    except TooStiffError:
        return None
    return found.y.T if found.success and np.all(np.isfinite(found.y)) else None


def misses(log_rates, steps, states, x2, y2, factors):
    """Residuals of all three, in one row."""
    found = curves(steps, states[0], np.exp(log_rates), x2, y2, factors)
    return (found - states).ravel() if found is not None else np.full(states.size, 1e3)


def fit(steps, states, first, x2, y2, factors=THEORY):
    """(rates, sum of squares) of the best of several searches around the first rates."""
    best = None
    for begin in ((1, 1), (2.5, 0.4), (0.4, 2.5)):
        found = optimize.minimize(
            lambda logs: np.sum(misses(logs, steps, states, x2, y2, factors) ** 2),
            np.log(np.array(first) * begin), method="Nelder-Mead",
            options={"xatol": 1e-4, "fatol": 1e-9, "maxiter": 150})
        if best is None or found.fun < best.fun:
            best = found
    return np.exp(best.x), best.fun


def errors(steps, states, rates, x2, y2):
    """Standard errors from the curvature: s^2 (J' J)^-1 in logarithms, times the rates."""
    begin = np.log(rates)
    jacobian = np.stack([(misses(begin + side, steps, states, x2, y2, THEORY) -
                          misses(begin - side, steps, states, x2, y2, THEORY)) / 2e-4
                         for side in 1e-4 * np.eye(2)], axis=1)
    squares = np.sum(misses(begin, steps, states, x2, y2, THEORY) ** 2)
    freedom = states.size - 5
    return rates * np.sqrt(np.diag(np.linalg.inv(jacobian.T @ jacobian)) * squares / freedom)


def compare(steps, states, first, x2, y2):
    """{name: (rates, squares)} of the theory and of the wrong equations, each with rates of its own and the
    sum of squares over the theory's."""
    found = {name: fit(steps, states, first, x2, y2, factors) for name, factors in EQUATIONS.items()}
    right = found["theory"][1]
    return {name: (rates, squares / right) for name, (rates, squares) in found.items()}
