import Attribution
import Foundation
import Kernels

/// How far a run is and how long it still takes, on one line of standard error; nothing where that is no terminal.
public final class ProgressBar: Sendable {
  private struct State {
    var done = 0
    var lastShown = Date.distantPast
  }

  private let title: String
  private let total: Int
  private let start = Date()
  private let isShown: Bool
  private let state = Locked(State())

  /// - Parameter total: passes through the network, forward and backward.
  public init(_ title: String, total: Int) {
    self.title = title
    self.total = max(1, total)
    isShown = isatty(2) == 1
  }

  /// Passes that were made just now.
  public func advance(_ cost: Cost) {
    guard isShown else { return }
    let now = Date()
    let line: String? = state.withLock { state in
      state.done += cost.forward + cost.backward
      guard now.timeIntervalSince(state.lastShown) > 0.2 else { return nil }
      state.lastShown = now
      let share = min(1, Double(state.done) / Double(total))
      let left = Int((now.timeIntervalSince(start) * (1 - share) / share).rounded())
      let bar = String(repeating: "#", count: Int(share * 30))
      let seconds = left % 60 < 10 ? "0\(left % 60)" : "\(left % 60)"
      return "\(title) [\(bar.padding(toLength: 30, withPad: ".", startingAt: 0))] \(Int(share * 100)) %, "
        + "\(left / 60):\(seconds) left"
    }
    if let line { FileHandle.standardError.write(Data("\r\u{1B}[K\(line)".utf8)) }
  }

  /// Clears the line.
  public func end() {
    if isShown { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
  }
}
