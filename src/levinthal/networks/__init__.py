"""Networks from builders with few switches."""
