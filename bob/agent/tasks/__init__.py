"""One file for each kind of task; see `bob.agent.work`."""
