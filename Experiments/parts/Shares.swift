import ExperimentKit
import Scenes

/// Mean shares of several methods' attributions on objects and their diagnostic parts, over held-out scenes.
struct Shares: Codable {
  let scenes: Int
  /// The share of the frame that the object and its diagnostic parts cover.
  let chance: PartShares
  /// The means by method; positive part of the sum over the channels.
  let mean: [String: PartShares]
  /// The number of scenes for which a method has no positive value, which its mean leaves out; nil if there are none.
  let undefined: [String: Int]?

  /// - Complexity: a forward pass, and a backward pass per method, for each scene.
  init(of subject: Subject, methods: [Method], scenes: Range<Int>) throws {
    let size = subject.network.graph.inputShape[1]
    let renderer = try SceneRenderer(size: size)
    let settings = MethodSettings().fitting(subject.graph)
    let explainers = try methods.map { try $0.explainer(settings, for: subject.graph) }
    var (chance, shares) = ([PartShares](), [String: [PartShares]]())
    for start in stride(from: scenes.lowerBound, to: scenes.upperBound, by: 50) {
      let drawn = (start..<min(start + 50, scenes.upperBound)).map { SceneGenerator.heldOut.scene($0) }
      let (pictures, labels) = try SceneGenerator.heldOut.batch(drawn.map(\.index), size: size)
      let masks = try drawn.map { scene in
        (try renderer.mask(scene.parts, of: scene), try renderer.mask(scene.label.diagnosticParts, of: scene))
      }
      let even = Tensor(shape: [1, 3, size, size], repeating: 1)
      chance += masks.compactMap { PartShares(even, object: $0.0, diagnostic: $0.1) }
      let maps = try explainers.attributeAll(pictures, [.classes(labels)], of: subject.network).map { $0[0] }
      for (method, maps) in zip(methods, maps) {
        shares[method.rawValue, default: []] += masks.enumerated().compactMap { index, mask in
          PartShares(maps.image(index), object: mask.0, diagnostic: mask.1)
        }
      }
    }
    self.scenes = scenes.count
    self.chance = .mean(chance)
    mean = shares.mapValues(PartShares.mean)
    let lacking = Dictionary(
      uniqueKeysWithValues: methods.map(\.rawValue).map { name in
        (name, scenes.count - (shares[name]?.count ?? 0))
      }
    ).filter { $0.value > 0 }
    undefined = lacking.isEmpty ? nil : lacking
  }

  var summary: String {
    ([("chance", chance)] + mean.sorted { $0.key < $1.key }).map { name, share in
      "  \(name): \(decimal(100 * share.object, places: 1)) % on the object, "
        + "\(decimal(100 * share.diagnostic, places: 1)) % on its diagnostic parts"
        + (undefined?[name].map { "; of \($0) scenes it says nothing" } ?? "")
    }.joined(separator: "\n")
  }
}
