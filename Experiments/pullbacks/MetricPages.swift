import ExperimentKit

/// A page for every metric, and one that lists them.
enum MetricPages {
  static func pages() -> [Page] {
    let pages = MetricName.allCases.map(page)
    return pages + [
      Page(
        "Metrics", title: "Metrics", abstract: "Every metric: its formula, source, cost and settings.", listing: pages)
    ]
  }

  private static func page(_ name: MetricName) -> Page {
    let metric = name.metric()
    let settings = BenchmarkVersion.allCases.flatMap { version in
      name.metric(version).settings.sorted { $0.key < $1.key }.map { [version.rawValue, $0.key, $0.value] }
    }
    let caveats = [metric.caveat, metric.needsMask ? "Undefined without a mask of the object or its parts." : nil]
      .compactMap(\.self)
    return Page(
      "Metric-\(name.rawValue)", title: name.rawValue,
      abstract: "The metric that tables call \(metric.title). Source: \(metric.citation).",
      facts: [
        ("Formula", Page.code(metric.formula)),
        ("Notation", notation),
        ("Reading", "\(reading(metric.direction)) It measures \(metric.category)."),
        ("Inputs", metric.requirement.title),
        ("Cost", cost(metric)),
        ("Caveat", caveats.isEmpty ? nil : caveats.joined(separator: " ")),
        ("Settings", settings.isEmpty ? nil : Page.table(["version", "setting", "value"], settings)),
        (
          "On the command line",
          Page.code("pullbacks evaluate --networks scenes --metrics \(name.rawValue) --output results")
        ),
      ])
  }

  private static let notation = """
    `a` is the attribution, `e` the explainer, `f` the target's logit, `p` its softmax probability, `x` the image and \
    `x'` a perturbed one.
    """

  private static func reading(_ direction: Direction) -> String {
    switch direction {
    case .higher: "Higher is better."
    case .lower: "Lower is better."
    case .nearerZero: "Nearer zero is better."
    }
  }

  private static func cost(_ metric: any Metric) -> String {
    switch metric {
    case is any MapMetric: "None beside the attribution."
    case is any SharedPerturbationMetric: "Passes of perturbed images, the same for all explainers and shared by them."
    case is any RankedPerturbationMetric: "Passes of images perturbed in the order of each attribution."
    default: "The explainer is run again, at other inputs, classes or networks."
    }
  }
}
