import ArgumentParser
import ExperimentKit

/// The temperatures of the soft rules, and the spreads that relative ones are multiplied with.
struct TemperatureOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Temperatures of the soft rules. The default is released, the paper's, for the networks with published \
      temperatures (\(Tier.publishedTemperatures.joined(separator: ", "))), and relative=\
      \(RelativeTemperatures.recommendedMultiple), an extension that is not in the paper, for all others. \
      From the paper: released, or by kind of operation or by node, relu=0.6,maxpool=0.3,layer4.2.relu=1; \
      relu=sigmoid:0.3 is the logistic gate of its versions 1 to 4. \
      The extension: relative=1.5 for all gates and max pools, in units of each channel's own spread (standard \
      deviation), or by kind, relative.relu=1,relative.maxpool=2.
      """,
      valueName: "name=tau,..."))
  var temperature: String?

  @Option(
    help: ArgumentHelp(
      "Relative temperatures: the file of spreads that the command calibrate measured for this checkpoint.",
      valueName: "file.json"),
    completion: .file(extensions: ["json"]))
  var calibration: String?

  @Option(
    help: ArgumentHelp(
      """
      Relative temperatures: where a channel's spread sigma comes from. batch-norm, the default: from the batch norms \
      before the layer, else from the file --calibration, else from the image itself. calibration: the file first. \
      image: always the image itself.
      """,
      valueName: "which"))
  var spreads: TemperatureRequest.First?

  @Option(
    help: "Padding in soft max pooling: zeros, it counts as zeros (the authors' code); or excluded, it is ignored.")
  var border: SoftMaxPool.Border?

  /// Whether temperatures are asked for that the parameters of the network matter to.
  var needParameters: Bool { calibration != nil || spreads != nil || (temperature ?? "").contains("relative") }

  var request: TemperatureRequest {
    TemperatureRequest(temperature, calibration: calibration, spreads: spreads, border: border)
  }
}

extension TemperatureRequest.First: ExpressibleByArgument {}
extension SoftMaxPool.Border: ExpressibleByArgument {}
