"""Training: one loop for every model, exact resuming, and what makes a run able to generate."""
