"""The queries that ship with a deploy, of the three products that run them; each returns the rows of a table."""
