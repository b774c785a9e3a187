"""The command ``cutover``: a module for each of its commands; verifying is pytest's."""
