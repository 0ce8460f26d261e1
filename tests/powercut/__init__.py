"""Power cuts by simulation: what a program wrote and synced is traced, then the disk rebuilt as it may look after."""
