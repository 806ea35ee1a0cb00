import Checkpoints
import Failures
import Foundation
import Pullbacks
import TestKit
import Testing

@testable import Text

/// Language models against `transformers`: value, gradient, hard and soft pullback to the embeddings of the tokens.
@Suite struct NetworkTests {
  struct Case: Decodable {
    let types: [Int]?
    let shapes: [String: [Int]]
  }

  static let names = [
    "bert-mean", "bert-classes", "bert-relu", "distilbert-classes", "roberta-classes", "gpt2-next", "gpt2-scaled",
    "llama-next", "llama3-next",
  ]

  private static let cases: [String: Case] = try! JSONDecoder().decode(
    [String: Case].self, from: Data(contentsOf: URL(fileURLWithPath: Fixture.path("text-networks.json"))))
  nonisolated(unsafe) private static let configurations = try! Fixture.json("text-networks") as! [String: [String: Any]]

  /// A tokenizer of the tokens `t0`, `t1` and so on, with spaces between them.
  static func tokenizer(_ count: Int) -> String {
    let vocabulary = (0..<count).map { "\"t\($0)\": \($0)" }.joined(separator: ", ")
    return #"{"model": {"type": "WordPiece", "unk_token": "t0", "vocab": {"# + vocabulary
      + #"}}, "pre_tokenizer": {"type": "WhitespaceSplit"}}"#
  }

  /// The folder of a network with formula weights, its parameters in as many files as asked for.
  static func write(_ name: String, to folder: TemporaryFolder, files: Int = 1) throws {
    let config = try JSONSerialization.data(withJSONObject: configurations[name]!["config"]!)
    try config.write(to: folder.url.appendingPathComponent("config.json"))
    try tokenizer(60).write(toFile: folder.path("tokenizer.json"), atomically: true, encoding: .utf8)
    let tensors = cases[name]!.shapes.sorted { $0.key < $1.key }.map { ($0.key, Formula.parameter($0.key, $0.value)) }
    if files == 1 {
      try SafeTensors.write(tensors.map { (name: $0.0, tensor: $0.1) }, to: folder.path("model.safetensors"))
      return
    }
    var map: [String: String] = [:]
    for file in 0..<files {
      let own = tensors.indices.filter { $0 % files == file }.map { (name: tensors[$0].0, tensor: tensors[$0].1) }
      try SafeTensors.write(own, to: folder.path("part-\(file).safetensors"))
      for tensor in own { map[tensor.name] = "part-\(file).safetensors" }
    }
    try JSONSerialization.data(withJSONObject: ["weight_map": map])
      .write(to: folder.url.appendingPathComponent("model.safetensors.index.json"))
  }

  @Test(arguments: names, [RuleSet.gradient, .hardPullback, .softPullback()])
  func agreesWithTransformers(_ name: String, _ rules: RuleSet) throws {
    let folder = try TemporaryFolder()
    try Self.write(name, to: folder)
    let model = try TextModel(contentsOf: folder.url.path)
    let fixture = try Fixture.tensors("text-networks")
    let ids = try fixture.tensor("\(name)/ids")
    let tokens = ids.shape[1]
    let rows = (0..<ids.shape[0]).map { row in (0..<tokens).map { Int(ids.scalars[row * tokens + $0]) } }
    let types = Self.cases[name]!.types ?? [Int](repeating: 0, count: tokens)

    let value = try fixture.tensor("\(name)/value")
    let network = try model.network(types: types)
    let numbers = Tensor(shape: ids.shape, integers: rows.joined().map(Int64.init))
    try expectClose(network(numbers), value, within: 1e-5, name)

    let x = Tensor(batching: try rows.map { try model.embeddings(of: $0) })
    let trace = try model.embeddedNetwork(types: types).trace(at: x, rules: [rules])
    expectClose(trace.value, value, within: 1e-5, name)
    let mode = rules == .gradient ? "gradient" : rules == .hardPullback ? "hard" : "soft"
    try expectClose(
      trace.pullback(fixture.tensor("\(name)/selector"), by: rules), fixture.tensor("\(name)/\(mode)"), within: 1e-5,
      "\(name), \(mode)")
  }

  @Test func parametersInSeveralFilesAreThoseOfOne() throws {
    let (one, several) = (try TemporaryFolder(), try TemporaryFolder())
    try Self.write("llama-next", to: one)
    try Self.write("llama-next", to: several, files: 3)
    let x = Tensor(shape: [1, 4], integers: [3, 1, 4, 1])
    let types = [0, 0, 0, 0]
    let values = try [one, several].map { try TextModel(contentsOf: $0.url.path).network(types: types)(x) }
    #expect(identicalBits(values[0], values[1]))
  }

  @Test func torchsOwnFilesAreRead() throws {
    let folder = try TemporaryFolder()
    for name in ["config.json", "pytorch_model.bin"] {
      try FileManager.default.copyItem(atPath: Fixture.path("text-bin/\(name)"), toPath: folder.path(name))
    }
    try Self.tokenizer(30).write(toFile: folder.path("tokenizer.json"), atomically: true, encoding: .utf8)
    let model = try TextModel(contentsOf: folder.url.path)
    #expect(model.head == .mean)
    let expected = try Checkpoint(contentsOf: Fixture.path("text-bin/expected.safetensors"))
    let ids = try model.tokenizer.encode("t1 t5 t7").ids
    let value = try model.embeddedNetwork(types: [0, 0, 0])(model.embeddings(of: ids))
    try expectClose(value, expected.tensor("value"), within: 1e-6)
  }

  /// The files that a test writes anew, and a part of what is said.
  @Test(arguments: [
    ("config.json", "[]", "is no configuration"), ("config.json", #"{"model_type": "t5"}"#, #"model_type "t5""#),
    ("config.json", #"{"model_type": "bert"}"#, "has no vocab_size"),
    (
      "config.json",
      #"{"model_type": "bert", "vocab_size": 60, "hidden_size": 24, "num_hidden_layers": 1000000000,"#
        + #""num_attention_heads": 4}"#, "expected num_hidden_layers"
    ),
    (
      "config.json",
      #"{"model_type": "bert", "vocab_size": 60, "hidden_size": 24, "num_hidden_layers": 2,"#
        + #""num_attention_heads": 5, "intermediate_size": 40, "max_position_embeddings": 20}"#, "do not share 24"
    ),
    (
      "config.json",
      #"{"model_type": "bert", "vocab_size": 61, "hidden_size": 24, "num_hidden_layers": 2,"#
        + #""num_attention_heads": 4, "intermediate_size": 40, "max_position_embeddings": 20}"#,
      #"tensor "embeddings.word_embeddings.weight" has shape [60, 24], config.json says [61, 24]"#
    ),
    (
      "config.json",
      #"{"model_type": "bert", "vocab_size": 60, "hidden_size": 24, "num_hidden_layers": 3,"#
        + #""num_attention_heads": 4, "intermediate_size": 40, "max_position_embeddings": 20}"#, "has no tensor"
    ),
    (
      "config.json",
      #"{"model_type": "bert", "vocab_size": 60, "hidden_size": 24, "num_hidden_layers": 2,"#
        + #""num_attention_heads": 4, "intermediate_size": 40, "max_position_embeddings": 20, "hidden_act": "x"}"#,
      #"activation "x": is not supported"#
    ),
    (
      "config.json",
      #"{"model_type": "roberta", "vocab_size": 60, "hidden_size": 24, "num_hidden_layers": 2, "#
        + #""num_attention_heads": 4, "intermediate_size": 40, "max_position_embeddings": 20, "#
        + #""pad_token_id": 9223372036854775807}"#,
      "expected a pad_token_id from 0 on"
    ),
    ("config.json", #"{"model_type": "bert", "hidden_size": 7.5}"#, "a number is out of range, or is no whole number"),
    (
      "config.json",
      #"{"model_type": "llama", "vocab_size": 60, "hidden_size": 24, "num_hidden_layers": 2, "#
        + #""num_attention_heads": 4, "intermediate_size": 40, "max_position_embeddings": 20,"#
        + #""rope_parameters": {"rope_type": "linear", "factor": 1e-308}}"#, "expected a factor of rope"
    ),
    ("model.safetensors", "x", "is no checkpoint"),
    (
      "modules.json", #"[{"type": "sentence_transformers.models.Transformer"}, {"type": "x.Dense"}]"#,
      #"the module "Dense" is not supported"#
    ),
    (
      "1_Pooling/config.json", #"{"pooling_mode_mean_tokens": true, "pooling_mode_max_tokens": true}"#,
      "asks for pooling_mode_mean_tokens and pooling_mode_max_tokens"
    ),
    ("1_Pooling/config.json", "{", "is not JSON"),
  ])
  func foldersThatDoNotFitAreRefused(_ file: String, _ text: String, _ problem: String) throws {
    let folder = try TemporaryFolder()
    try Self.write("bert-mean", to: folder)
    try FileManager.default.createDirectory(atPath: folder.path("1_Pooling"), withIntermediateDirectories: true)
    try text.write(toFile: folder.path(file), atomically: true, encoding: .utf8)
    let error = #expect(throws: PullbackError.self) { try TextModel(contentsOf: folder.url.path) }
    #expect(error?.kind == .data)
    #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
  }

  @Test func indicesLeadNowhereElse() throws {
    let folder = try TemporaryFolder()
    try Self.write("bert-mean", to: folder, files: 2)
    for (map, problem) in [
      (#"{"weight_map": {"a": "../part-0.safetensors"}}"#, "no file of its folder"),
      (#"{"weight_map": {"a": "part-0.safetensors"}}"#, "has no such tensor"), ("{}", "is no index"),
      (#"{"weight_map": {}}"#, "names 0 files"),
    ] {
      try map.write(toFile: folder.path("model.safetensors.index.json"), atomically: true, encoding: .utf8)
      let error = #expect(throws: PullbackError.self) { try ModelFolder(folder.url.path) }
      #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
    }
    try FileManager.default.removeItem(atPath: folder.path("model.safetensors.index.json"))
    #expect(throws: PullbackError.self) { try ModelFolder(folder.url.path) }
  }

  /// Tokens that fill up batches take places of their own in RoBERTa, and a decoder's classes are read before them.
  @Test func paddingInsideATextIsRefused() throws {
    for (name, ids) in [("roberta-classes", [5, 1, 7])] {
      let folder = try TemporaryFolder()
      try Self.write(name, to: folder)
      let model = try TextModel(contentsOf: folder.url.path)
      let error = #expect(throws: PullbackError.self) { try model.embeddings(of: ids) }
      #expect(error?.description.contains("which fills up batches") == true)
      #expect(throws: Never.self) { try model.embeddings(of: [5, 7]) }
    }
  }

  @Test func longerTextsThanTheModelsAreRefused() throws {
    let folder = try TemporaryFolder()
    try Self.write("roberta-classes", to: folder)
    let model = try TextModel(contentsOf: folder.url.path)
    #expect(throws: Never.self) { try model.network(types: [Int](repeating: 0, count: 18)) }
    #expect(throws: PullbackError.self) { try model.network(types: [Int](repeating: 0, count: 19)) }
    #expect(throws: PullbackError.self) { try model.network(types: []) }
  }
}
