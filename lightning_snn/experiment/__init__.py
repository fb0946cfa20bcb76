"""The main job: one run, several runs, and the folders that they leave."""
