import Checkpoints
import Pullbacks

extension CheckpointFit {
  /// Notes for the user on how the checkpoint was read, a sentence each.
  ///
  /// - Parameter alternatives: the other architectures of these tensors, where the architecture was recognised by them;
  ///   nil where the user named it.
  public func notes(among alternatives: [Architecture]?) -> [String] {
    var notes: [String] = []
    let averages = checkpoint.otherContainers.filter { $0.contains(where: Checkpoint.namesAverage) }
    let others = checkpoint.otherContainers.filter { !$0.contains(where: Checkpoint.namesAverage) }
    let container = checkpoint.container.joined(separator: "/")
    let taken = container.isEmpty ? "the outermost ones" : "those under \(quoted(container))"
    if let first = averages.first {
      let names = averages.map { quoted($0.joined(separator: "/")) }.joined(separator: ", ")
      notes.append(
        "the weights are \(taken); an average of weights (EMA) lies under \(names) "
          + "(--key \(first.joined(separator: "/")) takes it)")
    }
    if let first = others.first {
      let names = others.prefix(4).map { quoted($0.joined(separator: "/")) }.joined(separator: ", ")
      notes.append(
        "the weights are \(taken); other tensors lie under \(names) (--key \(first.joined(separator: "/")))")
    }
    for other in otherPrefixes {
      let name = String(other.dropLast())
      let own = prefix.isEmpty ? "without a prefix" : "under \(quoted(String(prefix.dropLast())))"
      notes.append("the weights are those \(own); another network lies under \(quoted(name)) (--key \(name) takes it)")
    }
    if let movedClassifier {
      notes.append(
        "the classifier is \(movedClassifier): what else may stand beside it has no tensors, and is taken for dropout")
    }
    if let channels, channels != 3 {
      notes.append(
        "the network takes \(channels) channel\(channels == 1 ? "" : "s"), and how they were normalised is not known: "
          + "the mean and deviation of the colours, averaged over them, stand in for what is missing")
    }
    let whole = wholeNumbers
    if let first = whole.first {
      notes.append(
        "\(whole.count) of its tensors \(whole.count == 1 ? "is" : "are") stored as whole numbers"
          + "\(examples(whole.map(\.name))) and taken as they are, in \(first.dtype.rawValue): of a quantised network "
          + "the scales are missing")
    }
    if !allowedLeftOver.isEmpty {
      notes.append("\(allowedLeftOver.count) tensors are left over, as allowed\(examples(allowedLeftOver))")
    }
    guard let alternatives else { return notes }
    let names = alternatives.map(\.name).joined(separator: ", ")
    let same =
      names.isEmpty
      ? "" : "; \(names) \(alternatives.count == 1 ? "has" : "have") the same tensors (--model chooses)"
    // So many classes as it was published with are called by their names.
    let isNamed = classes == nil || classes == architecture.images.classes
    let what = isNamed ? ", normalisation and the names of classes" : " and normalisation"
    notes.append(
      "taken for \(architecture.name) by its tensors, which tell nothing of strides, padding, pools, "
        + "activations\(what): these are assumed to be \(architecture.name)'s\(same)")
    return notes
  }
}
