import Pullbacks

/// One hyper-parameter by name: how it is read, written and explained. The table of all of them prints the presets and
/// serves the command line's `--set`.
public struct Setting: Sendable {
  public let name: String
  public let meaning: String
  /// The value in the notation that ``write`` takes.
  public let read: @Sendable (MethodSettings) -> String
  /// Puts a value in; false if the text is none.
  let write: @Sendable (inout MethodSettings, String) -> Bool

  /// Every hyper-parameter but the temperatures of single nodes and images as baselines.
  public static let all: [Setting] =
    Temperatures.Kind.allCases.map { kind in
      number("temperature.\(kind.rawValue)", "of the soft rule", { $0.temperatures[kind] }) {
        $0.temperatures[kind] = $1
      }
    } + [
      choice("border", "soft max pool: what places outside the plane do", { $0.border }) { $0.border = $1 },
      choice("attention", "soft rules: attention matrix frozen, or as the release treats a ViT's", { $0.attention }) {
        $0.attention = $1
      },
      Setting(
        name: "ascent.alpha", meaning: "length of a step; auto is 20 sqrt(n / 150528) for n values",
        read: { $0.alpha.map { "\($0)" } ?? "auto" },
        write: { settings, text in
          if text == "auto" { settings.alpha = nil; return true }
          guard let value = Double(text), value.isFinite, value > 0 else { return false }
          settings.alpha = value
          return true
        }),
      count("ascent.steps", "steps of the ascents", { $0.steps }) { $0.steps = $1 },
      choice("ascent.clip", "when iterates are clipped to [-1, 1]", { $0.clipping }) { $0.clipping = $1 },
      flag("ascent.normalise", "divide a step by its norm", { $0.normalisesStep }) { $0.normalisesStep = $1 },
      flag("ascent.relative", "multiply a step by the iterate's norm", { $0.isRelative }) { $0.isRelative = $1 },
      Setting(
        name: "ascent.ball", meaning: "radius of the L2 ball around the image; none is no ball",
        read: { $0.ballRadius.map { "\($0)" } ?? "none" },
        write: { settings, text in
          if text == "none" { settings.ballRadius = nil; return true }
          guard let value = Double(text), value.isFinite, value > 0 else { return false }
          settings.ballRadius = value
          return true
        }),
      number("double.alpha", "step of the double pullback", { Float($0.doubleAlpha) }) { $0.doubleAlpha = Double($1) },
      count("smooth.draws", "noisy images", { $0.smoothGrad.count }) { $0.smoothGrad.count = $1 },
      number("smooth.deviation", "of their noise", { $0.smoothGrad.deviation }) { $0.smoothGrad.deviation = $1 },
      count("fusion.networks", "noisy networks", { $0.fusionGrad.rounds }) { $0.fusionGrad.rounds = $1 },
      number("fusion.parameter-deviation", "of the factors on parameters", { $0.fusionGrad.deviation }) {
        $0.fusionGrad.deviation = $1
      },
      count("fusion.draws", "noisy images per network", { $0.fusionGrad.images.count }) {
        $0.fusionGrad.images.count = $1
      },
      number("fusion.deviation", "of their noise", { $0.fusionGrad.images.deviation }) {
        $0.fusionGrad.images.deviation = $1
      },
      count("shap.samples", "random places between baseline and image", { $0.gradientShapSamples }) {
        $0.gradientShapSamples = $1
      },
      count("ig.points", "points from baseline to image, at least 2", in: 2...1_000_000, { $0.integratedGradientsPoints }) {
        $0.integratedGradientsPoints = $1
      },
      choice("ig.weighting", "only the normalised one sums to f(x) - f(baseline)", { $0.weighting }) {
        $0.weighting = $1
      },
      Setting(
        name: "layer", meaning: "of the class activation maps; auto is the architecture's own",
        read: { $0.camLayer ?? "auto" },
        write: { settings, text in
          settings.camLayer = text == "auto" ? nil : text
          return !text.isEmpty
        }),
      number("lrp.epsilon", "of the epsilon rule", { $0.lrpEpsilon }) { $0.lrpEpsilon = $1 },
      count("occlusion.divisor", "image sides over window sides", { $0.occlusionDivisor }) { $0.occlusionDivisor = $1 },
      count("rise.masks", "random masks", { $0.riseMasks }) { $0.riseMasks = $1 },
      count("rise.cells", "cells in a row of a mask's grid, at most 1000", in: 1...1000, { $0.riseCells }) { $0.riseCells = $1 },
      Setting(
        name: "rise.probability", meaning: "that a cell lets the image through", read: { "\($0.riseProbability)" },
        write: { settings, text in
          guard let value = Float(text), value > 0, value <= 1 else { return false }
          settings.riseProbability = value
          return true
        }),
      Setting(
        name: "baseline", meaning: "value of the image that stands for nothing; 0 is mid grey",
        read: { $0.baseline.setting },
        write: { settings, text in
          guard let value = Float(text), value.isFinite else { return false }
          settings.baseline = .value(value)
          return true
        }),
    ]

  private static func number(
    _ name: String, _ meaning: String, _ get: @escaping @Sendable (MethodSettings) -> Float,
    _ set: @escaping @Sendable (inout MethodSettings, Float) -> Void
  ) -> Setting {
    Setting(name: name, meaning: meaning, read: { "\(get($0))" }) { settings, text in
      guard let value = Float(text), value.isFinite, value > 0 else { return false }
      set(&settings, value)
      return true
    }
  }

  private static func count(
    _ name: String, _ meaning: String, in range: ClosedRange<Int> = 1...1_000_000,
    _ get: @escaping @Sendable (MethodSettings) -> Int,
    _ set: @escaping @Sendable (inout MethodSettings, Int) -> Void
  ) -> Setting {
    Setting(name: name, meaning: meaning, read: { "\(get($0))" }) { settings, text in
      // A million is far beyond any use, and far from where counts of passes overflow.
      guard let value = Int(text), range.contains(value) else { return false }
      set(&settings, value)
      return true
    }
  }

  private static func flag(
    _ name: String, _ meaning: String, _ get: @escaping @Sendable (MethodSettings) -> Bool,
    _ set: @escaping @Sendable (inout MethodSettings, Bool) -> Void
  ) -> Setting {
    Setting(name: name, meaning: meaning, read: { get($0) ? "yes" : "no" }) { settings, text in
      guard ["yes", "no"].contains(text) else { return false }
      set(&settings, text == "yes")
      return true
    }
  }

  private static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
    _ name: String, _ meaning: String, _ get: @escaping @Sendable (MethodSettings) -> Choice,
    _ set: @escaping @Sendable (inout MethodSettings, Choice) -> Void
  ) -> Setting {
    let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
    return Setting(name: name, meaning: "\(meaning): \(names)", read: { get($0).rawValue }) { settings, text in
      guard let value = Choice(rawValue: text) else { return false }
      set(&settings, value)
      return true
    }
  }
}

extension MethodSettings {
  /// Puts in a hyper-parameter by its name in ``Setting/all``.
  ///
  /// - Parameters:
  ///   - name: of the hyper-parameter.
  ///   - text: its value, as the table writes it.
  /// - Throws: `PullbackError` if there is none of this name or the text is no value for it.
  public mutating func set(_ name: String, to text: String) throws(PullbackError) {
    guard let setting = Setting.all.first(where: { $0.name == name }) else {
      throw PullbackError(
        .usage, "setting \(name)", "there is none of this name", advice: "pullbacks methods lists them")
    }
    guard setting.write(&self, text) else {
      throw PullbackError(
        .usage, "setting \(name)", "\(text) is no value for it (\(setting.meaning))",
        advice: "its value in the preset is \(setting.read(MethodSettings()))")
    }
  }
}
