import ExperimentKit
import Foundation
import Processes

/// PyTorch's side, a process of its own that measures when it is told to; nil where there is no Python with what it
/// imports.
final class TorchSide {
  private let process: ChildProcess
  private let requests = Pipe()
  private let answers = Pipe()

  static let script = FetchedFiles.packageFolder! + "/Experiments/bench/torch_side.py"

  init?(python: String, model: String, batch: Int, threads: Int, clock: Stopwatch) {
    guard python != "none",
      let process = try? ChildProcess(
        python, [Self.script, model, "\(batch)", "\(threads)", clock.rawValue],
        input: requests.fileHandleForReading, output: answers.fileHandleForWriting)
    else { return nil }
    self.process = process
    try? requests.fileHandleForReading.close()
    try? answers.fileHandleForWriting.close()
    guard line() == "ready" else { return nil }
  }

  deinit {
    try? requests.fileHandleForWriting.close()
    process.wait()
  }

  /// The least time of a pass, one call at least; the first that is asked for is not counted.
  func seconds(_ pass: Pass, within limit: Double) -> Double? { Double(answer("\(pass.rawValue) \(limit)") ?? "") }

  /// Bytes: the process after loading the model, and its largest size after a pass.
  func memory(of pass: Pass) -> (loaded: Double, peak: Double)? {
    let parts = answer("memory \(pass.rawValue)")?.split(separator: " ").compactMap { Double($0) } ?? []
    return parts.count == 2 ? (parts[0], parts[1]) : nil
  }

  private func answer(_ request: String) -> String? {
    guard (try? requests.fileHandleForWriting.write(contentsOf: Data("\(request)\n".utf8))) != nil else { return nil }
    return line()
  }

  private func line() -> String? {
    var bytes = Data()
    while let byte = try? answers.fileHandleForReading.read(upToCount: 1), !byte.isEmpty {
      if byte[0] == 10 { return String(decoding: bytes, as: UTF8.self) }
      bytes += byte
    }
    return nil
  }
}
