import Failures
import Foundation
import TestKit
import Testing

@testable import Text

/// The numbers, places, words and types of tokens against those of the `tokenizers` package, on ten thousand lines.
@Suite struct TokenizerTests {
  private struct Oracle: Decodable {
    let lines: String
    let hashes: [String: [String]]
  }

  private static func oracle() throws -> Oracle {
    try JSONDecoder().decode(Oracle.self, from: Data(contentsOf: URL(fileURLWithPath: Fixture.path("tokenizers.json"))))
  }

  /// FNV-1a over numbers.
  private struct Hash {
    var value: UInt64 = 0xCBF2_9CE4_8422_2325
    mutating func add(_ number: Int) { value = (value ^ UInt64(number)) &* 0x100_0000_01B3 }
    var text: String {
      let digits = String(value, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }
  }

  @Test func linesAreThoseOfTheOracle() throws {
    var hash = Hash()
    for line in TextLines.all { for scalar in line.unicodeScalars { hash.add(Int(scalar.value)) } }
    #expect(try hash.text == Self.oracle().lines)
  }

  @Test(arguments: [
    "bert-uncased", "bert-cased", "gpt2", "roberta", "llama3", "llama2", "nfkc", "nfc", "nfkd", "all-MiniLM-L6-v2",
  ])
  func agreesWithThePackage(_ name: String) throws {
    let isFetched = name == "all-MiniLM-L6-v2"
    let path =
      isFetched
      ? Fixture.root.appendingPathComponent(".cache/text/\(name)/tokenizer.json").path
      : Fixture.path("tokenizers/\(name).json")
    if isFetched, !FileManager.default.fileExists(atPath: path) {
      print("skipped: the tokenizer of \(name), without make text")
      return
    }
    let tokenizer = try Tokenizer(contentsOf: path)
    let expected = try #require(try Self.oracle().hashes[name])
    for (block, expected) in expected.enumerated() {
      var hash = Hash()
      for number in block * 100..<(block + 1) * 100 {
        let pair = number % 10 == 0 ? TextLines.all[number + 1] : nil
        for token in try tokenizer.encode(TextLines.all[number], with: pair).tokens {
          for value in [token.id, token.range.lowerBound, token.range.upperBound] { hash.add(value) }
          hash.add(token.word.map { $0 + 1 } ?? 0)
          hash.add(token.type)
          hash.add(token.sequence.map { $0 + 1 } ?? 0)
        }
      }
      #expect(hash.text == expected, "\(name), lines from \(block * 100)")
    }
  }

  @Test func tokensOfCanonicallyEqualTextsAreTwo() throws {
    let json =
      #"{"model": {"type": "WordPiece", "unk_token": "?", "vocab": {"?": 0, "\u00e9": 1, "e\u0301": 2}}, "#
      + #""pre_tokenizer": {"type": "WhitespaceSplit"}}"#
    let tokenizer = try Tokenizer(json: Array(json.utf8), name: "t.json")
    #expect(try tokenizer.encode("\u{E9} e\u{301} x").ids == [1, 2, 0])
    #expect(tokenizer.count == 3)
  }

  /// What a file has wrong, and a part of the line that is said about it.
  private static let refused: [(json: String, problem: String)] = [
    (#"{"model": {"type": "Unigram", "vocab": []}}"#, #"the model "Unigram" is not supported"#),
    (
      #"{"model": {"type": "WordPiece", "unk_token": "?", "vocab": {"?": 0}}, "normalizer": {"type": "Precompiled"}}"#,
      #"normalizer.type: the normalizer "Precompiled" is not supported"#
    ),
    (
      #"{"model": {"type": "WordPiece", "unk_token": "?", "vocab": {"?": 0}}, "pre_tokenizer": {"type": "X"}}"#,
      #"the pre-tokenizer "X" is not supported"#
    ),
    (
      #"{"model": {"type": "WordPiece", "unk_token": "?", "vocab": {"?": 0}}, "post_processor": {"type": "X"}}"#,
      #"the post-processor "X" is not supported"#
    ),
    (
      #"{"model": {"type": "WordPiece", "unk_token": "?", "vocab": {"a": 0}}}"#,
      #"the token "?" is not in the vocabulary"#
    ),
    (#"{"model": {"type": "WordPiece", "unk_token": "?", "vocab": {"?": -1}}}"#, "expected a number from 0 on"),
    (#"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}}"#, "model.merges.0: the pair"),
    (#"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [], "dropout": 0.1}}"#, "dropped at random"),
    (
      #"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}, "pre_tokenizer": "#
        + #"{"type": "Split", "pattern": {"Regex": "(?<=a)b"}, "behavior": "Isolated", "invert": false}}"#,
      "has the group (?<, which is not supported"
    ),
    (#"{"model": {"type": "BPE", "vocab": {"\ud800": 0}, "merges": []}}"#, "half a surrogate pair"),
    ("{\"model\": " + String(repeating: "[", count: 1000), "nesting deeper than 64"),
    (#"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}} x"#, "more text after the end"),
    ("", "is not JSON"), ("[]", "expected an object, found a list"), ("{}", #"has no "model""#),
  ]

  @Test func filesAreRefusedByName() throws {
    for (json, problem) in Self.refused {
      let error = #expect(throws: PullbackError.self) { try Tokenizer(json: Array(json.utf8), name: "t.json") }
      #expect(error?.description.contains(problem) == true, "\(error?.description ?? "") for \(problem)")
      #expect(error?.kind == .data)
    }
  }

  @Test func filesCutShortOrDamagedAreReadOrRefused() throws {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Fixture.path("tokenizers/nfc.json"))))
    for end in bytes.indices {
      #expect(throws: PullbackError.self) { try Tokenizer(json: Array(bytes[..<end]), name: "t") }
    }
    for place in bytes.indices {
      var damaged = bytes
      damaged[place] ^= 1 << UInt8(place % 8)
      // Whichever it is, it ends.
      if let tokenizer = try? Tokenizer(json: damaged, name: "t") {
        _ = try? tokenizer.encode(TextLines.all[place % 100])
      }
    }
  }

  @Test func hostilePatternsEnd() throws {
    let pattern = try TextPattern("(a+)+b|(?:a*)*c|(a|aa)+$", of: "t.json")
    #expect(throws: PullbackError.self) {
      try pattern.matches(in: Array(String(repeating: "a", count: 60).unicodeScalars + "d".unicodeScalars))
    }
    let repeated = try TextPattern("(?:ab)+", of: "t.json")
    #expect(throws: PullbackError.self) {
      try repeated.matches(in: Array(String(repeating: "ab", count: 100_000).unicodeScalars))
    }
  }

  /// Long texts and words are no fault of a pattern.
  @Test func longMatchesAreFound() throws {
    let letters = Array(String(repeating: "ab", count: 1000).unicodeScalars)
    #expect(try TextPattern("(?:a|b)+|\\s", of: "t.json").matches(in: letters) == [0..<2000])
    let literal = String(repeating: "ab", count: 250)
    #expect(try TextPattern(literal, of: "t.json").matches(in: letters).count == 4)
  }

  /// Rules that would make a text long without end, or take for ever over it.
  @Test(.timeLimit(.minutes(1)))
  func rulesThatNeverEndAreRefused() throws {
    let tenfold = #"{"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaaaa"}"#
    let bytes = #"{"type": "ByteLevel", "add_prefix_space": false}"#
    let pattern =
      #"{"type": "WhitespaceSplit"}, {"type": "Split", "pattern": {"Regex": "(a|aa)*c"}, "behavior": "Isolated", "#
      + #""invert": false}"#
    let words = String(repeating: String(repeating: "a", count: 50) + " ", count: 12_000)
    for (kind, list, rules, text) in [
      ("normalizer", "normalizers", Self.copies(12, tenfold), "a"),
      ("normalizer", "normalizers", Self.copies(40, bytes), "é"),
      ("pre_tokenizer", "pretokenizers", Self.copies(40, bytes), "é"),
      ("pre_tokenizer", "pretokenizers", pattern, words),
    ] {
      let rules = #"{"type": "Sequence", "\#(list)": [\#(rules)]}"#
      let json = #"{"model": {"type": "WordPiece", "unk_token": "?", "vocab": {"?": 0}}, "\#(kind)": \#(rules)}"#
      let tokenizer = try Tokenizer(json: Array(json.utf8), name: "t.json")
      #expect(throws: PullbackError.self, "\(rules)") { try tokenizer.encode(text) }
    }
  }

  private static func copies(_ count: Int, _ text: String) -> String {
    [String](repeating: text, count: count).joined(separator: ", ")
  }

  /// Bytes of a prefix and a suffix stand for no character.
  @Test func bytesOfPrefixesLieInTheirWord() throws {
    let bytes = (0..<256).map { byte in
      "\"<0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true) + ">\": \(byte)"
    }
    let json =
      #"{"model": {"type": "BPE", "byte_fallback": true, "continuing_subword_prefix": "@@", "#
      + #""end_of_word_suffix": "</w>", "vocab": {\#(bytes.joined(separator: ", "))}, "merges": []}}"#
    let tokenizer = try Tokenizer(json: Array(json.utf8), name: "t.json")
    let tokens = try tokenizer.encode("a漢").tokens
    #expect(tokens.map(\.id) == Array("a@@漢</w>".utf8).map(Int.init))
    #expect(tokens.map(\.range) == [0..<1] + Array(repeating: 1..<2, count: 9))
  }

  /// A text of one word takes no longer for each of its characters than a short one.
  @Test func longWordsAreMerged() throws {
    let json = #"{"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "abab": 3}, "merges": ["a b", "ab ab"]}}"#
    let tokenizer = try Tokenizer(json: Array(json.utf8), name: "t.json")
    let ids = try tokenizer.encode(String(repeating: "ab", count: 100_001)).ids
    #expect(ids == [Int](repeating: 3, count: 50_000) + [2])
  }

  @Test(
    arguments: [
      ("a{2,3}?", "aaaaa", [0..<2, 2..<4]), ("a{2,}+b?", "aaab", [0..<4]),
      ("(?i:'s|x)", "'S'ſX", [0..<2, 2..<4, 4..<5]),
      ("[^a-c\\]]", "abd]", [2..<3]), ("\\s+(?!\\S)|\\s+", "a   b  ", [1..<3, 3..<4, 5..<7]),
      ("a|", "ba", [0..<0, 1..<2]),
      ("^a|a$", "aaa", [0..<1, 2..<3]), ("(?:ab|a)(?=c)", "abcac", [0..<2, 3..<4]),
      ("[\\p{Lu}-]", "A-b", [0..<1, 1..<2]),
    ] as [(String, String, [Range<Int>])])
  func patternsMatch(_ pattern: String, _ text: String, _ expected: [Range<Int>]) throws {
    let matches = try TextPattern(pattern, of: "t.json").matches(in: Array(text.unicodeScalars))
    #expect(matches == expected, "\(pattern) in \(text)")
  }
}
