"""What `levinthal study new` writes: whole studies that run, shown in docs/write-a-study.md."""
