import ExperimentKit
import Networks
import Pullbacks
import Testing

/// The counts that torchvision 0.28 gives with its weights (`_ops`), in 10^9.
@Test(
  arguments: zip(
    ["resnet50", "vgg11_bn", "densenet121", "convnext_tiny", "vit_b_16", "efficientnet_b0"],
    [4.089, 7.609, 2.834, 4.456, 17.564, 0.386]))
func multiplyAddsAreTorchvisions(architecture: String, expected: Double) throws {
  let count = try Architecture.named(architecture).graph().multiplyAdds * 1e-9
  #expect(abs(count - expected) < 0.001, "\(count)")
}

@Test func multiplyAddsOfTransposedConvolutions() throws {
  let graph = try Graph("spread", input: [6, 5, 7]) {
    $0.apply(TransposedConvolution(4, kernel: 3, stride: 2, groups: 2), "spread")
  }
  #expect(graph.multiplyAdds == Double(6 * 5 * 7 * 2 * 3 * 3))
}
