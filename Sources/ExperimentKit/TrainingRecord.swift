import Foundation
import Networks
import Pullbacks
import Subjects
import Training

/// The files beside the checkpoint of one of the scenes' networks: how it was trained and how accurate it is.
public struct TrainingRecord: Sendable {
  public let network: SceneNetwork
  public let report: TrainingReport
  /// Scenes seen after each epoch.
  public let scenes: [Double]
  /// The mean loss in each epoch.
  public let loss: [Double]
  /// The share of 500 held-out scenes whose class was seen after each epoch.
  public let heldOutAccuracy: [Double]

  /// - Throws: `PullbackError` if report or log cannot be read.
  public init(_ network: SceneNetwork) throws {
    let path = try network.path(ending: "json")
    do {
      report = try JSONDecoder().decode(TrainingReport.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      throw PullbackError(.data, path, "is not the report of a training run: \(error)")
    }
    let log = try network.path(ending: "csv")
    let rows = try CSV.rows(at: log)
    func column(_ name: String) throws -> [Double] {
      try rows.enumerated().map { index, row in
        guard let value = row[name].flatMap(Double.init) else {
          throw PullbackError(.data, log, "row \(index + 1): expected a number in the column \(name)")
        }
        return value
      }
    }
    self.network = network
    (scenes, loss, heldOutAccuracy) = (try column("scenes"), try column("loss"), try column("held_out_accuracy"))
  }

  /// The share of the held-out scenes seen right, by one measure of difficulty: `grade`, `scale`, `occluders`.
  public func accuracy(by measure: String) -> [(value: String, accuracy: Double)] {
    report.difficulty.filter { $0.by == measure }.map { ($0.value, $0.accuracy) }
  }
}
