import Attribution
import Foundation
import Pullbacks

/// The images of a data set, loaded when they are asked for.
public protocol SampleSource: Sendable {
  /// Every image's name and class, in an order that stays.
  var images: [RunDescription.Image] { get }
  /// The source of the images, with a digest of files.
  var description: String { get }
  /// Whether any image has a mask; by default, whether the first one has.
  var haveMasks: Bool { get throws }
  /// Image `index`; its mosaic is made elsewhere.
  func sample(_ index: Int) throws -> Sample
}

extension SampleSource {
  public var haveMasks: Bool {
    get throws {
      let first = try sample(0)
      return first.mask != nil || !first.parts.isEmpty
    }
  }
}

/// A benchmark on many images that can be cut off at any moment and continued.
///
/// Images are taken a few at a time, which saves making the noisy networks of FusionGrad for each. The explainers that
/// share passes are a stage, whose scores are logged at once. What the log holds is not computed again. The results do
/// not depend on how often a run was cut off, nor on its split into parts.
public struct BenchmarkRun: Sendable {
  /// The progress of a run.
  public struct Progress: Sendable {
    public let imagesDone: Int
    public let images: Int
    /// Passes that the stage just done took, and that it would have taken had nothing been shared.
    public let done: Cost
    public let withoutSharing: Cost
  }

  static let imagesAtOnce = 4

  let benchmark: Benchmark
  let description: RunDescription
  let source: any SampleSource
  private let counter = PassCounter()

  /// - Parameter report: called after passes through the network.
  public init(
    _ benchmark: Benchmark, _ description: RunDescription, on source: any SampleSource,
    report: @escaping @Sendable (Cost) -> Void = { _ in }
  ) {
    var benchmark = benchmark
    let counter = counter
    benchmark.report = {
      counter.add($0)
      report($0)
    }
    self.benchmark = benchmark
    self.description = description
    self.source = source
  }

  /// Blocks of indices into the whole data set, those of this run's part.
  private var blocks: [[Int]] {
    let images = description.shard.images(of: description.images.count)
    return stride(from: 0, to: images.count, by: Self.imagesAtOnce).map { first in
      Array(images[first..<min(images.count, first + Self.imagesAtOnce)])
    }
  }

  /// The passes that a run starting with this log still needs, if none were shared.
  public func passesLeft(_ log: ScoreLog) -> Cost {
    let done = Done(log)
    var total = Cost(forward: 0, backward: 0)
    for stage in benchmark.stages.indices {
      let cost = benchmark.costWithoutSharing(ofStage: stage)
      for block in blocks where !done.contains(stage, of: block[0], in: benchmark) {
        total = total + Cost(forward: cost.forward * block.count, backward: cost.backward * block.count)
      }
    }
    return total
  }

  /// The scores that a log holds, by contender and block; stages may be grouped differently from when it was begun.
  private struct Done {
    private let contenders: Set<[Int]>

    init(_ log: ScoreLog) {
      contenders = Set(log.records.flatMap { record in record.entries.map { [record.block, $0.explainer] } })
    }

    func contains(_ stage: Int, of block: Int, in benchmark: Benchmark) -> Bool {
      benchmark.stages[stage].allSatisfy { contenders.contains([block, $0]) }
    }
  }

  /// Computes what the log does not hold.
  ///
  /// - Parameter progress: called after every stage.
  public func run(_ log: ScoreLog, progress: (Progress) -> Void = { _ in }) throws {
    let done = Done(log)
    let total = blocks.reduce(0) { $0 + $1.count }
    var imagesDone = 0
    for images in blocks {
      let stages = benchmark.stages.indices.filter { !done.contains($0, of: images[0], in: benchmark) }
      if !stages.isEmpty {
        let block = try BenchmarkBlock(benchmark, images.map(sample))
        for stage in stages {
          let before = counter.passes
          let entries = try block.scores(stage: stage).map { entry in
            ScoreLog.LoggedScore(
              explainer: entry.contender, metric: entry.metric, image: images[entry.sample], entry.score)
          }
          try log.append(ScoreLog.StageScores(block: images[0], stage: stage, entries: entries))
          let after = counter.passes
          let cost = benchmark.costWithoutSharing(ofStage: stage)
          progress(
            Progress(
              imagesDone: imagesDone + (stage == benchmark.stages.count - 1 ? images.count : 0), images: total,
              done: Cost(forward: after.forward - before.forward, backward: after.backward - before.backward),
              withoutSharing: Cost(forward: cost.forward * images.count, backward: cost.backward * images.count)))
        }
      }
      imagesDone += images.count
    }
  }

  private func sample(_ index: Int) throws -> Sample {
    let sample = try source.sample(index)
    guard benchmark.requests.contains(.mosaic),
      let plan = Mosaic.plan(of: index, targets: description.images.map(\.target), seed: benchmark.seed)
    else { return sample }
    let others = try plan.others.map { try source.sample($0).image }
    return Sample(
      index: sample.index, key: sample.key, name: sample.name, image: sample.image, target: sample.target,
      mask: sample.mask, parts: sample.parts, mosaic: try Mosaic(plan, image: sample.image, others: others))
  }
}
