import Testing

@testable import Sentences

/// Texts of which it is known which words decide.
@Suite struct SentenceTests {
  private static let kinds = PlantedText.Kind.allCases

  @Test(arguments: kinds) func areAFunctionOfSeedAndIndex(kind: PlantedText.Kind) {
    let texts = (0..<50).map { SentenceGenerator(seed: 5).text(kind, $0) }
    #expect(texts == (0..<50).reversed().map { SentenceGenerator(seed: 5).text(kind, $0) }.reversed())
    #expect(texts != (0..<50).map { SentenceGenerator(seed: 6).text(kind, $0) })
    #expect(Set(texts.map(\.text)).count > 45)
  }

  /// The words at the places are words of the decisive sentence, and the marks are gone.
  @Test(arguments: kinds) func placesAreThoseOfWords(kind: PlantedText.Kind) {
    for index in 0..<300 {
      let text = SentenceGenerator(seed: 5).text(kind, index)
      #expect(!text.text.contains { "*~".contains($0) } && !text.deciding.isEmpty && !text.distracting.isEmpty)
      for place in text.deciding {
        #expect(text.sentence.contains(place.lowerBound) && place.upperBound <= text.sentence.upperBound)
      }
      let scalars = Array(text.text.unicodeScalars)
      for place in text.deciding + text.distracting {
        // A whole word stands there, and spaces or signs around it.
        #expect(scalars[place].allSatisfy { ("a"..."z").contains($0) })
        #expect(place.lowerBound == 0 || scalars[place.lowerBound - 1] == " ")
        #expect(place.upperBound == scalars.count || " .,".unicodeScalars.contains(scalars[place.upperBound]))
      }
      let own = text.words(at: [text.sentence])[0]
      #expect(kind == .agreement ? text.text.hasSuffix(own) : own.first!.isUppercase && own.last == ".")
    }
  }

  @Test func topicsShareNoWordWithTheirQueries() {
    for index in 0..<300 {
      let text = SentenceGenerator(seed: 5).text(.topic, index)
      let query = Set(SentenceGenerator.wordsOf(text.against!))
      #expect(query.isDisjoint(with: text.words(at: text.deciding)))
      #expect(Set(text.words(at: text.deciding)).isDisjoint(with: text.words(at: text.distracting)))
      #expect(text.deciding.count == 2 && text.distracting.count == 2)
    }
  }

  @Test func paraphrasesReplaceEveryWordThatDecides() {
    for index in 0..<300 {
      let text = SentenceGenerator(seed: 5).text(.paraphrase, index)
      let other = SentenceGenerator.wordsOf(text.against!)
      #expect(text.deciding.count == 3 && other.count == 5)
      #expect(Set(other).isDisjoint(with: text.words(at: text.deciding + text.distracting)))
    }
  }

  /// Half of the negations decide; the text and what it is compared with have the same meaning.
  @Test func negationsDecideOrDoNot() {
    let texts = (0..<400).map { SentenceGenerator(seed: 5).text(.negation, $0) }
    #expect((150...250).contains(texts.count { $0.negationDecides! }))
    for text in texts {
      let (deciding, distracting) = (text.words(at: text.deciding), text.words(at: text.distracting))
      #expect(deciding.contains("not") == text.negationDecides!)
      #expect(distracting.contains("not") != text.negationDecides!)
      let (thing, state) = (deciding[0], deciding.last!)
      let said = SentenceGenerator.wordsOf(text.against!)
      #expect(said[1] == thing && (said[3] == state) != text.negationDecides!)
    }
  }

  /// The verb goes with the subject, and the noun behind it has the other number.
  @Test func verbsAgreeWithSubjects() {
    let plurals = Set(Agreement.nouns.map(\.1))
    var counts = [0, 0]
    for index in 0..<400 {
      let text = SentenceGenerator(seed: 5).text(.agreement, index)
      let (subjects, others) = (text.words(at: text.deciding), text.words(at: text.distracting))
      #expect(subjects.count == 1 && (1...2).contains(others.count))
      let isPlural = plurals.contains(subjects[0])
      counts[isPlural ? 1 : 0] += 1
      #expect(text.next == (isPlural ? "are" : "is") && text.versus == (isPlural ? "is" : "are"))
      #expect(others.allSatisfy { plurals.contains($0) != isPlural })
    }
    #expect(counts.allSatisfy { $0 > 150 })
  }

  /// Every text is made of words that are known beforehand.
  @Test func vocabularyIsClosed() {
    #expect(Set(Agreement.vocabulary).count == Agreement.vocabulary.count)
    for index in 0..<2000 {
      let held = SentenceGenerator.heldOut.text(.agreement, index).text
      for text in [held, Agreement.trainingText(seed: 1, index: index)] {
        let words = text.split(separator: " ").map(String.init)
        #expect(words.allSatisfy(Agreement.vocabulary.contains) && words.count <= 40, "\(text)")
      }
      for kind in Self.kinds where kind != .agreement {
        let text = SentenceGenerator(seed: 5).text(kind, index)
        for part in [text.text, text.against!] {
          #expect(SentenceGenerator.wordsOf(part).allSatisfy(SentenceGenerator.words.contains), "\(part)")
        }
      }
    }
  }

  /// No text of training has a subject and a noun behind it as those that a network is judged by.
  @Test func pairsAreHeldOut() {
    let numbers = Dictionary(
      uniqueKeysWithValues: Agreement.nouns.enumerated().flatMap { [($1.0, $0), ($1.1, $0)] })
    func pairs(_ text: String) -> [(Int, Int)] {
      let nouns = text.split(separator: " ").compactMap { numbers[String($0)] }
      return zip(nouns, nouns.dropFirst()).map { ($0, $1) }
    }
    for index in 0..<500 {
      let text = SentenceGenerator.heldOut.text(.agreement, index)
      let last = pairs(text.words(at: [text.sentence])[0])[0]
      #expect(Agreement.Pairs.heldOut.contains(last.0, last.1))
      // The first sentence's pair of subject and what follows it, where something does before the verb.
      let words = Agreement.trainingText(seed: 1, index: index).split(separator: ".").last!
        .split(separator: " ").map(String.init)
      let subject = words.firstIndex { numbers[$0] != nil }!
      if subject + 1 < words.count, Agreement.places.contains(words[subject + 1]) || words[subject + 1] == "that" {
        let next = words[(subject + 1)...].first { numbers[$0] != nil }!
        #expect(Agreement.Pairs.training.contains(numbers[words[subject]]!, numbers[next]!))
      }
    }
  }
}
