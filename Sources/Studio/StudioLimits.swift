/// Bounds on what the studio takes from its page. A request beyond one of them is refused in words, and the server goes
/// on.
public struct StudioLimits: Sendable {
  /// The size of one picture's file, in bytes.
  public var pictureBytes = 20 << 20
  /// The number of pixels of one picture.
  public var pixels = 25_000_000
  /// The number of pictures that are kept; beyond it the least recently used one is dropped.
  public var pictures = 32
  /// The size of the files of all kept pictures together, in bytes.
  public var keptBytes = 200 << 20
  /// The size of a request's first line and headers, in bytes.
  public var headBytes = 1 << 16
  /// The size of any other request's body, in bytes.
  public var requestBytes = 1 << 16
  /// The size of all bodies that are under way or being answered together, in bytes.
  public var bodiesBytes = 256 << 20
  /// The length of one of two texts, in Unicode scalars.
  public var characters = 2000
  /// The number of waiting requests; others are refused until some are answered.
  public var waiting = 200
  /// The number of forward passes that are kept, each with the activations that pullbacks read.
  public var passes = 4
  /// The number of attributions that are kept.
  public var maps = 24
  /// How many connections are open at a time; more are closed at once.
  public var connections = 256
  /// The seconds within which a request's head arrives, its body, and a part of the answer's departure.
  public var seconds = 30.0

  public init() {}
}
