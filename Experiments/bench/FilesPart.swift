import ExperimentKit
import Foundation

extension Measure {
  /// Loading a network's parameters from a safetensors file, and an image from a PNG.
  func measureFiles(_ report: inout Report) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for model in models {
      let path = "\(folder)/\(model).safetensors"
      let network = try someNetwork(model)
      try SafeTensors.write(network.parameters.map { ($0.key, $0.value) }, to: path)
      let architecture = try Architecture.named(model)
      let time = try clock.least(within: seconds) {
        _ = try Network(architecture, checkpoint: Checkpoint(contentsOf: path))
      }
      report.add(.files, "\(model), safetensors to network, file in memory", 1000 * time, "ms")
    }
    let path = "\(folder)/image.png"
    try Picture(someImages(1, for: someNetwork("resnet50"))).writePNG(to: path)
    let time = try clock.least(within: seconds) { _ = try ImageLoader(size: 224).image(at: path) }
    report.add(.files, "PNG of 224 x 224 to image", 1000 * time, "ms")
  }
}
