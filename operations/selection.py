"""Select the application that a command acts on: the folder in the variable `APP`, which make exports."""

import shlex

from infra.application import FOLDER_VARIABLE, ApplicationError
from infra.application_file import selected
from infra.names import Names
from operations.errors import operator_error


def selected_names(environment: str, *, tutorial: bool = False) -> Names:
    """Return the names of the selected application in `environment`. Raises `OperatorError` for a bad description."""
    try:
        return Names(selected(), environment, tutorial=tutorial)
    except ApplicationError as error:
        raise operator_error(error) from error


def make_variables(names: Names) -> str:
    """Return the variables by which a make target acts on the same application and environment."""
    application = names.application
    app = "" if application.is_sample else f"{FOLDER_VARIABLE}={shlex.quote(str(application.folder))} "
    return f"{app}ENV={names.environment}"
