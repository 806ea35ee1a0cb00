import Attribution
import Checkpoints
import Failures
import Pullbacks

extension Network {
  /// The network's value at an image, which must be a number everywhere: a ranking of others would mean nothing.
  ///
  /// - Throws: `PullbackError` of kind `data` if parameters or image lead beyond float32.
  public func finiteValue(at image: Tensor, named name: String) throws(PullbackError) -> Tensor {
    let value = try self(image)
    try checkFinite(value, named: name)
    return value
  }

  /// Throws unless the network's value at an image is a number everywhere.
  public func checkFinite(_ value: Tensor, named name: String) throws(PullbackError) {
    guard let index = Checkpoint.firstNonFinite(in: value) else { return }
    throw PullbackError(
      .data, name,
      "the output of \(graph.name) holds \(value.scalars[index]) at index \(index), expected finite numbers",
      advice: nonFiniteParameter ?? "check that the checkpoint is whole: its values overflow float32 on the way")
  }

  /// A sentence about the first parameter that is no number somewhere; nil where all are.
  private var nonFiniteParameter: String? {
    for (name, tensor) in parameters.sorted(by: { $0.key < $1.key }) {
      guard let index = Checkpoint.firstNonFinite(in: tensor) else { continue }
      return
        "its tensor \(PathText.shown(name)) holds \(tensor.scalars[index]) at index \(index): take a whole checkpoint"
    }
    return nil
  }
}

extension Explainer {
  /// Throws unless an attribution is a number everywhere.
  ///
  /// - Parameter image: whose attribution it is, for the message.
  public func checkFinite(_ map: Tensor, of image: String) throws(PullbackError) {
    guard Checkpoint.firstNonFinite(in: map) == nil else {
      throw PullbackError(
        .data, "\(name) of \(image)", "the attribution is not finite: values overflowed float32 on the way",
        advice: "take smaller steps, perturbations or weights")
    }
  }
}
