"""Makes this folder a verification suite: options, fixtures and reports are cutover's pytest plugin."""

pytest_plugins = ["cutover.plugin"]
