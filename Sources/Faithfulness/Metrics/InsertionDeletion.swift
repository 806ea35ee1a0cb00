import Attribution
import Foundation
import Pullbacks

/// The speed at which the target's probability falls when pixels are deleted in descending order of their attribution
/// (the mean of its channels), or rises when they are inserted: the area under the curve over the share of pixels, in
/// `[0, 1]`. The series is the curve, from 0 to all pixels.
///
/// Deletion leaves mid grey; insertion starts from the image under a Gaussian blur, whose standard deviation along each
/// side is 5 pixels at 224 and in proportion elsewhere. Source: Petsiuk et al. 2018 (arXiv 1806.07421).
public struct InsertionDeletion: RankedPerturbationMetric {
  public enum Kind: String, Sendable { case insertion, deletion }

  public let kind: Kind
  public var steps = 48

  public init(_ kind: Kind) { self.kind = kind }

  public var name: String { kind.rawValue }
  public var title: String { kind == .insertion ? "Insertion" : "Deletion" }
  public var direction: Direction { kind == .insertion ? .higher : .lower }
  public let category = Category.faithfulness
  public let citation = "Petsiuk et al. 2018, arXiv 1806.07421"
  public var formula: String {
    "area under p over the share of pixels \(kind == .insertion ? "inserted" : "deleted"), in descending order of a"
  }
  public let requirement = InputRequirement.pictures
  public var settings: [String: String] { ["steps": "\(steps)"] }

  public func count(for shape: [Int]) -> Int { Steps.count(shape[1] * shape[2], steps) + 1 }

  /// The share of pixels at each point of a curve, for images of shape `(C, H, W)`.
  public func shares(for shape: [Int]) -> [Double] {
    let plane = shape[1] * shape[2]
    return (0..<count(for: shape)).map { Double(min(plane, $0 * Steps.size(plane, steps))) / Double(plane) }
  }

  public func trial(of sample: Sample, ranking map: Tensor, seed: UInt64) -> Trial {
    let steps = Steps(map.channelMeans, ascending: false, steps: steps, ties: sample.ties(seed: seed))
    let plane = steps.order.count
    let channels = sample.shape[0]
    let ground =
      kind == .deletion
      ? [Float](repeating: 0, count: channels * plane)
      : blurred(sample.image)
    let isDeletion = kind == .deletion
    return Trial(
      count: steps.count + 1,
      perturb: { count, image in
        // Deletion replaces the first steps by the ground, insertion all but them.
        let places = min(plane, count * steps.size)
        for place in isDeletion ? steps.order[..<places] : steps.order[places...] {
          for channel in 0..<channels { image[channel * plane + Int(place)] = ground[channel * plane + Int(place)] }
        }
      },
      score: { _, _, responses in
        let curve = responses.map(\.probability)
        var sum = 0.0
        for (step, (left, right)) in zip(curve, curve.dropFirst()).enumerated() {
          let width = min(plane, (step + 1) * steps.size) - step * steps.size
          sum += (left + right) / 2 * Double(width) / Double(plane)
        }
        return Score(sum, series: curve)
      })
  }
}

/// One image `(1, C, H, W)` under a Gaussian blur cut off at three standard deviations, edges repeated.
private func blurred(_ image: Tensor) -> [Float] {
  func pass(_ source: [Double], step: Int, extent: Int) -> [Double] {
    let deviation = 5 * Double(extent) / 224
    let reach = max(1, Int((3 * deviation).rounded(.up)))
    var weights = (-reach...reach).map { exp(-Double($0 * $0) / (2 * deviation * deviation)) }
    let total = weights.reduce(0, +)
    weights = weights.map { $0 / total }
    return source.indices.map { index in
      let place = index / step % extent
      var sum = 0.0
      for (tap, weight) in weights.enumerated() {
        let other = min(extent - 1, max(0, place + tap - reach))
        sum += weight * source[index + (other - place) * step]
      }
      return sum
    }
  }
  let (height, width) = (image.shape[2], image.shape[3])
  let rows = pass(image.doubles, step: 1, extent: width)
  return pass(rows, step: width, extent: height).map(Float.init)
}
