"""Random cases of all operators, by module."""
from differential import elementwise, movement, older, products, sums
from differential.random_values import Random

MODULES = {"elementwise": elementwise, "movement": movement, "older": older, "products": products, "sums": sums}


def random_cases(module, seed, rounds):
    """`rounds` cases of each operator that the module of this name has."""
    r = Random([seed, *module.encode()])
    return [make(r, name.split(" ")[0]) for name, make in MODULES[module].CASES.items() for _ in range(rounds)]
