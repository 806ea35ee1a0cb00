import Failures
import Foundation
import Imaging
import Subjects

/// Answers the requests of the studio's page.
final class StudioHandler: WebHandler {
  private let studio: Studio
  private let page: StudioPage
  private let guarding: RequestGuard

  /// - Parameter port: that the server listens on.
  init(_ studio: Studio, _ page: StudioPage, port: UInt16) {
    (self.studio, self.page, guarding) = (studio, page, RequestGuard(port: port))
  }

  private enum Route {
    case page, icon, start
    case network(String)
    case thumbnail(String)
    case file(String)
    case add, predict, map, figure, film, texts, textFigure, cancel

    init?(_ method: String, _ path: String) {
      let parts = path.split(separator: "/").map(String.init)
      guard path == "/" + parts.joined(separator: "/") else { return nil }
      switch (method, parts.count) {
      case ("GET", 0): self = .page
      case ("GET", 1) where parts == ["favicon.ico"]: self = .icon
      case ("GET", 2) where parts == ["api", "start"]: self = .start
      case ("GET", 3) where parts[0] == "api" && parts[1] == "networks": self = .network(parts[2])
      case ("GET", 3) where parts[0] == "api" && parts[1] == "thumbnails": self = .thumbnail(parts[2])
      case ("GET", 3) where parts[0] == "api" && parts[1] == "pictures": self = .file(parts[2])
      case ("POST", 2) where parts[0] == "api":
        switch parts[1] {
        case "pictures": self = .add
        case "predict": self = .predict
        case "map": self = .map
        case "figure": self = .figure
        case "film": self = .film
        case "texts": self = .texts
        case "text-figure": self = .textFigure
        case "cancel": self = .cancel
        default: return nil
        }
      default: return nil
      }
    }
  }

  /// Lets the page's own requests in.
  func limit(of request: WebRequest) throws(Refusal) -> Int {
    if let problem = guarding.refusal(request.header) { throw Refusal(.forbidden, problem) }
    guard let route = Route(request.method, request.path) else {
      throw Refusal(.notFound, "there is nothing at this address")
    }
    switch route {
    case .add: return studio.limits.pictureBytes
    case .page, .icon, .start, .network, .thumbnail, .file: return 0
    default: return studio.limits.requestBytes
    }
  }

  func answer(_ request: WebRequest, _ body: [UInt8]) async -> WebResponse {
    guard let route = Route(request.method, request.path) else {
      return WebResponse(json: Failure("there is nothing at this address"), .notFound)
    }
    do { return try await answer(route, request, body) } catch {
      return WebResponse(json: Failure(error), Self.status(of: error))
    }
  }

  // MARK: Answers

  private func answer(_ route: Route, _ request: WebRequest, _ body: [UInt8]) async throws -> WebResponse {
    let studio = studio
    switch route {
    case .page:
      return WebResponse(
        type: "text/html; charset=utf-8", headers: [("Content-Security-Policy", page.policy)], .bytes(page.bytes))
    case .icon: return WebResponse(.noContent, type: "image/x-icon", .bytes([]))
    case .start: return WebResponse(json: Start(studio))
    case .network(let id):
      return WebResponse(json: try await studio.queue.value { _ in try studio.network(id).description })
    case .thumbnail(let id):
      let bytes = try await studio.queue.value { _ in try studio.pictures.thumbnail(id) }
      return WebResponse(type: "image/png", headers: [("Cache-Control", "private, max-age=3600")], .bytes(bytes))
    case .file(let id):
      let picture = try await studio.queue.value { _ in try studio.pictures.picture(id) }
      return WebResponse(type: "application/octet-stream", .bytes(picture.bytes))
    case .add:
      let name = request.header("X-Name")?.removingPercentEncoding ?? ""
      return WebResponse(
        json: try await studio.queue.value { _ in
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
      return Self.figure(bytes, asked.format)
    case .film:
      let asked: Requests.Film = try Self.decoded(body)
      return try respond(Self.channel(asked.client, asked.channel), isLong: true) { try studio.film(asked, $0) }
    case .texts:
      let asked: Requests.Texts = try Self.decoded(body)
      let texts = try desk
      return try respond(Self.channel(asked.client, asked.channel), isLong: false) {
        try texts.explain(asked, $0, limit: studio.limits.characters)
      }
    case .textFigure:
      let asked: Requests.Texts = try Self.decoded(body)
      let texts = try desk
      let bytes = try await studio.queue.value { try texts.figure(asked, $0, limit: studio.limits.characters) }
      return Self.figure(bytes, asked.format)
    case .cancel:
      let asked: Requests.Cancellation = try Self.decoded(body)
      studio.queue.cancel(.init(client: asked.client, name: asked.channel))
      return WebResponse(.noContent, type: "application/json", .bytes([]))
    }
  }

  private var desk: TextDesk {
    get throws {
      guard let texts = studio.texts else {
        throw PullbackError(
          .unavailable, "texts", "there is no model for them",
          advice: "run \(FetchedFiles.command(for: "text"))")
      }
      return texts
    }
  }

  private static func figure(_ bytes: [UInt8], _ format: String?) -> WebResponse {
    WebResponse(type: format == "pdf" ? "application/pdf" : "image/png", .bytes(bytes))
  }

  /// Answers with what a job sends.
  private func respond(
    _ channel: ComputeQueue.Channel? = nil, isLong: Bool = false, _ work: @escaping @Sendable (Job) throws -> Void
  ) throws -> WebResponse {
    WebResponse(
      type: "application/octet-stream", .frames(of: try studio.queue.submit(channel, isLong: isLong, work)))
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

  private static func status(of error: any Error) -> WebResponse.Status {
    switch (error as? PullbackError)?.kind {
    case .usage: .badRequest
    case .data: .unprocessableContent
    case .noInput: .notFound
    case .unavailable, .system: .serviceUnavailable
    default: .internalServerError
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
  /// What fetches a model for them.
  let textCommand: String
  let limits: Limits
  /// The 256 colours of heat maps, and that of zero.
  let colors, zero: [UInt8]

  init(_ studio: Studio) {
    networks = studio.networks.map { Network(id: $0.id, title: $0.title, family: $0.family) }
    samples = studio.pictures.samples
    texts = studio.texts == nil ? nil : TextDesk.methods
    textCommand = FetchedFiles.command(for: "text")
    limits = Limits(
      bytes: studio.limits.pictureBytes, pixels: studio.limits.pixels, characters: studio.limits.characters,
      steps: Studio.steps.upperBound)
    let (map, middle) = (ColorMap.seismic, ColorMap.seismic.color(at: 0))
    (colors, zero) = (map.entries, [middle.red, middle.green, middle.blue])
  }
}
