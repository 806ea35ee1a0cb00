import Foundation
import Pullbacks
import SwiftProtobuf
import TestKit

@testable import Onnx

/// Models that are put together here, to be read by themselves and to be damaged.
struct TestModel {
  var proto = Onnx_ModelProto.with {
    $0.irVersion = 8
    $0.opsetImport = [.with { $0.version = 17 }]
    $0.graph.name = "test"
  }

  /// - Parameters:
  ///   - inputs: names and extents; the first is the batch, and 0 is an open one.
  ///   - outputs: names.
  init(inputs: [(String, [Int])] = [("x", [0, 3])], outputs: [String] = ["y"]) {
    proto.graph.input = inputs.map { name, extents in Self.value(name, extents) }
    proto.graph.output = outputs.map { Self.value($0, []) }
  }

  static func value(_ name: String, _ extents: [Int], type: Int32 = 1) -> Onnx_ValueInfoProto {
    .with {
      $0.name = name
      $0.type.tensorType.elemType = type
      $0.type.tensorType.shape.dim = extents.map { extent in
        .with { if extent > 0 { $0.dimValue = Int64(extent) } else { $0.dimParam = "n" } }
      }
    }
  }

  mutating func node(
    _ op: String, _ inputs: [String], _ outputs: [String], name: String? = nil, ints: [String: [Int]] = [:],
    numbers: [String: Int] = [:], texts: [String: String] = [:]
  ) {
    proto.graph.node.append(
      .with { node in
        node.opType = op
        node.input = inputs
        node.output = outputs
        node.name = name ?? "\(op)_\(outputs.first ?? "")"
        node.attribute =
          ints.map { name, values in
            .with {
              $0.name = name
              $0.type = .ints
              $0.ints = values.map(Int64.init)
            }
          }
          + numbers.map { name, value in
            .with {
              $0.name = name
              $0.type = .int
              $0.i = Int64(value)
            }
          }
          + texts.map { name, text in
            .with {
              $0.name = name
              $0.type = .string
              $0.s = Data(text.utf8)
            }
          }
      })
  }

  mutating func tensor(_ name: String, _ shape: [Int], _ values: [Float]) {
    proto.graph.initializer.append(Self.tensor(name, shape, values))
  }

  static func tensor(_ name: String, _ shape: [Int], _ values: [Float]) -> Onnx_TensorProto {
    .with {
      $0.name = name
      $0.dataType = 1
      $0.dims = shape.map(Int64.init)
      $0.floatData = values
    }
  }

  mutating func integers(_ name: String, _ values: [Int]) {
    proto.graph.initializer.append(
      .with {
        $0.name = name
        $0.dataType = 7
        $0.dims = [Int64(values.count)]
        $0.int64Data = values.map(Int64.init)
      })
  }

  func bytes() throws -> Data { try proto.serializedData() }

  /// Writes the model to a file of its own and reads that.
  func read(_ options: OnnxOptions = OnnxOptions()) throws -> OnnxModel { try Self.read(bytes(), options) }

  static func read(_ bytes: Data, _ options: OnnxOptions = OnnxOptions()) throws -> OnnxModel {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("onnx-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("model.onnx")
    try bytes.write(to: file)
    return try OnnxModel(contentsOf: file, options: options)
  }
}
