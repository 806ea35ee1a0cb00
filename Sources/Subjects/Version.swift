/// The version of this package.
public let packageVersion = "0.1.0"
