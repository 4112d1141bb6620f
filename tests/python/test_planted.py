"""The blame names the operation that was made harmful, in every one of the planted networks."""
import numpy as np
import onnx
import planted
import pytest


@pytest.mark.parametrize("plant", planted.PLANTS, ids=lambda p: p.name)
def test_the_planted_operation_is_named(assay, tmp_path, plant):
    net = plant.build()
    onnx.save(net.model(), tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", **net.data())
    candidate = assay("audit", "m.onnx", "--data", "d.npz", "--decision", "argmax", "--candidate", plant.candidate,
                      "--blame", "--blame-samples", "6", "--json", code=1).result["candidates"][0]
    blame = candidate["blame"]
    operations = blame["operations"]
    named = [operations[rank["op"]]["node"] for rank in blame["ranking"]]
    assert len(operations) >= 8 and named[0] == "planted"
    assert all(sample["complete"] for sample in blame["samples"])
    first = [operations[op]["node"] for sample in blame["samples"] for op in sample["origins"]]
    assert "planted" in first
    # Others that are named never lead: at most as many points as the planted one.
    assert all(rank["points"] <= blame["ranking"][0]["points"] for rank in blame["ranking"])


def test_there_are_twenty_distinct_plants():
    assert len({plant.name for plant in planted.PLANTS}) >= 20
