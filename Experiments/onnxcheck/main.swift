import Checkpoints
import Failures
import Foundation
import Networks
import Onnx
import Pullbacks

// onnxcheck conformance FOLDER...   runs ONNX's own test cases: folders with model.onnx and test_data_set_0
// onnxcheck model FILE REFERENCE    compares a network with PyTorch's values and gradients (Tests/Oracles/onnx_zoo.py)
// onnxcheck rules FILE              prints what became of each node


let arguments = Array(CommandLine.arguments.dropFirst())
do {
  switch arguments.first {
  case "conformance": try Conformance().run(Array(arguments.dropFirst()))
  case "model": try ModelCheck.run(arguments[1], arguments[2], arguments.count > 3 ? arguments[3] : nil)
  case "rules":
    let model = try OnnxModel(contentsOf: URL(filePath: arguments[1]))
    for node in model.nodes { print("\(node.name)\t\(node.op)\t\(node.nodes.joined(separator: ", "))\t\(node.reason)") }
    for note in model.notes { print("note: \(note)") }
  default: print("usage: onnxcheck conformance FOLDER... | model FILE REFERENCE | rules FILE")
  }
} catch {
  print("\(error)")
  exit(1)
}
