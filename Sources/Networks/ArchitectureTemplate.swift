import Checkpoints
import Foundation
import Kernels
import Pullbacks

/// The tensors that an architecture expects in a checkpoint: its parameters under all of their names. The checkpoint
/// determines the number of classes and of the images' channels.
struct ArchitectureTemplate: Sendable {
  struct Parameter: Sendable {
    /// The name in the graph.
    let name: String
    let shape: [Int]
    fileprivate let otherNames: [@Sendable (String) -> String]

    /// The names that checkpoints use, the graph's own first. Made when they are asked for, which of most architectures
    /// they are for one parameter.
    var storedNames: [String] {
      otherNames.reduce(into: [name]) { names, other in
        let other = other(name)
        if !names.contains(other) { names.append(other) }
      }
    }
  }

  let architecture: Architecture
  let parameters: [Parameter]
  /// The last layer, a linear map to the classes.
  let classifier: String
  /// Parameters whose second extent is the number of the images' channels.
  let readsImage: Set<String>

  init(_ architecture: Architecture) throws(PullbackError) {
    let graph = try architecture.graph()
    self.architecture = architecture
    let otherNames = [architecture.formerName, architecture.timmName]
    parameters = graph.parameters.map { name, description in
      Parameter(name: name, shape: description.shape, otherNames: otherNames)
    }
    classifier = graph.nodes[graph.output].name
    // The first layers of a kernel and channels: those that are fed by the normalised image.
    let normalised = graph.nodes.firstIndex { $0.operation is ChannelAffine } ?? 0
    readsImage = Set(
      graph.nodes.filter { $0.inputs == [normalised] && !$0.parameters.isEmpty }.map { $0.name + ".weight" })
  }

  /// The shortest beginning of the classifier's names that no other layer shares: what people put in its place stands
  /// there, as a `Sequential` of a dropout and a linear map.
  func classifierPlaces() -> [String] {
    let weight = parameters.first { $0.name == classifier + ".weight" }?.storedNames ?? []
    let others = parameters.filter { !$0.name.hasPrefix(classifier + ".") }.flatMap(\.storedNames)
    return weight.map { name in
      var place = name.split(separator: ".").dropLast()
      while place.count > 1 {
        let shorter = place.dropLast().joined(separator: ".") + "."
        guard !others.contains(where: { $0.hasPrefix(shorter) }) else { break }
        place = place.dropLast()
      }
      return place.joined(separator: ".")
    }
  }

  /// Whether the checkpoint has a tensor of the name of every parameter, but for the classifier, whose place varies.
  /// Most architectures fail it at one of their first parameters.
  func mayFit(_ checkpoint: Checkpoint) -> Bool {
    CheckpointFit.prefixes(self, checkpoint).contains { prefix in
      parameters.allSatisfy { parameter in
        parameter.storedNames.contains { checkpoint.entry(prefix + $0) != nil }
          || parameter.name.hasPrefix(classifier + ".")
      }
    }
  }

  /// The templates of all architectures, in their order.
  static let all: [ArchitectureTemplate] = {
    let architectures = Architecture.all
    var templates = [ArchitectureTemplate?](repeating: nil, count: architectures.count)
    templates.withUnsafeMutableBufferPointer { templates in
      nonisolated(unsafe) let templates = templates
      Parallel.forEach(architectures.count) { templates[$0] = try? ArchitectureTemplate(architectures[$0]) }
    }
    return templates.compactMap { $0 }
  }()

  /// Begins to build ``all`` if there are threads for it, and returns at once: a checkpoint can be read meanwhile.
  static func prepare() { if Parallel.spreads { DispatchQueue.global().async { _ = all } } }
}
