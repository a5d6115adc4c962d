"""`bob init`: from bare hosts to a running, secured cluster. Read `steps.STEPS` first."""
