"""Write what the documentation says of the cost: tables, pictures, options and savings."""
