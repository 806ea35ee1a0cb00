import Attribution

/// The figures that the paper prints (arXiv 2507.22832), to stand beside measured ones.
public enum Published {
  /// A mean and standard deviation over images.
  public struct Value: Equatable, Sendable {
    public let mean: Double
    public let deviation: Double
  }

  /// A mean difference with its 95 % interval.
  public struct Difference: Equatable, Sendable {
    public let mean: Double
    public let low: Double
    public let high: Double
  }

  /// The value that a version of the paper reports for a method on one of its networks (`resnet50`, `vgg11_bn`,
  /// `pvt_v2_b1`), if any.
  public static func value(
    _ metric: MetricName, of method: Method, model: String, in version: BenchmarkVersion
  ) -> Value? {
    guard let explainer = names[method] else { return nil }
    let key: [String]
    switch (metric, version) {
    case (.focus, .v6): key = [model, explainer]
    default:
      guard let name = metricNames[metric] else { return nil }
      key = [model, explainer, name]
    }
    let table = metric == .focus ? focus : version == .v5 ? v5 : v6
    guard let row = table[key], row.count >= 2 else { return nil }
    return Value(mean: row[0], deviation: row[1])
  }

  /// The difference between a method and its gradient twin that version 6 reports, if any.
  public static func difference(_ metric: MetricName, of method: Method, model: String) -> Difference? {
    guard let twin = method.gradientTwin, let a = names[method], let b = names[twin],
      let row = paired[[model, "\(a) - \(b)", metric.rawValue.replacing("-", with: "_")]], row.count >= 3
    else { return nil }
    return Difference(mean: row[0], low: row[1], high: row[2])
  }

  /// The value that version 6 reports for a method with one hyper-parameter changed, if any.
  ///
  /// - Parameters:
  ///   - parameter: `tau_relu`, `tau_maxpool`, `tau_gelu`, `tau_attention`, `K` or `alpha`; `default` for none.
  ///   - value: the value as the paper writes it: `0.3`; `default` for none.
  public static func ablation(
    _ metric: MetricName, of method: Method, model: String, _ parameter: String, _ value: String
  ) -> Value? {
    guard let explainer = names[method],
      let row = ablations[[model, parameter, value, explainer, metric.rawValue.replacing("-", with: "_")]],
      row.count >= 2
    else { return nil }
    return Value(mean: row[0], deviation: row[1])
  }

  private static let names: [Method: String] = [
    .softPullback: "SoftPullback", .doublePullback: "DoublePullback", .pullbackAscent: "PullbackAscent",
    .smoothPullback: "SmoothPullback", .fusionPullback: "FusionPullback", .gradient: "Gradient", .saliency: "Saliency",
    .inputXGradient: "InputXGradient", .gradientAscent: "GradientAscent", .smoothGrad: "SmoothGrad",
    .fusionGrad: "FusionGrad", .gradientShap: "GradientShap", .integratedGradients: "IntegratedGradients",
    .deepLiftReleased: "DeepLift", .guidedGradCAM: "GuidedGradCam", .guidedBackprop: "GuidedBackprop",
    .deconvolution: "Deconvolution",
  ]

  private static let metricNames: [MetricName: String] = [
    .infidelity: "Infidelity", .faithfulnessCorrelation: "Faith.Corr", .faithfulnessEstimate: "Faith.Est",
    .monotonicityCorrelation: "Mono.Corr", .maxSensitivity: "Max.Sens", .randomLogit: "Rand.Logit",
    .sparseness: "Sparseness",
  ]

  private static let v5 = table(PackageResources.faithfulness_v5_csv, keys: 3)
  private static let v6 = table(PackageResources.faithfulness_v6_csv, keys: 3)
  private static let focus = table(PackageResources.focus_v6_csv, keys: 2)
  private static let paired = table(PackageResources.paired_v6_csv, keys: 3)

  private static let ablations = table(PackageResources.ablations_v6_csv, keys: 6, without: 3)

  /// Rows of a file of this package, whose first `keys` columns name the numbers in the others.
  ///
  /// - Parameter column: one of the keys that names nothing.
  private static func table(_ bytes: [UInt8], keys: Int, without column: Int? = nil) -> [[String]: [Double]] {
    var table: [[String]: [Double]] = [:]
    for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).dropFirst() {
      let columns = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      let key = columns.prefix(keys).enumerated().filter { $0.offset != column }.map(\.element)
      table[key] = columns.dropFirst(keys).compactMap(Double.init)
    }
    return table
  }
}
