// swift-tools-version: 6.1
import PackageDescription

// The numeric targets are compiled with optimisation in debug builds too: `swift run fig3` is a debug build, and plain
// loops are 40 to 100 times slower without. SwiftPM accepts such flags in a root package and in a dependency given by
// path, and refuses them in a dependency given by version, which it keeps in a folder named `checkouts`: there the
// flags are left out, and a release build (`swift build -c release`) is what makes the numeric code fast.
let isVersionedDependency = Context.packageDirectory.contains("/checkouts/")
let swiftSettings: [SwiftSetting] =
  isVersionedDependency ? [] : [.unsafeFlags(["-O"], .when(configuration: .debug))]
let cSettings: [CSetting] =
  isVersionedDependency ? [] : [.unsafeFlags(["-O3"])]

// A wheel has Swift's libraries in it, and shows other libraries of its process nothing but its own functions.
let bridgeLinking: [LinkerSetting] =
  Context.environment["PULLBACKS_WHEEL"] == nil
  ? []
  : [
    .unsafeFlags([
      "-static-stdlib", "-use-ld=lld", "-Xlinker", "--as-needed", "-Xlinker",
      "--version-script=\(Context.packageDirectory)/Sources/Bridge/exports.map",
    ])
  ]

/// A library target of the house; `dependencies` are the rooms below it.
func room(
  _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [], resources: [Resource]? = nil
) -> Target {
  .target(name: name, dependencies: dependencies, exclude: exclude, resources: resources, swiftSettings: swiftSettings)
}

/// One experiment of the paper, an executable of its own.
func experiment(_ name: String, resources: [Resource]? = nil) -> Target {
  .executableTarget(
    name: name, dependencies: ["ExperimentKit"], path: "Experiments/\(name)", resources: resources,
    swiftSettings: swiftSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["TestKit"], path: "Tests/\(name)", swiftSettings: swiftSettings)
}

// The documentation's plugin is asked for by `make docs` alone: nobody else needs to fetch it.
let documentation: [Package.Dependency] =
  Context.environment["PULLBACKS_DOCS"] == nil
  ? [] : [.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0")]

let package = Package(
  name: "SemanticPullbacks",
  products: [
    .library(name: "SemanticPullbacks", targets: ["SemanticPullbacks", "Text"]),
    .executable(name: "pullbacks", targets: ["pullbacks"]),
    .library(name: "SemanticPullbacksBridge", type: .dynamic, targets: ["Bridge"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/swiftcsv/SwiftCSV", from: "0.10.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
  ] + documentation,
  targets: [
    // System libraries.
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CCairo", pkgConfig: "cairo", providers: [.apt(["libcairo2-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"])]),
    .systemLibrary(name: "CWebP", pkgConfig: "libwebp", providers: [.apt(["libwebp-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),

    // The house, from the ground up.
    room("Failures", []),
    .target(name: "CProcesses"),
    room("Processes", ["CProcesses"]),
    room("Digests", ["Failures", "COpenSSL"]),
    .target(name: "CKernels", cSettings: cSettings),
    .target(name: "CStart"),
    room("Kernels", ["CKernels", "COpenBLAS"]),
    room("Pullbacks", ["Failures", "Kernels"]),
    room("Execution", ["Pullbacks", "Kernels"]),
    .target(name: "CImaging", dependencies: ["CPNG", "CJPEG", "CWebP"], cSettings: cSettings),
    room("Imaging", ["Pullbacks", "Failures", "CImaging"]),
    room("Checkpoints", ["Pullbacks", "Failures", "Digests", "Kernels"]),
    room(
      "Networks", ["Pullbacks", "Execution", "Checkpoints", "Kernels"],
      resources: [.embedInCode("Resources/imagenet-classes.csv"), .copy("Resources/scenes")]),
    room(
      "Onnx",
      ["Pullbacks", "Execution", "Failures", "Digests", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
      exclude: ["Generated/generate"]),
    room("Attribution", ["Pullbacks", "Kernels"]),
    room("Sentences", ["Pullbacks"]),
    room(
      "Text", ["Pullbacks", "Execution", "Failures", "Checkpoints", "Attribution", "Sentences"],
      resources: [.copy("Resources/sentence-decoder")]),
    room(
      "Faithfulness", ["Attribution", "Failures", "Digests", "Kernels"],
      exclude: ["Published/README.md"],
      resources: ["faithfulness-v5", "faithfulness-v6", "focus-v6", "paired-v6", "ablations-v6"].map {
        .embedInCode("Published/\($0).csv")
      }),
    room("Scenes", ["Pullbacks", "Failures", "Imaging", "Kernels", "CCairo"]),
    room("Training", ["Pullbacks", "Checkpoints", "Networks", "Scenes", "Sentences", "Text", "Kernels"]),
    room(
      "Subjects",
      [
        "Pullbacks", "Failures", "Digests", "Kernels", "Checkpoints", "Networks", "Onnx", "Imaging", "Attribution",
        "Faithfulness", .product(name: "SwiftCSV", package: "SwiftCSV"),
      ], resources: [.embedInCode("Resources/photographs.csv"), .embedInCode("Resources/contexts.csv")]),
    room("Galleries", ["Subjects", "Scenes", "Training", "Imaging", "Pullbacks", "Faithfulness"]),
    .target(name: "CBridge"),
    .target(
      name: "Bridge",
      dependencies: ["CBridge", "Subjects", "Pullbacks", "Failures", "Networks", "Onnx", "Imaging", "Attribution"],
      exclude: ["exports.map"], swiftSettings: swiftSettings, linkerSettings: bridgeLinking),
    room("Plotting", ["Failures", "Imaging", "CCairo"]),
    room("SemanticPullbacks", ["Pullbacks", "Execution", "Checkpoints", "Networks", "Onnx", "Imaging", "Attribution"]),
    room(
      "ExperimentKit",
      [
        "SemanticPullbacks", "Subjects", "Galleries", "Faithfulness", "Plotting", "Scenes", "Sentences", "Text", "Training",
        "Failures", "Processes", "Digests", "Kernels", "CStart", "CCairo", "CPNG", "CImaging", "COpenSSL",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    room(
      "Studio",
      [
        "ExperimentKit", "Galleries", "Text", "Scenes", "Training", "Failures", "Digests", "Kernels",
        .product(name: "FlyingSocks", package: "FlyingFox"),
      ], exclude: ["README.md"], resources: [.embedInCode("Resources/studio.html")]),
    room("Weaving", ["Failures", .product(name: "SwiftCSV", package: "SwiftCSV")]),

    // The experiments and the command-line tools.
    .executableTarget(
      name: "pullbacks", dependencies: ["ExperimentKit", "Studio", "Processes"], path: "Experiments/pullbacks",
      swiftSettings: swiftSettings),
    experiment("fig1"), experiment("fig2"), experiment("fig3"), experiment("fig4"), experiment("fig5"),
    experiment("fig6"), experiment("fig7"), experiment("fig8"), experiment("fig9"), experiment("fig10"),
    experiment("fig11"), experiment("fig12"), experiment("fig13"), experiment("fig15"), experiment("fig16"),
    experiment("fig17"),
    experiment("fig14", resources: [.embedInCode("onnxruntime.csv")]),
    experiment("parts"), experiment("networks"), experiment("start"),
    experiment("table1"), experiment("table2"), experiment("table3"), experiment("table4"), experiment("table5"),
    experiment("table6"),
    .executableTarget(
      name: "weave", dependencies: ["Weaving", "ExperimentKit"], path: "Experiments/weave", swiftSettings: swiftSettings
    ),
    .executableTarget(
      name: "onnxcheck", dependencies: ["Onnx", "Networks", "Checkpoints"], path: "Experiments/onnxcheck",
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "bench", dependencies: ["ExperimentKit", "Kernels", "Processes"], path: "Experiments/bench",
      exclude: ["torch_side.py"], swiftSettings: swiftSettings),

    // The tests.
    .target(
      name: "TestKit", dependencies: ["SemanticPullbacks", "Failures", "Processes"], path: "Tests/TestKit",
      swiftSettings: swiftSettings),
    tests("KernelsTests", ["Kernels", "CKernels"]),
    tests("PullbacksTests", ["Pullbacks", "Execution", "Checkpoints", "Networks"]),
    tests("NetworksTests", ["Networks", "Checkpoints"]),
    tests("FailuresTests", ["Failures"]),
    .testTarget(
      name: "ProcessesTests", dependencies: ["Processes"], path: "Tests/ProcessesTests", swiftSettings: swiftSettings),
    tests("DigestsTests", ["Digests"]),
    tests("ImagingTests", ["Imaging", "Failures"]),
    tests("CheckpointTests", ["Checkpoints", "Failures"]),
    tests(
      "OnnxTests",
      ["Onnx", "Networks", "Checkpoints", "Failures", .product(name: "SwiftProtobuf", package: "swift-protobuf")]),
    tests("SentencesTests", ["Sentences"]),
    tests("TextTests", ["Text", "Failures", "Sentences"]),
    tests("PlottingTests", ["Plotting", "Failures"]),
    tests("ScenesTests", ["Scenes", "Imaging", "Kernels"]),
    tests("AttributionTests", ["Attribution", "Networks", "Kernels", "CKernels"]),
    tests("TrainingTests", ["Training", "Networks", "Checkpoints", "Scenes", "Sentences", "Text", "Kernels"]),
    tests("FaithfulnessTests", ["Faithfulness", "Kernels"]),
    tests(
      "SubjectsTests",
      [
        "Subjects", "Galleries", "Failures", "Checkpoints", "Networks", "Imaging", "Scenes", "Faithfulness", "Pullbacks",
      ]),
    tests("ExperimentKitTests", ["ExperimentKit", "Failures", "Digests"]),
    tests("WeavingTests", ["Weaving"]),
    tests("ReadmeTests", []),
    .testTarget(
      name: "BridgeTests", dependencies: ["Imaging", "Pullbacks", "pullbacks", "TestKit"], path: "Tests/BridgeTests",
      exclude: ["python", "explain.c", "wheel"], swiftSettings: swiftSettings),
    tests("StudioTests", ["Studio", "ExperimentKit", "Failures", "Digests", "pullbacks"]),
    tests(
      "FigureTests",
      [
        "ExperimentKit", "start", "networks", "fig1", "fig2", "fig3", "fig4", "fig5", "fig6", "fig7", "fig8", "fig9",
        "fig10", "fig11", "fig12", "fig13", "fig14", "fig15", "fig16", "fig17", "table1", "table2", "table3", "table4",
        "table5", "table6",
      ]),
    tests("CommandLineTests", ["ExperimentKit", "Digests", "Failures", "Scenes", "pullbacks"]),
  ]
)
