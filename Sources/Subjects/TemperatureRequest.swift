import Attribution
import Failures
import Networks
import Pullbacks

/// The temperatures of the soft rules as people name them, and what relative ones are relative to.
public struct TemperatureRequest: Sendable {
  /// Which spreads come before all others.
  public enum First: String, CaseIterable, Sendable {
    case batchNorm = "batch-norm"
    case calibration
    case image
  }

  /// As ``Attribution/MethodSettings/setTemperatures(_:for:)`` reads them; nil is the usual ones of a network.
  public var temperature: String?
  /// The file of a ``Calibration``.
  public var calibration: String?
  /// Which spread of a channel is taken; nil is that of batch norms, then the calibration's, then the image's own.
  public var spreads: First?
  /// What places outside the plane do in the soft max pool; nil leaves the settings' own.
  public var border: SoftMaxPool.Border?

  public init(
    _ temperature: String? = nil, calibration: String? = nil, spreads: First? = nil, border: SoftMaxPool.Border? = nil
  ) {
    (self.temperature, self.calibration, self.spreads, self.border) = (temperature, calibration, spreads, border)
  }

  /// Puts the temperatures into settings, and the spreads if temperatures are relative to them.
  ///
  /// - Parameters:
  ///   - settings: which are changed.
  ///   - graph: of the network that is to be explained.
  ///   - subject: the network with its parameters; nil where there are none, and no temperature is asked for that is
  ///     relative.
  ///   - recommending: whether temperatures are relative by default where none were published for the network.
  ///   - always: whether spreads are put in without relative temperatures, too.
  /// - Returns: what records say beside the settings: which calibration it was.
  /// - Throws: `PullbackError` that says which part is not understood or not at hand.
  public func apply(
    to settings: inout MethodSettings, for graph: Graph, _ subject: Subject?, recommending: Bool, always: Bool = false
  ) throws -> [String: String] {
    switch (spreads, calibration) {
    case (.calibration, nil): throw PullbackError(.usage, "spreads calibration", "needs a file --calibration")
    case (.image, .some): throw PullbackError(.usage, "spreads image", "has no use for --calibration")
    default: break
    }
    if let border { settings.border = border }
    if temperature != nil {
      try settings.setTemperatures(temperature, for: graph)
    } else if recommending, settings.temperatures.changedKinds.isEmpty,
      !Tier.publishedTemperatures.contains(graph.name)
    {
      settings.relativeTemperatures = .recommended
    }
    // A node that there is not is refused for methods without soft rules too.
    _ = try settings.softRules(for: graph)
    guard let subject, always || !settings.relativeTemperatures.isEmpty else { return [:] }
    let calibrated = try calibration.map { try Calibration.read($0, for: subject) }
    let told = spreads == .image ? Spreads() : Spreads(of: subject.network)
    switch (calibrated?.spreads, spreads) {
    case (nil, _): settings.spreads = told
    case (let measured?, .calibration): settings.spreads = measured.completed(by: told)
    case (let measured?, _): settings.spreads = told.completed(by: measured)
    }
    return [
      "temperature.calibration": calibrated?.sha256, "temperature.spreads": spreads?.rawValue,
    ].compactMapValues { $0 }
  }
}
