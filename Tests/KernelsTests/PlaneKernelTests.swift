import CKernels
import Kernels
import Pullbacks
import TestKit
import Testing

/// Kernels over planes, and the movers of axes, against plain loops.
@Suite struct PlaneKernelTests {
  /// Windows with all the awkward geometry: strides beyond the kernel, dilation, padding beyond the input.
  static let windows: [Window] = [
    ((5, 6), (3, 3), (1, 1), (1, 1), (1, 1)), ((1, 1), (3, 3), (1, 1), (1, 1), (1, 1)),
    ((7, 8), (2, 1), (3, 4), (1, 1), (0, 0)), ((4, 9), (3, 2), (2, 1), (2, 3), (2, 3)),
    ((2, 2), (5, 5), (1, 2), (1, 1), (4, 4)), ((3, 20), (1, 7), (1, 1), (1, 2), (0, 6)),
  ].map { (input, kernel, stride, dilation, padding) in
    func count(_ extent: Int, _ kernel: Int, _ stride: Int, _ dilation: Int, _ padding: Int) -> Int {
      (extent + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1
    }
    return Window(
      input: input,
      output: (
        count(input.0, kernel.0, stride.0, dilation.0, padding.0),
        count(input.1, kernel.1, stride.1, dilation.1, padding.1)
      ), kernel: kernel, stride: stride, dilation: dilation, paddingTopLeft: padding)
  }

  /// Every value where its place in the input says, zero outside; in strips of rows as well as whole.
  @Test(arguments: windows.indices) func columns(_ index: Int) {
    var window = Self.windows[index].c
    let channels = 2
    let x = Formula.image("x", [channels * window.height * window.width]).scalars
    for rows in [0..<window.out_height, 0..<1, window.out_height / 2..<window.out_height] {
      let pixels = rows.count * window.out_width
      var found = [Float](repeating: .nan, count: channels * window.kernel_h * window.kernel_w * pixels)
      pb_columns(x, channels, &window, rows.lowerBound, rows.upperBound, &found)
      let shape = [channels, window.kernel_h, window.kernel_w, rows.count, window.out_width]
      let expected = Grid(shape) { place in
        let row = (rows.lowerBound + place[3]) * window.stride_h + place[1] * window.dilation_h - window.pad_top
        let column = place[4] * window.stride_w + place[2] * window.dilation_w - window.pad_left
        guard (0..<window.height).contains(row), (0..<window.width).contains(column) else { return 0 }
        return Double(x[(place[0] * window.height + row) * window.width + column])
      }
      #expect(found.map(Double.init) == expected.values)
    }
  }

  @Test(arguments: windows.indices) func columnsAreAdjoint(_ index: Int) {
    var window = Self.windows[index].c
    let channels = 3
    let area = channels * window.height * window.width
    let count = channels * window.kernel_h * window.kernel_w * window.out_height * window.out_width
    let x = Formula.image("x", [area]).scalars
    let c = Formula.image("c", [count]).scalars
    var columns = [Float](repeating: .nan, count: count)
    pb_columns(x, channels, &window, 0, window.out_height, &columns)
    var pulled = [Float](repeating: 0, count: area)
    pb_columns_adjoint(c, window.out_height * window.out_width, channels, &window, 0, window.out_height, &pulled)
    let terms = zip(columns, c).map { Double($0) * Double($1) }
    let others = zip(x, pulled).map { Double($0) * Double($1) }
    #expect(abs(terms.sum - others.sum) <= 1e-6 * terms.map(abs).sum)
  }

  /// A NaN wins its window wherever it stands in it, in the value and in the adjoint.
  @Test func maxPoolWithNaN() {
    var window = Window(
      input: (3, 3), output: (1, 1), kernel: (3, 3), stride: (1, 1), dilation: (1, 1), paddingTopLeft: (0, 0)
    ).c
    for place in 0..<9 {
      var x: [Float] = [3, 1, 4, 1, 5, 9, 2, 6, 5]
      x[place] = .nan
      var y: [Float] = [0]
      pb_max_pool(x, &window, false, &y)
      #expect(y[0].isNaN, "NaN at \(place)")
      var dx = [Float](repeating: 7, count: 9)
      pb_max_pool_gradient([2], x, &window, false, &dx)
      #expect(dx.indices.allSatisfy { dx[$0] == ($0 == place ? 2 : 0) })
      pb_max_pool_soft([2], x, &window, false, 1, true, &dx)
      #expect(dx.allSatisfy { $0.isNaN })
    }
  }

  /// Max pools of a plane whose negative values count as 0 are those of the rectified plane, to the bit.
  @Test(arguments: [
    Window(input: (8, 12), output: (4, 6), kernel: (2, 2), stride: (2, 2), dilation: (1, 1), paddingTopLeft: (0, 0)),
    Window(input: (9, 7), output: (5, 4), kernel: (3, 3), stride: (2, 2), dilation: (1, 1), paddingTopLeft: (1, 1)),
  ]) func maxPoolsRectify(_ shape: Window) {
    var window = shape.c
    let (area, places) = (window.height * window.width, window.out_height * window.out_width)
    let x = (0..<area).map { Float($0 * 37 % 23) / 7 - 1.5 }
    let v = (0..<places).map { Float($0 % 5) - 1.5 }
    func results(_ x: [Float], rectified: Bool) -> [[Float]] {
      var y = [Float](repeating: .nan, count: places)
      var (hard, soft) = ([Float](repeating: .nan, count: area), [Float](repeating: .nan, count: area))
      pb_max_pool(x, &window, rectified, &y)
      pb_max_pool_gradient(v, x, &window, rectified, &hard)
      pb_max_pool_soft(v, x, &window, rectified, 3, true, &soft)
      return [y, hard, soft]
    }
    let rectified = results(x.map { max(0, $0) }, rectified: false)
    #expect(results(x, rectified: true) == rectified && results(x, rectified: false) != rectified)
  }

  /// The first of equal values wins; a plane of -inf is not a special case.
  @Test func maxPoolOfEqualValues() {
    var window = Window(
      input: (2, 2), output: (1, 1), kernel: (2, 2), stride: (1, 1), dilation: (1, 1), paddingTopLeft: (0, 0)
    ).c
    for value in [Float(3), -.infinity] {
      let x = [Float](repeating: value, count: 4)
      var (y, dx): ([Float], [Float]) = ([0], [7, 7, 7, 7])
      pb_max_pool(x, &window, false, &y)
      pb_max_pool_gradient([2], x, &window, false, &dx)
      #expect(y == [value] && dx == [2, 0, 0, 0])
    }
  }

  /// Shares of a soft max pool neither overflow nor vanish with values far from zero, and sum to v.
  @Test(arguments: [-1e4, 0, 1e4] as [Float]) func softMaxPoolFarFromZero(_ offset: Float) {
    var window = Window(
      input: (2, 2), output: (1, 1), kernel: (2, 2), stride: (1, 1), dilation: (1, 1), paddingTopLeft: (0, 0)
    ).c
    var dx = [Float](repeating: .nan, count: 4)
    pb_max_pool_soft([2], [offset, offset + 0.5, offset, offset - 0.25], &window, false, 4, false, &dx)
    let shares = [0.0, 2, 0, -1].softmax
    expectClose(dx.map(Double.init), shares.map { 2 * $0 }, within: 3e-7)
  }

  @Test func permutations() {
    // The later ones are transposed by squares of eight, the last of which overlap, and in bands of 64.
    for shape in [
      [5], [3, 4], [2, 3, 4], [2, 3, 1, 4], [2, 3, 2, 1, 3], [9, 8], [2, 131, 77], [1, 23, 70], [2, 8, 3, 17],
    ] {
      let x = Formula.image("x", shape)
      let grid = Grid(x)
      for order in orders(shape.count) {
        let expected = Grid(order.map { shape[$0] }) { place in
          var index = place
          for (i, axis) in order.enumerated() { index[axis] = place[i] }
          return grid[index]
        }
        let found = x.permuted(order)
        #expect(found.shape == expected.shape && found.scalars.map(Double.init) == expected.values, "\(shape) \(order)")
      }
    }
  }

  private func orders(_ count: Int) -> [[Int]] {
    count == 0
      ? [[]]
      : orders(count - 1).flatMap { rest in
        (0...rest.count).map { Array(rest[..<$0]) + [count - 1] + rest[$0...] }
      }
  }

  /// Every combination of transposed factors, with strides wider than the rows.
  @Test func matrixProducts() {
    let (m, n, k) = (5, 7, 3)
    for (left, right) in [(false, false), (false, true), (true, false), (true, true)] {
      let a = Formula.image("a", left ? [k, m + 2] : [m, k + 2])
      let b = Formula.image("b", right ? [n, k + 1] : [k, n + 1])
      var c = Formula.image("c", [m, n + 3])
      let expected = Grid([m, n + 3]) { o in
        guard o[1] < n else { return Double(c[o[0], o[1]]) }
        let terms = (0..<k).map { i in
          Double(left ? a[i, o[0]] : a[o[0], i]) * Double(right ? b[o[1], i] : b[i, o[1]])
        }
        return Double(c[o[0], o[1]]) + 0.5 * terms.sum
      }
      a.withUnsafeBuffer { a in
        b.withUnsafeBuffer { b in
          c.withUnsafeMutableBuffer { c in
            matrixProduct(
              MatrixOperand(a.baseAddress!, stride: left ? m + 2 : k + 2, transposed: left),
              MatrixOperand(b.baseAddress!, stride: right ? k + 1 : n + 1, transposed: right),
              into: c.baseAddress!, stride: n + 3, m: m, n: n, k: k, scale: 0.5, accumulating: true)
          }
        }
      }
      expectClose(c.scalars.map(Double.init), expected.values, within: 3e-7, "\(left) \(right)")
    }
  }
}
