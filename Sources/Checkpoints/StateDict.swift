import Failures

/// The dictionary of parameters inside whatever was saved around it.
struct StateDict {
  /// The keys that led to it, outermost first.
  let container: [String]
  /// Its tensors in its own order: indices into ``TorchObjects/tensors``.
  let tensors: [(name: String, tensor: Int)]
  /// The keys that lead to the other dictionaries of tensors in the file.
  let others: [[String]]

  /// Finds the state dict in `root`, the outermost object of a pickle.
  ///
  /// Every dictionary with a tensor is looked at, however it is nested. The one under a usual key is taken; without it,
  /// the only one there is; and an average of weights (EMA) only where there is nothing else. A network and its head,
  /// one linear map, in a dictionary each are taken together, under the names of their keys.
  ///
  /// - Parameter choice: the choice, by the keys that lead to it or by the last of them.
  init(in root: PickleValue, of pickle: Unpickler, file: FileCopy, choice: StateDictChoice) throws {
    guard case .dict(let top) = root else {
      throw file.malformed(
        "holds \(Self.kind(of: root)) and no dictionary of tensors", advice: "save the network's state_dict()")
    }
    let search = StateDictSearch(pickle: pickle, file: file)
    let places = search.places(from: top)
    let found: [StateDictSearch.Place]
    switch choice {
    case .path(let keys): found = [.init(path: keys, dict: try search.follow(keys, from: top))]
    case .name(let name): found = [try search.place(called: name, among: places, top: top)]
    case .usual: found = try search.usualPlaces(among: places, top: top)
    }
    others = places.map(\.path).filter { path in !found.contains { $0.path == path } }
    if found.count == 1 {
      (container, tensors) = (found[0].path, search.tensors(in: found[0].dict))
    } else {
      container = found[0].path.dropLast()
      tensors = found.flatMap { place in
        search.tensors(in: place.dict).map { ("\(place.path.last ?? "").\($0.name)", $0.tensor) }
      }
    }
    guard !tensors.isEmpty else { throw file.malformed("holds no tensors: \(search.contents(of: found[0].dict))") }
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

/// The choice among a file's state dicts.
enum StateDictChoice: Equatable {
  /// The one that training scripts save for use.
  case usual
  /// The one under these keys, outermost first.
  case path([String])
  /// The one under a key of this name, or under keys joined by slashes or full stops.
  case name(String)
}

/// The meaning of key names for the weights under them.
enum StateDictKeys {
  /// The keys under which training scripts save a state dict.
  static let usual: Set<String> = [
    "state_dict", "model", "model_state_dict", "model_state", "net", "net_state_dict", "network", "module", "weights",
    "params",
  ]

  /// Whether a word of the key says that the weights are an average over training, or a teacher that is one.
  static func isAverage(_ key: String) -> Bool {
    let words = key.lowercased().split { !$0.isLetter }
    return words.contains { ["ema", "averaged", "average", "avg", "swa", "teacher", "momentum"].contains($0) }
  }

  /// Whether it holds the state of training and no network.
  static func isTraining(_ key: String) -> Bool {
    let key = key.lowercased()
    return key.hasPrefix("optim") || key.contains("scheduler") || key.contains("scaler")
      || ["callbacks", "loops", "hyper_parameters", "hparams", "param_shapes", "rng_state", "amp"].contains(key)
  }
}

/// Steps through the dictionaries of a pickle, to a fixed depth and each of them once: they may contain themselves.
private struct StateDictSearch {
  /// A dictionary and the keys that lead to it.
  struct Place {
    let path: [String]
    let dict: Int
  }

  let pickle: Unpickler
  let file: FileCopy
  /// Deeper nesting than any script's, and few enough dictionaries that a hostile file costs little.
  private static let (deepest, most) = (6, 10_000)

  private func dict(_ value: PickleValue?) -> Int? {
    if case .dict(let index)? = value { index } else { nil }
  }

  func tensors(in dict: Int) -> [(name: String, tensor: Int)] {
    pickle.heap.dicts[dict].entries.compactMap { key, value in
      if case .tensor(let tensor) = value { (key, tensor) } else { nil }
    }
  }

  private func holdsTensor(_ dict: Int, minimumRank: Int) -> Bool {
    tensors(in: dict).contains { pickle.torch.tensors[$0.tensor].shape.count >= minimumRank }
  }

  /// Every dictionary that holds a tensor, outer ones first. A lone scalar is more likely an accuracy than a network,
  /// unless there is nothing else.
  func places(from top: Int) -> [Place] {
    var reached = [Place(path: [], dict: top)]
    var seen: Set<Int> = [top]
    var next = 0
    while next < reached.count {
      let place = reached[next]
      next += 1
      guard place.path.count < Self.deepest else { continue }
      for (key, value) in pickle.heap.dicts[place.dict].entries
      where reached.count < Self.most && !StateDictKeys.isTraining(key) {
        guard let inner = dict(value), seen.insert(inner).inserted else { continue }
        reached.append(Place(path: place.path + [key], dict: inner))
      }
    }
    let found = reached.filter { holdsTensor($0.dict, minimumRank: 1) }
    return found.isEmpty ? reached.filter { holdsTensor($0.dict, minimumRank: 0) } : found
  }

  /// The place that is meant where nobody says which; two where they are those of a network and its head.
  func usualPlaces(among places: [Place], top: Int) throws -> [Place] {
    guard !places.isEmpty else { throw file.malformed("holds no state dict: \(contents(of: top))") }
    let averages = places.filter { $0.path.contains(where: StateDictKeys.isAverage) }
    let raw = places.filter { !$0.path.contains(where: StateDictKeys.isAverage) }
    let usual = raw.filter { $0.path.last.map(StateDictKeys.usual.contains) ?? true }
    let chosen = [usual, raw, averages].first { !$0.isEmpty } ?? []
    guard chosen.count == 1 || areNetworkAndHead(chosen) else {
      throw file.malformed(
        "holds several state dicts, at \(Self.list(chosen)): \(contents(of: top))",
        advice: "say which with --key \(Self.name(chosen[0]) ?? Self.name(chosen[1]) ?? "KEY")")
    }
    return chosen
  }

  /// Whether these are two beside each other, and one of them is a linear map alone.
  private func areNetworkAndHead(_ places: [Place]) -> Bool {
    guard places.count == 2, Set(places.map { $0.path.dropLast() }).count == 1 else { return false }
    let heads = places.filter { place in
      let tensors = tensors(in: place.dict)
      let shapes = tensors.map { pickle.torch.tensors[$0.tensor].shape }
      return tensors.count == 2
        && zip(tensors, shapes).allSatisfy { tensor, shape in
          shape.count == (tensor.name.hasSuffix("weight") ? 2 : 1)
        } && Set(tensors.map { $0.name.split(separator: ".").last }) == ["weight", "bias"]
    }
    return heads.count == 1
  }

  /// The place that `name` stands for.
  func place(called name: String, among places: [Place], top: Int) throws -> Place {
    let exact = places.filter { place in ["/", "."].contains { place.path.joined(separator: $0) == name } }
    let last = exact.isEmpty ? places.filter { $0.path.last == name } : exact
    let chosen = last.isEmpty ? places.filter { $0.path.contains(name) } : last
    if let place = chosen.first, chosen.count == 1 { return place }
    if chosen.isEmpty {
      throw PullbackError(
        .usage, file.path, "has no dictionary of tensors under \(quoted(name)): \(contents(of: top))",
        advice: places.isEmpty ? nil : "there are \(Self.list(places))")
    }
    throw PullbackError(
      .usage, file.path, "has several dictionaries under \(quoted(name)), at \(Self.list(chosen))",
      advice: "name all keys, with slashes between them")
  }

  private static func name(_ place: Place) -> String? {
    place.path.isEmpty ? nil : place.path.joined(separator: "/")
  }

  private static func list(_ places: [Place]) -> String {
    let names = places.prefix(8).map { $0.path.isEmpty ? "the top" : $0.path.map(quoted).joined(separator: " / ") }
    return names.joined(separator: ", ") + (places.count > names.count ? ", …" : "")
  }

  func follow(_ keys: [String], from top: Int) throws -> Int {
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
