import Failures
import Foundation
import Onnx
import Pullbacks

/// Runs ONNX's own test cases and counts those that pass, are refused and fail.
struct Conformance {
  private enum Outcome {
    case passed(String)
    case refused(String)
    case failed(String)
  }

  func run(_ folders: [String]) throws {
    var (passed, refused, failed) = (0, 0, 0)
    for folder in folders {
      for name in try namesOfFiles(in: folder)
      where FileManager.default.fileExists(atPath: "\(folder)/\(name)/model.onnx") {
        switch outcome("\(folder)/\(name)") {
        case .passed(let how):
          passed += 1
          print("passed   \(name)\(how)")
        case .refused(let why):
          refused += 1
          print("refused  \(name): \(why)")
        case .failed(let why):
          failed += 1
          print("FAILED   \(name): \(why)")
        }
      }
    }
    print("\(passed) passed, \(failed) failed, \(refused) refused")
  }

  private func outcome(_ folder: String) -> Outcome {
    do {
      let data = "\(folder)/test_data_set_0"
      let files = try namesOfFiles(in: data)
      func tensors(_ prefix: String) throws -> [TensorFile] {
        try (0..<files.count { $0.hasPrefix(prefix) }).map { try TensorFile(path: "\(data)/\(prefix)\($0).pb") }
      }
      let (inputs, outputs) = (try tensors("input_"), try tensors("output_"))
      guard let first = inputs.first(where: { $0.tensor.type == .float32 }) ?? inputs.first else {
        return .refused("nothing comes in")
      }
      // All inputs open, or all but the first of floats known.
      var reason = ""
      for held in [[], inputs.filter { $0.name != first.name }] {
        do {
          if let problem = try difference(folder, inputs, held, outputs) { return .failed(problem) }
          return .passed(held.isEmpty ? "" : " (\(held.count) inputs known)")
        } catch {
          reason = "\(error)".replacingOccurrences(of: "\(folder)/", with: "")
          if inputs.count == 1 { break }
        }
      }
      return .refused(reason)
    } catch {
      return .refused("\(error)")
    }
  }

  /// The problem, nil if there is none.
  private func difference(
    _ folder: String, _ inputs: [TensorFile], _ held: [TensorFile], _ outputs: [TensorFile]
  ) throws -> String? {
    var options = OnnxOptions(batch: .none)
    options.endsAtLogits = false
    for input in inputs { options.shapes[input.name] = input.tensor.shape }
    for input in held { options.held[input.name] = input.tensor }
    let model = try OnnxModel(contentsOf: URL(filePath: "\(folder)/model.onnx"), options: options)
    var given: [String: Tensor] = [:]
    for input in inputs where options.held[input.name] == nil {
      let isInteger = model.network.graph.inputs.first { $0.name == input.name }?.type == .int64
      let tensor = input.tensor
      let value =
        isInteger || tensor.type == .float32 ? tensor : Tensor(shape: tensor.shape, tensor.integers.map(Float.init))
      given[input.name] = value.reshaped([1] + tensor.shape)
    }
    let names = model.network.graph.outputs.map(\.name)
    let trace = try model.network.trace(at: given, rules: [])
    for output in outputs where names.contains(output.name) {
      let found = try trace.output(output.name)
      let expected = output.tensor
      guard Array(found.shape.dropFirst()) == expected.shape else {
        return "\(output.name): expected shape \(expected.shape), found \(found.shape.dropFirst())"
      }
      let (a, b) = (numbers(found), numbers(expected))
      for (x, y) in zip(a, b)
      where !(x == y || x.isNaN && y.isNaN || abs(x - y) <= 1e-5 + max(1e-3, output.precision) * abs(y)) {
        return "\(output.name): expected \(y), found \(x)"
      }
    }
    return nil
  }

  private func numbers(_ tensor: Tensor) -> [Float] {
    tensor.type == .float32 ? tensor.scalars : tensor.integers.map(Float.init)
  }
}
