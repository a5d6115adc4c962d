"""What Bob's daemons share: their threads, systemd's notifications, numbers, a check in Consul."""
