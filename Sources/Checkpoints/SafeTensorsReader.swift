import Failures

/// Reads the safetensors format: the header's length as 64 bits, the header in JSON, then the tensors' bytes, which
/// the header must cover without holes or overlaps.
///
/// Source: https://github.com/huggingface/safetensors, section "Format".
enum SafeTensorsReader {
  /// Longer headers are refused by every reader of the format.
  static let longestHeader = 100_000_000

  static func recognizes(_ file: FileCopy) -> Bool {
    guard file.holds([UInt8(ascii: "{")], at: 8), let length = try? file.load(UInt64.self, at: 0) else { return false }
    return length >> 40 == 0
  }

  static func read(_ file: FileCopy) throws -> CheckpointContent {
    let length = Int(clamping: try file.load(UInt64.self, at: 0))
    guard length <= longestHeader, length <= file.count - 8 else {
      throw file.malformed(
        "a header of \(length) bytes is announced, and the file has \(file.count - 8) after the announcement")
    }
    let data = 8 + length
    let header = try SafeTensorsHeader(text: try file.bytes(in: 8..<data), of: file)

    // In the order of their bytes, each tensor must begin where the one before it ends.
    var end = 0
    let inOrder = header.fields.sorted {
      ($0.offsets.lowerBound, $0.offsets.upperBound) < ($1.offsets.lowerBound, $1.offsets.upperBound)
    }
    for field in inOrder {
      guard field.offsets.lowerBound == end else {
        throw file.malformed(
          "tensor \(quoted(field.name)) begins at byte \(field.offsets.lowerBound) of the data, not at \(end)")
      }
      end = field.offsets.upperBound
    }
    guard end == file.count - data else {
      throw file.malformed("the tensors cover \(end) bytes of data, and the file has \(file.count - data)")
    }
    let tensors = try header.fields.map { field in
      try StoredTensor(
        TensorEntry(name: field.name, dtype: field.dtype, shape: field.shape),
        filling: data + field.offsets.lowerBound..<data + field.offsets.upperBound, of: file)
    }
    return CheckpointContent(format: .safeTensors, tensors: tensors, metadata: header.metadata)
  }
}

/// The JSON header of a safetensors file, read strictly: what its fixed grammar does not allow is an error.
///
///     { "__metadata__": {string: string}, name: {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ... }
struct SafeTensorsHeader {
  struct Field {
    var name: String
    var dtype: ScalarType
    var shape: [Int]
    /// The tensor's bytes, counted from the end of the header.
    var offsets: Range<Int>
  }

  /// Several times what the largest networks have; the bound keeps a hostile header's cost below a second.
  static let mostTensors = 200_000

  /// The tensors in the header's order.
  private(set) var fields: [Field] = []
  private(set) var metadata: [String: String] = [:]
  private let file: FileCopy
  private var scanner: JSONScanner

  /// - Parameter text: the header, which may be padded with spaces at its end.
  init(text: UnsafeRawBufferPointer, of file: FileCopy) throws {
    self.file = file
    scanner = JSONScanner(text) { file.malformed("the header is not that of a safetensors file: \($0)") }
    var names: Set<String> = []
    try readObject { header, name in
      guard names.insert(name).inserted else { throw file.malformed("the header names \(quoted(name)) twice") }
      if name == "__metadata__" {
        try header.readMetadata()
      } else {
        guard header.fields.count < Self.mostTensors else {
          throw file.malformed("the header lists more than \(Self.mostTensors) tensors")
        }
        header.fields.append(try header.readField(name))
      }
    }
    try scanner.expectEnd()
  }

  private mutating func readMetadata() throws {
    try readObject { header, key in
      guard header.metadata[key] == nil else {
        throw header.file.malformed("the metadata names \(quoted(key)) twice")
      }
      header.metadata[key] = try header.scanner.string()
    }
  }

  private mutating func readField(_ name: String) throws -> Field {
    let file = file
    var dtype: ScalarType?
    var shape: [Int]?
    var offsets: [Int]?
    try readObject { header, key in
      switch key {
      case "dtype" where dtype == nil:
        let text = try header.scanner.string()
        dtype = ScalarType.allCases.first { $0.safeTensorsName == text }
        if dtype == nil { throw file.malformed("tensor \(quoted(name)) has the unknown type \(quoted(text))") }
      case "shape" where shape == nil: shape = try header.readNumbers(atMost: 64)
      case "data_offsets" where offsets == nil: offsets = try header.readNumbers(atMost: 2)
      default: throw file.malformed("tensor \(quoted(name)) has the unexpected field \(quoted(key))")
      }
    }
    guard let dtype, let shape, let offsets, offsets.count == 2, offsets[0] <= offsets[1] else {
      throw file.malformed("tensor \(quoted(name)) lacks its dtype, its shape or an ordered pair of data_offsets")
    }
    return Field(name: name, dtype: dtype, shape: shape, offsets: offsets[0]..<offsets[1])
  }

  private mutating func readObject(_ member: (inout Self, String) throws -> Void) throws {
    try scanner.expect("{")
    if scanner.skip("}") { return }
    repeat {
      let key = try scanner.string()
      try scanner.expect(":")
      try member(&self, key)
    } while scanner.skip(",")
    try scanner.expect("}")
  }

  private mutating func readNumbers(atMost limit: Int) throws -> [Int] {
    var numbers: [Int] = []
    try scanner.expect("[")
    if scanner.skip("]") { return numbers }
    repeat {
      guard numbers.count < limit else { throw scanner.unexpected("more than \(limit) numbers") }
      numbers.append(try scanner.number())
    } while scanner.skip(",")
    try scanner.expect("]")
    return numbers
  }
}
