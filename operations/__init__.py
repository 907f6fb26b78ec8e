"""Do what operating the service takes, on real AWS as on the emulated one."""
