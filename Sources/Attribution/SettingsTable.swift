import Pullbacks

/// One hyper-parameter by name: how it is read, written and explained. The table of all of them prints the presets and
/// serves the command line's `--set`.
public struct Setting: Sendable {
  /// The name as `--set` takes it: `smooth.draws`.
  public let name: String
  /// The meaning, for people.
  public let meaning: String
  /// The value in the notation that `--set` takes.
  public let read: @Sendable (MethodSettings) -> String
  /// Sets the value from text; false if it cannot be parsed.
  let write: @Sendable (inout MethodSettings, String) -> Bool

  /// Every hyper-parameter but the temperatures of single nodes and images as baselines.
  public static let all: [Setting] =
    Temperatures.Kind.allCases.map { kind in
      Setting(
        name: "temperature.\(kind.rawValue)",
        meaning: "of the soft rule\(kind == .relu ? "; sigmoid:0.3 is the paper's gate of versions 1 to 4" : "")",
        read: { $0.temperatures.text(of: kind) }, write: { $0.temperatures.set(kind, $1) })
    } + [
      choice("border", "soft max pool: what places outside the plane do", \.border),
      choice("attention", "soft rules: attention matrix frozen, or as the release treats a ViT's", \.attention),
      optional("ascent.alpha", "length of a step; auto is 20 sqrt(n / 150528) for n values", none: "auto", \.alpha),
      count("ascent.steps", "steps of the ascents", \.steps),
      choice("ascent.clip", "when iterates are clipped to [-1, 1]", \.clipping),
      flag("ascent.normalise", "divide a step by its norm", \.normalisesStep),
      flag("ascent.relative", "multiply a step by the iterate's norm", \.isRelative),
      optional("ascent.ball", "radius of the L2 ball around the image; none is no ball", none: "none", \.ballRadius),
      number("double.alpha", "step of the double pullback", \.doubleAlpha),
      count("smooth.draws", "noisy images", \.smoothGrad.count),
      number("smooth.deviation", "of their noise", \.smoothGrad.deviation),
      count("fusion.networks", "noisy networks", \.fusionGrad.rounds),
      number("fusion.parameter-deviation", "of the factors on parameters", \.fusionGrad.deviation),
      count("fusion.draws", "noisy images per network", \.fusionGrad.images.count),
      number("fusion.deviation", "of their noise", \.fusionGrad.images.deviation),
      count("shap.samples", "random places between baseline and image", \.gradientShapSamples),
      count("ig.points", "points from baseline to image, at least 2", least: 2, \.integratedGradientsPoints),
      choice("ig.weighting", "only the normalised one sums to f(x) - f(baseline)", \.weighting),
      Setting(
        name: "layer", meaning: "of the class activation maps; auto is the network's customary one, if it has one",
        read: { $0.camLayer ?? "auto" },
        write: { settings, text in
          settings.camLayer = text == "auto" ? nil : text
          return !text.isEmpty
        }),
      number("lrp.epsilon", "of the epsilon rule", \.lrpEpsilon),
      count("occlusion.divisor", "image sides over window sides", \.occlusionDivisor),
      count("rise.masks", "random masks", \.riseMasks),
      count("rise.cells", "cells in a row of a mask's grid, at most 1000", most: 1000, \.riseCells),
      number("rise.probability", "that a cell lets the image through", most: 1, \.riseProbability),
      Setting(
        name: "baseline", meaning: "value of the baseline, the absence of signal; 0 is mid grey",
        read: { $0.baseline.setting },
        write: { settings, text in
          guard let value = Float(text), value.isFinite else { return false }
          settings.baseline = .value(value)
          return true
        }),
    ]

  private typealias Place<Value> = WritableKeyPath<MethodSettings, Value> & Sendable

  /// A setting whose value is kept at `place`; `parse` gives nil if the text is not a value.
  private init<Value>(
    _ name: String, _ meaning: String, _ place: Place<Value>, format: @escaping @Sendable (Value) -> String,
    parse: @escaping @Sendable (String) -> Value?
  ) {
    self.init(name: name, meaning: meaning, read: { format($0[keyPath: place]) }) { settings, text in
      guard let value = parse(text) else { return false }
      settings[keyPath: place] = value
      return true
    }
  }

  private init(
    name: String, meaning: String, read: @escaping @Sendable (MethodSettings) -> String,
    write: @escaping @Sendable (inout MethodSettings, String) -> Bool
  ) {
    (self.name, self.meaning, self.read, self.write) = (name, meaning, read, write)
  }

  /// A positive number.
  private static func number<Value: BinaryFloatingPoint & LosslessStringConvertible & Sendable>(
    _ name: String, _ meaning: String, most: Value = .greatestFiniteMagnitude, _ place: Place<Value>
  ) -> Setting {
    Setting(name, meaning, place, format: { "\($0)" }) { text in
      Value(text).flatMap { $0 > 0 && $0 <= most ? $0 : nil }
    }
  }

  /// A positive number, or the word `none`.
  private static func optional(
    _ name: String, _ meaning: String, none: String, _ place: Place<Double?>
  ) -> Setting {
    Setting(name, meaning, place, format: { $0.map { "\($0)" } ?? none }) { text in
      if text == none { return .some(nil) }
      guard let value = Double(text), value > 0, value.isFinite else { return .none }
      return value
    }
  }

  /// A whole number; a million is far beyond any use, and far from where counts of passes overflow.
  private static func count(
    _ name: String, _ meaning: String, least: Int = 1, most: Int = 1_000_000, _ place: Place<Int>
  ) -> Setting {
    Setting(name, meaning, place, format: { "\($0)" }) { text in
      Int(text).flatMap { (least...most).contains($0) ? $0 : nil }
    }
  }

  private static func flag(_ name: String, _ meaning: String, _ place: Place<Bool>) -> Setting {
    Setting(name, meaning, place, format: { $0 ? "yes" : "no" }) { ["yes": true, "no": false][$0] }
  }

  private static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
    _ name: String, _ meaning: String, _ place: Place<Choice>
  ) -> Setting {
    let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
    return Setting(name, "\(meaning): \(names)", place, format: { $0.rawValue }) { Choice(rawValue: $0) }
  }
}

extension MethodSettings {
  /// Puts in a hyper-parameter by its name in ``Setting/all``.
  ///
  /// - Parameters:
  ///   - name: the name of the hyper-parameter.
  ///   - text: its value, as the table writes it.
  /// - Throws: `PullbackError` if there is none of this name or the text is no value for it.
  public mutating func set(_ name: String, to text: String) throws(PullbackError) {
    guard let setting = Setting.all.first(where: { $0.name == name }) else {
      throw PullbackError(
        .usage, "setting \(name)", "there is none of this name",
        advice: "there are \(Setting.all.map(\.name).joined(separator: ", "))")
    }
    guard setting.write(&self, text) else {
      throw PullbackError(
        .usage, "setting \(name)", "\(text) is no value for it (\(setting.meaning))",
        advice: "its value in the preset is \(setting.read(MethodSettings()))")
    }
  }
}

extension Temperatures {
  /// The temperature of a kind in the notation of settings and records: `0.6`, or `sigmoid:0.3` where ReLU's noise is
  /// logistic.
  public func text(of kind: Kind) -> String {
    kind == .relu && reluNoise == .logistic ? "\(Self.logistic)\(self[kind])" : "\(self[kind])"
  }

  /// Puts in a temperature in the notation of ``text(of:)``; false if the text is none.
  public mutating func set(_ kind: Kind, _ text: String) -> Bool {
    let isLogistic = kind == .relu && text.hasPrefix(Self.logistic)
    guard let value = Float(isLogistic ? String(text.dropFirst(Self.logistic.count)) : text), value.isFinite, value > 0
    else { return false }
    self[kind] = value
    if kind == .relu { reluNoise = isLogistic ? .logistic : .normal }
    return true
  }

  private static var logistic: String { "sigmoid:" }
}
