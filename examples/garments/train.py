#!/usr/bin/env python3
"""Trains the demo's classifier, "is this garment a shirt?", and writes garments.onnx beside this file.

Needs PyTorch 1.13 and NumPy (Debian: python3-torch, python3-numpy) and dataset-fashion-mnist; a few minutes on one
core. Seed, data order and number of threads are fixed. The recipe was fixed before any audit was run on its result:
nothing in it was chosen to produce or to avoid flipped decisions.
"""
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from fashion import load

HERE = Path(__file__).resolve().parent
EPOCHS, BATCH, RATE = 4, 64, 2e-3


def block(inputs, outputs):
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


def network():
    """28 x 28 -> 14 x 14 -> 7 x 7 -> one number: 24 thousand weights."""
    return nn.Sequential(*block(1, 16), nn.MaxPool2d(2), *block(16, 32), nn.MaxPool2d(2), *block(32, 64),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 1))


def train(model, images, labels):
    steps = EPOCHS * (len(images) // BATCH)
    optimiser = torch.optim.Adam(model.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    loss_of = nn.BCEWithLogitsLoss()
    model.train()
    for epoch in range(EPOCHS):
        total, start = 0.0, time.time()
        for batch in torch.randperm(len(images)).split(BATCH)[:len(images) // BATCH]:
            loss = loss_of(model(images[batch])[:, 0], labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total * BATCH / len(images):.4f}, {time.time() - start:.0f} s", flush=True)


def confusion(model, images, labels):
    with torch.no_grad():
        scores = torch.cat([torch.sigmoid(model(x))[:, 0] for x in images.split(500)]).numpy()
    said, is_shirt = scores >= 0.5, labels.numpy() == 1
    return {"tn": int((~said & ~is_shirt).sum()), "fp": int((said & ~is_shirt).sum()),
            "fn": int((~said & is_shirt).sum()), "tp": int((said & is_shirt).sum())}


def export(model, path):
    # In EVAL mode the exporter folds each BatchNorm into the convolution before it; PRESERVE (of a model that is in
    # eval mode) writes the network as it stands.
    torch.onnx.export(nn.Sequential(*model, nn.Sigmoid()).eval(), torch.zeros(1, 1, 28, 28), path, opset_version=17,
                      training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False, input_names=["image"],
                      output_names=["score"], dynamic_axes={"image": {0: "N"}, "score": {0: "N"}})


def main():
    torch.manual_seed(1)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    (images, labels), (test_images, test_labels) = (
        (torch.from_numpy(x), torch.from_numpy(y.astype(np.float32))) for x, y in (load("train"), load("t10k")))
    model = network()
    train(model, images, labels)
    model.eval()
    print("training images:", confusion(model, images, labels))
    print("test images:", confusion(model, test_images, test_labels))
    export(model, str(HERE / "garments.onnx"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
