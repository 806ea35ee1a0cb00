import Foundation
import Processes
import TestKit
import Testing

/// `pullbacks studio`, running on a port of its own until it is let go.
final class StudioProcess: @unchecked Sendable {
  let address: String
  let port: UInt16
  private let process: ChildProcess
  private let folder: TemporaryFolder

  /// One that serves several tests.
  static let shared = Result { try StudioProcess(["--text-model", Fixture.path("text-bin")]) }

  init(_ arguments: [String] = []) throws {
    folder = try TemporaryFolder()
    let program = Program("pullbacks")
    let output = Pipe()
    process = try ChildProcess(
      program.url.path, ["studio", "--port", "0", "--no-browser"] + arguments,
      environment: ["OPENBLAS_CORETYPE": "Haswell"].merging(ProcessInfo.processInfo.environment) { $1 },
      folder: Fixture.root.path, output: output.fileHandleForWriting)
    // What is left is the child's end alone: it tells when the child ends.
    try output.fileHandleForWriting.close()
    var line = ""
    while !line.hasSuffix("\n") {
      let more = output.fileHandleForReading.availableData
      if more.isEmpty { throw ConnectionError(problem: "the studio ended before it told its address: \(line)") }
      line += String(decoding: more, as: UTF8.self)
    }
    address = String(line.dropLast())
    guard let port = URL(string: address)?.port else { throw ConnectionError(problem: "no address: \(line)") }
    self.port = UInt16(port)
    // The shared one is never let go, but must not outlive the tests.
    let identifier = process.identifier
    Self.started.withLock { $0.append(identifier) }
    Self.endsAtExit
  }

  deinit {
    process.send(SIGKILL)
    process.wait()
  }

  private static let started = Protected<[Int32]>([])
  private static let endsAtExit: Void = {
    atexit { for identifier in StudioProcess.started.withLock({ $0 }) { kill(identifier, SIGKILL) } }
  }()

  /// Sends Ctrl-C, and waits for the end.
  ///
  /// - Returns: the signal that ended it, and how long that took.
  func interrupt() -> (signal: Int32, time: Duration) {
    let start = ContinuousClock.now
    process.send(SIGINT)
    let end = process.wait(seconds: 60)
    return (end?.code ?? 0, start.duration(to: .now))
  }

  // MARK: Requests

  func get(_ path: String, _ headers: [String: String] = [:]) throws -> Answer {
    try Connection(port).answer(to: "GET \(path) HTTP/1.1\r\n\(lines(headers))\r\n")
  }

  func post(_ path: String, _ body: [UInt8], _ headers: [String: String] = [:]) throws -> Answer {
    let head = "POST \(path) HTTP/1.1\r\n\(lines(["Content-Length": "\(body.count)"].merging(headers) { $1 }))\r\n"
    return try Connection(port).answer(to: Array(head.utf8) + body)
  }

  func post(_ path: String, json: [String: Any]) throws -> Answer {
    try post(path, Array(JSONSerialization.data(withJSONObject: json)))
  }

  private func lines(_ headers: [String: String]) -> String {
    ["Host": "127.0.0.1:\(port)", "Connection": "close"].merging(headers) { $1 }.map { "\($0): \($1)\r\n" }.joined()
  }

  /// Gives it a picture.
  ///
  /// - Returns: what the picture is called in requests.
  func add(_ bytes: [UInt8], named name: String = "picture.png") throws -> String {
    let answer = try post("/api/pictures", bytes, ["X-Name": name])
    return try #require(answer.json["id"] as? String, "\(answer.text)")
  }
}

/// A value that one thread at a time may read or change.
final class Protected<Value>: @unchecked Sendable {
  private var value: Value
  private let lock = NSLock()
  init(_ value: Value) { self.value = value }
  func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    try lock.withLock { try body(&value) }
  }
}

struct ConnectionError: Error { let problem: String }

/// What the server answered.
struct Answer {
  let status: Int
  let headers: [String: String]
  let body: [UInt8]
  /// What came behind the body on the same connection.
  var rest: [UInt8] = []

  var text: String { String(decoding: body, as: UTF8.self) }
  var json: [String: Any] { (try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]) ?? [:] }

  /// The frames of an answer that comes in some: messages, and numbers.
  var frames: (messages: [[String: Any]], numbers: [[UInt8]]) {
    var (messages, numbers, at) = ([[String: Any]](), [[UInt8]](), 0)
    while at + 5 <= body.count {
      let count = (0..<4).reduce(0) { $0 | Int(body[at + 1 + $1]) << (8 * $1) }
      let content = Array(body[min(body.count, at + 5)..<min(body.count, at + 5 + count)])
      if body[at] == 1 {
        messages.append((try? JSONSerialization.jsonObject(with: Data(content)) as? [String: Any]) ?? [:])
      } else {
        numbers.append(content)
      }
      at += 5 + count
    }
    return (messages, numbers)
  }

  func message(_ type: String) -> [String: Any]? { frames.messages.first { $0["type"] as? String == type } }
}

/// One connection to the loopback interface.
final class Connection {
  private let descriptor: Int32

  init(_ port: UInt16) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { throw ConnectionError(problem: "cannot connect to port \(port)") }
    var patience = timeval(tv_sec: 120, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  func send(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { bytes in
        Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      }
      // The server may have ended the connection already, with an answer.
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }

  /// What comes until the server ends the connection.
  func receive() -> [UInt8] {
    var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0 else { return bytes }
      bytes += buffer[..<count]
    }
  }

  /// What comes up to a text, and perhaps some bytes behind it; what comes until the end if it does not come.
  func receive(until text: String) -> [UInt8] {
    var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 12))
    while bytes.firstRange(of: Array(text.utf8)) == nil {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0 else { break }
      bytes += buffer[..<count]
    }
    return bytes
  }

  /// The first bytes that come.
  func receive(_ most: Int) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: most)
    let count = recv(descriptor, &buffer, most, Int32(MSG_WAITALL))
    return Array(buffer.prefix(max(0, count)))
  }

  func answer(to text: String) throws -> Answer { try answer(to: Array(text.utf8)) }

  func answer(to request: [UInt8]) throws -> Answer {
    send(request)
    return try Answer(receive())
  }
}

extension Answer {
  /// - Throws: `ConnectionError` if the bytes are no answer.
  init(_ bytes: [UInt8]) throws {
    guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else {
      throw ConnectionError(problem: "no answer: \(bytes.count) bytes")
    }
    let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
    guard let status = Int(lines[0].split(separator: " ")[1]) else { throw ConnectionError(problem: lines[0]) }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
      if parts.count == 2 { headers[parts[0].lowercased()] = parts[1] }
    }
    var body = Array(bytes[end.upperBound...])
    var rest: [UInt8] = []
    if headers["transfer-encoding"] == "chunked" {
      body = Self.joined(chunks: body)
    } else if let count = headers["content-length"].flatMap({ Int($0) }), count < body.count {
      (body, rest) = (Array(body[..<count]), Array(body[count...]))
    }
    self.init(status: status, headers: headers, body: body, rest: rest)
  }

  private static func joined(chunks bytes: [UInt8]) -> [UInt8] {
    var (body, at) = ([UInt8](), 0)
    while let line = bytes[at...].firstRange(of: [13, 10]),
      let count = Int(String(decoding: bytes[at..<line.lowerBound], as: UTF8.self), radix: 16), count > 0
    {
      let end = min(bytes.count, line.upperBound + count)
      body += bytes[line.upperBound..<end]
      at = min(bytes.count, end + 2)
    }
    return body
  }
}
