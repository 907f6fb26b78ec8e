"""Schedule the tasks of the emulated Amazon ECS on the container agent: rolling updates, replacements and rollbacks.

ministack keeps the records of services, deployments and tasks, and counts the failures of a deployment. What replaces
its own scheduling is here: one thread that starts and stops tasks by a plan (plan.py), by the health of the containers
and of the load balancer's targets.
"""
