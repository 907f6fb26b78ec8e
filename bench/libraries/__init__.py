"""Compare what traced library calls cost a request, by who traces them."""
