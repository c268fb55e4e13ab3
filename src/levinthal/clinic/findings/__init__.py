"""What a finding is: its kind, its evidence and its measured confidence."""
