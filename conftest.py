"""Makes this folder a verification suite, also under another configuration than pyproject.toml's."""

pytest_plugins = ["cutover.plugin"]
