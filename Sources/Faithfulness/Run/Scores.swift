import Pullbacks

/// All scores of a run, or of the parts of one.
public struct Scores: Sendable {
  public let description: RunDescription
  /// By explainer, metric and image.
  let values: [[[Score]]]

  /// The scores of the run logged in `folder`.
  ///
  /// - Throws: `PullbackError` if the run is not complete.
  public init(in folder: String) throws { try self.init(merging: [folder]) }

  /// The scores of the parts of one run, each logged in a folder.
  ///
  /// - Throws: `PullbackError` if the parts belong to different runs, or one is missing, incomplete or there twice.
  public init(merging folders: [String]) throws {
    guard let first = folders.first else {
      throw PullbackError(.usage, "merge", "expected folders of parts, found none")
    }
    let logs = try folders.map { ($0, try ScoreLog.read(in: $0)) }
    let whole = logs[0].1.description
    var folderOf: [Int: String] = [:]
    for (folder, log) in logs {
      if let difference = log.description.difference(from: whole) {
        throw PullbackError(.data, folder, "belongs to another run than \(first): \(difference)")
      }
      guard log.description.shard.count == whole.shard.count else {
        throw PullbackError(
          .data, folder, "is part \(log.description.shard), while \(first) is part \(whole.shard)")
      }
      if let other = folderOf.updateValue(folder, forKey: log.description.shard.index) {
        throw PullbackError(.data, folder, "is part \(log.description.shard), and so is \(other)")
      }
    }
    for index in 1...whole.shard.count where folderOf[index] == nil {
      throw PullbackError(
        .data, "part \(index)/\(whole.shard.count)", "is missing",
        advice: "compute it with --shard \(index)/\(whole.shard.count)")
    }
    var description = whole
    description.shard = .whole
    let empty = [Score?](repeating: nil, count: whole.images.count)
    var values = whole.explainers.map { _ in whole.metrics.map { _ in empty } }
    for (_, log) in logs {
      for entry in log.records.lazy.flatMap(\.entries) {
        values[entry.explainer][entry.metric][entry.image] = Score(entry)
      }
    }
    for (folder, log) in logs {
      let images = log.description.shard.images(of: whole.images.count)
      let done = images.count { image in values.allSatisfy { $0.allSatisfy { $0[image] != nil } } }
      guard done == images.count else {
        throw PullbackError(
          .data, folder, "has \(done) of \(images.count) images", advice: "run the command that began it again")
      }
    }
    self.description = description
    self.values = values.map { $0.map { $0.compactMap { $0 } } }
  }
}

extension Score {
  init(_ entry: ScoreLog.Entry) {
    if let undefined = entry.undefined.flatMap(Undefined.init(rawValue:)) {
      self.init(undefined, series: entry.series ?? [])
    } else {
      self.init(entry.score, series: entry.series ?? [])
    }
  }
}
