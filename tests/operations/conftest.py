from tests.local.conftest import emulated_aws

__all__ = ["emulated_aws"]
