import Checkpoints
import Foundation
import Pullbacks

/// All that the next epoch of a run depends on, in a file that appears whole or not at all.
struct TrainingState<Recipe: Codable & Equatable, Epoch: Codable> {
  let recipe: Recipe
  /// The epochs so far.
  let log: [Epoch]
  let parameters: [String: Tensor]
  let optimiser: AdamW

  init(recipe: Recipe, log: [Epoch], parameters: [String: Tensor], optimiser: AdamW) {
    (self.recipe, self.log, self.parameters, self.optimiser) = (recipe, log, parameters, optimiser)
  }

  func write(to path: String) throws {
    var tensors = parameters.map { (name: "parameter \($0)", tensor: $1) }
    for (name, moments) in optimiser.moments {
      tensors += [("first \(name)", moments.first), ("second \(name)", moments.second)]
    }
    try SafeTensors.write(
      tensors, metadata: ["recipe": try compactJSON(recipe), "log": try compactJSON(log), "step": "\(optimiser.step)"],
      to: path)
  }

  /// - Parameters:
  ///   - recipe: the recipe as it was at the start.
  ///   - epochs: the number of epochs of the whole run.
  ///   - steps: the number of steps of an epoch.
  ///   - optimiser: the optimiser as it is before the first step.
  ///   - graph: the graph whose parameters they are.
  /// - Throws: `PullbackError` if the file is no such state, or of a run with another recipe.
  init(
    contentsOf path: String, as recipe: Recipe, epochs: Int, steps: Int, continuing optimiser: AdamW, of graph: Graph
  ) throws {
    let file = try Checkpoint(contentsOf: path)
    func value<T: Decodable>(_ key: String, _ type: T.Type) throws -> T {
      guard let text = file.metadata[key], let value = try? JSONDecoder().decode(type, from: Data(text.utf8)) else {
        throw PullbackError(.data, path, "is no state of a training run: \(key) is missing or unreadable")
      }
      return value
    }
    let stored = try value("recipe", Recipe.self)
    guard stored == recipe else {
      throw PullbackError(
        .usage, path, "is the state of another recipe: \(stored)", advice: "resume with that one, or start anew")
    }
    let log = try value("log", [Epoch].self)
    var optimiser = optimiser
    optimiser.step = try value("step", Int.self)
    guard log.count <= epochs, optimiser.step == log.count * steps else {
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
    for (name, description) in graph.parameters {
      parameters[name] = try tensor("parameter \(name)", description.shape)
      if description.isLearnable && !log.isEmpty {
        optimiser.moments[name] = (
          try tensor("first \(name)", description.shape), try tensor("second \(name)", description.shape)
        )
      }
    }
    (self.recipe, self.log, self.parameters, self.optimiser) = (recipe, log, parameters, optimiser)
  }
}

/// JSON on one line with sorted keys: equal values give equal text.
func compactJSON(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = .sortedKeys
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}
