"""Run the tasks of the emulated ECS in containers of a Docker engine, as the container agent of AWS Fargate does.

The emulator (local/emulator) is the control plane: it decides which tasks run. The agent runs the containers of each
task and reports what becomes of them. It reads the registry, secrets and log streams through the emulator's API with
the credentials of the task's execution role, so that a missing permission fails here as it does on AWS.
"""
