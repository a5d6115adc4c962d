"""The state of a cluster: `sense` gathers it, the pure `decide` judges it, `render` shows it."""
