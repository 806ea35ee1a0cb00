import Checkpoints
import Foundation
import Networks
import Pullbacks
import TestKit
import Testing

@testable import Training

/// Recipes as files, and what the scales of batch norms begin at.
@Suite struct RecipeTests {
  /// Reports and checkpoints that were written before the scale could be chosen: they are read, and written the same.
  @Test(arguments: SceneNetwork.allCases) func ofEmbeddedNetworks(network: SceneNetwork) throws {
    let recipe = try Recipe.named(network.rawValue)
    #expect(recipe.normScale == 1.0 / 3)
    let report = try JSONDecoder().decode(
      TrainingReport.self, from: Data(contentsOf: URL(fileURLWithPath: network.path(ending: "json"))))
    #expect(report.recipe == recipe)
    #expect(try compactJSON(recipe) == network.checkpoint().metadata["recipe"])
  }

  @Test func withOtherScales() throws {
    var recipe = try Recipe.named("vgg-scenes")
    let usual = recipe
    recipe.normScale = 1
    #expect(recipe != usual)
    let text = try compactJSON(recipe)
    #expect(text.contains("\"normScale\":1,"))
    #expect(try JSONDecoder().decode(Recipe.self, from: Data(text.utf8)) == recipe)
    recipe.normScale = Recipe.usualNormScale
    #expect(recipe == usual)
    for scale in [0, -1, .nan, .infinity] {
      recipe.normScale = scale
      #expect(throws: PullbackError.self, "\(scale)") { try Trainer(recipe) }
    }
  }

  /// The scale is that of batch norms, and nothing else of the initial parameters depends on it.
  @Test(arguments: Recipe.all.map(\.network)) func initialParameters(network: String) throws {
    var recipe = try Recipe.named(network)
    let graph = try Trainer(recipe).network.graph
    let usual = try Network(untrained: graph, seed: recipe.seed).parameters
    #expect(try Trainer(recipe).network.parameters == usual)
    recipe.normScale = 0.75
    let other = try Trainer(recipe).network.parameters
    let scales = Set(
      graph.nodes.filter { $0.operation is BatchNorm }.map { $0.fullName($0.parameters[0]) })
    #expect(!scales.isEmpty)
    for (name, values) in other {
      let expected = scales.contains(name) ? Tensor(shape: values.shape, repeating: 0.75) : usual[name]
      #expect(values == expected, "\(name)")
      if scales.contains(name) { #expect(usual[name]!.scalars.allSatisfy { $0 == Float(1.0 / 3) }) }
    }
  }

  /// A run with another scale goes on from its state, which no run with the usual one takes.
  @Test func states() throws {
    let folder = try TemporaryFolder()
    var recipe = try Recipe.named("vgg-scenes")
    recipe.normScale = 1
    try Trainer(recipe).save(to: folder.path("state"))
    let resumed = try Trainer(resuming: folder.path("state"), as: recipe)
    #expect(resumed.network.parameters == (try Trainer(recipe).network.parameters))
    #expect(throws: PullbackError.self) {
      try Trainer(resuming: folder.path("state"), as: .named("vgg-scenes"))
    }
  }
}
