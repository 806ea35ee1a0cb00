import Failures
import FlyingFox
import FlyingSocks
import Foundation
import Imaging

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
    let handler = Handler(studio, page)
    // Bodies are read here, once, and never to their end if they are refused: none is kept to be read again.
    let server = HTTPServer(
      config: HTTPServer.Configuration(
        address: try .inet(ip4: "127.0.0.1", port: port), timeout: Self.longest, sharedRequestReplaySize: 0,
        logger: .disabled), handler: handler)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        do { try await server.run() } catch let error as SocketError {
          throw PullbackError(
            .unavailable, "port \(port)", "cannot be listened on: \(error.localizedDescription)",
            advice: "name another with --port, or 0 for any that is free")
        }
      }
      group.addTask {
        try await server.waitUntilListening()
        guard case .ip4(_, let port) = await server.listeningAddress else { return }
        handler.listens(on: port)
        listening("http://127.0.0.1:\(port)/")
      }
      for try await _ in group {}
    }
  }

  /// The seconds that a request may take: an explainer of thousands of passes takes its time.
  private static let longest: TimeInterval = 24 * 3600
}
