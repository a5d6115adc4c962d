"""The daemon on every node: takes part in the election, does the tasks of its node, says how it is.

python3 -m bob.agent --config /etc/bob/agent/agent.json
"""
