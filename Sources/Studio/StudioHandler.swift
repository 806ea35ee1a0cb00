import Failures
import FlyingFox
import FlyingSocks
import Foundation
import Imaging
import Kernels

extension StudioServer {
  /// Answers requests.
  final class Handler: HTTPHandler {
    private let studio: Studio
    private let page: StudioPage
    private let guarding = Locked<RequestGuard?>(nil)

    init(_ studio: Studio, _ page: StudioPage) { (self.studio, self.page) = (studio, page) }

    func listens(on port: UInt16) { guarding.withLock { $0 = RequestGuard(port: port) } }

    /// A request that is refused, and how.
    private struct Refusal: Error {
      let status: HTTPStatusCode
      let problem: String
      var failure: Failure { Failure(problem) }
    }

    func handleRequest(_ request: HTTPRequest) async throws -> HTTPResponse {
      do {
        let (route, body) = try await admit(request)
        do { return try await answer(route, request, body) } catch {
          return Self.json(Failure(error), Self.status(of: error))
        }
      } catch let refusal as Refusal {
        // The body was not read to its end.
        let bytes = (try? JSONEncoder().encode(refusal.failure)) ?? Data()
        return HTTPResponse(
          statusCode: refusal.status, headers: Self.headers("application/json", [.connection: "close"]),
          body: HTTPBodySequence(from: LastBody(bytes: Array(bytes)), count: bytes.count))
      }
    }

    private enum Route {
      case page, icon, start
      case network(String)
      case thumbnail(String)
      case file(String)
      case add, predict, map, figure, film, texts, cancel

      init?(_ method: HTTPMethod, _ path: String) {
        let parts = path.split(separator: "/").map(String.init)
        switch (method, parts.count) {
        case (.GET, 0): self = .page
        case (.GET, 1) where parts == ["favicon.ico"]: self = .icon
        case (.GET, 2) where parts == ["api", "start"]: self = .start
        case (.GET, 3) where parts[0] == "api" && parts[1] == "networks": self = .network(parts[2])
        case (.GET, 3) where parts[0] == "api" && parts[1] == "thumbnails": self = .thumbnail(parts[2])
        case (.GET, 3) where parts[0] == "api" && parts[1] == "pictures": self = .file(parts[2])
        case (.POST, 2) where parts[0] == "api":
          switch parts[1] {
          case "pictures": self = .add
          case "predict": self = .predict
          case "map": self = .map
          case "figure": self = .figure
          case "film": self = .film
          case "texts": self = .texts
          case "cancel": self = .cancel
          default: return nil
          }
        default: return nil
        }
      }
    }

    /// Lets the page's own requests in, with their whole bodies.
    ///
    /// - Throws: `Refusal` where the body was not read.
    private func admit(_ request: HTTPRequest) async throws -> (Route, [UInt8]) {
      guard let guarding = guarding.withLock({ $0 }) else {
        throw Refusal(status: .serviceUnavailable, problem: "the server has not started yet")
      }
      if let problem = guarding.refusal({ request.headers[HTTPHeader($0)] }) {
        throw Refusal(status: .forbidden, problem: problem)
      }
      guard let route = Route(request.method, request.path) else {
        throw Refusal(status: .notFound, problem: "there is nothing at this address")
      }
      let limit: Int
      switch route {
      case .add: limit = studio.limits.pictureBytes
      case .page, .icon, .start, .network, .thumbnail, .file: limit = 0
      default: limit = studio.limits.requestBytes
      }
      return (route, try await Self.body(of: request, limit, within: studio.limits.seconds))
    }

    private static func body(of request: HTTPRequest, _ limit: Int, within seconds: Double) async throws -> [UInt8] {
      let tooLarge = Refusal(status: .payloadTooLarge, problem: "the request has more than \(limit) bytes")
      if let count = request.bodySequence.count {
        guard count <= limit else { throw tooLarge }
        if count == 0 { return [] }
      }
      return try await withThrowingTaskGroup(of: [UInt8].self) { group in
        group.addTask {
          var bytes: [UInt8] = []
          do {
            for try await part in request.bodySequence {
              guard bytes.count + part.count <= limit else { throw tooLarge }
              bytes += part
            }
          } catch let refusal as Refusal { throw refusal } catch {
            throw Refusal(status: .badRequest, problem: "the request is not whole")
          }
          return bytes
        }
        group.addTask {
          try await Task.sleep(for: .seconds(seconds))
          throw Refusal(status: .requestTimeout, problem: "the request did not arrive within \(seconds) seconds")
        }
        defer { group.cancelAll() }
        return try await group.next()!
      }
    }

    // MARK: Answers

    private func answer(_ route: Route, _ request: HTTPRequest, _ body: [UInt8]) async throws -> HTTPResponse {
      let studio = studio
      switch route {
      case .page:
        return HTTPResponse(
          statusCode: .ok,
          headers: Self.headers("text/html; charset=utf-8", [HTTPHeader("Content-Security-Policy"): page.policy]),
          body: Data(page.bytes))
      case .icon: return HTTPResponse(statusCode: .noContent, headers: Self.headers("image/x-icon"))
      case .start: return Self.json(Start(studio))
      case .network(let id):
        return Self.json(try await studio.queue.value { _ in try studio.network(id).description })
      case .thumbnail(let id):
        let bytes = try await studio.queue.value { _ in try studio.pictures.thumbnail(id) }
        return HTTPResponse(
          statusCode: .ok, headers: Self.headers("image/png", [.cacheControl: "private, max-age=3600"]),
          body: Data(bytes))
      case .file(let id):
        let picture = try await studio.queue.value { _ in try studio.pictures.picture(id) }
        return HTTPResponse(
          statusCode: .ok, headers: Self.headers("application/octet-stream"), body: Data(picture.bytes))
      case .add:
        let name = request.headers[HTTPHeader("X-Name")]?.removingPercentEncoding ?? ""
        return Self.json(
          try await studio.queue.value { _ in
            let (picture, width, height) = try studio.pictures.add(body, named: name)
            return Added(id: picture.id, name: picture.name, width: width, height: height)
          })
      case .predict:
        let view: Requests.View = try Self.decoded(body)
        return try respond { try studio.predict(view, $0) }
      case .map:
        let asked: Requests.Map = try Self.decoded(body)
        let isLong = LoadedNetwork.isLong(try asked.explainer)
        return try respond(Self.channel(asked.client, asked.channel), isLong: isLong) { try studio.map(asked, $0) }
      case .figure:
        let asked: Requests.Map = try Self.decoded(body)
        let bytes = try await studio.queue.value(isLong: LoadedNetwork.isLong(try asked.explainer)) {
          try studio.figure(asked, $0)
        }
        return HTTPResponse(
          statusCode: .ok, headers: Self.headers(asked.format == "pdf" ? "application/pdf" : "image/png"),
          body: Data(bytes))
      case .film:
        let asked: Requests.Film = try Self.decoded(body)
        return try respond(Self.channel(asked.client, asked.channel), isLong: true) { try studio.film(asked, $0) }
      case .texts:
        let asked: Requests.Texts = try Self.decoded(body)
        guard let texts = studio.texts else {
          throw PullbackError(.unavailable, "texts", "there is no model for them", advice: "run make text")
        }
        return try respond(Self.channel(asked.client, asked.channel), isLong: false) {
          try texts.explain(asked, $0, limit: studio.limits.characters)
        }
      case .cancel:
        let asked: Requests.Cancellation = try Self.decoded(body)
        studio.queue.cancel(.init(client: asked.client, name: asked.channel))
        return HTTPResponse(statusCode: .noContent, headers: Self.headers("application/json"))
      }
    }

    /// Answers with what a job sends.
    private func respond(
      _ channel: ComputeQueue.Channel? = nil, isLong: Bool = false, _ work: @escaping @Sendable (Job) throws -> Void
    ) throws -> HTTPResponse {
      let job = try studio.queue.submit(channel, isLong: isLong, work)
      job.endWithReader()
      return HTTPResponse(
        statusCode: .ok, headers: Self.headers("application/octet-stream"),
        body: HTTPBodySequence(from: FrameBody(frames: job.frames)))
    }

    private static func channel(_ client: String?, _ name: String?) -> ComputeQueue.Channel? {
      guard let client, let name else { return nil }
      return ComputeQueue.Channel(client: client, name: name)
    }

    private static func decoded<Value: Decodable>(_ body: [UInt8]) throws -> Value {
      do { return try JSONDecoder().decode(Value.self, from: Data(body)) } catch {
        throw PullbackError(.usage, "request", "is not understood")
      }
    }

    private static func json(_ value: some Encodable, _ status: HTTPStatusCode = .ok) -> HTTPResponse {
      HTTPResponse(
        statusCode: status, headers: headers("application/json"), body: (try? JSONEncoder().encode(value)) ?? Data())
    }

    private static func headers(_ type: String, _ others: [HTTPHeader: String] = [:]) -> HTTPHeaders {
      HTTPHeaders(
        [
          .contentType: type, .cacheControl: "no-store", HTTPHeader("X-Content-Type-Options"): "nosniff",
          HTTPHeader("Referrer-Policy"): "no-referrer", HTTPHeader("Cross-Origin-Resource-Policy"): "same-origin",
        ].merging(others) { $1 })
    }

    private static func status(of error: any Error) -> HTTPStatusCode {
      switch (error as? PullbackError)?.kind {
      case .usage: .badRequest
      case .data: .unprocessableContent
      case .noInput: .notFound
      case .unavailable, .system: .serviceUnavailable
      default: .internalServerError
      }
    }
  }
}

/// A picture that was taken in.
private struct Added: Encodable {
  let id, name: String
  let width, height: Int
}

/// The data with which the page begins.
private struct Start: Encodable {
  struct Network: Encodable {
    let id, title: String
    let family: OfferedNetwork.Family
  }

  struct Limits: Encodable {
    let bytes, pixels, characters, steps: Int
  }

  let networks: [Network]
  let samples: [PictureStore.Sample]
  let texts: [String]?
  let limits: Limits
  /// The 256 colours of heat maps, and that of zero.
  let colors, zero: [UInt8]

  init(_ studio: Studio) {
    networks = studio.networks.map { Network(id: $0.id, title: $0.title, family: $0.family) }
    samples = studio.pictures.samples
    texts = studio.texts == nil ? nil : TextDesk.methods
    limits = Limits(
      bytes: studio.limits.pictureBytes, pixels: studio.limits.pixels, characters: studio.limits.characters,
      steps: Studio.steps.upperBound)
    let (map, middle) = (ColorMap.seismic, ColorMap.seismic.color(at: 0))
    (colors, zero) = (map.entries, [middle.red, middle.green, middle.blue])
  }
}
