"""Rules that learn while a network runs, and backpropagation with feedback of its own."""
