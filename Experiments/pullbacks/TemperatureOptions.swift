import ArgumentParser
import ExperimentKit

/// The temperatures of the soft rules, and what relative ones are relative to.
struct TemperatureOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Temperatures of the soft rules, by kind of operation or by node: relu=0.6,maxpool=0.3,layer4.2.relu=1. An \
      extension, not in the paper: relative=1.5 for all gates and max pools, in units of each channel's own spread; \
      relative.relu=1,relative.maxpool=2 for these kinds. By default released, the paper's, for the networks that \
      they were published for (\(Tier.publishedTemperatures.joined(separator: ", "))), and relative=\
      \(RelativeTemperatures.recommendedMultiple) for all others.
      """,
      valueName: "name=tau,..."))
  var temperature: String?

  @Option(
    help: ArgumentHelp(
      "Relative temperatures: the spreads that pullbacks calibrate measured of this checkpoint.",
      valueName: "file.json"),
    completion: .file(extensions: ["json"]))
  var calibration: String?

  @Option(
    help: ArgumentHelp(
      """
      Relative temperatures: which spread of a channel is taken. batch-norm is what the batch norms before the layer \
      tell, without them what --calibration tells, and without a file the image's own spread; calibration prefers the \
      file to batch norms; image is the image's own spread throughout. By default batch-norm.
      """,
      valueName: "which"))
  var spreads: TemperatureRequest.First?

  @Option(
    help: "Soft max pooling, places of a window outside the plane: zeros take a share (as released), or are excluded.")
  var border: SoftMaxPool.Border?

  /// Whether temperatures are asked for that the parameters of the network matter to.
  var needParameters: Bool { calibration != nil || spreads != nil || (temperature ?? "").contains("relative") }

  var request: TemperatureRequest {
    TemperatureRequest(temperature, calibration: calibration, spreads: spreads, border: border)
  }
}

extension TemperatureRequest.First: ExpressibleByArgument {}
extension SoftMaxPool.Border: ExpressibleByArgument {}
