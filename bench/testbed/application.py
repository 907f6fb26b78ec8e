"""The names of the sample application, as its description gives them to every deployment."""

from __future__ import annotations

from typing import Final

from flask_onetrace.contract import Variable
from infra.application import DEFAULT_FOLDER
from infra.application_file import load

APPLICATION: Final = load(DEFAULT_FOLDER)
NAMES: Final[dict[str, str]] = {
    str(Variable.FLASK_APP): APPLICATION.flask_app or "",
    str(Variable.OTEL_SERVICE_NAME): APPLICATION.service_name,
    str(Variable.HEALTH_CHECK_PATH): APPLICATION.health_check_path,
    **APPLICATION.variables,
}
"""The variables with its own names: of the service and of its page, of the health check and of the user's header."""
FRONTEND: Final = NAMES[Variable.FRONTEND_SERVICE_NAME]
