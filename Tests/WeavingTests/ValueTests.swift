import Pullbacks
import Testing

@testable import Weaving

@Suite struct ValueTests {
  private let results = Value.record([
    "numbers": .list([
      .record(["method": .text("gradient"), "score": .number(0.25), "curve": .list([.number(1), .number(4)])]),
      .record(["method": .text("soft-pullback"), "score": .number(0.75), "curve": .list([.number(2), .number(8)])]),
      .record(["method": .text("gradient"), "score": .number(-0.5), "curve": .list([.number(3), .number(12)])]),
    ]),
    "seed": .number(314), "title": .text("A_b*"), "draws": .number(1_234_567), "flag": .boolean(true), "none": .null,
    "big": .number(366_000), "small": .number(0.00012345), "empty": .list([]),
  ])

  @Test(arguments: [
    ("seed", "314"), ("draws", "1,234,567"), ("title", "A\\_b\\*"), ("title|first 1", "A"),
    ("numbers[0].score|fixed 2", "0.25"),
    ("numbers[1].score|percent", "75\u{A0}%"),
    ("numbers[1].score|percent 1", "75.0\u{A0}%"),
    ("numbers[-1].score|fixed 1", "\u{2212}0.5"), ("numbers[method=soft-pullback].score|fixed 2", "0.75"),
    ("numbers[method=gradient][score<0].score | fixed 2", "\u{2212}0.50"),
    ("numbers[method!=gradient].curve[-1]", "8"), ("numbers[score>=0.75].method", "soft-pullback"),
    ("numbers[method=gradient].score|mean|fixed 3", "\u{2212}0.125"), ("numbers[*].score|median|fixed 2", "0.25"),
    ("numbers[method=gradient].score|median|fixed 3", "\u{2212}0.125"), ("numbers[*].curve[1]|sum", "24"),
    ("numbers[0].curve|max", "4"), ("numbers[*].score|min|fixed 1", "\u{2212}0.5"), ("numbers|count", "3"),
    ("numbers[method=gradient]|count", "2"), ("empty|count", "0"), ("numbers[0].curve|deviation|fixed 2", "1.50"),
    ("big|scientific 2", "3.7\u{A0}×\u{A0}10^5^"), ("small|scientific 3", "1.23\u{A0}×\u{A0}10^\u{2212}4^"),
    ("small|significant 2", "0.00012"), ("big|significant 2", "370000"), ("numbers[0].score|significant 3", "0.250"),
    ("small|fixed 2", "0.00"), ("numbers[2].curve[0] | integer", "3"),
  ])
  func isWritten(_ selection: String, _ expected: String) throws {
    #expect(try Selection(selection).markdown(in: results) == expected)
  }

  /// A value that is rounded to zero has no sign, one that is rounded to the next power of ten no digit too many.
  @Test func roundsAtTheEdges() throws {
    #expect(try ValueFormat("fixed 2")(.number(-0.001), of: "") == "0.00")
    #expect(try ValueFormat("significant 2")(.number(0.0996), of: "") == "0.10")
    #expect(try ValueFormat("significant 2")(.number(0), of: "") == "0.0")
    #expect(try ValueFormat("significant 2")(.number(1.5e20), of: "") == "1.5\u{A0}×\u{A0}10^20^")
    #expect(try ValueFormat("integer")(.number(-1000), of: "") == "\u{2212}1,000")
    #expect(throws: PullbackError.self) { try ValueFormat("fixed 2")(.number(.infinity), of: "") }
  }

  @Test(arguments: [
    ("numbrs", "there is no numbrs in a record of big, draws"), ("numbers[3].score", "no element 3 in a list of 3"),
    ("numbers[method=guided].score", "no method = guided; there is gradient, soft-pullback"),
    ("seed.x", "there is no x in the number 314.0"), ("seed[0]", "expected a list, found the number"),
    ("numbers[*].score|fixed 2", "leads to 3 values, expected one"), ("numbers[0].score", "needs a format"),
    ("numbers[0]", "a record of curve, method, score needs a format"),
    ("title|fixed 2", "expected a number, found the text"),
    ("numbers[*].method|mean", "expected numbers for mean"), ("numbers[0].score|integer", "is not a whole number"),
    ("empty|mean", "the mean of no numbers"),
    ("empty[*]|count", "leads to an empty list"),
    ("seed|first 2", "expected a text"),
    ("seed|rounded 2", "is not a format; there are fixed N"), ("seed|fixed", "is not a format"),
    ("seed|fixed 99", "is not a format"),
    ("seed|fixed 2|mean", "something after the format"),
    ("numbers[0", "expected a ]"),
    ("numbers[first]", "expected an index"), ("numbers..score", "expected a name between the dots"),
  ])
  func isRefused(_ selection: String, _ problem: String) throws {
    let error = #expect(throws: PullbackError.self) { try Selection(selection).markdown(in: results) }
    #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
  }
}
