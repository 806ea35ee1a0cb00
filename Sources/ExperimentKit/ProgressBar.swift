import Attribution
import Failures
import Foundation
import Kernels

/// Shows the progress of a run and its remaining time: on one line of standard error if that is a terminal; otherwise a
/// line a minute, so that the log of a long run shows it alive and a short run prints nothing.
public final class ProgressBar: Sendable {
  private struct State {
    var done = 0
    var lastShown: Date
  }

  private let title: String
  private let total: Int
  private let start: Date
  private let isTerminal: Bool
  private let clock: @Sendable () -> Date
  private let write: @Sendable (String) -> Void
  private let state: Locked<State>

  /// - Parameter total: passes through the network, forward and backward.
  public convenience init(_ title: String, total: Int) {
    self.init(title, total: total, isTerminal: isatty(2) == 1, clock: { Date() }) { text in
      writeToStandardError(text)
    }
  }

  init(
    _ title: String, total: Int, isTerminal: Bool, clock: @escaping @Sendable () -> Date,
    write: @escaping @Sendable (String) -> Void
  ) {
    self.title = title
    self.total = max(1, total)
    self.isTerminal = isTerminal
    self.clock = clock
    self.write = write
    start = clock()
    state = Locked(State(lastShown: isTerminal ? .distantPast : start))
  }

  /// Passes that were made just now.
  public func advance(_ cost: Cost) {
    let now = clock()
    let line: String? = state.withLock { state in
      state.done += cost.forward + cost.backward
      guard now.timeIntervalSince(state.lastShown) > (isTerminal ? 0.2 : 60) else { return nil }
      state.lastShown = now
      let share = min(1, Double(state.done) / Double(total))
      let left = share > 0 ? min(now.timeIntervalSince(start) * (1 - share) / share, 1e9).rounded() : 1e9
      let seconds = Int(left) % 60 < 10 ? "0\(Int(left) % 60)" : "\(Int(left) % 60)"
      let rest = "\(Int(share * 100)) %, \(Int(left) / 60):\(seconds) left"
      guard isTerminal else { return "\(title): \(rest)\n" }
      let bar = String(repeating: "#", count: Int(share * 30)).padding(toLength: 30, withPad: ".", startingAt: 0)
      return "\r\u{1B}[K\(title) [\(bar)] \(rest)"
    }
    if let line { write(line) }
  }

  /// Clears the line.
  public func end() {
    if isTerminal { write("\r\u{1B}[K") }
  }
}
