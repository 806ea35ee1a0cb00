import Attribution
import Failures

/// The page's requests, as JSON.
enum Requests {
  /// A network and the picture that it is given.
  struct View: Decodable, Sendable {
    let network, picture: String
  }

  /// An attribution.
  struct Map: Decodable, Sendable {
    let network, picture: String
    let target: Int
    let method: String
    /// The temperature as the option `--temperature` names it; nil is the one that `attribute` uses if none is named.
    /// Methods without soft rules ignore it.
    let temperature: String?
    /// The client whose map it is, and the place where it is shown.
    let client, channel: String?
    /// `png` or `pdf`, where a figure is asked for.
    let format: String?

    /// - Throws: `PullbackError` if there is no such method.
    var explainer: Method { get throws { try known(method) } }
  }

  /// An ascent.
  struct Film: Decodable, Sendable {
    let network, picture: String
    let target: Int
    /// Whether the class is to fade rather than to appear.
    let away: Bool
    let steps: Int
    let method: String
    let temperature: String?
    let client, channel: String?

    var explainer: Method { get throws { try known(method) } }
  }

  /// Two texts.
  struct Texts: Decodable, Sendable {
    let first, second: String
    let method: String
    let client, channel: String?
    /// `png` or `pdf`, where a picture of the first text is asked for.
    let format: String?
  }

  struct Cancellation: Decodable, Sendable {
    let client, channel: String
  }

  private static func known(_ name: String) throws -> Method {
    guard let method = Method(rawValue: name) else {
      throw PullbackError(.usage, "method", "there is no method of this name")
    }
    return method
  }
}
