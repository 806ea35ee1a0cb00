import Testing

@testable import Plotting

@Suite struct AxisTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var range: ClosedRange<Double>
    var count: Int
    var labels: [String]
    var testDescription: String { "\(range), about \(count)" }
  }

  @Test(arguments: [
    Case(range: 0...1, count: 5, labels: ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    Case(range: 0...1, count: 2, labels: ["0.0", "0.5", "1.0"]),
    Case(range: -0.3...0.3, count: 6, labels: ["−0.3", "−0.2", "−0.1", "0.0", "0.1", "0.2", "0.3"]),
    Case(range: 3...97, count: 5, labels: ["20", "40", "60", "80"]),
    Case(range: 4.7...9.8, count: 5, labels: ["5", "6", "7", "8", "9"]),
    Case(range: 0...300_000, count: 3, labels: ["0", "1×10⁵", "2×10⁵", "3×10⁵"]),
    Case(range: 0...0.0004, count: 4, labels: ["0", "1×10⁻⁴", "2×10⁻⁴", "3×10⁻⁴", "4×10⁻⁴"]),
    Case(range: 0...150_000, count: 3, labels: ["0", "0.5×10⁵", "1.0×10⁵", "1.5×10⁵"]),
  ])
  func linearTicks(_ example: Case) {
    #expect(Ticks.linear(example.range, count: example.count).map(\.label) == example.labels)
  }

  @Test(arguments: [
    Case(range: 0.01...100, count: 6, labels: ["0.01", "0.1", "1", "10", "100"]),
    Case(range: 0.05...3, count: 6, labels: ["0.05", "0.1", "0.2", "0.5", "1", "2"]),
    Case(range: 0.05...3, count: 2, labels: ["0.1", "1"]),
    Case(range: 1e-8...1, count: 3, labels: ["10⁻⁸", "10⁻⁵", "0.01"]),
    Case(range: 1e5...1e7, count: 5, labels: ["10⁵", "10⁶", "10⁷"]),
    Case(range: 3...4, count: 5, labels: ["3.0", "3.2", "3.4", "3.6", "3.8", "4.0"]),
  ])
  func logarithmicTicks(_ example: Case) {
    #expect(Ticks.logarithmic(example.range, count: example.count).map(\.label) == example.labels)
  }

  @Test func tickValuesAreTheDecimalNumbers() {
    #expect(Ticks.linear(0...0.7, count: 7).map(\.value) == [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    #expect(Ticks.minorLogarithmic(0.5...3) == [0.5, 0.6, 0.7, 0.8, 0.9, 2, 3])
  }

  @Test(arguments: [0...0, -Double.infinity...1, 0...Double.infinity, 1e300...1.1e300, 1...1.0000000000000002])
  func strangeRangesGiveFewTicks(range: ClosedRange<Double>) {
    #expect(Ticks.linear(range, count: 5).count <= 12)
    #expect(Ticks.logarithmic(range, count: 5).count <= 12)
  }

  @Test func positionsAreSharesOfTheAxis() throws {
    let linear = Axis(range: 2...6).fitted(to: [], padding: 0)
    #expect(linear.position(of: 3) == 0.25)
    #expect(linear.position(of: .nan) == nil)
    let log = Axis(scale: .logarithmic, range: 0.01...100).fitted(to: [], padding: 0)
    #expect(abs(try #require(log.position(of: 1)) - 0.5) < 1e-12)
    #expect(log.position(of: 0) == nil)
    #expect(log.position(of: -1) == nil)
  }

  @Test func dataChooseTheRange() {
    let fitted = Axis().fitted(to: [1, .nan, 3, .infinity], padding: 0.1)
    #expect((fitted.lower, fitted.upper) == (0.8, 3.2))
    let bars = Axis().fitted(to: [2, 4], padding: 0.1, including: true)
    #expect((bars.lower, bars.upper) == (0, 4.4))
    let nothing = Axis(scale: .logarithmic).fitted(to: [-1, 0], padding: 0.1)
    #expect((nothing.lower, nothing.upper) == (1, 10))
    let constant = Axis().fitted(to: [5, 5], padding: 0.1)
    #expect((constant.lower, constant.upper) == (4.5, 5.5))
  }

  @Test func labelsThatWouldTouchAreThinnedOut() {
    let axis = Axis(range: 0...1).fitted(to: [], padding: 0)
    let labels = axis.ticks(along: 100, spacing: 10) { _ in 30 }.map(\.label)
    #expect(labels == ["0.0", "0.5", "1.0"])
  }
}
