import Digests
import Foundation
import Pullbacks

/// Everything that decides the scores of a run, as its log records it.
public struct RunDescription: Codable, Equatable, Sendable {
  /// A name with its settings.
  public struct Item: Codable, Equatable, Sendable {
    public let name: String
    public let settings: [String: String]

    public init(name: String, settings: [String: String]) {
      self.name = name
      self.settings = settings
    }
  }

  /// One image of the data set.
  public struct Image: Codable, Equatable, Sendable {
    public let name: String
    public let target: Int

    public init(name: String, target: Int) {
      self.name = name
      self.target = target
    }
  }

  /// The part of the images that a run evaluates: those whose index leaves the remainder `index - 1` when divided by
  /// `count`.
  public struct Shard: Codable, Equatable, Sendable, CustomStringConvertible {
    /// The number of the part, from 1 to `count`.
    public let index: Int
    public let count: Int

    public static let whole = Shard(index: 1, count: 1)

    private init(index: Int, count: Int) {
      self.index = index
      self.count = count
    }

    /// - Parameter text: `2/8` is the second of eight.
    public init?(_ text: String) {
      let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
      guard parts.count == 2, let index = parts[0], let count = parts[1], (1...1_000_000).contains(count),
        (1...count).contains(index)
      else { return nil }
      self.init(index: index, count: count)
    }

    public var description: String { "\(index)/\(count)" }

    /// The images of this part of `total`.
    public func images(of total: Int) -> [Int] { Array(stride(from: index - 1, to: total, by: count)) }
  }

  public var model: String
  /// SHA-256 of the checkpoint.
  public var checkpoint: String
  /// The version of the benchmark: `v6`.
  public var version: String
  public var explainers: [Item]
  public var metrics: [Item]
  public var seed: UInt64
  /// The kind of keys that seed an image's random numbers; nil in runs before 2026-12, where the key was the image's
  /// place.
  public var randomNumbers: String?
  /// The source of the images, with a digest of them if they are files.
  public var source: String
  public var images: [Image]
  public var shard: Shard

  public init(
    model: String, checkpoint: String, version: BenchmarkVersion, benchmark: Benchmark, source: String, images: [Image],
    shard: Shard = .whole, settings: [String: [String: String]] = [:]
  ) {
    self.model = model
    self.checkpoint = checkpoint
    self.version = version.rawValue
    explainers = benchmark.contenders.map { contender in
      let channels = contender.sumsChannels ? ["channels": "summed"] : [:]
      return Item(
        name: contender.name,
        settings: contender.settings.merging(channels) { $1 }.merging(settings[contender.name] ?? [:]) { $1 })
    }
    metrics = benchmark.metrics.map { Item(name: $0.name, settings: $0.settings) }
    seed = benchmark.seed
    randomNumbers = "the image's content"
    self.source = source
    self.images = images
    self.shard = shard
  }

  /// The first twelve digits of the SHA-256 of all of it but the shard: equal for parts of one run.
  public func settingsHash() throws -> String {
    var whole = self
    whole.shard = .whole
    return try String(Self.encoded(whole).withUnsafeBytes { try sha256($0) }.prefix(12))
  }

  /// The difference between two runs, in words; nil if they may be resumed or merged.
  public func difference(from other: RunDescription) -> String? {
    let pairs: [(String, String, String)] = [
      ("model", model, other.model), ("checkpoint", checkpoint, other.checkpoint),
      ("protocol", version, other.version), ("seed", "\(seed)", "\(other.seed)"),
      ("random numbers by", randomNumbers ?? "place", other.randomNumbers ?? "place"), ("images", source, other.source),
      ("number of images", "\(images.count)", "\(other.images.count)"),
      ("methods", explainers.map(\.name).joined(separator: ","), other.explainers.map(\.name).joined(separator: ",")),
      ("metrics", metrics.map(\.name).joined(separator: ","), other.metrics.map(\.name).joined(separator: ",")),
    ]
    for (name, a, b) in pairs where a != b { return "\(name) \(a), not \(b)" }
    for (a, b) in zip(explainers + metrics, other.explainers + other.metrics) where a != b {
      for key in Set(a.settings.keys).union(b.settings.keys).sorted() where a.settings[key] != b.settings[key] {
        return "\(a.name) with \(key) \(a.settings[key] ?? "none"), not \(b.settings[key] ?? "none")"
      }
    }
    for (index, (a, b)) in zip(images, other.images).enumerated() where a != b {
      return "image \(index) \(a.name) of class \(a.target), not \(b.name) of class \(b.target)"
    }
    return nil
  }

  /// JSON with sorted keys: equal values give equal bytes. Numbers that are not finite become text.
  static func encoded(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try encoder.encode(value)
  }

  static func decoded<Value: Decodable>(_ type: Value.Type, from bytes: some Sequence<UInt8>) throws -> Value {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(type, from: Data(bytes))
  }
}
