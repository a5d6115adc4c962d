"""Other versions of the programs: staged on nodes that run, then put to work one by one."""
