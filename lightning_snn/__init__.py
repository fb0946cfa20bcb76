"""Spiking networks for PyTorch Lightning that wire themselves before they see data."""
