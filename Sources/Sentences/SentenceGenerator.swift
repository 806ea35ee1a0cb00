import Pullbacks

/// Texts with ground truth, as scenes are pictures with ground truth: a pure function of seed, kind and index.
///
/// ```swift
/// let text = SentenceGenerator(seed: 314).text(.topic, 7)
/// print(text.text, text.words(at: text.deciding))
/// ```
public struct SentenceGenerator: Sendable {
  public let seed: UInt64

  public init(seed: UInt64) { self.seed = seed }

  /// The texts that explanations are judged by; no decoder of this package is trained on the pairs of subject and
  /// distractor in them.
  public static let heldOut = SentenceGenerator(seed: 314)

  /// Text `index` of a kind.
  public func text(_ kind: PlantedText.Kind, _ index: Int) -> PlantedText {
    var dice = Dice(seed: seed, "sentences: \(kind.rawValue)", index: index)
    return switch kind {
    case .topic: topic(index, &dice)
    case .paraphrase: paraphrase(index, &dice)
    case .negation: negation(index, &dice)
    case .agreement: agreement(index, &dice)
    }
  }

  /// Every word that texts of the first three kinds are made of, without its capital letter.
  public static let words: Set<String> = {
    let topics = Topic.all.flatMap { $0.clauses + $0.queries }
    let synonyms = [Synonyms.agents, Synonyms.actions, Synonyms.objects].flatMap { $0.flatMap { [$0.0, $0.1] } }
    let opposites = Opposites.all.flatMap { [$0.thing, $0.is, $0.isNot] }
    let texts = topics + synonyms + opposites + Frame.openings + Frame.closings + ["the was not"]
    return Set(texts.flatMap { wordsOf(MarkedText($0).text) })
  }()

  /// The words of a text, in small letters, without signs.
  static func wordsOf(_ text: String) -> [String] {
    text.lowercased().split { !$0.isLetter }.map(String.init)
  }

  private func text(
    _ kind: PlantedText.Kind, _ index: Int, deciding: String, other: String, against: String, negation: Bool? = nil,
    _ dice: inout Dice
  ) -> PlantedText {
    let own = Frame.sentence(deciding, &dice)
    let second = Frame.sentence(MarkedText.distracting(other), &dice)
    let isFirst = dice.chance(0.5)
    return PlantedText(
      kind, index, isFirst ? [own, second] : [second, own], decisive: isFirst ? 0 : 1, against: against,
      negationDecides: negation)
  }

  private func topic(_ index: Int, _ dice: inout Dice) -> PlantedText {
    let (own, other) = dice.two(Topic.all)
    return text(
      .topic, index, deciding: dice.pick(own.clauses), other: dice.pick(other.clauses),
      against: dice.pick(own.queries), &dice)
  }

  private func paraphrase(_ index: Int, _ dice: inout Dice) -> PlantedText {
    let (agents, actions, objects) = (
      dice.two(Synonyms.agents), dice.two(Synonyms.actions), dice.two(Synonyms.objects)
    )
    // The one or the other synonym is in the text.
    func turned(_ pair: (String, String)) -> (String, String) { dice.chance(0.5) ? pair : (pair.1, pair.0) }
    let own = (turned(agents.0), turned(actions.0), turned(objects.0))
    let other = (turned(agents.1), turned(actions.1), turned(objects.1))
    return text(
      .paraphrase, index, deciding: "the *\(own.0.0)* *\(own.1.0)* the *\(own.2.0)*",
      other: "the *\(other.0.0)* *\(other.1.0)* the *\(other.2.0)*",
      against: "The \(own.0.1) \(own.1.1) the \(own.2.1).", &dice)
  }

  private func negation(_ index: Int, _ dice: inout Dice) -> PlantedText {
    let (own, other) = dice.two(Opposites.all)
    let decides = dice.chance(0.5)
    let (affirmed, denied) = dice.chance(0.5) ? (own.is, own.isNot) : (own.isNot, own.is)
    let state = dice.chance(0.5) ? other.is : other.isNot
    return text(
      .negation, index,
      deciding: decides ? "the *\(own.thing)* was *not* *\(denied)*" : "the *\(own.thing)* was *\(affirmed)*",
      other: decides ? "the *\(other.thing)* was *\(state)*" : "the *\(other.thing)* was *not* *\(state)*",
      against: "The \(own.thing) was \(affirmed).", negation: decides, &dice)
  }

  private func agreement(_ index: Int, _ dice: inout Dice) -> PlantedText {
    let first = Agreement.sentence(&dice, pairs: .heldOut, structures: [.plain, .near])
    let isPlural = dice.chance(0.5)
    let subject = Agreement.subject(
      &dice, dice.pick(Agreement.Structure.withDistractors), plural: isPlural, pairs: .heldOut, opposed: true)
    return PlantedText(
      .agreement, index, [first.replacing("*", with: "").replacing("~", with: ""), subject], decisive: 1,
      next: isPlural ? "are" : "is", versus: isPlural ? "is" : "are")
  }
}

extension Dice {
  /// Two different ones.
  mutating func two<Value>(_ values: [Value]) -> (Value, Value) {
    let first = whole(0...values.count - 1)
    let step = whole(1...values.count - 1)
    return (values[first], values[(first + step) % values.count])
  }
}

/// The words around a clause that say nothing about its topic.
private enum Frame {
  static let openings = [
    "on Monday morning", "as everybody had expected", "after a long while", "for one reason or another", "once again",
    "in the end", "without much ado", "at about the same time",
  ]
  static let closings = [
    "while nobody was there", "before the end of the week", "as far as we know", "for the second time",
    "in front of everyone", "much later than planned", "as so often", "and that was all",
  ]

  static func sentence(_ clause: String, _ dice: inout Dice) -> String {
    let opening = dice.pick(openings)
    return opening.prefix(1).uppercased() + opening.dropFirst() + ", " + clause + " " + dice.pick(closings) + "."
  }
}

/// The topic of a clause; the words that state it are marked. Clauses and queries share no such word.
private struct Topic {
  let clauses: [String]
  let queries: [String]

  static let all = [
    Topic(
      clauses: [
        "the *violinist* tuned her *violin*", "the *orchestra* rehearsed a *symphony*",
        "the *pianist* played a *sonata*",
      ], queries: ["A concert of classical music.", "Musicians perform on stage."]),
    Topic(
      clauses: [
        "the *surgeon* examined the *patient*", "the *nurse* cleaned the *wound*",
        "the *pharmacist* mixed the *antibiotic*",
      ], queries: ["Doctors treat an illness.", "Medicine and health care in a hospital."]),
    Topic(
      clauses: [
        "the *striker* scored a *goal*", "the *goalkeeper* saved the *penalty*", "the *referee* stopped the *match*",
      ], queries: ["A football team won the game.", "Sports and championships."]),
    Topic(
      clauses: [
        "the *chef* seasoned the *soup*", "the *baker* kneaded the *dough*", "the *cook* peeled the *potatoes*",
      ], queries: ["Recipes for dinner.", "Preparing a delicious meal in the kitchen."]),
    Topic(
      clauses: [
        "the *telescope* showed a distant *galaxy*", "the *astronaut* photographed the *moon*",
        "the *comet* passed the *planet*",
      ], queries: ["Stars in the night sky.", "The exploration of outer space."]),
    Topic(
      clauses: [
        "the *bank* refused the *mortgage*", "the *investor* sold the *shares*",
        "the *accountant* counted the *profits*",
      ], queries: ["Money and the stock market.", "The economy and business."]),
    Topic(
      clauses: [
        "the *thunder* followed the *lightning*", "the *wind* scattered the *clouds*", "the *rain* turned into *snow*",
      ], queries: ["The weather forecast.", "Severe weather and the climate."]),
    Topic(
      clauses: [
        "the *gardener* pruned the *roses*", "the *tulips* grew beside the *hedge*",
        "the *seeds* sprouted in the *soil*",
      ], queries: ["Plants and flowers in the garden.", "Growing vegetables."]),
    Topic(
      clauses: [
        "the *judge* sentenced the *thief*", "the *lawyer* questioned the *witness*",
        "the *jury* acquitted the *defendant*",
      ], queries: ["A criminal trial in court.", "Crime and justice."]),
    Topic(
      clauses: [
        "the *pilot* landed the *plane*", "the *passengers* boarded the *flight*",
        "the *helicopter* circled above the *airport*",
      ], queries: ["Air travel.", "An airline and its aircraft."]),
  ]
}

/// Words of one meaning.
private enum Synonyms {
  static let agents = [
    ("doctor", "physician"), ("child", "kid"), ("lawyer", "attorney"), ("teacher", "instructor"), ("thief", "burglar"),
    ("author", "writer"), ("customer", "client"), ("boss", "employer"), ("merchant", "trader"), ("sailor", "seaman"),
  ]
  static let actions = [
    ("bought", "purchased"), ("repaired", "fixed"), ("needed", "required"), ("chose", "selected"), ("hid", "concealed"),
    ("discovered", "found"), ("cleaned", "washed"), ("destroyed", "demolished"), ("obtained", "acquired"),
    ("lost", "misplaced"),
  ]
  static let objects = [
    ("car", "automobile"), ("sofa", "couch"), ("photograph", "picture"), ("film", "movie"), ("jacket", "coat"),
    ("gift", "present"), ("stone", "rock"), ("boat", "ship"), ("bicycle", "bike"), ("garbage", "trash"),
  ]
}

/// Things, and two states of each of which one is what the other is not.
private struct Opposites {
  let thing, `is`, isNot: String

  static let all = [
    Opposites(thing: "soup", is: "hot", isNot: "cold"), Opposites(thing: "shop", is: "open", isNot: "closed"),
    Opposites(thing: "glass", is: "full", isNot: "empty"), Opposites(thing: "kitchen", is: "clean", isNot: "dirty"),
    Opposites(thing: "road", is: "wet", isNot: "dry"), Opposites(thing: "bridge", is: "safe", isNot: "dangerous"),
    Opposites(thing: "room", is: "bright", isNot: "dark"), Opposites(thing: "music", is: "loud", isNot: "quiet"),
    Opposites(thing: "suitcase", is: "heavy", isNot: "light"),
    Opposites(thing: "exam", is: "easy", isNot: "difficult"),
    Opposites(thing: "street", is: "wide", isNot: "narrow"), Opposites(thing: "bread", is: "fresh", isNot: "stale"),
    Opposites(thing: "river", is: "deep", isNot: "shallow"), Opposites(thing: "knife", is: "sharp", isNot: "blunt"),
  ]
}
