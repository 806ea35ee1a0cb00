import Failures
import Onnx
import Pullbacks

/// A network of integers, from the embedding on that reads them.
struct EmbeddedInputs {
  let network: Network
  let node: String
  /// The vectors in the place of integers.
  let content: InputContent?

  init(_ whole: Network, _ input: String, _ content: InputContent?) throws {
    let graph = whole.graph
    let reading = graph.nodes.filter { $0.operation is Embedding }
    guard let first = reading.first else {
      throw PullbackError(
        .usage, "input \(input)", "it is of integers, and no embedding of \(graph.name) reads it",
        advice: graph.inputs.count > 1
          ? "cotangents reach floats alone: explain another input"
          : "cotangents reach floats alone: export the model from its first floats on")
    }
    node = first.name
    let (front, back) = (try whole.truncated(at: node), try whole.starting(at: node))
    guard case .array(let array, let path) = content else {
      (network, self.content) = (back, content)
      return
    }
    let ids = try array.asIntegers(path)
    let shape = graph.inputShape
    let batch = ids.shape == shape ? ids.reshaped([1] + shape) : ids
    var looked = batch
    if graph.nodes[first.inputs[0]].name == input {
      looked = try batch.asRows(of: (first.operation as! Embedding).count, named: node, path)
    }
    self.content = .array(try front(looked), path: path)
    guard back.graph.inputs.count > 1 else {
      network = back
      return
    }
    // The integers matter elsewhere, too: as a mask, or as the places of tokens.
    guard batch.shape[0] == 1 else {
      throw PullbackError(
        .usage, path,
        "\(graph.name) reads \(input) elsewhere than at \(node), where it is held: found "
          + "\(batch.shape[0]) at once", advice: "explain them one at a time")
    }
    network = try back.holding(input, at: batch.reshaped(shape))
  }
}

extension Tensor {
  /// Integers as rows of a table, negative ones counted from its end.
  fileprivate func asRows(of count: Int, named table: String, _ path: String) throws -> Tensor {
    let rows = try integers.enumerated().map { index, id in
      guard (-Int64(count)..<Int64(count)).contains(id) else {
        throw PullbackError(
          .data, path, "holds \(id) at index \(index), expected 0 to \(count - 1), the rows of \(table)")
      }
      return id < 0 ? id + Int64(count) : id
    }
    return Tensor(shape: shape, integers: rows)
  }

  /// Whole numbers as integers.
  func asIntegers(_ path: String) throws -> Tensor {
    guard type == .float32 else { return self }
    let integers = try scalars.enumerated().map { index, value in
      guard let integer = Int64(exactly: value) else {
        throw PullbackError(.data, path, "expected whole numbers, found \(value) at index \(index)")
      }
      return integer
    }
    return Tensor(shape: shape, integers: integers)
  }
}
