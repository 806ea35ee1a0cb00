import Failures
import Foundation
import Imaging
import Subjects

/// Small pictures in a sequence, of which a page shows one of each row at a time: maps under a moving temperature, a
/// picture on its way to another class.
public struct Film {
  /// The parameter along which the sequence goes, and its values: `c`, and 0.25 to 4.
  public let axis: String
  /// One for each place of the sequence.
  public let labels: [String]
  /// Groups of rows that are shown side by side.
  public let groups: [Group]
  /// The place that is shown first.
  public let start: Int

  /// Rows that belong together, under a title.
  public struct Group {
    public let title: String
    public let rows: [Row]

    public init(_ title: String, _ rows: [Row]) {
      self.title = title
      self.rows = rows
    }
  }

  /// A sequence of pictures, or one that stands still.
  public struct Row {
    public let title: String
    public let frames: [Picture]
    /// Curves that go with the pictures, a value for each: `("p(tench)", …)`.
    public let curves: [Curve]

    /// - Parameter frames: one frame per label, or a single one.
    public init(_ title: String, _ frames: [Picture], curves: [Curve] = []) {
      self.title = title
      self.frames = frames
      self.curves = curves
    }
  }

  public struct Curve: Encodable {
    let name: String
    let values: [Double]

    public init(_ name: String, _ values: [Double]) {
      self.name = name
      self.values = values
    }
  }

  /// - Precondition: all pictures have one size, and a row has one or as many as there are labels.
  public init(axis: String, labels: [String], start: Int = 0, _ groups: [Group]) {
    let rows = groups.flatMap(\.rows)
    let sizes = Set(rows.flatMap(\.frames).map { [$0.width, $0.height] })
    precondition(sizes.count == 1 && rows.allSatisfy { [1, labels.count].contains($0.frames.count) })
    self.axis = axis
    self.labels = labels
    self.groups = groups
    self.start = start
  }

  /// The frames as one picture without gaps: a row for each row, a column for each label.
  var sheet: Picture {
    let rows = groups.flatMap(\.rows).map { $0.frames.map(\.inColor) }
    let (width, height) = (rows[0][0].width, rows[0][0].height)
    var pixels: [UInt8] = []
    pixels.reserveCapacity(3 * rows.count * height * labels.count * width)
    for row in rows {
      for line in 0..<height {
        for frame in row { pixels += frame.pixels[3 * line * width..<3 * (line + 1) * width] }
        pixels += Array(repeating: 255, count: 3 * (labels.count - row.count) * width)
      }
    }
    return Picture(width: labels.count * width, height: rows.count * height, pixels: pixels)
  }

  /// The description of the film in the file beside the sheet.
  struct Description: Encodable {
    struct Group: Encodable {
      let title: String
      let rows: [Row]
    }
    struct Row: Encodable {
      let title: String
      let frames: Int
      let curves: [Curve]
    }
    let axis: String
    let labels: [String]
    let start: Int
    let width: Int
    let height: Int
    let groups: [Group]
  }

  var description: Description {
    let frame = groups[0].rows[0].frames[0]
    return Description(
      axis: axis, labels: labels, start: start, width: frame.width, height: frame.height,
      groups: groups.map { group in
        Description.Group(
          title: group.title,
          rows: group.rows.map { Description.Row(title: $0.title, frames: $0.frames.count, curves: $0.curves) })
      })
  }
}

extension Experiment {
  /// Writes a film: its sheet as a PNG, beside it what is where.
  ///
  /// - Throws: as ``write(_:part:numbers:about:)``.
  public func write(_ film: Film, part: String = "film", about subjects: [Subject]) throws {
    try write(
      [("png", try film.sheet.pngBytes())], part: part, numbers: film.description,
      about: subjects.map { try NetworkOfRecord($0) })
  }
}
