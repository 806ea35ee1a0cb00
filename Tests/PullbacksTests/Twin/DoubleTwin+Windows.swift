import Foundation
import Pullbacks
import TestKit

/// Windows that slide along any number of axes, as the twin walks through them.
struct Windows {
  let kernel, stride, dilation, begins, ends: [Int]

  init(_ window: SlidingWindow) {
    (kernel, stride, dilation) = (window.kernel, window.stride, window.dilation)
    (begins, ends) = (window.begins, window.ends)
  }

  init(axes: Int, _ kernel: Extent, _ stride: Extent, _ padding: Padding, _ dilation: Extent) {
    func list(_ extent: Extent) -> [Int] { [extent.height, extent.width].suffix(axes) }
    (self.kernel, self.stride, self.dilation) = (list(kernel), list(stride), list(dilation))
    begins = [padding.top, padding.left].suffix(axes)
    ends = [padding.bottom, padding.right].suffix(axes)
  }

  init(_ pool: MaxPool) { self.init(axes: pool.axes, pool.kernel, pool.stride, pool.padding, pool.dilation) }

  /// The places of a window in turn: as steps within the kernel.
  var steps: [[Int]] {
    kernel.reduce([[]]) { steps, extent in steps.flatMap { step in (0..<extent).map { step + [$0] } } }
  }

  /// Where a step of window `index` lies in the input, which may be outside.
  func place(_ index: [Int], _ step: [Int]) -> [Int] {
    step.indices.map { index[$0] * stride[$0] + step[$0] * dilation[$0] - begins[$0] }
  }
}

// Convolution and pooling by their definitions.
extension DoubleTwin {
  private func isInside(_ place: [Int], _ extents: ArraySlice<Int>) -> Bool {
    zip(place, extents).allSatisfy { (0..<$1).contains($0) }
  }

  func convolve(_ c: Convolution, _ x: Grid) -> Grid {
    convolution(Windows(axes: c.axes, c.kernel, c.stride, c.padding, c.dilation), c.groups, c.hasBias, x)
  }

  func convolution(_ windows: Windows, _ groups: Int, _ hasBias: Bool, _ x: Grid) -> Grid {
    let shape = extents([x])
    let (groupInputs, groupOutputs) = (x.shape[0] / groups, shape[0] / groups)
    return Grid(shape) { o in
      var sum = hasBias ? parameters[1][o[0]] : 0
      for step in windows.steps {
        let place = windows.place(Array(o.dropFirst()), step)
        guard isInside(place, x.shape.dropFirst()) else { continue }
        for channel in 0..<groupInputs {
          sum += parameters[0][[o[0], channel] + step] * x[[o[0] / groupOutputs * groupInputs + channel] + place]
        }
      }
      return sum
    }
  }

  /// Every value of the input adds its multiple of the filters to the output.
  func transposedConvolution(_ c: TransposedConvolution, _ x: Grid) -> Grid {
    transposedConvolution(Windows(axes: c.axes, c.kernel, c.stride, c.padding, c.dilation), c.groups, c.hasBias, x)
  }

  func transposedConvolution(_ windows: Windows, _ groups: Int, _ hasBias: Bool, _ x: Grid) -> Grid {
    let shape = extents([x])
    let (groupInputs, groupOutputs) = (x.shape[0] / groups, shape[0] / groups)
    var y = Grid(shape) { hasBias ? parameters[1][$0[0]] : 0 }
    _ = Grid(x.shape) { from in
      for step in windows.steps {
        let place = windows.place(Array(from.dropFirst()), step)
        guard isInside(place, shape.dropFirst()) else { continue }
        for output in 0..<groupOutputs {
          let weight = parameters[0][[from[0], output] + step]
          y[[from[0] / groupInputs * groupOutputs + output] + place] += weight * x[from]
        }
      }
      return 0
    }
    return y
  }

  // MARK: Average pooling

  func averagePool(_ pool: AveragePool, _ x: Grid) -> Grid {
    switch pool.windows {
    case .sliding(let kernel, let stride, let padding, _, let countsPadding):
      return slidingMean(Windows(axes: pool.axes, kernel, stride, padding, 1), countsPadding, x)
    case .adaptive: return adaptiveMean(x)
    }
  }

  func averagePool(_ pool: VolumeAveragePool, _ x: Grid) -> Grid {
    switch pool.windows {
    case .sliding(let window, let countsPadding): return slidingMean(Windows(window), countsPadding, x)
    case .adaptive: return adaptiveMean(x)
    }
  }

  private func slidingMean(_ windows: Windows, _ countsPadding: Bool, _ x: Grid) -> Grid {
    Grid(extents([x])) { o in
      let places = windows.steps.map { windows.place(Array(o.dropFirst()), $0) }
      let inside = places.filter { isInside($0, x.shape.dropFirst()) }
      let padded = places.filter { place in
        place.indices.allSatisfy { place[$0] < x.shape[$0 + 1] + windows.ends[$0] }
      }
      return inside.map { x[[o[0]] + $0] }.sum / Double(countsPadding ? padded.count : inside.count)
    }
  }

  private func adaptiveMean(_ x: Grid) -> Grid {
    let shape = extents([x])
    return Grid(shape) { o in
      var values: [Double] = []
      _ = Grid(x.shape) { place in
        let isMember =
          place[0] == o[0]
          && (1..<place.count).allSatisfy {
            overlaps(place[$0], o[$0], of: shape[$0], over: x.shape[$0])
          }
        if isMember { values.append(x[place]) }
        return 0
      }
      return values.mean
    }
  }

  /// Whether the unit interval at `place` and cell `cell` of `count` equal cells over `extent` units overlap.
  private func overlaps(_ place: Int, _ cell: Int, of count: Int, over extent: Int) -> Bool {
    place * count < (cell + 1) * extent && (place + 1) * count > cell * extent
  }

  // MARK: Max pooling

  /// A place of a window: nil where it lies outside, with the value 0.
  typealias WindowPlace = (index: [Int]?, value: Double)

  private func places(_ windows: Windows, _ o: [Int], _ x: Grid) -> [WindowPlace] {
    windows.steps.map { step in
      let place = windows.place(Array(o.dropFirst()), step)
      guard isInside(place, x.shape.dropFirst()) else { return (nil, 0) }
      return ([o[0]] + place, x[[o[0]] + place])
    }
  }

  private func inside(_ windows: Windows, _ o: [Int], _ x: Grid) -> [WindowPlace] {
    places(windows, o, x).filter { $0.index != nil }
  }

  func maxPool(_ windows: Windows, _ x: Grid) -> Grid {
    Grid(extents([x])) { inside(windows, $0, x).map(\.value).max()! }
  }

  func pushMaxPool(_ windows: Windows, _ dx: Grid, at x: Grid, _ rule: SoftMaxPool?) -> Grid {
    Grid(extents([x])) { o in
      guard let rule else {
        let inside = inside(windows, o, x)
        return dx[inside.first { $0.value == inside.map(\.value).max()! }!.index!]
      }
      let window = rule.border == .zeros ? places(windows, o, x) : inside(windows, o, x)
      let shares = window.map { $0.value / Double(rule.temperature) }.softmax
      return zip(window, shares).map { place, share in place.index.map { share * dx[$0] } ?? 0 }.sum
    }
  }
}
