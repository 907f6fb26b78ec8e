"""Price the synthesized templates of an environment, offline, from a dated price file."""
