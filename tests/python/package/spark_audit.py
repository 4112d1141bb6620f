"""A Spark job as docs/distributed.md has it, run by test_distributed.py with a Python that has pyspark.

usage: spark_audit.py MODEL DATA.npz OUT.json
"""
import sys
from pathlib import Path

import numpy as np
from pyspark.sql import SparkSession

import assay
from assay import distributed


def main(model, data, out):
    arrays = np.load(data)
    rows = [(x.tolist(), int(y)) for x, y in zip(arrays["input"], arrays["y"], strict=True)]
    spark = (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
             .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1").getOrCreate())
    spark.sparkContext.setLogLevel("ERROR")
    frame = spark.createDataFrame(rows, "input array<float>, y long").repartition(3)
    numbered = frame.rdd.zipWithIndex().map(lambda row: (row[1], list(row[0].input), row[0].y))
    frame = spark.createDataFrame(numbered, "sample long, input array<float>, y long").cache()
    audits = distributed.spark_map(model, decision="argmax", candidates=["coreml-nn-gpu", "bf16-storage"],
                                   index="sample", inputs=["input"], label_key="y", fail_on="none")
    parts = frame.mapInPandas(audits, distributed.SPARK_SCHEMA).collect()
    order = frame.orderBy("sample").toPandas()
    spark.stop()
    single = assay.audit(model, {"input": np.stack(order["input"].to_list()).astype(np.float32)}, order["y"].to_numpy(),
                         decision="argmax", candidates=["coreml-nn-gpu", "bf16-storage"], fail_on="none")
    merged = assay.merge([part.audit for part in parts], fail_on="none")
    assert merged.to_json() == single.to_json()
    Path(out).write_text(f"{len(parts)} parts, {merged.samples} samples")


if __name__ == "__main__":
    main(*sys.argv[1:])
