"""Deploy, and say why a deploy failed: what CloudFormation, ECS, the containers and the alarms reported meanwhile."""
