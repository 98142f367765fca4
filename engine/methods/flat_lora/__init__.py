"""Flat-LoRA: low-rank adaptation over a flat loss landscape."""
