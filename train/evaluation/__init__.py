"""Accuracy of pose networks: AP and AR, point metrics, their uncertainty, the report."""
