import Failures
import FlyingSocks
import Foundation
import Kernels

/// The studio's HTTP server, on the loopback interface alone.
///
/// It serves one page, and answers that page's requests: nothing in a request names a file of the computer, and nothing
/// is written.
public struct StudioServer: Sendable {
  private let studio: Studio
  private let page: StudioPage

  /// - Throws: `PullbackError` if OpenSSL refuses to compute a digest of the page.
  public init(_ studio: Studio) throws {
    self.studio = studio
    page = try StudioPage()
  }

  /// Serves until the task is cancelled.
  ///
  /// - Parameters:
  ///   - port: to listen on; 0 picks a free one.
  ///   - listening: is called with the address when the server listens.
  /// - Throws: `PullbackError` of kind `unavailable` if the port is taken.
  public func run(port: UInt16, listening: @escaping @Sendable (_ address: String) -> Void) async throws {
    let pool: some AsyncSocketPool = .make()
    let socket: Socket
    do {
      try await pool.prepare()
      socket = try Socket(domain: AF_INET)
      try socket.setValue(true, for: .localAddressReuse)
      try socket.bind(to: .inet(ip4: "127.0.0.1", port: port))
      try socket.listen()
    } catch let error as SocketError {
      throw PullbackError(
        .unavailable, "port \(port)", "cannot be listened on: \(error.localizedDescription)",
        advice: "name another with --port, or 0 for any that is free")
    }
    defer { try? socket.close() }
    guard case .ip4(_, let port) = try socket.sockname() else { return }
    let handler = StudioHandler(studio, page, port: port)
    let listener = try AsyncSocket(socket: socket, pool: pool)
    listening("http://127.0.0.1:\(port)/")
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await pool.run() }
      group.addTask { [limits = studio.limits] in try await Self.accept(listener, handler, limits) }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  /// Serves every connection that comes, as many at a time as are allowed.
  private static func accept(_ listener: AsyncSocket, _ handler: StudioHandler, _ limits: StudioLimits) async throws {
    let open = Locked(0)
    let room = BodyRoom(limits.bodiesBytes)
    try await withThrowingDiscardingTaskGroup { group in
      while true {
        let socket: AsyncSocket
        do { socket = try await listener.accept() } catch {
          // Such as no more descriptors of files: some will be given back.
          try await Task.sleep(for: .milliseconds(50))
          continue
        }
        let isAdmitted = open.withLock { open in
          guard open < limits.connections else { return false }
          open += 1
          return true
        }
        guard isAdmitted else {
          try? socket.close()
          continue
        }
        group.addTask {
          await WebConnection(socket: socket, limits: limits, room: room).serve(handler)
          open.withLock { $0 -= 1 }
        }
      }
    }
  }
}
