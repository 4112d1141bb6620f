"""Rows: an operator, cases of it, and its documented steps. A module of this folder has those of one family."""
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Given:
    """One node. Float inputs are float32 arrays, or a Typed where the type does not follow the mode."""

    inputs: list
    attributes: dict = field(default_factory=dict)
    outputs: int = 1


@dataclass
class Typed:
    """A float input that has a type of its own (float32) in every mode, or that the steps must see as it is."""

    array: np.ndarray


@dataclass(frozen=True)
class Row:
    kind: str
    domain: str
    given: Callable  # (random generator) -> Given
    steps: Callable  # (Arithmetic, *inputs, **attributes) -> Number, array, or list of them
    declared: bool  # whether ONNX lets the operator's inputs be float16 and bfloat16
    rounds: int  # cases of one seed
    opset: int
    bfloat16: bool  # whether declared bfloat16 is allowed too
    throughout: bool  # only where each step is rounded, and elementary functions are exact

    @property
    def name(self):
        return f"{self.domain}.{self.kind}" if self.domain else self.kind


ROWS = {}


def row(kind, given, *, domain="", declared=True, rounds=3, opset=25, bfloat16=True,
        throughout=False, label=""):
    """Decorates the function of an operator's steps."""

    def keep(steps):
        made = Row(kind, domain, given, steps, declared, rounds, opset, bfloat16, throughout)
        key = made.name + (f"-{label}" if label else "")
        assert key not in ROWS, key
        ROWS[key] = made
        return steps
    return keep


SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 65504, 65520, -65519, 6e-8, 3e-8, 6.1e-5, 2e-40, 3.3e38, 1, -1],
                   np.float32)


def shape_of(r, rank=None, most=6):
    return tuple(int(n) for n in r.integers(1, most + 1, r.integers(1, 4) if rank is None else rank))


def usual(r, *shape, scale=1.0):
    """Numbers of about one magnitude."""
    return (r.standard_normal(shape) * scale).astype(np.float32)


def wide(r, *shape):
    """Numbers of all magnitudes that float16 has, a few of them special."""
    x = r.standard_normal(shape) * np.exp2(r.integers(-26, 18, shape))
    x = np.where(r.random(shape) < 0.5, r.standard_normal(shape), x).astype(np.float32)
    return np.where(r.random(shape) < 0.02, r.choice(SPECIAL, shape), x)


def within(low, high):
    """A generator of numbers between two bounds, for functions that have them; with those of `wide` among them."""

    def make(r, *shape):
        x = r.uniform(low, high, shape).astype(np.float32)
        return np.where(r.random(shape) < 0.1, wide(r, *shape), x)
    return make


def setting(r, scale=1.0):
    """A float attribute: 24 bits, as no storage policy rounds it."""
    return float(np.float32(r.standard_normal() * scale))
