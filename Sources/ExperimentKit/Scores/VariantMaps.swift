import Failures
import Imaging
import Pullbacks

/// The maps of a network's variants of one seed as a picture in grey: one row for each condition, and in it, scene
/// after scene, the maps of ``explainers``.
///
/// A map is stored as a heat map shows it: the mean over the channels, positive and negative parts each divided by
/// their own extreme. It is rounded to fifteenths, a step that hardly shows, so that the file stays small: the grey
/// value g stands for `(g - 128) / 120`.
public struct VariantMaps: Sendable {
  /// The explainers whose maps are shown.
  public static let explainers = [VariantExplainer.gradient, VariantExplainer.fixed, VariantExplainer.relative]

  private static let levels: Float = 15
  private static let distance: Float = 8
  private static let zero: Float = 128

  /// The maps by condition, scene and explainer; each `(1, 1, H, W)` in `[-1, 1]`.
  private let maps: [[[Tensor]]]

  /// The map of an explainer, `(1, 1, H, W)` in `[-1, 1]`.
  public subscript(condition: TrainingCondition, scene scene: Int, explainer: String) -> Tensor? {
    guard let row = TrainingCondition.allCases.firstIndex(of: condition),
      let place = Self.explainers.firstIndex(of: explainer)
    else { return nil }
    return maps[row][scene][place]
  }

  /// - Parameter maps: the maps by condition, scene and explainer, each `(1, C, H, W)`.
  init(_ maps: [[[Tensor]]]) { self.maps = maps.map { $0.map { $0.map(Self.shown) } } }

  /// The mean over the channels, both signs divided by their own extreme and rounded to levels.
  private static func shown(_ map: Tensor) -> Tensor {
    let (channels, plane) = (map.shape[1], map.shape[2] * map.shape[3])
    let values = map.scalars
    let means = (0..<plane).map { place in
      (0..<channels).reduce(0.0) { $0 + Double(values[$1 * plane + place]) } / Double(channels)
    }
    let (lowest, highest) = (means.min() ?? 0, means.max() ?? 0)
    return Tensor(
      shape: [1, 1, map.shape[2], map.shape[3]],
      means.map { mean in
        let share = mean == 0 ? 0 : mean > 0 ? mean / highest : mean / -lowest
        return (Float(share) * levels).rounded() / levels
      })
  }

  func write(to path: String) throws {
    let (height, width) = (maps[0][0][0].shape[2], maps[0][0][0].shape[3])
    let columns = maps[0].joined().count
    var pixels = [UInt8](repeating: 0, count: maps.count * height * columns * width)
    for (row, scenes) in maps.enumerated() {
      for (column, map) in scenes.joined().enumerated() {
        for (place, value) in map.scalars.enumerated() {
          let line = row * height + place / width
          pixels[(line * columns + column) * width + place % width] = UInt8(
            Self.zero + Self.distance * (value * Self.levels).rounded())
        }
      }
    }
    let picture = Picture(width: columns * width, height: maps.count * height, channels: .gray, pixels: pixels)
    try AtomicFile.write(picture.pngBytes(), to: path)
  }

  /// - Parameter scenes: the number of scenes with maps in a row.
  /// - Throws: `PullbackError` if the file is no picture of that many square maps.
  init(contentsOf path: String, scenes: Int) throws {
    let picture = try Photograph(contentsOf: path).picture
    let (rows, columns) = (TrainingCondition.allCases.count, scenes * Self.explainers.count)
    let side = picture.height / rows
    guard side > 0, picture.height == rows * side, picture.width == columns * side else {
      throw PullbackError(
        .data, path,
        "expected \(rows) rows of \(columns) square maps, found \(picture.width) x \(picture.height) pixels")
    }
    maps = (0..<rows).map { row in
      (0..<scenes).map { scene in
        Self.explainers.indices.map { explainer in
          let left = (scene * Self.explainers.count + explainer) * side
          return Tensor(
            shape: [1, 1, side, side],
            (0..<side * side).map { place in
              let pixel = (row * side + place / side) * picture.width + left + place % side
              return (Float(picture.pixels[3 * pixel]) - Self.zero) / (Self.distance * Self.levels)
            })
        }
      }
    }
  }
}
