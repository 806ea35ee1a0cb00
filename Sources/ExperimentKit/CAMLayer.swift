import Attribution
import Pullbacks

/// The layer that class activation maps customarily weigh in an architecture, recognised by the graph's name; nil where
/// there is none, as in a pyramid of transformers.
///
/// Of ResNets it is the last convolution of the last block, of VGGs the pooling before the classifier, of
/// EfficientNet-Lites the head convolution.
public func camLayer(for graph: Graph) -> String? {
  let layers = [
    "resnet": ["layer4.2.conv3", "layer4.2.conv2", "layer4.1.conv2"], "vgg": ["avgpool"],
    "efficientnet-lite": ["_conv_head"],
  ]
  return layers.first { graph.name.hasPrefix($0.key) }?.value.first { graph.index(of: $0) != nil }
}

extension MethodSettings {
  /// These settings with the graph's ``camLayer(for:)`` where no layer is named.
  public func completed(for graph: Graph) -> MethodSettings {
    var settings = self
    settings.camLayer = camLayer ?? ExperimentKit.camLayer(for: graph)
    return settings
  }
}
