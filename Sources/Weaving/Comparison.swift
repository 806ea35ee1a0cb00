/// How two values compare, in a filter and in a claim.
enum Comparison: String, CaseIterable {
  // Those of two characters first: one is searched for in this order.
  case notEqual = "!="
  case atMost = "<="
  case atLeast = ">="
  case equal = "="
  case less = "<"
  case greater = ">"

  /// The text before the first comparison, the comparison and the text after it.
  static func split(_ text: String) -> (String, Comparison, String)? {
    for index in text.indices {
      if let comparison = allCases.first(where: { text[index...].hasPrefix($0.rawValue) }) {
        return (String(text[..<index]), comparison, String(text[index...].dropFirst(comparison.rawValue.count)))
      }
    }
    return nil
  }

  func holds(_ left: Double, _ right: Double) -> Bool {
    switch self {
    case .notEqual: left != right
    case .atMost: left <= right
    case .atLeast: left >= right
    case .equal: left == right
    case .less: left < right
    case .greater: left > right
    }
  }

  /// Numbers compare as numbers, everything else as text and for equality only.
  func holds(_ left: Value, _ right: String) -> Bool {
    if case .number(let left) = left, let right = Double(right) { return holds(left, right) }
    switch self {
    case .equal: return left.plain == right
    case .notEqual: return left.plain != nil && left.plain != right
    case .atMost, .atLeast, .less, .greater: return false
    }
  }
}
