"""The duties of the leader, one file each: a module offers its duty as `DUTY`."""
