import Failures
import Pullbacks
import TestKit
import Testing

@testable import Imaging

/// Array files against numpy's own.
struct NPYTests {
  @Test(arguments: try Fixtures.names(withPrefix: "array-"))
  func numpysBytes(name: String) throws {
    let axes = name.dropFirst("array-".count).dropLast(".npy".count)
    let shape = axes == "scalar" ? [] : axes.split(separator: "x").compactMap { Int($0) }
    let values = (0..<shape.reduce(1, *)).map { Float($0) / 7 - 1 }
    let tensor = try NPY.read(Fixtures.path(name))
    #expect(tensor.shape == shape)
    #expect(tensor.scalars == values)
    try withTemporaryFolder { folder in
      try NPY.write(tensor, to: "\(folder)/a.npy")
      #expect(try InputFile.bytes(of: "\(folder)/a.npy", limit: 1 << 20) == Fixtures.bytes(name))
    }
  }

  @Test(arguments: ["version2.npy", "version3.npy"])
  func laterVersions(name: String) throws {
    #expect(try NPY.read(Fixtures.path(name)) == Tensor(shape: [2, 3], [0, 1, 2, 3, 4, 5]))
  }

  /// Integers of every width, where they are asked for.
  @Test(arguments: [
    ("<i8", 8), ("<i4", 4), ("<i2", 2), ("|i1", 1), ("<u4", 4), ("<u2", 2), ("|u1", 1), ("|b1", 1),
  ]) func integers(_ type: String, _ width: Int) throws {
    let values: [Int64] = type == "|b1" ? [0, 1, 1] : type.contains("u") ? [0, 7, 200] : [0, -3, 100]
    let header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (3,), }\n"
    var bytes = NPYHeader.magic + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8)
    for value in values { withUnsafeBytes(of: value.littleEndian) { bytes += $0.prefix(width) } }
    try withTemporaryFolder { folder in
      try AtomicFile.write(bytes, to: "\(folder)/a.npy")
      #expect(try NPY.readNumbers(InputFile("\(folder)/a.npy")) == Tensor(shape: [3], integers: values))
      #expect(throws: PullbackError.self) { try NPY.read("\(folder)/a.npy") }
      try AtomicFile.write(bytes.dropLast(), to: "\(folder)/b.npy")
      #expect(throws: PullbackError.self) { try NPY.readNumbers(InputFile("\(folder)/b.npy")) }
    }
  }

  @Test(arguments: [
    ("float64", "expected float32 ('<f4'), found '<f8'; save with numpy.float32"),
    ("big-endian", "expected float32 ('<f4'), found '>f4'; save with numpy.float32"),
    ("integer", "expected float32 ('<f4'), found '<i4'; save with numpy.float32"),
    ("structured", "expected float32 ('<f4'), found a structured type; save with numpy.float32"),
    (
      "column-major",
      "expected row-major (C) order, found column-major (Fortran); save numpy.ascontiguousarray(a)"
    ),
  ])
  func refusesOtherArrays(name: String, message: String) throws {
    let path = Fixtures.path("refused-\(name).npy")
    let error = try #require(throws: PullbackError.self) { try NPY.read(path) }
    #expect(error.kind == .data)
    #expect(error.description == "\(path): \(message)")
  }

  @Test(arguments: [
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8, true),
    ("{\"shape\":(1,2L,),\"fortran_order\":False,\"descr\":\"<f4\"}\n", 8, true),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 7, false),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 9, false),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (2)}", 8, false),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", 8, false),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': ()}", 8, false),
    ("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8, false),
    ("{'descr': '<f4', 'fortran_order': False}", 8, false),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)", 8, false),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} {}", 8, false),
    ("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", 8, false),
    ("{'descr': [[['<f4'", 8, false),
    ("{'descr", 8, false),
    ("", 8, false),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", 8, false),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", 8, false),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387906,)}", 8, false),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 0)}", 0, false),
  ])
  func headers(text: String, dataCount: Int, isAccepted: Bool) throws {
    let header = Array(text.utf8)
    let prefix: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count & 0xFF), UInt8(header.count >> 8)]
    try withTemporaryFolder { folder in
      try AtomicFile.write(prefix + header + Array(repeating: 0, count: dataCount), to: "\(folder)/a.npy")
      let tensor = Result { try NPY.read("\(folder)/a.npy") }
      switch tensor {
      case .success(let tensor): #expect(isAccepted && tensor.count == dataCount / 4)
      case .failure(let error): #expect(!isAccepted && (error as? PullbackError)?.kind == .data)
      }
    }
  }

  @Test func everyTruncationIsAnError() throws {
    for name in ["array-2x3.npy", "version2.npy"] {
      let whole = try Fixtures.bytes(name)
      try withTemporaryFolder { folder in
        for count in whole.indices {
          try AtomicFile.write(Array(whole[..<count]), to: "\(folder)/a.npy")
          #expect(throws: PullbackError.self, "\(count) bytes") { try NPY.read("\(folder)/a.npy") }
        }
      }
    }
  }

  @Test func aHeaderCannotBeEndless() throws {
    var bytes = try Fixtures.bytes("version2.npy")
    bytes.replaceSubrange(8..<12, with: [0xFF, 0xFF, 0xFF, 0xFF])
    try withTemporaryFolder { folder in
      try AtomicFile.write(bytes, to: "\(folder)/a.npy")
      let error = try #require(throws: PullbackError.self) { try NPY.read("\(folder)/a.npy") }
      #expect(error.problem.contains("found 4294967295"))
    }
  }
}
