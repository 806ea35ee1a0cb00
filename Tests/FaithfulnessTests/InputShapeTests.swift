import Attribution
import Pullbacks
import TestKit
import Testing

@testable import Faithfulness

/// Metrics of inputs that are no square colour pictures.
@Suite struct InputShapeTests {
  private static let needPictures: Set<MetricName> = [
    .infidelity, .faithfulnessCorrelation, .focus, .insertion, .deletion, .regionPerturbation, .cascadingSSIM,
    .cascadingScaledSSIM, .independentSSIM, .independentScaledSSIM, .pointingGame, .massAccuracy, .rankAccuracy,
    .energyObject, .energyDiagnostic, .counterfactualConsistency,
  ]

  private func scores(
    _ name: MetricName, shape: [Int], version: BenchmarkVersion = .v6, _ body: (Signal) -> Signal
  ) throws -> [Score] {
    let network = try Formula.network(Graph("small", input: shape, body))
    let samples = try (0..<2).map { index in
      let images = (0..<3).map { Formula.image("image\(index + $0)", [1] + shape) }
      let plane = Array(shape.dropFirst())
      guard shape.count == 3 else {
        return Sample(index: index, name: "input \(index)", image: images[0], target: index)
      }
      // The object is the left half, its parts are quarters of it.
      let masks = [0..<plane[1] / 2, 0..<plane[1] / 4, plane[1] / 4..<plane[1] / 2].map { columns in
        Tensor(shape: [1, 1] + plane, (0..<plane.reduce(1, *)).map { columns.contains($0 % plane[1]) ? 1 : 0 })
      }
      let parts = (0..<2).map { part in
        Sample.Part(
          name: "part \(part)", mask: masks[1 + part], isDiagnostic: part == 0, imageWithout: images[1 + part])
      }
      let mosaic = try Mosaic(
        Mosaic.Plan(isOwn: [true, false, false, true], others: [1, 2]), image: images[0],
        others: Array(images.dropFirst()))
      return Sample(
        index: index, name: "input \(index)", image: images[0], target: index, mask: masks[0], parts: parts,
        mosaic: mosaic)
    }
    let contenders = try [Method.softPullback, .saliency].map {
      try Contender($0, MethodSettings(), for: network.graph, in: version)
    }
    let benchmark = try Benchmark(of: network, contenders, by: [name.metric(version)])
    let block = try BenchmarkBlock(benchmark, samples)
    return try benchmark.stages.indices.flatMap { try block.scores(stage: $0) }.map(\.score)
  }

  @Test(arguments: MetricName.allCases) func signals(_ name: MetricName) throws {
    func scores(_ version: BenchmarkVersion) throws -> [Score] {
      try self.scores(name, shape: [2, 40], version: version) {
        $0.reshaped([80]).linear("fc1", 24).relu("relu1").linear("fc2", 5)
      }
    }
    #expect((name.metric().requirement == .pictures) == Self.needPictures.contains(name))
    guard !Self.needPictures.contains(name) else {
      let error = try #require(throws: PullbackError.self) { try scores(.v6) }
      #expect(error.description.contains("metric \(name.rawValue)"), "\(error)")
      #expect(error.description.contains("pictures (C, H, W), found inputs of shape [2, 40]"), "\(error)")
      // The random sets of version 5 are sets of values.
      if name == .faithfulnessCorrelation { #expect(try scores(.v5).allSatisfy { $0.undefined == nil }) }
      return
    }
    for version in BenchmarkVersion.allCases {
      let found = try scores(version)
      #expect(found.count == 4 && found.allSatisfy { $0.undefined == nil }, "\(found)")
    }
  }

  @Test(arguments: MetricName.allCases, [[1, 12, 28], [4, 16, 16]])
  func pictures(_ name: MetricName, _ shape: [Int]) throws {
    for version in BenchmarkVersion.allCases {
      let found = try scores(name, shape: shape, version: version) { x in
        x.convolution("conv0", 6, kernel: 3, padding: 1).relu("relu0").maxPool("pool0", kernel: 2)
          .convolution("conv1", 8, kernel: 3, padding: 1).relu("relu1").globalAveragePool().linear("fc", 5)
      }
      #expect(found.count == 4 && found.allSatisfy { $0.undefined == nil }, "\(found)")
    }
  }

  /// Two ways to say how much of a map lies within a mask: of squares, and of what speaks for the class.
  @Test func sharesOfAMap() throws {
    // Two channels of four places.
    let map = Tensor(shape: [1, 2, 2, 2], [1, -2, 3, 0, 1, 1, -4, 2])
    let mask = [1, 0.5, 0, 1]
    let squares = (1.0 + 1) + 0.5 * (4 + 1) + (0 + 4)
    #expect(energyShare(of: map, within: mask) == squares / 36)
    // Sums over the channels: 2, -1, -1 and 2.
    #expect(positiveShare(of: map, within: mask) == 1)
    #expect(positiveShare(of: map, within: [1, 1, 1, 0.25]) == 2.5 / 4)
    let zero = Tensor(shape: [1, 2, 2, 2])
    #expect(energyShare(of: zero, within: mask) == nil && positiveShare(of: zero, within: mask) == nil)
    #expect(positiveShare(of: Float(-1) * map, within: mask) == 0.5 / 2)
  }
}
