import Failures
import Foundation
import Pullbacks
import TestKit
import Testing

@testable import ExperimentKit

@Suite struct SimilarityCurveTests {
  @Test func filesHoldCurves() throws {
    var first = SimilarityCurve(explainer: .gradient, order: .cascading, similarity: .spearman)
    first.stops = [
      .init(depth: 1, layer: "classifier.6", mean: 0.5, low: 0.25, high: 0.75, count: 20),
      .init(depth: 19, layer: "features.0", mean: .nan, low: .nan, high: .nan, count: 0),
    ]
    var second = SimilarityCurve(explainer: .gradient, order: .independent, similarity: .spearman)
    second.stops = [.init(depth: 1, layer: "classifier.6", mean: -0.123456, low: -1, high: 0, count: 3)]
    let folder = try TemporaryFolder()
    try AtomicFile.write(text: [first, second].csv, to: folder.path("a.csv"))
    let curves = try [SimilarityCurve](csvAt: folder.path("a.csv"))
    #expect(curves.map(\.stops.count) == [2, 1])
    let read = try #require(curves.curve(.gradient, .cascading, .spearman))
    #expect(read.stops.map(\.depth) == [1, 19] && read.stops[0].layer == "classifier.6" && read.stops[0].high == 0.75)
    #expect(read.stops[1].mean.isNaN && read.stops[1].count == 0 && read.mean == 0.5)
    #expect(curves.curve(.gradient, .independent, .spearman)?.stops[0].mean == -0.12346)
    #expect(curves.curve(.saliency, .cascading, .spearman) == nil)

    let wrong = [first].csv.replacing("cascading", with: "random")
    try AtomicFile.write(text: wrong, to: folder.path("b.csv"))
    #expect(throws: PullbackError.self) { try [SimilarityCurve](csvAt: folder.path("b.csv")) }
  }
}
