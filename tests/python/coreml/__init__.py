"""Core ML models for the tests of the file layer."""
