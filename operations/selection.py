"""Select the application that a command acts on: the folder in the variable `APP`, which make exports."""

from infra.application import ApplicationError
from infra.application_file import selected
from infra.names import Names
from operations.errors import OperatorError


def selected_names(environment: str, *, tutorial: bool = False) -> Names:
    """Return the names of the selected application in `environment`. Raises `OperatorError` for a bad description."""
    try:
        return Names(selected(), environment, tutorial=tutorial)
    except ApplicationError as error:
        raise OperatorError(str(error), "Or choose the folder of another application by APP=") from error
