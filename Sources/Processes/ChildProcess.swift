import CProcesses
import Foundation

/// A program that runs as a child of this one.
///
/// Foundation's `Process` learns of a child's end when a socket closes that the child holds. A child that another
/// thread starts at the same moment inherits that socket too, and where it lives long, the first one never seems to
/// end. Here the kernel tells of the end (`waitpid`), and a child closes every descriptor that it was not given.
public final class ChildProcess: @unchecked Sendable {
  /// Its number.
  public let identifier: pid_t
  private let lock = NSLock()
  private var status: Int32?

  /// Starts the program.
  ///
  /// - Parameters:
  ///   - program: its path, or its name if it is to be found on the path.
  ///   - arguments: of the command line, without the program.
  ///   - environment: all its variables; nil are those of this process.
  ///   - folder: where it runs; nil is the folder of this process.
  ///   - input: its standard input; nil is empty.
  ///   - output: its standard output; nil is thrown away.
  ///   - errors: its standard error; nil is thrown away.
  /// - Throws: the problem in the system's words, as the code of `errno`.
  public init(
    _ program: String, _ arguments: [String], environment: [String: String]? = nil, folder: String? = nil,
    input: FileHandle? = nil, output: FileHandle? = nil, errors: FileHandle? = nil
  ) throws(POSIXError) {
    let variables = (environment ?? ProcessInfo.processInfo.environment).map { "\($0)=\($1)" }
    var identifier = pid_t()
    let problem = Self.withPointers(to: [program] + arguments) { arguments in
      Self.withPointers(to: variables) { variables in
        // Files that nobody else refers to stay open until the child has them.
        withExtendedLifetime((input, output, errors)) {
          let streams = [input, output, errors].map { $0?.fileDescriptor ?? -1 }
          return start_process(&identifier, program, arguments, variables, folder, streams)
        }
      }
    }
    if problem != 0 { throw POSIXError(POSIXErrorCode(rawValue: problem) ?? .EINVAL) }
    self.identifier = identifier
  }

  /// Whether it has not ended yet.
  public var isRunning: Bool { end() == nil }

  /// Its exit code, or the number of the signal that ended it.
  public typealias End = (code: Int32, wasSignalled: Bool)

  /// Waits for its end, as long as that takes.
  @discardableResult
  public func wait() -> End { wait(seconds: .infinity)! }

  /// Waits for its end.
  ///
  /// - Parameter seconds: how long to wait.
  /// - Returns: nil if it still runs then.
  public func wait(seconds: Double) -> End? {
    let start = ContinuousClock.now
    var pause: UInt32 = 200
    while true {
      if let status = end() {
        let signal = status & 0x7F
        return signal == 0 ? ((status >> 8) & 0xFF, false) : (signal, true)
      }
      if start.duration(to: .now) / .seconds(1) > seconds { return nil }
      usleep(pause)
      pause = min(pause * 2, 10_000)
    }
  }

  /// Sends it a signal, if it still runs.
  public func send(_ signal: Int32) {
    lock.withLock { if ended() == nil { kill(identifier, signal) } }
  }

  /// What the kernel said of its end; nil before that.
  private func end() -> Int32? { lock.withLock { ended() } }

  private func ended() -> Int32? {
    if status == nil {
      var said: Int32 = 0
      if waitpid(identifier, &said, WNOHANG) == identifier { status = said }
    }
    return status
  }

  /// Calls `body` with texts as C wants a list of them: pointers, the last one null.
  private static func withPointers<Result>(
    to texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    let pointers = texts.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return body(pointers)
  }
}
