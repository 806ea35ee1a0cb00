import Foundation
import Processes
import Testing

struct ChildProcessTests {
  /// What a program writes when it is run to its end.
  private func output(
    _ program: String, _ arguments: [String], environment: [String: String]? = nil, folder: String? = nil,
    input: String? = nil
  ) throws -> String {
    let (read, written) = (Pipe(), Pipe())
    let process = try ChildProcess(
      program, arguments, environment: environment, folder: folder,
      input: input == nil ? nil : read.fileHandleForReading, output: written.fileHandleForWriting)
    try written.fileHandleForWriting.close()
    if let input { try read.fileHandleForWriting.write(contentsOf: Data(input.utf8)) }
    try read.fileHandleForWriting.close()
    let data = written.fileHandleForReading.readDataToEndOfFile()
    process.wait()
    return String(decoding: data, as: UTF8.self)
  }

  @Test func runsWhatItIsTold() throws {
    #expect(try output("echo", ["two  words", "$HOME"]) == "two  words $HOME\n")
    #expect(try output("/bin/sh", ["-c", "echo $A; pwd"], environment: ["A": "b=c"], folder: "/usr") == "b=c\n/usr\n")
    #expect(try output("cat", [], input: "read") == "read")
    #expect(try output("cat", []) == "")
    #expect(throws: POSIXError(.ENOENT)) { try ChildProcess("no-such-program", []) }
  }

  @Test func tellsHowItEnded() throws {
    let process = try ChildProcess("/bin/sh", ["-c", "exit 70"])
    #expect(process.wait() == (70, false))
    #expect(!process.isRunning)
    // It has ended, and another process may have its number by now.
    process.send(SIGKILL)
    #expect(process.wait() == (70, false))

    let sleeper = try ChildProcess("sleep", ["1000"])
    #expect(sleeper.isRunning)
    #expect(sleeper.wait(seconds: 0.05) == nil)
    sleeper.send(SIGTERM)
    #expect(try #require(sleeper.wait(seconds: 60)) == (SIGTERM, true))
  }

  /// A signal that this process ignores reaches the child all the same.
  @Test func hasUsualSignals() throws {
    signal(SIGPIPE, SIG_IGN)
    let process = try ChildProcess("/bin/sh", ["-c", "kill -PIPE $$"])
    #expect(try #require(process.wait(seconds: 60)) == (SIGPIPE, true))
  }

  /// Children are started by several threads, and some outlive the test: nobody waits for those.
  @Test func nobodyWaitsForTheChildrenOfOthers() throws {
    let group = DispatchGroup()
    let wrong = Counter()
    let long = try (0..<4).map { _ in Starts(try ChildProcess("sleep", ["1000"])) }
    for _ in 0..<4 {
      let thread = Thread {
        for _ in 0..<25 {
          long.randomElement()!.restart()
          if (try? self.output("echo", ["done"])) != "done\n" { wrong.count() }
        }
        group.leave()
      }
      group.enter()
      thread.start()
    }
    #expect(group.wait(timeout: .now() + 120) == .success)
    #expect(wrong.value == 0)
    for process in long { process.end() }
  }

  /// A child has the three descriptors that it was given, and none of this process.
  @Test func hasNoOtherDescriptor() throws {
    let files = try (0..<8).map { _ in try #require(fopen("/dev/null", "r")) }
    // The fourth is the folder that ls reads.
    #expect(try output("ls", ["/proc/self/fd"]) == "0\n1\n2\n3\n")
    for file in files { fclose(file) }
  }
}

private final class Counter: @unchecked Sendable {
  private(set) var value = 0
  private let lock = NSLock()
  func count() { lock.withLock { value += 1 } }
}

/// A child that is replaced by a new one now and then.
private final class Starts: @unchecked Sendable {
  private var process: ChildProcess
  private let lock = NSLock()
  init(_ process: ChildProcess) { self.process = process }

  func restart() {
    lock.withLock {
      stop()
      if let next = try? ChildProcess("sleep", ["1000"]) { process = next }
    }
  }

  func end() { lock.withLock { stop() } }

  private func stop() {
    process.send(SIGKILL)
    process.wait()
  }
}
