"""Send requests through the deployed load balancer, and check that their telemetry arrives in every backend."""
