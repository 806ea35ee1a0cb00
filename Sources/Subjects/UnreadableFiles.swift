import Failures
import Kernels

/// The files of a folder that could not be read, while the work goes on with the others.
public final class UnreadableFiles: Sendable {
  private let isStrict: Bool
  private let found = Locked<[PullbackError]>([])

  /// - Parameter isStrict: whether the first one ends the work.
  public init(isStrict: Bool = false) { self.isStrict = isStrict }

  /// One of each file, in the order in which they were met.
  public var errors: [PullbackError] { found.withLock { $0 } }

  /// The value of `read`; nil if it cannot read its file, which is then noted.
  ///
  /// - Throws: the error of `read`, if the first unreadable file ends the work or the fault is not a file's.
  public func reading<Value>(_ read: () throws -> Value) throws -> Value? {
    do {
      return try read()
    } catch let error as PullbackError where [.data, .noInput, .io].contains(error.kind) && !isStrict {
      found.withLock { $0.append(error) }
      return nil
    }
  }

  /// The error at the end, of kind `data`; nil if every file was read.
  ///
  /// - Parameter total: the number of files, including those that were not read.
  public func failure(of total: Int) -> PullbackError? {
    let errors = errors
    guard let first = errors.first else { return nil }
    if total == 1 { return PullbackError(.data, first.subject, first.problem, advice: first.advice) }
    if errors.count == total {
      return PullbackError(.data, first.subject, "\(first.problem); none of the \(total) files can be read")
    }
    let rest = total - errors.count == 1 ? "the other one is" : "the other \(total - errors.count) are"
    guard errors.count > 1 else {
      let advice = first.advice.map { "; \($0)" } ?? ""
      return PullbackError(.data, first.subject, "\(first.problem)\(advice)", advice: "\(rest) done")
    }
    return PullbackError(
      .data, "\(errors.count) of \(total) files", "could not be read, as said above", advice: "\(rest) done")
  }
}
