"""Models that scikit-learn trained and skl2onnx wrote: labels and scores of ONNX Runtime and of scikit-learn itself."""
import warnings

import numpy as np
import pytest
from differential.harness import run_assay, run_ort

skl2onnx = pytest.importorskip("skl2onnx")
datasets = pytest.importorskip("sklearn.datasets")
from sklearn import ensemble, linear_model, preprocessing, svm, tree  # noqa: E402
from sklearn.impute import SimpleImputer  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402

OPSETS = {"": 18, "ai.onnx.ml": 3}

CLASSIFIERS = {
    "forest": lambda: ensemble.RandomForestClassifier(20, max_depth=6, random_state=0),
    "extra trees": lambda: ensemble.ExtraTreesClassifier(10, max_depth=5, random_state=0),
    "tree": lambda: tree.DecisionTreeClassifier(max_depth=4, random_state=0),
    "boosting": lambda: ensemble.GradientBoostingClassifier(n_estimators=15, random_state=0),
    "AdaBoost": lambda: ensemble.AdaBoostClassifier(n_estimators=8, random_state=0),
    "logistic": linear_model.LogisticRegression,
    "SVC": svm.SVC,
    "SVC poly": lambda: svm.SVC(kernel="poly"),
    "scaled": lambda: make_pipeline(preprocessing.StandardScaler(), preprocessing.Normalizer("l2"),
                                    linear_model.LogisticRegression()),
    "binarised": lambda: make_pipeline(preprocessing.MinMaxScaler(), preprocessing.Binarizer(threshold=0.5),
                                       linear_model.LogisticRegression()),
}
REGRESSORS = {
    "forest": lambda: ensemble.RandomForestRegressor(20, max_depth=6, random_state=0),
    "boosting": lambda: ensemble.GradientBoostingRegressor(n_estimators=20, random_state=0),
    "linear": linear_model.LinearRegression,
    "SVR": svm.SVR,
    "NuSVR poly": lambda: svm.NuSVR(kernel="poly"),
    "imputed": lambda: make_pipeline(SimpleImputer(), preprocessing.RobustScaler(), linear_model.Lasso()),
    "one class": svm.OneClassSVM,
    "isolation": lambda: ensemble.IsolationForest(n_estimators=10, random_state=0),
}


def outputs(model, x, assay_path, folder, **options):
    """What our engine and ONNX Runtime make of the exported model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        proto = skl2onnx.to_onnx(model, x[:1], target_opset=OPSETS, options=options)
    feeds = {proto.graph.input[0].name: x}
    return run_assay(assay_path, proto, feeds, folder), run_ort(proto, feeds)


def assert_close(ours, theirs):
    assert set(ours) == set(theirs)
    for name, array in theirs.items():
        assert ours[name].shape == array.shape, name
        if array.dtype.kind == "f":
            scale = max(1, float(np.abs(array).max()))
            assert np.abs(ours[name] - array).max() <= 1e-4 * scale, name
        else:
            assert np.array_equal(ours[name], array), name


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_classifiers(assay_path, tmp_path, kind, classes, text):
    x, y = datasets.make_classification(200, 8, n_informative=5, n_classes=classes, random_state=0)
    x = x.astype(np.float32)
    model = CLASSIFIERS[kind]().fit(x, np.array(["no", "yes", "may"])[y] if text else y)
    ours, theirs = outputs(model, x, assay_path, tmp_path, zipmap=False)
    assert_close(ours, theirs)
    label = next(name for name in ours if "label" in name)
    assert np.array_equal(ours[label], model.predict(x))


@pytest.mark.parametrize("kind", REGRESSORS)
def test_regressors(assay_path, tmp_path, kind):
    x, y = datasets.make_regression(200, 6, random_state=0)
    x = x.astype(np.float32)
    model = REGRESSORS[kind]().fit(x, y)
    ours, theirs = outputs(model, x, assay_path, tmp_path)
    assert_close(ours, theirs)
    first = ours[next(iter(ours))].reshape(-1)
    assert np.abs(first - model.predict(x)).max() <= 1e-4 * np.abs(y).max()
