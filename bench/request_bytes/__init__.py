"""Measure the bytes that a request causes at each sink and at the load balancer, and the exports a second."""
