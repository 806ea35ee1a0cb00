import ArgumentParser
import Foundation

/// What times are read from.
public enum Stopwatch: String, Codable, ExpressibleByArgument, Sendable {
  case wall
  /// Processor time of this process over all its threads.
  case cpu

  private var now: Double {
    switch self {
    case .wall: return Double(DispatchTime.now().uptimeNanoseconds) * 1e-9
    case .cpu:
      var time = timespec()
      clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
      return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }
  }

  /// Seconds that `body` takes.
  public func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = now
    try body()
    return now - start
  }

  /// The least time of a call among those that fit into `limit` seconds, three at least: what else the machine does
  /// makes a call slower, never faster.
  public func least(within limit: Double, _ body: () throws -> Void) rethrows -> Double {
    let end = Date.now.addingTimeInterval(limit)
    var least = Double.infinity
    var count = 0
    while count < 3 || Date.now < end {
      least = min(least, try seconds(body))
      count += 1
    }
    return least
  }

  /// Times of one call after the other: `count`, or as many as fit into `limit` seconds, three at least.
  func times(_ count: Int, within limit: Double, _ body: () throws -> Void) rethrows -> [Double] {
    let end = Date.now.addingTimeInterval(limit)
    var times: [Double] = []
    while times.count < 3 || (times.count < count && Date.now < end) { times.append(try seconds(body)) }
    return times
  }
}
