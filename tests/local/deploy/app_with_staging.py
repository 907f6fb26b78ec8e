"""The app with one environment more, `staging`; `TUTORIAL_NAMES=dev` gives that environment the tutorial's names."""

import os
from dataclasses import replace

import app
from infra.environments import DEV, ENVIRONMENTS
from infra.synth import synthesize

ENVIRONMENTS["staging"] = replace(DEV, name="staging")
for name in filter(None, os.environ.get("TUTORIAL_NAMES", "").split()):
    ENVIRONMENTS[name] = replace(ENVIRONMENTS[name], tutorial_names=True)

if __name__ == "__main__":
    synthesize(app.build)
