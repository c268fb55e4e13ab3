"""What does not fit where a user's model, loss or setting fails: one line with the way out."""
