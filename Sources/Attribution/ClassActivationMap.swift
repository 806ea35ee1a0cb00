import Pullbacks

/// Grad-CAM: `relu(sum_c mean(nu_c) a_c)` of a layer's activation a and the pullback nu to it, enlarged to the image by
/// nearest neighbours. Guided: times the pullback to the image under rectified rules.
///
/// With the gradient's rules these are Grad-CAM and Guided Grad-CAM, with soft rules in both parts Guided Pullback CAM.
/// Sources: Selvaraju et al. 2017 (arXiv 1610.02391); nearest neighbours as captum. Cost: one forward and one backward
/// pass, two backward when guided.
public struct ClassActivationMap: Explainer {
  public let name: String
  /// The rules that pull the target back to the layer.
  public let rules: RuleSet
  /// The rules of the guided part; nil is the map alone.
  public let guidedRules: RuleSet?
  /// The node whose activation is weighed, `(C, H, W)`.
  public let layer: String

  /// - Parameters:
  ///   - rules: the rules of the map.
  ///   - guidedRules: the rules of the pullback to the image that the map is multiplied by; nil is the map alone.
  ///   - layer: the node whose activation is weighed.
  ///   - name: the name of the explainer.
  public init(_ rules: RuleSet, guided guidedRules: RuleSet? = nil, layer: String, name: String) {
    self.rules = rules
    self.guidedRules = guidedRules
    self.layer = layer
    self.name = name
  }

  public var settings: [String: String] {
    ["rules": rules.name, "layer": layer].merging(guidedRules.map { ["guided rules": $0.name] } ?? [:]) { $1 }
  }

  public var requirement: InputRequirement { .pictures }
  public func cost(for graph: Graph) -> Cost {
    Cost(forward: 1, backward: guidedRules == nil || guidedRules == rules ? 1 : 2)
  }

  public func plan(for network: Network, in context: Context) throws(PullbackError) -> Plan {
    if let node = network.graph.index(ofLayer: layer), network.graph.nodes[node].shape.count != 3 {
      throw PullbackError(
        .usage, "layer \(layer)", "expected channels of planes, found shape \(network.graph.nodes[node].shape)",
        advice: "name a convolution")
    }
    return Plan([.init(by: rules, to: layer)] + (guidedRules.map { [.init(by: $0)] } ?? []), nodes: [layer])
  }

  public func finish(
    _ found: Findings, at x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor] {
    selectors.indices.map { selector in
      let map = Self.map(found.values[0], found.pullbacks[0][selector]).enlarged(to: x.shape)
      return guidedRules == nil ? map : map * found.pullbacks[1][selector]
    }
  }

  /// `relu(sum_c mean(nu_c) a_c)`, `(N, 1, H, W)`.
  private static func map(_ activation: Tensor, _ pullback: Tensor) -> Tensor {
    let (channels, plane) = (activation.shape[1], activation.shape[2] * activation.shape[3])
    return activation.withUnsafeBuffer { a in
      pullback.withUnsafeBuffer { v in
        Tensor(shape: [activation.shape[0], 1, activation.shape[2], activation.shape[3]]) { map in
          for image in 0..<activation.shape[0] {
            var sums = [Double](repeating: 0, count: plane)
            for channel in 0..<channels {
              let first = (image * channels + channel) * plane
              let mean = v[first..<first + plane].reduce(0.0) { $0 + Double($1) } / Double(plane)
              for place in 0..<plane { sums[place] += mean * Double(a[first + place]) }
            }
            for place in 0..<plane { map[image * plane + place] = Float(max(0, sums[place])) }
          }
        }
      }
    }
  }
}

extension Tensor {
  /// A map `(N, 1, h, w)` at the size of images `(N, C, H, W)`, by nearest neighbours, the same for every channel.
  func enlarged(to shape: [Int]) -> Tensor {
    let (h, w) = (self.shape[2], self.shape[3])
    let (channels, height, width) = (shape[1], shape[2], shape[3])
    return withUnsafeBuffer { map in
      Tensor(shape: shape) { image in
        for plane in 0..<shape[0] * channels {
          let source = plane / channels * h * w
          for row in 0..<height {
            let line = source + row * h / height * w
            for column in 0..<width {
              image[(plane * height + row) * width + column] = map[line + column * w / width]
            }
          }
        }
      }
    }
  }
}
