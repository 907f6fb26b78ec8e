"""Read the deployed stack, as the page "Stack" shows it: each section by the APIs that AWS has for it."""
