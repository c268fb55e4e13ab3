"""Two runs side by side: what changed in findings, loss and layers."""
