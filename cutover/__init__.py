"""cutover: verifies a production host after a deployment and before users reach it."""
