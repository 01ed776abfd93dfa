"""What mutations take and give back: an input and a payload for each, by area."""
