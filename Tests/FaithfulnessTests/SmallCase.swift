import Faithfulness
import SemanticPullbacks
import TestKit

/// The network, images and maps of Tests/Oracles/faithfulness.py.
enum SmallCase {
  static let shape = [3, 16, 16]
  static let targets = [3, 7, 1, 9]
  static let indices = [0, 5, 6, 40]

  static let network: Network = try! Formula.network(
    Graph("convnet", input: shape) { image in
      image.convolution("conv0", 8, kernel: 3, padding: 1).relu("relu0").maxPool("pool0", kernel: 2)
        .convolution("conv1", 12, kernel: 3, padding: 1).relu("relu1").maxPool("pool1", kernel: 2)
        .flatten().linear("fc", 10)
    })

  static let images = (0..<4).map { Formula.image("image\($0)", [1] + shape) }
  static let maps = (0..<4).map { Formula.image("map\($0)", [1] + shape) }

  /// Rectangles as masks, three soft parts and, where an other image stands in for each, pictures without them; mosaics
  /// of the image with the two that follow.
  static let samples: [Sample] = (0..<4).map { i in
    let parts = (0..<3).map { part in
      let soft =
        1 / 6 as Float
        * (Formula.image("part\(i)/\(part)", [1, 1, 16, 16]) + Tensor(shape: [1, 1, 16, 16], repeating: 1))
      return Sample.Part(
        name: "part \(part)", mask: soft, isDiagnostic: part < 2,
        imageWithout: Formula.image("without\(i)/\(part)", [1] + shape))
    }
    let own = [i % 2 == 0, i % 2 == 1, i % 2 == 1, i % 2 == 0]
    let mosaic = try! Mosaic(
      Mosaic.Plan(isOwn: own, others: [(i + 1) % 4, (i + 2) % 4]), image: images[i],
      others: [images[(i + 1) % 4], images[(i + 2) % 4]])
    return Sample(
      index: indices[i], key: indices[i], name: "image \(i)", image: images[i], target: targets[i], mask: rectangle(i),
      parts: parts,
      mosaic: mosaic)
  }

  private static func rectangle(_ i: Int) -> Tensor {
    Tensor(
      shape: [1, 1, 16, 16],
      (0..<256).map { (3 + i..<11 + i).contains($0 / 16) && (2..<9 + i).contains($0 % 16) ? 1 : 0 })
  }

  static let gradient = Contender(name: "gradient", explainer: PullbackAverage(.gradient, name: "gradient"))

  /// Maps that are given, each at the index of its sample.
  static func given(_ maps: [Tensor] = maps) -> Contender {
    var all = [Tensor](repeating: Tensor(shape: [1] + shape), count: 41)
    for (index, map) in zip(indices, maps) { all[index] = map }
    return Contender(name: "given", maps: GivenMaps(Tensor(batching: all), digest: "formula"))
  }

  /// What a metric makes of a contender's maps of `samples`.
  static func scores(
    _ metric: any Metric, of contender: Contender, _ samples: [Sample] = samples, batchSize: Int = 7
  ) throws -> [Score] {
    let benchmark = try Benchmark(of: network, [contender], by: [metric], batchSize: batchSize)
    return try BenchmarkBlock(benchmark, samples).scores(stage: 0).map(\.score)
  }
}
