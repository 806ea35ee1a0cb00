import Failures

/// The dictionary of parameters inside whatever was saved around it.
struct StateDict {
  /// The keys that led to it, outermost first.
  let container: [String]
  /// Its tensors in its own order: indices into ``TorchObjects/tensors``.
  let tensors: [(name: String, tensor: Int)]

  /// The keys under which training scripts save a state dict.
  static let usualKeys = ["state_dict", "model", "model_state_dict", "net"]

  /// Finds the state dict in `root`, the outermost object of a pickle.
  ///
  /// - Parameter keys: where it lies; nil to look at the top, under the usual keys, and under those inside one another.
  init(in root: PickleValue, of pickle: Unpickler, file: MappedFile, under keys: [String]?) throws {
    guard case .dict(let top) = root else {
      throw file.malformed(
        "holds \(Self.kind(of: root)) and no dictionary of tensors", advice: "save the network's state_dict()")
    }
    let search = Search(pickle: pickle)
    let found: (path: [String], dict: Int)
    if let keys {
      found = (keys, try search.follow(keys, from: top, file))
    } else {
      var candidates = search.candidates(in: top, path: [], depth: 2, minimumRank: 1)
      // A lone scalar at the top is more likely an accuracy than a network, unless there is nothing else.
      if candidates.isEmpty { candidates = search.candidates(in: top, path: [], depth: 2, minimumRank: 0) }
      guard let first = candidates.first else {
        throw file.malformed(
          "holds no state dict at its top or under \(Self.usualKeys.joined(separator: ", ")): "
            + search.contents(of: top),
          advice: "say under which keys it lies")
      }
      guard candidates.allSatisfy({ $0.dict == first.dict }) else {
        let places = candidates.map { $0.path.isEmpty ? "the top" : $0.path.map(quoted).joined(separator: " / ") }
        throw file.malformed(
          "holds several state dicts, at \(places.joined(separator: ", "))", advice: "say under which keys to look")
      }
      found = first
    }
    container = found.path
    tensors = search.tensors(in: found.dict).map { ($0.name, $0.tensor) }
    guard !tensors.isEmpty else { throw file.malformed("holds no tensors: \(search.contents(of: found.dict))") }
  }

  private static func kind(of value: PickleValue) -> String {
    switch value {
    case .tensor: "a tensor"
    case .list, .tuple: "a list"
    case .string: "text"
    default: "a Python object"
    }
  }
}

/// Steps through the dictionaries of a pickle, to a fixed depth: they may contain themselves.
private struct Search {
  let pickle: Unpickler

  private func dict(_ value: PickleValue?) -> Int? {
    if case .dict(let index)? = value { index } else { nil }
  }

  func tensors(in dict: Int) -> [(name: String, tensor: Int)] {
    pickle.heap.dicts[dict].entries.compactMap { key, value in
      if case .tensor(let tensor) = value { (key, tensor) } else { nil }
    }
  }

  /// Every dictionary reached through the usual keys that holds a tensor of at least `minimumRank` axes.
  func candidates(in dict: Int, path: [String], depth: Int, minimumRank: Int) -> [(path: [String], dict: Int)] {
    var found: [(path: [String], dict: Int)] = []
    if tensors(in: dict).contains(where: { pickle.torch.tensors[$0.tensor].shape.count >= minimumRank }) {
      found.append((path, dict))
    }
    guard depth > 0 else { return found }
    for key in StateDict.usualKeys {
      if let inner = self.dict(pickle.heap.dicts[dict][key]) {
        found += candidates(in: inner, path: path + [key], depth: depth - 1, minimumRank: minimumRank)
      }
    }
    return found
  }

  func follow(_ keys: [String], from top: Int, _ file: MappedFile) throws -> Int {
    try keys.reduce(top) { place, key in
      guard let inner = dict(pickle.heap.dicts[place][key]) else {
        throw PullbackError(.usage, file.path, "has no dictionary \(quoted(key)): \(contents(of: place))")
      }
      return inner
    }
  }

  /// The keys of a dictionary in a few words.
  func contents(of dict: Int) -> String {
    let entries = pickle.heap.dicts[dict].entries
    let keys = entries.prefix(8).map { key, value in
      guard let inner = self.dict(value), case let count = tensors(in: inner).count, count > 0 else {
        return quoted(key)
      }
      return "\(quoted(key)) (\(count) tensors)"
    }
    return entries.isEmpty
      ? "it has no keys" : "its keys are \(keys.joined(separator: ", "))" + (entries.count > keys.count ? ", …" : "")
  }
}
