"""The numbers of the article's network (make_mlp.py says where they come from)."""
import numpy as np

# The three rows of nn.Linear.weight. The exporter stores them transposed, ready for MatMul.
WEIGHT = np.array([
    [0.0349225402, -0.301196814, 0.159211695, 0.156890273],
    [-0.267238438, -0.0749385953, -0.292913973, 0.129736364],
    [-0.134683847, 0.351268351, 0.354943156, 0.0509352088],
], np.float32)
X = np.array([[-2.695711135864258, -0.6399051547050476, 3.681105375289917, -0.2332591712474823]], np.float32)
