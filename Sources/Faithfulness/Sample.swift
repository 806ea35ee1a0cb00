import Attribution
import Pullbacks

/// An image to be evaluated, with what is known of it.
public struct Sample: Sendable {
  /// The index in the whole data set, whatever part of it is evaluated.
  public let index: Int
  /// The key that seeds random numbers of explainers and metrics: the image's content, regardless of a metric's changes
  /// to it and of the other images. The images of a mosaic are chosen by ``index`` instead.
  public let key: Int
  public let name: String
  /// `(1, C, H, W)` in `[-1, 1]`.
  public let image: Tensor
  /// The data set's label: the class whose explanation is evaluated.
  public let target: Int
  /// `(1, 1, H, W)` in `[0, 1]`, 1 on the object; nil if there is none.
  public let mask: Tensor?
  public let parts: [Part]
  public let mosaic: Mosaic?

  /// A part of the object.
  public struct Part: Sendable {
    public let name: String
    /// `(1, 1, H, W)` in `[0, 1]`.
    public let mask: Tensor
    /// Whether the class cannot be told without it.
    public let isDiagnostic: Bool
    /// The same image without the part, `(1, C, H, W)`.
    public let imageWithout: Tensor

    public init(name: String, mask: Tensor, isDiagnostic: Bool, imageWithout: Tensor) {
      self.name = name
      self.mask = mask
      self.isDiagnostic = isDiagnostic
      self.imageWithout = imageWithout
    }
  }

  /// - Parameter key: nil is the image's own, ``Pullbacks/Tensor/contentKey``.
  public init(
    index: Int, key: Int? = nil, name: String, image: Tensor, target: Int, mask: Tensor? = nil, parts: [Part] = [],
    mosaic: Mosaic? = nil
  ) {
    self.key = key ?? image.contentKey
    self.index = index
    self.name = name
    self.image = image
    self.target = target
    self.mask = mask
    self.parts = parts
    self.mosaic = mosaic
  }

  /// `(C, H, W)`.
  var shape: [Int] { Array(image.shape.dropFirst()) }
}

/// Four images at half their size in one: two copies of an image in two random quadrants, and two images of other
/// classes.
public struct Mosaic: Sendable {
  /// `(1, C, H, W)`.
  public let image: Tensor
  /// Whether each quadrant, row by row, shows the sample's own class.
  public let isOwn: [Bool]

  /// The choice of the images of a mosaic.
  public struct Plan: Equatable, Sendable {
    public let isOwn: [Bool]
    /// The indices of the two other images, in the order of the quadrants they fill.
    public let others: [Int]

    public init(isOwn: [Bool], others: [Int]) {
      self.isOwn = isOwn
      self.others = others
    }
  }

  /// The mosaic of image `index` of a data set; nil if it has no two images of other classes. Random numbers: `focus`.
  ///
  /// - Parameter targets: every image's class.
  public static func plan(of index: Int, targets: [Int], seed: UInt64) -> Plan? {
    let candidates = targets.indices.filter { targets[$0] != targets[index] }
    guard candidates.count >= 2 else { return nil }
    let stream = RandomStream(seed: seed, "focus", image: index)
    func number(_ place: Int, below bound: Int) -> Int { Int((UInt64(stream[place]) * UInt64(bound)) >> 32) }
    let pairs = [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    let own = pairs[number(0, below: pairs.count)]
    let first = number(1, below: candidates.count)
    var second = number(2, below: candidates.count - 1)
    if second >= first { second += 1 }
    return Plan(isOwn: (0..<4).map(own.contains), others: [candidates[first], candidates[second]])
  }

  /// - Parameters:
  ///   - image: the sample's, `(1, C, H, W)`.
  ///   - others: the two images of the plan.
  /// - Throws: `PullbackError` if the images are no pictures of one shape, or height or width is odd.
  public init(_ plan: Plan, image: Tensor, others: [Tensor]) throws(PullbackError) {
    let shape = Array(image.shape.dropFirst())
    try InputRequirement.pictures.check(shape, for: "focus")
    let (height, width) = (shape[1], shape[2])
    guard height % 2 == 0, width % 2 == 0, others.count == 2, others.allSatisfy({ $0.shape == image.shape }) else {
      throw PullbackError(
        .usage, "focus", "a mosaic takes three images of one shape with even sides, found \(image.shape)")
    }
    let own = image.halved
    var left = others.map(\.halved)
    let tiles = plan.isOwn.map { $0 ? own : left.removeFirst() }
    let channels = image.shape[1]
    self.image = Tensor(shape: image.shape) { result in
      for (quadrant, tile) in tiles.enumerated() {
        tile.withUnsafeBuffer { tile in
          for line in 0..<channels * height / 2 {
            let row = line % (height / 2) + quadrant / 2 * (height / 2)
            let start = (line / (height / 2) * height + row) * width + quadrant % 2 * (width / 2)
            for column in 0..<width / 2 { result[start + column] = tile[line * (width / 2) + column] }
          }
        }
      }
    }
    isOwn = plan.isOwn
  }
}

extension Tensor {
  /// Images `(N, C, H, W)` at half their size: the triangle filter of an antialiased bilinear resize, whose taps at a
  /// factor of two are 1, 3, 3 and 1 eighths; at the border the taps outside are left out and the rest scaled up.
  ///
  /// - Precondition: even sides.
  var halved: Tensor {
    halved(step: 1, extent: shape[3], shape: Array(shape.dropLast()) + [shape[3] / 2])
      .halved(step: shape[3] / 2, extent: shape[2], shape: Array(shape.dropLast(2)) + [shape[2] / 2, shape[3] / 2])
  }

  private func halved(step: Int, extent: Int, shape: [Int]) -> Tensor {
    withUnsafeBuffer { source in
      Tensor(shape: shape) { result in
        for index in result.indices {
          let (inner, place, outer) = (index % step, index / step % (extent / 2), index / step / (extent / 2))
          var (sum, weights) = (0.0, 0.0)
          for (tap, weight) in [(-1, 1.0), (0, 3), (1, 3), (2, 1)] where (0..<extent).contains(2 * place + tap) {
            sum += weight * Double(source[(outer * extent + 2 * place + tap) * step + inner])
            weights += weight
          }
          result[index] = Float(sum / weights)
        }
      }
    }
  }
}
