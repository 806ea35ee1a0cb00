// Every error of the package is a PullbackError: who imports the core sees it.

@_exported import Failures
