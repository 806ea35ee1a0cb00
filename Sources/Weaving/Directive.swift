import Failures

/// What stands between `{{` and `}}` in the template.
enum Directive {
  /// `experiment fig2`, or `experiment fig2 on imagenet` for another tier than the template's, until `end`: its
  /// section, with the lines between as its discussion. Without results there is no section.
  case experiment(String, tier: String?)
  /// `when fig2`, until `end`: lines that are left out without that result.
  case when(String)
  /// `when tier imagenet`, until `end`: lines that speak of one tier.
  case whenTier(String)
  case end
  /// `figure fig4-sequence`: another picture of an experiment.
  case figure(String)
  /// `table fig2:numbers; …`, see ``ResultTable``.
  case table(ResultTable)
  /// `include table1`: a Markdown file that an experiment wrote.
  case include(String)
  /// `claim fig2:… > fig2:…`, see ``Claim``.
  case claim(Claim)
  /// `absent`: the names of the experiments of the template that have no results.
  case absent
  /// `fig2:numbers[0].energyInTile|percent`, see ``Quotation``.
  case quotation(Quotation)

  static let names = ["experiment", "when", "end", "figure", "table", "include", "claim", "absent"]

  init(_ text: String) throws {
    let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
    let rest = text.trimmed.drop { !$0.isWhitespace }.trimmed
    switch (words.first, words.count) {
    case ("experiment", 2): self = .experiment(words[1], tier: nil)
    case ("experiment", 4) where words[2] == "on": self = .experiment(words[1], tier: words[3])
    case ("when", 2): self = .when(words[1])
    case ("when", 3) where words[1] == "tier": self = .whenTier(words[2])
    case ("end", 1): self = .end
    case ("figure", 2): self = .figure(words[1])
    case ("table", _): self = .table(try ResultTable(rest))
    case ("include", 2): self = .include(words[1])
    case ("claim", _): self = .claim(try Claim(rest))
    case ("absent", 1): self = .absent
    case (let name?, _) where Self.names.contains(name):
      throw PullbackError(.usage, name, "has not the right number of arguments")
    default: self = .quotation(try Quotation(text.trimmed))
    }
  }

  var opensBlock: Bool {
    switch self {
    case .experiment, .when, .whenTier: true
    case .end, .figure, .table, .include, .claim, .absent, .quotation: false
    }
  }

  /// Whether nothing of it is left in the text, so that alone on its line it takes the line with it.
  var isSilent: Bool {
    switch self {
    case .experiment, .when, .whenTier, .end, .claim: true
    case .figure, .table, .include, .absent, .quotation: false
    }
  }
}
