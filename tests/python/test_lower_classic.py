"""Operators of ai.onnx.ml that Core ML has counterparts of: random cases, converted, give the same bits."""
import pytest
from differential.random_cases import poisoned_cases, random_cases
from test_coreml_random import ENDINGS, Converter, some_constant

WRITTEN = {"mlprogram": {"ArrayFeatureExtractor", "Binarizer", "Imputer", "LinearRegressor", "Scaler"},
           "neuralnetwork": {"Binarizer", "Imputer", "Scaler"}}


@pytest.mark.parametrize("kind", ENDINGS)
def test_same_bits(assay, tmp_path, kind):
    cases = [c for c in some_constant(random_cases("classic", 5, 8)) if c.kind in WRITTEN[kind]]
    converter = Converter(assay, tmp_path)
    assert {c.kind for c in cases if converter.converts(c, kind)} == WRITTEN[kind]
    lines, _ = converter.check(cases, kind)
    assert not lines, "\n".join(lines[:30])


@pytest.mark.parametrize("kind", ENDINGS)
def test_same_special_values(assay, tmp_path, kind):
    cases = [c for c in poisoned_cases("classic", 6, 8) if c.kind in WRITTEN[kind]]
    lines, _ = Converter(assay, tmp_path).check(cases, kind)
    assert not lines, "\n".join(lines[:30])


@pytest.mark.parametrize("kind", ENDINGS)
@pytest.mark.parametrize("module", ["classic", "text"])
def test_the_rest_is_refused_with_a_reason(assay, tmp_path, module, kind):
    converter = Converter(assay, tmp_path)
    written = {c.kind for c in random_cases(module, 7, 1) if converter.converts(c, kind)}
    assert written <= WRITTEN[kind] | {"Cast", "Concat", "Equal", "Gather", "Identity", "Reshape", "Transpose", "Where"}
