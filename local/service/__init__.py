"""Run the deployed task definition as a process behind the deployed load balancer."""
