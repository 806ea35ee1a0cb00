import ExperimentKit

/// A page for every method of the table, and one that lists them.
enum ExplainerPages {
  static func pages() throws -> [Page] {
    let graph = try Architecture.named(ImageNetTier.architecture).graph()
    let pages = Method.allCases.map { page($0, graph) }
    return pages + [
      Page(
        "Explainers", title: "Explainers", abstract: "Every method: its formula, source, cost and caveat.",
        listing: pages)
    ]
  }

  private static func page(_ method: Method, _ graph: Graph) -> Page {
    let facts = method.facts
    let rows = Preset.allCases.map { preset -> [String] in
      guard let explainer = try? method.explainer(preset.settings.fitting(graph), for: graph) else {
        return [preset.rawValue, "not defined for \(graph.name)", "", "", ""]
      }
      let cost = explainer.cost(for: graph)
      let settings = explainer.settings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
      return [
        preset.rawValue, "\(cost.forward)", "\(cost.backward)", explainer.requirement.title,
        settings.joined(separator: "; "),
      ]
    }
    return Page(
      "Explainer-\(method.rawValue)", title: method.rawValue,
      abstract: "The explainer that figures call \(facts.abbreviation). Source: \(facts.source).",
      facts: [
        ("Formula", Page.code(facts.formula)),
        (
          "Notation",
          """
          `nu` is the soft pullback and `g` the gradient of the target at a point, `x'` the baseline, `z` and `y` a \
          layer's input and output, `v` a cotangent, `a` an activation and `p` a class's probability.
          """
        ),
        ("Caveat", facts.caveat.map { $0.prefix(1).uppercased() + $0.dropFirst() + "." }),
        (
          "Cost and settings",
          "Passes through \(graph.name) for one image and one target.\n\n"
            + Page.table(["preset", "forward", "backward", "inputs", "settings"], rows)
        ),
        (
          "On the command line",
          Page.code("pullbacks attribute --input cat.jpg --method \(method.rawValue) --report cat.html")
        ),
      ])
  }
}

/// A page for every rule that a table uses, and one that lists them.
enum RulePages {
  /// The rules of one type with where they stand.
  private struct Use {
    var sources: [String] = []
    var equations: [String] = []
    var places: [[String]] = []
  }

  static func pages() throws -> [Page] {
    // Some rules are made for a network's nodes; these three stand for all.
    let graph = try Graph("three layers", input: [1, 2, 2]) { image in
      image.convolution("the first convolution", 1, kernel: 1, bias: false).relu("every ReLU")
        .maxPool("every max pooling", kernel: 2)
    }
    let weight = Tensor(shape: [1, 1, 1, 1], repeating: 1)
    let network = try Network(graph, parameters: ["the first convolution.weight": weight])
    let tables: [RuleSet] = [
      .softPullback(), .softPullback(attention: .released), .hardPullback, .gradient, .guidedBackprop, .deconvolution,
      .lrpEpsilon(), .epsilonPlus, try .epsilonPlusFlat(for: graph),
      try .epsilonGammaBox(low: [-1], high: [1], for: graph), .epsilonAlpha2Beta1,
      try .epsilonAlpha2Beta1Flat(for: graph), try .softPullback().guided(over: graph),
      try .deepLift(of: network, baseline: Tensor(shape: [1, 1, 2, 2])),
    ]
    var uses: [String: Use] = [:]
    for table in tables {
      for entry in table.entries {
        let name = "\(type(of: entry.rule))"
        let place = [String(table.name.prefix { $0 != " " }), operation(entry.pattern), "`\(entry.rule.equation)`"]
        var use = uses[name] ?? Use()
        if !use.sources.contains(entry.rule.source) { use.sources.append(entry.rule.source) }
        if !use.equations.contains(entry.rule.equation) { use.equations.append(entry.rule.equation) }
        if !use.places.contains(place) { use.places.append(place) }
        uses[name] = use
      }
    }
    let pages = uses.sorted { $0.key < $1.key }.map { name, use in
      Page(
        "Rule-\(name)", title: name,
        abstract: "How a cotangent `v` is pulled back. Source: \(use.sources.joined(separator: "; ")).",
        facts: [
          ("Equations", Page.code(use.equations.joined(separator: "\n"))),
          (
            "Notation",
            """
            `v` is the cotangent of a layer's output, `z` the layer's input, `J^T` the transpose of its Jacobian and \
            `g` its gate. In layer-wise relevance propagation `R` is the relevance of the output, `A(x; W, b)` the \
            layer's value at inputs `x`, weights `W` and biases `b`, and `A^T(.; W)` its gradient; `+` and `-` mark \
            positive and negative parts, and `s(z) = z + epsilon sign z`.
            """
          ),
          ("Where it stands", Page.table(["table", "operation", "equation"], use.places)),
        ])
    }
    return pages + [
      Page(
        "Rules", title: "Rules", abstract: "Every rule: its equation, source and the tables it stands in.",
        listing: pages)
    ]
  }

  private static func operation(_ pattern: RuleSet.Pattern) -> String {
    switch pattern {
    case .node(let name): name
    case .kind(let kind): kind
    case .character(let character): "\(character.rawValue) operations"
    case .any: "all others"
    }
  }
}
