//: # What a pullback costs
//:
//: The median time of a forward pass, a gradient and a soft pullback, beside PyTorch's on the same machine in the same
//: run when a Python with torch is found (`PYTHON` names it). Times include the forward pass.

import ExperimentKit
import Foundation
import Kernels

let models = CommandLine.arguments.count > 1 ? Array(CommandLine.arguments.dropFirst()) : ["efficientnet-lite0"]
let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("torch_side.py").path

/// Milliseconds of each pass, by its name.
typealias Times = [String: Double]

func milliseconds(seconds: Double = 2, _ body: () throws -> Void) rethrows -> Double {
  try body()
  var times: [Double] = []
  while times.reduce(0, +) < seconds || times.count < 3 {
    let start = ContinuousClock.now
    try body()
    times.append((ContinuousClock.now - start) / .seconds(1))
  }
  return 1000 * times.sorted()[times.count / 2]
}

func measure(_ model: String, batch: Int) throws -> Times {
  let graph = try Architecture.named(model).graph(resolution: 224)
  var parameters: [String: Tensor] = [:]
  for (name, description) in graph.parameters {
    // Running variances must be positive; for the rest any small numbers do, as times do not depend on them.
    let value: Float = name.hasSuffix("running_var") ? 1 : 0.01
    parameters[name] = Tensor(shape: description.shape, repeating: value)
  }
  let network = try Network(graph, parameters: parameters)
  let x = Tensor(shape: [batch] + graph.inputShape, (0..<batch * graph.inputShape.reduce(1, *)).map { Float($0 % 255) / 127.5 - 1 })
  let selector = try network.oneHot([Int](repeating: 7, count: batch))
  func pull(_ rules: RuleSet) throws -> Double {
    try milliseconds { _ = try network.valueWithPullback(at: x, rules: rules).pullback(selector) }
  }
  return [
    "forward": try milliseconds { _ = try network(x) }, "gradient": try pull(.gradient), "soft": try pull(.softPullback()),
  ]
}

/// PyTorch's times, nil where there is no Python with what the script imports.
func measureTorch(_ model: String, batch: Int) -> Times? {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = [ProcessInfo.processInfo.environment["PYTHON"] ?? "python3", script, model, "\(batch)"]
  let output = Pipe()
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  guard (try? process.run()) != nil else { return nil }
  let data = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
  return object?.compactMapValues { $0 as? Double }
}

do {
  print("OpenBLAS kernels: \(blasCoreName())")
  for model in models {
    for batch in [1, 10] {
      let ours = try measure(model, batch: batch)
      let theirs = measureTorch(model, batch: batch)
      for pass in ["forward", "gradient", "soft"] {
        var line = "\(model)\tbatch \(batch)\t\(pass)\t\(decimal(ours[pass]!, places: 1)) ms"
        if let other = theirs?[pass] {
          line += "\tPyTorch \(decimal(other, places: 1)) ms\tratio \(decimal(ours[pass]! / other, places: 2))"
        }
        print(line)
      }
      if theirs == nil { print("\(model)\tbatch \(batch)\tno PyTorch to compare with") }
    }
  }
} catch {
  exitReporting(error, from: "bench")
}
