import Checkpoints
import Foundation
import Pullbacks
import Sentences
import Text

/// The recipe by which a decoder is trained on sentences.
public struct SentenceRecipe: Codable, Equatable, Sendable {
  public var network = SentenceDecoder.name
  /// The seed of the sentences, the masks and the initial parameters.
  public var seed: UInt64 = 1
  public var epochs = 10
  /// Texts of one epoch, all of them new; a multiple of ``batch``.
  public var epochTexts = 9600
  public var batch = 32
  /// The greatest learning rate.
  public var rate = 2e-3
  /// Weight decay, see ``AdamW``.
  public var decay = 0.05
  /// The share of all steps in which the rate rises.
  public var warmUp = 0.05
  /// The probability that a word is replaced by the mask, so that the network knows texts with words taken away.
  public var masking = 0.1
  /// Values of an embedding, layers, heads.
  public var width = 96, layers = 3, heads = 4

  public init() {}

  /// Tokens of the longest text.
  static let places = 40

  func check() throws(PullbackError) {
    guard (1...100_000).contains(epochs), (1...512).contains(batch), (batch...10_000_000).contains(epochTexts),
      epochTexts % batch == 0, rate.isFinite, rate > 0, decay.isFinite, decay >= 0, (0..<1).contains(warmUp),
      (0..<1).contains(masking), (1...1024).contains(width), (1...64).contains(layers), (1...width).contains(heads),
      width % heads == 0
    else { throw PullbackError(.usage, "recipe", "a number is out of its range: \(self)") }
    guard seed != SentenceGenerator.heldOut.seed else {
      throw PullbackError(
        .usage, "seed \(seed)", "is that of the held-out texts, which no network is trained on",
        advice: "choose another")
    }
  }

  // MARK: As files

  /// Tokens by their numbers: two that stand for no word, and the words.
  static let vocabulary = ["[UNK]", "[MASK]"] + Agreement.vocabulary

  /// `config.json` as Hugging Face writes it.
  func configuration() throws -> [UInt8] {
    try Self.json([
      "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": Self.vocabulary.count, "n_embd": width,
      "n_layer": layers, "n_head": heads, "n_inner": 4 * width, "n_positions": Self.places,
      "activation_function": "gelu", "layer_norm_epsilon": 1e-5, "tie_word_embeddings": false,
    ])
  }

  /// `tokenizer.json` as the `tokenizers` package reads it: words and points, each a token.
  static func tokenizer() throws -> [UInt8] {
    let special = ["[UNK]", "[MASK]"].enumerated().map { number, token -> [String: Any] in
      [
        "id": number, "content": token, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
        "special": true,
      ]
    }
    return try json([
      "version": "1.0", "added_tokens": special, "normalizer": ["type": "Lowercase"],
      "pre_tokenizer": ["type": "Whitespace"],
      "model": [
        "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
        "vocab": Dictionary(uniqueKeysWithValues: vocabulary.enumerated().map { ($1, $0) }),
      ] as [String: Any],
    ])
  }

  private static func json(_ value: [String: Any]) throws -> [UInt8] {
    Array(try JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .prettyPrinted])) + Array("\n".utf8)
  }
}

/// The training of a decoder that continues sentences, whose verbs agree with their subjects: a pure function of its
/// recipe, epoch after epoch, as ``Trainer`` is for scenes.
public struct SentenceDecoderTrainer: Sendable {
  /// One epoch in the log.
  public struct Epoch: Codable, Equatable, Sendable {
    /// Counted from 1.
    public let epoch: Int
    /// Texts seen so far.
    public let texts: Int
    /// The learning rate of the epoch's last step.
    public let rate: Double
    /// The mean loss over the epoch's words, each before the step that it was part of.
    public let loss: Double
    /// The share of held-out texts whose next verb has the right number after the epoch. No decision rests on it.
    public let agreement: Double
  }

  public let recipe: SentenceRecipe
  public private(set) var parameters: [String: Tensor]
  public private(set) var optimiser: AdamW
  public private(set) var log: [Epoch] = []
  /// The held-out texts of the log.
  public var watched = 5000..<5200
  private let configuration: TextConfiguration
  private let tokenizer: Tokenizer

  /// - Throws: `PullbackError` if the recipe's numbers make no run, or its seed is that of the held-out texts.
  public init(_ recipe: SentenceRecipe = SentenceRecipe()) throws {
    try recipe.check()
    self.recipe = recipe
    configuration = try TextConfiguration(json: recipe.configuration(), name: "config.json")
    tokenizer = try Tokenizer(json: SentenceRecipe.tokenizer(), name: "tokenizer.json")
    let graph = try configuration.trainingGraph(count: SentenceRecipe.places)
    parameters = try Network(untrained: graph, seed: recipe.seed).parameters
    optimiser = AdamW(decay: recipe.decay)
  }

  /// Whether all epochs are done.
  public var isFinished: Bool { log.count == recipe.epochs }

  private var stepsOfEpoch: Int { recipe.epochTexts / recipe.batch }

  /// Trains for one epoch.
  ///
  /// - Parameter progress: is told of each step how many texts it took.
  /// - Throws: `PullbackError` if the loss is no longer finite.
  public mutating func trainEpoch(progress: (_ texts: Int) -> Void = { _ in }) throws {
    let epoch = log.count
    let steps = recipe.epochs * stepsOfEpoch
    let schedule = CosineSchedule(peak: recipe.rate, steps: steps, warmUp: Int(recipe.warmUp * Double(steps)))
    var (loss, words) = (0.0, 0)
    for step in 0..<stepsOfEpoch {
      let first = epoch * recipe.epochTexts + step * recipe.batch
      let batch = try texts(first..<first + recipe.batch)
      let network = try network(tokens: batch.ids.shape[1])
      let trace = try network.trainingTrace(at: batch.ids)
      let value = try CrossEntropy()(batch.rows(of: trace.value), batch.targets.map(\.token))
      guard value.loss.isFinite else {
        throw PullbackError(
          .data, "training of \(recipe.network)", "the loss is \(value.loss) in epoch \(epoch + 1), step \(step + 1)",
          advice: "lower the learning rate")
      }
      let gradients = try trace.parameterGradients(batch.cotangent(value.cotangent, like: trace.value))
      optimiser.update(&parameters, gradients: gradients, rate: schedule[optimiser.step])
      loss += value.loss * Double(batch.targets.count)
      words += batch.targets.count
      progress(recipe.batch)
    }
    log.append(
      Epoch(
        epoch: epoch + 1, texts: (epoch + 1) * recipe.epochTexts, rate: schedule[optimiser.step - 1],
        loss: loss / Double(words), agreement: try agreement(watched)))
  }

  private func network(tokens: Int) throws -> Network {
    // The table of places is longer than the text: its first rows are read.
    try Network(configuration.trainingGraph(count: tokens), parameters: parameters)
  }

  /// Texts of one step.
  private struct Batch {
    /// `(N, T)`, the shorter ones filled up.
    let ids: Tensor
    /// The token that follows a place of `(N T)`.
    let targets: [(place: Int, token: Int)]

    /// The logits of the places that something follows: `(targets, tokens)`.
    func rows(of logits: Tensor) -> Tensor {
      let width = logits.shape[2]
      return logits.withUnsafeBuffer { logits in
        Tensor(shape: [targets.count, width]) { rows in
          for (row, target) in targets.enumerated() {
            (rows.baseAddress! + row * width).update(from: logits.baseAddress! + target.place * width, count: width)
          }
        }
      }
    }

    /// The cotangent of these rows as one of the logits.
    func cotangent(_ rows: Tensor, like logits: Tensor) -> Tensor {
      let width = logits.shape[2]
      return rows.withUnsafeBuffer { rows in
        Tensor(shape: logits.shape) { cotangent in
          cotangent.update(repeating: 0)
          for (row, target) in targets.enumerated() {
            (cotangent.baseAddress! + target.place * width).update(from: rows.baseAddress! + row * width, count: width)
          }
        }
      }
    }
  }

  private func texts(_ indices: Range<Int>) throws -> Batch {
    let mask = tokenizer.id(of: "[MASK]")!
    let texts = try indices.map { try tokenizer.encode(Agreement.trainingText(seed: recipe.seed, index: $0)).ids }
    let length = texts.map(\.count).max()!
    var (ids, targets) = ([Int64](), [(place: Int, token: Int)]())
    for (row, (text, index)) in zip(texts, indices).enumerated() {
      let draws = RandomStream(seed: recipe.seed, "sentences: masks", image: index).uniforms([text.count]).scalars
      ids += zip(text, draws).map { Int64(Double($1) < recipe.masking ? mask : $0) }
      ids += [Int64](repeating: Int64(mask), count: length - text.count)
      targets += text.indices.dropFirst().map { (row * length + $0 - 1, text[$0]) }
    }
    return Batch(ids: Tensor(shape: [texts.count, length], integers: ids), targets: targets)
  }

  /// The share of held-out texts whose next verb has the right number.
  private func agreement(_ indices: Range<Int>) throws -> Double {
    var right = 0
    for index in indices {
      let text = SentenceGenerator.heldOut.text(.agreement, index)
      let ids = try tokenizer.encode(text.text).ids
      let logits = try network(tokens: ids.count)(Tensor(shape: [1, ids.count], integers: ids.map(Int64.init))).scalars
      let last = logits.suffix(configuration.tokens)
      let (next, versus) = (tokenizer.id(of: text.next!)!, tokenizer.id(of: text.versus!)!)
      if last[last.startIndex + next] > last[last.startIndex + versus] { right += 1 }
    }
    return Double(right) / Double(indices.count)
  }
}

extension SentenceDecoderTrainer {
  /// Writes all that the next epoch depends on, whole or not at all.
  ///
  /// - Throws: `PullbackError` if the file cannot be written.
  public func save(to path: String) throws {
    try TrainingState(recipe: recipe, log: log, parameters: parameters, optimiser: optimiser).write(to: path)
  }

  /// A run as ``save(to:)`` left it.
  ///
  /// - Parameter recipe: the recipe as it was at the start.
  /// - Throws: `PullbackError` if the file is none of these, or of a run with another recipe.
  public init(resuming path: String, as recipe: SentenceRecipe) throws {
    try self.init(recipe)
    let state = try TrainingState<SentenceRecipe, Epoch>(
      contentsOf: path, as: recipe, epochs: recipe.epochs, steps: stepsOfEpoch, continuing: optimiser,
      of: configuration.trainingGraph(count: SentenceRecipe.places))
    (log, optimiser, parameters) = (state.log, state.optimiser, state.parameters)
  }

  /// The log as comma-separated values, a row per epoch.
  public var logText: String {
    func decimal(_ value: Double, _ places: Int) -> String { String(format: "%.\(places)f", value) }
    return "epoch,texts,rate,loss,agreement\n"
      + log.map { entry in
        "\(entry.epoch),\(entry.texts),\(decimal(entry.rate, 8)),\(decimal(entry.loss, 6)),"
          + "\(decimal(entry.agreement, 4))\n"
      }.joined()
  }

  /// Writes the decoder as Hugging Face lays it out: `config.json`, `tokenizer.json` and, in float16 with the recipe as
  /// its metadata, `model.safetensors`.
  ///
  /// - Throws: `PullbackError` if a file cannot be written.
  public func writeModel(to folder: String) throws {
    try AtomicFile.write(recipe.configuration(), to: "\(folder)/config.json")
    try AtomicFile.write(SentenceRecipe.tokenizer(), to: "\(folder)/tokenizer.json")
    let tensors = parameters.map { name, tensor in
      (name: name, tensor: configuration.isStoredTransposed(name, tensor.shape) ? tensor.permuted([1, 0]) : tensor)
    }
    try SafeTensors.write(
      tensors, metadata: ["recipe": try compactJSON(recipe)], as: .float16, to: "\(folder)/model.safetensors")
  }
}

/// The result of a decoder's training: how it was made, and whether its verbs agree with their subjects.
public struct SentenceReport: Codable, Sendable {
  /// Texts with one structure of the subject.
  public struct Bin: Codable, Equatable, Sendable {
    /// The number of nouns of the other number between subject and verb.
    public let distractors: Int
    public let texts: Int
    public let accuracy: Double
  }

  public let recipe: SentenceRecipe
  /// Numbers that the network has learnt.
  public let parameters: Int
  /// Held-out texts that the rest is about, the first of their seed.
  public let texts: Int
  /// The share whose next verb has the right number: of `is` and `are` the right one has the larger logit.
  public let accuracy: Double
  /// The same by the number of distractors.
  public let difficulty: [Bin]

  /// - Complexity: a forward pass for each of `texts`.
  public init(of model: TextModel, recipe: SentenceRecipe, texts: Int = 5000) throws {
    var (right, all) = ([Int: Int](), [Int: Int]())
    for index in 0..<texts {
      let text = SentenceGenerator.heldOut.text(.agreement, index)
      let logits = try model.output(of: text.text)
      let numbers = try [text.next!, text.versus!].map { word in
        guard let number = model.tokenizer.id(of: word) else {
          throw PullbackError(.data, model.path, "its vocabulary lacks \(word)")
        }
        return number
      }
      all[text.distracting.count, default: 0] += 1
      if logits[numbers[0]] > logits[numbers[1]] { right[text.distracting.count, default: 0] += 1 }
    }
    self.recipe = recipe
    parameters = try model.network(types: [0]).graph.parameters.reduce(0) { $0 + $1.description.shape.reduce(1, *) }
    self.texts = texts
    accuracy = Double(right.values.reduce(0, +)) / Double(texts)
    difficulty = all.keys.sorted().map { count in
      Bin(
        distractors: count, texts: all[count]!, accuracy: Double(right[count] ?? 0) / Double(all[count]!))
    }
  }
}
