"""Runs commands once for a database, however many instances start at the same time.

once.py STEP COMMAND...  with DB_HOST, DB_PORT, DB_USER and DB_PASSWORD in the environment. The lock
is in the database itself, so it ends with its holder; the mark is there too, so it ends with the
data. A step that was done is not done again; another release is another step, and so is another
value of ONCE_FOR, like a password that the commands set.
"""

import hashlib
import os
import subprocess
import sys
import time

import pymysql

WAIT_SECONDS = 120
LOCK_SECONDS = 300
ROUNDS = 100_000  # the mark of a password must not help to guess it


def connect() -> "pymysql.Connection":
    """The database, as soon as it answers."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return pymysql.connect(
                host=os.environ["DB_HOST"],
                port=int(os.environ["DB_PORT"]),
                user=os.environ["DB_USER"],
                password=os.environ["DB_PASSWORD"],
                database=os.environ["DB_USER"],
                autocommit=True,
            )
        except pymysql.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


step, commands = sys.argv[1], sys.argv[2:]
if value := os.environ.get("ONCE_FOR"):
    digest = hashlib.pbkdf2_hmac("sha256", value.encode(), step.encode(), ROUNDS)
    step = f"{step}-{digest.hex()[:16]}"
connection = connect()
with connection.cursor() as cursor:
    cursor.execute("SET SESSION wait_timeout = 3600")
    cursor.execute(
        "CREATE TABLE IF NOT EXISTS bob_once"
        " (step VARCHAR(64) PRIMARY KEY, at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)"
    )
    lock = f"bob_once_{os.environ['DB_USER']}"
    cursor.execute("SELECT GET_LOCK(%s, %s)", (lock, LOCK_SECONDS))
    if cursor.fetchone()[0] != 1:
        sys.exit(f"another instance holds the lock {lock} for {LOCK_SECONDS} s")
    cursor.execute("SELECT at FROM bob_once WHERE step = %s", (step,))
    if done := cursor.fetchone():
        sys.stdout.write(f"{step} was done at {done[0]}\n")
    else:
        for command in commands:
            subprocess.run(["/bin/sh", "-ec", command], check=True)
        connection.ping(reconnect=False)
        cursor.execute("INSERT INTO bob_once (step) VALUES (%s)", (step,))
