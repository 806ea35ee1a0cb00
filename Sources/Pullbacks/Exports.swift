// Every error of the package is a PullbackError, so the core exports the type.

@_exported import Failures
