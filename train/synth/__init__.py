"""Synthetic people with exact whole-body labels; see docs/synth/README.md."""
