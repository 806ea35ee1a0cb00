import Pullbacks

/// A small English of subjects, distractors and verbs that agree in number: `the keys to the cabinet are old .`
///
/// Words stand between spaces, in small letters; every sentence ends in a point.
public enum Agreement {
  /// The structure of a subject.
  public enum Structure: String, CaseIterable, Sendable {
    /// `the old keys`
    case plain
    /// `the keys near the cabinet`
    case near
    /// `the keys near the cabinet behind the tree`
    case nearTwo = "near-two"
    /// `the keys that the farmer sees`
    case that
    /// `the keys near the cabinet that the farmer sees`
    case nearThat = "near-that"

    static let withDistractors: [Structure] = [.near, .nearTwo, .that, .nearThat]
  }

  /// The pairs of a subject and the noun that follows it: a fifth of them is held out, so that a network is judged by
  /// pairs that it never saw.
  enum Pairs {
    case training, heldOut

    func contains(_ subject: Int, _ distractor: Int) -> Bool {
      ((7 * subject + 3 * distractor) % 5 == 0) == (self == .heldOut)
    }
  }

  static let nouns = [
    ("key", "keys"), ("cabinet", "cabinets"), ("dog", "dogs"), ("cat", "cats"), ("boy", "boys"), ("girl", "girls"),
    ("teacher", "teachers"), ("doctor", "doctors"), ("tree", "trees"), ("house", "houses"), ("car", "cars"),
    ("book", "books"), ("picture", "pictures"), ("window", "windows"), ("door", "doors"), ("table", "tables"),
    ("chair", "chairs"), ("garden", "gardens"), ("river", "rivers"), ("bridge", "bridges"), ("bird", "birds"),
    ("horse", "horses"), ("farmer", "farmers"), ("pilot", "pilots"), ("singer", "singers"), ("baker", "bakers"),
    ("king", "kings"), ("letter", "letters"), ("box", "boxes"), ("child", "children"), ("man", "men"),
    ("woman", "women"),
  ]
  static let places = ["near", "behind", "beside", "under", "above", "to"]
  static let adjectives = ["old", "small", "red", "young", "tall", "quiet", "new", "green"]
  static let states = adjectives + ["here", "there", "late", "ready"]
  /// The one of a singular, and of a plural.
  static let transitive = [
    ("sees", "see"), ("likes", "like"), ("knows", "know"), ("finds", "find"), ("follows", "follow"),
  ]
  static let intransitive = [
    ("sings", "sing"), ("sleeps", "sleep"), ("falls", "fall"), ("waits", "wait"), ("shines", "shine"),
  ]
  static let forms = [("is", "are"), ("was", "were")]

  /// Every word, each once.
  public static let vocabulary: [String] = {
    let pairs = (nouns + transitive + intransitive + forms).flatMap { [$0.0, $0.1] }
    return ["the", "that", "."] + pairs + places + states
  }()

  /// Text `index` of those that a network is trained on: one sentence or two.
  public static func trainingText(seed: UInt64, index: Int) -> String {
    var dice = Dice(seed: seed, "sentences: training", index: index)
    let first = dice.chance(0.5) ? sentence(&dice, pairs: .training, structures: [.plain, .near]) + " " : ""
    return MarkedText(first + sentence(&dice, pairs: .training, structures: Structure.allCases)).text
  }

  /// A whole sentence.
  static func sentence(_ dice: inout Dice, pairs: Pairs, structures: [Structure]) -> String {
    let isPlural = dice.chance(0.5)
    let subject = subject(&dice, dice.pick(structures), plural: isPlural, pairs: pairs, opposed: false)
    func form(_ pair: (String, String)) -> String { isPlural ? pair.1 : pair.0 }
    let rest =
      switch dice.whole(0...9) {
      case 0..<5: "\(form(forms[0])) \(dice.pick(states))"
      case 5..<7: "\(form(forms[1])) \(dice.pick(states))"
      case 7: form(dice.pick(intransitive))
      default: "\(form(dice.pick(transitive))) \(phrase(noun(&dice).text, &dice))"
      }
    return "\(subject) \(rest) ."
  }

  /// A subject, marked as ``PlantedText`` wants it.
  ///
  /// - Parameter opposed: whether the noun that follows it has the other number for certain; every other noun has
  ///   either.
  static func subject(
    _ dice: inout Dice, _ structure: Structure, plural: Bool, pairs: Pairs, opposed: Bool
  ) -> String {
    let subject = noun(&dice, plural: plural)
    let head = phrase("*\(subject.text)*", &dice)
    if structure == .plain { return head }
    var next = noun(&dice, plural: opposed ? !plural : dice.chance(0.5))
    while next.index == subject.index || !pairs.contains(subject.index, next.index) {
      next = noun(&dice, plural: next.isPlural)
    }
    func other(_ noun: Noun) -> String { phrase(noun.isPlural == plural ? noun.text : "~\(noun.text)~", &dice) }
    func clause(_ noun: Noun) -> String {
      let verb = dice.pick(transitive)
      return "that \(other(noun)) \(noun.isPlural ? verb.1 : verb.0)"
    }
    switch structure {
    case .plain: return head
    case .near: return "\(head) \(dice.pick(places)) \(other(next))"
    case .nearTwo:
      return "\(head) \(dice.pick(places)) \(other(next)) \(dice.pick(places)) \(other(noun(&dice)))"
    case .that: return "\(head) \(clause(next))"
    case .nearThat: return "\(head) \(dice.pick(places)) \(other(next)) \(clause(noun(&dice)))"
    }
  }

  /// A noun with its article, and with an adjective or without.
  private static func phrase(_ noun: String, _ dice: inout Dice) -> String {
    dice.chance(0.3) ? "the \(dice.pick(adjectives)) \(noun)" : "the \(noun)"
  }

  struct Noun {
    let index: Int
    let isPlural: Bool
    var text: String { isPlural ? nouns[index].1 : nouns[index].0 }
  }

  private static func noun(_ dice: inout Dice, plural: Bool? = nil) -> Noun {
    let index = dice.whole(0...nouns.count - 1)
    return Noun(index: index, isPlural: plural ?? dice.chance(0.5))
  }
}
