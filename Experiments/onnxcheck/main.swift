import Checkpoints
import Failures
import Foundation
import Networks
import Onnx
import Pullbacks

// onnxcheck conformance FOLDER...   runs ONNX's own test cases: folders with model.onnx and test_data_set_0
// onnxcheck model FILE REFERENCE    compares a network with PyTorch's values and gradients (Tests/Oracles/onnx_zoo.py)
// onnxcheck rules FILE [NAME=N...]   prints what became of each node
// onnxcheck time FILE NAME=CHECKPOINT  times a graph and the architecture that it was exported from, by turns

let arguments = Array(CommandLine.arguments.dropFirst())
do {
  switch arguments.first {
  case "conformance": try Conformance().run(Array(arguments.dropFirst()))
  case "model": try ModelCheck.run(arguments[1], arguments[2], arguments.count > 3 ? arguments[3] : nil)
  case "time": try Timing.run(arguments[1], arguments[2])
  case "rules":
    // Extents and shapes: sequence=16 x=1,3,48,192
    var options = OnnxOptions()
    for setting in arguments.dropFirst(2) {
      let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
      let numbers = parts[1].split(separator: ",").compactMap { Int($0) }
      if numbers.count == 1 { options.extents[parts[0]] = numbers[0] } else { options.shapes[parts[0]] = numbers }
    }
    let model = try OnnxModel(contentsOf: URL(filePath: arguments[1]), options: options)
    for node in model.nodes { print("\(node.name)\t\(node.op)\t\(node.nodes.joined(separator: ", "))\t\(node.reason)") }
    for note in model.notes { print("note: \(note)") }
  default:
    print("usage: onnxcheck conformance FOLDER... | model FILE REFERENCE | rules FILE | time FILE NAME=CHECKPOINT")
  }
} catch {
  print("\(error)")
  exit(1)
}
