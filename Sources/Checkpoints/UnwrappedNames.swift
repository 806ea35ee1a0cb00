/// The names of a network's tensors without what wrappers of the network have put into them.
struct UnwrappedNames {
  /// The names, in the order of the stored names.
  let names: [String]
  /// The prefix that was removed from all names, if it is the same for all.
  let prefix: String
  /// The parts that were removed, each once, in the order of their first appearance.
  let parts: [String]

  /// Attributes under which wrappers keep a network or one of its layers: `torch.compile`, FSDP, activation
  /// checkpointing, Lightning Fabric. No network calls a layer so, and they are removed wherever they stand.
  private static let anywhere: Set<Substring> = [
    "_orig_mod", "_fsdp_wrapped_module", "_fpw_module", "_checkpoint_wrapped_module", "_forward_module",
  ]
  /// The attribute of data-parallel training, DeepSpeed and averaged models. A layer may be called so: it is removed
  /// only where all names begin with it.
  private static let atTheBeginning: Substring = "module"

  init(_ stored: [String]) {
    var split = stored.map { $0.split(separator: ".", omittingEmptySubsequences: false) }
    var parts: [String] = []
    func remove(_ name: inout [Substring], _ isWrapper: (Substring) -> Bool) {
      for part in name.dropLast() where isWrapper(part) && !parts.contains(String(part)) { parts.append(String(part)) }
      name = name.dropLast().filter { !isWrapper($0) } + name.suffix(1)
    }
    for index in split.indices { remove(&split[index], Self.anywhere.contains) }
    let counters = stored.map(Checkpoint.isCounter)
    func allBegin() -> Bool {
      var count = 0
      for (name, isCounter) in zip(split, counters) {
        if name.first == Self.atTheBeginning && name.count > 1 { count += 1 } else if !isCounter { return false }
      }
      return count > 0
    }
    while allBegin() {
      if !parts.contains("module") { parts.append("module") }
      for index in split.indices where split[index].first == Self.atTheBeginning && split[index].count > 1 {
        split[index].removeFirst()
      }
    }
    let names = split.map { $0.joined(separator: ".") }
    guard Set(names).count == Set(stored).count else {
      (self.names, prefix, self.parts) = (stored, "", [])
      return
    }
    (self.names, self.parts) = (names, parts)
    let removed = Set(
      zip(zip(stored, names), counters).filter { !$0.1 }.map { pair, _ in
        pair.0.hasSuffix(pair.1) ? String(pair.0.dropLast(pair.1.count)) : ""
      })
    prefix = removed.count == 1 ? removed.first! : ""
  }
}
