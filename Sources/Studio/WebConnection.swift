import FlyingSocks
import Foundation
import Kernels

/// What requests are answered by.
protocol WebHandler: Sendable {
  /// How many bytes a request's body may have.
  ///
  /// - Throws: `Refusal` where it is not to be answered at all.
  func limit(of request: WebRequest) throws(Refusal) -> Int

  func answer(_ request: WebRequest, _ body: [UInt8]) async -> WebResponse
}

/// A connection, with one request and its answer.
///
/// Everything is bounded: a head and a body in bytes, and the time in which they come and in which a part of the answer
/// is taken. Who goes away before the answer has come gives up what is computed for it.
struct WebConnection: Sendable {
  let socket: AsyncSocket
  let limits: StudioLimits
  /// The room for bodies that all connections share.
  let room: BodyRoom

  /// Serves to the connection's end.
  func serve(_ handler: some WebHandler) async {
    // A small part of an answer does not wait for what comes after it.
    try? socket.socket.setValue(true, for: BoolSocketOption(level: Int32(IPPROTO_TCP), name: TCP_NODELAY))
    let input = WebInput(socket)
    do {
      do {
        let request = try WebRequest(
          head: try await within(limits.seconds, "the request") { [limits] in
            try await input.head(limit: limits.headBytes)
          })
        let limit = try handler.limit(of: request)
        let size = try request.body.most(limit)
        guard room.take(size) else { throw Refusal(.serviceUnavailable, "too much is sent at once; try again") }
        defer { room.giveBack(size) }
        if request.header("Expect")?.lowercased() == "100-continue" { try await write("HTTP/1.1 100 Continue\r\n\r\n") }
        let body = try await within(limits.seconds, "the request") { try await input.body(request.body, limit: limit) }
        try await whileConnected(input) { try await send(await handler.answer(request, body)) }
      } catch let refusal as Refusal {
        try await send(WebResponse(json: Failure(refusal.problem), refusal.status))
      }
      // What is still under way is taken in, or the system would throw the answer away with it.
      shutdown(socket.socket.file.rawValue, Int32(SHUT_WR))
      try await within(2, "the end") { try await input.discard() }
    } catch {
      // Nobody is there any more who could be told.
    }
    try? socket.close()
  }

  private func send(_ response: WebResponse) async throws {
    switch response.body {
    case .bytes(let bytes): try await write(response.head + bytes)
    case .frames(let job):
      do {
        try await write(response.head)
        for await frame in job.frames {
          try await write(Array("\(String(frame.count, radix: 16))\r\n".utf8) + frame + [13, 10])
        }
        try Task.checkCancellation()
        try await write("0\r\n\r\n")
      } catch {
        job.cancel()
        throw error
      }
    }
  }

  private func write(_ text: String) async throws { try await write(Array(text.utf8)) }

  private func write(_ bytes: [UInt8]) async throws {
    for start in stride(from: 0, to: bytes.count, by: 1 << 20) {
      let part = Data(bytes[start..<min(bytes.count, start + 1 << 20)])
      do {
        try await within(limits.seconds, "the answer") { [socket] in try await socket.write(part) }
      } catch is Refusal {
        // Its first part is away: it cannot be replaced by a refusal.
        throw SocketError.disconnected
      }
    }
  }

  /// Works as long as the other side is there.
  private func whileConnected(_ input: WebInput, _ work: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask(operation: work)
      group.addTask {
        try await input.discard()
        throw SocketError.disconnected
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  /// - Throws: `Refusal` if `what` is not complete within some seconds.
  private func within<Value: Sendable>(
    _ seconds: Double, _ what: String, _ work: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
      group.addTask(operation: work)
      group.addTask {
        try await Task.sleep(for: .seconds(seconds))
        throw Refusal(.requestTimeout, "\(what) did not arrive within \(seconds) seconds")
      }
      defer { group.cancelAll() }
      return try await group.next()!
    }
  }
}

/// The bytes that bodies may have together, so that many pictures at once do not fill the memory.
final class BodyRoom: Sendable {
  private let rest: Locked<Int>

  init(_ bytes: Int) { rest = Locked(bytes) }

  /// Takes some bytes; whether there are as many.
  func take(_ bytes: Int) -> Bool {
    rest.withLock { rest in
      guard bytes <= rest else { return false }
      rest -= bytes
      return true
    }
  }

  func giveBack(_ bytes: Int) { rest.withLock { $0 += bytes } }
}

/// What comes in on a connection.
private actor WebInput {
  private let socket: AsyncSocket
  private var held: [UInt8] = []
  /// How much of it was taken.
  private var taken = 0

  init(_ socket: AsyncSocket) { self.socket = socket }

  /// - Throws: `SocketError.disconnected` at the end.
  private func readMore() async throws {
    let more = try await socket.read(atMost: 1 << 16)
    held.removeFirst(taken)
    taken = 0
    held += more
  }

  private func take(_ count: Int) -> ArraySlice<UInt8> {
    defer { taken += count }
    return held[taken..<taken + count]
  }

  /// A request's first line and headers, without the empty line behind them.
  func head(limit: Int) async throws -> [UInt8] {
    try await bytes(
      before: [13, 10, 13, 10], limit, Refusal(.headTooLarge, "the request's head has more than \(limit) bytes"))
  }

  private func line() async throws -> [UInt8] {
    try await bytes(before: [13, 10], 1000, Refusal(.badRequest, "a line of the request has more than 1000 bytes"))
  }

  /// Takes what comes before some bytes, and them. Everything is looked at once.
  private func bytes(before end: [UInt8], _ limit: Int, _ refusal: Refusal) async throws -> [UInt8] {
    var seen = 0
    while true {
      let rest = held[taken...]
      if let found = rest.dropFirst(max(0, seen - end.count)).firstRange(of: end) {
        guard found.lowerBound - taken <= limit else { break }
        let before = Array(take(found.lowerBound - taken))
        _ = take(end.count)
        return before
      }
      guard rest.count <= limit else { break }
      seen = rest.count
      try await readMore()
    }
    throw refusal
  }

  func body(_ body: WebRequest.Body, limit: Int) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    func read(_ count: Int) async throws {
      guard bytes.count + count <= limit else { throw Refusal.tooLarge(limit) }
      let end = bytes.count + count
      while bytes.count < end {
        if taken == held.count { try await readMore() }
        bytes += take(min(held.count - taken, end - bytes.count))
      }
    }
    switch body {
    case .counted(let count):
      try await read(count)
      return bytes
    case .chunked:
      let broken = Refusal(.badRequest, "a part of the request is not understood")
      while true {
        let digits = try await line().prefix { $0 != UInt8(ascii: ";") }
        guard (1...15).contains(digits.count), digits.allSatisfy({ isxdigit(Int32($0)) != 0 }),
          let count = Int(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw broken }
        guard count <= limit else { throw Refusal.tooLarge(limit) }
        if count == 0 { break }
        try await read(count)
        guard try await line().isEmpty else { throw broken }
      }
      // Trailers, which nobody asks for.
      for _ in 0..<100 { if try await line().isEmpty { return bytes } }
      throw broken
    }
  }

  /// Reads on and keeps nothing.
  ///
  /// - Throws: `SocketError.disconnected` at the end.
  func discard() async throws {
    while true {
      (held, taken) = ([], 0)
      _ = try await socket.read(atMost: 1 << 16)
    }
  }
}
