"""Rekognition's DetectLabels and DetectText, answered from files."""
