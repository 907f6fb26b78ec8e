"""Follow the log lines of the local deployment, and render them for a person."""
