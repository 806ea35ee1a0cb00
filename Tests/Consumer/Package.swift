// swift-tools-version: 6.1
import PackageDescription

// A package that uses this one as any other would: by a version. Tests/Consumer/test fills in where it is found.
let package = Package(
  name: "Consumer",
  dependencies: [.package(url: Context.environment["SEMANTIC_PULLBACKS_URL"]!, from: "0.1.0")],
  targets: [
    .executableTarget(
      name: "Consumer", dependencies: [.product(name: "SemanticPullbacks", package: "SemanticPullbacks")])
  ]
)
