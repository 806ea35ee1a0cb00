import Foundation
import Networks
import Pullbacks

extension Trainer {
  /// Writes all that the next epoch depends on, whole or not at all.
  ///
  /// - Throws: `PullbackError` if the file cannot be written.
  public func save(to path: String) throws {
    var tensors = network.parameters.map { (name: "parameter \($0)", tensor: $1) }
    for (name, moments) in optimiser.moments {
      tensors += [("first \(name)", moments.first), ("second \(name)", moments.second)]
    }
    try SafeTensors.write(
      tensors, metadata: ["recipe": try compactJSON(recipe), "log": try compactJSON(log), "step": "\(optimiser.step)"],
      to: path)
  }

  /// A run as ``save(to:)`` left it.
  ///
  /// - Parameter recipe: as it was at the start.
  /// - Throws: `PullbackError` if the file is none of these, or of a run with another recipe.
  public init(resuming path: String, as recipe: Recipe) throws {
    let file = try Checkpoint(contentsOf: path)
    func value<T: Decodable>(_ key: String, _ type: T.Type) throws -> T {
      guard let text = file.metadata[key], let value = try? JSONDecoder().decode(type, from: Data(text.utf8)) else {
        throw PullbackError(.data, path, "is no state of a training run: \(key) is missing or unreadable")
      }
      return value
    }
    try self.init(recipe)
    let stored = try value("recipe", Recipe.self)
    guard stored == recipe else {
      throw PullbackError(
        .usage, path, "is the state of another recipe: \(stored)", advice: "resume with that one, or start anew")
    }
    log = try value("log", [Entry].self)
    optimiser.step = try value("step", Int.self)
    guard log.count <= recipe.epochs, optimiser.step == log.count * (recipe.epochScenes / recipe.batch) else {
      throw PullbackError(.data, path, "\(optimiser.step) steps do not make \(log.count) epochs")
    }
    func tensor(_ name: String, _ shape: [Int]) throws -> Tensor {
      let tensor = try file.tensor(name, requireFinite: true)
      guard tensor.shape == shape else {
        throw PullbackError(.data, path, "tensor \(name): expected shape \(shape), found \(tensor.shape)")
      }
      return tensor
    }
    var parameters: [String: Tensor] = [:]
    for (name, description) in network.graph.parameters {
      parameters[name] = try tensor("parameter \(name)", description.shape)
      if description.isLearnable && !log.isEmpty {
        optimiser.moments[name] = (
          try tensor("first \(name)", description.shape), try tensor("second \(name)", description.shape)
        )
      }
    }
    network = try Network(network.graph, parameters: parameters, executor: network.executor)
  }
}

/// JSON on one line with sorted keys: equal values give equal text.
func compactJSON(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = .sortedKeys
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}
