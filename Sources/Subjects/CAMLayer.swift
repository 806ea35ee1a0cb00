import Attribution
import Networks
import Pullbacks

extension MethodSettings {
  /// These settings for a network of one of the package's architectures: where no layer of the class activation maps is
  /// named, it is the architecture's own.
  ///
  /// - Parameter graph: of the network that is to be explained.
  public func fitting(_ graph: Graph) -> MethodSettings {
    var settings = self
    settings.camLayer = camLayer ?? Architecture.camLayer(in: graph)
    return settings
  }
}
