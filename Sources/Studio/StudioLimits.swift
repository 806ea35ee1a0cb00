/// Bounds on what the studio takes from its page. A request beyond one of them is refused in words, and the server goes
/// on.
public struct StudioLimits: Sendable {
  /// Of one picture's file, in bytes.
  public var pictureBytes = 20 << 20
  /// Of one picture.
  public var pixels = 25_000_000
  /// How many pictures are kept; of more, the one that was used longest ago is dropped.
  public var pictures = 32
  /// What the files of all kept pictures take together, in bytes.
  public var keptBytes = 200 << 20
  /// Of a request's first line and headers, in bytes.
  public var headBytes = 1 << 16
  /// Of any other request's body, in bytes.
  public var requestBytes = 1 << 16
  /// Of one of two texts, in characters.
  public var characters = 2000
  /// How many requests wait at most; others are refused until some are answered.
  public var waiting = 200
  /// How many forward passes are kept, each with the activations that pullbacks read.
  public var passes = 4
  /// How many attributions are kept.
  public var maps = 24
  /// How many connections are open at a time; more are closed at once.
  public var connections = 256
  /// The seconds within which a request's head arrives, its body, and a part of the answer's departure.
  public var seconds = 30.0

  public init() {}
}
